"""Call: what the attempts of one call to a model share."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from runner.base.errors import CallError
from runner.calls.admission.limits import Limit, Ticket
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
        first, self.begun = self.begun, None
        delivery = self.delivery if batch is None else "batch"
        outcome, status, usd = "ok", None, self._live_usd(result, delivery)
        if isinstance(result, CallError):
            outcome, status = result.kind, result.status
        how = None if first is None else first - started, delivery, batch or None, usd
        self.calls.attempts.append(Attempt(outcome, now - started, status, 0.0, *how))
        return now

    def settle(
        self, number: int, result: Result, bound: tuple[int, float], delivery: str, **about: Any
    ) -> tuple[dict[str, Any], float, int]:
        """Write the end of an attempt to the journal; return that, its US dollars and tokens.

        What the provider does not report counts as its upper bound, up to *bound* (tokens, US
        dollars): a failure that may be billed, and an unknown price.
        """
        event, (tokens, usd) = "call.finished", bound
        if isinstance(result, CallError):
            event, tokens, usd = "call.failed", tokens * result.billed, usd * result.billed
            self.calls.charge(tokens, usd)
            facts: dict[str, Any] = {"kind": result.kind, "status": result.status}
            facts |= {"charged_tokens": tokens, "charged_usd": usd}
        else:
            usage, known = result.usage, result.usage.cost_usd
            self.calls.charge(0, usd if known is None else 0.0)
            tokens, usd = usage.tokens, usd if known is None else known
            facts = {**usage.figures(), "delivery": delivery}
            facts["live_usd"] = self._live_usd(result, delivery)
            facts |= {"tier": result.tier} if result.tier else {}
            facts |= {"usage_corrected": usage.corrected} if usage.corrected else {}
        self.calls.record(event, number, **facts, **about)
        return facts, usd, tokens

    def _live_usd(self, result: Result, delivery: str) -> float | None:
        if isinstance(result, CallError):
            return 0.0
        usage = result.usage
        return usage.cost_usd if delivery == "live" else live_usd(usage, self.prices)
