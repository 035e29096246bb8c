"""The directory of a batch: the results table, and the runs that are already complete."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from runner.base.errors import TranscriptError
from runner.base.files import (
    append,
    as_json,
    open_for_append,
    write_bytes,
    write_if_changed,
    write_text,
)
from runner.base.json import load_json, read_list
from runner.base.tables import as_rows
from runner.record.journal import lines_of, read_journal
from runner.record.result_rows import COLUMNS, ResultRow, row_before
from runner.record.run_directory import COMPLETED
from runner.transcript import content_sha256_of
from runner.transcript.inputs import Input

RESULTS = "results.jsonl"
TABLE = "results.csv"
REPORT = "report.html"  # of a run
NAMES = "config/inputs.json"
PARTS = ("config", "logs", "runs")  # of the directory


def is_batch(path: Path) -> bool:
    """Return whether *path* is a batch's directory."""
    return (path / RESULTS).is_file()


def batch_of(run: Path) -> Path | None:
    """Return the directory of the batch of *run*, None for a single run."""
    above = run.absolute().parents
    return above[2] if len(above) > 2 and is_batch(above[2]) else None


def runs_of(batch: Path) -> list[Path]:
    """Return the directories of a batch's runs, as far as they exist."""
    return sorted(path for path in (batch / "runs").glob("*/*") if path.is_dir())


def reports_of(batch: Path, limit: int) -> list[Path]:
    """Return the reports of a batch's runs, at most *limit*, in order of their directories."""
    return list(islice((p for run in runs_of(batch) if (p := run / REPORT).is_file()), limit))


def single_runs(found: Iterable[Path]) -> list[Path]:
    """Return *found* with each batch replaced by the directories of its runs."""
    return [run for each in found for run in (runs_of(each) if is_batch(each) else [each])]


def journal_of(run: Path) -> list[dict[str, Any]]:
    """Return the journal lines of a run, from its own or its batch's journal; raise OSError."""
    batch = batch_of(run)
    if batch is None:
        return read_journal(run / "journal.jsonl")
    journal = batch / "journal.jsonl"
    if not journal.is_file():
        return []
    name = run.absolute().relative_to(batch).as_posix()
    return _by_run(journal, journal.stat().st_size).get(name, [])


@lru_cache(maxsize=1)
def _by_run(journal: Path, size: int) -> dict[str, list[dict[str, Any]]]:
    """Return a batch's journal by run; its *size* in bytes is part of the cache key."""
    lines: dict[str, list[dict[str, Any]]] = {}
    for line in lines_of(journal):
        lines.setdefault(str(line.get("run")), []).append(line)
    return lines


def begin(batch: Path, names: Sequence[str]) -> None:
    """Mark *batch* as one, and keep which files it was begun with; raise OSError."""
    os.close(open_for_append(batch / RESULTS))
    write_if_changed(batch / NAMES, as_json(list(names)))


def names_of(batch: Path) -> list[str]:
    """Return the names of the files that *batch* was begun with; empty if they are lost."""
    return [str(name) for name in read_list(batch / NAMES)]


def rows_of(batch: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a batch's files, the last of each file."""
    last: dict[object, int] = {}
    for number, line in enumerate(lines_of(batch / RESULTS)):
        last[line.get("transcript")] = number
    kept = set(last.values())
    for number, line in enumerate(lines_of(batch / RESULTS)):
        if number in kept:
            yield line


class Results:
    """results.jsonl, a line per run as it ends, and results.csv, made of it at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = open_for_append(path / RESULTS)

    def add(self, row: ResultRow) -> None:
        """Append a row; raise OSError."""
        line = {"event": "run.ended", **asdict(row)}
        append(self._descriptor, orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def finish(self, names: Collection[str]) -> Counter[str]:
        """Leave one row for each file, and write results.csv; raise OSError.

        Returns how many of the files called *names* ended how, in this session or before.
        """
        rows = list(rows_of(self._path))
        lines = (orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
        write_bytes(self._path / RESULTS, b"".join(lines))
        table = ([row.get(name) for name in COLUMNS] for row in rows)
        write_text(self._path / TABLE, as_rows([COLUMNS, *table]))
        wanted = set(names)
        return Counter(str(row.get("status")) for row in rows if row.get("transcript") in wanted)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def completed_before(batch: Path, given: Input, encoding: str | None) -> ResultRow | None:
    """Return the row of a run that is complete, of a file that is still the same, else None."""
    run = batch / given.run
    if not (run / COMPLETED).is_file():
        return None
    try:
        metadata = load_json(run / "metadata.json")
        if metadata["transcript"]["sha256"] != content_sha256_of(given.path, encoding=encoding):
            return None
        return row_before(given, metadata, load_json(run / "logs" / "benchmark.json")["run"])
    except (OSError, ValueError, KeyError, TypeError, TranscriptError):
        return None  # its answers are checked one by one
