"""themes.md: the themes of a batch as a page, also for Word."""

from collections.abc import Sequence

from markupsafe import Markup

from runner.answers.markdown import table
from runner.answers.themes import Collection, outlier_id
from runner.reports.collection.facts import CollectionFacts, counted, named, source_of_quote
from runner.reports.collection.fisher import DRAWS
from runner.reports.collection.groupings import GroupDifference
from runner.reports.report.render import render_markdown

WORDS_OF = (
    "Titles, statements, positions, reasons and the synthesis are a model's words. Counts, names, "
    "quotes and places are made by code from the answers about each file, and `colloquy-verify` "
    "makes them again."
)


def themes_md(facts: CollectionFacts, name: str, limit: int | None = None) -> str:
    """Return themes.md of the batch called *name*, with at most *limit* quotes of a side."""
    head = ["", "Theme", "Files", "Speakers", "For", "Against", "Silent"]
    keys = ("files", "speakers", "for_", "against", "silent")
    themes = facts.collection.themes
    rows = [[t.id, t.title, *(len(getattr(t, key)) for key in keys)] for t in themes]
    return render_markdown(
        "themes.md.jinja",
        name=name,
        facts=facts,
        themes=facts.collection,
        limit=limit,
        outlier_id=outlier_id,
        counted=counted,
        names=lambda voices: list(map(named, voices)),
        source=source_of_quote,
        overview=Markup(table(head, rows)),
        differences=facts.differences,
        draws=DRAWS,
        group_table=_group_table,
        words_of=WORDS_OF,
        ledger=_ledger(facts.collection),
    )


def _group_table(found: Sequence[GroupDifference]) -> Markup:
    header = ["", "Theme", *(f"{one.value} (of {one.read})" for one in found[0].counts)]
    rows = [
        [d.theme.id, d.theme.title, *(str(c.found) for c in d.counts), p_of(d.p), p_of(d.adjusted)]
        for d in found
    ]
    return Markup(table([*header, "p", "p adjusted"], rows))


def _ledger(collection: Collection) -> Markup:
    rows = [
        [r.level, r.node, r.inputs, r.tokens_in, r.tokens_budget,
         r.status + ", escalated" * r.escalated, list(r.left_out)]
        for r in collection.ledger
    ]  # fmt: skip
    header = ["Level", "Call", "Read", "Tokens", "Budget", "Status", "Left out"]
    return Markup(table(header, rows) if rows else "")


def p_of(value: float) -> str:
    """Return a p value for display: `< 0.001`, `0.031`."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
