"""Threads: run blocking work off the event loop."""

import asyncio
import ctypes
import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future, InvalidStateError, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import cache, partial
from threading import Barrier, Thread
from typing import Any, TypeVar

T = TypeVar("T")

WORKERS = 4
INLINE_CHARS = 60_000  # text of so many characters takes a few milliseconds
SWITCH_S = 0.001  # a computing thread keeps the interpreter's lock so long; by default 5 ms


async def offload(
    function: Callable[..., T], *args: Any, chars: int | None = None, **named: Any
) -> T:
    """Return `function(*args, **named)`, run in a thread with this task's context variables.

    For work that waits for a disk, or computes on *chars* characters of text. Up to INLINE_CHARS it
    runs inline, because a thread would cost more.
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


async def compute(function: Callable[..., T], *args: Any) -> T:
    """Return `function(*args)`, computed in a thread that ends with this task.

    For pure functions that may take minutes: no other work queues behind them. Cancelling the task
    interrupts Python code; the process does not wait for other code.
    """
    call = partial(copy_context().run, function, *args)
    return await asyncio.get_running_loop().run_in_executor(_OwnThread(), call)


@cache
def _pool() -> ThreadPoolExecutor:
    sys.setswitchinterval(SWITCH_S)
    return ThreadPoolExecutor(WORKERS, thread_name_prefix="offload")


class _OwnThread(Executor):
    """Makes each call in a daemon thread, in which a cancelled call raises SystemExit."""

    def submit(self, call: Callable[..., T], /, *args: Any, **named: Any) -> Future[T]:
        future = Future[T]()

        def work() -> None:
            with suppress(InvalidStateError):  # it was cancelled
                try:
                    result = call(*args, **named)
                except BaseException as error:  # noqa: BLE001 - raised where it is awaited
                    future.set_exception(error)
                else:
                    future.set_result(result)

        thread = Thread(target=work, name="compute", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the system gives no more threads than `start_threads` has taken
            return _pool().submit(call, *args, **named)
        future.add_done_callback(partial(_end, thread))
        return future


def _end(thread: Thread, future: Future[Any]) -> None:
    if future.cancelled():
        number = ctypes.c_ulong(thread.ident or 0)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(number, ctypes.py_object(SystemExit))
