"""Flex: how long a call is retried at the flex tier before it falls back to the standard one."""

import math
import random
from dataclasses import dataclass

import structlog

from runner.base.errors import CallError
from runner.calls.call import Call
from runner.calls.retry import MAX_THROTTLE_WAIT_S, NO_CAPACITY
from runner.providers.request import Transport

TIMEOUT_S = 900.0  # of an attempt, as developers.openai.com, "Flex processing" advises
MAX_WAIT_S = 120.0  # between attempts
SPARE = 2.0  # times the seconds that live calls are expected to take, before the deadline

log = structlog.get_logger("colloquy.client")


@dataclass(frozen=True, slots=True)
class Flex:
    """The flex tier with fallback to *live*, calls at the standard tier.

    *by_s* is the event loop's time by which answers are wanted; inf: without a deadline a call
    waits MAX_THROTTLE_WAIT_S for capacity.
    """

    live: Transport
    by_s: float = math.inf

    def attempt_s(self, call: Call, now: float, timeout_s: float) -> float:
        """Return the seconds of the next attempt of *call*, which goes live if time is short."""
        left = self._left_s(call, now)
        if call.delivery == "flex" and left < 0:
            _go_live(call, "delivery.by is near")
        return timeout_s if call.delivery == "live" else min(max(timeout_s, TIMEOUT_S), left)

    def wait_s(
        self, call: Call, error: CallError, now: float, delay_s: float, rng: random.Random
    ) -> float | None:
        """Return the seconds until the next attempt, None if *error* is not from flex.

        A call without capacity is tried again, at random times; one that took too long goes live.
        """
        if call.delivery != "flex" or error.kind not in ("timeout", NO_CAPACITY):
            return None
        waits = call.calls.waits_after(NO_CAPACITY)
        bound = min(MAX_WAIT_S, 2 * delay_s * 2.0 ** min(len(waits) - 1, 30))
        wait = max(error.retry_after_s or 0.0, rng.uniform(bound / 2, bound))
        most = MAX_THROTTLE_WAIT_S - sum(waits)
        if math.isfinite(self.by_s):
            most = self._left_s(call, now)
        if error.kind == "timeout" or wait > most or error.final:
            _go_live(call, str(error))
            return 0.0
        return wait

    def _left_s(self, call: Call, now: float) -> float:
        """Return the seconds left for flex, < 0 if they are fewer than live calls need."""
        left = self.by_s - now - SPARE * call.terms.need_s
        return left if left >= max(call.terms.need_s, 1.0) else -1.0


def _go_live(call: Call, reason: str) -> None:
    call.delivery = "live"
    log.warning("delivery.changed", analyzer=call.request.node, delivery="live", reason=reason)
