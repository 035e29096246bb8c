"""One job from configuration to run directory, with everything opened and closed around it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import structlog
from omegaconf import DictConfig

from runner.build import build_client, build_job
from runner.errors import OutputError
from runner.events import run_log, set_library_levels
from runner.record import RunDirectory, new_run_path
from runner.run import Run, RunResult
from runner.text import say, to_terminal


async def execute_job(
    cfg: DictConfig,
    *,
    config_folders: Sequence[Path] = (),
    overrides: Sequence[str] = (),
    run_path: Path | None = None,
) -> tuple[int, float | None]:
    """Run *cfg* once; return the exit code and the wall-clock seconds (None if none).

    *run_path* is the run directory, or None for a new one under `output.dir`. Raises
    ColloquyError before anything is sent.
    """
    job = build_job(cfg, config_folders=config_folders, overrides=overrides)
    path = run_path or new_run_path(job.root, job.transcript.name)
    directory = RunDirectory.create(path)
    client = build_client(job)
    with (
        run_log(directory.events, job.settings.output.console),
        structlog.contextvars.bound_contextvars(run=path.name),
    ):
        try:
            directory.write_config(job.config, list(job.overrides))
            await client.transport.open()
            set_library_levels()
            result = await Run(job, client, directory).execute()
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
        finally:
            await client.transport.close()
    say(last_line(result, path))
    return result.exit_code, float(result.benchmark["run"]["wall_s"])


def last_line(result: RunResult, path: Path) -> str:
    """Return the line every run ends with."""
    good = sum(outcome.status == "ok" for outcome in result.outcomes.values())
    bad = len(result.outcomes) - good
    where = shlex.quote(str(path))
    return to_terminal(
        f"status={result.status} exit={result.exit_code} ok={good} failed={bad} run={where}"
    )
