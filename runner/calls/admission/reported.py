"""Rate limits reported in a provider's reply headers, followed to avoid refused calls."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from runner.providers.retry_headers import RemainingLimit

MAX_HOLD_S = 60.0  # headers are not believed for longer: the provider refuses what it must


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
