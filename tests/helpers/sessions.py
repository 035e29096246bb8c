"""Runs that are begun, interrupted and resumed as the command does it, in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import pytest

from helpers import ScriptedTransport, job
from helpers.runs import failing, offline
from runner.base.errors import CallError, NotRunError
from runner.base.virtual_time import run_virtually
from runner.calls.client import Client
from runner.calls.retry import RetryPolicy
from runner.job.job import Job
from runner.providers.request import Completion, Request
from runner.run import execute
from runner.run.execute import Shared, execute_job, resume_job
from runner.run.resume import read_resumption

RUN = Path("run")


Made = Callable[[Job], Callable[[Request], str | Completion]]


Start = Callable[[], Coroutine[Any, Any, tuple[int, float | None]]]


def session(start: Start, reply: Made, answers: int | None = None) -> tuple[int, list[str]]:
    """Run *start* in virtual time; return the exit code and the analyzers that were asked.

    After *answers* of them the run is interrupted, None: never.
    """
    asked: list[str] = []

    def build_clients(made: Job, *_: object, **__: object) -> dict[str, Client]:
        answer = reply(made)

        def counted(request: Request) -> str | Completion:
            asked.append(request.node)
            if len(asked) == answers:
                client.lobby.close(NotRunError("interrupted", "not called: interrupted"))
            return answer(request)

        client = Client(ScriptedTransport(counted), RetryPolicy(max_retries=0), 60.0)
        return {"main": client}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(execute, "build_clients", build_clients)
        code, _ = run_virtually(start)
    return code, asked


def begin(
    *overrides: str,
    answers: int | None = None,
    faults: Mapping[str, CallError] | None = None,
    reply: Made | None = None,
    folders: tuple[Path, ...] = (),
) -> tuple[int, list[str]]:
    """Start a run in ./run, one call at a time."""
    made = job(
        "processing.max_concurrent=1", "output.console=quiet", *overrides, config_folders=folders
    )
    nothing: Any = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(execute, "build_job", lambda *_, **__: made)
        return session(
            lambda: execute_job(nothing, run_path=RUN),
            reply or (lambda made: failing(made, faults or {})),
            answers,
        )


def resume(
    *arguments: str, reply: Made = offline, answers: int | None = None
) -> tuple[int, list[str]]:
    """Take the run in ./run up."""
    resumption = read_resumption([f"resume={RUN}", *arguments])
    return session(lambda: resume_job(resumption, Shared()), reply, answers)
