"""Flex: how long a call is retried at the flex tier before it falls back to the standard one."""

import math
import random
from dataclasses import dataclass

import structlog

from runner.base.errors import CallError
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

    def left_s(self, now: float, need_s: float) -> float:
        """Return the seconds left for flex, < 0 if the call must go live.

        *need_s* are the seconds that live calls take from here to the end; an attempt gets at least
        as many.
        """
        left = self.by_s - now - SPARE * need_s
        return left if left >= max(need_s, 1.0) else -1.0


@dataclass(slots=True)
class FlexDelivery:
    """The delivery of one call of *node*, which changes from flex to live at most once."""

    node: str
    transport: Transport
    timeout_s: float
    flex: Flex | None = None
    need_s: float = 0.0
    delivery: str = "live"
    waits: int = 0  # for capacity
    waited_s: float = 0.0

    def next(self, now: float) -> tuple[Transport, float]:
        """Return the transport of the next attempt, and its seconds."""
        if self.flex is None:
            return self.transport, self.timeout_s
        left = self.flex.left_s(now, self.need_s)
        if self.delivery == "flex" and left < 0:
            self._go_live("delivery.by is near")
        if self.delivery == "flex":
            return self.transport, min(max(self.timeout_s, TIMEOUT_S), left)
        return self.flex.live, self.timeout_s

    def wait_s(
        self, error: CallError, now: float, delay_s: float, rng: random.Random
    ) -> float | None:
        """Return the seconds until the next attempt, None if *error* is not from flex.

        A call without capacity is tried again, at random times; one that took too long goes live.
        """
        if self.flex is None or self.delivery != "flex":
            return None
        if error.kind == "timeout":
            return self._go_live(str(error))
        if error.kind != NO_CAPACITY:
            return None
        bound = min(MAX_WAIT_S, 2 * delay_s * 2.0 ** min(self.waits, 30))
        wait = max(error.retry_after_s or 0.0, rng.uniform(bound / 2, bound))
        endless = math.isinf(self.flex.by_s)
        most = (
            MAX_THROTTLE_WAIT_S - self.waited_s if endless else self.flex.left_s(now, self.need_s)
        )
        if wait > most or error.final:
            return self._go_live(str(error))
        self.waits, self.waited_s = self.waits + 1, self.waited_s + wait
        return wait

    def _go_live(self, reason: str) -> float:
        self.delivery = "live"
        log.warning("delivery.changed", analyzer=self.node, delivery="live", reason=reason)
        return 0.0
