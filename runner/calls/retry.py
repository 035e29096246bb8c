"""Which failures are worth another attempt, and how long to wait first; pure arithmetic."""

from __future__ import annotations

import random
from dataclasses import dataclass

from runner.base.errors import CallError
from runner.providers.retry_headers import MAX_RETRY_AFTER_S

THROTTLE = frozenset({"throttle"})
OUTAGE = frozenset({"transient", "timeout", "connection"})  # what an absent provider looks like
TRANSIENT = OUTAGE | {"bad_response"}
UNREADABLE_RETRIES = 2  # as for an invalid answer: a reply that cannot be read was paid for
MAX_WAIT_S = 60.0
THROTTLE_ATTEMPTS = 20
MAX_THROTTLE_WAIT_S = 15 * 60.0  # per call, over all its attempts


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how late to try again.

    *max_retries* bounds attempts after the first for 5xx and network failures; throttled
    calls have a budget of their own of THROTTLE_ATTEMPTS. *delay_s* is the first bound of the
    full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015).
    """

    max_retries: int = 3
    delay_s: float = 1.0

    def wait_s(
        self, error: CallError, failures: int, rng: random.Random, waited_s: float = 0.0
    ) -> float | None:
        """Return seconds to wait before the next attempt, or None to give up.

        *failures* counts failures of this kind so far, including this one, ≥ 1; *waited_s* is
        what has been waited for them.
        """
        if error.final:
            return None
        if error.kind in THROTTLE:
            wait = self._throttle_wait(error.retry_after_s, failures, rng)
            return None if wait is None or waited_s + wait > MAX_THROTTLE_WAIT_S else wait
        retries = self.max_retries
        if error.kind == "bad_response":
            retries = min(retries, UNREADABLE_RETRIES)
        if error.kind in TRANSIENT and failures <= retries:
            asked = error.retry_after_s or 0.0
            if asked > MAX_RETRY_AFTER_S:
                return None
            return max(asked, rng.uniform(0, _bound(self.delay_s, failures)))
        return None

    def _throttle_wait(
        self, asked: float | None, failures: int, rng: random.Random
    ) -> float | None:
        if failures >= THROTTLE_ATTEMPTS or self.max_retries == 0:
            return None
        if asked is not None and asked > MAX_RETRY_AFTER_S:
            return None
        jittered = rng.uniform(0, _bound(2 * self.delay_s, failures))
        return max(asked or 0.0, jittered)


def _bound(delay_s: float, failures: int) -> float:
    return min(MAX_WAIT_S, delay_s * 2.0 ** min(failures - 1, 30))
