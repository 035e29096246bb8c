"""Rate limits of a model: those that its settings state, and those that replies report."""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile

from runner.base.token_bucket import TokenBucket, Withdrawal
from runner.calls.admission.limits import Ticket
from runner.config.schema import ModelSettings
from runner.providers.request import Completion
from runner.providers.retry_headers import RemainingLimit

# Providers that count a reply's limit before it is written: developers.openai.com, "Rate limits";
# learn.microsoft.com, "Quota management"; docs.aws.amazon.com/bedrock, "How tokens are counted".
_COUNT_LIMITS = ("openai", "azure", "bedrock")
MAX_HOLD_S = 60.0  # headers are not believed for longer: the provider refuses what it must
_ROOM = 1.5  # over the mean, so that some long replies at once are not refused
_LEARN = 8  # replies until the share of their limits that replies use is believed
_REMEMBERED = 256  # attempts: as many as may be in flight


@dataclass(frozen=True, slots=True)
class RateLimits:
    """What may be sent per minute: requests, tokens, prompt tokens, reply tokens; None: any amount.

    *burst_s* seconds' worth of them may be sent at once. With *reads_free* the tokens read from the
    provider's cache count against no limit of prompt tokens; with *written* reply tokens count as
    they are written, and an attempt reserves 1.5 times the share of their limits that replies have
    used.
    """

    rpm: int | None = None
    tpm: int | None = None
    itpm: int | None = None
    otpm: int | None = None
    burst_s: float = 10.0
    reads_free: bool = False
    written: bool = False


UNLIMITED = RateLimits()


def rates_of(model: ModelSettings) -> RateLimits:
    """Return the rates that *model* states.

    Anthropic and Bedrock do not count what is read from their cache (platform.claude.com, "Rate
    limits"; docs.aws.amazon.com/bedrock, "How tokens are counted"). Read 2026-11-28.
    """
    free = model.name.startswith(("anthropic/", "bedrock/"))
    provider = model.name.split("/", 1)[0] if model.simulate is None else model.simulate.provider
    return RateLimits(
        model.rpm,
        model.tpm,
        model.itpm,
        model.otpm,
        model.burst_s,
        reads_free=free,
        written=provider not in _COUNT_LIMITS,
    )


@dataclass(slots=True)
class ReportedLimit:
    """Remaining amount of one limit, from the reply to an attempt started at *started_s*.

    It refills steadily until it is full, as OpenAI and Anthropic describe theirs; without a
    known limit, at once. Times are the event loop's, in seconds.
    """

    started_s: float = -math.inf
    at_s: float = 0.0
    left: float = 0.0
    limit: float | None = None
    reset_s: float = 0.0

    def update(self, left: RemainingLimit, started_s: float, now: float, sent: float) -> None:
        """Apply a reply's headers; *sent* was used by later attempts, which it may not count."""
        if started_s >= self.started_s:
            self.started_s, self.at_s = started_s, now
            self.left, self.limit, self.reset_s = left.left - sent, left.limit, left.reset_s

    def wait_s(self, now: float, amount: float) -> float:
        """Return the seconds until *amount* is left, 0 for now."""
        gone = now - self.at_s
        if gone >= min(self.reset_s, MAX_HOLD_S):
            return 0.0
        per_s = 0.0 if self.limit is None else (self.limit - self.left) / self.reset_s
        missing = (amount if self.limit is None else min(amount, self.limit)) - self.left
        if missing <= per_s * gone:
            return 0.0
        whole = missing / per_s if per_s else self.reset_s
        return min(whole, MAX_HOLD_S, self.reset_s) - gone


@dataclass(frozen=True, slots=True)
class _Sent:
    """What an attempt that was sent at *at_s* is counted as until its reply arrives."""

    at_s: float
    counted: Mapping[str, int]


class RateMeter:
    """Counts attempts against the stated *rates* and those that replies report; times in seconds.

    Amounts are by kind of limit: requests, tokens, input, output.
    """

    def __init__(self, rates: RateLimits) -> None:
        self.replies = 0
        self._rates = rates
        per_minute = {"requests": rates.rpm, "tokens": rates.tpm}
        per_minute |= {"input": rates.itpm, "output": rates.otpm}
        self._buckets = {k: TokenBucket(r, rates.burst_s) for k, r in per_minute.items() if r}
        self._taken: dict[int, dict[str, Withdrawal]] = {}  # by id of the ticket, then kind
        self._reported: dict[str, ReportedLimit] = {}
        self._sent: deque[_Sent] = deque(maxlen=_REMEMBERED)
        self._reply_tokens = self._reply_limits = 0  # sums over all replies

    def wait_s(self, now: float, ticket: Ticket) -> float:
        """Return the seconds until every limit has room for *ticket*, 0 for now."""
        amounts = self._amounts(ticket)
        counted = _counted_before_reply(amounts)
        stated = (bucket.wait_s(now, amounts[kind]) for kind, bucket in self._buckets.items())
        reported = (limit.wait_s(now, counted[kind]) for kind, limit in self._reported.items())
        return max((0.0, *stated, *reported))

    def enter(self, now: float, ticket: Ticket) -> None:
        """Take what *ticket* may use of each limit."""
        amounts = self._amounts(ticket)
        self._taken[id(ticket)] = {
            kind: bucket.take(now, amounts[kind], final=kind == "requests")
            for kind, bucket in self._buckets.items()
        }
        counted = _counted_before_reply(amounts)
        self._sent.append(_Sent(now, counted))
        for kind, reported in self._reported.items():
            reported.left -= counted[kind]

    def leave(self, ticket: Ticket) -> None:
        """Count *ticket* as its upper bound, unless its reply was counted."""
        self._settle(ticket, _kinds_of(ticket.tokens, ticket.reply_tokens))

    def replied(self, ticket: Ticket, reply: Completion, started: float, now: float) -> None:
        """Count the usage of *reply*, and believe what it says of limits up to a bound."""
        usage = reply.usage
        free = usage.cached_tokens if self._rates.reads_free else 0
        used = _kinds_of(usage.tokens, usage.completion_tokens)
        self._settle(ticket, {**used, "input": max(0, usage.prompt_tokens - free)})
        self.replies += 1
        self._reply_tokens += usage.completion_tokens
        self._reply_limits += ticket.reply_tokens
        later = list(takewhile(lambda sent: sent.at_s > started, reversed(self._sent)))
        for kind, left in reply.limits.items():
            used_later = sum(sent.counted[kind] for sent in later)
            limit = self._reported.setdefault(kind, ReportedLimit())
            limit.update(left, started, now, used_later)

    def _amounts(self, ticket: Ticket) -> Mapping[str, int]:
        """Return what *ticket* takes of each kind of limit until its reply arrives."""
        reply = ticket.reply_tokens
        if self._rates.written and self.replies >= _LEARN and self._reply_limits:
            reply = math.ceil(reply * min(1.0, _ROOM * self._reply_tokens / self._reply_limits))
        return _kinds_of(ticket.tokens - ticket.reply_tokens + reply, reply)

    def _settle(self, ticket: Ticket, used: Mapping[str, int]) -> None:
        for kind, withdrawal in self._taken.pop(id(ticket), {}).items():
            if kind != "requests":
                self._buckets[kind].settle(withdrawal, used[kind])


def _counted_before_reply(amounts: Mapping[str, int]) -> Mapping[str, int]:
    """Return what providers count of an attempt's *amounts* before they reply.

    Reply tokens count as they are written, whatever their limit is (platform.claude.com, "Rate
    limits", read 2026-11-28).
    """
    return {**amounts, "output": min(1, amounts["output"])}


def _kinds_of(tokens: int, reply_tokens: int) -> Mapping[str, int]:
    """Return what an attempt uses of each kind of limit."""
    parts = {"input": tokens - reply_tokens, "output": reply_tokens}
    return {"requests": 1, "tokens": tokens, **parts}
