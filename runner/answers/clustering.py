"""Agglomerative clustering of texts by the similarity of their words."""

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from runner.answers.themes import CurvePoint

THRESHOLDS = tuple(step / 20 for step in range(2, 20))  # 0.1 to 0.95, of the curve
_MIN_SIMILARITY = 0.05  # similarity below which texts count as unlike …
_MIN_WITH_EMBEDDINGS = 0.2  # … with embeddings, where all have some


@dataclass(frozen=True, slots=True)
class Merge:
    """The groups of texts *one* and *other*, by their first member, have *similarity*."""

    similarity: float
    one: int
    other: int


def vectors(texts: Sequence[Collection[str]]) -> list[dict[str, float]]:
    """Return unit vectors of *texts* (their terms), weighted by inverse frequency among them."""
    spread = Counter(term for terms in texts for term in set(terms))
    total = len(texts)
    made = []
    for terms in texts:
        weights = {term: math.log(1 + total / spread[term]) for term in sorted(set(terms))}
        length = math.sqrt(sum(w * w for w in weights.values())) or 1.0
        made.append({term: w / length for term, w in weights.items()})
    return made


def similarities(
    texts: Sequence[Collection[str]], embedded: Sequence[Sequence[float]] = ()
) -> list[dict[int, float]]:
    """Return for each of *texts* the others that share a term with it, with their cosine.

    With unit vectors *embedded*, it is the mean with theirs, from _MIN_WITH_EMBEDDINGS on.
    """
    found: list[dict[int, float]] = [{} for _ in texts]
    postings: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for place, vector in enumerate(vectors(texts)):
        sums: defaultdict[int, float] = defaultdict(float)
        for term, weight in vector.items():
            for other, theirs in postings[term]:
                sums[other] += weight * theirs
            postings[term].append((place, weight))
        for other, similarity in sums.items():
            if similarity >= _MIN_SIMILARITY:
                found[place][other] = found[other][place] = round(similarity, 9)
    return _averaged(found, embedded) if embedded else found


def _averaged(
    near: Sequence[Mapping[int, float]], embedded: Sequence[Sequence[float]]
) -> list[dict[int, float]]:
    import numpy as np  # late, as few runs have embeddings

    found: list[dict[int, float]] = [{} for _ in near]
    every = np.asarray(embedded, dtype=float)
    for place, mine in enumerate(every):
        for other, cosine in enumerate((every[:place] @ mine).tolist()):
            similarity = round((near[place].get(other, 0.0) + cosine) / 2, 6)
            if similarity >= _MIN_WITH_EMBEDDINGS:
                found[place][other] = found[other][place] = similarity
    return found


def linkage(
    texts: Sequence[Collection[str]], embedded: Sequence[Sequence[float]] = ()
) -> list[Merge]:
    """Return the merges that make one group of *texts*, the most alike first; see `similarities`.

    Groups are as alike as their members on average (UPGMA, Sokal and Michener 1958), so that
    similarity only falls. Texts that share nothing are not joined. Deterministic: of equal pairs
    the first. At most n² steps of n log n.
    """
    near, sizes = similarities(texts, embedded), dict.fromkeys(range(len(texts)), 1)
    heap = [(-value, a, b) for a, row in enumerate(near) for b, value in row.items() if a < b]
    heapq.heapify(heap)
    made: list[Merge] = []
    while heap:
        value, one, other = heapq.heappop(heap)
        if one not in sizes or other not in sizes or near[one].get(other) != -value:
            continue
        made.append(Merge(-value, one, other))
        mine, theirs = sizes[one], sizes.pop(other)
        sizes[one] = mine + theirs
        for third in sorted(({*near[one]} | {*near[other]}) - {one, other}):
            both = mine * near[one].get(third, 0.0) + theirs * near[other].get(third, 0.0)
            near[third].pop(other, None)
            near[one][third] = near[third][one] = joint = round(both / (mine + theirs), 9)
            if joint >= _MIN_SIMILARITY:
                heapq.heappush(heap, (-joint, min(one, third), max(one, third)))
        near[one].pop(other, None)
        near[other] = {}
    return made


def groups_at(threshold: float, count: int, merges: Iterable[Merge]) -> list[list[int]]:
    """Return the groups of *count* texts that are alike from *threshold* on, in order."""
    groups = {place: [place] for place in range(count)}
    for merge in merges:
        if merge.similarity >= threshold:
            groups[merge.one] += groups.pop(merge.other)
    return sorted(map(sorted, groups.values()))


def curve(counts_and_merges: Iterable[tuple[int, Sequence[Merge]]]) -> tuple[CurvePoint, ...]:
    """Return the groups, over several sets of texts, that each of THRESHOLDS gives."""
    number, largest = Counter[float](), Counter[float]()
    for count, merges in counts_and_merges:
        for threshold in THRESHOLDS:
            groups = groups_at(threshold, count, merges)
            number[threshold] += len(groups)
            largest[threshold] = max(largest[threshold], *map(len, groups), 0)
    return tuple(CurvePoint(each, number[each], largest[each]) for each in THRESHOLDS)
