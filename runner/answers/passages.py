"""Passages: how far each part of a conversation is about a question."""

import math
from collections import Counter
from collections.abc import Collection, Sequence

_REACH = 8  # segments after which a word counts 1/e as much
_SATURATION = 0.6  # BM25's k1: further mentions add less and less
_CLOSE = 2  # segments on either side that belong to one place
_SPEAKER = 1.0  # what being near a speaker named in the question adds, as a share


def relevance(
    terms: Sequence[Collection[str]],
    asked: Collection[str],
    named: Sequence[bool] | None = None,
) -> list[float]:
    """Return for each segment how far it is about the terms *asked*, >= 0, in linear time.

    *terms* holds the terms of each segment, *named* whether the question names its speaker.
    A term weighs as in BM25 (Robertson et al. 1994), but its frequency is counted over the
    neighbouring segments with a weight that falls with their distance, as in positional language
    models (Lv and Zhai 2009): an answer mostly follows the words of its question, without
    repeating them.
    """
    scores, weights = [0.0] * len(terms), rarities(terms, asked)
    for term, rarity in weights.items():
        mentions = [float(term in segment) for segment in terms]
        for place, near in enumerate(_spread(mentions, _REACH)):
            scores[place] += rarity * near / (near + _SATURATION)
    if named and any(named):
        close = _spread([float(is_named) for is_named in named], _REACH / 2)
        most = max(close)
        scores = [s * (1 + _SPEAKER * c / most) for s, c in zip(scores, close, strict=True)]
    return scores


def coverage(terms: Sequence[Collection[str]], asked: Collection[str]) -> list[float]:
    """Return for each segment the share, 0 to 1, of *asked* that stands in it or close to it.

    Terms weigh by rarity; one that is nowhere weighs most. A question whose terms never come
    together, however often each is said, is about something else.
    """
    weights, scores = rarities(terms, asked), [0.0] * len(terms)
    for term, weight in weights.items():
        last = -1
        for place in (place for place, segment in enumerate(terms) if term in segment):
            first, last = max(place - _CLOSE, last + 1), min(place + _CLOSE, len(terms) - 1)
            for near in range(first, last + 1):
                scores[near] += weight
    total = sum(weights.values()) or 1.0
    return [min(1.0, score / total) for score in scores]


def rarities(terms: Sequence[Collection[str]], asked: Collection[str]) -> dict[str, float]:
    """Return the inverse frequency, > 0, of each term of *asked*, in alphabetical order."""
    wanted, total = set(asked), len(terms)
    spread = Counter(term for segment in terms for term in wanted & set(segment))
    return {
        term: math.log(1 + (total - spread[term] + 0.5) / (spread[term] + 0.5))
        for term in sorted(wanted)
    }


def _spread(values: Sequence[float], reach: float) -> list[float]:
    """Return at each place the sum of all *values*, weighted by exp(-distance / *reach*)."""
    decay = math.exp(-1 / reach)
    before, after = list(values), list(values)
    for place in range(1, len(values)):
        before[place] += decay * before[place - 1]
        after[-1 - place] += decay * after[-place]
    return [b + a - v for b, a, v in zip(before, after, values, strict=True)]
