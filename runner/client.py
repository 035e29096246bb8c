"""Policy over calls: wait for a slot, call within a deadline, try again where it helps, account."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

import structlog

from runner.errors import CallError
from runner.limits import Slots
from runner.retry import THROTTLE, RetryPolicy
from runner.transport import Completion, Request, Transport, Usage

log = structlog.get_logger("colloquy.client")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request as sent: *outcome* is `ok` or the kind of failure; times in seconds."""

    outcome: str
    latency_s: float
    status: int | None = None
    wait_s: float = 0.0  # waited after it, before the next one


@dataclass(slots=True)
class CallLog:
    """What one node's calls took and cost so far; the client writes, the run reads.

    *queue_wait_s* is time spent waiting for slots, *latency_s* time inside attempts. *cost_usd*
    turns None for good once a reply without a known price arrives.
    """

    queue_wait_s: float = 0.0
    latency_s: float = 0.0
    attempts: list[Attempt] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    cost_usd: float | None = 0.0

    def add(self, completion: Completion) -> None:
        """Count a reply that was paid for."""
        self.usage = self.usage + completion.usage
        priced = self.cost_usd is not None and completion.cost_usd is not None
        self.cost_usd = (self.cost_usd or 0) + (completion.cost_usd or 0) if priced else None


@dataclass(frozen=True, slots=True)
class Client:
    """Sends requests through *transport*.

    *timeout_s* bounds each attempt on the wall clock, from the moment it has its slot;
    litellm's own timeout does not bound a slow body. *rng* draws the jitter.
    """

    transport: Transport
    retry: RetryPolicy
    timeout_s: float
    rng: random.Random = field(default_factory=random.Random)

    async def complete(
        self, request: Request, slots: Slots, calls: CallLog, rank: float = 0.0
    ) -> Completion:
        """Return the reply; raise the last attempt's CallError when trying again is no use.

        The slot is held during attempts only, not while waiting between them.
        """
        failures: dict[str, int] = {}
        while True:
            try:
                completion = await self._attempt(request, slots, calls, rank)
            except CallError as error:
                family = "throttle" if error.kind in THROTTLE else "transient"
                failures[family] = failures.get(family, 0) + 1
                waited = sum(a.wait_s for a in calls.attempts if a.outcome == error.kind)
                wait = self.retry.wait_s(error, failures[family], self.rng, waited)
                self._note_failure(request, calls, error, wait)
                if wait is None:
                    raise
                await asyncio.sleep(wait)
            else:
                calls.add(completion)
                self._note_success(request, calls, completion)
                return completion

    async def _attempt(
        self, request: Request, slots: Slots, calls: CallLog, rank: float
    ) -> Completion:
        clock = asyncio.get_running_loop().time
        asked = clock()
        async with slots.slot(rank):
            begun = clock()
            calls.queue_wait_s += begun - asked
            outcome, status = "cancelled", None
            try:
                async with asyncio.timeout(self.timeout_s):
                    completion = await self.transport.complete(request, self.timeout_s)
                outcome = "ok"
            except TimeoutError as error:
                outcome = "timeout"
                message = f"no answer within {self.timeout_s:g} s"
                raise CallError("timeout", message) from error
            except CallError as error:
                outcome, status = error.kind, error.status
                raise
            else:
                return completion
            finally:
                spent = clock() - begun
                calls.latency_s += spent
                calls.attempts.append(Attempt(outcome, spent, status))

    def _note_failure(
        self, request: Request, calls: CallLog, error: CallError, wait: float | None
    ) -> None:
        last = calls.attempts[-1]
        if wait is not None:
            calls.attempts[-1] = Attempt(last.outcome, last.latency_s, last.status, wait)
        log.warning(
            "call.failed",
            analyzer=request.node,
            attempt=len(calls.attempts),
            kind=error.kind,
            status=error.status,
            error=str(error),
            retry_in_s=None if wait is None else round(wait, 3),
        )

    def _note_success(self, request: Request, calls: CallLog, completion: Completion) -> None:
        log.info(
            "call.finished",
            analyzer=request.node,
            attempt=len(calls.attempts),
            latency_s=round(calls.attempts[-1].latency_s, 4),
            queue_wait_s=round(calls.queue_wait_s, 4),
            prompt_tokens=completion.usage.prompt_tokens,
            completion_tokens=completion.usage.completion_tokens,
            cached_tokens=completion.usage.cached_tokens,
            cost_usd=completion.cost_usd,
            finish_reason=completion.finish_reason,
        )
