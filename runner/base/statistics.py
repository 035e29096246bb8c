"""Statistics: intervals of proportions; Cohen's kappa and Krippendorff's alpha of raters.

Agreement is computed from tables of pairs of values, which add up over transcripts.
"""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import permutations

_Z = 1.959964  # of 95 %


def wilson(part: float, whole: float) -> tuple[float, float]:
    """Return the 95 % interval of the share *part* of *whole* > 0 independent results.

    Wilson's score interval (Journal of the American Statistical Association, 1927), which holds
    for few results and for all or none of them.
    """
    share, spread = part / whole, _Z**2 / whole
    middle = (share + spread / 2) / (1 + spread)
    half = _Z * math.sqrt(share * (1 - share) / whole + spread / (4 * whole)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


Table = Mapping[tuple[Hashable, Hashable], float]


def cohen_kappa(*tables: Table) -> float | None:
    """Return the agreement of two raters beyond chance, -1 to 1.

    A table counts their pairs of values. Cohen, "A coefficient of agreement for nominal scales",
    1960. Several tables with one total are pooled: mean agreement against mean chance (De Vries et
    al. 2008). None without a pair, or if both give one value to everything, as chance would.
    """
    beyond, possible = _added(map(_beyond_chance, tables))
    return beyond / possible if possible else None


def _beyond_chance(table: Table) -> tuple[float, float]:
    """Return the agreement beyond chance and its maximum, both times the squared total."""
    total = sum(table.values())
    one: Counter[Hashable] = Counter()
    other: Counter[Hashable] = Counter()
    for (a, b), n in table.items():
        one[a] += n  # type: ignore[assignment]
        other[b] += n  # type: ignore[assignment]
    chance = sum(one[each] * other[each] for each in one)
    observed = sum(n for (a, b), n in table.items() if a == b)
    return observed * total - chance, total**2 - chance


def krippendorff_alpha(*tables: Table) -> float | None:
    """Return the agreement of any number of raters on nominal values, at most 1.

    A table is that of `coincidences`. Krippendorff, "Computing Krippendorff's alpha-reliability",
    2011, section C. Several tables with one total are pooled: mean disagreement against mean
    expected disagreement. None without two values of one item, or if all values are equal.
    """
    apart, expected = _added(map(_disagreement, tables))
    return 1 - apart / expected if expected > 1e-9 else None


def _disagreement(table: Table) -> tuple[float, float]:
    """Return the observed and the expected disagreement, times the total and the total less one."""
    each: Counter[Hashable] = Counter()
    for (a, _), n in table.items():
        each[a] += n  # type: ignore[assignment]
    total = sum(each.values())
    apart = sum(n for (a, b), n in table.items() if a != b)
    return (total - 1) * apart, total**2 - sum(n**2 for n in each.values())


def _added(pairs: Iterable[tuple[float, float]]) -> tuple[float, float]:
    first = second = 0.0
    for a, b in pairs:
        first, second = first + a, second + b
    return first, second


def coincidences(units: Iterable[Sequence[Hashable]]) -> dict[tuple[Hashable, Hashable], float]:
    """Return the coincidences of values in *units*: each item's ratings, without absent raters."""
    table: dict[tuple[Hashable, Hashable], float] = {}
    for values in units:
        for pair in permutations(values, 2):
            table[pair] = table.get(pair, 0.0) + 1 / (len(values) - 1)
    return table


def summed(tables: Iterable[Table]) -> Table:
    """Return the sum of *tables*."""
    total: dict[tuple[Hashable, Hashable], float] = {}
    for table in tables:
        for pair, n in table.items():
            total[pair] = total.get(pair, 0.0) + n
    return total
