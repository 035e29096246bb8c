"""Retry policy: decides which failures are retried and after how many seconds."""

import random
from dataclasses import dataclass

from runner.base.errors import CallError
from runner.providers.batches.endpoint import NotKnownYetError
from runner.providers.retry_headers import MAX_RETRY_AFTER_S

THROTTLE = "throttle"
NO_CAPACITY = "no_capacity"  # at the flex tier: retried as throttling, but no other call waits
OUTAGE = frozenset({"transient", "timeout", "connection"})
TRANSIENT = OUTAGE | {"bad_response"}
UNREADABLE_RETRIES = 2  # of a reply that cannot be parsed: each attempt is billed
MAX_WAIT_S = 60.0
THROTTLE_ATTEMPTS = 20
MAX_THROTTLE_WAIT_S = 15 * 60.0  # per call, over all its attempts
RETRIED = TRANSIENT | {THROTTLE}  # of requests to a batch API
MAX_FAILURES = 60  # of those in a row, in about an hour
MAX_UNREADABLE = 10  # the same with an unreadable reply: five minutes


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Number and delays of retries: exponential backoff with full jitter.

    *max_retries* bounds retries of 5xx and network failures; throttled calls have
    THROTTLE_ATTEMPTS of their own. *delay_s* bounds the first delay (AWS Architecture Blog,
    "Exponential Backoff And Jitter", 2015). Where a live call did not reach its server, twice the
    bound is added: networks go for seconds.
    """

    max_retries: int = 3
    delay_s: float = 1.0

    def wait_s(
        self,
        error: CallError,
        failures: int,
        rng: random.Random,
        waited_s: float = 0.0,
        *,
        live: bool = True,
    ) -> float | None:
        """Return seconds to wait before the next attempt, or None to give up.

        *failures* (≥ 1) counts the call's failures of this kind including this one; *waited_s*
        is the sum of the waits after them.
        """
        asked = error.retry_after_s or 0.0
        retries, delay_s = self.max_retries, self.delay_s
        is_throttled = error.kind in (THROTTLE, NO_CAPACITY)
        if error.kind == "bad_response":
            retries = min(retries, UNREADABLE_RETRIES)
        elif is_throttled:
            retries = THROTTLE_ATTEMPTS - 1 if retries else 0
            delay_s *= 2
        elif error.kind not in TRANSIENT:
            retries = 0
        if error.final or asked > MAX_RETRY_AFTER_S or failures > retries:
            return None
        bound = min(MAX_WAIT_S, delay_s * 2.0 ** min(failures - 1, 30))
        least = min(MAX_WAIT_S, 2 * bound) if error.unreached and live else 0.0
        wait = max(asked, rng.uniform(least, least + bound))
        return None if is_throttled and waited_s + wait > MAX_THROTTLE_WAIT_S else wait


def family(error: CallError) -> str:
    """Return the name of the retry counter that *error* increments."""
    return error.kind if error.kind in (THROTTLE, NO_CAPACITY) else "transient"


@dataclass(slots=True)
class Backoff:
    """The waits between failed requests to a batch API, after so many *failures* in a row."""

    failures: int = 0

    def wait_s(self, error: CallError) -> float:
        """Return the seconds until the next attempt; raise *error* if there is to be none."""
        most = MAX_UNREADABLE if error.kind == "bad_response" else MAX_FAILURES
        if not isinstance(error, NotKnownYetError):
            self.failures += 1
        if error.kind not in RETRIED or self.failures >= most:
            raise error
        wait = min(MAX_WAIT_S, 2.0 ** min(self.failures, 10))
        return max(error.retry_after_s or 0.0, random.uniform(wait / 2, wait))
