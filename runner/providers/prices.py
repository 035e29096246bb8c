"""Prices: the one place that turns tokens into US dollars, for plan, reservation and bill alike."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import urlsplit

from runner.base.usage import Usage
from runner.config.model_facts import OFFLINE, map_entry
from runner.config.schema import ModelSettings
from runner.providers.litellm.route import ModelRoute

STANDARD, HIGHEST = "standard", "highest"
TIERS = ("priority", "flex", "balanced", "ultrafast", "batches")  # endings of the map's keys
_NAMES = {"": STANDARD, "default": STANDARD, "standard_only": STANDARD, "on_demand": STANDARD}
_NAMES |= {"fast": "priority", "batch": "batches", "on_demand_priority": "priority"}
_DISCOUNTS = ("flex", "batches")  # a model without a price for them is billed as usual
_KINDS = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "output_cost_per_reasoning_token": "reasoning",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
}
_KEY = re.compile(
    rf"({'|'.join(sorted(_KINDS, key=len, reverse=True))})"
    rf"(?:_above_(\d+)(k?)_tokens)?(?:_({'|'.join(TIERS)}))?"
)


@dataclass(frozen=True, slots=True)
class Rates:
    """US dollars per token of each kind; *cache_write* is for five minutes."""

    input: float
    output: float
    cache_read: float
    cache_write: float
    cache_write_1h: float
    reasoning: float


Levels = tuple[tuple[int, Rates], ...]  # rates of prompts of more than so many tokens, ascending
_Stated = Mapping[tuple[str, int], Mapping[str, float]]  # by tier and length, then kind


@dataclass(frozen=True, slots=True)
class Prices:
    """What the tokens of one model cost.

    *tiers* holds STANDARD, the tiers that the map knows for the model, and HIGHEST, the most that
    any of them costs; *tier* is the one that requests ask for. *multiple* is a surcharge on all
    tokens, of a region or of speed; *request_usd* is paid for each request; *writes_1h* says that
    requests may ask for cache entries of an hour.
    """

    tiers: Mapping[str, Levels]
    tier: str = ""
    multiple: float = 1.0
    request_usd: float = 0.0
    writes_1h: bool = False

    @property
    def levels(self) -> Levels:
        """The rates of *tier*, by length; of a tier without a price the highest that are known."""
        name = _tier(self.tier)
        other = STANDARD if name in _DISCOUNTS else HIGHEST
        return self.tiers.get(name) or self.tiers[other]


def cost_usd(usage: Usage, prices: Prices, served: str = "") -> float:
    """Return US dollars of one call.

    *served* is the tier that the provider says it used; without one that has a price, the call
    costs what was asked for. No count may be negative, and no part above its whole.
    """
    levels = prices.tiers.get(_tier(served)) if served else None
    levels = levels or prices.levels
    rates = levels[0][1]
    for above, longer in levels[1:]:
        rates = longer if usage.prompt_tokens > above else rates
    short = usage.cache_write_tokens - usage.cache_write_1h_tokens
    plain = usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens
    paid = (
        plain * rates.input
        + usage.cached_tokens * rates.cache_read
        + short * rates.cache_write
        + usage.cache_write_1h_tokens * rates.cache_write_1h
        + (usage.completion_tokens - usage.reasoning_tokens) * rates.output
        + usage.reasoning_tokens * rates.reasoning
    )
    return paid * prices.multiple + prices.request_usd


def most_usd(prompt_tokens: int, reply_tokens: int, prices: Prices) -> float:
    """Return an upper bound, in US dollars, of any call of at most so many tokens.

    Whatever share is cached or reasoning, at the tier that was asked for or the standard one.
    """
    most = 0.0
    for levels in (prices.levels, prices.tiers[STANDARD]):
        for above, rates in levels:
            if above and prompt_tokens <= above:
                break
            written = rates.cache_write_1h if prices.writes_1h else rates.cache_write
            paid_in = prompt_tokens * max(rates.input, rates.cache_read, written)
            most = max(most, paid_in + reply_tokens * max(rates.output, rates.reasoning))
    return most * prices.multiple + prices.request_usd


def cached_saving_usd(tokens: int, prices: Prices) -> float:
    """Return what reading *tokens*, of many calls, from the cache saves at the base prices."""
    rates = prices.levels[0][1]
    return tokens * (rates.input - rates.cache_read) * prices.multiple


def prices_of(model: ModelSettings | ModelRoute) -> Prices | None:
    """Return the prices of *model*: its settings' before the map's; None where unknown."""
    params = {**model.params, **(model.params.get("extra_body") or {})}
    entry = {} if model.name.startswith(OFFLINE) else map_entry(model.name) or {}
    prices = _of_map(entry, params, model.api_base)
    if model.name.startswith(OFFLINE):
        prices = _flat(Rates(0.0, 0.0, 0.0, 0.0, 0.0, 0.0))
    if model.input_usd_per_mtok is not None and model.output_usd_per_mtok is not None:
        paid_in, paid_out = model.input_usd_per_mtok / 1e6, model.output_usd_per_mtok / 1e6
        prices = _flat(_scaled(prices, paid_in, paid_out))
    if prices is None:
        return None
    if model.cached_usd_per_mtok is not None:
        cached = model.cached_usd_per_mtok / 1e6
        tiers = {
            tier: tuple((above, replace(rates, cache_read=cached)) for above, rates in levels)
            for tier, levels in prices.tiers.items()
        }
        prices = replace(prices, tiers=tiers)
    return replace(prices, writes_1h="'1h'" in str(params))


def _tier(name: str) -> str:
    """Return the map's name of a tier."""
    return _NAMES.get(name.lower(), name.lower())


def _flat(rates: Rates) -> Prices:
    return Prices({STANDARD: ((0, rates),), HIGHEST: ((0, rates),)})


def _scaled(known: Prices | None, paid_in: float, paid_out: float) -> Rates:
    """Return rates for these prices; those of the cache in proportion as in *known*."""
    base = known.tiers[STANDARD][0][1] if known else None
    if base is None or not base.input:
        return Rates(paid_in, paid_out, paid_in, paid_in, paid_in, paid_out)
    read, short, long = (
        paid_in * rate / base.input
        for rate in (base.cache_read, base.cache_write, base.cache_write_1h)
    )
    return Rates(paid_in, paid_out, read, short, long, paid_out)


def _of_map(
    entry: Mapping[str, Any], params: Mapping[str, Any], api_base: str | None
) -> Prices | None:
    stated = _stated(entry)
    if not {"input", "output"} <= stated.get((STANDARD, 0), {}).keys():
        return None
    known = dict.fromkeys(tier for tier, _ in stated)
    tiers = {tier: _levels(stated, tier) for tier in known}
    tiers[HIGHEST] = _highest(tiers.values())
    return Prices(
        tiers,
        str(params.get("service_tier") or ""),
        _multiple(entry, params, api_base),
        _price(entry.get("input_cost_per_request")) or 0.0,
    )


def _stated(entry: Mapping[str, Any]) -> dict[tuple[str, int], dict[str, float]]:
    """Return the prices that *entry* states, in US dollars per token."""
    stated: dict[tuple[str, int], dict[str, float]] = {}
    # At xAI the longer price begins at the length itself, elsewhere above it.
    inclusive = entry.get("litellm_provider") == "xai"
    for name, value in entry.items():
        match, price = _KEY.fullmatch(name), _price(value)
        if match is None or price is None:
            continue
        kind, length, thousand, tier = match.groups()
        above = int(length) * (1000 if thousand else 1) - inclusive if length else 0
        stated.setdefault((tier or STANDARD, above), {})[_KINDS[kind]] = price
    for level in entry.get("tiered_pricing") or ():  # Alibaba's: every token at its level's price
        kinds = {_KINDS[k]: float(v) for k, v in level.items() if k in _KINDS}
        if "input" in kinds and len(level.get("range", ())) == 2:
            stated[STANDARD, int(level["range"][0])] = kinds
    return stated


def _levels(stated: _Stated, tier: str) -> Levels:
    """Return *tier*'s rates by length.

    What it does not state for a length costs as much more than the standard price as it states
    elsewhere, and never less.
    """
    plain: dict[str, float] = {}
    levels = []
    for above in sorted({above for _, above in stated}):
        plain = {**plain, **stated.get((STANDARD, above), {})}
        own = stated.get((tier, above), {})
        rates = {kind: rate * _ratio(stated, tier, kind) for kind, rate in plain.items()}
        rates.update(own)
        if "reasoning" in plain and "reasoning" not in own:  # in proportion to the reply's price
            base = stated[STANDARD, 0]
            share = base.get("reasoning", 0.0) / base["output"] if base["output"] else 1.0
            rates["reasoning"] = share * rates["output"]
        levels.append((above, _filled(rates)))
    return tuple(levels)


def _ratio(stated: _Stated, tier: str, kind: str) -> float:
    """Return by how much *tier* makes *kind* more expensive, at least 1."""
    base, own = stated[STANDARD, 0], stated.get((tier, 0), {})
    for name in (kind, "input"):
        if name in own and base.get(name):
            return max(1.0, own[name] / base[name])
    return 1.0


def _filled(rates: Mapping[str, float]) -> Rates:
    """Return *rates* with what is not stated: at the price of input, or of output."""
    written = rates.get("cache_write", rates["input"])
    return Rates(
        rates["input"],
        rates["output"],
        rates.get("cache_read", rates["input"]),
        written,
        max(written, rates.get("cache_write_1h", written)),
        rates.get("reasoning", rates["output"]),
    )


def _highest(tiers: Iterable[Levels]) -> Levels:
    """Return the highest rate of each kind over *tiers*, which have the same lengths."""
    kinds = [each.name for each in fields(Rates)]
    return tuple(
        (level[0][0], Rates(*(max(getattr(rates, kind) for _, rates in level) for kind in kinds)))
        for level in zip(*tiers, strict=True)
    )


def _multiple(entry: Mapping[str, Any], params: Mapping[str, Any], api_base: str | None) -> float:
    """Return the factor on all tokens for a region or for speed that requests ask for."""
    special = entry.get("provider_specific_entry") or {}
    region = (urlsplit(api_base).hostname or "").split(".")[0] if api_base else ""
    place = str(params.get("vertex_location") or "global").lower()
    factors = [
        special.get("fast") if params.get("speed") == "fast" else None,
        special.get(str(params.get("inference_geo")).lower()),
        entry.get(f"regional_processing_uplift_multiplier_{region}"),
        None if place == "global" else entry.get("regional_endpoint_uplift_multiplier"),
    ]
    return math.prod(_price(factor) or 1.0 for factor in factors)


def _price(value: Any) -> float | None:
    """Return *value* where it is a price or a factor, as a float."""
    return float(value) if isinstance(value, int | float) and value >= 0 else None
