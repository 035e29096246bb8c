"""How much repeats scatter, and whether two sets of them differ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median, variance

LEVEL = 0.05  # of all verdicts about one figure together


@dataclass(frozen=True, slots=True)
class Spread:
    """Of *n* values; *low* to *high* is a 95 % interval of the mean, None for fewer than two.

    The interval is Student's t interval ("The probable error of a mean", Biometrika 1908).
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

    Welch's test ("The generalization of 'Student's' problem", Biometrika 1947). Where neither
    scatters at all, variances tell nothing; it is then the exact permutation test, whose p is
    2 / C(n + m, n) for two sets that do not overlap.
    """
    n, m = len(one), len(other)
    a, b = variance(one) / n, variance(other) / m
    gap = fmean(one) - fmean(other)
    if a + b <= (1e-12 * max(abs(fmean(one)), abs(fmean(other)))) ** 2:
        return 1.0 if math.isclose(fmean(one), fmean(other)) else 2 / math.comb(n + m, n)
    freedom = (a + b) ** 2 / (a**2 / (n - 1) + b**2 / (m - 1))
    return 2 * (1 - t_cdf(abs(gap) / math.sqrt(a + b), freedom))


def holm(values: Sequence[float]) -> list[float]:
    """Return p values adjusted so that one error among all of them is as rare as in one.

    Holm, "A simple sequentially rejective multiple test procedure", 1979.
    """
    order = sorted(range(len(values)), key=values.__getitem__)
    adjusted = [0.0] * len(values)
    worst = 0.0
    for place, at in enumerate(order):
        worst = max(worst, min(1.0, values[at] * (len(values) - place)))
        adjusted[at] = worst
    return adjusted


def t_cdf(t: float, freedom: float) -> float:
    """Return the probability that Student's t with *freedom* > 0 degrees is at most *t*."""
    tail = 0.5 * _beta_share(freedom / (freedom + t * t), freedom / 2, 0.5)
    return 1 - tail if t > 0 else tail


def t_quantile(p: float, freedom: float) -> float:
    """Return the t that Student's distribution stays below with probability *p*, 0.5 to 1."""
    low, high = 0.0, 1.0
    while t_cdf(high, freedom) < p:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if t_cdf(middle, freedom) < p else (low, middle)
    return high


def _beta_share(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b).

    By Lentz's continued fraction (Press et al., "Numerical Recipes", section 6.4).
    """
    if x <= 0 or x >= 1:
        return min(max(x, 0.0), 1.0)
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta_share(1 - x, b, a)
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(scale + a * math.log(x) + b * math.log1p(-x)) / a
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1))
    product = d
    for m in range(1, 300):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for part in (even, odd):
            d = 1 / _away(1 + part * d)
            c = _away(1 + part / c)
            product *= c * d
        if abs(c * d - 1) < 1e-14:
            break
    return front * product


def _away(value: float) -> float:
    """Keep a divisor away from zero."""
    return value if abs(value) > 1e-300 else 1e-300
