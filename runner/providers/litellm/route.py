"""Route of a model's calls: name, address, key variable and prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from runner.base.usage import Usage
from runner.config.model_facts import ModelFacts
from runner.providers.litellm.errors import Where


@dataclass(frozen=True, slots=True)
class ModelRoute:
    """Destination of calls: litellm model string, address, and the *name* of the key's variable.

    Prices are US dollars per million tokens; None means litellm's prices. *transport* `litellm`
    makes every call with `acompletion`; `auto` leaves the choice to choice.py.
    """

    name: str
    api_base: str | None = None
    api_key_env: str | None = None
    input_usd_per_mtok: float | None = None
    output_usd_per_mtok: float | None = None
    cached_usd_per_mtok: float | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    transport: Literal["auto", "litellm"] = "auto"

    @property
    def priced(self) -> bool:
        """Whether the settings hold both token prices."""
        return self.input_usd_per_mtok is not None and self.output_usd_per_mtok is not None

    @property
    def where(self) -> Where:
        """The destination of calls, for messages."""
        host = urlsplit(self.api_base).netloc if self.api_base else self.name.split("/", 1)[0]
        return Where(host, self.name, self.api_key_env)


def cost_usd(usage: Usage, route: ModelRoute, facts: ModelFacts) -> float | None:
    """Return US dollars by *route*'s prices; an estimated *usage* falls back to those in *facts*.

    Returns None if the prices are unknown.
    """
    priced: ModelRoute | ModelFacts = route
    if usage.estimated and route.input_usd_per_mtok is None:
        priced = facts
    if priced.input_usd_per_mtok is None or priced.output_usd_per_mtok is None:
        return None
    paid_in = _paid_in(usage, priced.input_usd_per_mtok, route, facts)
    return (paid_in + usage.completion_tokens * priced.output_usd_per_mtok) / 1e6


def _paid_in(usage: Usage, price: float, route: ModelRoute, facts: ModelFacts) -> float:
    """Return the price of a prompt in 1e-6 US dollars.

    Cached tokens cost the price in the settings, else the price map's share of the input price.
    """
    base = facts.input_usd_per_mtok
    read, written = (
        special / base if base and special is not None else 1.0
        for special in (facts.cache_read_usd_per_mtok, facts.cache_write_usd_per_mtok)
    )
    if route.cached_usd_per_mtok is not None and price:
        read = route.cached_usd_per_mtok / price
    plain = usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens
    return price * (plain + usage.cached_tokens * read + usage.cache_write_tokens * written)
