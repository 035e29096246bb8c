"""Deliverer: puts a model's requests into batches and returns their replies, across sessions."""

import asyncio
from dataclasses import dataclass
from typing import Literal

from runner.base.threads import offload
from runner.calls.activity import Activity
from runner.calls.delivery.collector import SETTLE_S, Collector
from runner.calls.delivery.ledger import HeldCall, Ledger
from runner.calls.delivery.pending_batch import PendingBatch, WaitingRequest
from runner.calls.delivery.sender import Sender
from runner.calls.delivery.timing import Timing
from runner.providers.batches.endpoint import BatchEndpoint
from runner.providers.request import Completion

CLOSING_S = 10.0  # for submissions in progress


@dataclass(eq=False)
class Deliverer:
    """The batches of one model, shared by all runs of a job; made in the job's context.

    Unless it *sends*, it only collects what an earlier session sent. *repair* is the delivery of
    requests after the first of a conversation.
    """

    endpoint: BatchEndpoint
    ledger: Ledger
    activity: Activity
    timing: Timing
    sends: bool = True
    repair: Literal["batch", "live"] = "batch"

    def __post_init__(self) -> None:
        self.collector = Collector(self.endpoint, self.ledger, self.timing, again=self._add)
        self.sender = Sender(
            self.endpoint,
            self.ledger,
            self.timing,
            on_submitted=self.collector.follow,
            queue=self.collector.queue,
        )

    async def open(self) -> None:
        """Open the endpoint and take over the batches of earlier sessions; raise CallError."""
        await self.endpoint.open()
        self.activity.when_quiet.append(self.sender.flush)
        for batch in list(self.ledger.batches.values()):
            pending = PendingBatch(batch, self.timing.now())
            if batch.collected:
                await offload(self._load, pending)
            self.collector.follow(pending)

    def _load(self, pending: PendingBatch) -> None:
        """Read the stored results; fetch those of a batch that are missing and may be needed."""
        pending.read(self.endpoint, self.ledger.results(pending.batch.mark))
        wanted = self.ledger.wanted(pending.batch)
        pending.is_over = not wanted or (not pending.torn and wanted <= pending.seen)
        if not pending.is_over:
            pending.results.clear()
            pending.seen.clear()

    def takes(self, steps: int, *, first: bool) -> bool:
        """Return whether a new request goes into a batch; *first*: of its conversation."""
        if not self.sends or (not first and self.repair == "live"):
            return False
        if self.timing.deadline_s is None:
            return True
        others = len(self.sender.pending) + self.collector.count_waiting()
        return self.timing.allows(steps, others + 1)

    async def reply(self, waiting: WaitingRequest, held: HeldCall | None) -> Completion:
        """Return the reply to a request, which is *held* if an earlier session has sent it.

        Raises CallError, NotRunError for a batch that is left to the next session, and LateError
        for a request that is to go live; its `late` then gets the result of its batch.
        """
        pending = self.collector.batches.get((held and held.mark) or "")
        if pending is None:
            self._add(waiting)
        else:
            self.collector.ask(pending, waiting)
        return await waiting.reply

    def _add(self, waiting: WaitingRequest) -> None:
        """Add a request that is in no batch to the next one, or let it go live."""
        if self.sends:
            self.sender.add(waiting)
        else:
            waiting.leave(out=False)

    def withdraw(self, waiting: WaitingRequest) -> bool:
        """Withdraw a cancelled request; return whether it had not been sent."""
        if waiting.mark is not None:
            return False
        self.sender.pending.pop(waiting.key, None)
        return True

    async def finish(self) -> None:
        """Stop the batches that a complete run does not need, and remove used results."""
        collector = self.collector
        for pending in collector.out:
            pending.stopping_at = self.timing.now()
            await collector.cancel(pending)
        if collector.tasks:
            known = all(pending.batch.id for pending in collector.out)
            await asyncio.wait(collector.tasks, timeout=CLOSING_S + (0 if known else SETTLE_S))
        for pending in collector.batches.values():
            if pending.is_over and not pending.results:
                self.ledger.forget(pending.batch.mark)

    async def close(self, *, cancel: bool = False) -> None:
        """Wait for submissions in progress; *cancel* pending batches or leave them."""
        self.activity.when_quiet.clear()
        if self.sender.sending:
            await asyncio.wait(self.sender.sending, timeout=CLOSING_S)
        if cancel:
            for pending in self.collector.out:
                await self.collector.cancel(pending)
        tasks = [*self.sender.sending, *self.collector.tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.endpoint.close()
