from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.base.token_bucket import TokenBucket, Withdrawal


def test_a_burst_goes_at_once_and_the_rest_at_the_rate() -> None:
    bucket = TokenBucket(60, burst_s=10)
    waits = []
    for _ in range(12):
        waits.append(bucket.wait_s(0.0, 1))
        bucket.take(0.0, 1)

    assert waits == [0.0] * 10 + [1.0, 2.0]


def test_an_idle_hour_saves_up_no_more_than_the_burst() -> None:
    bucket = TokenBucket(60, burst_s=10)
    bucket.take(0.0, 10)
    bucket.take(3600.0, 10)

    assert bucket.wait_s(3600.0, 1) == 1.0


def test_a_slow_account_lets_one_go_at_once() -> None:
    assert TokenBucket(1, burst_s=1).wait_s(0.0, 1) == 0.0


def test_more_than_the_burst_waits_for_a_full_bucket_and_leaves_a_debt() -> None:
    bucket = TokenBucket(600, burst_s=10)
    bucket.take(0.0, 50)

    assert bucket.wait_s(0.0, 250) == 5.0
    bucket.take(5.0, 250)
    assert bucket.level(5.0) == -150.0
    assert bucket.full_in_s(5.0) == 25.0
    assert bucket.wait_s(5.0, 1) == pytest.approx(15.1)


def test_the_level_rises_with_time_and_stops_at_the_capacity() -> None:
    bucket = TokenBucket(600, burst_s=10)
    bucket.take(0.0, 100)

    assert [bucket.level(now_s) for now_s in (0.0, 2.5, 10.0, 99.0)] == [0.0, 25.0, 100.0, 100.0]


def test_a_wait_that_is_only_rounding_is_none() -> None:
    bucket = TokenBucket(60, burst_s=10)
    bucket.take(0.0, 10)

    assert bucket.wait_s(1.0 - 1e-10, 1) == 0.0
    assert bucket.wait_s(1.0 - 1e-8, 1) == pytest.approx(1e-8)


def test_an_estimate_that_was_too_high_is_given_back() -> None:
    bucket = TokenBucket(600, burst_s=10)
    estimate = bucket.take(0.0, 100, final=False)
    bucket.settle(estimate, 20)

    assert bucket.level(0.0) == 80.0
    assert bucket.wait_s(1.0, 100) == pytest.approx(1.0)


def test_an_estimate_that_was_too_low_is_charged() -> None:
    bucket = TokenBucket(600, burst_s=10)
    estimate = bucket.take(0.0, 20, final=False)
    bucket.settle(estimate, 90)

    assert bucket.level(0.0) == 10.0


def test_what_is_given_back_late_is_no_refill_that_the_provider_never_had() -> None:
    """Its bucket was full after 5 s; half of it went then, and 1 s later 60 units are there."""
    bucket = TokenBucket(600, burst_s=10)
    early = bucket.take(0.0, 90, final=False)
    bucket.take(5.0, 50)
    bucket.settle(early, 10)

    assert bucket.wait_s(6.0, 60) == pytest.approx(0.0)
    assert bucket.wait_s(6.0, 100) == pytest.approx(4.0)


def test_withdrawals_are_remembered_only_while_an_earlier_one_is_an_estimate() -> None:
    bucket = TokenBucket(600, burst_s=10)
    bucket.take(0.0, 1)
    counts = [len(bucket.pending)]
    first, second = (bucket.take(1.0, 10, final=False) for _ in range(2))
    bucket.take(2.0, 10)
    counts.append(len(bucket.pending))
    bucket.settle(second, 5)
    counts.append(len(bucket.pending))
    bucket.settle(first, 5)
    counts.append(len(bucket.pending))

    assert counts == [0, 3, 3, 0]


def test_what_comes_before_an_open_estimate_is_forgotten_once_it_is_final() -> None:
    bucket = TokenBucket(600, burst_s=10)
    first = bucket.take(0.0, 10, final=False)
    bucket.take(1.0, 10)
    third = bucket.take(2.0, 10, final=False)
    bucket.settle(first, 5)

    assert len(bucket.pending) == 1
    bucket.settle(third, 30)
    assert bucket.level(2.0) == 70.0


AMOUNTS = st.lists(
    st.tuples(st.integers(0, 20), st.integers(1, 150), st.integers(1, 100), st.integers(0, 30))
)


@given(steps=AMOUNTS)
def test_whatever_enters_here_has_room_at_the_provider(
    steps: list[tuple[int, int, int, int]],
) -> None:
    """Steps: seconds until it wants to go, most it may use, percent used, seconds it takes."""
    ours, theirs, now = TokenBucket(600, burst_s=10), TokenBucket(600, burst_s=10), 0.0
    in_flight: list[tuple[float, Withdrawal, int]] = []
    for pause_s, most, percent, takes_s in steps:
        used, wanted = max(1, most * percent // 100), now + pause_s
        while True:
            soonest = max(wanted, now + ours.wait_s(now, most))
            back = min(in_flight, default=None, key=lambda entry: entry[0])
            if back is None or back[0] > soonest:
                break
            in_flight.remove(back)
            now = max(now, back[0])
            ours.settle(back[1], back[2])
        now = soonest

        assert theirs.wait_s(now, used) < 1e-6
        theirs.take(now, used)
        in_flight.append((now + takes_s, ours.take(now, most, final=False), used))
    for _, estimate, used in in_flight:
        ours.settle(estimate, used)

    assert len(ours.pending) == 0
    assert ours.level(now) == pytest.approx(theirs.level(now))
