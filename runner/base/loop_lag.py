"""Event-loop lag: how late a loop serves its timers, and garbage collections, which block it."""

import asyncio
import gc
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

PERIOD_S = 0.005  # a stretch of x s on the loop shows as a lag of x - PERIOD_S to x
LATE_S = 0.02
_STEPS_PER_S = 10_000  # p99 is exact to 0.1 ms


class Lag:
    """The lags measured during one run, in little memory."""

    def __init__(self) -> None:
        self.samples = 0
        self.max_s = 0.0
        self.late = 0  # of more than LATE_S
        self._counts = Counter[int]()  # by step

    def add(self, lag_s: float) -> None:
        """Count one lag."""
        self.samples += 1
        self.max_s = max(self.max_s, lag_s)
        self.late += lag_s > LATE_S
        self._counts[int(lag_s * _STEPS_PER_S)] += 1

    def figures(self) -> dict[str, Any]:
        """Return what benchmark.json holds, in milliseconds; None where nothing was seen."""
        return {
            "max_ms": round(1e3 * self.max_s, 3) if self.samples else None,
            "p99_ms": round(1e3 * self._p99_s(), 3) if self.samples else None,
            "over_20_ms": self.late,
            "samples": self.samples,
        }

    def _p99_s(self) -> float:
        """Return the upper end of the step that 99 of 100 lags do not exceed."""
        steps = sorted(self._counts)
        reached = accumulate(self._counts[step] for step in steps)
        at = bisect_left([*reached], 0.99 * self.samples)
        return min(self.max_s, (steps[at] + 1) / _STEPS_PER_S)


class LagProbe:
    """Sets a timer of *loop* every *period_s* while a run watches; all runs share one timer.

    Only for a loop on real time: in virtual time its timer would never let the clock stop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, period_s: float = PERIOD_S) -> None:
        self._loop = loop
        self._period_s = period_s
        self._watching: list[Lag] = []
        self._timer: asyncio.TimerHandle | None = None

    @contextmanager
    def watch(self) -> Iterator[Lag]:
        """Yield the lags from now to the end of the block."""
        lag = Lag()
        self._watching.append(lag)
        if self._timer is None:
            self._ask()
        try:
            yield lag
        finally:
            self._watching.remove(lag)
            if not self._watching and self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _ask(self) -> None:
        due = self._loop.time() + self._period_s
        self._timer = self._loop.call_at(due, self._served, due + self._lost_s())

    def _lost_s(self) -> float:
        return getattr(self._loop, "lost_s", 0.0)  # of a SteadyTimeLoop

    def _served(self, due: float) -> None:
        now = self._loop.time() + self._lost_s()
        lag_s = max(0.0, now - due)  # a loop may be early by its clock's resolution
        for lag in self._watching:
            lag.add(lag_s)
        self._ask()


def spare_collections() -> None:
    """Keep full garbage collections, which block the event loop, short and rare.

    litellm's objects are left out (half a million, 100 ms), with the few hundred of its import that
    are garbage; those of a batch's runs take 50 ms.
    """
    if gc.get_freeze_count() == 0:  # once in a process
        gc.freeze()
    gc.set_threshold(*gc.get_threshold()[:2], 100)  # by default every 10 collections
