"""Paired comparison of two settings over the same transcripts: interval, test, and power.

A transcript gives each setting two numbers, (part, whole), such as right and labelled findings;
the figure of a setting is the sum of parts over that of wholes.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import NormalDist, stdev

from runner.base.statistics import wilson
from runner.reports.compare.spread import t_quantile

Counts = tuple[float, float]  # part and whole of one transcript
LEVEL = 0.05
MIN_TRANSCRIPTS = 6  # transcripts: with fewer no p value of the test is below LEVEL
DRAWS = 2000  # of the bootstrap
SWAPS = 1999  # of the test, where not all are tried
ALL_OF = 11  # transcripts: up to here all 2**n swaps are tried
MAX_BLOCKS = 100  # more transcripts are dealt into so many groups
MAX_NEEDED = 1000
_SEED = 18
_POWER = 0.8
_NORMAL = NormalDist()
_CHUNK = 8


@dataclass(frozen=True, slots=True)
class Interval:
    """A *value* with a 95 % interval, whose ends are None where *n* transcripts are too few."""

    value: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Difference:
    """The first less the second, of *n* transcripts that both have; *p* is two-sided."""

    value: float
    low: float | None
    high: float | None
    n: int
    p: float | None
    error: float | None  # standard error, of the bootstrap


def _rated(counts: Sequence[Counts]) -> Callable[[Sequence[int]], float | None]:
    """Return the sum of parts over that of wholes as a function of places in *counts*."""
    part, whole = ([each[at] for each in counts].__getitem__ for at in (0, 1))

    def rated(places: Sequence[int]) -> float | None:
        total = sum(map(whole, places))
        return sum(map(part, places)) / total if total else None

    return rated


def rate_of(counts: Sequence[Counts]) -> Interval | None:
    """Return the rate of *counts* with its interval, None if it is unknown."""
    if counts and all(whole == 1 and part in (0, 1) for part, whole in counts):
        part, n = sum(part for part, _ in counts), len(counts)
        return Interval(part / n, *wilson(part, n), n)  # one check, passed or not
    n, counts = len(counts), _blocks(counts)
    found = interval_of(len(counts), _rated(counts))
    if found is not None and found.value in (0, 1) and found.low is not None:
        low, high = wilson(found.value * n, n)  # no sample has another value
        found = replace(found, low=low, high=high)
    return found and replace(found, n=n)


def interval_of(n: int, figure: Callable[[Sequence[int]], float | None]) -> Interval | None:
    """Return *figure* of the transcripts 0 to *n* - 1 with its interval, None if it is unknown.

    The bootstrap over transcripts (Efron 1979): *figure* of each of DRAWS samples of places, drawn
    with replacement. The percentiles widen it for small samples (Hesterberg, "What teachers should
    know about the bootstrap", 2015, section 3.2).
    """
    value = figure(range(n))
    if value is None:
        return None
    low, high, _ = _bootstrap(n, figure)
    return Interval(value, low, high, n)


def difference(first: Sequence[Counts], second: Sequence[Counts]) -> Difference | None:
    """Return how the *first* setting differs from the *second*, both by transcript, in one order.

    *p* is that of swapping the settings within transcripts at random (Fisher's randomization test;
    all swaps up to ALL_OF transcripts). A difference of all against none has the interval of Zou
    and Donner (Statistics in Medicine, 2008). None if the figure of one is unknown.
    """
    count = len(first)
    first, second = _blocks(first), _blocks(second)
    n = len(first)

    a, b = _rated(first), _rated(second)

    def gap(places: Sequence[int]) -> float | None:
        one, other = a(places), b(places)
        return None if one is None or other is None else one - other

    value = gap(range(n))
    if value is None:
        return None
    low, high, error = _bootstrap(n, gap)
    if abs(value) == 1 and low is not None:  # no sample has another: by the ends of both rates
        reach = math.sqrt(2) * (1 - wilson(count, count)[0])
        low, high = sorted((value, value * (1 - reach)))
    p = _swapped(first, second, value) if n > 1 else None
    return Difference(value, low, high, count, p, error)


def is_significant(found: Difference, p: float | None) -> bool:
    """Return whether *found* is significant: adjusted *p* is below LEVEL and 0 is outside.

    If not all swaps are tried, the upper bound of *p* (95 %, by its binomial error) must be below.
    """
    if p is None or found.low is None or found.high is None:
        return False
    error = math.sqrt(p * (1 - p) / SWAPS) if found.n > ALL_OF else 0.0
    return p + _NORMAL.inv_cdf(1 - LEVEL) * error < LEVEL and not found.low <= 0 <= found.high


def needed(found: Difference, pairs: int) -> int | None:
    """Return how many transcripts would detect such a difference in four of five studies.

    By the normal approximation, at LEVEL over the number of *pairs*; None for more than MAX_NEEDED,
    or if the difference or its error is 0.
    """
    if not found.value or not found.error:
        return None
    z = _NORMAL.inv_cdf(1 - LEVEL / 2 / max(1, pairs)) + _NORMAL.inv_cdf(_POWER)
    n = math.ceil(found.n * (z * found.error / found.value) ** 2)
    return max(MIN_TRANSCRIPTS, n) if n <= MAX_NEEDED else None


def _blocks(counts: Sequence[Counts]) -> Sequence[Counts]:
    """Return *counts*, dealt into MAX_BLOCKS sums where there are more."""
    if len(counts) <= MAX_BLOCKS:
        return counts
    dealt = (counts[at::MAX_BLOCKS] for at in range(MAX_BLOCKS))
    return [(sum(a for a, _ in each), sum(b for _, b in each)) for each in dealt]


@lru_cache(maxsize=8)
def _draws(n: int) -> Sequence[Sequence[int]]:
    """Return DRAWS samples of *n* places, the same in every comparison."""
    source = random.Random(_SEED)
    places = range(n)
    return [source.choices(places, k=n) for _ in range(DRAWS)]


@lru_cache
def _tail(n: int) -> float:
    """Return the share of draws beyond either end of the interval."""
    return _NORMAL.cdf(-math.sqrt(n / (n - 1)) * t_quantile(1 - LEVEL / 2, n - 1))


def _bootstrap(
    n: int, figure: Callable[[Sequence[int]], float | None]
) -> tuple[float | None, float | None, float | None]:
    """Return the ends of the interval and the standard error, None with fewer than 3."""
    if n < 3:
        return None, None, None
    found = sorted(value for drawn in _draws(n) if (value := figure(drawn)) is not None)
    if len(found) < DRAWS // 2:
        return None, None, None
    at = min(len(found) // 2, int(_tail(n) * len(found)))
    return found[at], found[-1 - at], stdev(found) * math.sqrt(n / (n - 1))


def _swapped(first: Sequence[Counts], second: Sequence[Counts], value: float) -> float:
    """Return the share of swaps whose difference is at least as large as *value*."""
    pairs = list(zip(first, second, strict=True))
    part_a, whole_a = (sum(a[i] for a, _ in pairs) for i in (0, 1))
    part_b, whole_b = (sum(b[i] for _, b in pairs) for i in (0, 1))
    moves = [(b[0] - a[0], b[1] - a[1]) for a, b in pairs]
    exact = len(pairs) <= ALL_OF
    sums = _subset_sums(moves) if exact else _random_sums(moves)
    far = tried = 0
    for part, whole in sums:
        a, b = whole_a + whole, whole_b - whole
        if not a or not b:
            continue
        tried += 1
        far += abs((part_a + part) / a - (part_b - part) / b) >= abs(value) - 1e-12
    return far / tried if exact else (far + 1) / (tried + 1)


def _subset_sums(moves: Sequence[Counts]) -> list[Counts]:
    sums = [(0.0, 0.0)]
    for part, whole in moves:
        sums += [(a + part, b + whole) for a, b in sums]
    return sums


def _random_sums(moves: Sequence[Counts]) -> list[Counts]:
    source = random.Random(
        f"{_SEED} {moves}"
    )  # one set of swaps for all data has an error of its own
    tables = [_subset_sums(moves[at : at + _CHUNK]) for at in range(0, len(moves), _CHUNK)]
    drawn = ([source.choice(table) for table in tables] for _ in range(SWAPS))
    return [(sum(a for a, _ in each), sum(b for _, b in each)) for each in drawn]
