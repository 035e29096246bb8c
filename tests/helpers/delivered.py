"""Runs and batches delivered by a provider of batches, in virtual time, over many sessions."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from helpers import ScriptedTransport, job
from helpers.batch_endpoint import EPOCH_S, FakeProvider
from helpers.batches import write_all
from helpers.faulty_fs import REAL
from helpers.runs import ONLY_TWO, simulated
from runner.base.event_loops import run_virtually
from runner.base.secrets import Secrets
from runner.calls.activity import Activity, tracked
from runner.calls.admission.budget import Sizer
from runner.calls.admission.gate import MAX_CEILING, Gate
from runner.calls.admission.limits import Admission
from runner.calls.client import Client
from runner.calls.retry import RetryPolicy
from runner.job.job import BatchJob, Job
from runner.providers.request import Request
from runner.record.account import restore_account
from runner.record.batch_directory import PARTS as BATCH_PARTS
from runner.record.reuse import PreviousSession, StoredAnswers
from runner.record.run_directory import PARTS, RunDirectory
from runner.run.batch.active_runs import BatchResult
from runner.run.batch.batch_run import Batch
from runner.run.batch.console import BatchConsole
from runner.run.delivery import JobDelivery, budget_of
from runner.run.run import Run, RunResult
from runner.run.stop import Stop


class Killed(BaseException):
    """The process is dead."""


class Kill:
    """Kills at operation *at*, counted from 1, of what reaches `os` or the provider.

    A write is then cut in the middle, and no later operation has an effect.
    """

    def __init__(self, at: int = 1 << 60) -> None:
        self.at, self.count = at, 0
        self.trail: list[str] = []
        self.died = asyncio.Event()

    def come(self, name: str) -> None:
        """Count an operation; raise Killed from *at* on."""
        self.count += 1
        self.trail.append(name)
        if self.count >= self.at:
            self.died.set()
            raise Killed

    def __enter__(self) -> Kill:
        for name, real in REAL.items():
            setattr(os, name, partial(self._faulty, name, real))
        return self

    def __exit__(self, *_: object) -> None:
        for name, real in REAL.items():
            setattr(os, name, real)

    def _faulty(self, name: str, real: Callable[..., Any], *args: Any, **named: Any) -> Any:
        if name == "open" and not args[1] & os.O_ACCMODE:
            return real(*args, **named)
        try:
            self.come(name)
        except Killed:
            if name in ("write", "pwrite") and self.count == self.at:
                real(args[0], args[1][: len(args[1]) // 2], *args[2:])
            raise
        return None if name == "fsync" else real(*args, **named)


async def until(kill: Kill | None, work: Any) -> Any:
    """Return the result of *work*; raise Killed once its process has died."""
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # the dead say nothing
    task = asyncio.ensure_future(work)
    if kill is None:
        return await task
    death = asyncio.ensure_future(kill.died.wait())
    await asyncio.wait([task, death], return_when=asyncio.FIRST_COMPLETED)
    if not kill.died.is_set():
        death.cancel()
        return task.result()
    for each in asyncio.all_tasks() - {asyncio.current_task()}:
        each.cancel()
    await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)
    raise Killed


BY_BATCH = (
    *("model=simulated", "model.delivery=batch"),
    *("model.input_usd_per_mtok=1", "model.output_usd_per_mtok=4"),
)


def one(*overrides: str) -> Job:
    """Return the job of two questions and a third about their answers, on one file."""
    write_all(1)
    path = ("transcript=file", "transcript.path=many/t000.txt")
    return job(*ONLY_TWO, *BY_BATCH, *path, *overrides)


def session(
    made: Job | BatchJob,
    provider: FakeProvider,
    path: Path,
    *,
    live: Callable[[Request], Any] = simulated,
    latency_s: Any = None,
    stop: Stop | None = None,
    act: Callable[[Admission, Stop], object] = lambda *_: None,
    retries: int = 3,
    kill: Kill | None = None,
) -> tuple[Any, ScriptedTransport]:
    """Run *made* in *path* in virtual time, or go on there; *act* is called at its start.

    *kill* ends it at an operation, as SIGKILL would; raises Killed.
    """
    transport = ScriptedTransport(live, latency_s)
    again, stop = path.exists(), stop or Stop()

    async def main() -> RunResult | BatchResult:
        parts = BATCH_PARTS if isinstance(made, BatchJob) else PARTS
        directory = (RunDirectory.reopen if again else RunDirectory.create)(path, parts)
        try:
            if again:
                restore_account(path, directory.journal)
            directory.write_job(made)
            with kill or nullcontext():
                return await until(kill, _run(made, directory, again=again))
        finally:
            directory.close()

    async def _run(made: Job | BatchJob, directory: RunDirectory, *, again: bool) -> Any:
        admission, money = Admission(), budget_of(made.settings, directory.journal.spent)
        clients = {
            name: Client(
                transport,
                RetryPolicy(retries),
                600.0,
                admission=admission,
                gate=Gate(MAX_CEILING),
                budget=money,
                sizer=Sizer(model.tokenizer, model.prices, model.learned),
            )
            for name, model in made.models.items()
        }
        activity = Activity(lambda: admission.is_stuck)
        act(admission, stop)
        with tracked(activity):
            delivery = JobDelivery(made, directory, activity, now=provider.now)
            clients = await delivery.open(clients, provider.endpoint)
            stored = StoredAnswers(PreviousSession(directory.path) if again else None)
            try:
                if isinstance(made, BatchJob):
                    of = made, clients, directory, stored, BatchConsole("quiet", Secrets())
                    result = await Batch(*of, admission, stop).execute()
                else:
                    result = await Run(made, clients, directory, stored, stop=stop).execute()
                if result.status in ("completed", "degraded"):
                    await delivery.finish()
                return result
            finally:
                await delivery.close(stop)

    return run_virtually(main), transport


def later(provider: FakeProvider, seconds: float) -> None:
    """Let time go on while no process runs."""
    base = seconds + EPOCH_S
    provider.now = lambda: base + asyncio.get_running_loop().time()
