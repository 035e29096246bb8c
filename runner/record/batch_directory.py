"""Batch directories: their runs, journal and results table."""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import asdict
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from runner.answers.insights import COLUMNS as INSIGHT_COLUMNS
from runner.answers.insights import rows_of as insight_rows
from runner.answers.themes import FILE as THEMES
from runner.answers.themes import read_collection
from runner.base.errors import ConfigError
from runner.base.files import Lines, write_bytes
from runner.base.json import mappings, read_json, read_list, text
from runner.base.regular_files import MAX_LINE, folders_in, kind_of, open_regular, read_lines
from runner.base.tables import as_rows
from runner.base.text import by_number
from runner.record.journal import MAX_LISTED, lines_of, parse_lines, read_journal
from runner.record.result_row import COLUMNS, UNREADABLE, ResultRow
from runner.record.run_directory import INPUTS

RESULTS = "results.jsonl"
TABLE = "results.csv"
REPORT = "report.html"  # of a run or batch
INSIGHTS = "insights.jsonl"
INSIGHTS_TABLE = "insights.csv"
PARTS = ("config", "logs", "runs")  # subdirectories
MAX_TABLE = 128 * 1024 * 1024  # bytes of results.jsonl
THEME_COLUMNS = ("themes", "theme_ids")  # of a batch with a collection


def is_batch(path: Path) -> bool:
    """Return whether *path* is the directory of a batch."""
    return kind_of(path / RESULTS) == "file"


def batch_of(run: Path) -> Path | None:
    """Return the directory of the batch of *run*, None for a single run."""
    above = run.absolute().parents
    return above[2] if len(above) > 2 and is_batch(above[2]) else None


def runs_of(batch: Path) -> list[Path]:
    """Return the existing run directories of *batch*, sorted; raise OSError or ConfigError."""
    runs = batch / "runs"
    if runs.is_symlink():
        raise ConfigError(f"{runs} is a link, expected a directory")
    return [run for folder in folders_in(runs) for run in folders_in(folder)]


def transcripts_of(batch: Path) -> dict[Path, str]:
    """Return the transcript of each run of *batch* that has ended, in the order of its rows.

    The answers about a file that can no longer be read are left out.
    """
    read = (row for row in rows_of(batch) if row.get("status") != UNREADABLE)
    rows = ((batch / text(row.get("run")), text(row.get("transcript"))) for row in read)
    known = set(runs_of(batch))
    return {run: name for run, name in rows if run in known}


def current_runs(batch: Path) -> list[Path]:
    """Return the run directories of *batch*, without those of files removed or now unreadable."""
    ended = {batch / text(row.get("run")) for row in _every_row(batch)}
    left_out = ended.difference(transcripts_of(batch))
    return [run for run in runs_of(batch) if run not in left_out]


def single_runs(paths: Iterable[Path]) -> list[Path]:
    """Return *paths* with each batch replaced by its `current_runs`."""
    return [run for path in paths for run in (current_runs(path) if is_batch(path) else [path])]


def journal_of(run: Path) -> list[dict[str, Any]]:
    """Return the journal lines of a run, from its own or its batch's journal; raise OSError."""
    batch = batch_of(run)
    if batch is None:
        return read_journal(run / "journal.jsonl")
    journal = batch / "journal.jsonl"
    if kind_of(journal) is None:
        return []
    name = run.absolute().relative_to(batch).as_posix()
    places = _by_run(journal, journal.stat().st_size).get(name, ())
    if len(places) > MAX_LISTED:
        raise OSError(f"{journal} has more than {MAX_LISTED:,} lines of {name}")
    with open_regular(journal) as opened:
        lines = (opened.readline(MAX_LINE) for place in places if opened.seek(place) == place)
        return list(parse_lines(lines))


@lru_cache(maxsize=1)
def _by_run(journal: Path, size: int) -> dict[str, Sequence[int]]:  # noqa: ARG001 - in the key
    """Return where a journal's lines begin, by run; *size*, in bytes, is part of the cache key."""
    places: dict[str, array[int]] = {}
    place = 0
    for raw in read_lines(journal):
        for line in parse_lines([raw]):
            places.setdefault(str(line.get("run")), array("Q")).append(place)
        if len(places) > MAX_LISTED:
            raise OSError(f"{journal} names more than {MAX_LISTED:,} runs")
        place += len(raw)
    return dict(places)


def input_names(batch: Path) -> list[str]:
    """Return the names of the inputs of *batch*, empty if that file is missing or damaged."""
    return [name for name, found in read_json(batch / INPUTS).items() if found]


def rows_of(batch: Path) -> list[dict[str, Any]]:
    """Return the last row of each transcript in *batch*, without those of removed files."""
    names = set(input_names(batch))
    return [row for row in _every_row(batch) if not names or row.get("transcript") in names]


def _every_row(batch: Path) -> list[dict[str, Any]]:
    rows: dict[object, dict[str, Any]] = {}
    for line in lines_of(batch / RESULTS, MAX_TABLE):  # of every session
        earlier = rows.pop(name := line.get("transcript"), {})
        if line.get("reused"):  # the run's files do not repeat why it is degraded
            line["error"] = line.get("error") or earlier.get("error", "")
        rows[name] = line
        if len(rows) > MAX_LISTED:
            raise OSError(f"{batch / RESULTS} has more than {MAX_LISTED:,} rows")
    return list(rows.values())


class Results:
    """The results of a batch: results.jsonl gets a row as each run ends, results.csv at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = Lines(path / RESULTS)

    def add(self, row: ResultRow) -> None:
        """Append a row; raise OSError."""
        line = {"event": "run.ended", **asdict(row)}
        self._file.append(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def finish(self, names: Set[str]) -> Counter[str]:
        """Reduce results.jsonl to a row per transcript, by name; write results.csv; raise OSError.

        Files that are not among *names*, since the user removed them, are in results.jsonl alone.
        Returns the number of transcripts among *names* by status, over all sessions.
        """
        every = sorted(
            _every_row(self._path), key=lambda row: by_number(text(row.get("transcript")))
        )
        lines = (orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in every)
        write_bytes(self._path / RESULTS, b"".join(lines))
        rows = [row for row in every if row.get("transcript") in names]
        write_table(self._path, rows)
        return Counter(str(row.get("status")) for row in rows)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def write_table(batch: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write results.csv, with the themes of each file if there are any; raise OSError."""
    collection = read_collection(read_json(batch / THEMES))
    held: dict[str, list[str]] = {each.file: [] for each in collection.read} if collection else {}
    for theme in collection.themes if collection else ():
        for file in held.keys() & set(theme.files):
            held[file].append(theme.id)

    def line(row: Mapping[str, Any]) -> list[Any]:
        cells = [row.get(name) for name in COLUMNS]
        if collection is None:
            return cells
        ids = held.get(text(row.get("transcript")))
        return [*cells, None if ids is None else len(ids), "; ".join(ids or ())]

    header = [*COLUMNS, *(THEME_COLUMNS if collection else ())]
    write_bytes(batch / TABLE, as_rows([header, *map(line, rows)]).encode())


def write_insights(batch: Path, per: str) -> None:
    """Write insights.jsonl and .csv of all runs, a row *per* insight or evidence; raise OSError."""
    runs = transcripts_of(batch)

    def lines() -> Iterator[bytes]:
        for run, name in runs.items():
            about = {"transcript": name, "run": run.relative_to(batch).as_posix()}
            for each in mappings(read_list(run / "insights.json")):
                yield orjson.dumps({**about, **each}, option=orjson.OPT_APPEND_NEWLINE)

    parts = chain([as_rows([INSIGHT_COLUMNS])], map(as_rows, insights_by_run(runs, per)))
    write_bytes(batch / INSIGHTS, lines())
    write_bytes(batch / INSIGHTS_TABLE, map(str.encode, parts))


def insights_by_run(runs: Mapping[Path, str], per: str) -> Iterator[list[Sequence[Any]]]:
    """Yield the rows of insights.csv of each of *runs*, a row *per* insight or evidence.

    *runs* have the names of their transcripts. One whose insights were changed into something else
    has no rows.
    """
    for run, name in runs.items():
        with suppress(KeyError, TypeError, ValueError):
            yield list(insight_rows(mappings(read_list(run / "insights.json")), name, per))
