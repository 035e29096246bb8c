"""Timing: how long a request waits for its batch before it goes live, at least cost."""

import math
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

# What is assumed of a provider of which nothing is recorded, in seconds: "most batches end within
# an hour, none takes more than a day" (developers.openai.com and platform.claude.com).
ASSUMED_S = (300.0, 600.0, 900.0, 1800.0, 2700.0, 3600.0, 7200.0, 21_600.0, 86_400.0)
LIVE_S = 60.0  # assumed seconds of a live call
CANCEL_S = 60.0  # left for a provider to stop a batch, so that nothing is paid twice
MARGIN = 1.25  # on the time that live calls are expected to take
_ENOUGH = 5  # recorded batches; fewer count together with the assumed ones
_STEPS = 32  # of the grid of times
_LIVE, _BATCH = 1.0, 0.5  # what a request costs


@dataclass(eq=False)
class Timing:
    """Decides when a model's requests leave their batches to go live.

    *deadline_s* is in seconds since 1970, None for none. *latencies_s* are those of earlier
    batches; *live_s* is what a live call takes, *slots* of which may be in flight at once.
    """

    deadline_s: float | None = None
    latencies_s: Sequence[float] = ()
    live_s: float = LIVE_S
    slots: int = 1
    now: Callable[[], float] = time.time

    def leaves_at(self, steps: int, waiting: int) -> float:
        """Return when a request leaves its batch, in seconds since 1970; inf without a deadline.

        *steps* are the calls from here to the end of its run, one after the other, and *waiting*
        the requests that would go live with it. The time may have passed.
        """
        latest, now = self.latest(steps, waiting), self.now()
        if self.deadline_s is None or latest <= now:
            return latest
        return now + self._cutoff_s(steps, self._step_s(waiting), self.deadline_s - now)

    def latest(self, steps: int, waiting: int) -> float:
        """Return the last moment to go live in time, in seconds since 1970; see `leaves_at`."""
        if self.deadline_s is None:
            return math.inf
        return self.deadline_s - steps * self._step_s(waiting) - CANCEL_S

    def allows(self, steps: int, waiting: int) -> bool:
        """Return whether a batch that is sent now may end in time."""
        return self._sample[0] <= self.latest(steps, waiting) - self.now()

    def _step_s(self, waiting: int) -> float:
        """Return seconds in which so many requests are answered live."""
        return MARGIN * self.live_s * math.ceil(max(1, waiting) / max(1, self.slots))

    @cached_property
    def _sample(self) -> list[float]:
        """A bounded sample of the recorded latencies, ascending."""
        few = len(self.latencies_s) < _ENOUGH
        latencies = sorted([*self.latencies_s, *(ASSUMED_S if few else ())])
        if len(latencies) <= _STEPS:
            return latencies
        return [latencies[place * len(latencies) // _STEPS] for place in range(_STEPS)]

    def _cutoff_s(self, steps: int, step_s: float, left: float) -> float:
        """Return the seconds that the first of *steps* requests waits, at least expected cost.

        By dynamic programming backwards over the steps, on a grid of the time that is left.
        """
        grid = [left * place / _STEPS for place in range(_STEPS + 1)]
        chosen = [(0.0, 0.0)] * len(grid)  # expected cost of the later steps, and the first's wait
        for behind in range(steps):
            after = [cost for cost, _ in chosen]
            chosen = [self._cheapest(each, behind, step_s, grid, after) for each in grid]
        return chosen[-1][1]

    def _cheapest(
        self, left: float, behind: int, step_s: float, grid: Sequence[float], after: Sequence[float]
    ) -> tuple[float, float]:
        """Return the least expected cost with *left* seconds, and its wait."""

        def later(seconds: float) -> float:
            return after[max(0, bisect_right(grid, seconds) - 1)] if behind else 0.0

        chosen = (_LIVE + later(left - step_s), 0.0)
        latest = left - (behind + 1) * step_s - CANCEL_S
        for cutoff in [*(s for s in grid if s <= latest), latest]:
            arrives = [s for s in self._sample if s <= cutoff]
            if cutoff <= 0.0 or not arrives:
                continue
            late = len(self._sample) - len(arrives)
            cost = sum(_BATCH + later(left - s) for s in arrives)
            cost += late * (_LIVE + later(left - cutoff - CANCEL_S - step_s))
            cost /= len(self._sample)
            if cost <= chosen[0] + 1e-9:  # of equal ones the longest wait
                chosen = (cost, cutoff)
        return chosen
