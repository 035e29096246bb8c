"""Rate limits of a model: those that its settings state, and those that replies report."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from runner.config.schema import ModelSettings
from runner.providers.retry_headers import RemainingLimit

# Providers that count a reply's limit before it is written: developers.openai.com, "Rate limits";
# learn.microsoft.com, "Quota management"; docs.aws.amazon.com/bedrock, "How tokens are counted".
_COUNT_LIMITS = ("openai", "azure", "bedrock")
MAX_HOLD_S = 60.0  # headers are not believed for longer: the provider refuses what it must


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


def counted_before_reply(amounts: Mapping[str, int]) -> Mapping[str, int]:
    """Return what providers count of an attempt's *amounts* before they reply.

    Reply tokens count as they are written, whatever their limit is (platform.claude.com, "Rate
    limits", read 2026-11-28).
    """
    return {**amounts, "output": min(1, amounts["output"])}


def kinds_of(tokens: int, reply_tokens: int) -> Mapping[str, int]:
    """Return what an attempt uses of each kind of limit."""
    parts = {"input": tokens - reply_tokens, "output": reply_tokens}
    return {"requests": 1, "tokens": tokens, **parts}
