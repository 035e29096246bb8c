"""A provider of batches in memory, in virtual time: it counts what it answers and is paid for."""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass, field

import orjson

from runner.base.errors import CallError
from runner.base.usage import Usage
from runner.providers.batches.endpoint import (
    BatchEndpoint,
    BatchLimits,
    State,
    SubmittedBatch,
)
from runner.providers.request import Completion, Request

PRICE_USD = 0.001  # of a request in a batch; twice that live
EPOCH_S = 1_800_000_000.0

Reply = Callable[[Request], "str | Completion"]


@dataclass(eq=False)
class FakeBatch:
    """A batch at the provider: *done_at* is when each request is answered, None for never."""

    id: str
    mark: str
    lines: dict[str, bytes]
    made_at: float
    ends_at: float
    done_at: dict[str, float | None]
    state: State = "ended"  # once it ends
    stopped_at: float | None = None

    def over_at(self) -> float:
        return self.ends_at if self.stopped_at is None else min(self.ends_at, self.stopped_at)


@dataclass(eq=False)
class FakeProvider:
    """Batches outlive the processes that made them; time is *now*, in seconds since 1970.

    *latency_s* draws the seconds of a batch of requests of some nodes. *failed* is the share of
    requests that fail, *expired* of batches that expire, *torn* of downloads that break and
    *lost_acks* of submissions whose answer is lost. *partial*: results are there as they come.
    *most_queued* is how many requests may be out; a batch that exceeds it fails. One of more than
    *most_sent* requests is refused.
    """

    reply: Reply
    latency_s: Callable[[random.Random, set[str]], float] = lambda rng, _: rng.uniform(60, 600)
    seed: int = 0
    failed: float = 0.0
    expired: float = 0.0
    torn: float = 0.0
    lost_acks: float = 0.0
    partial: bool = False
    most_queued: float = math.inf
    most_sent: float = math.inf
    stop_s: float = 5.0  # from the cancellation to the end
    limits: BatchLimits = field(default_factory=BatchLimits)
    now: Callable[[], float] = lambda: EPOCH_S + asyncio.get_running_loop().time()
    batches: list[FakeBatch] = field(default_factory=list)
    hook: Callable[[str], object] = lambda _: None  # may raise, as a process that dies

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)

    @property
    def paid(self) -> Counter[str]:
        """The replies that were made, by key, whether anybody has read them or not."""
        return Counter(
            key
            for batch in self.batches
            for key, at in batch.done_at.items()
            if at is not None and at <= batch.over_at() and not self.fails(batch, key)
        )

    def fails(self, batch: FakeBatch, key: str) -> bool:
        return random.Random(f"{self.seed} {batch.id} {key}").random() < self.failed

    def endpoint(self, _: object = None) -> FakeEndpoint:
        return FakeEndpoint(self)

    def submit(self, lines: Sequence[bytes], mark: str) -> FakeBatch:
        rng, now = self.rng, self.now()
        said = list(map(orjson.loads, lines))
        took = self.latency_s(rng, {each["node"] for each in said})
        dies = rng.random() < self.expired
        by_key = {each["key"]: line for each, line in zip(said, lines, strict=True)}
        assert len(by_key) == len(lines)
        done: dict[str, float | None] = {}
        for key in by_key:
            unanswered = dies and rng.random() < 0.5
            share = rng.random() if self.partial else 1.0
            done[key] = None if unanswered else now + share * took
        batch = FakeBatch(f"b{len(self.batches)}", mark, by_key, now, now + took, done)
        batch.state = "expired" if dies else "ended"
        out = sum(len(each.lines) for each in self.batches if each.over_at() > now)
        if out + len(by_key) > self.most_queued:
            batch.state, batch.ends_at = "failed", now + 5.0
            batch.done_at = dict.fromkeys(by_key)
        self.batches.append(batch)
        return batch


class FakeEndpoint(BatchEndpoint):
    """One process's connection to *provider*."""

    def __init__(self, provider: FakeProvider) -> None:
        self.provider, self.limits = provider, provider.limits

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    def line(self, key: str, request: Request) -> bytes:
        return orjson.dumps({"key": key, "node": request.node})

    async def submit(self, lines: Sequence[bytes], mark: str) -> SubmittedBatch:
        provider = self.provider
        provider.hook("before submit")
        await asyncio.sleep(1.0)
        if len(lines) > provider.most_sent:
            raise CallError("context_exceeded", "Request Entity Too Large", status=413)
        batch = provider.submit(lines, mark)
        provider.hook("after submit")
        if provider.rng.random() < provider.lost_acks:
            raise CallError("connection", "the connection was reset", billed=True)
        return self._told(batch)

    async def find(self, mark: str, since: float, keys: Collection[str]) -> SubmittedBatch | None:
        found = [b for b in self.provider.batches if b.mark == mark and b.made_at >= since]
        return self._told(found[0]) if found else None

    async def status(self, batch: str) -> SubmittedBatch:
        return self._told(self._batch(batch))

    async def results(self, batch: str) -> AsyncIterator[bytes]:
        provider, found = self.provider, self._batch(batch)
        now = provider.now()
        over = now >= found.over_at()
        if not over and not provider.partial:
            return
        keys = [k for k, at in found.done_at.items() if at is not None and self._is_done(found, at)]
        provider.rng.shuffle(keys)
        lines = [self._result(found, key) for key in keys]
        if lines and provider.rng.random() < provider.torn:
            if provider.rng.random() < 0.5:
                lines[-1] = lines[-1][: len(lines[-1]) // 3]
            else:
                yield lines[0]
                raise CallError("connection", "the download was cut", billed=True)
        for line in lines:
            yield line

    def _is_done(self, batch: FakeBatch, at: float) -> bool:
        return at <= min(self.provider.now(), batch.over_at())

    def _result(self, batch: FakeBatch, key: str) -> bytes:
        ok = not self.provider.fails(batch, key)
        return orjson.dumps({"key": key, "ok": ok, "padding": "x" * 60})

    def key_of(self, line: bytes) -> str:
        return str(orjson.loads(line)["key"])

    def read(self, line: bytes, request: Request) -> Completion | CallError:
        if not orjson.loads(line)["ok"]:
            return CallError("transient", "the request failed", status=500)
        reply = self.provider.reply(request)
        usage = Usage(100, 20, cost_usd=PRICE_USD)
        return reply if isinstance(reply, Completion) else Completion(reply, "stop", usage)

    async def cancel(self, batch: str) -> None:
        found = self._batch(batch)
        if found.stopped_at is None and self.provider.now() < found.ends_at:
            found.stopped_at = self.provider.now() + self.provider.stop_s
            found.state = "cancelled" if found.stopped_at < found.ends_at else found.state

    def _batch(self, name: str) -> FakeBatch:
        self.provider.hook("ask")
        return next(batch for batch in self.provider.batches if batch.id == name)

    def _told(self, batch: FakeBatch) -> SubmittedBatch:
        now = self.provider.now()
        over = now >= batch.over_at()
        state: State = batch.state if over else "running"
        ended = batch.over_at() if over else None
        error = "token_limit_exceeded: Enqueued token limit reached" if state == "failed" else ""
        return SubmittedBatch(batch.id, state, batch.made_at, ended, error)
