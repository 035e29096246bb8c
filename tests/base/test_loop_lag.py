"""How late the event loop is: the probe in virtual time and in a real run; what is kept off it."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from runner.base.event_loops import VirtualTimeLoop, run_virtually
from runner.base.loop_lag import Lag, LagProbe

PERIOD_S = 0.25  # a power of two, so that virtual times are exact


def loop() -> VirtualTimeLoop:
    return cast("VirtualTimeLoop", asyncio.get_running_loop())


def lags(*seconds: float) -> dict[str, Any]:
    lag = Lag()
    for value in seconds:
        lag.add(value)
    return lag.figures()


def test_a_loop_that_nothing_holds_up_is_never_late() -> None:
    async def main() -> dict[str, Any]:
        with LagProbe(loop(), PERIOD_S).watch() as lag:
            await asyncio.sleep(4 * PERIOD_S + PERIOD_S / 2)
            return lag.figures()

    assert run_virtually(main) == {"max_ms": 0.0, "p99_ms": 0.0, "over_20_ms": 0, "samples": 4}


def test_what_holds_the_loop_up_is_seen_by_how_late_the_next_timer_is() -> None:
    async def main() -> dict[str, Any]:
        with LagProbe(loop(), PERIOD_S).watch() as lag:
            await asyncio.sleep(PERIOD_S / 2)
            loop().advance(0.5)  # as a computation of half a second would; a timer was due in it
            await asyncio.sleep(1.75 * PERIOD_S)
            return lag.figures()

    found = run_virtually(main)

    assert found == {"max_ms": 375.0, "p99_ms": 375.0, "over_20_ms": 1, "samples": 2}


def test_the_99th_percentile_is_exact_to_a_tenth_of_a_millisecond() -> None:
    assert lags(*[0.00101] * 99, 0.05)["p99_ms"] == 1.1
    assert lags(*[0.00101] * 98, 0.05, 0.05)["p99_ms"] == 50.0
    assert lags(3.0, 4.0)["p99_ms"] == 4000.0


def test_only_what_is_over_20_ms_counts_as_such() -> None:
    assert lags(0.02, 0.0201, 7.0)["over_20_ms"] == 2


def test_a_run_that_ends_before_the_first_timer_has_seen_nothing() -> None:
    assert lags() == {"max_ms": None, "p99_ms": None, "over_20_ms": 0, "samples": 0}


class Timers:
    """The clock of the running loop, and how many timers were asked for on it and not cancelled."""

    def __init__(self) -> None:
        self.asked: list[asyncio.TimerHandle] = []

    def time(self) -> float:
        return loop().time()

    def call_at(self, *given: Any) -> asyncio.TimerHandle:
        self.asked.append(loop().call_at(*given))
        return self.asked[-1]

    @property
    def left(self) -> int:
        now = loop().time()
        return sum(not timer.cancelled() and timer.when() > now for timer in self.asked)


def test_runs_side_by_side_share_a_timer_and_see_only_their_own_time() -> None:
    async def main() -> tuple[int, int, int]:
        timers = Timers()
        probe = LagProbe(cast("asyncio.AbstractEventLoop", timers), PERIOD_S)
        with probe.watch() as first:
            await asyncio.sleep(2.5 * PERIOD_S)
            with probe.watch() as second:
                await asyncio.sleep(2 * PERIOD_S)
                left = timers.left
        return first.samples, second.samples, left

    assert run_virtually(main) == (4, 2, 1)


def test_a_probe_that_nobody_watches_leaves_no_timer() -> None:
    async def main() -> int:
        timers = Timers()
        with LagProbe(cast("asyncio.AbstractEventLoop", timers), PERIOD_S).watch():
            await asyncio.sleep(PERIOD_S)
        return timers.left

    assert run_virtually(main) == 0
