"""Budget: caps on money and tokens; each attempt reserves its upper bound before it is sent."""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from runner.base.errors import CallError, NotRunError
from runner.base.threads import offload
from runner.base.tokens import Tokenizer
from runner.calls.admission.limits import NOTHING, Cost, Ticket
from runner.config.learned import LearnedFacts
from runner.providers.prices import Prices, upper_bound_usd
from runner.providers.request import Request

MARGIN = 1.5  # on a count by another provider's vocabulary
_ABOVE = 1.1  # the same on the factor that was measured, since texts differ
MESSAGE_TOKENS = 8  # overhead of a message; 3 to 4 in OpenAI's chat format
_EPSILON_USD = 1e-12  # rounding of sums


def margin_of(learned: LearnedFacts) -> float:
    """Return the most tokens that a model may need for a token by another's vocabulary."""
    return max(MARGIN, _ABOVE * (learned.measured or learned.factor or 0.0))


@dataclass(eq=False)
class Budget:
    """A limit (see `limits.Limit`) on the money and tokens of a run, over all its sessions.

    *max_cost_usd* is in US dollars, *max_tokens* counts prompt and reply; None means no cap.
    *spent_usd* and *spent_tokens* start with what earlier sessions used. An attempt that does
    not fit waits until attempts in flight release what they did not use; if none is in flight,
    the budget is exhausted.
    """

    max_cost_usd: float | None = None
    max_tokens: int | None = None
    spent_usd: float = 0.0
    spent_tokens: int = 0
    _reserved_usd: float = field(default=0.0, init=False)
    _reserved_tokens: int = field(default=0, init=False)
    _in_flight: int = field(default=0, init=False)
    _fault: CallError | None = field(default=None, init=False)

    @property
    def capped(self) -> bool:
        """Whether a cap is set, so that attempts need an upper bound."""
        return self.max_cost_usd is not None or self.max_tokens is not None

    def wait_s(self, now: float, ticket: Ticket) -> float:
        """See `limits.Limit`."""
        free = self._in_flight == 0 or self._fault is not None or not self._lack(ticket)
        return 0.0 if free else math.inf

    def enter(self, now: float, ticket: Ticket) -> None:
        """Reserve the upper bound of *ticket*; raise NotRunError if that exceeds a cap.

        Then all later attempts are refused, too, unless *ticket* is optional.
        """
        if self._fault is None and (lack := self._lack(ticket)):
            fault = NotRunError("budget", lack)
            if ticket.spare is not None:
                raise fault
            self._fault = fault
        if self._fault is not None:
            raise self._fault.copy()
        self._in_flight += 1
        self._reserved_usd += ticket.cost_usd
        self._reserved_tokens += ticket.tokens

    def leave(self, now: float, ticket: Ticket) -> None:
        """Release the reservation; `spend` counts the actual use."""
        self._in_flight -= 1
        self._reserved_usd -= ticket.cost_usd
        self._reserved_tokens -= ticket.tokens

    @contextmanager
    def expecting(self) -> Iterator[None]:
        """Count an attempt of an earlier session, whose bound is in the sums, as in flight."""
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1

    def spend(self, cost: Cost, counted: Cost = NOTHING) -> None:
        """Count what an attempt used, of which *counted* is in the sums already."""
        self.spent_usd += cost.usd - counted.usd
        self.spent_tokens += cost.tokens - counted.tokens

    def _lack(self, ticket: Ticket) -> str:
        """Return why *ticket*, and the calls that it leaves room for, do not fit, "" if they do."""
        calls = 1 + (ticket.spare() if ticket.spare else 0)
        tokens = self.spent_tokens + self._reserved_tokens + calls * ticket.tokens
        if self.max_tokens is not None and tokens > self.max_tokens:
            cap = f"max_tokens={self.max_tokens:,}"
            used, needed = f"{self.spent_tokens:,}", f"{ticket.tokens:,}"
            return f"budget.{cap} has no room for another call: {used} used, up to {needed} needed"
        usd = self.spent_usd + self._reserved_usd + calls * ticket.cost_usd
        if self.max_cost_usd is not None and usd > self.max_cost_usd + _EPSILON_USD:
            cap = f"max_cost_usd={self.max_cost_usd:g}"
            used, needed = f"{self.spent_usd:.6g}", f"{ticket.cost_usd:.6g}"
            return f"budget.{cap} has no room for another call: {used} used, up to {needed} needed"
        return ""


@dataclass(frozen=True, slots=True)
class Sizer:
    """Bounds the tokens and cost of an attempt.

    *prices* are None where unknown. A count by another provider's vocabulary is multiplied by
    `margin_of`, since a cap must hold for the tokens that are billed.
    """

    tokenizer: Tokenizer
    prices: Prices | None = None
    learned: LearnedFacts = field(default_factory=LearnedFacts)

    async def size(self, request: Request) -> Cost:
        """Return the most that an attempt may use; its prompt includes the schema."""
        texts = request.texts
        if request.schema is not None:
            texts.append(json.dumps(request.schema))
        counts = [await offload(self.tokenizer.count, each, chars=len(each)) for each in texts]
        prompt = sum(counts, MESSAGE_TOKENS * (len(request.messages) + 1))
        if not self.tokenizer.exact:
            prompt = math.ceil(prompt * margin_of(self.learned))
        cost = upper_bound_usd(prompt, request.max_tokens, self.prices) if self.prices else 0.0
        return Cost(prompt + request.max_tokens, cost)
