"""Quality of settings as a table for pages and terminals."""

from runner.base.format import NOTHING, plural, share
from runner.reports.compare.assessment import Assessment
from runner.reports.compare.assessment_data import CHECK, COVERAGE, FOUND, PRECISION
from runner.reports.compare.paired import Interval

MAX_COLUMNS = 8  # of figures in tables; all are in comparison.json
MAX_LINES = 20
METHOD = (
    "Shares over transcripts, in brackets the 95 % interval (bootstrap over transcripts). Settings "
    "are compared on the transcripts that both have read, by swapping them at random within each "
    "transcript; p is adjusted for all pairs, and all checks together, by Holm's method. “Right” "
    "is the share of the labelled findings that people called right, “found” that of all findings "
    "labelled right."
)
_TITLES = {PRECISION: "right", FOUND: "found", COVERAGE: "covered", CHECK: ""}


def figures_table(assessment: Assessment) -> tuple[list[str], list[list[str]]]:
    """Return the header and a row per setting, without rows where no figure is known."""
    names = list(dict.fromkeys(name for each in assessment.settings for name in each.figures))
    shown = names[:MAX_COLUMNS]
    header = ["#", "setting", "transcripts", "findings", "labelled", *map(_title, shown)]
    rows = [
        [
            str(number),
            each.label,
            str(each.transcripts),
            str(each.findings),
            str(each.labelled),
            *(_share(each.figures.get(name)) for name in shown),
        ]
        for number, each in enumerate(assessment.settings, 1)
    ]
    return header, rows if names else []


def verdict_lines(assessment: Assessment) -> list[str]:
    """Return the verdicts in words, the first MAX_LINES of them, and the notes."""
    left = len(assessment.lines) - MAX_LINES
    more = [f"{plural(left, 'further verdict')} in comparison.json."] if left > 0 else []
    return [*assessment.lines[:MAX_LINES], *more, *assessment.notes]


def _title(name: str) -> str:
    kind, _, rest = name.partition(" ")
    return " ".join(
        filter(None, (_TITLES[kind], rest.replace("_", " ") if kind == FOUND else rest))
    )


def _share(found: Interval | None) -> str:
    if found is None:
        return NOTHING
    if found.low is None or found.high is None:
        return share(found.value)
    low, high = (round(100 * max(0.0, min(1.0, end))) for end in (found.low, found.high))
    return f"{share(found.value)} ({low}–{high})"
