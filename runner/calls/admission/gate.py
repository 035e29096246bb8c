"""Gate: rate limits, adaptive concurrency and circuit breaker of one model and key."""

import math
import random
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog

from runner.base.errors import CallError, NotRunError
from runner.calls.admission.adaptive import AdaptiveLimit
from runner.calls.admission.breaker import GIVE_UP_S, Breaker
from runner.calls.admission.limits import Ticket
from runner.calls.admission.rates import UNLIMITED, RateLimits, RateMeter
from runner.calls.retry import OUTAGE
from runner.providers.request import Completion

SPREAD_S = 2.0  # calls resume over this time after a throttled call
REOPEN_SPREAD_S = 5.0  # the same after an outage
MAX_CEILING = 256
_PACE_WEIGHT, MAX_PACE = 0.1, 4.0
HEDGED = 0.03  # share of replies that may be asked for twice, one at least
_ACCOUNT_FAULTS = frozenset({"auth", "billing"})  # kinds that affect all models of a key

log = structlog.get_logger("colloquy.gate")


@dataclass(slots=True)
class Account:
    """One key at one address; *fault* ends all calls with it, to any model."""

    fault: CallError | None = None


class Gate:
    """A limit (see `limits.Limit`) that adapts to the provider's responses; times in seconds.

    *ceiling* bounds the calls in flight, *most* those of all jobs together.
    """

    def __init__(
        self,
        ceiling: int,
        rates: RateLimits = UNLIMITED,
        *,
        account: Account | None = None,
        rng: random.Random | None = None,
        most: int = MAX_CEILING,
    ) -> None:
        self.limit = AdaptiveLimit(min(ceiling, most))
        self._most = most
        self._rates = RateMeter(rates)
        self.breaker = Breaker()
        self.account = account or Account()
        self._registered = 0
        self._fault: CallError | None = None
        self.reached = False  # whether a request has been sent, alone or in a batch
        self._hedges = 0
        self.pace = 1.0  # seconds of recent calls over those expected
        self._opens_at = -math.inf  # no call is sent before; set by a throttled call
        self._spread_until = -math.inf
        self._next_at = -math.inf
        self._spread_s = SPREAD_S
        self._rng = rng or random.Random()

    def register(self, calls: int) -> None:
        """Raise the ceiling for another job, which makes up to *calls* at once.

        Lower it for a negative number, after a job has ended; the last job's ceiling stays.
        """
        self._registered += calls
        if self._registered:
            self.limit.set_ceiling(min(self._registered, self._most))

    @property
    def fault(self) -> CallError | None:
        """The failure that ends all calls, or None."""
        return self._fault or self.account.fault

    def wait_s(self, now: float, ticket: Ticket) -> float:
        """See `limits.Limit`."""
        if self.fault is not None or self._refuses(now, ticket):
            return 0.0
        if self.limit.in_flight >= self.limit.limit:
            return math.inf
        return max(
            self._opens_at - now,
            self._next_at - now,
            self.breaker.wait_s(now),
            self._rates.wait_s(now, ticket),
        )

    def enter(self, now: float, ticket: Ticket) -> None:
        """See `limits.Limit`; raises NotRunError after a fault, or if *ticket* is refused."""
        if self.fault is not None:
            raise NotRunError(self.fault.kind, f"not called: {self.fault}")
        if self._refuses(now, ticket):
            raise NotRunError("unavailable", "not called: the provider is down")
        self.limit.entered()
        ticket.probe = self.breaker.is_open
        self.breaker.probing = ticket.probe
        self._rates.enter(now, ticket)
        if now < self._spread_until:
            mean = self._spread_s / self.limit.limit
            self._next_at = now + self._rng.uniform(0, 2 * mean)

    def observe_latency(self, seconds: float, expected_s: float) -> None:
        """Count the duration of a call beside its expected duration."""
        self.pace += _PACE_WEIGHT * (min(MAX_PACE, seconds / expected_s) - self.pace)

    def take_hedge(self) -> bool:
        """Return whether one more call may be made twice, and count it."""
        allowed = self._hedges < max(1.0, HEDGED * self._rates.replies)
        self._hedges += allowed
        return allowed

    def _refuses(self, now: float, ticket: Ticket) -> bool:
        """Return whether *ticket* does not wait for outages, and no probe is due."""
        return not ticket.waits_for_outage and self.breaker.wait_s(now) > 0

    def leave(self, now: float, ticket: Ticket) -> None:
        """See `limits.Limit`; after a probe without a result another one is scheduled."""
        self.limit.in_flight -= 1
        self._rates.leave(ticket)
        if ticket.probe and self.breaker.probing:
            self.breaker.abandoned(now)

    def succeeded(
        self, ticket: Ticket, reply: Completion, started: float, now: float, *, first: bool
    ) -> None:
        """Count a *reply*, whose word on the limits is not trusted; *first*: no attempt failed."""
        self._rates.replied(ticket, reply, started, now)
        self.reach()
        self.limit.succeeded(now, first_try=first)
        self._count_response(ticket, started, now)

    def failed(self, ticket: Ticket, error: CallError, started: float, now: float) -> bool:
        """Count a failure; return whether it counts against the call's retries."""
        if error.kind in ("cancelled", "internal"):
            return True  # says nothing about the provider
        self.refused(error)
        if error.kind not in OUTAGE:
            if ticket.probe:  # refused, throttled or unreadable: the provider is up
                self._count_response(ticket, started, now)
            return True
        if self._is_absent(error):
            return True
        if error.slow and self.limit.throttled(now, None):  # neither an outage nor a reply
            log.warning("limit.lowered", limit=self.limit.limit, because="replies come too late")
        was_open = self.breaker.is_open
        counts = error.slow or self.breaker.failed(
            ticket.unit, now, probe=ticket.probe, failing_since=ticket.failing_since
        )
        if self.breaker.is_open and not was_open:
            log.warning("breaker.opened", kind=error.kind, error=str(error))
        if ticket.probe and self.breaker.gives_up(now):
            message = f"the provider has been down for {GIVE_UP_S / 60:.0f} minutes: {error}"
            self._fault = CallError("unavailable", message)
        return counts

    def refused(self, error: CallError) -> None:
        """Let a failure of the account, the model's name or a long quota end all calls."""
        if error.kind in _ACCOUNT_FAULTS:
            self.account.fault = self.account.fault or error
        elif error.kind in ("not_found", "unavailable"):
            self._fault = self._fault or error

    def reach(self) -> None:
        """Note that a server was reached, which may not have answered yet."""
        self.reached = True

    def gave_up(self, error: CallError) -> None:
        """End all calls if *error*, not retried any more, shows that there is no server."""
        if self._is_absent(error):
            message = f"no server was reached: {error}; does it run, and is model.api_base right?"
            self._fault = self._fault or CallError("unavailable", message)

    def _is_absent(self, error: CallError) -> bool:
        """Return whether *error* is no outage, since no call has ever had a connection."""
        return error.unreached and not self.reached

    def throttle(self, wait_s: float, retry_after_s: float | None, now: float) -> None:
        """Hold all calls for *wait_s* seconds, then let them resume over SPREAD_S."""
        self._opens_at = max(self._opens_at, now + wait_s)
        self._spread_s = SPREAD_S
        self._spread_until = max(self._spread_until, self._opens_at + SPREAD_S)
        if self.limit.throttled(now, retry_after_s):
            log.warning("limit.lowered", limit=self.limit.limit, wait_s=round(wait_s, 1))

    def stop_until(self, seconds: float, error: CallError) -> None:
        """End all calls: with *error* the provider asks for a longer wait than a run makes."""
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        asked = f"{seconds:,.0f} s, until {until:%Y-%m-%d %H:%M} UTC"
        message = f"the provider asks to wait for {asked}: {error}"
        self._fault = self._fault or CallError("unavailable", message)

    def _count_response(self, ticket: Ticket, started: float, now: float) -> None:
        if self.breaker.succeeded(started, now, probe=ticket.probe):
            self.limit.halve()
            self._spread_s = REOPEN_SPREAD_S
            self._spread_until = now + REOPEN_SPREAD_S
            log.warning("breaker.closed", limit=self.limit.limit)


@dataclass
class Gates:
    """The gates of one process, by model and account; all its runs share them."""

    _gates: dict[Hashable, Gate] = field(default_factory=dict)
    _accounts: dict[Hashable, Account] = field(default_factory=dict)

    def gate(self, model: Hashable, account: Hashable, make: Callable[[Account], Gate]) -> Gate:
        """Return the gate of *model* at *account*; *make* creates it at first use."""
        shared = self._accounts.setdefault(account, Account())
        if (account, model) not in self._gates:
            self._gates[account, model] = make(shared)
        return self._gates[account, model]
