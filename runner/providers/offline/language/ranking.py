"""Ranking: centrality of sentences (TextRank) and a diverse choice of items (MMR)."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from operator import attrgetter
from typing import TypeVar

from runner.answers.contradiction import denials
from runner.providers.offline.language.sentences import Sentence, content_words, cosine

T = TypeVar("T")

_COPY = 0.75  # cosine above which items are copies
_DAMPING = 0.85  # as in PageRank, Brin and Page 1998
_ROUNDS = 15  # the damping leaves less than 0.85 ** 15 = 9 % of the start


def term_weights(chosen: Sequence[Sentence]) -> dict[str, float]:
    """Return the weight of each stem, ≥ 0: log term frequency times inverse sentence frequency.

    A term seen once weighs little: a hapax of speech recognition is often an error
    (Spärck Jones 1972 for the inverse frequency).
    """
    spread = Counter(term for s in chosen for term in set(content_words(s.text)))
    total = len(chosen)
    return {
        term: math.log(1 + count) * math.log(1 + total / count) * (0.4 if count == 1 else 1.0)
        for term, count in spread.items()
    }


def centrality(chosen: Sequence[Sentence], weights: Mapping[str, float]) -> list[float]:
    """Return the centrality of each sentence, 0 to 1, where 1 is the most central.

    TextRank (Mihalcea and Tarau 2004) with LexRank's weighted cosine edges (Erkan and Radev
    2004). The similarity matrix is the product of the sentence-term matrix and its transpose,
    so a round costs the number of words and no matrix of sentences is ever built.
    """
    rows = [_unit_row(sentence, weights) for sentence in chosen]
    total = len(rows)
    if not total:
        return []
    degree = [max(d - 1.0, 1e-9) for d in _similar_mass(rows, [1.0] * total)]
    score = [1.0 / total] * total
    for _ in range(_ROUNDS):
        share = [s / d for s, d in zip(score, degree, strict=True)]
        mass = _similar_mass(rows, share)
        score = [
            (1 - _DAMPING) / total + _DAMPING * max(m - own, 0.0) if row else 0.0
            for row, m, own in zip(rows, mass, share, strict=True)
        ]
    top = max(score)
    return [s / top if top > 0 else 0.0 for s in score]


def _unit_row(sentence: Sentence, weights: Mapping[str, float]) -> dict[str, float]:
    row = {term: weights.get(term, 0.0) for term in set(content_words(sentence.text))}
    # Pad the norm, so that a sentence of two words is not central for one term.
    norm = math.sqrt(sum(w * w for w in row.values()) + 1e-12)
    return {term: w / norm for term, w in sorted(row.items())} if norm > 1e-3 else {}


def _similar_mass(rows: Sequence[Mapping[str, float]], share: Sequence[float]) -> list[float]:
    """Return, for each row, the sum of its cosine with every row times that row's share."""
    mass: dict[str, float] = defaultdict(float)
    for row, part in zip(rows, share, strict=True):
        for term, weight in row.items():
            mass[term] += weight * part
    return [sum(weight * mass[term] for term, weight in row.items()) for row in rows]


def diverse(
    items: Sequence[T],
    n: int,
    *,
    score: Callable[[T], float] = attrgetter("score"),
    text: Callable[[T], str],
    group: Callable[[T], Hashable] = id,
    place: Callable[[T], float] | None = None,
    trade: float = 0.7,
) -> list[T]:
    """Choose up to *n* items that score high and differ, best first.

    Maximal marginal relevance (Carbonell and Goldstein 1998) with *trade* between relevance (1)
    and novelty (0); *score* is 0 to 1. Each item already chosen from the same *group*, for
    example a speaker, costs a further 0.08, and each whose *place* is less than 1 away 0.15.
    Near copies (cosine > 0.75) are never both chosen, unless one denies the other.
    """
    pool = sorted(items, key=lambda item: -score(item))[: max(8 * n, 200)]
    places = [place(item) for item in pool] if place else []
    bags = [frozenset(content_words(text(item))) for item in pool]
    likest = [0.0] * len(pool)
    taken: list[int] = []
    seen: Counter[Hashable] = Counter()

    def value(i: int) -> float:
        near = sum(abs(places[i] - places[j]) < 1 for j in taken) if place else 0
        crowd = 0.08 * seen[group(pool[i])] + 0.15 * near
        return trade * score(pool[i]) - (1 - trade) * likest[i] - crowd

    while len(taken) < n:
        left = [i for i, like in enumerate(likest) if i not in taken and like <= _COPY]
        if not left:
            break
        best = max(left, key=value)
        taken.append(best)
        seen[group(pool[best])] += 1
        for i, bag in enumerate(bags):
            like = cosine(bag, bags[best])
            if like > _COPY and (denials(text(pool[i])) - denials(text(pool[best]))) % 2:
                like = _COPY
            likest[i] = max(likest[i], like)
    return [pool[i] for i in taken]
