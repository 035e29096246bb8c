"""Threads: the one way off the event loop, so that it serves its sockets and timers in time."""

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache, partial
from threading import Barrier
from typing import Any, TypeVar

T = TypeVar("T")

WORKERS = 4
INLINE_CHARS = 60_000  # text of so many characters takes a few milliseconds
SWITCH_S = 0.001  # a computing thread keeps the interpreter's lock so long; by default 5 ms


async def offload(
    function: Callable[..., T], *args: Any, chars: int | None = None, **named: Any
) -> T:
    """Return `function(*args, **named)`, run in a thread with this task's context variables.

    For what waits for a disk, and for computing on *chars* characters of text: on up to
    INLINE_CHARS it runs at once, because a thread would cost more than it.
    """
    if chars is not None and chars <= INLINE_CHARS:
        return function(*args, **named)
    call = partial(copy_context().run, function, *args, **named)
    return await asyncio.get_running_loop().run_in_executor(_pool(), call)


def start_threads() -> None:
    """Start all threads before they are needed; raise RuntimeError if the system refuses one."""
    met = Barrier(WORKERS)
    try:
        for _ in range(WORKERS):
            _pool().submit(met.wait)
    except RuntimeError:
        met.abort()
        raise


@cache
def _pool() -> ThreadPoolExecutor:
    sys.setswitchinterval(SWITCH_S)
    return ThreadPoolExecutor(WORKERS, thread_name_prefix="offload")
