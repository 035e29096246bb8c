"""Event loops with clocks of their own: steady while the process is stopped, or virtual."""

import asyncio
import selectors
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Runs timers in order without waiting; `time()` starts at 0.0 s and is exact.

    Calls in an executor run inline and take no virtual time. After trio's MockClock (autojump).
    """

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        """Return the virtual seconds since the loop was created."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the clock forward by *seconds* ≥ 0."""
        self._now += seconds

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Run *func* inline, so that no thread races the clock."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - raised where it is awaited, as by an executor
            future.set_exception(error)
        return future


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        # Without a timer, wait for a real event.
        ready: list[Any] = super().select(None if timeout is None else 0)
        if timeout and not ready:
            self._loop.advance(timeout)
        return ready


def run_virtually(main: Callable[[], Any]) -> Any:
    """Run the coroutine of *main* in virtual time, in a thread if a loop runs; return its value."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _run(main)
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(_run, main).result()


def _run(main: Callable[[], Any]) -> Any:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main())


GAP_S = 1.0  # time by which an iteration exceeds its wait that is not counted


class SteadyTimeLoop(asyncio.SelectorEventLoop):
    """Excludes the time in which its process was stopped or blocked.

    A gap then ends no timeout, deadline or wait before the loop has read what arrived meanwhile.
    *clock* returns seconds that never go back, *lost_s* of which do not count.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self.lost_s = clock, 0.0
        super().__init__(_GapSelector(self))

    def time(self) -> float:
        """Return the seconds for which the loop has run."""
        return self._clock() - self.lost_s


class _GapSelector(selectors.DefaultSelector):
    """Measures the iterations of *loop*, from events to events."""

    def __init__(self, loop: SteadyTimeLoop) -> None:
        super().__init__()
        self._loop = loop
        self._returned_at = loop.time()

    def select(self, timeout: float | None = None) -> list[Any]:
        events: list[Any] = super().select(timeout)
        passed = self._loop.time() - self._returned_at
        if timeout is not None and passed > timeout + GAP_S:
            self._loop.lost_s += passed
        self._returned_at = self._loop.time()
        return events
