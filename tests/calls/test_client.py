from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from helpers import ScriptedTransport, completion

from runner.base.errors import CallError, NotRunError
from runner.base.event_loops import run_virtually
from runner.base.usage import Usage
from runner.calls.admission.limits import Admission, Slots
from runner.calls.call_log import CallLog
from runner.calls.client import Client
from runner.calls.retry import RetryPolicy
from runner.providers.request import Completion, Request, Transport, current_exchange

REQUEST = Request("say_means", ({"role": "user", "content": "?"},), 100)


class Sequence(Transport):
    """Each attempt gets the next outcome: a completion, an error, or a coroutine to await."""

    def __init__(self, *outcomes: Completion | CallError | Callable[[], Awaitable[None]]) -> None:
        self.outcomes = list(outcomes)

    async def complete(self, request: Request, timeout_s: float) -> Completion:
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, CallError):
            raise outcome
        if not isinstance(outcome, Completion):
            await outcome()
            return completion("late")
        return outcome


def call(
    transport: Sequence, *, timeout_s: float = 60.0, max_retries: int = 3
) -> tuple[Completion | CallError, CallLog, float]:
    """Make one call in virtual time; return its outcome, its log and the seconds it took."""

    async def main() -> tuple[Completion | CallError, CallLog, float]:
        client = Client(transport, RetryPolicy(max_retries), timeout_s, random.Random(7))
        calls = CallLog()
        try:
            outcome: Completion | CallError = await client.complete(REQUEST, Slots(1), calls)
        except CallError as error:
            outcome = error
        return outcome, calls, asyncio.get_running_loop().time()

    return run_virtually(main)


async def forever() -> None:
    await asyncio.sleep(1e9)


async def a_while() -> None:
    await asyncio.sleep(10)


def test_a_good_reply_is_counted_once() -> None:
    outcome, calls, _ = call(Sequence(completion("fine")))

    assert outcome == completion("fine")
    assert calls.usage == Usage(100, 20, 10, cost_usd=0.001)
    assert calls.usage.cost_usd == 0.001
    assert [a.outcome for a in calls.attempts] == ["ok"]


def test_a_server_error_is_retried_and_both_attempts_are_logged() -> None:
    broken = CallError("transient", "boom", status=500)
    outcome, calls, _ = call(Sequence(broken, broken, completion("fine")))

    assert outcome == completion("fine")
    assert [(a.outcome, a.status) for a in calls.attempts] == [
        ("transient", 500),
        ("transient", 500),
        ("ok", None),
    ]


def test_retries_end_and_the_last_error_is_raised() -> None:
    broken = CallError("transient", "boom", status=500)
    outcome, calls, _ = call(Sequence(*[broken] * 9), max_retries=2)

    assert outcome is broken
    assert len(calls.attempts) == 3


def test_retry_after_is_honoured_to_the_second() -> None:
    limited = CallError("throttle", "slow down", status=429, retry_after_s=5.0)
    _, calls, took = call(Sequence(limited, completion("fine")))

    assert took >= 5.0
    assert took == calls.attempts[0].wait_s


def test_a_bad_request_is_sent_once() -> None:
    outcome, calls, _ = call(Sequence(CallError("bad_request", "no", status=400)))

    assert isinstance(outcome, CallError)
    assert len(calls.attempts) == 1


def test_a_reply_that_has_arrived_is_not_taken_back_by_its_deadline() -> None:
    async def read_late() -> None:
        await asyncio.sleep(29.0)
        current_exchange().arrive()
        await asyncio.sleep(5.0)  # behind others that are read

    outcome, _, took = call(Sequence(read_late), timeout_s=30.0, max_retries=0)

    assert outcome == completion("late")
    assert took == 34.0


def test_what_a_server_has_taken_and_not_answered_is_slow() -> None:
    async def taken() -> None:
        current_exchange().sent = True
        await asyncio.sleep(99.0)

    late, away = (
        call(Sequence(work), timeout_s=30.0, max_retries=0)[0] for work in (taken, forever)
    )

    assert isinstance(late, CallError)
    assert isinstance(away, CallError)
    assert (True, False) == (late.slow, away.slow)


def test_an_attempt_ends_at_its_deadline() -> None:
    outcome, calls, took = call(Sequence(forever), timeout_s=30.0, max_retries=0)

    assert isinstance(outcome, CallError)
    assert outcome.kind == "timeout"
    assert took == 30.0
    assert calls.latency_s == 30.0


def test_the_deadline_starts_when_the_slot_is_granted() -> None:
    """The second call queues 20 s behind the first and still has its own 30 s."""

    async def main() -> list[str]:
        client = Client(
            Sequence(lambda: asyncio.sleep(20), lambda: asyncio.sleep(25)), RetryPolicy(0), 30.0
        )
        slots = Slots(1)
        logs = CallLog(), CallLog()
        replies = await asyncio.gather(*(client.complete(REQUEST, slots, c) for c in logs))
        assert [c.queue_wait_s for c in logs] == [0.0, 20.0]
        return [reply.text for reply in replies]

    assert run_virtually(main) == ["late", "late"]


def test_the_slot_is_free_while_a_call_waits_for_its_retry() -> None:
    broken = CallError("transient", "maintenance", status=503, retry_after_s=100.0)

    async def main() -> float:
        client = Client(Sequence(broken, completion("a"), completion("b")), RetryPolicy(), 60.0)
        slots = Slots(1)
        first = asyncio.create_task(client.complete(REQUEST, slots, CallLog()))
        await asyncio.sleep(1)
        await client.complete(REQUEST, slots, CallLog())
        done = asyncio.get_running_loop().time()
        await first
        return done

    assert run_virtually(main) == 1.0


def test_one_unpriced_reply_makes_the_cost_unknown_not_zero() -> None:
    calls = CallLog()
    for cost in (0.5, None, 0.5):
        calls.usage += completion("a", cost=cost).usage

    assert calls.usage.cost_usd is None


def test_cancelling_a_call_leaves_its_attempt_in_the_log() -> None:
    async def main() -> list[str]:
        calls = CallLog()
        client = Client(Sequence(forever), RetryPolicy(), 60.0)
        task = asyncio.create_task(client.complete(REQUEST, Slots(1), calls))
        await asyncio.sleep(3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return [a.outcome for a in calls.attempts]

    assert run_virtually(main) == ["cancelled"]


def test_a_fault_that_ends_all_calls_ends_their_waits_too() -> None:
    """One call waits 100 s to try again; another one learns that the key is no good."""
    broken = CallError("transient", "maintenance", status=503, retry_after_s=100.0)
    refused = CallError("auth", "no", status=401)

    async def main() -> tuple[str, float]:
        client = Client(Sequence(broken, refused), RetryPolicy(), 60.0)
        first = asyncio.create_task(client.complete(REQUEST, Slots(2), CallLog()))
        await asyncio.sleep(1)
        with pytest.raises(CallError, match="no"):
            await client.complete(REQUEST, Slots(2), CallLog())
        with pytest.raises(CallError) as caught:
            await first
        return caught.value.kind, asyncio.get_running_loop().time()

    assert run_virtually(main) == ("auth", 1.0)


def test_a_reply_is_not_lost_to_a_cancellation_while_another_call_leaves() -> None:
    async def main() -> tuple[list[str], bool]:
        client = Client(ScriptedTransport(lambda _: "paid", {"n": 1.0}), RetryPolicy(0), 60.0)
        slots, kept = Slots(1), list[str]()
        tasks: list[asyncio.Task[None]] = []

        async def ask(note: Callable[..., None] | None) -> None:
            said = await client.complete(Request("n", (), 5), slots, CallLog(note=note))
            kept.append(said.text)
            await asyncio.sleep(1)
            kept.append("not cancelled")

        def cancel(event: str, **_: Any) -> None:
            if event == "call.finished":
                asyncio.get_running_loop().call_soon(tasks[0].cancel)

        tasks += [asyncio.create_task(ask(cancel)), asyncio.create_task(ask(None))]
        await asyncio.wait(tasks[:1])
        tasks[1].cancel()
        return kept, tasks[0].cancelled()

    assert run_virtually(main) == (["paid"], True)


def test_time_ends_no_attempt_of_a_model_in_this_process() -> None:
    async def main() -> tuple[Completion, float]:
        client = Client(Sequence(a_while), RetryPolicy(0), 1.0, local=True)
        reply = await client.complete(REQUEST, Slots(1), CallLog())
        return reply, asyncio.get_running_loop().time()

    assert run_virtually(main) == (completion("late"), 10.0)


@pytest.mark.parametrize("begun", [True, False])
def test_a_closed_admission_ends_the_attempts_of_a_model_in_this_process(begun: bool) -> None:
    """And no others: the reply of a provider is waited for."""

    async def main() -> tuple[list[str], list[str], bool, float]:
        admission, logs = Admission(), (CallLog(), CallLog())
        own = Client(Sequence(forever), RetryPolicy(), 60.0, admission=admission, local=True)
        other = Client(Sequence(a_while), RetryPolicy(), 60.0, admission=admission)
        asking = asyncio.create_task(other.complete(REQUEST, Slots(1), logs[1]))
        computing = asyncio.create_task(own.complete(REQUEST, Slots(1), logs[0]))
        while not (own.gate.limit.in_flight and (begun or other.gate.limit.in_flight)):
            await asyncio.sleep(0)
        for _ in range(2 if begun else 0):
            await asyncio.sleep(0)
        assert begun == admission.in_flight  # the reply of a provider only
        admission.close(NotRunError("interrupted", "stopped"))
        with pytest.raises(NotRunError):
            await computing
        ended_s = asyncio.get_running_loop().time()
        await asking
        opened = own.gate.breaker.is_open
        return *([a.outcome for a in log.attempts] for log in logs), opened, ended_s

    assert run_virtually(main) == (["interrupted"], ["ok"], False, 0.0)
