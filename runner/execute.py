"""One job from configuration to run directory, with everything opened and closed around it."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import structlog
from omegaconf import DictConfig

from runner.build import build_job
from runner.clients import build_clients, most_in_flight
from runner.errors import EXIT_OK, OutputError
from runner.events import run_log, set_library_levels
from runner.gate import Gates
from runner.job import Job
from runner.known import Known
from runner.limits import Lobby
from runner.objective import Objective, objective
from runner.plan import as_text, make_plan, read_histories
from runner.record import RunDirectory, new_run_path
from runner.report import leave_report
from runner.resume import Resumption, nothing_to_do
from runner.run import Run, RunResult
from runner.secrets import secrets_of
from runner.simulate import simulated_process
from runner.stop import Stop
from runner.store import Store
from runner.text import say, to_terminal
from runner.traces import export_run


@dataclass(frozen=True)
class Shared:
    """What all jobs of a process have in common.

    *gates* are what is known of providers, *stop* the signals that have come, *lobby* where
    calls of one event loop wait.
    """

    gates: Gates = field(default_factory=Gates)
    stop: Stop = field(default_factory=Stop)
    lobby: Lobby = field(default_factory=Lobby)


async def execute_job(
    cfg: DictConfig,
    *,
    config_folders: Sequence[Path] = (),
    overrides: Sequence[str] = (),
    run_path: Path | None = None,
    shared: Shared | None = None,
    in_sweep: bool = False,
) -> tuple[int, Objective | None]:
    """Run *cfg* once; return the exit code and the objective (None if none).

    *run_path* is the run directory, or None for a new one under `output.dir`. *in_sweep* says
    that jobs are to be compared, so that by default none takes another's answers. Raises
    ColloquyError before anything is sent.
    """
    job = build_job(cfg, config_folders=config_folders, overrides=overrides)
    if job.settings.plan:
        return _show_plan(job)
    path = run_path or new_run_path(job.root, job.transcript.name)
    directory = RunDirectory.create(path)
    known = Known(store=_store(job, paid=job.is_paid and not in_sweep))
    try:
        return await _run(job, directory, shared or Shared(), known, in_sweep=in_sweep)
    finally:
        directory.close()


def _show_plan(job: Job) -> tuple[int, None]:
    """Print what the run would be; nothing is sent and nothing written."""
    plan = make_plan(job, read_histories(job))
    as_json = job.settings.output.console == "json"
    print(orjson.dumps(plan.as_dict()).decode() if as_json else as_text(plan))
    return EXIT_OK, None


async def resume_job(resumption: Resumption, shared: Shared) -> tuple[int, Objective | None]:
    """Finish the run that *resumption* describes; the same returns and errors."""
    job, earlier = resumption.job, resumption.earlier
    if job.settings.plan:
        return _show_plan(job)
    if not resumption.changes and nothing_to_do(earlier.path, job):
        say(to_terminal(f"colloquy: nothing to do: {earlier.path} is complete"))
        return EXIT_OK, None
    directory = RunDirectory.reopen(earlier.path)
    try:
        known = Known(earlier, _store(job, paid=job.is_paid))
        return await _run(job, directory, shared, known)
    finally:
        directory.close()


async def _run(
    job: Job, directory: RunDirectory, shared: Shared, known: Known, *, in_sweep: bool = False
) -> tuple[int, Objective | None]:
    path, stop = directory.path, shared.stop
    try:
        async with AsyncExitStack() as opened:
            directory.write_job(job)
            keys = (model.settings.api_key_env for model in job.models.values())
            secrets = secrets_of(key_envs=frozenset(filter(None, keys)))
            console = job.settings.output.console
            opened.enter_context(run_log(directory.events, console, secrets=secrets))
            opened.enter_context(structlog.contextvars.bound_contextvars(run=path.name))
            try:
                result = await _execute(job, directory, shared, known, opened)
            finally:  # also of what was interrupted
                root = None if in_sweep else job.root  # a sweep's index is made once, at its end
                await asyncio.to_thread(leave_report, path, root)
    except OSError as error:
        again = f"; once that is mended: {resume_command(path, job)}"
        raise OutputError(f"cannot write {path}: {error.strerror or error}{again}") from error
    except asyncio.CancelledError:
        if stop.signum is None:
            raise
        say(to_terminal(f"status=interrupted exit={stop.exit_code} {_where(path, job)}"))
        return stop.exit_code, None
    code = result.exit_code if stop.signum is None else stop.exit_code
    say(last_line(result, path, code, job))
    return code, objective(job.settings.objective, result.benchmark)


async def _execute(
    job: Job,
    directory: RunDirectory,
    shared: Shared,
    known: Known,
    opened: AsyncExitStack,
) -> RunResult:
    addresses = {
        name: await opened.enter_async_context(simulated_process(model.settings.simulate))
        for name, model in job.models.items()
        if model.settings.simulate is not None and model.settings.api_base is None
    }
    clients = build_clients(job, shared.gates, shared.lobby, addresses, directory.journal.spent)
    calls = most_in_flight(job)
    for gate in {id(client.gate): client.gate for client in clients.values()}.values():
        gate.join(calls)
        opened.callback(gate.part, calls)
    for client in clients.values():
        opened.push_async_callback(client.transport.close)
        await client.transport.open()
    set_library_levels()
    result = await Run(job, clients, directory, known).execute()
    if job.settings.output.traces == "otlp":
        await export_run(directory.path)
    return result


def _store(job: Job, *, paid: bool) -> Store | None:
    """Return where answers of other runs are; by default only what was *paid* for is reused."""
    wanted = job.settings.reuse
    return Store(job.root / "store") if wanted == "on" or (wanted == "auto" and paid) else None


def last_line(result: RunResult, path: Path, code: int, job: Job) -> str:
    """Return the line every run ends with."""
    statuses = [outcome.status for outcome in result.outcomes.values()]
    good, idle = statuses.count("ok"), statuses.count("not_run")
    rest = f" not_run={idle}" if idle else ""
    bad = len(statuses) - good - idle
    where = f"run={shlex.quote(str(path))}" if code == EXIT_OK else _where(path, job)
    return to_terminal(f"status={result.status} exit={code} ok={good} failed={bad}{rest} {where}")


def resume_command(path: Path, job: Job) -> str:
    """Return the command that finishes *job*'s run in *path*."""
    own = "".join(f"--config-dir {shlex.quote(str(folder))} " for folder in job.config_dirs)
    return f"colloquy {own}resume={shlex.quote(str(path))}"


def _where(path: Path, job: Job) -> str:
    return f'run={shlex.quote(str(path))} resume="{resume_command(path, job)}"'
