"""Statistics: intervals of proportions; Cohen's kappa and Krippendorff's alpha of raters.

Agreement is computed from tables of pairs of values, which add up over transcripts.
"""

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import permutations
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)

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
    beyond, possible = _pooled(_beyond_chance, tables)
    return beyond / possible if possible else None


def _beyond_chance(table: Table) -> tuple[float, float]:
    """Return the agreement beyond chance and its maximum, both times the squared total."""
    total, one, other = sum(table.values()), _margin(table, 0), _margin(table, 1)
    chance = sum(n * other.get(each, 0) for each, n in one.items())
    observed = sum(n for (a, b), n in table.items() if a == b)
    return observed * total - chance, total**2 - chance


def krippendorff_alpha(*tables: Table) -> float | None:
    """Return the agreement of any number of raters on nominal values, at most 1.

    A table is that of `coincidences`. Krippendorff, "Computing Krippendorff's alpha-reliability",
    2011, section C. Several tables with one total are pooled: mean disagreement against mean
    expected disagreement. None without two values of one item, or if all values are equal.
    """
    apart, expected = _pooled(_disagreement, tables)
    return 1 - apart / expected if expected > 1e-9 else None


def _disagreement(table: Table) -> tuple[float, float]:
    """Return the observed and the expected disagreement, times the total and the total less one."""
    total = sum(table.values())
    apart = sum(n for (a, b), n in table.items() if a != b)
    return (total - 1) * apart, total**2 - sum(n**2 for n in _margin(table, 0).values())


def _margin(table: Table, place: int) -> dict[Hashable, float]:
    """Return how often *table* has each value at *place* of its pairs."""
    return _added((pair[place], n) for pair, n in table.items())


def _pooled(
    of: Callable[[Table], tuple[float, float]], tables: Iterable[Table]
) -> tuple[float, float]:
    pairs = [of(table) for table in tables]
    return sum(first for first, _ in pairs), sum(second for _, second in pairs)


def _added(counts: Iterable[tuple[Key, float]]) -> dict[Key, float]:
    total: dict[Key, float] = {}
    for key, n in counts:
        total[key] = total.get(key, 0.0) + n
    return total


def coincidences(units: Iterable[Sequence[Hashable]]) -> dict[tuple[Hashable, Hashable], float]:
    """Return the coincidences of values in *units*: each item's ratings, without absent raters."""
    return _added(
        (pair, 1 / (len(values) - 1)) for values in units for pair in permutations(values, 2)
    )


def summed(tables: Iterable[Table]) -> Table:
    """Return the sum of *tables*."""
    return _added(item for table in tables for item in table.items())
