"""Hedge: a second request for the last straggler (Dean and Barroso, The tail at scale, 2013)."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from runner.base.errors import CallError
from runner.providers.request import Completion

LATE = 3.0  # times the seconds that a call is expected to take; then a fresh one is faster
MIN_LATE_S = 2.0  # added to that, for calls of which little is expected


async def hedged(
    first: Coroutine[Any, Any, Completion],
    second: Callable[[], Coroutine[Any, Any, Completion]],
    late_s: float,
    may: Callable[[], bool],
) -> tuple[Completion, bool]:
    """Return the reply, and whether it is that of *second*, which was faster than *first*.

    *second* starts after *late_s* seconds, as soon as it *may*. A failure of *first* is raised and
    cancels *second*, whose own failure is ignored.
    """
    one = asyncio.ensure_future(first)
    tasks: list[asyncio.Future[Completion]] = [one]
    try:
        done, _ = await asyncio.wait(tasks, timeout=late_s)
        while not done and not may():
            done, _ = await asyncio.wait(tasks, timeout=max(MIN_LATE_S, late_s / 8))
        if not done:
            tasks.append(asyncio.ensure_future(second()))
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not one.done() and tasks[1].exception() is None:
                return tasks[1].result(), True
        return await one, False
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(CallError, asyncio.CancelledError):
                await task
