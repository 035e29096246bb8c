"""Passages: scores the relevance of each part of a conversation to a question."""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

# Share of a talk's segments after which a word counts 1/e as much, a third of it before the word:
# longer talks have longer topics. Found on 150 meetings of QMSum, see docs/ask.md.
_REACH = 0.03
_MIN_REACH, _MAX_REACH = 3.0, 60.0  # segments
_SATURATION = 1.2  # BM25's k1: further mentions add less and less
_CLOSE = 2  # segments on either side that belong to one place
_SPEAKER = 1.0  # share added near a speaker named in the question
_NEAR_SPEAKER = 4.0  # segments


def relevance(
    terms: Sequence[Collection[str]], weights: Mapping[str, float], named: Sequence[bool] = ()
) -> list[float]:
    """Return the relevance of each segment of one talk to a question, >= 0, in linear time.

    *terms* holds the terms of each segment, *weights* the weight of each term of the question (see
    `inverse_frequencies`), *named* whether the question names its speaker. A term counts as in BM25
    (Robertson et al. 1994), but its frequency is counted over the neighbouring segments with a
    weight that falls with their distance, as in positional language models (Lv and Zhai 2009): an
    answer mostly follows the words of its question, without repeating them.
    """
    scores, (after, before) = [0.0] * len(terms), _reaches(len(terms))
    for term, weight in weights.items():
        mentions = [float(term in segment) for segment in terms]
        if any(mentions):
            for place, near in enumerate(_spread(mentions, after, before)):
                scores[place] += weight * near / (near + _SATURATION)
    if any(named):
        close = _spread([float(is_named) for is_named in named], _NEAR_SPEAKER, _NEAR_SPEAKER)
        most = max(close)
        scores = [s * (1 + _SPEAKER * c / most) for s, c in zip(scores, close, strict=True)]
    return scores


def coverage(terms: Sequence[Collection[str]], asked: Collection[str]) -> list[float]:
    """Return for each segment the share, 0 to 1, of *asked* in it or close to it.

    Terms weigh by rarity; an absent one weighs most. A question whose terms never occur together,
    however often each does, is about something else.
    """
    weights, scores = inverse_frequencies(terms, asked), [0.0] * len(terms)
    for term, weight in weights.items():
        last = -1
        for place in (place for place, segment in enumerate(terms) if term in segment):
            first, last = max(place - _CLOSE, last + 1), min(place + _CLOSE, len(terms) - 1)
            for near in range(first, last + 1):
                scores[near] += weight
    total = sum(weights.values()) or 1.0
    return [min(1.0, score / total) for score in scores]


def inverse_frequencies(
    terms: Sequence[Collection[str]], asked: Collection[str]
) -> dict[str, float]:
    """Return the inverse frequency, > 0, of each term of *asked*, in alphabetical order."""
    wanted, total = set(asked), len(terms)
    spread = Counter(term for segment in terms for term in wanted & set(segment))
    return {
        term: math.log(1 + (total - spread[term] + 0.5) / (spread[term] + 0.5))
        for term in sorted(wanted)
    }


def smoothed(values: Sequence[float]) -> list[float]:
    """Return the mean of *values*, one per segment, over the reach of each segment's words."""
    reaches = _reaches(len(values))
    sums, shares = _spread(values, *reaches), _spread([1.0] * len(values), *reaches)
    return [value / share for value, share in zip(sums, shares, strict=True)]


def _reaches(segments: int) -> tuple[float, float]:
    """Return how many segments after and before it a word reaches."""
    after = min(_MAX_REACH, max(_MIN_REACH, _REACH * segments))
    return after, after / 3


def _spread(values: Sequence[float], after: float, before: float) -> list[float]:
    """Return at each place the sum of *values*, weighted by exp(-distance / reach) of its side."""
    on, back = math.exp(-1 / after), math.exp(-1 / before)
    left, right = list(values), list(values)
    for place in range(1, len(values)):
        left[place] += on * left[place - 1]
        right[-1 - place] += back * right[-place]
    return [one + other - v for one, other, v in zip(left, right, values, strict=True)]
