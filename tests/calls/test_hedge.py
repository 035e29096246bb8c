"""Hedges: the last straggler is asked for twice, and both requests are charged."""

from __future__ import annotations

import asyncio
import random

from helpers import completion

from runner.base.errors import CallError
from runner.base.event_loops import run_virtually
from runner.base.tokens import tokenizer_for
from runner.calls.admission.budget import Budget, Sizer
from runner.calls.admission.limits import Cost, Slots
from runner.calls.call import Terms
from runner.calls.call_log import CallLog
from runner.calls.client import Client
from runner.calls.retry import RetryPolicy
from runner.providers.request import Completion, Request, Transport

REQUEST = Request("say_means", ({"role": "user", "content": "?"},), 100)


class Latencies(Transport):
    """Each request takes the next of *seconds*; a negative one fails after that time."""

    def __init__(self, *seconds: float) -> None:
        self.seconds = list(seconds)
        self.sent = self.cancelled = 0
        self.numbers = list[int]()  # of attempts, as the journal has them

    async def complete(self, request: Request, timeout_s: float) -> Completion:
        seconds = self.seconds[self.sent]
        self.sent += 1
        try:
            await asyncio.sleep(abs(seconds))
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if seconds < 0:
            raise CallError("bad_request", "no", status=400)
        return completion(f"after {seconds:g} s")


class Sized(Sizer):
    async def size(self, request: Request) -> Cost:
        return Cost(1000, 0.4)


def ask(
    *seconds: float,
    slots: int = 8,
    cap: float | None = None,
    calls: int = 1,
    known: bool = True,
    retries: int = 1,
) -> tuple[list[str], float, Latencies, Budget, list[CallLog]]:
    """Make *calls* at once that are expected to take 10 s; return what came of them."""

    async def main() -> tuple[list[str], float, Latencies, Budget, list[CallLog]]:
        transport, budget = Latencies(*seconds), Budget(max_cost_usd=cap)

        def note(event: str, attempt: int, **_: object) -> None:
            if event == "call.started":
                transport.numbers.append(attempt)

        sizer, retry = Sized(tokenizer_for("gpt-5-mini")), RetryPolicy(retries)
        client = Client(transport, retry, 600.0, random.Random(1), budget=budget, sizer=sizer)
        logs, pool = [CallLog(note=note) for _ in range(calls)], Slots(slots)
        expected_s = 10.0 if known else None
        told = [
            client.complete(REQUEST, pool, log, terms=Terms(expected_s=expected_s)) for log in logs
        ]
        replies = await asyncio.gather(*told, return_exceptions=True)
        said = [r.text if isinstance(r, Completion) else str(r) for r in replies]
        return said, asyncio.get_running_loop().time(), transport, budget, logs

    return run_virtually(main)


def test_the_first_reply_wins_and_the_other_request_is_charged_at_its_upper_bound() -> None:
    said, took, transport, budget, logs = ask(500.0, 8.0, cap=1.0)

    assert ["after 8 s"] == said
    assert 2.0 + 3 * 10.0 + 8.0 == took
    assert (2, 1) == (transport.sent, transport.cancelled)
    assert [1, 2] == transport.numbers
    assert ["ok", "cancelled"] == [each.outcome for each in logs[0].attempts]
    assert 0.401 == round(budget.spent_usd, 6)  # 0.001 for the reply, 0.4 for what may be billed
    assert (0.001, 0.4) == (logs[0].usage.cost_usd, logs[0].charged_usd)


def test_a_straggler_that_ends_first_cancels_its_double() -> None:
    said, took, transport, _, logs = ask(33.0, 8.0)

    assert ["after 33 s"] == said
    assert 33.0 == took
    assert (2, 1) == (transport.sent, transport.cancelled)
    assert ["ok", "cancelled"] == sorted((a.outcome for a in logs[0].attempts), reverse=True)


def test_no_second_request_without_history_room_money_or_need() -> None:
    for seconds, how in (
        ((500.0, 8.0), {"known": False}),  # nobody knows how long it takes
        ((500.0, 8.0), {"slots": 1}),  # no room beside it
        ((500.0, 8.0), {"cap": 0.7}),  # its upper bound does not fit
        ((31.0, 8.0), {}),  # not late
        ((500.0, 8.0), {"retries": 0}),  # repeats are off
        ((-40.0, -1.0), {}),  # the double fails first and the straggler then
    ):
        said, took, transport, budget, _ = ask(*seconds, **how)  # type: ignore[arg-type]

        assert abs(seconds[0]) == took
        assert (2 if seconds[0] < 0 else 1) == transport.sent
        assert ["no" if seconds[0] < 0 else f"after {seconds[0]:g} s"] == said
        assert budget.spent_usd <= (how.get("cap") or 9.9)  # type: ignore[operator]


def test_no_call_is_late_beside_others_of_a_provider_that_has_become_slow() -> None:
    transport = Latencies(*(30.0,) * 20, 60.0, 8.0)

    async def main() -> str:
        client = Client(transport, RetryPolicy(), 600.0, random.Random(1))
        for _ in range(21):
            reply = await client.complete(
                REQUEST, Slots(8), CallLog(), terms=Terms(expected_s=10.0)
            )
        return reply.text

    assert "after 60 s" == run_virtually(main)
    assert 21 == transport.sent


def test_only_a_few_calls_are_made_twice_and_none_while_others_wait() -> None:
    said, _, transport, _, _ = ask(*(500.0,) * 4, 8.0, *(9.0,) * 20, calls=4)
    queued = ask(500.0, *(60.0,) * 2, 9.0, slots=1, calls=3)

    assert (5, 1) == (transport.sent, said.count("after 8 s"))
    assert 3 == queued[2].sent


def test_a_lost_request_is_charged_without_a_cap_too() -> None:
    _, _, _, budget, logs = ask(500.0, 8.0)

    assert (1000, 0.4) == (logs[0].charged_tokens, logs[0].charged_usd)
    assert 0.401 == round(budget.spent_usd, 6)
