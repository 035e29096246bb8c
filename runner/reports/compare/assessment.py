"""Quality of settings: figures, paired differences and agreement of raters, with intervals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby, product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from runner.answers.labels import RIGHT, WRONG, FindingLabel
from runner.base.agreement import cohen_kappa, coincidences, krippendorff_alpha
from runner.base.format import plural
from runner.reports.compare.assessment_data import CHECK, COVERAGE, FOUND, PRECISION, Setting
from runner.reports.compare.labelled import compared
from runner.reports.compare.paired import (
    MIN_TRANSCRIPTS,
    Difference,
    Interval,
    difference,
    interval_of,
    is_significant,
    needed,
    rate_of,
)
from runner.reports.compare.spread import holm

MAX_SETTINGS = 10  # compared in pairs
MAX_AGREEMENT = 3  # pairs of settings whose agreement has a line each
_CLAUSES = {  # by kind of figure, in their order: words for a difference, and for none
    PRECISION: ("is right {points} {less} often", "right"),
    FOUND: ("finds {points} {fewer} {things}", "found"),
    COVERAGE: ("covers {points} {less} of the transcripts", "covered"),
    CHECK: ("passes the check “{check}” {points} {less} often", "check"),
}


@dataclass(frozen=True, slots=True)
class SettingFigures:
    """The figures of a setting by name; *labelled* of its findings have a verdict."""

    label: str
    transcripts: int
    findings: int
    labelled: int
    figures: Mapping[str, Interval]


@dataclass(frozen=True, slots=True)
class _Gap:
    """The *difference* of two settings in the figure *name*; *doubt* is what makes it doubtful."""

    name: str
    one: Setting
    other: Setting
    difference: Difference
    doubt: str


@dataclass(frozen=True, slots=True)
class FigurePair:
    """Difference of *first* and *second* in one figure; *p* is adjusted for all pairs.

    *told_apart*: it is significant; *needed*: transcripts that would make it so.
    """

    figure: str
    first: str
    second: str
    difference: Difference
    p: float | None
    told_apart: bool
    needed: int | None
    words: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement *between* settings on the segments that they cite, or raters on verdicts.

    *measure* is `kappa` of two or `alpha` of all.
    """

    of: str
    measure: str
    between: tuple[str, ...]
    found: Interval


@dataclass(frozen=True, slots=True)
class Assessment:
    """The quality part of a comparison; *lines* are its verdicts in words."""

    settings: tuple[SettingFigures, ...] = ()
    pairs: tuple[FigurePair, ...] = ()
    agreement: tuple[Agreement, ...] = ()
    lines: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def assess(
    settings: Sequence[Setting], labels: Sequence[FindingLabel], notes: Iterable[str]
) -> Assessment:
    """Return the figures, pairs and agreement of *settings*, as `assessment_data` returns them."""
    names = _names(settings)
    compared = settings[:MAX_SETTINGS]
    kinds = groupby(names, key=lambda name: name.partition(" ")[:2])
    pairs = [pair for _, of_kind in kinds for pair in _pairs([*of_kind], compared)]
    ordered = sorted(pairs, key=lambda pair: not pair.told_apart)
    notes = [*notes]
    if len(settings) > MAX_SETTINGS:
        notes.append(f"Of {len(settings)} settings the first {MAX_SETTINGS} are compared in pairs.")
    if names and len(compared) > 1 and all(pair.difference.n < MIN_TRANSCRIPTS for pair in pairs):
        most = max((pair.difference.n for pair in pairs), default=0)
        notes.append(
            f"Settings share at most {most} of the {MIN_TRANSCRIPTS} transcripts that a verdict on "
            "coverage, checks or labels needs."
        )
        ordered = []
    agreement = [*_of_settings(compared), *_of_raters(labels)]
    differing = [e for e in ordered if e.difference.value or e.difference.error]
    lines = [*(pair.words for pair in differing), *_agreement_lines(agreement)]
    if alike := len(ordered) - len(differing):
        lines.append(f"{plural(alike, 'further figure')} of pairs: no difference in any transcript")
    figures = (_figures(setting, names) for setting in settings)
    return Assessment(tuple(figures), tuple(pairs), tuple(agreement), tuple(lines), tuple(notes))


def _names(settings: Sequence[Setting]) -> list[str]:
    """Return the names of all figures; with one labelled analyzer, only its own."""
    found = {name for setting in settings for name in setting.figures}
    by_analyzer = [name for name in found if name.startswith(f"{FOUND} ")]
    if len(by_analyzer) == 1:
        found.discard(FOUND)
    return sorted(found, key=lambda name: ([*_CLAUSES].index(name.split()[0]), name))


def _figures(setting: Setting, names: Sequence[str]) -> SettingFigures:
    counts = {name: [*setting.figures.get(name, {}).values()] for name in names}
    found = {name: rate_of(held, counted=name != COVERAGE) for name, held in counts.items()}
    figures = {name: interval for name, interval in found.items() if interval is not None}
    n = len(setting.transcripts)
    verdicts = [verdict for held in setting.items.values() for _, verdict in held]
    labelled = sum(verdict in (RIGHT, WRONG) for verdict in verdicts)
    return SettingFigures(setting.label, n, len(verdicts), labelled, figures)


def _pairs(names: Sequence[str], settings: Sequence[Setting]) -> list[FigurePair]:
    """Return the pairs of *settings* in figures of one kind, adjusted for their number."""
    made = (_gap(name, *pair) for name, pair in product(names, combinations(settings, 2)))
    gaps = [gap for gap in made if gap is not None]
    adjusted = holm([gap.difference.p for gap in gaps])
    tested = sum(p is not None for p in adjusted)
    return [_pair(gap, p, tested) for gap, p in zip(gaps, adjusted, strict=True)]


def _gap(name: str, one: Setting, other: Setting) -> _Gap | None:
    """Return how two settings differ in the figure *name*, None where it is unknown."""
    own, theirs = one.figures.get(name, {}), other.figures.get(name, {})
    shared = sorted(own.keys() & theirs.keys())
    if name.split()[0] in (PRECISION, FOUND):
        found, doubt = compared(name, one, other, shared)
    else:
        found, doubt = difference([own[s] for s in shared], [theirs[s] for s in shared]), ""
    return None if found is None else _Gap(name, one, other, found, doubt)


def _pair(gap: _Gap, p: float | None, tested: int) -> FigurePair:
    """Return *gap* with its verdict; *p* is adjusted for the *tested* pairs."""
    apart, more = is_significant(gap.difference, p), needed(gap.difference, tested)
    first, second = gap.one.name, gap.other.name
    words = pair_words(
        gap.name, first, second, gap.difference, p, more, apart=apart, doubt=gap.doubt
    )
    labels = gap.one.label, gap.other.label
    return FigurePair(gap.name, *labels, gap.difference, p, apart, more, words)


def pair_words(
    name: str, first: str, second: str, gap: Difference, p: float | None, more: int | None,
    *, apart: bool, doubt: str = "",
) -> str:  # fmt: skip
    """Return one verdict as a sentence: `A finds 4 points fewer action items than B, …`."""
    begun = _difference_words(name, first, second, gap.value)
    if gap.low is None or gap.high is None or gap.n < MIN_TRANSCRIPTS:
        return f"{begun}: {gap.n} of {MIN_TRANSCRIPTS} transcripts that a verdict needs"
    if doubt and not apart:
        return f"{begun}: not comparable: {doubt}"
    shown = f"{begun}, 95 % {_signed(gap.low)} to {_signed(gap.high)}"
    if apart:
        return f"{shown}, p={p:.2g}: significant with {gap.n} transcripts"
    would = _outlook(gap, more)
    return f"{shown}: not significant with {gap.n} transcripts; {would}"


def _difference_words(name: str, first: str, second: str, value: float) -> str:
    kind, _, rest = name.partition(" ")
    what = rest.replace("_", " ")
    clause, short = _CLAUSES[kind]
    count = abs(round(100 * value))
    if count == 0:
        named = f"{short} {rest if kind == CHECK else what}".strip()
        return f"{first} and {second} differ by less than a point ({named})"
    things = f"findings of {what}" if what else "of the findings labelled right"
    if what.endswith("s") and not what.endswith(("sis", "ss", "means")):  # a plural
        things = what
    less, fewer = ("less", "fewer") if value < 0 else ("more", "more")
    points = plural(count, "point")
    said = clause.format(points=points, less=less, fewer=fewer, things=things, check=rest)
    return f"{first} {said} than {second}"


def _outlook(gap: Difference, more: int | None) -> str:
    """Return how many transcripts would show *gap*, of which *more* are predicted to do so."""
    if more is not None and more > gap.n:
        step = 10 ** max(len(str(more)) - 2, 0)  # a prediction has two digits
        return f"about {-(-more // step) * step:,} would be enough"
    if more is None and gap.error:
        return "more than 1,000 would be needed"
    return f"{2 * gap.n:,} would show more"  # also where each transcript shows the same


def _signed(value: float) -> str:
    points = round(100 * value)
    return f"{points:+d}".replace("-", "−") if points else "0"


def _of_settings(settings: Sequence[Setting]) -> list[Agreement]:
    """Return the agreement of settings on the segments to cite in shared transcripts."""
    found = []
    for one, other in combinations(settings, 2):
        shared = [sha for sha, n in one.segments.items() if n and n == other.segments.get(sha)]
        tables = []
        for mine, theirs, n in ((one.cited[s], other.cited[s], one.segments[s]) for s in shared):
            both, neither = len(mine & theirs), max(0, n - len(mine | theirs))
            tables.append([[both, len(mine) - both], [len(theirs) - both, neither]])
        found += _measured("settings", "kappa", (one.name, other.name), tables)
    return found


def _of_raters(labels: Sequence[FindingLabel]) -> list[Agreement]:
    """Return the agreement of every two raters, and of all; `unsure` does not count."""
    verdicts: dict[str, dict[str, dict[str, bool]]] = {}  # by transcript, key and rater
    for label in labels:
        if label.verdict in (RIGHT, WRONG):
            units = verdicts.setdefault(label.transcript, {})
            units.setdefault(label.key, {})[label.rater] = label.verdict == RIGHT
    raters = sorted({name for units in verdicts.values() for own in units.values() for name in own})
    found = []
    for pair in combinations(raters[:MAX_SETTINGS], 2):
        tables = np.zeros((len(verdicts), 2, 2))
        for table, units in zip(tables, verdicts.values(), strict=True):
            for own in (own for own in units.values() if own.keys() >= {*pair}):
                table[int(own[pair[0]]), int(own[pair[1]])] += 1
        found += _measured("raters", "kappa", pair, tables)
    if len(raters) > 2:
        counts = (
            [(len(own) - sum(own.values()), sum(own.values())) for own in units.values()]
            for units in verdicts.values()
        )
        found += _measured("raters", "alpha", tuple(raters), [coincidences(u) for u in counts])
    return found


def _measured(
    of: str, measure: str, between: tuple[str, ...], tables: Iterable[ArrayLike]
) -> list[Agreement]:
    figure = cohen_kappa if measure == "kappa" else krippendorff_alpha
    held: list[Any] = [[table] for table in tables if np.any(table)]
    found = interval_of(held, figure)
    return [] if found is None else [Agreement(of, measure, between, found)]


def _agreement_lines(agreement: Sequence[Agreement]) -> list[str]:
    """Return agreements in words; for many settings only the lowest and the highest."""
    settings = sorted((e for e in agreement if e.of == "settings"), key=lambda e: e.found.value)
    settings = settings if len(settings) <= MAX_AGREEMENT else [settings[0], settings[-1]]
    return [agreement_words(e) for e in (*settings, *(e for e in agreement if e.of == "raters"))]


def agreement_words(each: Agreement) -> str:
    """Return one agreement as a sentence."""
    found, pair = each.found, " and ".join(each.between)
    if len(each.between) > 2:
        pair = f"{len(each.between)} {each.of}"
    what = "on verdicts" if each.of == "raters" else "on what to cite"
    name = "Cohen's kappa" if each.measure == "kappa" else "Krippendorff's alpha"
    within = "" if found.low is None else f", 95 % {found.low:.2f} to {found.high:.2f}"
    chance = found.value if found.low is None else found.low
    caveat = "" if chance > 0 else ": no more than by chance, as far as these transcripts show"
    return f"{pair} agree {what} with {name} {found.value:.2f}{within}{caveat}"
