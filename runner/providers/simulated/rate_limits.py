"""Requests and tokens per minute as token buckets, told in OpenAI's headers."""

from __future__ import annotations

from collections.abc import Mapping

# A minute's worth in one go would hide bursts that a real account refuses.
BURST_MINUTES = 1 / 6
# Refused and failed requests count as well (OpenAI help 5955604); how much is our assumption.
FAILED_REQUEST = 0.25


class Bucket:
    """Refills at *per_minute* / 60 a second up to a burst; the level may go below zero."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self.burst = max(1.0, per_minute * BURST_MINUTES)
        self._level = self.burst
        self._at_s = 0.0

    def level(self, now_s: float) -> float:
        """Return what is left at *now_s*; times never run backwards."""
        elapsed = max(0.0, now_s - self._at_s)
        self._level = min(self.burst, self._level + elapsed * self.per_minute / 60)
        self._at_s = max(self._at_s, now_s)
        return self._level

    def wait_s(self, amount: float, now_s: float) -> float:
        """Return the seconds until *amount* may be taken; a full bucket gives any amount."""
        lacking = min(amount, self.burst) - self.level(now_s)
        return 0.0 if lacking <= 1e-9 else lacking * 60 / self.per_minute

    def take(self, amount: float, now_s: float) -> None:
        """Take *amount*, there or not."""
        self._level = self.level(now_s) - amount

    def fine(self, amount: float, now_s: float) -> None:
        """Take *amount*, but sink no further than one burst below zero."""
        level = self.level(now_s)
        self._level = max(min(level, -self.burst), level - amount)

    def headers(self, unit: str, now_s: float) -> dict[str, str]:
        """Return OpenAI's three headers for *unit*; reset is when the bucket is full again."""
        level = self.level(now_s)
        return {
            f"x-ratelimit-limit-{unit}": str(self.per_minute),
            f"x-ratelimit-remaining-{unit}": str(max(0, int(level + 1e-9))),
            f"x-ratelimit-reset-{unit}": span((self.burst - level) * 60 / self.per_minute),
        }


class Limits:
    """The two limits of an account; None is no limit, and then there are no headers for it."""

    def __init__(self, rpm: int | None, tpm: int | None) -> None:
        self._requests = Bucket(rpm) if rpm is not None else None
        self._tokens = Bucket(tpm) if tpm is not None else None

    def wait_s(self, tokens: int, now_s: float) -> float:
        """Return the seconds until a request of *tokens*, reply included, is let in; 0 is now."""
        waits = [0.0]
        if self._requests is not None:
            waits.append(self._requests.wait_s(1, now_s))
        if self._tokens is not None:
            waits.append(self._tokens.wait_s(tokens, now_s))
        return max(waits)

    def take(self, tokens: int, now_s: float) -> None:
        """Count one request of *tokens* that is answered."""
        if self._requests is not None:
            self._requests.take(1, now_s)
        if self._tokens is not None:
            self._tokens.take(tokens, now_s)

    def fine(self, now_s: float) -> None:
        """Count one request that failed."""
        if self._requests is not None:
            self._requests.fine(FAILED_REQUEST, now_s)

    def headers(self, now_s: float) -> Mapping[str, str]:
        """Return `x-ratelimit-*` as they stand at *now_s*."""
        found: dict[str, str] = {}
        if self._requests is not None:
            found |= self._requests.headers("requests", now_s)
        if self._tokens is not None:
            found |= self._tokens.headers("tokens", now_s)
        return found


def span(seconds: float) -> str:
    """Return *seconds* as OpenAI writes spans: `120ms`, `1.5s`, `6m0s`."""
    if seconds < 1:
        return f"{max(0, round(seconds * 1000))}ms"
    minutes, rest = divmod(round(seconds, 3), 60)
    return f"{int(minutes)}m{round(rest, 3):g}s" if minutes else f"{round(rest, 3):g}s"
