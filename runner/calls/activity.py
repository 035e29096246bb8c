"""Activity: counts the busy tasks of a job, to detect when all of them wait for batches."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

_HOPS = 12  # iterations of the event loop from a task's end to the next step of one awaiting it
_LIMITED_S = 0.1  # between checks of live calls that wait for a rate limit


@dataclass(eq=False)
class Activity:
    """Counts the *busy* tasks of one event loop; *when_quiet* is called when it reaches 0.

    A task that waits for a batch's reply, a predecessor or room in a budget is not busy. While
    *is_stuck* is false, waiting calls still go out.
    """

    is_stuck: Callable[[], bool] = lambda: True
    when_quiet: list[Callable[[], object]] = field(default_factory=list)
    busy: int = 0
    _changes: int = 0
    _checking: bool = False

    def add(self, tasks: int) -> None:
        """Add *tasks*, a number that may be negative."""
        self.busy += tasks
        self._changes += 1
        if self.busy == 0 and not self._checking:
            self._checking = True
            self._hop(_HOPS, self._changes)

    def _hop(self, left: int, changes: int) -> None:
        """Call *when_quiet* once finished tasks have woken others and none of these is busy."""
        loop = asyncio.get_running_loop()
        if self.busy:
            self._checking = False
        elif not self.is_stuck():
            loop.call_later(_LIMITED_S, self._hop, _HOPS, self._changes)
        elif left:
            left = left - 1 if changes == self._changes else _HOPS
            loop.call_soon(self._hop, left, self._changes)
        else:
            self._checking = False
            for call in self.when_quiet:
                call()


_CURRENT: ContextVar[tuple[asyncio.AbstractEventLoop | None, Activity | None]] = ContextVar(
    "activity", default=(None, None)
)


@contextmanager
def tracked(activity: Activity) -> Iterator[None]:
    """Count this task, and those that it starts, in *activity* during the block."""
    token = _CURRENT.set((asyncio.get_running_loop(), activity))
    try:
        with busy():
            yield
    finally:
        _CURRENT.reset(token)


@contextmanager
def busy(tasks: int = 1) -> Iterator[None]:
    """Count *tasks* more tasks during the block; do nothing without an activity."""
    loop, activity = _CURRENT.get()
    if activity is None or loop is not asyncio.get_running_loop():  # a simulation in a thread
        yield
        return
    activity.add(tasks)
    try:
        yield
    finally:
        activity.add(-tasks)


def idle() -> AbstractContextManager[None]:
    """Exclude this task from the count during the block, in which it waits for others."""
    return busy(-1)


@asynccontextmanager
async def one_at_a_time(lock: asyncio.Lock) -> AsyncIterator[None]:
    """Hold *lock* during the block; the wait for it is idle."""
    with idle():
        await lock.acquire()
    try:
        yield
    finally:
        lock.release()
