"""The tables of a collection: themes.csv, matrix.csv, groups.csv and answers.csv."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from runner.answers.grounding.exact_matches import ABSENT
from runner.answers.themes import Theme
from runner.base.json import mapping, mappings, text
from runner.base.tables import as_rows
from runner.base.text import by_number
from runner.record.batch_directory import rows_of, transcripts_of
from runner.record.reuse import read_record
from runner.reports.collection.facts import CollectionFacts, named, speakers_read, stances
from runner.reports.collection.groupings import counts_of

SILENT, MISSING = "no answer found", "not analyzed"  # cells of answers.csv without an answer
_UNVERIFIED = (None, "", ABSENT)

_THEME = (
    *("theme", "title", "statement", "files", "files_read", "speakers", "speakers_read"),
    *("for", "against", "silent", "quotes", "findings", "in_files", "speakers_for"),
    *("speakers_against", "silent_files", "silent_speakers"),
)
_GROUP = (
    *("attribute", "value", "theme", "title", "files", "files_read", "share", "for", "against"),
    *("p", "p_holm", "p_is", "counted", "speakers", "speakers_read"),
)


def themes_csv(facts: CollectionFacts) -> str:
    """Return themes.csv: a row for each theme, with a column of files for each group."""
    groups = [(each, value) for each in facts.groupings for value in each.values]
    counted = (("speakers" if each.by_speaker else "files", each, value) for each, value in groups)
    header = [*_THEME, *(f"{unit} with {each.name}={value}" for unit, each, value in counted)]

    def row(theme: Theme) -> Iterator[Any]:
        yield from (theme.id, theme.title, theme.statement, len(theme.files))
        yield from (len(facts.collection.read), len(theme.speakers), speakers_read(theme, facts))
        yield from (len(theme.for_), len(theme.against), len(theme.silent))
        yield from (len(theme.quotes), len(theme.findings), "; ".join(theme.files))
        yield from ("; ".join(map(named, side)) for side in (theme.for_, theme.against))
        yield from ("; ".join(theme.silent), "; ".join(facts.silent_speakers(theme)))
        for each in facts.groupings:
            yield from (one.found for one in counts_of(theme, each))

    return as_rows([header, *map(row, facts.collection.themes)])


def matrix_csv(facts: CollectionFacts) -> str:
    """Return matrix.csv: each file's stance on each theme; silent files have an empty cell."""

    def row(theme: Theme) -> list[Any]:
        found = stances(theme, facts)
        cells = (found[file] for file in facts.files)
        return [theme.id, theme.title, *("" if each == "silent" else each for each in cells)]

    return as_rows([["theme", "title", *facts.files], *map(row, facts.collection.themes)])


def groups_csv(facts: CollectionFacts) -> str:
    """Return groups.csv: a row for each theme and group of an attribute that is compared."""
    rows = (
        [
            *(each.attribute, one.value, each.theme.id, each.theme.title),
            *(one.files, one.files_read, one.found / one.read if one.read else None),
            *(one.for_, one.against, each.p, each.adjusted),
            *("estimated" if each.drawn else "exact", "speakers" if each.by_speaker else "files"),
            *((one.found, one.read) if each.by_speaker else (None, None)),
        ]
        for held in facts.differences.values()
        for each in held
        for one in each.counts
    )
    return as_rows([_GROUP, *rows])


def answers_csv(facts: CollectionFacts) -> str:
    """Return answers.csv: a row for each file, a column for each attribute and each question.

    Raises OSError, and ConfigError if the folder of the runs is a link.
    """
    runs = {name: run for run, name in transcripts_of(facts.path).items()}
    speakers = {each.file: each.speakers for each in facts.collection.read}

    def row(file: str) -> Iterator[str]:
        yield file
        given = facts.given.of(file)
        for each in facts.groupings:
            people = speakers.get(file, ()) if each.by_speaker else ()
            told = (f"{person}: {each.value(file, person)}" for person in people)
            shared = each.value(file, None) or given.get(each.name, "")  # of an unread file
            yield "; ".join(told) if each.by_speaker else shared
        for name in facts.questions:
            stored = runs.get(file, Path()) / "intermediate" / f"{name}.json"
            own = file in runs and not any(each.is_symlink() for each in stored.parents[:2])
            yield _answer(read_record(stored)[1]) if own else MISSING

    header = ["transcript", *(each.name for each in facts.groupings), *facts.questions.values()]
    files = sorted((text(each.get("transcript")) for each in rows_of(facts.path)), key=by_number)
    return as_rows([header, *map(row, files)])


def _answer(record: Mapping[str, Any]) -> str:
    """Return the answer in a record, which may be empty, with the segments of verified quotes."""
    if record.get("status") != "ok":
        return MISSING
    data, insights = mapping(record["structured_data"]), mappings(record["insights"])
    words = text(data.get("answer")) or " ".join(text(each.get("text")) for each in insights)
    answered = text(data.get("answered"))
    if answered == "no" or not words:
        return SILENT
    quotes = mappings(data.get("quotes"))
    quotes += [quote for each in insights for quote in mappings(each.get("evidence"))]
    found = (text(each.get("segment")) for each in quotes if each.get("match") not in _UNVERIFIED)
    cited = ", ".join(dict.fromkeys(found))
    partly = "partly: " if answered == "partly" else ""
    return f"{partly}{words} ({cited})" if cited else partly + words


TABLES = {
    "themes.csv": themes_csv,
    "matrix.csv": matrix_csv,
    "groups.csv": groups_csv,
    "answers.csv": answers_csv,
}
