"""Prices: converts tokens to US dollars, by the same rules for plan, reservation and bill."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from runner.base.usage import Usage
from runner.config.model_facts import OFFLINE, map_entry
from runner.config.provider_facts import provider_facts
from runner.config.schema import ModelSettings
from runner.providers.litellm.route import ModelRoute

STANDARD = "standard"
_TIER_NAMES = {"": STANDARD, "default": STANDARD, "standard_only": STANDARD, "on_demand": STANDARD}
_TIER_NAMES |= {"fast": "priority", "batch": "batches", "on_demand_priority": "priority"}
_TIER_NAMES["performance"] = "priority"  # at Groq
_FREE = {"input_cost_per_token": 0.0, "output_cost_per_token": 0.0}
_DISCOUNTS = ("flex", "batches")  # at the standard price if no other is known
_BY_DELIVERY = {"flex": "flex", "batch": "batches"}
_KINDS = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "output_cost_per_reasoning_token": "reasoning",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
    "cache_creation_input_token_cost": "cache_write",
}
_KEY = re.compile(
    rf"({'|'.join(_KINDS)})(?:_above_(\d+)(k?)_tokens)?"
    r"(?:_(priority|flex|balanced|ultrafast|batches))?"
)
_SEARCHES = re.compile(r"search-(?:preview|api)")  # OpenAI's models that always search


class Rates(NamedTuple):
    """US dollars per token of each kind; *cache_write* is for entries of five minutes."""

    input: float = 0.0
    output: float = 0.0
    cache_read: float = 0.0
    cache_write: float = 0.0
    cache_write_1h: float = 0.0
    reasoning: float = 0.0


Levels = tuple[tuple[int, Rates], ...]  # rates of prompts with more than so many tokens, ascending
_Listed = Mapping[tuple[str, int], Mapping[str, float]]  # by tier and length, then kind


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of one model.

    *tiers* holds STANDARD and the other service tiers with a price; *tier* is the requested one.
    *multiple* is a surcharge on all tokens, for a region or speed; *request_usd* is a fee per
    request and its search; *writes_1h* says whether requests may ask for cache entries of an hour.
    """

    tiers: Mapping[str, Levels]
    tier: str = ""
    multiple: float = 1.0
    request_usd: float = 0.0
    writes_1h: bool = False

    @property
    def levels(self) -> Levels:
        """The rates of *tier*; without a price for it, the highest rates of all tiers."""
        name = _tier(self.tier)
        if name in _DISCOUNTS or name in self.tiers:
            return self.tiers.get(name, self.tiers[STANDARD])
        return tuple(
            (level[0][0], Rates._make(map(max, zip(*(rates for _, rates in level), strict=True))))
            for level in zip(*self.tiers.values(), strict=True)
        )


def cost_usd(usage: Usage, prices: Prices, served: str = "") -> float:
    """Return US dollars of one call, at the tier *served* if it has a price, else as requested.

    A discount that was not requested is not believed. No count may be negative, and no part may
    exceed its whole.
    """
    name, requested = _tier(served), _tier(prices.tier)
    known = served and (name == requested or name not in _DISCOUNTS)
    levels = (prices.tiers.get(name) if known else None) or prices.levels
    rates = [rates for above, rates in levels if usage.prompt_tokens > above or not above][-1]
    paid = (
        (usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens) * rates.input
        + usage.cached_tokens * rates.cache_read
        + (usage.cache_write_tokens - usage.cache_write_1h_tokens) * rates.cache_write
        + usage.cache_write_1h_tokens * rates.cache_write_1h
        + (usage.completion_tokens - usage.reasoning_tokens) * rates.output
        + usage.reasoning_tokens * rates.reasoning
    )
    return paid * prices.multiple + prices.request_usd


def upper_bound_usd(prompt_tokens: int, reply_tokens: int, prices: Prices) -> float:
    """Return an upper bound, in US dollars, of any call of up to so many tokens.

    It holds for any share of cached and reasoning tokens, at the requested or the standard tier.
    """
    bound = 0.0
    for above, rates in (*prices.levels, *prices.tiers[STANDARD]):
        if prompt_tokens > above or not above:
            written = rates.cache_write_1h if prices.writes_1h else rates.cache_write
            paid_in = prompt_tokens * max(rates.input, rates.cache_read, written)
            bound = max(bound, paid_in + reply_tokens * max(rates.output, rates.reasoning))
    return bound * prices.multiple + prices.request_usd


def live_usd(usage: Usage, prices: Prices | None) -> float | None:
    """Return the cost of *usage*, of any delivery, at live prices, in US dollars."""
    return usage.cost_usd if prices is None else cost_usd(usage, replace(prices, tier=""))


def cached_saving_usd(tokens: int, prices: Prices) -> float:
    """Return the US dollars saved by reading *tokens* from the cache, in calls of base length."""
    rates = prices.levels[0][1]
    return tokens * (rates.input - rates.cache_read) * prices.multiple


def prices_of(model: ModelSettings | ModelRoute) -> Prices | None:
    """Return the prices of *model*, from its settings, else the map; None if unknown.

    They are unknown for research models of the map, which pay for any number of searches.
    """
    params = {**model.params, **(model.params.get("extra_body") or {})}
    entry = _FREE if model.name.startswith(OFFLINE) else map_entry(model.map_name) or {}
    tiers = map_tiers = {} if "deep-research" in model.map_name else _tiers(entry)
    if model.input_usd_per_mtok is not None and model.output_usd_per_mtok is not None:
        paid_in, paid_out = model.input_usd_per_mtok / 1e6, model.output_usd_per_mtok / 1e6
        base = tiers[STANDARD][0][1] if tiers else Rates()
        cache = [paid_in * rate / base.input if base.input else paid_in for rate in base[2:5]]
        tiers = {STANDARD: ((0, Rates._make([paid_in, paid_out, *cache, paid_out])),)}
        entry = {}  # surcharges apply to the map's prices only
    if not tiers:
        return None
    if model.cached_usd_per_mtok is not None:
        read = model.cached_usd_per_mtok / 1e6
        tiers = {
            tier: tuple((above, rates._replace(cache_read=read)) for above, rates in levels)
            for tier, levels in tiers.items()
        }
    tier = str(params.get("service_tier") or model.service_tier or "")
    if model.delivery in _BY_DELIVERY:
        tier = _BY_DELIVERY[model.delivery]
        share = _discount(tier, model.name.split("/", 1)[0], map_tiers)
        tiers = {tier: _times(tiers[STANDARD], share), **tiers}
    return Prices(
        tiers,
        tier,
        _multiple(entry, params, model.api_base),
        _request_usd(entry, model.map_name),
        writes_1h=model.cache == "1h" or "'1h'" in str(params),
    )


def _discount(tier: str, provider: str, listed: Mapping[str, Levels]) -> float:
    """Return *tier*'s price over the standard one, from the map, else as the provider publishes.

    A model in the map without a flex price has no flex tier.
    """
    if tier in listed and (standard := listed[STANDARD][0][1].input):
        return listed[tier][0][1].input / standard
    known = tier == "flex" and bool(listed)
    return 0.5 if tier in provider_facts(provider).half_price and not known else 1.0


def _times(levels: Levels, share: float) -> Levels:
    return tuple((above, Rates._make(share * rate for rate in rates)) for above, rates in levels)


def _tier(name: str) -> str:
    return _TIER_NAMES.get(name.lower(), name.lower())


def _tiers(entry: Mapping[str, Any]) -> dict[str, Levels]:
    """Return the rates of *entry* by tier; empty without the prices of input and output."""
    listed: dict[tuple[str, int], dict[str, float]] = {}
    # xAI's long price applies from the length itself, other providers' above it.
    inclusive = entry.get("litellm_provider") == "xai"
    for name, value in entry.items():
        match, price = _KEY.fullmatch(name), _price(value)
        if match is not None and price is not None:
            kind, length, thousand, tier = match.groups()
            above = int(length) * (1000 if thousand else 1) - inclusive if length else 0
            listed.setdefault((tier or STANDARD, above), {})[_KINDS[kind]] = price
    for level in entry.get("tiered_pricing") or ():  # Alibaba's: all tokens at their level's price
        kinds = {_KINDS[k]: float(v) for k, v in level.items() if k in _KINDS}
        if "input" in kinds and len(level.get("range", ())) == 2:
            listed[STANDARD, int(level["range"][0])] = kinds
    if not {"input", "output"} <= listed.get((STANDARD, 0), {}).keys():
        return {}
    return {tier: _levels(listed, tier) for tier in dict.fromkeys(tier for tier, _ in listed)}


def _levels(listed: _Listed, tier: str) -> Levels:
    """Return the rates of *tier* by length.

    A rate that is not listed for a length is the standard rate times the tier's factor.
    """
    base, standard = listed[STANDARD, 0], dict[str, float]()
    share = base.get("reasoning", base["output"]) / base["output"] if base["output"] else 1.0
    levels = []
    for above in sorted({above for _, above in listed}):
        standard |= listed.get((STANDARD, above), {})
        own = listed.get((tier, above), {})
        rates = {k: rate * _factor(listed, tier, k) for k, rate in standard.items()} | dict(own)
        if "reasoning" in standard.keys() - own.keys():
            rates["reasoning"] = share * rates["output"]
        paid_in, paid_out = rates["input"], rates["output"]
        written = rates.get("cache_write", paid_in)
        hour = max(written, rates.get("cache_write_1h", written))
        read, reasoning = rates.get("cache_read", paid_in), rates.get("reasoning", paid_out)
        levels.append((above, Rates(paid_in, paid_out, read, written, hour, reasoning)))
    return tuple(levels)


def _factor(listed: _Listed, tier: str, kind: str) -> float:
    """Return the ratio of *tier*'s price of *kind*, or of input, to the standard price, ≥ 1."""
    base, own = listed[STANDARD, 0], listed.get((tier, 0), {})
    ratios = (own[name] / base[name] for name in (kind, "input") if name in own and base.get(name))
    return max(1.0, next(ratios, 1.0))


def _multiple(entry: Mapping[str, Any], params: Mapping[str, Any], api_base: str | None) -> float:
    """Return the factor on all tokens for the requested region or speed."""
    listed = {**entry, **(entry.get("provider_specific_entry") or {})}
    region = (urlsplit(api_base or "").hostname or "").split(".")[0]
    names = [str(params.get("inference_geo")).lower()]
    names += [f"regional_processing_uplift_multiplier_{region}"]
    names += ["fast"] if params.get("speed") == "fast" else []
    if str(params.get("vertex_location") or "global").lower() != "global":
        names.append("regional_endpoint_uplift_multiplier")
    return math.prod(_price(listed.get(name)) or 1.0 for name in names)


def _request_usd(entry: Mapping[str, Any], name: str) -> float:
    """Return the fee of a request, with the smallest search for models that always search."""
    searches = entry.get("litellm_provider") == "perplexity" or _SEARCHES.search(name)
    sizes = entry.get("search_context_cost_per_query") if searches else None
    search = _price((sizes or {}).get("search_context_size_low")) or 0.0
    return search + (_price(entry.get("input_cost_per_request")) or 0.0)


def _price(value: Any) -> float | None:
    """Return *value* as a float if it can be a price or a factor, else None."""
    return float(value) if isinstance(value, int | float) and value >= 0 else None
