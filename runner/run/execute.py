"""Execution of a run or batch: its directory, log, clients and simulated providers."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from runner.answers.outcome import ANSWERED
from runner.base.command import print_error
from runner.base.errors import EXIT_OK, OutputError, reason, writable
from runner.base.files import Lines
from runner.base.loop_lag import Lag, LagProbe, spare_collections
from runner.base.text import print_stderr, to_terminal
from runner.base.threads import offload
from runner.calls.activity import Activity, tracked
from runner.calls.admission.gate import Gates
from runner.calls.admission.limits import Admission
from runner.calls.call_log import CallLog
from runner.calls.client import Client
from runner.calls.client_factory import (
    build_clients,
    library_users,
    load_libraries,
    max_in_flight,
    simulated_models,
)
from runner.job.build import with_served_windows
from runner.job.job import BatchJob, Job, Setup
from runner.providers.batches.factory import batch_endpoint
from runner.providers.simulated.process import IdleProcesses, simulated_process
from runner.record.account import restore_account
from runner.record.batch_directory import PARTS as BATCH_PARTS
from runner.record.batch_directory import RESULTS
from runner.record.events import run_log, set_library_levels
from runner.record.metadata import versions
from runner.record.reuse import StoredAnswers, keep_damaged_metadata
from runner.record.run_directory import PARTS, RunDirectory, new_run_path
from runner.record.signature import signing_key
from runner.record.store import Store
from runner.reports.export.traces import export_run
from runner.reports.live.view import LiveView
from runner.reports.report.write import missing_reports, try_write_report, write_report
from runner.run import last_line
from runner.run.batch.active_runs import BatchResult
from runner.run.batch.batch_run import Batch
from runner.run.batch.console import LOG_HOLD_S, BatchConsole
from runner.run.delivery import Endpoints, JobDelivery, budget_of, check_deadline, pending_hint
from runner.run.nodes.first_calls import check_budget
from runner.run.objective import Objective, check_objective, objective
from runner.run.plan.printed import left_out, print_plan
from runner.run.resume import Resumption
from runner.run.run import Run, RunResult
from runner.run.stop import Stop
from runner.transcript.inputs import root_of

log = structlog.get_logger("colloquy.run")


# Completes a job through its clients, and returns what that took.
Prepare = Callable[
    [Job, Mapping[str, Client], RunDirectory, StoredAnswers], Awaitable[tuple[Job, CallLog]]
]


@dataclass(frozen=True)
class ProcessState:
    """State that all jobs of a process share.

    *gates* hold the limits of the providers, *stop* the signals received, *admission* the waiting
    calls of the event loop; *probe* measures that loop, *idle* holds simulated providers for the
    next job, *clients* makes a job's clients and *endpoints* a model's batch endpoint. With
    *prints_end* runs print their last line; *prepare* completes a new run by calls.
    """

    gates: Gates = field(default_factory=Gates)
    stop: Stop = field(default_factory=Stop)
    admission: Admission = field(default_factory=Admission)
    probe: LagProbe | None = None
    idle: IdleProcesses = field(default_factory=IdleProcesses)
    clients: Callable[..., dict[str, Client]] = build_clients
    endpoints: Endpoints = batch_endpoint
    prints_end: bool = True
    prepare: Prepare | None = None


async def execute_job(
    job: Job | BatchJob,
    shared: ProcessState,
    *,
    run_path: Path | None = None,
    in_sweep: bool = False,
    started: Callable[[Path], object] = lambda _: None,
) -> tuple[int, Objective | None]:
    """Run *job*; return the exit code and the objective, None without one.

    *run_path* is the run directory, None for a new one under `output.dir`. Jobs *in_sweep* are
    compared, so by default they don't share answers. *started* is called with the run directory.
    Raises ColloquyError before anything is sent.
    """
    check_deadline(job.settings)
    if job.settings.plan:
        print_plan(job, in_sweep=in_sweep)
        return EXIT_OK, None
    job = await offload(with_served_windows, job) if job.is_paid else job
    store = _store(job, paid=job.is_paid and not in_sweep)
    if not in_sweep:
        check_budget(job, store)
    check_objective(job)
    signing_key()  # raises before anything is written
    if isinstance(job, BatchJob):
        named = root_of(job.settings.transcript.path).resolve().name, "batches"
    else:
        named = job.shown.name, "runs"
    path = run_path or new_run_path(job.root, *named)
    with closing(RunDirectory.create(path, _parts(job))) as directory:
        started(path)
        return await _Execution(job, directory, shared, StoredAnswers(store=store), in_sweep).run()


def _parts(job: Setup) -> Sequence[str]:
    return BATCH_PARTS if isinstance(job, BatchJob) else PARTS


async def resume_job(resumption: Resumption, shared: ProcessState) -> tuple[int, Objective | None]:
    """Finish the run that *resumption* describes; returns and raises as `execute_job`."""
    job, previous = resumption.job, resumption.previous
    if previous.unchanged and await offload(last_line.nothing_to_do, previous.path, job):
        line = f"nothing to do: {previous.path} is complete"
        if missing := await offload(missing_reports, previous.path):  # there was no room for them
            with writable(previous.path):
                for run in dict.fromkeys((*missing, previous.path)):  # its page links to the others
                    page = await offload(write_report, run)
            line = f"{previous.path} is complete; written: {page}"
        if shared.prints_end:
            print_stderr(to_terminal(f"colloquy: {line}"))
            last_line.print_end(job, previous.path, "completed", EXIT_OK)
        return EXIT_OK, None
    with closing(RunDirectory.reopen(previous.path, _parts(job))) as directory:
        stored = StoredAnswers(previous, _store(job, paid=job.is_paid))
        return await _Execution(job, directory, shared, stored).run()


@dataclass(frozen=True)
class _Execution:
    """One session of *job* in *directory*; *stored* are the answers that may be reused.

    *faults* are pages not written and traces not sent, each with the command to do so later.
    """

    job: Job | BatchJob
    directory: RunDirectory
    shared: ProcessState
    stored: StoredAnswers
    in_sweep: bool = False
    faults: list[str] = field(default_factory=list)

    async def run(self) -> tuple[int, Objective | None]:
        """Run or finish the job; returns and raises as `execute_job`."""
        job, path, stop = self.job, self.directory.path, self.shared.stop
        try:
            async with AsyncExitStack() as stack:
                if self.stored.previous is not None:
                    await offload(restore_account, path, self.directory.journal)
                self.directory.write_job(job)
                console, hold_s = str(job.settings.output.console), 0.0
                if isinstance(job, BatchJob):
                    Lines(path / RESULTS).close()  # an empty file, which marks a batch
                    # A batch shows the events of its runs as JSON alone.
                    console, hold_s = "json" if console == "json" else "quiet", LOG_HOLD_S
                sink, secrets = self.directory.events, job.secrets
                events = run_log(sink, console, secrets=secrets, hold_s=hold_s, live=LiveView)
                stack.enter_context(events)
                stack.enter_context(structlog.contextvars.bound_contextvars(run=path.name))
                try:
                    if self.stored.previous is not None:
                        await offload(keep_damaged_metadata, path)
                    result = await self._execute(stack)
                finally:  # interrupted runs have a report too
                    root = None if self.in_sweep else job.root  # a sweep has one index, at its end
                    runs_too = stop.signum is None
                    self._note(await offload(try_write_report, path, root, runs_too=runs_too))
        except OSError as error:
            again = f"; once that is fixed: {last_line.resume_command(path, job)}"
            why = reason(error, path) if path.exists() else "it was moved or removed"
            raise OutputError(f"cannot write {path}: {why}{again}") from error
        except asyncio.CancelledError:
            if stop.signum is None:
                raise
            if self.shared.prints_end:
                hint = pending_hint(self.directory.journal)
                last_line.print_end(job, path, "interrupted", stop.exit_code, hint=hint)
            return stop.exit_code, None
        if self.shared.prints_end:
            self._print_end(result)
        return result.exit_code, objective(job.settings.objective, result.benchmark, path)

    def _note(self, fault: str | None) -> None:
        self.faults.extend(filter(None, [fault]))

    def _print_end(self, result: RunResult | BatchResult) -> None:
        job, path = self.job, self.directory.path
        for fault in self.faults:
            print_error(OutputError(fault))
        hint = pending_hint(self.directory.journal) or last_line.hint_of(job, result)
        ended, helps = (result.status, result.exit_code), last_line.can_help(result)
        last_line.print_end(job, path, *ended, resumable=helps, hint=hint)

    async def _execute(self, stack: AsyncExitStack) -> RunResult | BatchResult:
        job, shared, directory = self.job, self.shared, self.directory
        if library_users(job):
            log.info("run.starting", model=job.main.settings.name)  # libraries take seconds to load
            if isinstance(job, BatchJob):
                _console(job).print_line(f"batch: starting {job.main.settings.name}")
        clients, addresses = await self._clients(stack)
        activity = Activity(lambda: shared.admission.is_stuck)
        stack.enter_context(tracked(activity))
        delivery = JobDelivery(job, directory, activity)
        stack.push_async_callback(delivery.close, shared.stop)
        clients = await delivery.open(clients, shared.endpoints, addresses)
        if job.is_paid:
            spare_collections()
        set_library_levels()
        await offload(versions)
        lag = None if shared.probe is None else stack.enter_context(shared.probe.watch())
        before = None
        if shared.prepare is not None and isinstance(job, Job):
            job, before = await shared.prepare(job, clients, directory, self.stored)
        result = await self._answers(job, clients, lag, before)
        if result.status in ANSWERED:
            await delivery.finish()
        return result

    async def _clients(self, stack: AsyncExitStack) -> tuple[dict[str, Client], dict[str, str]]:
        """Return the opened clients, and the addresses of simulated providers, both by model."""
        job, shared = self.job, self.shared
        loading = asyncio.create_task(load_libraries(job))  # while simulated providers start
        stack.callback(loading.cancel)
        addresses = {
            name: await stack.enter_async_context(simulated_process(settings, shared.idle))
            for name, settings in simulated_models(job).items()
        }
        await loading
        budget = budget_of(job.settings, self.directory.journal.spent)
        clients = shared.clients(job, shared.gates, shared.admission, addresses, budget)
        calls = max_in_flight(job)
        for gate in {id(client.gate): client.gate for client in clients.values()}.values():
            gate.register(calls)
            stack.callback(gate.register, -calls)
        for client in clients.values():
            for transport in client.transports:
                stack.push_async_callback(transport.close)
                await transport.open()
        return clients, addresses

    async def _answers(
        self,
        job: Job | BatchJob,
        clients: Mapping[str, Client],
        lag: Lag | None,
        before: CallLog | None,
    ) -> RunResult | BatchResult:
        """Run *job* through *clients*; *lag* and *before* are as in Run."""
        directory, stored, shared = self.directory, self.stored, self.shared
        if isinstance(job, BatchJob):
            of = job, clients, directory, stored, _console(job)
            return await Batch(*of, shared.admission, shared.stop, lag).execute()
        if note := left_out(job):
            log.warning("collection.skipped", reason=note)
        run = Run(job, clients, directory, stored, lag, stop=shared.stop, before=before)
        result = await run.execute()
        if job.settings.output.traces == "otlp":
            self._note(await export_run(directory.path))
        return result


def _console(job: BatchJob) -> BatchConsole:
    return BatchConsole(job.settings.output.console, job.secrets)


def _store(job: Setup, *, paid: bool) -> Store | None:
    """Return the store of all runs, None if it is off; `auto` uses it for *paid* answers only."""
    reuse = job.settings.reuse
    return Store(job.root / "store") if reuse == "on" or (reuse == "auto" and paid) else None
