"""Exact test of a share that differs between groups (Fisher; Freeman and Halton for several)."""

from collections.abc import Sequence
from math import exp, inf, lgamma, prod

MAX_TABLES = 100_000  # that are enumerated; for more, tables are drawn
DRAWS = 2_000
_NEAR = 1e-7  # relative: tables as likely as the observed one, as R's fisher.test takes them


def exact_p(found: Sequence[int], totals: Sequence[int]) -> tuple[float, bool]:
    """Return the two-sided p of a 2 x k table, and whether all tables with its margins were seen.

    *found* counts the members of each group with a property, of *totals*, at least 0 each. p is the
    probability of all tables at most as likely as the observed one if the property is independent
    of the group (Freeman and Halton, "Note on an exact treatment of contingency, goodness of fit
    and other problems of significance", 1951). With more than MAX_TABLES tables, p is estimated
    from DRAWS random ones, with a fixed seed, and at least 1 / (DRAWS + 1). It is 1 without groups.
    """
    if not totals:
        return 1.0, True
    order = sorted(range(len(totals)), key=lambda group: totals[group])  # the largest last
    sizes, marked = [totals[group] for group in order], sum(found)
    logs = [[_log_choose(size, k) for k in range(size + 1)] for size in sizes]
    total = _log_choose(sum(sizes), marked)
    limit = sum(logs[at][found[group]] for at, group in enumerate(order)) + _NEAR
    if prod(min(size, marked) + 1 for size in sizes[:-1]) > MAX_TABLES:
        return _drawn(sizes, marked, logs, limit), False
    tables = [(0, 0.0)]  # how many are placed, and the log of the ways
    for at, size in enumerate(sizes[:-1]):
        rest = sum(sizes[at + 1 :])
        tables = [
            (placed + k, ways + logs[at][k])
            for placed, ways in tables
            for k in range(max(0, marked - placed - rest), min(size, marked - placed) + 1)
        ]
    ways = (ways + logs[-1][marked - placed] for placed, ways in tables)
    return min(1.0, sum(exp(each - total) for each in ways if each <= limit)), True


def _drawn(
    sizes: Sequence[int], marked: int, logs: Sequence[Sequence[float]], limit: float
) -> float:
    """Return the share of random tables that are at most as likely."""
    import numpy as np  # late, as few collections have that many groups

    draw = np.random.default_rng(0).multivariate_hypergeometric
    drawn = draw(sizes, marked, size=DRAWS, method="marginals").T
    ways = sum(np.asarray(log)[of] for log, of in zip(logs, drawn, strict=True))
    return float((np.sum(ways <= limit) + 1) / (DRAWS + 1))


def _log_choose(n: int, k: int) -> float:
    return -inf if k > n else lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
