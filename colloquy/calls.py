"""Functions of the package; each takes the configuration as the command line does."""

import asyncio
import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from functools import wraps
from numbers import Number
from os import PathLike
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from colloquy.results import Answer, Batch, Comparison, Quote, Run, read

P = ParamSpec("P")
T = TypeVar("T")

_IN_KEYS = re.compile(r"[\\()\[\]{}:=,]")  # what Hydra reads in keys only if it is escaped
_NOT_TEXT = ("null", "true", "false", "nan", "inf")  # what Hydra reads as another kind of value


async def run_async(
    transcript: str | Path | None = None,
    /,
    *overrides: str,
    config_dir: str | Path | None = None,
    **settings: Any,
) -> Run:
    """Read *transcript* with the pipeline and return the run, however it ended.

    *overrides* are those of the command line (`"model=openai"`); *settings* are the same as
    keywords, nested ones as mappings (`budget={"max_cost_usd": 0.5}`); *config_dir* is a folder
    of the user's analyzers and pipelines. `run` waits for it, also where an event loop is running.
    Raises `runner.base.errors.ColloquyError` before anything is sent.
    """
    return Run.read(await _execute(transcript, overrides, config_dir, settings, many=False))


async def batch_async(
    transcripts: str | Path | None = None,
    /,
    *overrides: str,
    config_dir: str | Path | None = None,
    **settings: Any,
) -> Batch:
    """Read all transcripts in a folder, or those that match a pattern; otherwise as `run`."""
    return Batch.read(await _execute(transcripts, overrides, config_dir, settings, many=True))


async def ask_async(
    where: str | Path,
    question: str,
    *overrides: str,
    tokens: int | None = None,
    config_dir: str | Path | None = None,
    **settings: Any,
) -> Answer:
    """Return the answer to *question* from a transcript, run, batch or folder, with its quotes.

    The passages most about it, at most *tokens* (by default 8,000) of them, are read in one run;
    otherwise as `run`.
    """
    from runner.base.errors import ConfigError
    from runner.run.execute import ProcessState, execute_job
    from runner.run.question.question import TOKENS, build_question, read_reply

    folders, limit = _folders(config_dir), TOKENS if tokens is None else tokens
    asked = build_question(str(where), question, _given(overrides, settings), folders, limit)
    if asked.job.settings.plan:
        raise ConfigError("plan=true predicts a run: colloquy-ask shows it")
    made: list[Path] = []
    shared = ProcessState(prints_end=False, prepare=asked.prepare)
    await execute_job(asked.job, shared, started=made.append)
    reply = read_reply(made[0])
    quotes = tuple(Quote(**asdict(quote)) for quote in reply.quotes)
    return Answer(asked.question, reply.answered, reply.text, quotes, Run.read(made[0]))


def _wait(made: Coroutine[Any, Any, T]) -> T:
    """Return the result of *made*; if a loop is running, run it in another thread's loop.

    There, an interrupt of the waiting thread cancels it and is raised once that has ended.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(made)
    tasks: list[asyncio.Task[T] | None] = []

    async def run() -> T:
        tasks.append(asyncio.current_task())
        return await made

    with ThreadPoolExecutor(1, thread_name_prefix="colloquy") as pool:
        result = pool.submit(asyncio.run, run())
        try:
            return result.result()
        except KeyboardInterrupt:
            for task in filter(None, tasks):
                with suppress(RuntimeError):  # its loop has ended
                    task.get_loop().call_soon_threadsafe(task.cancel)
            raise


def _waiting(call: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Return *call*, named `NAME_async`, as the function NAME that waits for its result."""

    @wraps(call)
    def wait(*args: P.args, **kwargs: P.kwargs) -> T:
        return _wait(call(*args, **kwargs))

    wait.__name__ = wait.__qualname__ = call.__name__.removesuffix("_async")
    return wait


run, batch, ask = _waiting(run_async), _waiting(batch_async), _waiting(ask_async)


def resume(path: str | Path, *overrides: str) -> Run | Batch:
    """Finish the run or batch in *path*; nothing that was paid for is requested again."""
    from runner.run.execute import ProcessState, resume_job
    from runner.run.resume import read_resumption

    resumption = read_resumption([f"resume={path}", *overrides])
    _wait(resume_job(resumption, ProcessState(prints_end=False)))
    return load(path)


def load(path: str | Path) -> Run | Batch:
    """Return the stored run or batch in the directory *path*; raise ConfigError for none."""
    return read(Path(path))


def plan(
    transcript: str | Path | None = None,
    /,
    *overrides: str,
    config_dir: str | Path | None = None,
    **settings: Any,
) -> Mapping[str, Any]:
    """Return the predicted calls, tokens, cost and time; nothing is sent and nothing written."""
    from runner.job.job import BatchJob
    from runner.run.batch.plan import plan_batch
    from runner.run.plan.plan import make_plan, read_histories

    job = _build(transcript, (*overrides, "plan=true"), config_dir, settings)
    if isinstance(job, BatchJob):
        return plan_batch(job).as_dict()
    return make_plan(job, read_histories(job)).as_dict()


def compare(*paths: str | Path) -> Comparison:
    """Return the comparison of the runs in and below *paths*, as `colloquy-compare` prints it.

    Raises ConfigError for a path without a run, and for no path.
    """
    from runner.base.errors import ConfigError, one_line
    from runner.reports.compare.compare import compare as compare_runs
    from runner.reports.compare.write import as_dict

    if not paths or not all(isinstance(path, str | PathLike) and str(path) for path in paths):
        given = f"{one_line(repr(paths[0]), 80)}: " if len(paths) == 1 and paths[0] else ""
        raise ConfigError(
            f"{given}expected the directories of runs, batches or sweeps: compare('A', 'B')"
        )
    return Comparison.of(as_dict(compare_runs(Path(path) for path in paths)))


async def _execute(
    transcript: str | Path | None,
    overrides: Sequence[str],
    config_dir: str | Path | None,
    settings: Mapping[str, Any],
    *,
    many: bool,
) -> Path:
    """Execute the job and return its directory."""
    from runner.base.errors import ConfigError
    from runner.job.job import BatchJob
    from runner.run.execute import ProcessState, execute_job

    job = _build(transcript, overrides, config_dir, settings)
    if isinstance(job, BatchJob) != many:
        other = "batch" if isinstance(job, BatchJob) else "run"
        raise ConfigError(f"{job.settings.transcript.path} is for colloquy.{other}")
    if job.settings.plan:
        raise ConfigError("plan=true predicts a run: call colloquy.plan")
    made: list[Path] = []
    await execute_job(job, ProcessState(prints_end=False), started=made.append)
    return made[0]


def _build(
    transcript: str | Path | None,
    overrides: Sequence[str],
    config_dir: str | Path | None,
    settings: Mapping[str, Any],
) -> Any:
    """Return the job; raise ColloquyError.

    A *transcript* of None is among the *settings* or *overrides*, or the sample.
    """
    from runner.base.errors import ConfigError
    from runner.job.build import build_job
    from runner.run.cli.command_line import composed

    folders = _folders(config_dir)
    if transcript is None and not isinstance(settings.get("transcript"), Mapping):
        transcript = settings.get("transcript")
        settings = {key: value for key, value in settings.items() if key != "transcript"}
    given = _given(overrides, settings)
    if isinstance(transcript, str | PathLike):
        given = [f"transcript={transcript}", *given]
    elif transcript is not None:
        raise ConfigError(f"{transcript!r}: expected a file, a folder or a pattern 'talks/*.vtt'")
    cfg, typed = composed(given, folders)
    return build_job(cfg, config_folders=folders, overrides=typed)


def _folders(config_dir: str | Path | None) -> list[Path]:
    from runner.base.errors import ConfigError

    if not isinstance(config_dir, str | PathLike | None):
        raise ConfigError(f"config_dir={config_dir!r}: expected one folder")
    return [] if config_dir is None else [Path(config_dir).expanduser().resolve()]


def _given(overrides: Sequence[str], settings: Mapping[str, Any]) -> list[str]:
    """Return all overrides; the console is quiet unless one of them sets it."""
    from runner.base.errors import ConfigError

    for each in overrides:
        if not isinstance(each, str):
            raise ConfigError(f"{each!r}: expected an override such as 'model=openai'")
    return ["output.console=quiet", *overrides, *_flat(settings)]


def _flat(settings: Mapping[str, Any], above: str = "") -> list[str]:
    """Return *settings* as overrides; mappings whose keys are words become dotted keys."""
    flat: list[str] = []
    for key, value in settings.items():
        if isinstance(value, Mapping) and all(str(name).isidentifier() for name in value):
            flat += _flat(value, f"{above}{key}.")
        else:
            flat.append(f"{above}{key}={_written(value)}")
    return flat


def _written(value: Any) -> str:
    """Return *value* in Hydra's grammar."""
    from runner.run.cli.command_line import quote

    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    if isinstance(value, Mapping):
        named = ((_IN_KEYS.sub(r"\\\g<0>", str(key)), each) for key, each in value.items())
        return f"{{{','.join(f'{key}:{_written(each)}' for key, each in named)}}}"
    if isinstance(value, list | tuple | set | frozenset):
        return f"[{','.join(map(_written, value))}]"
    if isinstance(value, Number):
        return str(value)
    plain = str(value).isidentifier() and str(value).lower() not in _NOT_TEXT
    return str(value) if plain else quote(str(value))
