"""Batches that are run, killed and resumed in processes of their own, in virtual time."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from runner.base.errors import ColloquyError
from runner.base.event_loops import run_virtually
from runner.calls.client import Client
from runner.calls.retry import RetryPolicy
from runner.job.job import BatchJob
from runner.providers.request import Transport
from runner.record.journal import lines_of
from runner.record.reuse import PreviousSession, read_record
from runner.record.run_directory import RESOLVED
from runner.reports.verify import verify
from runner.run.execute import ProcessState, execute_job, resume_job
from runner.run.resume import Resumption

_UNFINISHED = (": left over by a run that is ", "COMPLETED: is missing, ")


def run_batch(job: BatchJob, path: Path, transport: Transport) -> int:
    """Start *job* in *path*, or resume it there; return the exit code."""
    client = Client(transport, RetryPolicy(max_retries=0), 60.0)
    shared = ProcessState(clients=lambda *_: {"main": client})
    os.umask(0o077)
    try:
        if (path / RESOLVED).exists():
            resumption = Resumption(job, PreviousSession(path))
            code, _ = run_virtually(lambda: resume_job(resumption, shared))
        else:
            code, _ = run_virtually(lambda: execute_job(job, shared, run_path=path))
    except ColloquyError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return int(code)


def damage(path: Path) -> list[str]:
    """Return what `verify` finds beyond what a batch that did not end may leave."""
    found = verify(path) if path.exists() else []
    return [line for line in found if not any(part in line for part in _UNFINISHED)]


def answers_in(path: Path, pattern: str) -> int:
    """Return how many whole answers are stored in the files of *path* that match *pattern*."""
    records = [read_record(file) for file in path.glob(pattern)]
    return sum(fault is None and record["status"] == "ok" for fault, record in records)


def received(path: Path) -> int:
    """Return how many calls of a batch have a reply in its journal or a record with an answer."""
    lines = lines_of(path / "journal.jsonl")
    ended = {(line["run"], line["analyzer"]) for line in lines if line["event"] == "call.finished"}
    files = path.glob("runs/*/*/intermediate/*/*.json")
    stored = {(file.parents[2].relative_to(path).as_posix(), file.stem) for file in files}
    return len(ended | stored)
