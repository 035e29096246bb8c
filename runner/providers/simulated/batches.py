"""Batches of the simulated provider: the outcomes of their requests, without I/O or a clock."""

import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from runner.config.provider_facts import CACHE_RULES, UNNAMED
from runner.config.simulate import SimulateSettings
from runner.providers.simulated.chat import arrival_of, completion
from runner.providers.simulated.faults import POISON, drawn_fault, find_kind
from runner.providers.simulated.prefix_cache import PrefixCache
from runner.providers.simulated.replies import Reply
from runner.providers.simulated.tokens import CHARS_PER_TOKEN, truncate

QUEUED = 0.1  # share of a batch's time before its first request
BatchState = Literal["validating", "in_progress", "completed", "expired", "cancelled", "failed"]
Outcome = Literal["answered", "errored", "expired", "cancelled"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


@dataclass(slots=True)
class BatchedCall:
    """One request of a batch: *body* is one of the chat API, *done_s* when it ends.

    *fault* is its kind of fault; *missing*: it has no result. *answer* is its status and the body
    of its reply, made when first read.
    """

    key: str
    body: Mapping[str, Any]
    done_s: float
    fault: str | None
    missing: bool
    answer: tuple[int, dict[str, Any]] | None = None


@dataclass(slots=True)
class SimulatedBatch:
    """A batch; times in seconds since the provider's start, its *calls* in the order they end.

    *sent* is the request that made it, with its metadata; *error* is why it failed as a whole.
    """

    id: str
    calls: list[BatchedCall]
    created_s: float
    expires_s: float
    sent: Mapping[str, Any]
    prompt_chars: int
    error: str = ""
    cancelled_s: float = math.inf
    cache: PrefixCache = field(default_factory=lambda: PrefixCache(None))

    @property
    def ended_s(self) -> float:
        """The time of its end."""
        if self.error:
            return self.created_s
        last = max((call.done_s for call in self.calls), default=self.created_s)
        return min(last, self.expires_s, max(self.created_s, self.cancelled_s))

    def state(self, now_s: float) -> BatchState:
        """Return its state at *now_s*."""
        if self.error:
            return "failed"
        if now_s < (ended_s := self.ended_s):
            first = min((call.done_s for call in self.calls), default=ended_s)
            return "in_progress" if now_s >= first else "validating"
        if ended_s == self.cancelled_s:
            return "cancelled"
        return "expired" if any(call.done_s > ended_s for call in self.calls) else "completed"

    def outcomes(self, now_s: float) -> Iterator[tuple[BatchedCall, Outcome]]:
        """Yield the requests that are over at *now_s*, those without a result included."""
        over = now_s >= (ended_s := self.ended_s)
        late: Outcome = "cancelled" if ended_s == self.cancelled_s else "expired"
        for call in () if self.error else self.calls:
            if call.done_s <= min(now_s, ended_s):
                failed = call.fault is not None and find_kind(call.fault).status >= 400
                yield call, "errored" if failed else "answered"
            elif over:
                yield call, late


class SimulatedBatches:
    """The batches of one account, in the order in which they were made."""

    def __init__(self, settings: SimulateSettings, reply: Reply) -> None:
        self._settings, self._reply = settings, reply
        self._rules = CACHE_RULES.get(settings.provider or "", UNNAMED)
        self.all: dict[str, SimulatedBatch] = {}
        self.tokens = {"prompt_tokens": 0, "completion_tokens": 0, "cached_tokens": 0}

    def make(
        self,
        asked: Sequence[tuple[str, Mapping[str, Any]]],
        prefix: str,
        now_s: float,
        sent: Mapping[str, Any],
    ) -> SimulatedBatch:
        """Make a batch of requests, each a key and a body, at *now_s*; its id begins with *prefix*.

        Its times and faults depend only on the seed and the number of earlier batches.
        """
        own, number = self._settings.batch, len(self.all) + 1
        chance = random.Random(f"{self._settings.seed}/{number}")
        takes_s = own.median_s * math.exp(own.tail * chance.gauss(0.0, 1.0))
        chars = sum(len(str(body.get("messages"))) for _, body in asked)
        calls = [self._call(key, body, chance, takes_s, now_s) for key, body in asked]
        if calls:
            calls[chance.randrange(len(calls))].done_s = now_s + takes_s / own.speed
        batch = SimulatedBatch(
            f"{prefix}{number:06}",
            sorted(calls, key=lambda call: call.done_s),
            now_s,
            now_s + own.window_s / own.speed,
            sent,
            chars,
            self._refusal(len(calls), chars, now_s),
            cache=PrefixCache(self._settings.cache_min_tokens, self._rules),
        )
        self.all[batch.id] = batch
        return batch

    def _call(
        self, key: str, body: Mapping[str, Any], chance: random.Random, takes_s: float, now_s: float
    ) -> BatchedCall:
        own = self._settings.batch
        share, drawn, missing = chance.uniform(QUEUED, 1.0), chance.random(), chance.random()
        fault = drawn_fault(own.faults, drawn)
        if self._settings.poison and self._settings.poison in str(body.get("messages")):
            fault = POISON
        done_s = now_s + share * takes_s / own.speed
        return BatchedCall(key, body, done_s, fault, missing < own.missing)

    def _refusal(self, requests: int, chars: int, now_s: float) -> str:
        """Return why a batch of so many requests and characters fails, "" where it does not."""
        own = self._settings.batch
        if requests > own.max_requests:
            return f"the file has {requests} requests, at most {own.max_requests} are allowed"
        if own.queued_tokens is None:
            return ""
        out = sum(b.prompt_chars for b in self.all.values() if now_s < b.ended_s)
        beyond = (out + chars) // CHARS_PER_TOKEN > own.queued_tokens
        return f"Enqueued token limit reached: {own.queued_tokens} tokens" if beyond else ""

    def answer(self, batch: SimulatedBatch, call: BatchedCall) -> tuple[int, dict[str, Any]]:
        """Return the status and the body of a request that has ended; made once.

        A prefix is cached for the requests of its batch that are answered later.
        """
        if call.answer is not None:
            return call.answer
        body, kind = call.body, find_kind(call.fault) if call.fault else None
        text, reason = self._reply(body), "stop"
        arrival = arrival_of(body, text, self._rules)
        size = min(arrival.reply_tokens, arrival.max_tokens or arrival.reply_tokens)
        if size < arrival.reply_tokens:
            text, reason = truncate(text, size), "length"
        ids, cached, written = arrival.prompt_ids, 0, 0
        if kind is None or kind.change:
            cached = batch.cache.find(ids, 0.0, arrival.ends)
            kept = batch.cache.add(ids, 0.0, 0.0, arrival.ends)
            written = kept - cached if self._rules.marks else 0
            for name, n in zip(self.tokens, (len(ids), size, cached), strict=True):
                self.tokens[name] += n
        whole = completion(body, text, reason, (len(ids), size), cached, written)
        call.answer = 200, whole
        if kind is not None:
            call.answer = kind.status, json.loads(kind.make(whole).body)
        return call.answer
