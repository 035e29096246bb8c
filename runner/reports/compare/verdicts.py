"""Significance of the differences between two settings in time, cost and quality."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

from runner.base.format import seconds, usd
from runner.reports.compare.rows import Group, known_figures
from runner.reports.compare.spread import LEVEL, difference_p, holm

MIN_REPEATS = 3  # repeats of each that a test needs
MIN_P = 0.001  # shown
MAX_COMPARED = 100  # settings in pairs
INCONCLUSIVE = "no significant difference"
EQUAL = "equal"
# By figure: the word for the first of a pair if it is lower, and if it is higher.
WORDS = {
    "wall_s": ("faster", "slower"),
    "cost_usd": ("cheaper", "more expensive"),
    "quality": ("worse", "better"),
}
# By figure: its name, the word for the best setting, and the form of its value.
_BEST = {
    "wall_s": ("time", "the fastest", seconds),
    "cost_usd": ("cost", "the cheapest", usd),
    "quality": ("quality", "the best", "{:.3f}".format),
}
_TOKENS = ("prompt_tokens", "completion_tokens")


@dataclass(frozen=True, slots=True)
class PairVerdict:
    """How the first of a pair compares with the second; *ratio* is that of their means.

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

    With fewer than MIN_REPEATS repeats of each, only deterministic figures get a verdict.
    """
    pairs = list(combinations(groups, 2))
    found: list[dict[str, PairVerdict]] = [{} for _ in pairs]
    for figure in WORDS:
        samples = list(combinations([_values(group, figure) for group in groups], 2))
        exact = [_is_exact(a, b, figure) for a, b in pairs]
        enough = [min(len(a), len(b)) >= MIN_REPEATS for a, b in samples]
        tested = [at for at in range(len(pairs)) if enough[at] and not exact[at]]
        adjusted = holm([difference_p(*samples[at]) for at in tested])
        p_values = dict(zip(tested, adjusted, strict=True))
        for at, (a, b) in enumerate(samples):
            found[at][figure] = _verdict(figure, a, b, p_values.get(at), exact=exact[at])
    return [Pair(a.label, b.label, each) for (a, b), each in zip(pairs, found, strict=True)]


def most_telling(groups: Sequence[Group]) -> Sequence[Group]:
    """Return the settings to compare in pairs: MAX_COMPARED at most, those best in a figure too."""
    if len(groups) <= MAX_COMPARED:
        return groups
    best = [_best_of(figure, _known(figure, groups)) for figure in _BEST]
    return sorted(groups, key=lambda group: group.label not in best)[:MAX_COMPARED]


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
        return PairVerdict(INCONCLUSIVE, None, None, "unknown")
    first, second = fmean(a), fmean(b)
    ratio = first / second if second else None
    lower, higher = WORDS[figure]
    word = lower if first < second else higher
    if exact:
        return PairVerdict(EQUAL if first == second else word, ratio, None, "deterministic")
    if p is None:
        why = f"n={len(a)} and n={len(b)}, {MIN_REPEATS} of each needed"
        return PairVerdict(INCONCLUSIVE, ratio, None, why)
    return PairVerdict(
        word if p < LEVEL else INCONCLUSIVE,
        ratio,
        p,
        f"p={p:.2g}" if p >= MIN_P else f"p<{MIN_P}",
    )


def verdict_on(groups: Sequence[Group], pairs: Sequence[Pair]) -> str:
    """Return the verdict of *pairs* on all *groups*, in one line."""
    if len(groups) < 2:
        return f"There is {'one' if groups else 'no'} setting: nothing to compare."
    clauses: dict[str, list[str]] = {}
    for figure in _BEST:
        clauses.setdefault(_clause(figure, groups, pairs), []).append(_BEST[figure][0])
    lines = (f"{' and '.join(names)}: {clause}." for clause, names in clauses.items())
    return " ".join(line[0].upper() + line[1:] for line in lines)


def _known(figure: str, groups: Sequence[Group]) -> dict[str, float]:
    values = {group.label: group.middle(figure) for group in groups}
    return {label: value for label, value in values.items() if value is not None}


def _best_of(figure: str, known: Mapping[str, float]) -> str:
    """Return the label of the best setting, empty without any."""
    return (max if figure == "quality" else min)(known, key=known.__getitem__, default="")


def _clause(figure: str, groups: Sequence[Group], pairs: Sequence[Pair]) -> str:
    _, word, show = _BEST[figure]
    known = _known(figure, groups)
    if len(known) < 2:
        return "known for fewer than two settings"
    if len(set(known.values())) == 1:
        return "equal"
    best, others = _best_of(figure, known), len(known) - 1
    good, bad = WORDS[figure][:: -1 if figure == "quality" else 1]
    own = [
        (pair.verdicts[figure], good if pair.first == best else bad)
        for pair in pairs
        if best in (pair.first, pair.second) and {pair.first, pair.second} <= known.keys()
    ]
    won = sum(each.verdict == wanted for each, wanted in own)
    value = f"{best}, {show(known[best])}"
    if not won and any(each.p is None and each.verdict == INCONCLUSIVE for each, _ in own):
        return f"no verdict without {MIN_REPEATS} repeats of each setting; so far {word} is {value}"
    if not won:
        return "no significant difference"
    against = "every other setting" if won == others else f"{won} of {others} other settings"
    return f"{word} is {value}, a difference that is significant against {against}"
