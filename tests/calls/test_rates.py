from __future__ import annotations

import random

import pytest
from helpers.virtual_provider import MAX_TOKENS, Storm, VirtualProvider
from hypothesis import given
from hypothesis import strategies as st

from runner.base.virtual_time import run_virtually
from runner.calls.admission.gate import Gate
from runner.calls.admission.rates import Bucket
from runner.providers.messages import text_parts
from runner.providers.request import Request
from runner.providers.simulated.rate_limits import Bucket as Account


def test_a_burst_goes_at_once_and_the_rest_at_the_rate() -> None:
    bucket = Bucket(60, burst_s=10)
    waits = []
    for _ in range(12):
        waits.append(bucket.wait_s(0.0, 1))
        bucket.take(0.0, 1)

    assert waits == [0.0] * 10 + [1.0, 2.0]


def test_an_idle_hour_saves_up_no_more_than_the_burst() -> None:
    bucket = Bucket(60, burst_s=10)
    bucket.take(0.0, 10)
    bucket.take(3600.0, 10)

    assert bucket.wait_s(3600.0, 1) == 1.0


def test_a_slow_account_lets_one_go_at_once() -> None:
    assert Bucket(1, burst_s=1).wait_s(0.0, 1) == 0.0


def test_what_is_larger_than_the_burst_waits_for_all_of_it_and_leaves_a_debt() -> None:
    bucket = Bucket(600, burst_s=10)
    bucket.take(0.0, 50)

    assert bucket.wait_s(0.0, 250) == 5.0
    bucket.take(5.0, 250)
    assert bucket.wait_s(5.0, 1) == pytest.approx(15.1)


def test_what_was_reserved_too_much_is_given_back() -> None:
    bucket = Bucket(600, burst_s=10)
    taken = bucket.take(0.0, 100, final=False)
    bucket.settle(1.0, taken, 20)

    assert bucket.wait_s(1.0, 100) == pytest.approx(1.0)


def test_what_is_given_back_late_is_no_refill_that_the_provider_never_had() -> None:
    """Its bucket was full after 5 s; half of it went then, and 1 s later 60 units are there."""
    bucket = Bucket(600, burst_s=10)
    early = bucket.take(0.0, 90, final=False)
    bucket.take(5.0, 50)
    bucket.settle(6.0, early, 10)

    assert bucket.wait_s(6.0, 60) == pytest.approx(0.0)
    assert bucket.wait_s(6.0, 100) == pytest.approx(4.0)


STEPS = st.lists(
    st.tuples(st.integers(0, 20), st.integers(1, 150), st.integers(1, 100), st.integers(0, 30))
)


@given(steps=STEPS)
def test_whatever_enters_here_has_room_at_the_provider(
    steps: list[tuple[int, int, int, int]],
) -> None:
    """Steps: seconds until it wants to go, most it may use, percent used, seconds it takes."""
    ours, theirs, now = Bucket(600, burst_s=10), Account(600), 0.0
    out: list[tuple[float, object, int]] = []
    for pause_s, most, percent, takes_s in steps:
        used, wanted = max(1, most * percent // 100), now + pause_s
        while True:
            soonest = max(wanted, now + ours.wait_s(now, most))
            back = min(out, default=None, key=lambda entry: entry[0])
            if back is None or back[0] > soonest:
                break
            out.remove(back)
            now = max(now, back[0])
            ours.settle(now, back[1], back[2])
        now = soonest

        assert theirs.wait_s(used, now) < 1e-6
        theirs.take(used, now)
        out.append((now + takes_s, ours.take(now, most, final=False), used))


def sizes(name: str) -> tuple[int, int]:
    rng = random.Random(name)
    return rng.randint(100, 900), rng.randint(10, MAX_TOKENS)


class Sizes:
    """Says what `budget.Sizer` would: the prompt and the longest reply."""

    async def sized(self, request: Request) -> tuple[int, float]:
        return sizes(text_parts(request.messages[0])[0])[0] + request.max_tokens, 0.0


@pytest.mark.parametrize(
    ("rpm", "tpm"), [(60, None), (7, None), (None, 60_000), (120, 120_000), (600, 1_000_000)]
)
@pytest.mark.parametrize("seed", range(3))
def test_a_client_that_knows_its_limits_is_never_told_of_them_and_uses_them_up(
    rpm: int | None, tpm: int | None, seed: int
) -> None:
    async def main() -> Storm:
        gate = Gate(32, rpm=rpm, tpm=tpm, rng=random.Random(seed))
        result = Storm(VirtualProvider(sizes, seed=seed, rpm=rpm, tpm=tpm), gate)
        await result.make_calls(300, seed=seed, sizer=Sizes())
        return result

    result = run_virtually(main)
    tokens = sum(sum(sizes(name)) for name in result.provider.asked)
    ideal_s = max(300 * 60 / (rpm or 1e9), tokens * 60 / (tpm or 1e9), 300 * 7.3 / 32)

    assert result.provider.statuses == [200] * 300
    assert result.took_s < 1.05 * ideal_s + 30
