"""Backoff: the delays between failed requests to a batch API, and when to give up."""

import random
from dataclasses import dataclass

import structlog

from runner.base.errors import CallError
from runner.calls.retry import THROTTLE, TRANSIENT
from runner.providers.batches.endpoint import NotKnownYetError

RETRIED = TRANSIENT | {THROTTLE}
MAX_FAILURES = 60  # in a row, in about an hour
MAX_UNREADABLE = 10  # failures in a row after which an unreadable reply is the last: five minutes
_MAX_WAIT_S = 60.0

log = structlog.get_logger("colloquy.delivery")


def failure_of(error: Exception) -> tuple[str, str]:
    """Return kind and message of what ends the work on a batch: a full disk, or a bug; log that."""
    if isinstance(error, OSError):
        return "output", str(error)
    log.exception("batch.crashed")
    return "internal", f"{type(error).__name__}: {error}"


@dataclass(slots=True)
class Backoff:
    """Counts *failures* in a row."""

    failures: int = 0

    def wait_s(self, error: CallError) -> float:
        """Return the seconds until the next attempt; raise *error* if there is to be none."""
        most = MAX_UNREADABLE if error.kind == "bad_response" else MAX_FAILURES
        self.failures += not isinstance(error, NotKnownYetError)
        if error.kind not in RETRIED or self.failures >= most:
            raise error
        wait = min(_MAX_WAIT_S, 2.0 ** min(self.failures, 10))
        return max(error.retry_after_s or 0.0, random.uniform(wait / 2, wait))
