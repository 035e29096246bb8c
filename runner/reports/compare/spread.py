"""The spread of repeats, and the significance of a difference between two sets of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean, median, variance
from typing import TypeVar

P = TypeVar("P", float, float | None)
LEVEL = 0.05  # of all verdicts about one figure together
PANELS = 200  # of the integral, an even number


@dataclass(frozen=True, slots=True)
class Spread:
    """Spread of *n* values; *low* to *high* is a 95 % interval of the mean, None for one value.

    It is Student's t interval ("The probable error of a mean", Biometrika 1908).
    """

    n: int
    median: float
    minimum: float
    maximum: float
    mean: float
    low: float | None
    high: float | None


def spread(values: Sequence[float]) -> Spread | None:
    """Return the spread of *values*, None without any."""
    if not values:
        return None
    n, mean = len(values), fmean(values)
    low = high = None
    if n > 1:
        half = t_quantile(0.975, n - 1) * math.sqrt(variance(values) / n)
        low, high = mean - half, mean + half
    return Spread(n, median(values), min(values), max(values), mean, low, high)


def difference_p(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the two-sided p value of equal means, each of two values or more.

    Welch's test ("The generalization of 'Student's' problem", Biometrika 1947). If both variances
    are 0 it is the exact permutation test, whose p is 2 / C(n + m, n) for sets that do not overlap.
    """
    n, m = len(one), len(other)
    a, b = variance(one) / n, variance(other) / m
    gap = fmean(one) - fmean(other)
    if a + b <= (1e-12 * max(abs(fmean(one)), abs(fmean(other)))) ** 2:
        return 1.0 if math.isclose(fmean(one), fmean(other)) else 2 / math.comb(n + m, n)
    freedom = (a + b) ** 2 / (a**2 / (n - 1) + b**2 / (m - 1))
    return max(0.0, 2 * (1 - t_cdf(abs(gap) / math.sqrt(a + b), freedom)))


def holm(values: Sequence[P]) -> list[P]:
    """Return *values*, p values, adjusted for their number; None stays None and does not count.

    Holm, "A simple sequentially rejective multiple test procedure", 1979.
    """
    order = sorted((p, at) for at, p in enumerate(values) if p is not None)
    adjusted, worst = list[P](values), 0.0
    for place, (p, at) in enumerate(order):
        adjusted[at] = worst = max(worst, min(1.0, p * (len(order) - place)))
    return adjusted


def t_cdf(t: float, freedom: float) -> float:
    """Return the probability that Student's t with *freedom* >= 1 degrees is at most *t*.

    By Simpson's rule over the angle whose tangent is t / sqrt(freedom).
    """
    end = math.atan(t / math.sqrt(freedom))
    heights: list[float] = [math.cos(end * n / PANELS) ** (freedom - 1) for n in range(PANELS + 1)]
    area = sum(heights) + sum(heights[1:-1]) + 2 * sum(heights[1:-1:2])
    log_scale = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)
    return 0.5 + end * area / (3 * PANELS) * math.exp(log_scale) / math.sqrt(math.pi)


@lru_cache
def t_quantile(p: float, freedom: float) -> float:
    """Return the t that Student's distribution stays below with probability *p*, 0.5 to 1."""
    low, high = 0.0, 1.0
    while t_cdf(high, freedom) < p:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if t_cdf(middle, freedom) < p else (low, middle)
    return high
