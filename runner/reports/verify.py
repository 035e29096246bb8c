"""Verification: checks that run directories are complete, consistent and unaltered."""

import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from math import isclose
from pathlib import Path
from typing import Any

from runner.answers.outcome import ANSWERED
from runner.answers.themes import FILE
from runner.base.command import Arguments, command
from runner.base.errors import EXIT_BUG, ColloquyError, one_line, reason
from runner.base.files import TEMP
from runner.base.json import at, load_json, mapping, read_json, read_list, section
from runner.base.secrets import secrets_of
from runner.base.text import to_terminal
from runner.record.batch_directory import (
    INSIGHTS_TABLE,
    RESULTS,
    batch_of,
    is_batch,
    runs_of,
    single_runs,
)
from runner.record.inspection import Inspection, check_file, check_mode, is_record, walk
from runner.record.journal import Spent, lines_of, spent_in
from runner.record.lock import is_held
from runner.record.reply_buffer import NAME as REPLIES
from runner.record.reuse import read_record
from runner.record.run_directory import COMPLETED, RESERVE, SCHEMA_VERSION, check_folders
from runner.record.signature import ALTERED, fault_of
from runner.record.stored_transcript import read_transcript_file
from runner.reports.recheck import faults_of_answers, faults_of_checks, shares_of
from runner.reports.stored_run import is_run, runs_in, statuses_of
from runner.reports.verify_collection import collection_faults
from runner.reports.verify_tables import faults_of_insights, faults_of_pages, faults_of_rows

USAGE = """\
usage: colloquy-verify DIR…
Checks the runs in and below every DIR, and prints their faults and which of them you signed.
The checks of a finished run are repeated, except those judged by a model.
A signed file that has changed is a fault; an unsigned run is not.

Exit codes: 0 sound, 1 faults, 2 a path without a run."""
_MADE: Mapping[str, Callable[[Path], Any]] = {  # from the answers, and how they are read
    **dict.fromkeys(("metadata.json", "grounding.json", "coverage.json", "checks.json"), read_json),
    **{"logs/benchmark.json": read_json, "insights.json": read_list},
}
_TRACES = ("journal.jsonl", COMPLETED, "intermediate")  # a damaged run may have only these
STATUSES = ("running", "completed", "degraded", "partial", "failed", "interrupted")


def _check(given: Arguments) -> int | None:
    def has_traces(path: Path) -> bool:
        return is_run(path) or any((path / trace).exists() for trace in _TRACES)

    notes = {p: list[str]() for word in given.words for p in runs_in(Path(word), has_traces)}
    faults = [
        f"{to_terminal(str(path))}: {line}"
        for path, own in notes.items()
        for line in verify(path, own)
    ]
    runs, homes = single_runs(notes), dict.fromkeys(batch_of(path) or path for path in notes)
    unsigned = {path: fault for path in homes if (fault := _unsigned(path)) is not None}
    altered = [fault for fault in unsigned.values() if fault.endswith(ALTERED)]
    for line in (*faults, *map(to_terminal, altered)):
        print(line, file=sys.stderr)
    if not faults and not altered:
        print(f"sound: {len(runs)}")
    if signed := sum((batch_of(run) or run) not in unsigned for run in runs):
        print(f"signed by you: {signed}")
    told = [f"{path}: {fault}" for path, fault in unsigned.items() if fault not in altered]
    told += [f"{path}/{FILE}: {'; '.join(own)}" for path, own in notes.items() if own]
    for line in told:
        print(to_terminal(line))
    return EXIT_BUG if faults or altered else None


def _unsigned(path: Path) -> str | None:
    try:
        check_folders(path)
        return fault_of(path)
    except ColloquyError as error:  # a folder is a link, or the key is refused
        return str(error)


def verify(path: Path, notes: list[str] | None = None) -> list[str]:
    """Return the faults of the run directory *path*, a line each; empty if it is sound.

    *notes* gets what of a batch's collection cannot be checked.
    A running or interrupted run is sound as long as it can be resumed. Reads every file, changes
    none and never raises.
    """
    batch = batch_of(path)
    if batch is not None:
        return _verify_members(batch, [path])[path]
    faults = _verify(Inspection(path, secrets_of()))
    if is_batch(path):
        if not is_held(path):
            rows = faults_of_rows(path) if (path / COMPLETED).is_file() else ()
            faults += [f"{RESULTS}: {to_terminal(line)}" for line in rows]
            try:
                joint = collection_faults(path, notes)
            except (OSError, ColloquyError) as error:
                joint = [f"cannot be checked: {one_line(str(error))}"]
            faults += [f"{FILE}: {to_terminal(line)}" for line in joint]
        for run, lines in _verify_members(path, runs_of(path)).items():
            name = to_terminal(run.relative_to(path).as_posix(), 200)
            faults += [f"{name}/{line}" for line in lines]
    return faults


def _verify_members(batch: Path, runs: Iterable[Path]) -> dict[Path, list[str]]:
    """Return the faults of *runs* of *batch*, which share its journal and lock."""
    try:
        _, spent = spent_in(batch / "journal.jsonl")
    except OSError:  # reported by check_file
        spent = {}
    top, held = batch.resolve(), is_held(batch)
    names = {run: run.resolve().relative_to(top).as_posix() for run in runs}
    return {
        run: _verify(Inspection(run, secrets_of(), spent.get(name, Spent()), locked=held))
        for run, name in names.items()
    }


def _verify(found: Inspection) -> list[str]:
    path = found.root
    if not path.is_dir():
        found.fault(str(path), "not a directory")
        return found.faults
    check_mode(found, ".", path.lstat())
    for name, entry in walk(found):
        found.files[name] = entry
        check_file(found, name, entry)
    _check_records(found)
    _check_metadata(found)
    _check_answers(found)
    return found.faults


def _check_records(found: Inspection) -> None:
    homes: dict[str, str] = {}
    for name, path in found.files.items():
        if path.suffix != ".json" or not is_record(name):
            continue
        top, stage, inner = name.split("/", 2)
        node = inner.removesuffix(".json")  # a part's is ANALYZER/part_NN
        fault, record = read_record(path)
        if fault is not None:
            found.fault(name, fault)
        elif top == "superseded":
            continue
        elif (record["stage"], record["analyzer"]) != (stage, node):
            found.fault(name, f"is the record of {record['stage']}/{record['analyzer']}")
            continue
        if top == "intermediate":
            if node in homes:
                found.fault(name, f"{node} has another record in {homes[node]}")
                continue
            homes[node] = stage
            if "/" not in node:
                found.records[node] = record


def _check_metadata(found: Inspection) -> None:
    if not (metadata := _metadata(found)):
        return
    status, held = metadata.get("status"), found.locked or is_held(found.root)
    if status not in STATUSES:
        found.fault("metadata.json", f"status {status!r} is not one of {', '.join(STATUSES)}")
        return
    spent = _journal(found)
    if held or (spent and spent.begun_at > str(metadata.get("updated_at"))):  # a later one died
        return
    if (COMPLETED in found.files) != (status in ANSWERED):
        there = "is there" if COMPLETED in found.files else "is missing"
        found.fault(COMPLETED, f"{there}, but metadata.json says {status}")
    if status == "running":
        return
    for name, path in found.files.items():
        kept = status not in ANSWERED and name.startswith(REPLIES)  # for the next session
        if (path.name.startswith(TEMP) and not kept) or name == RESERVE:
            found.fault(name, f"left over by a run that is {status}")
    if metadata.get("kind") != "batch":
        _check_statuses(found, metadata)
    _check_totals(found, metadata, spent)


def _check_answers(found: Inspection) -> None:
    """Compare the files about the answers of a complete run with its records."""
    if COMPLETED not in found.files:
        return
    files = {name: read(found.files[name]) for name, read in _MADE.items() if name in found.files}
    good = {n: r for n, r in found.records.items() if r.get("status", "ok") == "ok"}
    keys = ("insights", "structured_data")
    answers = {name: {key: r.get(key) for key in keys} for name, r in good.items()}
    if "checks.json" in files:
        figures = files.get("grounding.json", {}), files.get("coverage.json", {})
        shares = shares_of(*figures, section(files.get("logs/benchmark.json"), "run"))
        for fault in faults_of_checks(files["checks.json"], answers, shares):
            found.fault("checks.json", fault)
    if found.faults:  # of which other files' faults may be a consequence
        return
    with suppress(ColloquyError):  # without a transcript, or a damaged one
        segments = read_transcript_file(found.root).segments
        for name, fault in faults_of_pages(found.root, good, segments):
            found.fault(name, fault)
        for name, fault in faults_of_answers(files, answers, good, segments):
            found.fault(name, fault)
    if INSIGHTS_TABLE in found.files:
        for fault in faults_of_insights(found.root):
            found.fault(INSIGHTS_TABLE, fault)


def _metadata(found: Inspection) -> Mapping[str, Any]:
    """Return metadata.json, empty if it is missing or cannot be checked."""
    path, metadata = found.files.get("metadata.json"), None
    if path is None and COMPLETED in found.files:
        found.fault(COMPLETED, "exists, but metadata.json does not")
    with suppress(OSError, ValueError):  # reported by check_file
        metadata = None if path is None else load_json(path)
        if path is not None and not isinstance(metadata, dict):
            found.fault("metadata.json", "not an object")
    version = at(metadata, "schema_version")
    if isinstance(metadata, dict) and version != SCHEMA_VERSION:
        found.fault("metadata.json", f"schema version {version!r}, expected {SCHEMA_VERSION}")
    return mapping(metadata) if version == SCHEMA_VERSION else {}


def _journal(found: Inspection) -> Spent | None:
    """Return the journal's sum, None if unknown."""
    if found.spent is not None:
        return found.spent
    spent, path = Spent(), found.files.get("journal.jsonl")
    try:
        for line in () if path is None else lines_of(path):
            spent.add(line)
    except OSError as error:
        found.fault("journal.jsonl", f"cannot be read: {reason(error, path)}")
    except (KeyError, TypeError, ValueError):
        found.fault("journal.jsonl", "a line lacks fields of its event")
    else:
        return spent
    return None


def _check_statuses(found: Inspection, metadata: Mapping[str, Any]) -> None:
    statuses = {name: status for name, (_, status) in statuses_of(metadata).items()}
    if not statuses:
        found.fault("metadata.json", "has no status of the analyzers")
        return
    for name, status in statuses.items():
        record = found.records.get(name)
        if status == "ok" and (record is None or record.get("status", "ok") != "ok"):
            is_what = "missing" if record is None else one_line(repr(record["status"]))
            found.fault("metadata.json", f"calls {name} ok, but its record is {is_what}")
    if metadata.get("grounding") is None:
        return  # it did not end properly
    for name, record in found.records.items():
        if record.get("status") == "ok" and statuses.get(name) != "ok":
            named = f"calls {name} {statuses.get(name)!r}"
            found.fault("metadata.json", f"{named}, but its record is ok")


def _check_totals(found: Inspection, metadata: Mapping[str, Any], spent: Spent | None) -> None:
    stated = section(metadata, "totals")
    for key, value in spent.totals().items() if spent else ():
        stored = stated.get(key)
        same = stored == value
        if isinstance(stored, int | float) and value is not None:
            same = isclose(stored, value, abs_tol=1e-9)
        if not same and (key in stated or not stated):  # older runs have fewer
            found.fault("metadata.json", f"totals.{key} is {stored!r}, the journal's sum {value!r}")


main = command("colloquy-verify", USAGE, _check)
