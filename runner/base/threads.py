"""Short computations at once, long ones in a thread, so that the event loop is never held up."""

from __future__ import annotations

import asyncio
import gc
import sys
import weakref
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import cache, partial
from typing import Any, TypeVar

T = TypeVar("T")

# What we do to text takes about 0.1 ms per 1,000 characters; handing it to a thread and back
# costs up to a few milliseconds of waiting for the interpreter's lock.
INLINE_CHARS = 60_000

KEPT = 32  # results
BEHIND_S = 0.01  # in which calls leave that have been let go
TO_LEAVE = 3  # turns of the event loop in which a call that was let in makes its request and sends
MOST_TURNS = 30  # that are waited for it to be quiet
TURN_S = 0.003  # of computing before timers and sockets are served again
SWITCH_S = 0.001  # after which a thread that computes lets others go on; Python's own is 5 ms
# Collections of younger garbage for each full one, which looks at all that many runs hold and
# takes 10 to 40 ms; Python's own is 10. Runs leave nothing of ours in cycles (test_garbage.py).
FULL = 100


async def compute(chars: int, function: Callable[..., T], *args: Any) -> T:
    """Return `function(*args)`, which works on *chars* characters of text."""
    if chars > INLINE_CHARS:
        return await offload(function, *args)
    async with turn():
        return function(*args)


def turn() -> _Turns:
    """Return what is entered for a computation on this event loop; nothing is awaited within.

    All together take no more than about TURN_S before timers and sockets are served again, also
    when many replies arrive at once.
    """
    loop = asyncio.get_running_loop()
    turns = _TURNS.get(loop)
    if turns is None:
        turns = _TURNS[loop] = _Turns()
    return turns


async def let_leave() -> None:
    """Let calls leave that have been let in, before what they need not wait for.

    Who is cancelled meanwhile is so at its next wait: what it has may be paid for.
    """
    cancelled = False
    for _ in range(TO_LEAVE):
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            cancelled = True
    task = asyncio.current_task()
    if cancelled and task is not None:
        task.uncancel()
        task.cancel()


async def let_all_leave() -> None:
    """Wait until nothing more is computed for calls that can leave; no longer than MOST_TURNS."""
    turns, before, quiet = turn(), -1, 0
    for _ in range(MOST_TURNS):
        quiet = quiet + 1 if turns.entered == before else 0
        if quiet > TO_LEAVE:
            return
        before = turns.entered
        await asyncio.sleep(0)


class _Turns:
    """Counts what is computed between two looks of the event loop at its timers and sockets.

    Who has to wait goes on in the order of coming, as many at a time as should fit; who has just
    computed goes on at once, so that in order a reply is read and checked before others are let
    in. By the loop's own clock: where time is virtual, computing takes none.
    """

    def __init__(self) -> None:
        self._used_s = 0.0
        self._usual_s = 0.0  # for one computation, lately
        self._begun = 0.0
        self.entered = 0  # how many computations there have been
        self._counting = False
        self._last: asyncio.Task[Any] | None = None  # who has computed in this turn of the loop
        self._called = 0  # whose turn it is, and who have not been woken yet
        self._queue: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> None:
        loop, me = asyncio.get_running_loop(), asyncio.current_task()
        if not self._counting:
            self._counting = True
            loop.call_soon(self._over)
        if me is not self._last and (self._queue or self._called or self._used_s >= TURN_S):
            place = loop.create_future()
            self._queue.append(place)
            try:
                await place
            finally:
                self._called -= place.done() and not place.cancelled()
        self.entered += 1
        self._last, self._begun = me, loop.time()

    async def __aexit__(self, *_: object) -> None:
        took_s = asyncio.get_running_loop().time() - self._begun
        self._used_s += took_s
        self._usual_s += (took_s - self._usual_s) / (4 if self._usual_s else 1)

    async def spend(self, seconds: float) -> None:
        """Count what cannot be measured here, when its turn has come."""
        async with self:
            self._begun -= seconds

    def _over(self) -> None:
        self._used_s, self._last = 0.0, None
        left = max(1, int(TURN_S / max(self._usual_s, 1e-5)))
        self._counting = bool(self._queue or self._called)
        if self._counting:
            asyncio.get_running_loop().call_soon(self._over)
        while self._queue and left:
            place = self._queue.popleft()
            if not place.done():  # as that of who has given up is
                place.set_result(None)
                self._called += 1
                left -= 1


_TURNS: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Turns] = weakref.WeakKeyDictionary()


async def offload(function: Callable[..., T], *args: Any, **named: Any) -> T:
    """Return `function(*args, **named)`, computed in a thread, one call after the other.

    Threads that compute share the interpreter's lock: more of them finish nothing sooner, and the
    event loop has to wait for each of them at every file and socket that it touches.
    """
    return await _in_thread("compute", partial(function, *args, **named))


async def offload_long(function: Callable[..., T], *args: Any) -> T:
    """Do the same with what may take seconds, beside what others are waiting for."""
    return await _in_thread("compute-long", partial(function, *args))


async def offload_write(function: Callable[..., T], *args: Any) -> T:
    """Do the same with what writes many small files.

    At each of its calls to the system a thread may lose the interpreter's lock, and several that
    write at once do little but take it from each other and from the event loop.
    """
    return await _in_thread("write", partial(function, *args))


async def offload_record(function: Callable[..., T], *args: Any) -> T:
    """Do the same with what waits for the disk and must not wait for much else."""
    return await _in_thread("record", partial(function, *args))


class Once:
    """Computations in a thread, each made once however many ask; belongs to one event loop.

    All who wait for the same go on in the same turn of the loop. The last KEPT are remembered: a
    batch has more transcripts than memory holds.
    """

    def __init__(self) -> None:
        self._made: dict[Hashable, asyncio.Task[Any]] = {}

    async def offload(self, function: Callable[..., T], *args: Hashable) -> T:
        """Return `function(*args)`."""
        key = (function, *args)
        task = self._made.get(key)
        if task is None:
            task = self._made[key] = asyncio.create_task(offload(function, *args))
            if len(self._made) > KEPT:
                del self._made[next(iter(self._made))]
        made: T = await asyncio.shield(task)  # who gives up does not end it for others
        return made


class Behind:
    """Holds back for BEHIND_S what nobody waits for, in which calls leave that are about to.

    Both want the interpreter's lock. Belongs to one event loop.
    """

    def __init__(self) -> None:
        self._hurried = asyncio.Event()

    async def wait(self) -> None:
        """Wait for BEHIND_S seconds, or until somebody is in a hurry."""
        with suppress(TimeoutError):
            async with asyncio.timeout(BEHIND_S):
                await self._hurried.wait()

    def hurry(self) -> None:
        """Let all go on, and never hold anything back again."""
        self._hurried.set()


def favour_event_loop() -> None:
    """Let threads give way to the event loop soon, and collections be short."""
    sys.setswitchinterval(SWITCH_S)
    gc.set_threshold(*gc.get_threshold()[:2], FULL)
    if gc.get_freeze_count() == 0:
        gc.freeze()  # a collection stops all threads, and would look at every module each time


@cache
def leave_out(*loaded: str) -> None:
    """Let collections of garbage never look at what is there now, as *loaded* is; works once.

    litellm is half a million objects, and a provider's first call loads another 20,000.
    """
    if loaded:
        gc.collect()
        gc.freeze()


async def _in_thread(name: str, call: Callable[[], T]) -> T:
    run = copy_context().run
    return await asyncio.get_running_loop().run_in_executor(_thread(name), run, call)


@cache
def _thread(name: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(4 if name == "record" else 1, thread_name_prefix=name)
