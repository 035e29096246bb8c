"""Calls at the flex tier: they wait for capacity, and go live in time for the deadline."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable

import pytest
from helpers import completion

from runner.base.errors import CallError
from runner.base.event_loops import run_virtually
from runner.base.usage import Usage
from runner.calls.admission.budget import Budget
from runner.calls.admission.limits import Slots
from runner.calls.call import Terms
from runner.calls.call_log import CallLog
from runner.calls.client import MAX_REQUESTS, Client
from runner.calls.flex import TIMEOUT_S, Flex
from runner.calls.retry import MAX_THROTTLE_WAIT_S, RetryPolicy
from runner.providers.prices import Prices, Rates
from runner.providers.request import Completion, Request, Transport

REQUEST = Request("say_means", ({"role": "user", "content": "?"},), 100)
PRICES = Prices(
    {"standard": ((0, Rates(2e-6, 8e-6)),), "flex": ((0, Rates(1e-6, 4e-6)),)}, tier="flex"
)


class Tier(Transport):
    """Answers after *seconds*, or fails as *fault* says of the loop's time."""

    def __init__(
        self, fault: Callable[[float], CallError | None] = lambda _: None, seconds: float = 5.0
    ) -> None:
        self.fault, self.seconds = fault, seconds
        self.at: list[float] = []

    async def complete(self, request: Request, timeout_s: float) -> Completion:
        now = asyncio.get_running_loop().time()
        self.at.append(now)
        if (error := self.fault(now)) is not None:
            raise error
        await asyncio.sleep(self.seconds)
        return completion("fine", cost=0.00036)


def none_before(seconds: float) -> Callable[[float], CallError | None]:
    def fault(now: float) -> CallError | None:
        return CallError("no_capacity", "none", status=429) if now < seconds else None

    return fault


def ask(
    flex: Tier, live: Tier, by_s: float = math.inf, need_s: float = 10.0
) -> tuple[float, CallLog, Budget]:
    """Make one call; return the seconds that it took, its log and the budget."""

    async def main() -> tuple[float, CallLog, Budget]:
        calls, budget = CallLog(), Budget()
        client = Client(
            flex,
            RetryPolicy(),
            60.0,
            random.Random(1),
            budget=budget,
            flex=Flex(live, by_s),
            prices=PRICES,
        )
        await client.complete(REQUEST, Slots(1), calls, terms=Terms(need_s=need_s))
        return asyncio.get_running_loop().time(), calls, budget

    return run_virtually(main)


def test_a_call_waits_for_capacity_and_is_answered_at_half_price() -> None:
    flex, live = Tier(none_before(600.0)), Tier()
    took, calls, budget = ask(flex, live)
    waits = [attempt.wait_s for attempt in calls.attempts]

    assert [] == live.at
    assert ("no_capacity", 429) == (calls.attempts[0].outcome, calls.attempts[0].status)
    assert ("ok", "flex") == (calls.attempts[-1].outcome, calls.attempts[-1].delivery)
    assert 605.0 <= took == sum(waits) + 5.0
    assert sorted(waits[:5]) == waits[:5]
    assert 0.00036 == budget.spent_usd
    # 90 prompt tokens at full price, 10 cached for nothing, 20 of the reply
    assert 90 * 2e-6 + 20 * 8e-6 == pytest.approx(calls.attempts[-1].live_usd)


def test_without_a_deadline_it_goes_live_after_a_quarter_of_an_hour() -> None:
    flex, live = Tier(none_before(math.inf)), Tier()
    _, calls, _ = ask(flex, live)

    assert 1 == len(live.at)
    assert MAX_THROTTLE_WAIT_S - 120.0 <= live.at[0] <= MAX_THROTTLE_WAIT_S
    assert ("ok", "live") == (calls.attempts[-1].outcome, calls.attempts[-1].delivery)
    assert calls.attempts[-1].live_usd == calls.usage.cost_usd


@pytest.mark.parametrize("hours", [0.5, 3.0, 12.0])
@pytest.mark.parametrize("seconds", [5.0, 1e6])
def test_with_a_deadline_it_goes_live_in_time_however_long_flex_takes(
    hours: float, seconds: float
) -> None:
    """Flex has no capacity, or takes requests and never answers them."""
    by_s = 3600.0 * hours
    flex = Tier(none_before(math.inf) if seconds == 5.0 else lambda _: None, seconds)
    took, calls, _ = ask(flex, Tier(seconds=20.0), by_s, need_s=60.0)

    assert took <= by_s
    assert "live" == calls.attempts[-1].delivery
    if seconds == 5.0:
        assert took >= by_s - 4 * 60.0 - 120.0 - 20.0  # not earlier than it must
        assert hours < 3 or len(calls.attempts) > MAX_REQUESTS  # which do not count waits
    else:
        assert ["timeout", "ok"] == [attempt.outcome for attempt in calls.attempts]
        assert min(TIMEOUT_S, by_s - 120.0) == calls.attempts[0].latency_s


def test_with_little_time_it_is_live_from_the_start() -> None:
    flex, live = Tier(), Tier()
    ask(flex, live, by_s=25.0, need_s=10.0)

    assert ([], [0.0]) == (flex.at, live.at)


def test_a_final_or_another_failure_is_no_lack_of_capacity() -> None:
    wrong = Tier(lambda _: CallError("bad_request", "no", status=400))
    with pytest.raises(CallError, match="no"):
        ask(wrong, Tier())

    busy = Tier(lambda now: CallError("throttle", "slow", status=429) if now < 9 else None)
    live = Tier()
    ask(busy, live)

    assert [] == live.at
    assert 1 == len(wrong.at)


def test_usage_keeps_what_live_would_have_cost_per_reply() -> None:
    _, calls, _ = ask(Tier(), Tier())

    assert Usage(100, 20, 10, cost_usd=0.00036) == calls.usage
    assert calls.attempts[0].live_usd == pytest.approx(0.00034)
