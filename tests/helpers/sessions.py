"""Runs that are begun, interrupted and resumed as the command does it, in virtual time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Coroutine, Mapping
from contextlib import chdir
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from helpers import ScriptedTransport, job
from helpers.runs import Reply, failing, simulated
from runner.base.errors import CallError, NotRunError
from runner.base.event_loops import run_virtually
from runner.calls.admission.budget import Sizer
from runner.calls.client import Client
from runner.calls.retry import RetryPolicy
from runner.job.job import Setup
from runner.providers.request import Completion, Request
from runner.run.execute import ProcessState, execute_job, resume_job
from runner.run.resume import read_resumption

RUN = Path("run")


Start = Callable[[ProcessState], Coroutine[Any, Any, tuple[int, float | None]]]


def session(start: Start, reply: Reply, answers: int | None = None) -> tuple[int, list[str]]:
    """Run *start* in virtual time; return the exit code and the analyzers that were asked.

    After *answers* of them the run is interrupted, None: never.
    """
    asked: list[str] = []

    def clients(made: Setup, *rest: Any) -> dict[str, Client]:
        def counted(request: Request) -> str | Completion:
            asked.append(request.node)
            if len(asked) == answers:
                client.admission.close(NotRunError("interrupted", "not called: interrupted"))
            return reply(request)

        client = Client(
            ScriptedTransport(counted),
            RetryPolicy(max_retries=0),
            60.0,
            budget=rest[-1],
            sizer=Sizer(made.main.tokenizer),
        )
        return {"main": client}

    code, _ = run_virtually(lambda: start(ProcessState(clients=clients)))
    return code, asked


def begin(*overrides: str, answers: int | None = None, **more: Any) -> tuple[int, list[str]]:
    """Start a run in ./run, one call at a time; by default it is a copy of one that was made so.

    What is patched takes no effect on a copy: `begin_anew` makes none.
    """
    if overrides or more:
        return begin_anew(*overrides, answers=answers, **more)
    os.umask(mask := os.umask(0))
    code, asked, folder = _begun(answers, mask)
    shutil.copytree(folder.name, Path.cwd(), dirs_exist_ok=True)
    return code, [*asked]


@cache
def _begun(answers: int | None, mask: int) -> tuple[int, list[str], TemporaryDirectory[str]]:
    folder = TemporaryDirectory(prefix="begun-")
    with chdir(folder.name):
        return *begin_anew(answers=answers), folder


def begin_anew(
    *overrides: str,
    answers: int | None = None,
    faults: Mapping[str, CallError] | None = None,
    reply: Reply | None = None,
    folders: tuple[Path, ...] = (),
) -> tuple[int, list[str]]:
    """Start a run in ./run, one call at a time."""
    made = job(
        "processing.max_concurrent=1", "output.console=quiet", *overrides, config_folders=folders
    )
    return session(
        lambda shared: execute_job(made, shared, run_path=RUN),
        reply or failing(faults or {}),
        answers,
    )


def resume(
    *arguments: str, reply: Reply = simulated, answers: int | None = None
) -> tuple[int, list[str]]:
    """Take the run in ./run up."""
    resumption = read_resumption([f"resume={RUN}", *arguments])
    return session(lambda shared: resume_job(resumption, shared), reply, answers)
