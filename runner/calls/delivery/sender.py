"""Sender: collects ready requests and sends them in few, large batches."""

import asyncio
import math
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field

import structlog

from runner.base.errors import CallError, NotRunError
from runner.base.threads import offload
from runner.calls.delivery.ledger import Ledger, LedgerBatch
from runner.calls.delivery.pending_batch import (
    LateError,
    PendingBatch,
    TokenQueue,
    WaitingRequest,
    failure_of,
)
from runner.calls.delivery.timing import Timing
from runner.calls.retry import THROTTLE, TRANSIENT, Backoff
from runner.providers.batches.endpoint import BatchEndpoint

TOO_LARGE = 413  # HTTP's status for a body that a server, or a proxy before it, does not take
MAX_BYTES = 64 * 1024 * 1024  # of a batch, which is in memory while it is sent

log = structlog.get_logger("colloquy.delivery")


@dataclass(eq=False)
class Sender:
    """Sends *pending* requests through *endpoint*; *on_submitted* receives each batch sent.

    *queue* returns the tokens of all pending batches. What does not fit beside them stays pending
    until `flush` is called again.
    """

    endpoint: BatchEndpoint
    ledger: Ledger
    timing: Timing
    on_submitted: Callable[[PendingBatch], object]
    queue: Callable[[], TokenQueue]
    pending: dict[str, WaitingRequest] = field(default_factory=dict)
    sending: set[asyncio.Task[None]] = field(default_factory=set)
    _chars: int = 0
    _most_bytes: float = math.inf  # of a batch, learned from one that was too large
    _reached: bool = False  # whether the provider has answered
    _context: Context = field(default_factory=copy_context)  # the job's, not that of a run

    def add(self, waiting: WaitingRequest) -> None:
        """Add a request to the next batch, which is sent once it is full."""
        self.pending[waiting.key] = waiting
        self._chars += sum(map(len, waiting.request.texts))
        limits = self.endpoint.limits
        if len(self.pending) >= limits.requests or self._chars >= min(limits.bytes, MAX_BYTES):
            self.flush()

    def flush(self) -> None:
        """Send pending requests by rank, so that requests with one prefix are adjacent."""
        ready = sorted(self.pending.values(), key=lambda waiting: waiting.rank)
        self.pending, self._chars = {}, 0
        if ready:
            task = asyncio.create_task(self._send(ready), context=self._context.copy())
            self.sending.add(task)
            task.add_done_callback(self.sending.discard)

    async def _send(self, ready: list[WaitingRequest]) -> None:
        try:
            await self._send_all(ready)
        except Exception as error:  # noqa: BLE001 - a full disk or a bug: callers would hang
            kind, why = failure_of(error)
            for waiting in ready:
                waiting.resolve(NotRunError(kind, f"the batch was not sent: {why}"))

    async def _send_all(self, ready: list[WaitingRequest]) -> None:
        while ready := self._staying(ready):
            queue = self.queue()
            if queue.tokens and ready[0].tokens > queue.room:
                self.pending |= {waiting.key: waiting for waiting in ready}
                return
            mark = secrets.token_hex(16)
            for waiting in ready:
                waiting.mark = mark  # it can no longer be withdrawn
            lines = await offload(self._lines, ready, queue.room)
            chosen, ready = ready[: len(lines)], ready[len(lines) :]
            for waiting in ready:
                waiting.mark = None
            batch = dict[WaitingRequest, bytes]()
            for waiting, line in zip(chosen, lines, strict=True):
                if isinstance(line, CallError):
                    waiting.resolve(line)
                else:
                    batch[waiting] = line
            if batch:
                ready = [*await self._send_batch(batch, mark), *ready]

    def _staying(self, ready: Sequence[WaitingRequest]) -> list[WaitingRequest]:
        """Return the requests of *ready* that have a waiter and that a batch may answer."""
        late = {
            steps
            for steps in {waiting.steps for waiting in ready}
            if self.timing.leaves_at(steps, len(ready)) <= self.timing.now()
        }
        for waiting in ready:
            if waiting.steps in late:
                waiting.leave(out=False)
        return [waiting for waiting in ready if not waiting.reply.done()]

    def _lines(self, ready: Sequence[WaitingRequest], room: float) -> list[bytes | CallError]:
        """Return the lines of the first requests of *ready* that fit into a batch, or failures."""
        limits, lines = self.endpoint.limits, list[bytes | CallError]()
        most = min(limits.bytes, MAX_BYTES, self._most_bytes)
        count, size, tokens = 0, 0, 0
        for waiting in ready:
            line = self._line(waiting)
            if isinstance(line, bytes):
                size, tokens = size + len(line) + 1, tokens + waiting.tokens
                full = size > most or tokens > room
                if count and (full or count == limits.requests):
                    break
                count += 1
            lines.append(line)
        return lines

    def _line(self, waiting: WaitingRequest) -> bytes | CallError:
        most = self.endpoint.limits.bytes
        try:
            line = self.endpoint.line(waiting.key, waiting.request)
        except CallError as error:
            return error
        message = f"the request has {len(line):,} bytes, a batch up to {most:,}"
        return line if len(line) < most else CallError("bad_request", message)

    async def _send_batch(
        self, chosen: Mapping[WaitingRequest, bytes], mark: str
    ) -> Iterable[WaitingRequest]:
        """Send one batch, its intent durable before it goes; return its requests if too large."""
        batch = await self.ledger.intend(mark, [waiting.key for waiting in chosen])
        steps = {waiting.steps for waiting in chosen}
        leaves = {each: self.timing.leaves_at(each, len(chosen)) for each in steps}
        try:
            sent = await self._submit([*chosen.values()], batch, min(leaves.values()))
        except (CallError, LateError) as error:
            log.warning("batch.refused", requests=len(chosen), error=str(error))
            await self.ledger.refused(batch)
            if isinstance(error, CallError) and error.status == TOO_LARGE and len(chosen) > 1:
                half = sum(map(len, chosen.values())) / 2
                self._most_bytes = min(self._most_bytes, half)
                for waiting in chosen:
                    waiting.mark = None
                return chosen
            for waiting in chosen:
                if isinstance(error, LateError):
                    waiting.leave(out=False)
                else:
                    waiting.resolve(error.copy())
            return ()
        self._reached = True
        if sent:
            await self.ledger.submitted(batch, sent)
            log.info("batch.submitted", batch=sent, requests=len(chosen))
        tokens = sum(waiting.tokens for waiting in chosen)
        by_key = {waiting.key: waiting for waiting in chosen}
        self.on_submitted(PendingBatch(batch, self.timing.now(), tokens, leaves, by_key))
        return ()

    async def _submit(self, lines: list[bytes], batch: LedgerBatch, until: float) -> str:
        """Return the provider's id of a batch of *lines*, "" if it may have the batch or not.

        Raises the CallError of a refusal or of an address that was never reached, and LateError if
        there is no batch by *until*.
        """
        backoff = Backoff()
        while True:
            try:
                return (await self.endpoint.submit(lines, batch.mark)).id
            except CallError as error:
                log.warning("batch.unsent", requests=len(lines), error=str(error))
                if error.unreached and not self._reached:
                    raise
                if error.kind in TRANSIENT and not error.unreached:
                    return ""
                if error.kind == THROTTLE and self.queue().tokens:  # others may have to end first
                    backoff.failures = 0
                wait = backoff.wait_s(error)
            if self.timing.now() + wait >= until:
                raise LateError(out=False)
            await asyncio.sleep(wait)
