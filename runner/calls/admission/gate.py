"""What all calls to one model with one key share: rate, throttling, concurrency, outages."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog

from runner.base.errors import CallError, NotRunError
from runner.base.token_bucket import TokenBucket, Withdrawal
from runner.calls.admission.adaptive import AdaptiveLimit
from runner.calls.admission.breaker import GIVE_UP_S, Breaker
from runner.calls.admission.limits import Ask
from runner.calls.retry import OUTAGE

SPREAD_S = 2.0  # over which calls go again after a pause that a provider asked for
REOPEN_SPREAD_S = 5.0  # the same after an outage
MAX_CEILING = 256
_ACCOUNT = frozenset({"auth", "billing"})  # what is wrong with a key, whatever the model

log = structlog.get_logger("colloquy.gate")


@dataclass(slots=True)
class Account:
    """One key at one address; *fault* ends all calls with it, whatever the model."""

    fault: CallError | None = None


class Gate:
    """A limit (see `limits.Limit`) that learns from every answer; times in seconds.

    *ceiling* is the most calls in flight; *rpm* and *tpm* are requests and tokens per minute
    (None: not limited here), of which *burst_s* seconds' worth may go at once.
    """

    def __init__(
        self,
        ceiling: int,
        *,
        rpm: int | None = None,
        tpm: int | None = None,
        burst_s: float = 10.0,
        account: Account | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self.limit = AdaptiveLimit(ceiling)
        self.breaker = Breaker()
        self.account = account or Account()
        self._members = 0
        self._fault: CallError | None = None
        self._requests = None if rpm is None else TokenBucket(rpm, burst_s)
        self._tokens = None if tpm is None else TokenBucket(tpm, burst_s)
        self._taken: dict[int, Withdrawal] = {}  # tokens, by the id of an attempt in flight
        self._opens_at = -math.inf  # nothing goes before; set by a throttled call
        self._spread_until = -math.inf
        self._next_at = -math.inf
        self._spread_s = SPREAD_S
        self._rng = rng or random.Random()

    def join(self, calls: int) -> None:
        """Let somebody in who makes up to *calls* at once, beside those who are there."""
        self._members += calls
        self.limit.set_ceiling(min(self._members, MAX_CEILING))

    def part(self, calls: int) -> None:
        """Forget somebody who has joined; the last one's ceiling stays for the next."""
        self._members -= calls
        if self._members:
            self.limit.set_ceiling(min(self._members, MAX_CEILING))

    @property
    def fault(self) -> CallError | None:
        """Why nothing more is sent, or None."""
        return self._fault or self.account.fault

    @property
    def counts_tokens(self) -> bool:
        """Whether attempts have to say how many tokens they may use."""
        return self._tokens is not None

    def wait_s(self, now: float, ask: Ask) -> float:
        """See `limits.Limit`."""
        if self.fault is not None or self._refuses(now, ask):
            return 0.0
        if self.limit.in_flight >= self.limit.limit:
            return math.inf
        wait = max(self._opens_at - now, self._next_at - now, self.breaker.wait_s(now), 0.0)
        if self._requests is not None:
            wait = max(wait, self._requests.wait_s(now, 1))
        if self._tokens is not None:
            wait = max(wait, self._tokens.wait_s(now, ask.tokens))
        return wait

    def enter(self, now: float, ask: Ask) -> None:
        """See `limits.Limit`; raises NotRunError once there is a fault that ends all calls."""
        if self.fault is not None:
            raise NotRunError(self.fault.kind, f"not called: {self.fault}")
        if self._refuses(now, ask):
            raise NotRunError("unavailable", "not called: the provider is down")
        self.limit.entered()
        ask.probe = self.breaker.is_open
        self.breaker.probing = ask.probe
        if self._requests is not None:
            self._requests.take(now, 1)
        if self._tokens is not None:
            self._taken[id(ask)] = self._tokens.take(now, ask.tokens, final=False)
        if now < self._spread_until:
            mean = self._spread_s / self.limit.limit
            self._next_at = now + self._rng.uniform(0, 2 * mean)

    def _refuses(self, now: float, ask: Ask) -> bool:
        """Return whether *ask* has somebody else to go to, and no probe is due."""
        return not ask.waits_for_outage and self.breaker.wait_s(now) > 0

    def leave(self, now: float, ask: Ask) -> None:
        """See `limits.Limit`; a probe that told nothing may be sent again."""
        self.limit.left()
        self._settle(ask, ask.tokens)
        if ask.probe and self.breaker.probing:
            self.breaker.abandoned(now)

    def succeeded(self, ask: Ask, started: float, now: float, *, tokens: int, first: bool) -> None:
        """Learn from a reply that used *tokens*; *first* says it was its call's first attempt."""
        self._settle(ask, tokens)
        self.limit.succeeded(now, first_try=first)
        self._note_answer(ask, started, now)

    def failed(self, ask: Ask, error: CallError, started: float, now: float) -> bool:
        """Learn from a failure; return whether it counts against the call's own attempts."""
        if error.kind in ("cancelled", "internal"):
            return True  # our doing: it tells nothing of the provider
        if error.kind in _ACCOUNT:
            self.account.fault = self.account.fault or error
        elif error.kind == "not_found":
            self._fault = self._fault or error
        if error.kind not in OUTAGE:
            if ask.probe:  # refused, throttled or unreadable, but from a provider that is there
                self._note_answer(ask, started, now)
            return True
        was_open = self.breaker.is_open
        counts = self.breaker.failed(
            ask.unit, now, probe=ask.probe, failing_since=ask.failing_since
        )
        if self.breaker.is_open and not was_open:
            log.warning("breaker.opened", kind=error.kind, error=str(error))
        if ask.probe and self.breaker.gives_up(now):
            message = f"the provider has been down for {GIVE_UP_S / 60:.0f} minutes: {error}"
            self._fault = CallError("unavailable", message)
        return counts

    def throttle(self, wait_s: float, retry_after_s: float | None, now: float) -> None:
        """Let nothing go for *wait_s* seconds, then again little by little."""
        self._opens_at = max(self._opens_at, now + wait_s)
        self._spread_s = SPREAD_S
        self._spread_until = max(self._spread_until, self._opens_at + SPREAD_S)
        if self.limit.throttled(now, retry_after_s):
            log.warning("limit.lowered", limit=self.limit.limit, wait_s=round(wait_s, 1))

    def stop_until(self, retry_after_s: float) -> None:
        """End all calls: the provider does not want any for longer than a run waits."""
        until = datetime.now(UTC) + timedelta(seconds=retry_after_s)
        message = (
            f"the provider asks to wait for {retry_after_s:,.0f} s, "
            f"until {until:%Y-%m-%d %H:%M} UTC"
        )
        self._fault = self._fault or CallError("unavailable", message)

    def _settle(self, ask: Ask, tokens: int) -> None:
        withdrawal = self._taken.pop(id(ask), None)
        if self._tokens is not None and withdrawal is not None:
            self._tokens.settle(withdrawal, tokens)

    def _note_answer(self, ask: Ask, started: float, now: float) -> None:
        if self.breaker.succeeded(started, now, probe=ask.probe):
            self.limit.halve()
            self._spread_s = REOPEN_SPREAD_S
            self._spread_until = now + REOPEN_SPREAD_S
            log.warning("breaker.closed", limit=self.limit.limit)


@dataclass
class Gates:
    """The gates of one process, by model and key, so that all its runs share them."""

    _gates: dict[Hashable, Gate] = field(default_factory=dict)
    _accounts: dict[Hashable, Account] = field(default_factory=dict)

    def gate(self, model: Hashable, account: Hashable, make: Callable[[Account], Gate]) -> Gate:
        """Return the gate of *model* at *account*, made by *make* if it is the first."""
        shared = self._accounts.setdefault(account, Account())
        if (account, model) not in self._gates:
            self._gates[account, model] = make(shared)
        return self._gates[account, model]
