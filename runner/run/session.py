"""Session: runs the jobs of one process, in sequence or concurrently, with shared state."""

import asyncio
import os
import resource
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from runner.base.command import print_error
from runner.base.errors import ColloquyError
from runner.base.event_loops import SteadyTimeLoop
from runner.base.loop_lag import LagProbe
from runner.base.threads import start_threads
from runner.calls.admission.limits import Admission
from runner.calls.schedule import gather_all
from runner.run.cli.command_line import worst_exit_code
from runner.run.execute import ProcessState
from runner.run.objective import Objective
from runner.run.stop import stopping

Job = Callable[[ProcessState], Awaitable[tuple[int, Objective | None]]]


class Session:
    """Runs jobs and adds their exit codes to *codes*; a failed job does not end the session.

    The state of providers is kept from one event loop to the next. A signal ends all jobs, a
    second one the process, after *last_words*. *command* is named in errors.
    """

    def __init__(
        self,
        codes: list[int],
        command: str = "colloquy",
        last_words: Callable[[], None] = lambda: None,
    ) -> None:
        self._codes, self._command, self._last_words = codes, command, last_words
        self.faults: list[ColloquyError] = []  # that jobs have raised
        self._shared = ProcessState()
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        with suppress(OSError, ValueError):  # a call in flight holds a socket and a file
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def run(self, job: Job) -> Objective | None:
        """Run one job to its end; return its objective. Raises KeyboardInterrupt after a signal."""
        return self.run_all([job])[0]

    def run_all(self, jobs: Sequence[Job], limit: int | None = None) -> list[Objective | None]:
        """Run *jobs* in one event loop, at most *limit* at a time, with one admission queue."""
        start_threads()
        stop, before = self._shared.stop, len(self._codes)
        loop = asyncio.Runner(loop_factory=SteadyTimeLoop)
        try:
            objectives = loop.run(self._run_jobs(jobs, limit or len(jobs)))
        finally:
            if not stop.at_once:
                loop.close()
        if stop.at_once:  # closing the loop would wait for threads
            self._last_words()
            sys.stderr.flush()
            os._exit(worst_exit_code(self._codes))
        if stop.signum is not None and stop.exit_code in self._codes[before:]:
            raise KeyboardInterrupt
        return objectives

    async def _run_jobs(self, jobs: Sequence[Job], limit: int) -> list[Objective | None]:
        probe = LagProbe(asyncio.get_running_loop())
        shared = replace(self._shared, admission=Admission(), probe=probe)
        semaphore, stop = asyncio.Semaphore(limit), shared.stop
        objectives: list[Objective | None] = [None] * len(jobs)

        async def run(place: int, job: Job) -> None:
            async with semaphore:
                if stop.signum is not None:
                    self._codes.append(stop.exit_code)
                    return
                try:
                    code, objectives[place] = await job(shared)
                except ColloquyError as error:
                    self.faults.append(error)
                    code = print_error(error, self._command)
                self._codes.append(code)

        try:
            with stopping(stop, shared.admission):
                await gather_all(run(place, job) for place, job in enumerate(jobs))
        except asyncio.CancelledError:
            if stop.signum is None:
                raise
        return objectives
