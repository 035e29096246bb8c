"""Batches in virtual time with scripted replies, over files that are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from helpers import ScriptedTransport, job
from helpers.runs import ONLY_TWO, simulated
from runner.base.event_loops import run_virtually
from runner.base.secrets import Secrets
from runner.calls.admission.gate import MAX_CEILING, Gate
from runner.calls.admission.limits import Admission
from runner.calls.client import Client
from runner.calls.client_factory import EMBEDDINGS
from runner.calls.retry import RetryPolicy
from runner.job.job import Job
from runner.providers.request import Request
from runner.record.batch_directory import PARTS
from runner.record.reuse import PreviousSession, StoredAnswers
from runner.record.run_directory import RunDirectory
from runner.run.batch.active_runs import BatchResult
from runner.run.batch.batch_run import Batch
from runner.run.batch.console import BatchConsole
from runner.run.stop import Stop

NODES = 3  # of ONLY_TWO's pipeline


def write(name: str, text: str | None = None) -> Path:
    path = Path("many") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    said = f"Ann: We should wait, says {name}.\n\nBob: The pump of {name} failed twice.\n"
    path.write_text(said if text is None else text)
    return path


def write_all(count: int) -> None:
    for number in range(count):
        write(f"t{number:03}.txt")


def many(*overrides: str) -> Job:
    return job(*ONLY_TWO, "transcript=file", "transcript.path=many", *overrides)


def execute_batch(
    made: Job,
    reply: Callable[[Request], Any] = simulated,
    latency_s: Any = None,
    *,
    again: bool = False,
    whole: bool = True,
    stop: Stop | None = None,
    embed: ScriptedTransport | None = None,
    strong: ScriptedTransport | None = None,
) -> tuple[BatchResult, ScriptedTransport]:
    """Run *made* in virtual time into ./batch, or go on there.

    *embed* gives embeddings, *strong* is the model of that name.
    """
    transport = ScriptedTransport(reply, latency_s)
    path = Path("batch")

    async def main() -> BatchResult:
        opened = RunDirectory.reopen if again else RunDirectory.create
        directory = opened(path, PARTS)
        directory.write_job(made)
        admission = Admission()
        client = Client(
            transport, RetryPolicy(0), 600.0, admission=admission, gate=Gate(MAX_CEILING)
        )
        clients = {"main": client}
        for name, other in ((EMBEDDINGS, embed), ("strong", strong)):
            if other is not None:
                clients[name] = replace(client, transport=other, gate=Gate(MAX_CEILING))
        previous = PreviousSession(path, unchanged=whole) if again else None
        stored = StoredAnswers(previous)
        console = BatchConsole("quiet", Secrets())
        try:
            of = made, clients, directory, stored, console, admission
            return await Batch(*of, stop or Stop()).execute()
        finally:
            directory.close()

    return run_virtually(main), transport
