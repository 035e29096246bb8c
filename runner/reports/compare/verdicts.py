"""Significance of the differences between two settings in time, cost and quality."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

from runner.reports.compare.group import Group
from runner.reports.compare.rows import known_figures
from runner.reports.compare.spread import LEVEL, difference_p, holm

LEAST = 3  # repeats of each that a test needs
UNTOLD = "no significant difference"
EQUAL = "equal"
# By figure: the word for the first of a pair if it is lower, and if it is higher.
WORDS = {
    "wall_s": ("faster", "slower"),
    "cost_usd": ("cheaper", "more expensive"),
    "quality": ("worse", "better"),
}
_TOKENS = ("prompt_tokens", "completion_tokens")


@dataclass(frozen=True, slots=True)
class PairVerdict:
    """How the first of a pair compares; *ratio* is its mean over that of the second.

    *p* is adjusted for all pairs, None without a test. *why* gives the basis.
    """

    verdict: str
    ratio: float | None
    p: float | None
    why: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Two settings, by label, and a verdict for each figure."""

    first: str
    second: str
    verdicts: dict[str, PairVerdict]


def judge(groups: Sequence[Group]) -> list[Pair]:
    """Return a verdict on every pair: Welch's test at LEVEL, adjusted by Holm over all pairs.

    With fewer than LEAST repeats of each, only deterministic figures get a verdict.
    """
    pairs = list(combinations(groups, 2))
    found: list[dict[str, PairVerdict]] = [{} for _ in pairs]
    for figure in WORDS:
        samples = [(_values(a, figure), _values(b, figure)) for a, b in pairs]
        exact = [_is_exact(a, b, figure) for a, b in pairs]
        enough = [min(len(a), len(b)) >= LEAST for a, b in samples]
        tested = [at for at in range(len(pairs)) if enough[at] and not exact[at]]
        adjusted = holm([difference_p(*samples[at]) for at in tested])
        p_values = dict(zip(tested, adjusted, strict=True))
        for at, (a, b) in enumerate(samples):
            found[at][figure] = _verdict(figure, a, b, p_values.get(at), exact=exact[at])
    return [Pair(a.label, b.label, each) for (a, b), each in zip(pairs, found, strict=True)]


def _values(group: Group, figure: str) -> list[float]:
    return known_figures(group.rows if figure == "quality" else group.measured, figure)


def _is_exact(one: Group, other: Group, figure: str) -> bool:
    """Return whether the figure is deterministic in both settings.

    Cost depends on cached tokens, which depend on timing: it needs equal counts of those.
    """
    rows = [*one.rows, *other.rows]
    if figure == "wall_s" or not all(row.deterministic for row in rows):
        return False
    names = (*_TOKENS, figure)
    scatter = [{row.figure(n) for row in group.rows} for group in (one, other) for n in names]
    cached = {row.figure("cached_tokens") for row in rows}
    return all(len(each) == 1 for each in scatter) and (figure != "cost_usd" or len(cached) == 1)


def _verdict(
    figure: str, a: Sequence[float], b: Sequence[float], p: float | None, *, exact: bool
) -> PairVerdict:
    if not a or not b:
        return PairVerdict(UNTOLD, None, None, "unknown")
    first, second = fmean(a), fmean(b)
    ratio = first / second if second else None
    lower, higher = WORDS[figure]
    word = lower if first < second else higher
    if exact:
        return PairVerdict(EQUAL if first == second else word, ratio, None, "deterministic")
    if p is None:
        why = f"n={len(a)} and n={len(b)}, {LEAST} of each needed"
        return PairVerdict(UNTOLD, ratio, None, why)
    return PairVerdict(word if p < LEVEL else UNTOLD, ratio, p, f"p={p:.2g}")
