from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.answers.outcome import Outcome, run_status
from runner.base.errors import EXIT_BUDGET, CallError, NotRunError
from runner.base.event_loops import run_virtually
from runner.base.tokens import Tokenizer, tokenizer_for
from runner.base.usage import Usage
from runner.calls.admission.budget import MARGIN, MESSAGE_TOKENS, Budget, Sizer
from runner.calls.admission.limits import Admission, Cost, Slots, Ticket
from runner.calls.call_log import CallLog
from runner.calls.client import Client
from runner.calls.retry import RetryPolicy
from runner.providers.litellm.route import ModelRoute
from runner.providers.prices import prices_of
from runner.providers.request import Completion, Request, Transport

CENT = 1 / 1024  # a price whose multiples are exact


def ticket(tokens: int = 0, cost_usd: float = 0.0) -> Ticket:
    return Ticket(tokens=tokens, cost_usd=cost_usd)


def test_without_a_cap_every_attempt_fits_and_needs_no_upper_bound() -> None:
    budget = Budget()

    assert budget.capped is False
    assert budget.wait_s(0.0, ticket(10**12, 1e9)) == 0.0


@pytest.mark.parametrize(
    ("cap", "first", "second"),
    [
        (Budget(max_tokens=100), ticket(tokens=60), ticket(tokens=41)),
        (Budget(max_cost_usd=1.0), ticket(cost_usd=0.6), ticket(cost_usd=0.41)),
    ],
)
def test_an_attempt_that_does_not_fit_waits_for_attempts_in_flight(
    cap: Budget, first: Ticket, second: Ticket
) -> None:
    cap.enter(0.0, first)

    assert cap.wait_s(0.0, second) == float("inf")
    cap.leave(1.0, first)
    assert cap.wait_s(1.0, second) == 0.0


def test_an_attempt_that_fits_exactly_is_admitted() -> None:
    budget = Budget(max_tokens=100)
    budget.enter(0.0, ticket(tokens=60))

    assert budget.wait_s(0.0, ticket(tokens=40)) == 0.0


def test_an_attempt_that_can_never_fit_ends_the_run_with_the_amounts() -> None:
    budget = Budget(max_tokens=1000, spent_tokens=900)

    assert budget.wait_s(0.0, ticket(tokens=101)) == 0.0
    with pytest.raises(NotRunError, match=r"max_tokens=1,000 has no room .* 900 used, .* 101"):
        budget.enter(0.0, ticket(tokens=101))
    with pytest.raises(NotRunError):
        budget.enter(0.0, ticket(tokens=1))


def test_an_optional_attempt_leaves_room_for_others_and_ends_nothing() -> None:
    budget = Budget(max_tokens=1000, spent_tokens=600)
    optional = Ticket(tokens=101, spare=lambda: 3)

    assert budget.wait_s(0.0, optional) == 0.0
    with pytest.raises(NotRunError, match=r"max_tokens=1,000 has no room .* 600 used, .* 101"):
        budget.enter(0.0, optional)
    budget.enter(0.0, ticket(tokens=400))


def test_the_message_names_the_cap_on_money_if_that_is_exceeded() -> None:
    budget = Budget(max_cost_usd=2.0, spent_usd=1.75)
    with pytest.raises(NotRunError, match=r"max_cost_usd=2 has no room .* 1\.75 used, .* 0\.5"):
        budget.enter(0.0, ticket(cost_usd=0.5))


class Costly(Transport):
    """A call of unit N takes, uses and costs what *plan* says: (seconds, percent of its most)."""

    def __init__(self, plan: list[tuple[int, int, str]], most: int) -> None:
        self.plan = plan
        self.most = most
        self.used = 0
        self.sent = 0

    async def complete(self, request: Request, timeout_s: float) -> Completion:
        self.sent += 1
        seconds, percent, fate = self.plan[int(request.node)]
        await asyncio.sleep(seconds)
        tokens = self.most if fate == "billed" else self.most * percent // 100
        if fate == "free":
            raise CallError("bad_request", "no", status=400)
        self.used += tokens
        if fate == "billed":
            raise CallError("timeout", "late", billed=True)
        return Completion("fine", "stop", Usage(tokens, 0, cost_usd=tokens * CENT))


class Fixed:
    """Gives every call the same upper bound."""

    def __init__(self, most: int) -> None:
        self.most = most

    async def size(self, request: Request) -> Cost:
        return Cost(self.most, self.most * CENT)


def spend(
    plan: list[tuple[int, int, str]], most: int, concurrency: int, budget: Budget
) -> tuple[list[Completion | BaseException], Costly]:
    async def main() -> tuple[list[Completion | BaseException], Costly]:
        transport = Costly(plan, most)
        client = Client(
            transport, RetryPolicy(1), 60.0, random.Random(1), budget=budget, sizer=Fixed(most)
        )
        slots = Slots(concurrency)
        asked = (
            client.complete(Request(str(unit), (), 1), slots, CallLog(unit=str(unit)))
            for unit in range(len(plan))
        )
        return await asyncio.gather(*asked, return_exceptions=True), transport

    return run_virtually(main)


PLANS = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.integers(0, 100),
        st.sampled_from(["ok", "ok", "ok", "billed", "free"]),
    ),
    max_size=25,
)


@settings(max_examples=200, deadline=None)
@given(
    plan=PLANS,
    most=st.integers(1, 200),
    cap=st.integers(0, 3000),
    concurrency=st.integers(1, 8),
    of_tokens=st.booleans(),
)
def test_a_cap_is_never_overshot_whatever_calls_use_and_however_many_go_at_once(
    plan: list[tuple[int, int, str]], most: int, cap: int, concurrency: int, of_tokens: bool
) -> None:
    budget = Budget(max_tokens=cap) if of_tokens else Budget(max_cost_usd=cap * CENT)
    outcomes, transport = spend(plan, most, concurrency, budget)
    turned_away = [o for o in outcomes if isinstance(o, NotRunError) and o.kind == "budget"]

    assert transport.used <= cap
    assert budget.spent_tokens == transport.used
    assert budget.spent_usd == transport.used * CENT
    assert not turned_away or transport.used + most > cap


def test_an_exhausted_budget_ends_the_run_with_6_and_a_larger_one_resumes_it() -> None:
    plan = [(1, 100, "ok")] * 8
    first, transport = spend(plan, 100, 3, Budget(max_tokens=450))
    nodes = {
        str(unit): Outcome("ok", answer={})
        if isinstance(said, Completion)
        else Outcome("not_run", kind=said.kind)
        for unit, said in enumerate(first)
    }
    rest = [unit for unit, outcome in nodes.items() if outcome.status == "not_run"]
    larger = Budget(max_tokens=800, spent_tokens=transport.used)
    second, more = spend(plan[: len(rest)], 100, 3, larger)

    assert run_status(nodes) == ("partial", EXIT_BUDGET)
    assert (transport.used, len(rest)) == (400, 4)
    assert all(isinstance(said, Completion) for said in second)
    assert (more.used, larger.spent_tokens) == (400, 800)


def test_a_run_with_an_exhausted_budget_sends_nothing() -> None:
    outcomes, transport = spend([(1, 1, "ok")] * 3, 10, 3, Budget(max_tokens=5, spent_tokens=5))

    assert transport.sent == 0
    assert all(isinstance(said, NotRunError) for said in outcomes)


def test_a_reservation_waits_rather_than_end_the_run() -> None:
    """Two may use 100 of 150 each and use 10: they go one after the other."""
    outcomes, transport = spend([(1, 10, "ok")] * 2, 100, 2, Budget(max_tokens=150))

    assert all(isinstance(said, Completion) for said in outcomes)
    assert transport.used == 20


def test_a_call_that_is_cut_off_is_charged_in_full() -> None:
    async def main() -> Budget:
        budget = Budget(max_tokens=1000)
        client = Client(
            Costly([(50, 10, "ok")], 100), RetryPolicy(), 60.0, budget=budget, sizer=Fixed(100)
        )
        task = asyncio.create_task(client.complete(Request("0", (), 1), Slots(1), CallLog()))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])
        return budget

    budget = run_virtually(main)

    assert budget.spent_tokens == 100


def test_a_reservation_is_released_when_its_attempt_ends() -> None:
    async def main() -> float:
        admission, budget = Admission(), Budget(max_tokens=10)
        async with admission.admit((budget,), ticket(tokens=10)):
            pass
        return budget.wait_s(0.0, ticket(tokens=10))

    assert run_virtually(main) == 0.0


@pytest.mark.parametrize("model", ["openai/gpt-4o-mini", "anthropic/claude-sonnet-4-6"])
def test_a_call_is_sized_by_all_it_sends_and_the_longest_reply(model: str) -> None:
    tokenizer: Tokenizer = tokenizer_for(model)
    route = ModelRoute("openai/own", input_usd_per_mtok=1.0, output_usd_per_mtok=2.0)
    sizer = Sizer(tokenizer, prices_of(route))
    schema = {"type": "object", "properties": {"x": {"type": "integer"}}}
    plain = Request("n", ({"role": "user", "content": "How are you today?"},), 500)
    shaped = Request("n", plain.messages, 500, schema=schema)
    most = asyncio.run(sizer.size(plain))
    prompt = tokenizer.count("How are you today?") + 2 * MESSAGE_TOKENS
    margin = 1.0 if tokenizer.exact else MARGIN

    assert most.tokens == pytest.approx(prompt * margin + 500, abs=1)
    assert most.usd == pytest.approx((most.tokens - 500) * 1e-6 + 500 * 2e-6)
    assert asyncio.run(sizer.size(shaped)).tokens > most.tokens


def test_an_unknown_price_is_no_price() -> None:
    sizer = Sizer(tokenizer_for("openai/gpt-4o-mini"))
    plain = Request("n", ({"role": "user", "content": "?"},), 5)

    assert asyncio.run(sizer.size(plain)).usd == 0.0
