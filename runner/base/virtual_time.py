"""Virtual time: an event loop whose clock jumps to the next timer instead of waiting."""

import asyncio
import selectors
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
    """Run the coroutine that *main* returns in virtual time; return its result.

    Inside a running loop it runs in another thread, since a thread runs one loop at a time.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _run(main)
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(_run, main).result()


def _run(main: Callable[[], Any]) -> Any:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main())
