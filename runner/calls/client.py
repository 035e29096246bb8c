"""Client: admits, bounds, retries and accounts for the calls to one model."""

import asyncio
import math
import random
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import structlog

from runner.base.errors import CallError, NotRunError
from runner.calls.admission.budget import Budget, Sizer
from runner.calls.admission.gate import MAX_CEILING, Gate
from runner.calls.admission.limits import Admission, Limit, Ticket
from runner.calls.call import NO_TERMS, Call, Terms
from runner.calls.call_log import CallLog
from runner.calls.delivery.attempt import BatchAttempt
from runner.calls.delivery.deliverer import Deliverer
from runner.calls.flex import Flex
from runner.calls.hedge import LATE, MIN_LATE_S, hedged
from runner.calls.retry import NO_CAPACITY, THROTTLE, TRANSIENT, RetryPolicy, family
from runner.providers.prices import Prices
from runner.providers.request import Completion, Exchange, Request, Result, Transport
from runner.providers.retry_headers import MAX_RETRY_AFTER_S

MAX_REQUESTS = 24  # attempts of a conversation with one model, except those without capacity
_RANK_PER_PROBE = 1e9  # added to the rank for each probe, so that callers take turns

log = structlog.get_logger("colloquy.client")


@dataclass(frozen=True, slots=True)
class Client:
    """Sends requests through *transport*.

    *timeout_s* bounds the wall-clock time of each attempt from its admission; litellm's own
    timeout does not bound a slow body. *deadline_s* bounds the calls of one node from their
    first attempt, including waits except those for outages. All clients of a model and key
    share *gate*, all clients of an event loop *admission*. *rng* draws the jitter. A *local* model
    computes in this process: its attempts have no timeout, but end when admission closes.
    *deliverer* puts requests into batches; with *flex*, *transport* asks for that tier. *prices*
    are the model's, None where they are unknown.
    """

    transport: Transport
    retry: RetryPolicy
    timeout_s: float
    rng: random.Random = field(default_factory=random.Random)
    deadline_s: float = 1800.0
    gate: Gate = field(default_factory=lambda: Gate(MAX_CEILING))
    admission: Admission = field(default_factory=Admission)
    budget: Budget = field(default_factory=Budget)
    sizer: Sizer | None = None
    local: bool = False
    deliverer: Deliverer | None = None
    prices: Prices | None = None
    flex: Flex | None = None

    @property
    def transports(self) -> tuple[Transport, ...]:
        """All transports that calls may take."""
        return (self.transport,) if self.flex is None else (self.transport, self.flex.live)

    async def complete(
        self,
        request: Request,
        slots: Limit,
        calls: CallLog,
        rank: float = 0.0,
        terms: Terms = NO_TERMS,
    ) -> Completion:
        """Return the reply; raise the last attempt's CallError once it is not retried.

        The slot and other limits are held during attempts, not between them. Raises NotRunError if
        an attempt was not made because of a stopped run, a fault of the account or an exhausted
        budget.
        """
        if self.local or not self.retry.max_retries:
            terms = replace(terms, expected_s=None)
        ticket = await self._ticket(request, calls.unit or request.node, rank, terms)
        delivery = "live" if self.flex is None else "flex"
        call = Call(request, slots, calls, ticket, terms, self.prices, delivery)
        while True:
            asked = calls.attempts[calls.earlier :]
            if sum(attempt.outcome != NO_CAPACITY for attempt in asked) >= MAX_REQUESTS:
                raise CallError("transient", f"given up after {MAX_REQUESTS} requests")
            try:
                return await self._attempt(call)
            except NotRunError:
                raise
            except CallError as error:
                wait = self._note_failure(call, error)
                if wait is not None:
                    await self.admission.pause(wait, self.gate)
                elif (fault := self.gate.fault) is not None and fault.kind == "unavailable":
                    raise fault.copy() from error  # it ends all calls
                else:
                    raise

    async def _ticket(self, request: Request, unit: str, rank: float, terms: Terms) -> Ticket:
        """Return the ticket of a call's attempts, with upper bounds where a limit counts them."""
        ticket = Ticket(unit, rank, spare=terms.spare, waits_for_outage=terms.waits_for_outage)
        if self.sizer is not None and not (self.local and not self.budget.capped):
            most = await self.sizer.size(request)
            ticket.tokens, ticket.cost_usd = most.tokens, most.usd
            ticket.reply_tokens = request.max_tokens
        return ticket

    def _note_failure(self, call: Call, error: CallError) -> float | None:
        """Log a failure; return the seconds to wait before the next attempt, None to give up."""
        wait = self._wait_after(call, error)
        self._log_failure(call, error, wait)
        if call.terms.on_failure is not None and not error.again:
            call.terms.on_failure()
        if self.gate.fault is not None:
            self.admission.wake(self.gate)
        return wait

    async def _attempt(self, call: Call) -> Completion:
        if self.deliverer is not None and call.calls.note is not None:
            batched = BatchAttempt(
                call, self.deliverer, self.gate, self.admission, self.budget, self.attempt_live
            )
            if batched.is_wanted:
                return await batched.make()
        return await self.attempt_live(call, (call.slots, self.gate, self.budget))

    async def attempt_live(self, call: Call, limits: Sequence[Limit]) -> Completion:
        """Make one attempt within *limits*; raise CallError."""
        clock = asyncio.get_running_loop().time
        calls, ticket = call.calls, call.ticket
        queued, parked = clock(), self.gate.breaker.open_s(clock())
        async with self.admission.admit(limits, ticket, counted=not self.local):
            started = clock()
            calls.queue_wait_s += started - queued
            calls.parked_s += self.gate.breaker.open_s(started) - parked
            calls.began = started if calls.began is None else calls.began
            ticket.rank += _RANK_PER_PROBE * ticket.probe
            transport, timeout_s = self.transport, self.timeout_s
            if self.flex is not None:
                timeout_s = self.flex.attempt_s(call, started, timeout_s)
                transport = transport if call.delivery == "flex" else self.flex.live
            calls.reserve(calls, call.request.max_tokens)
            call.number = len(calls.attempts) + 1 + call.is_hedge
            call.start(call.number, call.most, delivery=call.delivery)
            try:
                sending = self._send(call, transport, timeout_s)
                reply, is_hedge = await self._hedged(call, sending, limits)
            except BaseException as error:
                self._settle_failure(call, error, started)
                raise
            if is_hedge:
                overtaken = CallError("cancelled", "the hedged request was faster", billed=True)
                self._settle_failure(call, overtaken, started)
            else:
                self._settle_success(call, reply, started)
            return reply

    async def _hedged(
        self, call: Call, sending: Coroutine[Any, Any, Completion], limits: Sequence[Limit]
    ) -> tuple[Completion, bool]:
        """Return the reply of *sending*, or of a straggler's second request within *limits*."""
        expected_s = call.terms.expected_s
        if expected_s is None or self.budget not in limits or call.delivery != "live":
            return await sending, False
        ticket, terms = replace(call.ticket, probe=False), replace(call.terms, expected_s=None)
        hedge = replace(call, ticket=ticket, terms=terms, is_hedge=True)
        hedge.failures = call.failures.copy()

        def may() -> bool:
            now = asyncio.get_running_loop().time()
            room = all(limit.wait_s(now, ticket) == 0 for limit in limits)
            return room and not self.admission.has_waiters and self.gate.take_hedge()

        second = partial(self.attempt_live, hedge, limits)
        late_s = MIN_LATE_S + LATE * expected_s * self.gate.pace
        return await hedged(sending, second, late_s, may)

    async def _send(self, call: Call, transport: Transport, timeout_s: float) -> Completion:
        if self.local:
            work = transport.complete(call.request, math.inf)
            return await self.admission.until_closed(work)
        exchange = Exchange(
            None if call.terms.on_first_token is None else call.begin, self.gate.reach
        )
        try:
            async with asyncio.timeout(timeout_s) as deadline:
                exchange.on_arrival = partial(deadline.reschedule, None)
                with exchange.begun():
                    return await transport.complete(call.request, timeout_s)
        except TimeoutError as error:
            why = "model.timeout_s" if call.delivery == "live" else "at the flex tier"
            message = f"no answer within {timeout_s:g} s ({why})"
            raise CallError("timeout", message, billed=True, slow=exchange.sent) from error

    def _settle_success(self, call: Call, reply: Completion, started: float) -> None:
        now = call.end(reply, started)
        self.gate.succeeded(call.ticket, reply, started, now, first=not call.failures)
        if expected_s := call.terms.expected_s:
            self.gate.observe_latency(now - started, expected_s)
        call.calls.usage += reply.usage
        if call.terms.key and not self.local:
            call.calls.keep(call.terms.key, reply)  # first: a call that has ended is not made again
        facts = self._settle(call, reply)
        log.info(
            "call.finished",
            analyzer=call.request.node,
            attempt=len(call.calls.attempts),
            latency_s=round(now - started, 4),
            queue_wait_s=round(call.calls.queue_wait_s, 4),
            finish_reason=reply.finish_reason,
            **facts,
        )

    def _settle_failure(self, call: Call, failure: BaseException, started: float) -> None:
        ticket, error = call.ticket, failure
        if not isinstance(error, CallError):  # cancelled, or a bug
            kind = "internal" if isinstance(error, Exception) else "cancelled"
            error = CallError(kind, f"{kind} during the call", billed=True)
        now = call.end(error, started)
        call.parked = not self.gate.failed(ticket, error, started, now)
        if error.kind in TRANSIENT and ticket.failing_since is None:
            ticket.failing_since = now
        if not call.parked and not error.again:
            call.failures[family(error)] += 1
        self._settle(call, error)

    def _settle(self, call: Call, result: Result) -> dict[str, Any]:
        facts, cost = call.settle(call.number, result, call.most, call.delivery)
        self.budget.spend(cost)
        return facts

    def _wait_after(self, call: Call, error: CallError) -> float | None:
        """Return the seconds to wait before the next attempt, None to give up."""
        calls, now = call.calls, asyncio.get_running_loop().time()
        batched = calls.attempts[-1].delivery == "batch"
        throttled = error.kind == THROTTLE and not batched  # which says nothing of live calls
        if throttled and (error.retry_after_s or 0.0) > MAX_RETRY_AFTER_S:
            self.gate.stop_until(error.retry_after_s or 0.0, error)
        if self.gate.fault is not None and self.gate.fault is not error:
            return None
        if error.again:
            return 0.0
        if call.parked:
            return 0.0 if call.ticket.waits_for_outage else None  # the breaker delays it
        if self.flex is not None:
            wait = self.flex.wait_s(call, error, now, self.retry.delay_s, self.rng)
            if wait is not None:
                return wait
        waited = sum(calls.waits_after(error.kind))
        failures = call.failures[family(error)]
        wait = self.retry.wait_s(error, failures, self.rng, waited, live=not batched)
        if wait is None:
            self.gate.gave_up(error)
            return None
        if throttled:
            self.gate.throttle(wait, error.retry_after_s, now)
            wait += self.rng.uniform(0, min(1.0, self.retry.delay_s))
        return None if wait > self._left_s(calls, now) else wait

    def _left_s(self, calls: CallLog, now: float) -> float:
        """Return the seconds until the deadline, which outages and lack of capacity put off."""
        began = now if calls.began is None else calls.began
        idle_s = calls.parked_s + sum(calls.waits_after(NO_CAPACITY))
        return self.deadline_s + idle_s - (now - began)

    def _log_failure(self, call: Call, error: CallError, wait: float | None) -> None:
        calls = call.calls
        calls.attempts[-1] = replace(calls.attempts[-1], wait_s=wait or 0.0)
        if error.again:  # the transport has said what it leaves out from now on
            return
        log.warning(
            "call.failed",
            analyzer=call.request.node,
            attempt=len(calls.attempts),
            kind=error.kind,
            status=error.status,
            error=str(error),
            retry_in_s=None if wait is None else round(wait, 3),
        )
