"""The tables of a collection: themes.csv, matrix.csv and groups.csv."""

from collections.abc import Iterator
from typing import Any

from runner.answers.themes import Theme
from runner.base.tables import as_rows
from runner.reports.collection.facts import CollectionFacts, named, stances
from runner.reports.collection.groupings import counts_of

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
    header = [*_THEME, *(f"{each.counts} with {each.name}={value}" for each, value in groups)]

    def row(theme: Theme) -> Iterator[Any]:
        yield from (theme.id, theme.title, theme.statement, len(theme.files))
        yield from (len(facts.collection.read), len(theme.speakers), len(facts.speakers))
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


TABLES = {"themes.csv": themes_csv, "matrix.csv": matrix_csv, "groups.csv": groups_csv}
