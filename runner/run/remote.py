"""Remote jobs: runs jobs of a sweep in the processes of a launcher and collects exit codes.

Hydra's launchers for Ray and submitit pickle the task function and do not return exit codes.
The process of a job writes them to the sweep's directory, which all machines must share.
"""

import os
import secrets
import shlex
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from runner.base import errors
from runner.base.command import print_bug
from runner.base.errors import OutputError, one_line
from runner.base.files import make_directory, write_json
from runner.base.json import load_json
from runner.base.regular_files import files_in
from runner.base.secrets import secrets_of
from runner.base.text import print_stderr, to_terminal
from runner.record.signature import sign_stored

STATUS_FOLDER = "jobs"  # in the sweep's directory
MAX_STATUS_BYTES = 10_000
LAUNCHERS = ("ray", "submitit")  # packages whose exceptions mean that a process died

# Directories of the sweeps that Hydra has started, and whether each is only planned; set in
# `collecting_exit_codes`.
SWEEPS: ContextVar[dict[Path, bool]] = ContextVar("sweeps")


@dataclass(frozen=True, slots=True)
class Origin:
    """The process that started a sweep: *cwd* is the base of its relative paths.

    *token* separates its jobs from those of an earlier sweep in the same directory.
    """

    token: str = field(default_factory=lambda: secrets.token_hex(8))
    cwd: str = field(default_factory=lambda: str(Path.cwd()))


@dataclass(frozen=True, slots=True)
class JobStatus:
    """Status of a job: *exit_code* is None until it ends, *error* is empty if its run holds it."""

    token: str
    host: str
    exit_code: int | None = None
    error: str = ""


def remove_unstarted(sweep: Path) -> None:
    """Remove the directory of a *sweep* without a run, unless it holds more than overrides."""
    with suppress(OSError):
        for job in sorted(sweep.iterdir()):
            if job.name != "multirun.yaml":
                job.rmdir()
        (sweep / "multirun.yaml").unlink()
        for folder in (sweep, sweep.parent, sweep.parent.parent):
            folder.rmdir()  # also `sweeps` and `outputs`, if they were made for it


def make_remote_jobs(origin: Origin) -> "RemoteJobs":
    """Return the RemoteJobs of *origin*'s sweep, in the process that unpickles them."""
    os.umask(0o077)
    try:
        os.chdir(origin.cwd)
    except OSError as error:
        return RemoteJobs(origin, f"{origin.cwd}: {error.strerror or error}")
    return RemoteJobs(origin)


class RemoteJobs:
    """Runs a sweep's jobs in a process of a launcher, in place of `runner.run.command`'s.

    *lost* is the error if this machine cannot enter the directory in which the sweep started.
    """

    def __init__(self, origin: Origin, lost: str = "") -> None:
        self._origin = origin
        self._lost = lost

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as before, for a preempted job that is sent again."""
        return make_remote_jobs, (self._origin,)

    def run(self, cfg: Any) -> Any:
        """Run the job that *cfg* describes; return its objective, None without one.

        A failure ends no other job: `collect` reports it. Raises OutputError if the status
        cannot be written.
        """
        from runner.reports.stored_run import is_run
        from runner.run.hydra_job import hydra_job, job_directory  # imports Hydra
        from runner.run.session import Session

        status = JobStatus(self._origin.token, socket.gethostname())
        if self._lost:
            lost = f"{status.host} cannot see {self._lost}"
            raise OutputError(f"{lost}; a sweep needs one file system")
        path = job_directory()
        file = path.parent / STATUS_FOLDER / f"{path.name}.json"
        make_directory(file.parent, path.parent)
        begun = _read(file, status.token) is not None and is_run(path)
        write_json(file, asdict(status))
        codes: list[int] = []
        session, objective, error = Session(codes), None, ""
        try:
            objective = session.run(hydra_job(cfg, in_sweep=True, begun=begun))
        except KeyboardInterrupt:  # a signal, which the run has reported and recorded
            codes = codes or [errors.EXIT_INTERRUPTED]
        except Exception as bug:  # noqa: BLE001 - a bug in one job is reported and ends no other
            error = f"{type(bug).__name__}: {bug}"
            codes.append(print_bug())
        error = one_line(secrets_of().redact(error or "".join(map(str, session.faults))))
        write_json(file, asdict(replace(status, exit_code=codes[-1] if codes else 0, error=error)))
        return objective


@contextmanager
def collecting_exit_codes(jobs: Any, codes: list[int]) -> Iterator[None]:
    """Collect the exit codes of jobs that a launcher runs in other processes during the block.

    Adds them to *codes*, and their sweeps to `jobs.sweeps`. A process that died is reported in
    one line, as any job that has not ended.
    """
    started: dict[Path, bool] = {}
    SWEEPS.set(started)
    try:
        yield
    except Exception as error:
        if jobs.origin is None or type(error).__module__.split(".")[0] not in LAUNCHERS:
            raise
        print_stderr(to_terminal(f"colloquy: {type(error).__name__}: {one_line(str(error))}"))
        codes.append(errors.EXIT_NOTHING)
    finally:
        if jobs.origin is not None:
            for sweep in (sweep for sweep, planned in started.items() if not planned):
                codes += collect(sweep, jobs.origin)
                jobs.sweeps[sweep] = None


def collect(sweep: Path, origin: Origin) -> list[int]:
    """Return the exit codes of the jobs in *sweep* that a launcher ran for *origin*.

    Signs their files, since other machines have other keys. Prints the errors that no run directory
    holds. A job that has not ended, or did not start, counts as one without an answer.
    """
    # Imported late for a fast --help.
    from runner.reports.compare.planned_jobs import planned_jobs
    from runner.reports.stored_run import is_run

    codes = []
    sign_stored(sweep, arrived=True)
    files = files_in(sweep / STATUS_FOLDER, ".json")
    found = {file.stem: _read(file, origin.token) for file in files}
    statuses = {name: status for name, status in found.items() if status is not None}
    planned = {job.path.name: job for job in planned_jobs(sweep)}
    for name in sorted({*statuses, *planned}, key=lambda name: (len(name), name)):
        status = statuses.get(name)
        if status is None or status.exit_code is None:
            where = "was not started" if status is None else f"has not ended on {status.host}"
            command = f"colloquy resume={shlex.quote(str(sweep))}"
            message, code = f"{where}; {command} finishes it", errors.EXIT_NOTHING
        else:
            message = f"on {status.host}: {status.error}" if status.error else ""
            code = status.exit_code
        if status is not None and is_run(sweep / name):
            sign_stored(sweep / name, arrived=True)
        if message:
            print_stderr(to_terminal(f"colloquy: job {name} {message}"))
        codes.append(code)
    return codes


def _read(file: Path, token: str) -> JobStatus | None:
    try:
        status = JobStatus(**load_json(file, MAX_STATUS_BYTES))
    except (OSError, ValueError, TypeError):
        return None
    return status if status.token == token else None
