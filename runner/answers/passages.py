"""Passages: how far each part of a conversation is about a question."""

import math
from collections import Counter
from collections.abc import Collection, Sequence

_REACH = 8  # segments after which a word counts 1/e as much
_SATURATION = 1.2  # BM25's k1: further mentions add less and less
_SPEAKER = 0.5  # what being near a speaker named in the question adds, as a share


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
    spread = Counter(term for segment in terms for term in set(segment))
    scores = [0.0] * len(terms)
    for term in sorted(set(asked) & spread.keys()):
        rarity = math.log(1 + (len(terms) - spread[term] + 0.5) / (spread[term] + 0.5))
        mentions = [float(term in segment) for segment in terms]
        for place, near in enumerate(_spread(mentions, _REACH)):
            scores[place] += rarity * near / (near + _SATURATION)
    if named and any(named):
        close = _spread([float(is_named) for is_named in named], _REACH / 2)
        most = max(close)
        scores = [s * (1 + _SPEAKER * c / most) for s, c in zip(scores, close, strict=True)]
    return scores


def _spread(values: Sequence[float], reach: float) -> list[float]:
    """Return at each place the sum of all *values*, weighted by exp(-distance / *reach*)."""
    decay = math.exp(-1 / reach)
    before, after = list(values), list(values)
    for place in range(1, len(values)):
        before[place] += decay * before[place - 1]
        after[-1 - place] += decay * after[-place]
    return [b + a - v for b, a, v in zip(before, after, values, strict=True)]
