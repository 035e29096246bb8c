"""Policy over calls: be admitted, call within a deadline, try again where it helps, account."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from runner.base.errors import CallError, NotRunError
from runner.calls.admission.budget import Budget, Sizer
from runner.calls.admission.gate import MAX_CEILING, Gate
from runner.calls.admission.limits import Ask, Limit, Lobby
from runner.calls.call_log import Attempt, CallLog
from runner.calls.retry import THROTTLE, TRANSIENT, RetryPolicy
from runner.providers.request import Completion, Request, Transport, on_arrival
from runner.providers.retry_headers import MAX_RETRY_AFTER_S

MAX_REQUESTS = 24  # per conversation with a model, all kinds of attempts together
_PROBED = 1e9  # added to the rank for each probe made, so that units take turns

log = structlog.get_logger("colloquy.client")


@dataclass(slots=True)
class _Call:
    """One call: what its attempts share."""

    request: Request
    slots: Limit
    calls: CallLog
    ask: Ask
    rank: float
    failures: dict[str, int] = field(default_factory=dict)
    probes: int = 0
    parked: bool = False  # the last failure was an outage, which does not count against the call


@dataclass(frozen=True, slots=True)
class Client:
    """Sends requests through *transport*.

    *timeout_s* bounds each attempt on the wall clock, from the moment it is admitted; litellm's
    own timeout does not bound a slow body. *deadline_s* bounds one node's calls from their
    first attempt, all waits included but for outages. *gate* is shared by all clients of a
    model and key, *lobby* by all of an event loop. *rng* draws the jitter.
    """

    transport: Transport
    retry: RetryPolicy
    timeout_s: float
    rng: random.Random = field(default_factory=random.Random)
    deadline_s: float = 1800.0
    gate: Gate = field(default_factory=lambda: Gate(MAX_CEILING))
    lobby: Lobby = field(default_factory=Lobby)
    budget: Budget = field(default_factory=Budget)
    sizer: Sizer | None = None

    async def complete(
        self,
        request: Request,
        slots: Limit,
        calls: CallLog,
        rank: float = 0.0,
        *,
        waits_for_outage: bool = True,
        on_failure: Callable[[], None] | None = None,
    ) -> Completion:
        """Return the reply; raise the last attempt's CallError when trying again is no use.

        A call that has a fallback does not wait out an outage.
        *on_failure* is called after each attempt that fails.

        Room is held during attempts only, not while waiting between them. Raises NotRunError
        where the attempt was not made because the run, the account or the budget has ended.
        """
        tokens, cost_usd = await self._size(request)
        ask = Ask(calls.unit or request.node, rank, tokens, cost_usd, None, waits_for_outage)
        call = _Call(request, slots, calls, ask, rank)
        while True:
            if len(calls.attempts) - calls.before >= MAX_REQUESTS:
                raise CallError("transient", f"given up after {MAX_REQUESTS} requests")
            try:
                return await self._attempt(call)
            except NotRunError:
                raise
            except CallError as error:
                wait = self._wait_after(call, error)
                self._log_failure(call, error, wait)
                if on_failure is not None:
                    on_failure()
                if self.gate.fault is not None:
                    self.lobby.wake(self.gate)
                if wait is None:
                    if self.gate.fault is not None and self.gate.fault.kind == "unavailable":
                        raise self.gate.fault.copy() from error  # that ends all calls
                    raise
                await self.lobby.pause(wait, self.gate)

    async def _size(self, request: Request) -> tuple[int, float]:
        """Return the most an attempt may use, where a limit asks for it."""
        if self.sizer is None or not (self.budget.capped or self.gate.counts_tokens):
            return 0, 0.0
        return await self.sizer.sized(request)

    async def _attempt(self, call: _Call) -> Completion:
        clock = asyncio.get_running_loop().time
        calls, ask = call.calls, call.ask
        ask.rank, ask.probe = call.rank + _PROBED * call.probes, False
        asked, parked = clock(), self.gate.breaker.open_s(clock())
        async with self.lobby.admitted((call.slots, self.gate, self.budget), ask):
            begun = clock()
            calls.queue_wait_s += begun - asked
            calls.parked_s += self.gate.breaker.open_s(begun) - parked
            calls.began = begun if calls.began is None else calls.began
            call.probes += ask.probe
            calls.tell(
                "call.started",
                len(calls.attempts) + 1,
                may_use_tokens=ask.tokens,
                may_cost_usd=ask.cost_usd,
            )
            try:
                completion = await self._send(call)
            except BaseException as error:
                self._settle_failure(call, error, begun)
                raise
            self._settle_success(call, completion, begun)
            return completion

    async def _send(self, call: _Call) -> Completion:
        try:
            async with asyncio.timeout(self.timeout_s) as deadline:
                with on_arrival(lambda: deadline.reschedule(None)):
                    return await self.transport.complete(call.request, self.timeout_s)
        except TimeoutError as error:
            message = f"no answer within {self.timeout_s:g} s"
            raise CallError("timeout", message, billed=True) from error

    def _settle_success(self, call: _Call, reply: Completion, begun: float) -> None:
        ask, first, usage = call.ask, not call.failures, reply.usage
        now = self._end_attempt(call, "ok", None, begun)
        used = usage.prompt_tokens + usage.completion_tokens
        self.gate.succeeded(ask, begun, now, tokens=used, first=first)
        # A price that nobody knows is the most that it can have been.
        self.budget.spend(ask.cost_usd if reply.cost_usd is None else reply.cost_usd, used)
        call.calls.add(reply)
        facts: dict[str, Any] = {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "cached_tokens": usage.cached_tokens,
            "cost_usd": reply.cost_usd,
        }
        if usage.corrected:
            facts["usage_corrected"] = usage.corrected
        call.calls.tell("call.finished", len(call.calls.attempts), **facts)
        self._log_success(call, reply, facts)

    def _settle_failure(self, call: _Call, failure: BaseException, begun: float) -> None:
        ask, error = call.ask, failure if isinstance(failure, CallError) else _cut_off(failure)
        now = self._end_attempt(call, error.kind, error.status, begun)
        call.parked = not self.gate.failed(ask, error, begun, now)
        if error.kind in TRANSIENT and ask.failing_since is None:
            ask.failing_since = now
        if not call.parked:
            family = "throttle" if error.kind in THROTTLE else "transient"
            call.failures[family] = call.failures.get(family, 0) + 1
        charged = (ask.tokens, ask.cost_usd) if error.billed else (0, 0.0)
        self.budget.spend(charged[1], charged[0])
        call.calls.tell(
            "call.failed",
            len(call.calls.attempts),
            kind=error.kind,
            status=error.status,
            charged_tokens=charged[0],
            charged_usd=charged[1],
        )

    def _end_attempt(self, call: _Call, outcome: str, status: int | None, begun: float) -> float:
        now = asyncio.get_running_loop().time()
        call.calls.latency_s += now - begun
        call.calls.attempts.append(Attempt(outcome, now - begun, status))
        return now

    def _wait_after(self, call: _Call, error: CallError) -> float | None:
        """Return seconds to wait before the next attempt, None to give up."""
        calls, now = call.calls, asyncio.get_running_loop().time()
        throttled = error.kind in THROTTLE
        if throttled and (error.retry_after_s or 0.0) > MAX_RETRY_AFTER_S:
            self.gate.stop_until(error.retry_after_s or 0.0)
        if self.gate.fault is not None and self.gate.fault is not error:
            return None
        if call.parked:
            return 0.0 if call.ask.waits_for_outage else None  # the lobby decides when it goes on
        waited = sum(a.wait_s for a in calls.attempts if a.outcome == error.kind)
        failures = call.failures["throttle" if throttled else "transient"]
        wait = self.retry.wait_s(error, failures, self.rng, waited)
        if wait is None:
            return None
        if throttled:
            self.gate.throttle(wait, error.retry_after_s, now)
            wait += self.rng.uniform(0, min(1.0, self.retry.delay_s))
        began = now if calls.began is None else calls.began
        left = self.deadline_s + calls.parked_s - (now - began)
        return None if wait > left else wait

    def _log_failure(self, call: _Call, error: CallError, wait: float | None) -> None:
        calls, last = call.calls, call.calls.attempts[-1]
        if wait is not None:
            calls.attempts[-1] = replace(last, wait_s=wait)
        log.warning(
            "call.failed",
            analyzer=call.request.node,
            attempt=len(calls.attempts),
            kind=error.kind,
            status=error.status,
            error=str(error),
            retry_in_s=None if wait is None else round(wait, 3),
        )

    def _log_success(self, call: _Call, reply: Completion, facts: Mapping[str, Any]) -> None:
        calls = call.calls
        log.info(
            "call.finished",
            analyzer=call.request.node,
            attempt=len(calls.attempts),
            latency_s=round(calls.attempts[-1].latency_s, 4),
            queue_wait_s=round(calls.queue_wait_s, 4),
            finish_reason=reply.finish_reason,
            **facts,
        )


def _cut_off(error: BaseException) -> CallError:
    """Return what a journal says of an attempt that did not end by itself."""
    kind = "internal" if isinstance(error, Exception) else "cancelled"
    return CallError(kind, f"{kind} during the call", billed=True)
