from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest
from helpers import completion
from helpers.virtual_provider import Storm, VirtualProvider, storm

from runner.answers.outcome import Outcome, run_status
from runner.base.errors import EXIT_AUTH, CallError, NotRunError
from runner.base.event_loops import run_virtually
from runner.base.tokens import tokenizer_for
from runner.calls.admission.budget import Budget, Sizer
from runner.calls.admission.gate import MAX_CEILING, Account, Gate, Gates
from runner.calls.admission.limits import Slots, Ticket
from runner.calls.admission.rates import RateLimits
from runner.calls.call_log import CallLog
from runner.calls.client import MAX_REQUESTS, Client
from runner.calls.retry import RetryPolicy
from runner.providers.request import Completion, Request, Transport, current_exchange

REQUEST = Request("say_means", ({"role": "user", "content": "?"},), 100)
THROTTLED = CallError("throttle", "slow down", status=429, retry_after_s=30.0)
BROKEN = CallError("transient", "boom", status=500)

Answer = Callable[[int], Completion | CallError]


class Scripted(Transport):
    """Answers request after request, counted from 0, after *latency_s* seconds."""

    def __init__(self, answer: Answer, latency_s: float = 1.0) -> None:
        self.answer = answer
        self.latency_s = latency_s
        self.sent_at: list[float] = []

    async def complete(self, request: Request, timeout_s: float) -> Completion:
        place = len(self.sent_at)
        self.sent_at.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.latency_s)
        answer = self.answer(place)
        if isinstance(answer, CallError):
            raise answer
        return answer


def calls(
    transport: Scripted, count: int = 1, *, concurrency: int = 8, retries: int = 3, **client: object
) -> tuple[list[Completion | CallError], list[CallLog], float]:
    """Make *count* calls at once in virtual time; return outcomes, logs and the seconds it took."""

    async def main() -> tuple[list[Completion | CallError], list[CallLog], float]:
        made = Client(
            transport, RetryPolicy(retries), 60.0, random.Random(3), **{"gate": Gate(8), **client}
        )
        slots, logs = Slots(concurrency), [CallLog(unit=f"unit {i}") for i in range(count)]
        asked = (made.complete(REQUEST, slots, log) for log in logs)
        found = await asyncio.gather(*asked, return_exceptions=True)
        return found, logs, asyncio.get_running_loop().time()

    return run_virtually(main)


def kinds(outcomes: list[Completion | CallError]) -> list[str]:
    return ["ok" if isinstance(o, Completion) else o.kind for o in outcomes]


def test_a_throttled_call_holds_back_all_others() -> None:
    transport = Scripted(lambda place: THROTTLED if place == 0 else completion("fine"))
    calls(transport, 20, concurrency=1)

    assert transport.sent_at[0] == 0.0
    assert transport.sent_at[1] >= 31.0


def test_after_a_pause_calls_resume_one_by_one_within_about_two_seconds() -> None:
    """Throttled calls wait for their retries; calls without an attempt go first."""
    transport = Scripted(lambda place: THROTTLED if place < 8 else completion("fine"), 0.2)
    calls(transport, 16)
    again = transport.sent_at[8:12]

    assert 30.2 <= again[0]
    assert again == sorted(set(again))
    assert again[-1] - again[0] <= 2 * 2.0 + 0.2


def test_replies_that_cannot_be_read_are_charged_and_no_outage() -> None:
    unreadable = CallError("bad_response", "?", billed=True)
    gate, budget = Gate(8), Budget(max_tokens=1_000_000)
    sizer = Sizer(tokenizer_for("openai/gpt-4o-mini"))
    transport = Scripted(lambda _: unreadable)
    outcomes, logs, _ = calls(transport, 16, gate=gate, budget=budget, sizer=sizer)

    assert ["bad_response"] * 16 == kinds(outcomes)
    assert not gate.breaker.is_open
    assert 16 * 3 == len(transport.sent_at)
    assert 16 * 3 * asyncio.run(sizer.size(REQUEST)).tokens == budget.spent_tokens
    assert [0.0] * 16 == [log.parked_s for log in logs]


@pytest.mark.parametrize("kind", ["auth", "billing", "not_found"])
@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_rejected_key_is_used_by_no_request_beyond_those_in_flight(
    kind: str, concurrency: int
) -> None:
    transport = Scripted(lambda _: CallError(kind, "no", status=401))
    outcomes, logs, took = calls(transport, 100, concurrency=concurrency)
    unsent = [o for o in outcomes if isinstance(o, NotRunError)]
    nodes = {str(i): Outcome("error", kind=o.kind) for i, o in enumerate(outcomes)}

    assert len(transport.sent_at) == concurrency
    assert len(unsent) == 100 - concurrency
    assert kinds(outcomes) == [kind] * 100
    assert sum(len(log.attempts) for log in logs) == concurrency
    assert took == 1.0
    assert run_status(nodes)[1] == EXIT_AUTH


def test_a_rejected_key_ends_the_calls_that_wait_for_their_rate_at_once() -> None:
    gate = Gate(8, RateLimits(rpm=1, burst_s=60.0))
    transport = Scripted(lambda _: CallError("auth", "no"), latency_s=1.0)
    outcomes, _, took = calls(transport, 3, gate=gate)

    assert ["auth"] * 3 == kinds(outcomes)
    assert [0.0] == transport.sent_at
    assert 1.0 == took


def test_a_fault_of_the_key_ends_calls_to_other_models_too_and_a_lost_model_does_not() -> None:
    account = Account()
    one, other = Gate(8, account=account), Gate(8, account=account)
    one.failed(Ticket(), CallError("not_found", "no such model"), 0.0, 1.0)

    assert one.fault is not None
    assert other.fault is None
    one.failed(Ticket(), CallError("billing", "no money"), 0.0, 1.0)
    assert other.fault is not None


@pytest.mark.parametrize(("retries", "sent"), [(0, 1), (2, 3)])
def test_a_server_that_was_never_reached_is_no_outage_to_wait_for(retries: int, sent: int) -> None:
    absent = CallError("connection", "no connection to 127.0.0.1:11434")
    outcomes, logs, took = calls(Scripted(lambda _: absent, 0.0), 50, retries=retries)

    assert kinds(outcomes) == ["unavailable"] * 50
    assert "no server was reached: no connection to 127.0.0.1:11434" in str(outcomes[0])
    assert max(len(log.attempts) for log in logs) == sent
    assert took < 10.0


def test_a_network_that_is_away_for_some_seconds_at_the_start_ends_no_call() -> None:
    def away(_: int) -> Completion | CallError:
        gone = CallError("connection", "no name server")
        return gone if asyncio.get_running_loop().time() < 12 else completion("fine")

    outcomes, _, _ = calls(Scripted(away, 0.0), 8, retries=3)

    assert kinds(outcomes) == ["ok"] * 8


def test_a_server_that_has_answered_is_waited_for() -> None:
    gone = CallError("connection", "no connection")
    transport = Scripted(lambda place: gone if 4 <= place < 12 else completion("fine"))
    outcomes, _, took = calls(transport, 20, concurrency=4)

    assert kinds(outcomes) == ["ok"] * 20
    assert took > 5.0


def test_a_server_that_works_on_its_first_call_has_been_reached() -> None:
    class Crowded(Scripted):
        async def complete(self, request: Request, timeout_s: float) -> Completion:
            if not self.sent_at:
                current_exchange().send()
                self.sent_at.append(0.0)
                await asyncio.sleep(50.0)
                return completion("fine")
            return await super().complete(request, timeout_s)

    gone = CallError("connection", "no connection")
    transport = Crowded(lambda place: gone if place < 10 else completion("fine"))
    outcomes, _, _ = calls(transport, 20, concurrency=4, retries=1)

    assert "unavailable" not in kinds(outcomes)
    assert kinds(outcomes)[0] == "ok"


def test_a_requested_wait_of_more_than_five_minutes_ends_the_run_with_its_time() -> None:
    for_long = CallError("throttle", "daily limit", status=429, retry_after_s=3600.0)
    transport = Scripted(lambda _: for_long)
    outcomes, _, took = calls(transport, 50, concurrency=4)
    nodes = {str(i): Outcome("error", kind=o.kind) for i, o in enumerate(outcomes)}

    assert len(transport.sent_at) == 4
    assert kinds(outcomes) == ["unavailable"] * 50
    assert "wait for 3,600 s, until 20" in str(outcomes[0])
    assert "daily limit" in str(outcomes[0])
    assert took == 1.0
    assert run_status(nodes)[1] == 75


def test_five_minutes_are_waited() -> None:
    whole = CallError("throttle", "x", status=429, retry_after_s=300.0)
    outcomes, _, took = calls(Scripted(lambda place: whole if place == 0 else completion("fine")))

    assert kinds(outcomes) == ["ok"]
    assert 301.0 <= took <= 304.0


def test_a_call_is_given_up_after_twenty_throttled_requests() -> None:
    limited = CallError("throttle", "slow down", status=429, retry_after_s=1.0)
    transport = Scripted(lambda _: limited)
    outcomes, _, _ = calls(transport)

    assert kinds(outcomes) == ["throttle"]
    assert len(transport.sent_at) == 20


def test_a_call_waits_no_longer_than_a_quarter_of_an_hour_for_throttling() -> None:
    limited = CallError("throttle", "slow down", status=429, retry_after_s=200.0)
    transport = Scripted(lambda _: limited)
    _, logs, took = calls(transport)

    assert len(transport.sent_at) == 5
    assert sum(a.wait_s for a in logs[0].attempts) <= 900.0
    assert took <= 900.0 + 5 * 3.0


def test_no_node_costs_more_than_24_requests_of_all_kinds_together() -> None:
    """18 times throttled, then by turns throttled and broken: no kind alone would end it."""
    limited = CallError("throttle", "slow down", status=429, retry_after_s=1.0)

    async def main() -> tuple[CallLog, list[str], int]:
        transport = Scripted(lambda place: limited if place % 12 < 11 else completion(""))
        client = Client(transport, RetryPolicy(), 60.0, random.Random(3), gate=Gate(8))
        log, said = CallLog(), []
        for _ in range(3):
            try:
                said.append((await client.complete(REQUEST, Slots(1), log)).text)
            except CallError as error:
                said.append(str(error))
        return log, said, len(transport.sent_at)

    log, said, sent = run_virtually(main)

    assert said == ["", "", f"given up after {MAX_REQUESTS} requests"]
    assert sent == len(log.attempts) == MAX_REQUESTS == 24


def test_a_calls_deadline_counts_its_waits() -> None:
    limited = CallError("throttle", "slow down", status=429, retry_after_s=40.0)
    transport = Scripted(lambda _: limited)
    outcomes, _, took = calls(transport, deadline_s=100.0)

    assert kinds(outcomes) == ["throttle"]
    assert len(transport.sent_at) == 3
    assert took <= 100.0


def test_a_server_that_is_slow_is_not_down_and_is_asked_less_at_once() -> None:
    slow, down = (CallError("timeout", "late", billed=True, slow=slow) for slow in (True, False))
    gates = Gate(8), Gate(8)
    for gate, error in zip(gates, (slow, down), strict=True):
        calls(Scripted(lambda _, error=error: error), 9, gate=gate)

    assert [False, True] == [gate.breaker.opened_at is not None for gate in gates]
    assert gates[0].limit.limit < 8
    assert gates[0].fault is None


def test_a_slow_probe_leaves_the_breaker_open_and_the_outage_is_given_up() -> None:
    gate = Gate(8)
    for unit in "abcab":
        gate.failed(Ticket(unit), BROKEN, 0.0, 0.0)
    ticket = Ticket("d")
    gate.enter(700.0, ticket)
    gate.failed(ticket, CallError("timeout", "late", slow=True), 700.0, 760.0)

    assert gate.breaker.is_open is True
    assert gate.fault is not None
    assert gate.fault.kind == "unavailable"


def test_a_calls_deadline_does_not_count_an_outage() -> None:
    async def main() -> Storm:
        provider = VirtualProvider(rpm=600, outages_s=[[20, 320]])
        result = Storm(provider, Gate(32, rng=random.Random(1)))
        await result.make_calls(200, deadline_s=60.0)
        return result

    result = run_virtually(main)

    assert result.lost == {}
    assert result.took_s > 320.0


def test_a_probe_that_is_throttled_shows_a_provider_that_is_back() -> None:
    gate = Gate(8)
    for unit in "abcab":
        gate.failed(Ticket(unit), BROKEN, 0.0, 0.0)
    ticket = Ticket("d")
    gate.enter(5.0, ticket)

    assert ticket.probe is True
    gate.failed(ticket, THROTTLED, 5.0, 5.2)
    assert gate.breaker.is_open is False


def test_a_closing_breaker_halves_the_limit_and_spreads_the_next_calls() -> None:
    gate = Gate(8, rng=random.Random(1))
    for unit in "abcab":
        gate.failed(Ticket(unit), BROKEN, 0.0, 0.0)
    ticket = Ticket("d")
    gate.enter(5.0, ticket)
    gate.succeeded(ticket, completion("x"), 5.0, 6.0, first=True)
    gate.leave(6.0, ticket)
    gate.enter(6.0, Ticket("e"))

    assert gate.limit.limit == 4
    assert 0.0 < gate.wait_s(6.0, Ticket("f")) <= 2 * 5.0 / 4


def test_failures_of_ours_tell_nothing_of_the_provider() -> None:
    gate = Gate(8)
    for unit in "abcdefgh":
        gate.failed(Ticket(unit), CallError("internal", "a bug"), 0.0, 0.0)
        gate.failed(Ticket(unit), CallError("cancelled", "stopped"), 0.0, 0.0)

    assert gate.breaker.is_open is False
    assert gate.fault is None


def test_server_errors_neither_cut_nor_raise_the_limit() -> None:
    result = storm(100, faults={"status_500": 0.2})

    assert result.events["limit.lowered"] == 0
    assert result.gate.limit.limit >= 8


def test_runs_of_one_process_share_the_gate_of_a_model_and_key() -> None:
    gates = Gates()

    def make(account: Account) -> Gate:
        return Gate(4, account=account)

    first = gates.gate("model", "key", make)
    again = gates.gate("model", "key", make)
    sibling = gates.gate("other model", "key", make)
    stranger = gates.gate("model", "other key", make)

    assert first is again
    assert sibling.account is first.account
    assert stranger.account is not first.account


def test_the_ceiling_is_the_sum_over_registered_jobs_up_to_its_bound() -> None:
    gate = Gate(4)
    seen = []
    for change in (lambda: gate.register(4), lambda: gate.register(3), lambda: gate.register(1000)):
        change()
        seen.append(gate.limit.ceiling)
    gate.register(-1000)
    gate.register(-4)
    gate.register(-3)

    assert seen == [4, 7, MAX_CEILING]
    assert gate.limit.ceiling == 3  # the last one's stays for the next
