"""Batch attempt: reservation, journal entries and cost of a call whose reply takes hours."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runner.base.errors import CallError, NotRunError
from runner.base.text import digest
from runner.calls.activity import idle
from runner.calls.admission.budget import Budget
from runner.calls.admission.gate import Gate
from runner.calls.admission.limits import NOTHING, Admission, Limit
from runner.calls.call import Call
from runner.calls.delivery.deliverer import Deliverer
from runner.calls.delivery.ledger import HeldCall
from runner.calls.delivery.pending_batch import LateError, PendingBatch, WaitingRequest
from runner.calls.retry import family
from runner.providers.request import Completion, Result


@dataclass(eq=False)
class BatchAttempt:
    """One attempt of *call* that *deliverer* makes; the other fields are those of the Client.

    It holds room in the budget and no slot. An attempt that an earlier session has made is not
    made again: it waits for that one's reply, whose price that session reserved.
    """

    call: Call
    deliverer: Deliverer
    gate: Gate
    admission: Admission
    budget: Budget
    attempt_live: Callable[[Call, Sequence[Limit]], Coroutine[Any, Any, Completion]]

    def __post_init__(self) -> None:
        calls = self.call.calls
        self._key = digest(f"{calls.sent_as}\n{self.call.terms.key}", 32)
        self._number = len(calls.attempts) + 1
        self._held: HeldCall | None = self.deliverer.ledger.claim(self._key)
        self._most = self.call.most if self._held is None else self._held.most

    @property
    def is_wanted(self) -> bool:
        """Whether the attempt is made in a batch, or has been."""
        takes = self.deliverer.takes(self.call.terms.steps, first=self._is_first)
        return self._held is not None or (self.gate.fault is None and takes)

    @property
    def _is_first(self) -> bool:
        return len(self.call.calls.attempts) == self.call.calls.earlier

    async def make(self) -> Completion:
        """Return the reply; raise CallError."""
        if self._held is not None:
            with self.budget.expecting():
                return await self._wait()
        room = self.call.ticket
        if self.deliverer.timing.deadline_s is not None:  # the price of going live too
            room = replace(room, tokens=2 * room.tokens, cost_usd=2 * room.cost_usd)
        async with self.admission.admit((self.budget,), room, counted=False):
            self.call.start(self._number, self._most, request=self._key)
            return await self._wait()

    async def _wait(self) -> Completion:
        call, held = self.call, self._held
        started = asyncio.get_running_loop().time()
        tokens = max(0, self._most.tokens - call.request.max_tokens)
        waiting = WaitingRequest(
            self._key, call.request, call.ticket.rank, tokens, call.terms.steps, late=self._settle
        )
        try:
            with idle():
                asked = self.deliverer.reply(waiting, held)
                reply = await self.admission.until_closed(asked)
        except LateError as late:
            self._end(CallError("late", "its batch may be too late"), waiting, started)
            return await self._go_live(out=late.out)
        except (NotRunError, asyncio.CancelledError) as end:
            if self.deliverer.withdraw(waiting):
                self._settle(CallError("cancelled", "it had not been sent in a batch"))
            elif isinstance(end, NotRunError) and end.kind == "interrupted":
                raise NotRunError(end.kind, "in a pending batch: resume collects it") from None
            raise
        except CallError as error:
            first, sent = self._is_first, self._end(error, waiting, started)
            state = sent.state.state if sent is not None and sent.state is not None else None
            if first and not error.billed and (state == "cancelled" or error.again):
                call.calls.earlier += 1  # nobody has read it: the next attempt is not a repair
            self._settle(error)
            self.gate.refused(error)
            call.failures[family(error)] += not error.again
            raise
        self._end(reply, waiting, started)
        self._settle(reply)
        call.calls.usage += reply.usage
        self.gate.reach()
        return reply

    async def _go_live(self, *, out: bool) -> Completion:
        """Return the live reply in time for the deadline; its price is reserved already."""
        call = self.call
        limits: tuple[Limit, ...] = (call.slots, self.gate)
        if self._held is not None:  # an earlier session has reserved the batch's price only
            limits = (*limits, self.budget)
        if not out:
            self._settle(CallError("timeout", "in no batch that answers it in time"))
        elif self._held is None:  # until its end is known, it counts as paid
            self.budget.spend(self._most)
            self._held = HeldCall(self._most)
        return await self.attempt_live(call, limits)

    def _end(self, result: Result, waiting: WaitingRequest, started: float) -> PendingBatch | None:
        """Count the attempt, but not its time for the call's deadline; return its batch, if any."""
        sent = self.deliverer.collector.batches.get(waiting.mark or "")
        batch = "" if sent is None else sent.batch.id
        now, calls = self.call.end(result, started, batch), self.call.calls
        if calls.began is not None:
            calls.began += now - started
        self.call.parked = False
        return sent

    def _settle(self, result: Result) -> None:
        """Record the attempt's cost in the journal and the budget."""
        if self._held is not None and self._held.settled:
            return  # an earlier session has noted it
        key = self._key
        _, cost = self.call.settle(self._number, result, self._most, "batch", request=key)
        self.budget.spend(cost, counted=NOTHING if self._held is None else self._held.most)
        self.admission.reschedule()  # what it has not used is there for others
