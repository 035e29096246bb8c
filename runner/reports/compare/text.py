"""A comparison as Markdown, CSV, table cells and a table for a terminal."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from runner.answers.markdown import table
from runner.base.format import NOTHING, aligned, count, figure, plural, relative_error, share, usd
from runner.base.tables import as_rows
from runner.base.text import to_terminal
from runner.reports.compare import themes
from runner.reports.compare.assessment import Assessment
from runner.reports.compare.assessment_data import CHECK, COVERAGE, FOUND, PRECISION
from runner.reports.compare.compare import Comparison
from runner.reports.compare.paired import Interval
from runner.reports.compare.rows import Group, RunRow
from runner.reports.compare.spread import Spread
from runner.reports.compare.themes import HEADER
from runner.reports.compare.verdicts import EQUAL, INCONCLUSIVE, Pair
from runner.reports.report.render import render_markdown

MAX_PAIRS = 45  # in tables; all are in comparison.json
RUNS = ("run", "setting", "status", "ok", "wall s", "speed-up", "plan error", "why")
PAIRS = ("first", "second", "wall", "cost", "quality")
CSV_FIGURES = (
    *("succeeded", "total", "wall_s", "ideal_s", "efficiency"),
    *("prompt_tokens", "completion_tokens", "cached_tokens", "cost_usd", "live_cost_usd"),
    *("grounding_rate", "coverage", "checks_rate", "escalated", "mended", "escalation_usd"),
    *("context_retained", "quality"),
    *("plan_error", "plan_tokens_error", "reused"),
    *(*themes.FIGURES, themes.COST),
)
CSV_LAST = ("speed_up", "front")


def _live(group: Group) -> str:
    """Return the replies' cost live, if they were not live."""
    live, paid = group.middle("live_cost_usd"), group.middle("cost_usd")
    return NOTHING if live == paid else figure(live, "{:.4f}")


def _escalated(group: Group) -> str:
    """Return the number of escalated answers, of those that this repaired, and its cost."""
    escalated, mended = group.middle("escalated"), group.middle("mended")
    cost = usd(group.middle("escalation_usd"))
    return NOTHING if escalated is None else f"{count(escalated)}, {count(mended)} mended, {cost}"


# The columns of a setting, with the function that returns a cell.
SETTINGS: Mapping[str, Callable[[Group], str]] = {
    "setting": lambda group: group.label,
    "front": lambda group: {True: "★", False: "", None: NOTHING}[group.front],
    "timed": lambda group: f"{len(group.measured)}/{len(group.rows)}",
    "wall s": lambda group: _spread(group.spreads["wall_s"], "{:.3f}"),
    "ideal s": lambda group: figure(group.middle("ideal_s"), "{:.3f}"),
    "efficiency": lambda group: share(group.middle("efficiency")),
    "speed-up": lambda group: figure(group.speed_up, "{:.2f}×"),
    "prompt": lambda group: count(group.middle("prompt_tokens")),
    "reply": lambda group: count(group.middle("completion_tokens")),
    "cached": lambda group: count(group.middle("cached_tokens")),
    "cost $": lambda group: _spread(group.spreads["cost_usd"], "{:.4f}"),
    "live $": _live,
    "grounded": lambda group: share(group.middle("grounding_rate")),
    "coverage": lambda group: share(group.middle("coverage")),
    "checks": lambda group: _within(group.spreads["checks_rate"]),
    "escalated": _escalated,
    "context kept": lambda group: share(group.middle("context_retained")),
    "quality": lambda group: _spread(group.spreads["quality"], "{:.3f}"),
    "themes": lambda group: count(group.middle("themes")),
    "in themes": lambda group: share(group.middle("grouped")),
    "contradictions": lambda group: count(group.middle("contradictions")),
    "outliers": lambda group: count(group.middle("outliers")),
    "collection calls": lambda group: count(group.middle("collection_calls")),
    "collection $": lambda group: figure(group.middle(themes.COST), "{:.4f}"),
}


def settings_table(groups: Sequence[Group]) -> tuple[list[str], list[list[str]]]:
    """Return the header, numbers and SETTINGS, and the rows, without columns of unknown values."""
    columns = {"#": [*map(str, range(1, len(groups) + 1))]}
    columns |= {title: [*map(cell, groups)] for title, cell in SETTINGS.items()}
    known = {title: cells for title, cells in columns.items() if {*cells} - {NOTHING}}
    return [*known], [list(row) for row in zip(*known.values(), strict=True)]


def run_cells(comparison: Comparison, row: RunRow) -> tuple[str, ...]:
    """Return a run's row under RUNS."""
    done, total = row.figure("succeeded"), row.figure("total")
    group = comparison.homes.get(row.path)
    # A plan from assumptions does not predict the run.
    error = row.figure("plan_error") if row.figure("plan_recorded") else None
    return (
        row.name,
        group.label if group else NOTHING,
        row.status,
        NOTHING if total is None or done is None else f"{done:.0f}/{total:.0f}",
        figure(row.figure("wall_s"), "{:.3f}"),
        figure(group and group.speed_up_of(row), "{:.2f}×"),
        relative_error(error),
        row.reason,
    )


def pair_rows(pairs: Sequence[Pair]) -> list[tuple[str, ...]]:
    """Return the rows under PAIRS; none if the verdict says that no pair differs."""
    verdicts = [verdict for pair in pairs for verdict in pair.verdicts.values()]
    if all(each.p is None and each.verdict in (INCONCLUSIVE, EQUAL) for each in verdicts):
        return []
    return [
        (pair.first, pair.second, *(f"{v.verdict} ({v.why})" for v in pair.verdicts.values()))
        for pair in pairs[:MAX_PAIRS]
    ]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; the columns *texts* are words, the others figures.

    With a *title* it is a section, which *lines* sum up; `methods.jinja` has the method behind it.
    """

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: Sequence[str] = ("setting",)
    title: str = ""
    lines: Sequence[str] = ()


def sections_of(comparison: Comparison) -> list[Grid]:
    """Return the sections about quality, themes and pairs, those that have a row or a line."""
    quality = figures_table(comparison.assessment)
    told = comparison.assessment.lines
    said = [*told[:MAX_LINES]]
    if len(told) > MAX_LINES:
        said.append(f"{plural(len(told) - MAX_LINES, 'further verdict')} in comparison.json.")
    said += comparison.assessment.notes
    of_batches = [themes.pair_cells(pair) for pair in comparison.themes]
    alike = "How far the themes of two batches agree"
    pairs, left = pair_rows(comparison.pairs), len(comparison.pairs) - MAX_PAIRS
    more = [f"{plural(left, 'further pair')} in comparison.json."] if pairs and left > 0 else []
    figures = "Figures of each setting over its transcripts"
    first = "Pairs: how the first compares with the second"
    sections = (
        Grid(figures, *quality, ("setting",), "Right or wrong", said),
        Grid(alike, HEADER, of_batches, HEADER[:2], "Themes"),
        Grid(first, PAIRS, pairs, PAIRS, "Pairs", more),
    )
    return [each for each in sections if each.lines or each.rows]


def page_facts(comparison: Comparison) -> dict[str, Any]:
    """Return what comparison.md and comparison.html show."""
    settings = settings_table(comparison.groups)
    runs = [run_cells(comparison, row) for row in comparison.rows]
    return {
        "comparison": comparison,
        "settings": Grid("Medians of the timed runs; in brackets minimum and maximum", *settings),
        "sections": sections_of(comparison),
        "runs": Grid("All runs", RUNS, runs, ("run", "setting", "status", "why")),
    }


def as_markdown(comparison: Comparison) -> str:
    """Return comparison.md."""

    def shown(grid: Grid) -> Markup:
        return Markup(table(grid.header, grid.rows))  # which has escaped all text

    return render_markdown("comparison.md.jinja", table=shown, **page_facts(comparison))


def as_terminal(comparison: Comparison) -> str:
    """Return the settings as a table for a terminal, incomplete runs, the verdict, and notes."""
    header, cells = settings_table(comparison.groups)
    lines = aligned([header, *cells], left=(1,)) if cells else []
    unfinished = [row for row in comparison.rows if row.status != "completed"]
    reasons = [f"{row.name}: {row.status}: {row.reason}" for row in unfinished]
    lines += [to_terminal(e, 400) for e in (*reasons, comparison.verdict, *comparison.notes)]
    for each in sections_of(comparison):
        if each.rows and each.header != PAIRS:
            left = [each.header.index(title) for title in each.texts]
            lines += ["", *aligned([each.header, *each.rows], left)]
        lines += [to_terminal(line, 400) for line in each.lines]
    return "\n".join(lines)


def as_csv(comparison: Comparison) -> str:
    """Return a line per run, for spreadsheets."""
    keys = list(comparison.keys)
    rows: list[Sequence[object]] = [["run", "status", "reason", *keys, *CSV_FIGURES, *CSV_LAST]]
    for row in comparison.rows:
        group = comparison.homes.get(row.path)
        values = [group.settings[key] if group else None for key in keys]
        figures = [row.figure(name) for name in CSV_FIGURES]
        end = [group.speed_up_of(row), group.front] if group else [None, None]
        rows.append([row.name, row.status, row.reason, *values, *figures, *end])
    return as_rows(rows)


def _within(found: Spread | None) -> str:
    """Return the mean of a share over repeats, with its 95 % interval where there are some."""
    if found is None or found.low is None or found.high is None:
        return share(found and found.mean)
    low, high = (share(max(0.0, min(1.0, end))) for end in (found.low, found.high))
    return f"{share(found.mean)} (95 %: {low} to {high})"


def _spread(found: Spread | None, form: str) -> str:
    """Return the median, with minimum and maximum if repeats differ."""
    if found is None:
        return NOTHING
    middle, low, high = (form.format(v) for v in (found.median, found.minimum, found.maximum))
    return middle if low == high else f"{middle} ({low}–{high})"


MAX_COLUMNS = 8  # of figures in tables; all are in comparison.json
MAX_LINES = 20
_TITLES = {PRECISION: "right", FOUND: "found", COVERAGE: "covered", CHECK: ""}


def figures_table(assessment: Assessment) -> tuple[list[str], list[list[str]]]:
    """Return the header and a row per setting, without rows where no figure is known."""
    names = list(dict.fromkeys(name for each in assessment.settings for name in each.figures))
    shown = names[:MAX_COLUMNS]
    header = ["#", "setting", "transcripts", "findings", "labelled", *map(_title, shown)]
    rows = [
        [*map(str, (number, each.label, each.transcripts, each.findings, each.labelled)),
         *(_share(each.figures.get(name)) for name in shown)]
        for number, each in enumerate(assessment.settings, 1)
    ]  # fmt: skip
    return header, rows if names else []


def _title(name: str) -> str:
    kind, _, rest = name.partition(" ")
    return f"{_TITLES[kind]} {rest.replace('_', ' ') if kind == FOUND else rest}".strip()


def _share(found: Interval | None) -> str:
    """Return a share, with its 95 % interval where there is one."""
    if found is None or found.low is None or found.high is None:
        return share(found and found.value)
    return f"{share(found.value)} ({round(100 * found.low)}–{round(100 * found.high)})"
