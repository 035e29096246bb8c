from __future__ import annotations

import pytest

from runner.calls.admission.adaptive import COOLDOWN_S, AdaptiveLimit


def played(
    limit: AdaptiveLimit, successes: int, *, busy: int | None = None, at: float = 0.0
) -> int:
    """Have *busy* calls in flight (as many as allowed, by default), let some succeed, return the
    limit."""
    busy = limit.limit if busy is None else busy
    for _ in range(busy):
        limit.entered()
    for _ in range(successes):
        limit.succeeded(at, first_try=True)
    for _ in range(busy):
        limit.in_flight -= 1
    return limit.limit


@pytest.mark.parametrize(("ceiling", "start"), [(1, 1), (5, 5), (8, 8), (32, 8), (256, 8)])
def test_it_starts_at_eight_or_at_its_ceiling(ceiling: int, start: int) -> None:
    assert AdaptiveLimit(ceiling).limit == start


def test_clean_saturated_rounds_double_it_up_to_the_ceiling() -> None:
    limit = AdaptiveLimit(50)

    assert [played(limit, limit.limit) for _ in range(4)] == [16, 32, 50, 50]


def test_a_round_is_as_many_successes_as_the_limit_and_four_at_least() -> None:
    limit = AdaptiveLimit(32)
    limit.throttled(0.0, None)
    limit.throttled(11.0, None)
    limit.throttled(22.0, None)

    assert limit.limit == 1
    assert played(limit, 3, at=40.0) == 1
    assert played(limit, 1, at=40.0) == 2


def test_rounds_after_the_first_cut_add_one() -> None:
    limit = AdaptiveLimit(32)
    limit.throttled(0.0, None)

    assert [played(limit, limit.limit, at=20.0) for _ in range(3)] == [5, 6, 7]


@pytest.mark.parametrize(("busy", "grown"), [(6, 8), (7, 16)])
def test_it_grows_only_where_four_fifths_of_it_were_in_use(busy: int, grown: int) -> None:
    assert played(AdaptiveLimit(32), 8, busy=busy) == grown


def test_a_success_after_a_retry_proves_nothing() -> None:
    limit = AdaptiveLimit(32)
    for _ in range(8):
        limit.entered()
    for _ in range(100):
        limit.succeeded(0.0, first_try=False)

    assert limit.limit == 8


def test_a_throttled_call_halves_it_once_per_cooldown() -> None:
    limit = AdaptiveLimit(32)
    cuts = [limit.throttled(at, None) for at in (0.0, 1.0, COOLDOWN_S, COOLDOWN_S + 0.1)]

    assert cuts == [True, False, False, True]
    assert limit.limit == 2


def test_a_retry_after_longer_than_ten_seconds_lengthens_the_cooldown() -> None:
    limit = AdaptiveLimit(32)

    assert limit.throttled(0.0, 60.0) is True
    assert limit.throttled(59.0, None) is False
    assert limit.throttled(61.0, None) is True


def test_nothing_grows_during_a_cooldown() -> None:
    limit = AdaptiveLimit(32)
    limit.throttled(0.0, None)

    assert played(limit, 100, at=COOLDOWN_S) == 4


def test_it_never_falls_below_one() -> None:
    limit = AdaptiveLimit(32)
    for episode in range(10):
        limit.throttled(episode * 20.0, None)

    assert limit.limit == 1


def test_a_cut_begins_a_new_round() -> None:
    limit = AdaptiveLimit(32)
    played(limit, 7)
    limit.halve()

    assert played(limit, 3) == 4


def test_a_higher_ceiling_lifts_a_limit_that_the_old_one_held_down() -> None:
    limit = AdaptiveLimit(2)
    limit.set_ceiling(32)

    assert (limit.limit, limit.ceiling) == (8, 32)

    limit.set_ceiling(4)

    assert (limit.limit, limit.ceiling) == (4, 4)


def test_a_higher_ceiling_does_not_raise_a_limit_that_was_cut() -> None:
    limit = AdaptiveLimit(8)
    limit.throttled(0.0, None)
    limit.set_ceiling(32)

    assert (limit.limit, limit.ceiling) == (4, 32)
