"""Jobs of a sweep in other processes, maybe on other machines: what goes there, what comes back.

Hydra's launchers for Ray and submitit pickle the task function and tell nobody an exit code.
Here a job's process notes how its job ended in the sweep's directory, which all machines share.
"""

import os
import secrets
import socket
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from runner.base import errors
from runner.base.command import print_error
from runner.base.errors import ColloquyError, OutputError, one_line
from runner.base.files import make_directory, write_json
from runner.base.json import load_json
from runner.base.secrets import secrets_of
from runner.base.text import print_stderr, to_safe_text, to_terminal

NOTES = "jobs"  # in the sweep's directory
MAX_NOTE_BYTES = 10_000
LAUNCHERS = ("ray", "submitit")  # packages whose own errors say that a process died

# The sweeps that Hydra has begun, where somebody wants to know.
SWEEPS: ContextVar[list[Path]] = ContextVar("sweeps")

Job = Callable[[Any], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a sweep was started: *cwd* is where its relative paths begin.

    *token* tells its notes from those of an earlier sweep in the same directory.
    """

    token: str = field(default_factory=lambda: secrets.token_hex(8))
    cwd: str = field(default_factory=lambda: str(Path.cwd()))


@dataclass(frozen=True, slots=True)
class Note:
    """How a job ended: *exit_code* is None until it has; *error* is "" where its run tells."""

    token: str
    host: str
    exit_code: int | None = None
    error: str = ""


def arrive(origin: Origin) -> "RemoteJobs":
    """Return what runs jobs of *origin*'s sweep in the process that unpickles it."""
    os.umask(0o077)
    try:
        os.chdir(origin.cwd)
    except OSError as error:
        return RemoteJobs(origin, f"{origin.cwd}: {error.strerror or error}")
    return RemoteJobs(origin)


class RemoteJobs:
    """Stands for `runner.run.command`'s jobs where a launcher has carried them.

    *lost* says why this machine does not see the directory that the sweep was started in.
    """

    def __init__(self, origin: Origin, lost: str = "") -> None:
        self._origin = origin
        self._lost = lost

    def __reduce__(self) -> tuple[Any, ...]:
        """Arrive as before where a preempted job is sent again."""
        return arrive, (self._origin,)

    def run(self, cfg: Any) -> Any:
        """Run the job that *cfg* describes; return its objective, None without one.

        However it ends, it ends no other: see `collect`. Raises OutputError if it cannot note that.
        """
        from runner.run.command import carried_job  # it knows Hydra

        note = Note(self._origin.token, socket.gethostname())
        if self._lost:
            raise OutputError(f"{note.host} cannot see {self._lost}; a sweep needs one file system")
        path, job = carried_job(cfg)
        file = path.parent / NOTES / f"{path.name}.json"
        make_directory(file.parent)
        again = _read(file, note.token) is not None
        write_json(file, asdict(note))
        codes: list[int] = []
        objective, error = None, ""
        try:
            objective, error = _run(path, job, codes, again=again)
        except KeyboardInterrupt:  # a signal: the run, if there was one, has told and recorded it
            codes = codes or [errors.EXIT_INTERRUPTED]
        except Exception as bug:  # noqa: BLE001 - a bug in one job is told, and ends no other
            print_stderr(to_safe_text(secrets_of().redact(traceback.format_exc())).rstrip())
            error = f"{type(bug).__name__}: {bug}"
            codes.append(errors.EXIT_BUG)
        error = one_line(secrets_of().redact(error))
        write_json(file, asdict(replace(note, exit_code=codes[-1] if codes else 0, error=error)))
        return objective


def _run(path: Path, job: Job, codes: list[int], *, again: bool) -> tuple[Any, str]:
    """Run *job*, or *again*: what a process that died, or was moved, has left in *path*."""
    from runner.reports.stored_run import is_run
    from runner.run.command import resume
    from runner.run.session import Session

    faults: list[str] = []

    async def noted(shared: Any) -> Any:
        try:
            return await job(shared)
        except ColloquyError as error:
            faults.append(str(error))
            raise

    try:
        if again and is_run(path):
            resume([f"resume={path}"], codes)
            return None, ""
        return Session(codes).run(noted), "".join(faults)
    except ColloquyError as error:
        codes.append(print_error(error))
        return None, str(error)


@contextmanager
def elsewhere(jobs: Any, codes: list[int]) -> Iterator[None]:
    """Hear of sweeps whose jobs a launcher carries away from *jobs* while the block composes.

    Afterwards their exit codes are in *codes*, and the sweeps in `jobs.sweeps`. That a job's
    process died is told in one line, as of any other job that has not ended.
    """
    begun: list[Path] = []
    SWEEPS.set(begun)
    try:
        yield
    except Exception as error:
        if jobs.origin is None or type(error).__module__.split(".")[0] not in LAUNCHERS:
            raise
        print_stderr(to_terminal(f"colloquy: {type(error).__name__}: {one_line(str(error))}"))
        codes.append(errors.EXIT_NOTHING)
    finally:
        if jobs.origin is not None:
            for sweep in begun:
                codes += collect(sweep, jobs.origin)
                jobs.sweeps[sweep] = None


def collect(sweep: Path, origin: Origin) -> list[int]:
    """Return the exit codes of the jobs in *sweep* that were carried away from *origin*.

    Says of each job what no run directory tells. One that has not ended or was never begun
    counts as one without an answer.
    """
    # After composing: keeps --help quick.
    from runner.reports.compare.planned_jobs import planned_jobs

    codes = []
    found = {file.stem: _read(file, origin.token) for file in (sweep / NOTES).glob("*.json")}
    notes = {name: note for name, note in found.items() if note is not None}
    planned = {job.path.name: job for job in planned_jobs(sweep)}
    for name in sorted({*notes, *planned}, key=lambda name: (len(name), name)):
        note = notes.get(name)
        if note is None or note.exit_code is None:
            where = "was not begun" if note is None else f"has not ended on {note.host}"
            told, code = f"{where}; colloquy resume={sweep} finishes it", errors.EXIT_NOTHING
        else:
            told, code = f"on {note.host}: {note.error}" if note.error else "", note.exit_code
        if told:
            print_stderr(to_terminal(f"colloquy: job {name} {told}"))
        codes.append(code)
    return codes


def _read(file: Path, token: str) -> Note | None:
    """Return the note in *file*, None where there is none of this sweep's."""
    try:
        note = Note(**load_json(file, MAX_NOTE_BYTES))
    except (OSError, ValueError, TypeError):
        return None
    return note if note.token == token else None
