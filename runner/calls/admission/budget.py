"""Caps on money and tokens, never overshot: every attempt reserves its most before it goes."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from runner.base.errors import CallError, NotRunError
from runner.base.threads import offload
from runner.base.tokens import Tokenizer
from runner.calls.admission.limits import Ask
from runner.providers.messages import text_parts
from runner.providers.prices import Prices, most_usd
from runner.providers.request import Request

MARGIN = 1.5
MESSAGE_TOKENS = 8  # around a message's text; OpenAI's chat format takes 3 to 4
KEPT = 32  # long parts whose tokens are remembered
LONG_CHARS = 10_000  # counted in less than a millisecond
_CENT = 1e-12  # sums of floats round


class Budget:
    """A limit (see `limits.Limit`) on what a run uses, over all its resumptions.

    *max_cost_usd* is in US dollars, *max_tokens* counts prompt and reply; None means no cap.
    *spent_usd* and *spent_tokens* were used before. An attempt that does not fit waits for
    those in flight to give back what they did not use; if none is, the budget is used up.
    """

    def __init__(
        self,
        max_cost_usd: float | None = None,
        max_tokens: int | None = None,
        *,
        spent_usd: float = 0.0,
        spent_tokens: int = 0,
    ) -> None:
        self.max_cost_usd = max_cost_usd
        self.max_tokens = max_tokens
        self.spent_usd = spent_usd
        self.spent_tokens = spent_tokens
        self._reserved_usd = 0.0
        self._reserved_tokens = 0
        self._in_flight = 0
        self._fault: CallError | None = None

    @property
    def capped(self) -> bool:
        """Whether attempts have to say how much they may use."""
        return self.max_cost_usd is not None or self.max_tokens is not None

    def wait_s(self, now: float, ask: Ask) -> float:
        """See `limits.Limit`."""
        if self._fits(ask) or self._in_flight == 0 or self._fault is not None:
            return 0.0
        return math.inf

    def enter(self, now: float, ask: Ask) -> None:
        """Reserve what *ask* may use; raise NotRunError where that exceeds a cap."""
        if self._fault is None and not self._fits(ask):
            self._fault = NotRunError("budget", self._explain(ask))
        if self._fault is not None:
            raise self._fault.copy()
        self._in_flight += 1
        self._reserved_usd += ask.cost_usd
        self._reserved_tokens += ask.tokens

    def leave(self, now: float, ask: Ask) -> None:
        """Give back a reservation; what was really used has been told to `spend`."""
        self._in_flight -= 1
        self._reserved_usd -= ask.cost_usd
        self._reserved_tokens -= ask.tokens

    def spend(self, cost_usd: float, tokens: int) -> None:
        """Count what an attempt used."""
        self.spent_usd += cost_usd
        self.spent_tokens += tokens

    def _fits(self, ask: Ask) -> bool:
        usd = self.spent_usd + self._reserved_usd + ask.cost_usd
        tokens = self.spent_tokens + self._reserved_tokens + ask.tokens
        return (self.max_cost_usd is None or usd <= self.max_cost_usd + _CENT) and (
            self.max_tokens is None or tokens <= self.max_tokens
        )

    def _explain(self, ask: Ask) -> str:
        if self.max_tokens is not None and self.spent_tokens + ask.tokens > self.max_tokens:
            return (
                f"budget.max_tokens={self.max_tokens:,} does not hold another call: "
                f"{self.spent_tokens:,} used, and it may use {ask.tokens:,}"
            )
        return (
            f"budget.max_cost_usd={self.max_cost_usd:g} does not hold another call: "
            f"{self.spent_usd:.6g} used, and it may cost {ask.cost_usd:.6g}"
        )


@dataclass(frozen=True, slots=True)
class Sizer:
    """Says how much an attempt can use at the most.

    *prices* are None where unknown. A count by another provider's vocabulary is raised by
    MARGIN, since a cap must hold for the tokens that are billed.
    """

    tokenizer: Tokenizer
    prices: Prices | None = None
    _counting: dict[str, asyncio.Task[int]] = field(default_factory=dict, repr=False, compare=False)

    async def sized(self, request: Request) -> tuple[int, float]:
        """Return what `size` does; long parts are counted in a thread, once for all calls."""
        long = dict.fromkeys(part for part in _parts(request) if len(part) > LONG_CHARS)
        return self.size(request, {part: await self._tokens(part) for part in long})

    async def _tokens(self, part: str) -> int:
        counting = self._counting.get(part)
        if counting is None:
            counting = asyncio.create_task(offload(self.tokenizer.count, part))
            self._counting[part] = counting
            if len(self._counting) > KEPT:  # a batch has more transcripts than memory holds
                del self._counting[next(iter(self._counting))]
        return await asyncio.shield(counting)  # cancelling one call does not end it for others

    def size(
        self, request: Request, counted: Mapping[str, int] = MappingProxyType({})
    ) -> tuple[int, float]:
        """Return tokens (prompt, schema and whole reply) and US dollars.

        *counted* are the tokens of parts of the prompt that need not be counted again.
        """
        asked = MESSAGE_TOKENS * (len(request.messages) + 1)
        for part in _parts(request):
            asked += counted[part] if part in counted else self.tokenizer.count(part)
        if request.schema is not None:
            asked += self.tokenizer.count(json.dumps(dict(request.schema)))
        if not self.tokenizer.exact:
            asked = math.ceil(asked * MARGIN)
        most = most_usd(asked, request.max_tokens, self.prices) if self.prices else 0.0
        return asked + request.max_tokens, most


def _parts(request: Request) -> list[str]:
    return [part for message in request.messages for part in text_parts(message)]
