"""collection/report.html: themes with their counts and quotes, groups, and how they were found."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from runner.answers.themes import FILE, ThemeQuote, outlier_id
from runner.record.batch_directory import REPORT
from runner.reports.collection.facts import STANCES, CollectionFacts, counted, position_of, stances
from runner.reports.collection.fisher import DRAWS
from runner.reports.collection.notes import WORDS_OF, p_of
from runner.reports.compare.plots import Scale
from runner.reports.report.render import address_of, link_to, render, script_of
from runner.reports.report.summary import VERDICTS
from runner.reports.stored_run import StoredRun

FIRST_QUOTES = 4  # of a side, unfolded
MAX_QUOTES = 100  # of a side of a theme; themes.json has all
MAX_MATRIX = 300  # files; matrix.csv has all
MAX_CHOICES = 500  # of a filter
MAX_ALONE = 200  # outliers, and other findings of a kind
MARKS = dict(zip(STANCES, ("+", "−", "±", "·", "", "?"), strict=True))
_ID = re.compile(r"\b([A-Z]\d{2,5}|\A[A-Z]\d\Z|[A-Z]\d(?=[^\[\]]*\]))\b")  # T01; T1 alone or in []
TABLES = (
    *("answers.csv", "themes.csv", "matrix.csv", "groups.csv"),
    *("themes.md", "themes.docx", "themes.json"),
)


def collection_page(run: StoredRun, facts: CollectionFacts, name: str) -> str:
    """Return the page on *facts* of the batch *run*, called *name*."""
    collection = facts.collection
    columns = facts.files[:MAX_MATRIX]
    anchors = _anchors(facts)
    folder = (run.path / FILE).parent
    points = sorted(collection.threshold_curve, key=lambda point: point.threshold)
    curve: dict[str, Any] = {}  # how many groups each threshold of similarity gives
    if len(points) > 1:
        scale = Scale(points[0].threshold, points[-1].threshold, 40, 340)
        curve = {"points": points, "scale": scale, "most": max(p.groups for p in points) or 1}
    return render(
        "collection.html",
        name=name,
        verdict=VERDICTS.get(collection.status, ("warn", collection.status or "Unknown")),
        **script_of("filter.js"),
        batch=address_of(run.path / REPORT, folder),  # which is written after this page
        collection=collection,
        anchors=anchors,
        linked=partial(_linked, anchors),
        stances=partial(stances, facts=facts),
        facts=facts,
        counted=counted,
        position_of=position_of,
        keys=partial(_keys, facts),
        columns=columns,
        more_columns=len(facts.files) - len(columns),
        marks=MARKS,
        choices=_choices(facts),
        first=FIRST_QUOTES,
        max_quotes=MAX_QUOTES,
        max_alone=MAX_ALONE,
        outlier_id=outlier_id,
        differences=facts.differences,
        draws=DRAWS,
        p_of=p_of,
        words_of=WORDS_OF.replace("`", ""),
        curve=curve,
        tables=[table for table in TABLES if link_to(folder / table, folder)],
    )


def _anchors(facts: CollectionFacts) -> dict[str, tuple[str, str]]:
    """Return anchor and title of each theme, contradiction, agreement and outlier, by its id."""
    held = facts.collection
    parts = {
        "contradiction": [(each.id, each.statement) for each in held.contradictions[:MAX_ALONE]],
        "agreement": [(each.id, each.statement) for each in held.agreements[:MAX_ALONE]],
        "theme": [(each.id, each.title) for each in held.themes],
        "outlier": [
            (outlier_id(number), each.text)
            for number, each in enumerate(held.outliers[:MAX_ALONE], 1)
        ],
    }
    return {
        name: (f"{kind}-{number}", title or name)
        for kind, all_ in parts.items()
        for number, (name, title) in enumerate(all_, 1)
    }


def _linked(
    anchors: Mapping[str, tuple[str, str]], words: str
) -> Iterator[tuple[str, tuple[str, str] | None]]:
    """Yield the pieces of *words*; for an id such as T01, or [T1], also its anchor and title."""
    for piece in _ID.split(words):
        yield piece, anchors.get(f"{piece[:1]}{piece[1:].lstrip('0').zfill(2)}")


def _keys(facts: CollectionFacts, quote: ThemeQuote) -> dict[str, str]:
    """Return what the filter selects *quote* by."""
    groups = enumerate(each.value(quote.file, quote.speaker) for each in facts.groupings)
    own = {f"a{at}": value for at, value in groups}
    return {"file": quote.file, "speaker": quote.speaker or "", **own}


def _choices(facts: CollectionFacts) -> list[tuple[str, str, list[str]]]:
    """Return key, label and values of each thing to filter by."""
    quotes = [quote for theme in facts.collection.themes for quote in theme.quotes]
    choices = [
        *((f"a{at}", each.name, list(each.values)) for at, each in enumerate(facts.groupings)),
        ("file", "File", sorted({quote.file for quote in quotes})),
        ("speaker", "Speaker", sorted({quote.speaker for quote in quotes if quote.speaker})),
    ]
    return [choice for choice in choices if 1 < len(choice[2]) <= MAX_CHOICES]
