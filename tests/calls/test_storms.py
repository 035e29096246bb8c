"""800 calls at once against a provider in trouble, in virtual time; see docs/reliability.md."""

from __future__ import annotations

import random

import pytest
from helpers.virtual_provider import Storm, VirtualProvider, storm

from runner.answers.outcome import Outcome, run_status
from runner.base.errors import EXIT_UNAVAILABLE
from runner.base.event_loops import run_virtually
from runner.calls.admission.gate import Gate

UNITS = 800
SEEDS = range(1, 4)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("retry_after", "most_s"), [(True, 892), (False, 911)])
def test_a_storm_of_60_requests_a_minute_loses_nothing_and_asks_for_little_more(
    retry_after: bool, most_s: float, seed: int
) -> None:
    """At that rate 800 requests take 790 s; the reference's simulation took 811 s with the header
    and, at the burst that is simulated here, 828 s without."""
    result = storm(seed=seed, rpm=60, retry_after=retry_after)

    assert result.lost == {}
    assert result.requests <= 1.05 * UNITS
    assert result.took_s <= most_s
    assert result.events["limit.lowered"] > 0


def test_after_a_storm_concurrency_comes_back() -> None:
    async def main() -> tuple[Storm, int, Storm]:
        gate = Gate(32, rng=random.Random(1))
        stormy = Storm(VirtualProvider(rpm=60), gate)
        await stormy.make_calls(UNITS)
        low = gate.limit.limit
        calm = Storm(VirtualProvider(), gate)
        await calm.make_calls(UNITS)
        return stormy, low, calm

    stormy, low, calm = run_virtually(main)

    assert (stormy.lost, calm.lost) == ({}, {})
    assert low < 8
    assert calm.gate.limit.limit == 32
    assert max(in_flight for _, in_flight in calm.provider.arrivals) == 32


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("outage_s", "most_requests", "most_s"), [([20, 28], 893, 246), ([20, 110], 897, 336)]
)
def test_an_outage_loses_nothing(
    outage_s: list[float], most_requests: int, most_s: float, seed: int
) -> None:
    result = storm(seed=seed, rpm=600, outages_s=[outage_s])

    assert result.lost == {}
    assert result.answered == UNITS
    assert result.requests <= most_requests
    assert result.took_s <= most_s
    assert (result.events["breaker.opened"], result.events["breaker.closed"]) == (1, 1)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_outage_for_ever_ends_the_run_after_ten_minutes_with_few_requests(seed: int) -> None:
    result = storm(seed=seed, rpm=600, outages_s=[[20, 1e9]])
    before = [in_flight for at, in_flight in result.provider.arrivals if at < 20.5]
    outcomes = {
        name: Outcome("not_run", kind=error.kind, error=str(error))
        for name, error in result.lost.items()
    }

    assert result.kinds == {"unavailable"}
    assert len(result.lost) == UNITS - result.answered
    assert result.failed_requests <= min(60, max(before) + 28)
    assert 620 <= result.took_s <= 660
    assert run_status(outcomes) == ("failed", EXIT_UNAVAILABLE)


@pytest.mark.parametrize("seed", SEEDS)
def test_probes_of_an_outage_take_turns(seed: int) -> None:
    result = storm(seed=seed, rpm=600, outages_s=[[20, 1e9]])
    failed = [name for name in result.provider.asked if name in result.lost]

    assert max(result.provider.asked[name] for name in failed) <= 3


@pytest.mark.parametrize("seed", SEEDS)
def test_a_poisoned_call_costs_four_requests_and_no_one_else_anything(seed: int) -> None:
    result = storm(100, seed=seed, poison="unit 0042.")

    assert list(result.lost) == ["unit 0042."]
    assert result.kinds == {"transient"}
    assert result.provider.asked["unit 0042."] == 4
    assert result.requests == 99 + 4
    assert result.events["breaker.opened"] == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_one_call_in_ten_poisoned_is_no_outage_to_the_others(seed: int) -> None:
    """The failure that opens the breaker is excused, so that some cost five."""
    result = storm(seed=seed, poison="5.")

    assert len(result.lost) == 80
    assert result.kinds == {"transient"}
    assert {result.provider.asked[name] for name in result.lost} <= {4, 5}
    assert result.events["breaker.opened"] == result.events["breaker.closed"]


def test_equal_seeds_give_equal_storms() -> None:
    first, second = (storm(200, rpm=60, retry_after=False) for _ in range(2))

    assert first.provider.arrivals == second.provider.arrivals
