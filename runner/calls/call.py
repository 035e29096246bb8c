"""Call: what the attempts of one call to a model share."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from runner.base.errors import CallError
from runner.calls.admission.limits import NOTHING, Cost, Limit, Ticket
from runner.calls.call_log import Attempt, CallLog
from runner.providers.prices import Prices, live_usd
from runner.providers.request import Request, Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a caller knows of a call besides its request.

    *key* is the digest of the request, "" if its reply is not kept. *steps* are the calls from here
    to the end of its run, *need_s* their seconds live: a call at flex goes live in time for them.
    *expected_s* is the duration of this call in earlier runs, which decides when a straggler is
    hedged; None if it never is. A call that has a fallback does not wait out an outage. *spare* is
    that of the `Ticket`. *on_first_token* is called when the reply begins, *on_failure* after each
    failed attempt.
    """

    key: str = ""
    steps: int = 1
    need_s: float = 0.0
    expected_s: float | None = None
    waits_for_outage: bool = True
    spare: Callable[[], int] | None = None
    on_first_token: Callable[[], object] | None = None
    on_failure: Callable[[], None] | None = None


NO_TERMS = Terms()


@dataclass(slots=True)
class Call:
    """State that the attempts of one call share.

    *delivery* changes from flex to live at most once. *parked*: the last failure was an outage and
    uses up no retry. *number* is the latest attempt's; *begun* is the loop time of its first token.
    """

    request: Request
    slots: Limit
    calls: CallLog
    ticket: Ticket
    terms: Terms = NO_TERMS
    prices: Prices | None = None
    delivery: str = "live"
    failures: Counter[str] = field(default_factory=Counter)
    parked: bool = False
    number: int = 1
    is_hedge: bool = False  # the second request of a straggler
    begun: float | None = None

    @property
    def most(self) -> Cost:
        """The most that an attempt may cost."""
        return Cost(self.ticket.tokens, self.ticket.cost_usd)

    def start(self, number: int, most: Cost, **about: Any) -> None:
        """Write the start of an attempt, which costs *most* at most, to the journal."""
        bounds = {"may_use_tokens": most.tokens, "may_cost_usd": most.usd}
        self.calls.record("call.started", number, **about, **bounds)

    def begin(self) -> None:
        """Note when the reply began, and notify the caller."""
        if self.begun is None:
            self.begun = asyncio.get_running_loop().time()
        if self.terms.on_first_token is not None:
            self.terms.on_first_token()

    def end(self, result: Result, started: float, batch: str | None = None) -> float:
        """Log an attempt that began at *started*, in loop time; return the time of its end.

        *batch* is the provider's id of the batch that answered it, "" without one, None if it was
        not made in batches.
        """
        now = asyncio.get_running_loop().time()
        self.calls.latency_s += now - started
        delivery = self.delivery if batch is None else "batch"
        failure = result if isinstance(result, CallError) else None
        attempt = Attempt(
            outcome=failure.kind if failure else "ok",
            latency_s=now - started,
            status=failure.status if failure else None,
            first_token_s=None if self.begun is None else self.begun - started,
            delivery=delivery,
            batch=batch or None,
            live_usd=self._live_usd(result, delivery),
        )
        self.calls.attempts.append(attempt)
        self.begun = None
        return now

    def settle(
        self, number: int, result: Result, most: Cost, delivery: str, **about: Any
    ) -> tuple[dict[str, Any], Cost]:
        """Write the end of an attempt to the journal; return what is written, and what it cost.

        What the provider does not report counts as its upper bound, up to *most*: a failure that
        may be billed, and an unknown price.
        """
        if isinstance(result, CallError):
            event, cost = "call.failed", most if result.billed else NOTHING
            self.calls.charge(cost.tokens, cost.usd)
            facts: dict[str, Any] = {"kind": result.kind, "status": result.status}
            facts |= {"charged_tokens": cost.tokens, "charged_usd": cost.usd}
        else:
            event, usage = "call.finished", result.usage
            cost = Cost(usage.tokens, most.usd if usage.cost_usd is None else usage.cost_usd)
            self.calls.charge(0, most.usd if usage.cost_usd is None else 0.0)
            facts = {**usage.figures(), "delivery": delivery}
            facts["live_usd"] = self._live_usd(result, delivery)
            facts |= {"tier": result.tier} if result.tier else {}
            facts |= {"usage_corrected": usage.corrected} if usage.corrected else {}
        self.calls.record(event, number, **facts, **about)
        return facts, cost

    def _live_usd(self, result: Result, delivery: str) -> float | None:
        if isinstance(result, CallError):
            return 0.0
        usage = result.usage
        return usage.cost_usd if delivery == "live" else live_usd(usage, self.prices)
