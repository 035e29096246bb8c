"""Paired comparison of two settings over the same transcripts: interval, test, and power.

A transcript gives each setting counts, such as (right, labelled) findings; a figure of the setting
is a function of their sums over transcripts.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from runner.base.agreement import Array, ratio
from runner.base.statistics import wilson
from runner.reports.compare.spread import LEVEL, t_quantile

Figure = Callable[[Array], Any]  # of sums, in the last axes; NaN where it is unknown
Counts = tuple[float, float]  # part and whole of one transcript
MIN_TRANSCRIPTS = 6  # transcripts: with fewer no p value of the test is below LEVEL
DRAWS = 2000  # samples of the bootstrap
MIN_DRAWN = 3  # transcripts: with fewer the bootstrap gives no interval
SWAPS = 1999  # of the test, where not all are tried
ACCEPTED = 0.0425  # the largest p of which the upper bound is below LEVEL, with SWAPS swaps
ALL_OF = 11  # transcripts: up to here all 2**n swaps are tried
MAX_BLOCKS = 100  # more transcripts are dealt into so many groups
MAX_NEEDED = 1000
_SEED = 18
_POWER = 0.8
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Interval:
    """A *value* with a 95 % interval; its ends are None where *n* transcripts do not show it."""

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


def _rate(sums: Array) -> Any:
    return ratio(sums[..., 0], sums[..., 1])


def rate_of(counts: Sequence[Counts], *, counted: bool = True) -> Interval | None:
    """Return the sum of parts over that of wholes with its interval, None if it is unknown.

    *counted*: the parts count results, such as passed checks; else they are shares.
    """
    n = len(counts)
    if n and counted and all(whole == 1 and part in (0, 1) for part, whole in counts):
        part = sum(part for part, _ in counts)
        return Interval(part / n, *wilson(part, n), n)  # one check, passed or not
    found = interval_of(counts, _rate)
    if found is not None and found.value in (0, 1) and n >= MIN_DRAWN:
        low, high = wilson(found.value * n, n)  # no sample has another value
        found = replace(found, low=low, high=high)
    return found


def interval_of(counts: ArrayLike, figure: Figure) -> Interval | None:
    """Return the *figure* of *counts* by transcript with its interval, None if it is unknown.

    The bootstrap over transcripts (Efron 1979): *figure* of each of DRAWS samples, drawn with
    replacement. The percentiles widen it for small samples (Hesterberg, "What teachers should
    know about the bootstrap", 2015, section 3.2). Samples that all have one figure do not show how
    far it can be off: its interval is unknown.
    """
    rows = np.asarray(counts, dtype=float)
    if not len(rows) or math.isnan(value := float(figure(rows.sum(0)))):
        return None
    low, high, _ = _bootstrap(_dealt(rows), figure)
    if low is not None and high is not None and high - low < 1e-12:
        low = high = None
    return Interval(value, low, high, len(rows))


def _rate_gap(sums: Array) -> Any:
    return _rate(sums[..., 0, :]) - _rate(sums[..., 1, :])


def difference(
    first: Sequence[Counts] | Array, second: Sequence[Counts] | Array, gap: Figure = _rate_gap
) -> Difference | None:
    """Return how the *first* setting differs from the *second*, both by transcript, in one order.

    *gap* is that of their sums, stacked, by default the difference of the parts of their wholes.
    *p* is that of swapping the settings within transcripts at random (Fisher's randomization test;
    all swaps up to ALL_OF transcripts). A difference of all against none has the interval of Zou
    and Donner (Statistics in Medicine, 2008). None if the figure of one is unknown.
    """
    n = len(first)
    if not n:
        return None
    pairs = _dealt(np.stack([first, second], 1))
    if math.isnan(value := float(gap(pairs.sum(0)))):
        return None
    low, high, error = _bootstrap(pairs, gap)
    if abs(value) == 1 and low is not None:  # no sample has another: by the ends of both rates
        reach = math.sqrt(2) * (1 - wilson(n, n)[0])
        low, high = sorted((value, value * (1 - reach)))
    return Difference(value, low, high, n, _swapped(pairs, gap) if n > 1 else None, error)


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

    By the normal approximation, at ACCEPTED over the number of *pairs*, and Guenther's addition for
    Student's t ("Sample size formulas for normal theory t tests", 1981). None for more than
    MAX_NEEDED, or if the difference or its error is 0.
    """
    if not found.value or not found.error:
        return None
    tail = _NORMAL.inv_cdf(1 - ACCEPTED / 2 / max(1, pairs))
    z = tail + _NORMAL.inv_cdf(_POWER)
    n = math.ceil(found.n * (z * found.error / found.value) ** 2 + tail**2 / 2)
    return max(MIN_TRANSCRIPTS, n) if n <= MAX_NEEDED else None


def _dealt(rows: Array) -> Array:
    """Return *rows*, dealt into MAX_BLOCKS sums where there are more."""
    if len(rows) <= MAX_BLOCKS:
        return rows
    return np.array([rows[at::MAX_BLOCKS].sum(0) for at in range(MAX_BLOCKS)])


@lru_cache(maxsize=8)
def _draws(n: int) -> Array:
    """Return how often each of *n* places is in each of DRAWS samples, always the same ones."""
    source = random.Random(_SEED)
    drawn = (source.choices(range(n), k=n) for _ in range(DRAWS))
    return np.array([np.bincount(places, minlength=n) for places in drawn], dtype=float)


def _bootstrap(rows: Array, figure: Figure) -> tuple[float | None, float | None, float | None]:
    """Return the ends of the interval and the standard error, None below MIN_DRAWN."""
    n = len(rows)
    if n < MIN_DRAWN:
        return None, None, None
    values = figure(np.einsum("dn,n...->d...", _draws(n), rows))
    found = np.sort(values[~np.isnan(values)])
    if len(found) < DRAWS // 2:
        return None, None, None
    tail = _NORMAL.cdf(-math.sqrt(n / (n - 1)) * t_quantile(1 - LEVEL / 2, n - 1))
    at = min(len(found) // 2, int(tail * len(found)))
    error = float(found.std(ddof=1)) * math.sqrt(n / (n - 1))
    return float(found[at]), float(found[-1 - at]), error


def _swapped(pairs: Array, gap: Figure) -> float:
    """Return the share of swaps within *pairs* whose *gap* is at least as large as theirs."""
    n, exact = len(pairs), len(pairs) <= ALL_OF
    if exact:
        swaps = np.arange(2**n)[:, None] >> np.arange(n) & 1
    else:  # one set of swaps for all data has an error of its own
        source = random.Random(_SEED + int.from_bytes(pairs.tobytes()))
        swaps = np.frombuffer(source.randbytes(SWAPS * n), np.uint8).reshape(SWAPS, n) & 1
    moves = np.einsum("sn,n...->s...", swaps, pairs[:, ::-1] - pairs)
    gaps = gap(pairs.sum(0) + moves)
    gaps = np.abs(gaps[~np.isnan(gaps)])
    extra = 0 if exact else 1  # the pairs as they are
    far = np.count_nonzero(gaps >= abs(gap(pairs.sum(0))) - 1e-12)
    return float(far + extra) / (len(gaps) + extra)
