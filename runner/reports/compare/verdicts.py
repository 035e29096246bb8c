"""Significance of the differences between two settings in time, cost and quality."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

from runner.base.format import seconds, usd
from runner.reports.compare.keys import name_in_sentence
from runner.reports.compare.rows import Group, known_figures
from runner.reports.compare.spread import LEVEL, difference_p, holm

MIN_REPEATS = 3  # repeats of each that a test needs
MIN_P = 0.001  # shown
MAX_COMPARED = 100  # settings in pairs
INCONCLUSIVE = "no significant difference"
EQUAL = "equal"
_TOKENS = ("prompt_tokens", "completion_tokens")


@dataclass(frozen=True, slots=True)
class ComparedFigure:
    """The words for a figure: its name, those for the first of a pair, and for the best setting.

    *show* returns its value as text.
    """

    name: str
    lower: str
    higher: str
    best: str
    show: Callable[[float], str]
    least_is_best: bool = True

    def best_of(self, known: Mapping[str, float]) -> str:
        """Return the label of the best setting, empty without any."""
        return (min if self.least_is_best else max)(known, key=known.__getitem__, default="")


FIGURES = {
    "wall_s": ComparedFigure("time", "faster", "slower", "the fastest", seconds),
    "cost_usd": ComparedFigure("cost", "cheaper", "more expensive", "the cheapest", usd),
    "quality": ComparedFigure("quality", "worse", "better", "the best", "{:.3f}".format, False),
}


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
    pairs = [*combinations(groups, 2)]
    made = [Pair(first.label, second.label, {}) for first, second in pairs]
    for figure in FIGURES:
        samples = [
            _Samples(
                _values(figure, first), _values(figure, second), _is_exact(first, second, figure)
            )
            for first, second in pairs
        ]
        adjusted = holm([each.p for each in samples])
        for pair, each, p in zip(made, samples, adjusted, strict=True):
            pair.verdicts[figure] = _verdict(figure, each, p)
    return made


@dataclass(frozen=True, slots=True)
class _Samples:
    """The known values of a figure in two settings; *exact*: both are deterministic."""

    first: list[float]
    second: list[float]
    exact: bool

    @property
    def p(self) -> float | None:
        """The p value of equal means, None without a test."""
        few = min(len(self.first), len(self.second)) < MIN_REPEATS
        return None if self.exact or few else difference_p(self.first, self.second)


def _values(figure: str, group: Group) -> list[float]:
    return known_figures(group.rows if figure == "quality" else group.measured, figure)


def most_telling(groups: Sequence[Group]) -> Sequence[Group]:
    """Return the settings to compare in pairs: MAX_COMPARED at most, those best in a figure too."""
    if len(groups) <= MAX_COMPARED:
        return groups
    best = [words.best_of(_known(figure, groups)) for figure, words in FIGURES.items()]
    return sorted(groups, key=lambda group: group.label not in best)[:MAX_COMPARED]


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


def _verdict(figure: str, samples: _Samples, p: float | None) -> PairVerdict:
    """Return the verdict on *samples*; *p* is theirs, adjusted for all pairs."""
    if not samples.first or not samples.second:
        return PairVerdict(INCONCLUSIVE, None, None, "unknown")
    first, second = fmean(samples.first), fmean(samples.second)
    ratio = first / second if second else None
    word = FIGURES[figure].lower if first < second else FIGURES[figure].higher
    if samples.exact:
        return PairVerdict(EQUAL if first == second else word, ratio, None, "deterministic")
    if p is None:
        n, m = len(samples.first), len(samples.second)
        why = f"n={n} and n={m}, {MIN_REPEATS} of each needed"
        return PairVerdict(INCONCLUSIVE, ratio, None, why)
    why = f"p={p:.2g}" if p >= MIN_P else f"p<{MIN_P}"
    return PairVerdict(word if p < LEVEL else INCONCLUSIVE, ratio, p, why)


def verdict_on(groups: Sequence[Group], pairs: Sequence[Pair]) -> str:
    """Return the verdict of *pairs* on all *groups*, in one line."""
    if len(groups) < 2:
        return f"There is {'one' if groups else 'no'} setting: nothing to compare."
    clauses: dict[str, list[str]] = {}
    for figure, words in FIGURES.items():
        clauses.setdefault(_clause(figure, groups, pairs), []).append(words.name)
    lines = (f"{' and '.join(names)}: {clause}." for clause, names in clauses.items())
    return " ".join(line[0].upper() + line[1:] for line in lines)


def _known(figure: str, groups: Sequence[Group]) -> dict[str, float]:
    values = {group.label: group.middle(figure) for group in groups}
    return {label: value for label, value in values.items() if value is not None}


def _clause(figure: str, groups: Sequence[Group], pairs: Sequence[Pair]) -> str:
    words, known = FIGURES[figure], _known(figure, groups)
    if len(known) < 2:
        return "known for fewer than two settings"
    if len(set(known.values())) == 1:
        return "equal"
    best, others = words.best_of(known), len(known) - 1
    better, worse = words.lower, words.higher
    if not words.least_is_best:
        better, worse = worse, better
    own = [
        pair
        for pair in pairs
        if best in (pair.first, pair.second) and {pair.first, pair.second} <= known.keys()
    ]
    verdicts = [pair.verdicts[figure] for pair in own]
    wanted = [better if pair.first == best else worse for pair in own]
    won = sum(each.verdict == word for each, word in zip(verdicts, wanted, strict=True))
    number = next(n for n, group in enumerate(groups, 1) if group.label == best)
    value = f"{words.best} is {name_in_sentence(best, number)}, {words.show(known[best])}"
    if not won and any(each.p is None and each.verdict == INCONCLUSIVE for each in verdicts):
        return f"no verdict without {MIN_REPEATS} repeats of each setting; so far {value}"
    if not won:
        return "no significant difference"
    against = "every other setting" if won == others else f"{won} of {others} other settings"
    return f"{value}, a difference that is significant against {against}"
