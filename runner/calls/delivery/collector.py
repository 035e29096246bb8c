"""Collector: polls pending batches and delivers each request its result."""

import asyncio
import math
from collections.abc import Callable
from contextvars import Context, copy_context
from dataclasses import dataclass, field

import structlog

from runner.base.errors import CallError, NotRunError
from runner.calls.activity import busy
from runner.calls.delivery.ledger import Ledger
from runner.calls.delivery.pending_batch import (
    PendingBatch,
    TokenQueue,
    WaitingRequest,
    failure_of,
)
from runner.calls.delivery.timing import CANCEL_S, Timing
from runner.calls.retry import RETRIED, Backoff
from runner.providers.batches.endpoint import OVER, BatchEndpoint, SubmittedBatch

OVERDUE_S = 3600.0  # after its window, in which a provider lets a batch expire
SETTLE_S = 60.0  # in which a provider shows a batch that it was sent
MAX_UNSENT = 30  # times that a request is sent in a batch that does not reach its provider
_DOWNLOADS = 4  # of a batch that is over and whose results are torn or too few
_AT_ONCE = 32  # results read in one iteration of the event loop

log = structlog.get_logger("colloquy.delivery")


@dataclass(eq=False)
class Collector:
    """Polls *batches*, by mark; *again* receives the requests of one that was never sent.

    *took* receives the seconds that each batch took.
    """

    endpoint: BatchEndpoint
    ledger: Ledger
    timing: Timing
    again: Callable[[WaitingRequest], object]
    took: list[float] = field(default_factory=list)
    batches: dict[str, PendingBatch] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _most_queued: float = math.inf  # tokens, learned from batches that failed
    _context: Context = field(default_factory=copy_context)  # the job's, not that of a run

    @property
    def out(self) -> list[PendingBatch]:
        """The batches that have not ended."""
        return [each for each in self.batches.values() if not each.is_over]

    def queue(self) -> TokenQueue:
        """Return the tokens of the pending batches, and how many there may be."""
        return TokenQueue(sum(pending.tokens for pending in self.out), self._most_queued)

    def count_waiting(self) -> int:
        """Return how many requests wait for pending batches."""
        return sum(1 for pending in self.out for _ in pending.staying())

    def follow(self, pending: PendingBatch) -> None:
        """Follow *pending* to its end, in the background."""
        self.batches[pending.batch.mark] = pending
        if not pending.is_over:
            task = asyncio.create_task(self._follow(pending), context=self._context.copy())
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def _follow(self, pending: PendingBatch) -> None:
        backoff = Backoff()
        try:
            while not pending.is_over:
                await self._stop_for_deadline(pending)
                wait = await self._advance(pending, backoff)
                if not pending.is_over:
                    await self._stop_overdue(pending)
                    await asyncio.sleep(pending.poll_s(self.timing.now(), wait))
        except CallError as error:
            if error.kind == "not_found":
                pending.is_over, pending.torn = True, True  # what it has cost is not known
                self._end(pending)
            elif error.kind in RETRIED and self.timing.deadline_s is not None:
                await self.cancel(pending)
                for waiting in pending.waiting.values():
                    waiting.leave(out=True)
            else:
                kind = "unavailable" if error.kind in RETRIED else error.kind
                self._give_up(pending, kind, str(error))
        except Exception as error:  # noqa: BLE001 - a full disk or a bug: callers would hang
            self._give_up(pending, *failure_of(error))
        finally:
            with busy():  # at whose end the next batch may go
                pass

    def _give_up(self, pending: PendingBatch, kind: str, why: str) -> None:
        """Leave an unreadable batch to the next session."""
        log.error("batch.unreadable", batch=pending.batch.id, error=why)
        known = f"the pending batch {pending.batch.id} cannot be read"
        known = known if pending.batch.id else "it is not known whether a batch was received"
        for waiting in pending.waiting.values():
            waiting.resolve(NotRunError(kind, f"{known}: {why}"))

    async def _advance(self, pending: PendingBatch, backoff: Backoff) -> float:
        """Ask the provider once; return the least seconds until the next time, 0 for any."""
        try:
            await (self._look if pending.batch.id else self._identify)(pending)
        except CallError as error:
            young = self.timing.now() - pending.batch.at < SETTLE_S and error.kind == "not_found"
            wait = backoff.wait_s(CallError("transient", str(error)) if young else error)
            log.warning("batch.poll_failed", batch=pending.batch.id, error=str(error))
            return wait
        backoff.failures = 0
        return 0.0 if pending.batch.id else SETTLE_S / 4

    async def _identify(self, pending: PendingBatch) -> None:
        """Find a batch at its provider that may not have received it; send it again if so."""
        batch = pending.batch
        sent = await self.endpoint.find(batch.mark, batch.at - SETTLE_S, batch.keys)
        if sent is not None:
            log.info("batch.found", batch=sent.id, requests=len(batch.keys))
            await self.ledger.submitted(batch, sent.id)
        elif self.timing.now() - pending.since >= SETTLE_S:  # it would be listed by now
            log.info("batch.unsent", requests=len(batch.keys))
            for waiting in pending.waiting.values():
                waiting.unsent += 1
            await self._send_again(pending)

    async def _send_again(self, pending: PendingBatch) -> None:
        """Return the requests of a batch that its provider does not have to the next ones."""
        await self.ledger.refused(pending.batch)
        self.ledger.forget(pending.batch.mark)
        pending.is_over = True
        del self.batches[pending.batch.mark]
        for waiting in pending.waiting.values():
            if waiting.has_left:
                waiting.resolve(CallError("cancelled", "the provider never had its batch"))
            elif waiting.unsent < MAX_UNSENT:
                waiting.mark = None
                self.again(waiting)
            else:
                message = f"{MAX_UNSENT} batches in a row did not reach the provider"
                waiting.resolve(NotRunError("unavailable", message))

    async def _look(self, pending: PendingBatch) -> None:
        """Poll the state of a batch, and fetch its results once it is over."""
        pending.state = state = await self.endpoint.status(pending.batch.id)
        if state.state not in OVER:
            return
        with busy():  # until all results are handed out, no batch is sent
            others = sum(each.tokens for each in self.out if each is not pending)
            if state.is_overfull and (others or len(pending.batch.keys) > 1):
                self._most_queued = min(self._most_queued, others or pending.tokens / 2)
                await self._send_again(pending)
            else:
                await self._collect(pending, state)

    async def _stop_overdue(self, pending: PendingBatch) -> None:
        """Cancel a batch that outlives its window; if it still does not end, give it up."""
        now, told = self.timing.now(), pending.state.created_at if pending.state else None
        begun = told if told is not None and told < now + SETTLE_S else pending.batch.at
        late_s = now - begun - self.endpoint.limits.window_s
        if late_s > OVERDUE_S and not pending.is_overdue:
            pending.is_overdue = True
            log.warning("batch.overdue", batch=pending.batch.id)
            await self.cancel(pending)
        elif late_s > 2 * OVERDUE_S:
            raise CallError("not_found", "it did not end even after cancellation")

    async def _collect(self, pending: PendingBatch, state: SubmittedBatch) -> None:
        """Store the results, hand them out, and end the batch if these are all."""
        batch = pending.batch
        lines = [line async for line in self.endpoint.results(batch.id)]
        await self.ledger.keep(batch.mark, lines)
        pending.read(self.endpoint, lines)
        for number, key in enumerate(pending.waiting.keys() & pending.results.keys()):
            waiting = pending.waiting.pop(key)
            waiting.resolve(self.endpoint.read(pending.results.pop(key), waiting.request))
            if number % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)
        pending.downloads += 1
        if pending.is_whole or pending.downloads >= _DOWNLOADS:
            await self.ledger.collected(batch)
            pending.is_over = True
            if state.state == "ended":
                now, begun = self.timing.now(), state.created_at or batch.at
                self.took.append(max(0.0, min(state.ended_at or now, now) - begun))
            log.info("batch.collected", batch=batch.id, state=state.state, results=len(lines))
            self._end(pending)

    def _end(self, pending: PendingBatch) -> None:
        """Fail requests without a result; those of a batch stopped for a deadline go live."""
        for waiting in list(pending.waiting.values()):
            if pending.stopping_at is not None and not waiting.has_left:
                waiting.leave(out=False)
            else:
                waiting.resolve(pending.why_missing())
        pending.waiting.clear()

    async def _stop_for_deadline(self, pending: PendingBatch) -> None:
        """Stop a batch in time for the deadline; requests that it does not return go live, too."""
        if self.timing.deadline_s is None:
            return
        with busy():  # at whose end the sender sends requests not yet in a batch
            pass
        now, timing, others = self.timing.now(), self.timing, self.count_waiting()
        due = [
            waiting
            for waiting in pending.staying()
            if min(pending.leaves_at[waiting.steps], timing.latest(waiting.steps, others)) <= now
        ]
        if not due:
            return
        if pending.stopping_at is None:
            pending.stopping_at = now
            await self.cancel(pending)
        elif now - pending.stopping_at >= CANCEL_S:
            for waiting in due:
                waiting.leave(out=True)

    async def cancel(self, pending: PendingBatch) -> None:
        """Ask the provider to stop a batch; a failure is logged only."""
        try:
            if batch := pending.batch.id:
                await self.endpoint.cancel(batch)
                log.info("batch.cancelled", batch=batch)
        except CallError as error:
            log.warning("batch.not_cancelled", batch=pending.batch.id, error=str(error))

    def ask(self, pending: PendingBatch, waiting: WaitingRequest) -> None:
        """Let a request of an earlier session wait for its batch, or return its result."""
        waiting.mark = pending.batch.mark
        steps = waiting.steps
        if (line := pending.results.pop(waiting.key, None)) is not None:
            waiting.resolve(self.endpoint.read(line, waiting.request))
        elif pending.is_over:
            waiting.resolve(pending.why_missing())
        else:
            pending.waiting[waiting.key] = waiting
            if steps not in pending.leaves_at:
                pending.leaves_at[steps] = self.timing.leaves_at(steps, len(pending.waiting))
