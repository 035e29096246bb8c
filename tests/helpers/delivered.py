"""Runs and batches delivered by a provider of batches, in virtual time, over many sessions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from helpers import ScriptedTransport
from helpers.batch_endpoint import FakeProvider
from helpers.runs import simulated
from runner.base.secrets import Secrets
from runner.base.virtual_time import run_virtually
from runner.calls.activity import Activity, measured
from runner.calls.admission.budget import Budget, Sizer
from runner.calls.admission.gate import MAX_CEILING, Gate
from runner.calls.admission.limits import Admission
from runner.calls.client import Client
from runner.calls.retry import RetryPolicy
from runner.job.job import BatchJob, Job
from runner.providers.request import Request
from runner.record.account import restore_account
from runner.record.batch_directory import PARTS as BATCH_PARTS
from runner.record.previous_session import PreviousSession
from runner.record.reuse import StoredAnswers
from runner.record.run_directory import PARTS, RunDirectory
from runner.run.batch.batch_run import Batch, BatchResult, BatchServices
from runner.run.batch.console import BatchConsole
from runner.run.delivery import JobDelivery
from runner.run.run import Run, RunResult
from runner.run.stop import Stop

BY_BATCH = ("model.delivery=batch", "model=openai", "model.name=openai/gpt-4o-mini")


def session(
    made: Job | BatchJob,
    provider: FakeProvider,
    path: Path,
    *,
    live: Callable[[Request], Any] = simulated,
    live_s: float = 5.0,
    stop: Stop | None = None,
    act: Callable[[Admission, Stop], object] = lambda *_: None,
    retries: int = 3,
    budget: Budget | None = None,
) -> tuple[Any, ScriptedTransport]:
    """Run *made* in *path* in virtual time, or go on there; *act* is called at its start."""
    transport = ScriptedTransport(live, None)
    again, stop = path.exists(), stop or Stop()

    async def main() -> RunResult | BatchResult:
        parts = BATCH_PARTS if isinstance(made, BatchJob) else PARTS
        directory = (RunDirectory.reopen if again else RunDirectory.create)(path, parts)
        try:
            if again:
                restore_account(path, directory.journal)
            directory.write_job(made)
            return await _run(made, directory, again=again)
        finally:
            directory.close()

    async def _run(made: Job | BatchJob, directory: RunDirectory, *, again: bool) -> Any:
        admission, spent = Admission(), directory.journal.spent
        held = spent.held
        money = Budget(
            made.settings.budget.max_cost_usd,
            made.settings.budget.max_tokens,
            spent_usd=spent.known_usd + spent.charged_usd + held[1],
            spent_tokens=spent.usage.tokens + spent.charged_tokens + held[0],
        )
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
        with measured(activity):
            delivery = JobDelivery(made, directory, activity, now=provider.now)
            clients = await delivery.open(clients, provider.endpoint)
            stored = StoredAnswers(PreviousSession(directory.path) if again else None)
            try:
                if isinstance(made, BatchJob):
                    services = BatchServices(clients, admission, stop)
                    console = BatchConsole("quiet", Secrets())
                    result = await Batch(made, directory, services, stored, console).execute()
                else:
                    result = await Run(made, clients, directory, stored, stop=stop).execute()
                if result.status in ("completed", "degraded"):
                    await delivery.finish()
                return result
            finally:
                await delivery.close(stop)

    return run_virtually(main), transport
