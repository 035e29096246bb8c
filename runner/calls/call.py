"""Call: what the attempts of one call to a model share."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from runner.base.usage import Usage
from runner.calls.admission.limits import Limit, Ticket
from runner.calls.call_log import Attempt, CallLog
from runner.calls.flex import FlexDelivery
from runner.providers.prices import Prices, live_usd
from runner.providers.request import Request


@dataclass(slots=True)
class Call:
    """State that the attempts of one call share."""

    request: Request
    slots: Limit
    calls: CallLog
    ticket: Ticket
    way: FlexDelivery
    failures: Counter[str] = field(default_factory=Counter)
    key: str = ""  # of the request, "" if its reply is not kept
    steps: int = 1  # calls from here to the end of its run
    parked: bool = False  # the last failure was an outage and uses up no retry
    expected_s: float | None = None  # by earlier runs; None if it is not hedged
    number: int = 1  # of its latest attempt
    is_hedge: bool = False  # the second request of a straggler
    on_first_token: Callable[[], object] | None = None
    begun: float | None = None  # loop time of the first token, if others wait for it

    def begin(self) -> None:
        """Note when the reply began, and notify the caller."""
        if self.begun is None:
            self.begun = asyncio.get_running_loop().time()
        if self.on_first_token is not None:
            self.on_first_token()

    def end(
        self,
        outcome: str,
        status: int | None,
        started: float,
        usage: Usage | None = None,
        prices: Prices | None = None,
        **how: Any,
    ) -> float:
        """Log an attempt that began at *started*, in loop time; return the time of its end.

        *prices* compute what *usage* would have cost live; *how* are the delivery and the batch.
        """
        now = asyncio.get_running_loop().time()
        self.calls.latency_s += now - started
        first, self.begun = self.begun, None
        first_token_s = None if first is None else first - started
        attempt = Attempt(outcome, now - started, status, 0.0, first_token_s, **how)
        if usage is not None:
            is_live = attempt.delivery == "live"
            live = usage.cost_usd if is_live else live_usd(usage, prices)
            attempt = replace(attempt, live_usd=live)
        self.calls.attempts.append(attempt)
        return now
