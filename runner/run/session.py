"""The jobs of one process: one after the other or side by side, with everything they share."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from runner.base.command import print_error
from runner.base.errors import ColloquyError
from runner.base.loop_lag import LagProbe
from runner.calls.admission.limits import Admission
from runner.calls.schedule import gather_all
from runner.run.cli import worst_exit_code
from runner.run.execute import ProcessState
from runner.run.objective import Objective
from runner.run.stop import stopping

Job = Callable[[ProcessState], Awaitable[tuple[int, Objective | None]]]


class Session:
    """Runs jobs; their exit codes go to *codes*, never raised, so that a sweep goes on.

    What is known of providers lasts from one event loop to the next; a signal ends all.
    """

    def __init__(self, codes: list[int]) -> None:
        self._codes = codes
        self._shared = ProcessState()

    def run(self, job: Job) -> Objective | None:
        """Run one job to its end; return its objective. Raises KeyboardInterrupt after a signal."""
        return self.run_together([job])[0]

    def run_together(self, jobs: Sequence[Job], most: int | None = None) -> list[Objective | None]:
        """Run *jobs* in one event loop, at most *most* at a time, under one admission."""
        stop, loop = self._shared.stop, asyncio.Runner()
        try:
            objectives = loop.run(self._together(jobs, most or len(jobs)))
        finally:
            if not stop.at_once:
                loop.close()
        if stop.at_once:  # closing the loop would wait for its threads
            sys.stderr.flush()
            os._exit(worst_exit_code(self._codes))
        if stop.signum is not None:
            raise KeyboardInterrupt
        return objectives

    async def _together(self, jobs: Sequence[Job], most: int) -> list[Objective | None]:
        probe = LagProbe(asyncio.get_running_loop())
        shared = replace(self._shared, admission=Admission(), probe=probe)
        turns, stop = asyncio.Semaphore(most), shared.stop
        objectives: list[Objective | None] = [None] * len(jobs)

        async def one(place: int, job: Job) -> None:
            async with turns:
                if stop.signum is not None:
                    return
                try:
                    code, objectives[place] = await job(shared)
                except ColloquyError as error:
                    code = print_error(error)
                self._codes.append(code)

        try:
            with stopping(stop, shared.admission):
                await gather_all(one(place, job) for place, job in enumerate(jobs))
        except asyncio.CancelledError:
            if stop.signum is None:
                raise
        return objectives
