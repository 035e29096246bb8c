"""Steady time: an event loop whose clock stands still while its process is stopped."""

import asyncio
import selectors
import time
from collections.abc import Callable
from typing import Any

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
