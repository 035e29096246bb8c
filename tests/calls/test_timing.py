"""Deadlines of batches: in time, for the least money that a provider's times allow."""

from __future__ import annotations

import math

from helpers.deadlines import Draw, Outcome, try_auto

from runner.calls.delivery.timing import CANCEL_S, MARGIN, Timing


def timing(deadline_s: float | None, *known: float, slots: int = 1) -> Timing:
    return Timing(deadline_s, known, live_s=10.0, slots=slots, now=lambda: 0.0)


def test_without_a_deadline_a_request_waits_for_its_batch() -> None:
    assert math.inf == timing(None, 60.0).leaves_at(1, 100)


def test_the_last_request_leaves_when_the_rest_can_just_be_asked_live() -> None:
    live_s = MARGIN * 10.0 * 25  # a hundred requests in four slots

    assert 3600.0 - CANCEL_S - live_s == timing(3600.0, 60.0, slots=4).leaves_at(1, 100)


def test_a_request_goes_live_at_once_where_no_batch_ends_in_time() -> None:
    assert 0.0 == timing(600.0, *[5000.0] * 9).leaves_at(2, 1)
    assert timing(20.0, *[1.0] * 9).leaves_at(2, 1) <= 0.0


def test_a_batch_is_not_tried_where_none_has_ever_ended_in_time() -> None:
    known = [500.0] * 9

    assert timing(None, *known).allows(1, 1)
    assert timing(600.0, *known).allows(1, 1)
    assert not timing(600.0, *known).allows(4, 1)


def test_an_earlier_step_leaves_time_for_a_later_ones_batch() -> None:
    """Nine of ten batches take 300 s; the tenth is not worth the time of two steps."""
    known = [300.0] * 9 + [50_000.0]
    first = timing(1000.0, *known).leaves_at(2, 1)

    assert 300.0 <= first <= 1000.0 - 300.0
    assert first < timing(1000.0, *known).leaves_at(1, 1)


def tried(draws: list[Draw]) -> tuple[float, float, list[Outcome]]:
    """Return the share in time and the cost over that of the cheapest schedules."""
    outcomes = list(map(try_auto, draws))
    met = sum(o.took_s <= draw.deadline_s for o, draw in zip(outcomes, draws, strict=True))
    cheapest = sum(draw.cheapest_usd() for draw in draws)
    return met / len(draws), sum(o.cost_usd for o in outcomes) / cheapest, outcomes


def test_auto_meets_its_deadline_for_little_more_than_the_cheapest_schedule() -> None:
    draws = [
        Draw(seed, 900.0 * steps * 2.0**power, steps, files=6)
        for steps in (1, 2)
        for power in (-1, 0, 1, 2, 3, 4)
        for seed in range(8)
    ]
    met, cost, outcomes = tried(draws)

    assert met >= 0.99
    assert cost <= 1.05
    assert all(outcome.overshoot_usd <= 1e-9 for outcome in outcomes)


def test_auto_meets_its_deadline_where_batches_are_slow_to_stop_and_partial() -> None:
    draws = [
        Draw(seed, 1800.0, 2, files=6, stop_s=stop_s, partial=True)
        for seed in range(12)
        for stop_s in (5.0, 600.0)
    ]
    met, cost, outcomes = tried(draws)

    assert met >= 0.99
    assert cost <= 1.05 + 0.5  # a reply of a batch that does not stop is paid beside the live one
    assert all(outcome.overshoot_usd <= 1e-9 for outcome in outcomes)
