"""Call: what the attempts of one call to a model share."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from runner.base.errors import CallError
from runner.base.usage import Usage
from runner.calls.admission.limits import Limit, Ticket
from runner.calls.call_log import Attempt, CallLog
from runner.providers.prices import Prices, live_usd
from runner.providers.request import Completion, Request


@dataclass(slots=True)
class Call:
    """State that the attempts of one call share.

    *key* is the request's, "" if its reply is not kept; *steps* are the calls from here to the end
    of its run, *need_s* their seconds live. *delivery* changes from flex to live at most once.
    *expected_s* is known from earlier runs, None if the call is not hedged. *parked*: the last
    failure was an outage and uses up no retry. *number* is the latest attempt's; *begun* is the
    loop time of its first token, if *on_first_token* waits for it.
    """

    request: Request
    slots: Limit
    calls: CallLog
    ticket: Ticket
    prices: Prices | None = None
    key: str = ""
    steps: int = 1
    need_s: float = 0.0
    expected_s: float | None = None
    on_first_token: Callable[[], object] | None = None
    delivery: str = "live"
    failures: Counter[str] = field(default_factory=Counter)
    parked: bool = False
    capacity_waits: int = 0  # for capacity at the flex tier
    capacity_waited_s: float = 0.0
    number: int = 1
    is_hedge: bool = False  # the second request of a straggler
    begun: float | None = None

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
        batch: str | None = None,
    ) -> float:
        """Log an attempt that began at *started*, in loop time; return the time of its end.

        *batch* is the provider's id of the batch that answered it, "" without one, None if it was
        not made in batches.
        """
        now = asyncio.get_running_loop().time()
        self.calls.latency_s += now - started
        first, self.begun = self.begun, None
        delivery = self.delivery if batch is None else "batch"
        attempt = Attempt(
            outcome,
            now - started,
            status,
            first_token_s=None if first is None else first - started,
            delivery=delivery,
            batch=batch or None,
            live_usd=0.0 if usage is None else self._live_usd(usage, delivery),
        )
        self.calls.attempts.append(attempt)
        return now

    def charge(self, result: Completion | CallError, tokens: int, usd: float) -> tuple[float, int]:
        """Return the US dollars and tokens that an attempt used, up to *usd* and *tokens*.

        What the provider does not report counts as its upper bound: the tokens of a failure that
        may be billed, and an unknown price.
        """
        if isinstance(result, CallError):
            charged = (tokens, usd) if result.billed else (0, 0.0)
            self.calls.charge(*charged)
            return charged[1], charged[0]
        cost_usd = result.usage.cost_usd
        self.calls.charge(0, usd if cost_usd is None else 0.0)
        return usd if cost_usd is None else cost_usd, result.usage.tokens

    def record_end(
        self,
        number: int,
        result: Completion | CallError,
        used: tuple[float, int],
        delivery: str,
        **about: Any,
    ) -> dict[str, Any]:
        """Write the end of an attempt to the journal; return what was written of it."""
        if isinstance(result, CallError):
            facts: dict[str, Any] = {"kind": result.kind, "status": result.status}
            facts |= {"charged_tokens": used[1], "charged_usd": used[0]}
            self.calls.record("call.failed", number, **about, **facts)
            return facts
        usage = result.usage
        facts = {**usage.figures(), "delivery": delivery}
        facts["live_usd"] = self._live_usd(usage, delivery)
        if result.tier:
            facts["tier"] = result.tier
        if usage.corrected:
            facts["usage_corrected"] = usage.corrected
        self.calls.record("call.finished", number, **about, **facts)
        return facts

    def _live_usd(self, usage: Usage, delivery: str) -> float | None:
        return usage.cost_usd if delivery == "live" else live_usd(usage, self.prices)
