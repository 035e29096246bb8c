"""Prices: one function of tokens for plan, reservation and bill, over every chat model of the map.

Not compared with litellm's calculator, which is wrong there or knows more than the map says: fees
for each request and search (Perplexity's models), which it leaves out; hours of lower prices
(DeepSeek's `off_peak_pricing`), which cannot be known beforehand; cached tokens at Fireworks,
for which it assumes half of the price; and tiers that state no price for a kind of token or a
length that the standard tier states, which it bills as usual.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest

from runner.base.usage import Usage
from runner.config.model_facts import map_entries, map_entry
from runner.providers.litellm.loading import load_litellm
from runner.providers.litellm.route import ModelRoute
from runner.providers.prices import STANDARD, Prices, cost_usd, prices_of, upper_bound_usd

HOUR = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
REPLY = 2000
SHIPPED = (
    "openai/gpt-6-luna",
    "openai/gpt-4o-mini",
    "anthropic/claude-sonnet-4-6",
    "gemini/gemini-3.8-flash",
    "groq/openai/gpt-oss-120b",
    "mistral/mistral-medium-2604",
)
MODES = ("chat", "completion", "responses")


def chat_models() -> dict[str, Mapping[str, Any]]:
    """Return the map's chat models, one for each set of prices."""
    entries = {n: e for n, e in map_entries().items() if e.get("mode") in MODES}
    shapes: dict[str, str] = {}
    for name, entry in entries.items():
        prices = sorted((k, str(v)) for k, v in entry.items() if "cost" in k or "pric" in k)
        shapes[str([entry["litellm_provider"], prices])] = name
    return {name: entries[name] for name in shapes.values()}


CHAT = chat_models()


def priced(name: str, tier: str = "", **params: Any) -> Prices | None:
    return prices_of(ModelRoute(name, service_tier=tier or None, params=params))


def lengths(prices: Prices) -> set[int]:
    """Return a short prompt, and the prompts at which a price ends and begins."""
    above = {above for above, _ in prices.tiers[STANDARD]}
    return {1000, *(max(1, at) for at in above), *(at + 1 for at in above)}


def corners(prompt: int, hour: bool) -> list[Usage]:
    """Return the usages between which all others of this length lie: a price is linear in them."""
    parts = [{}, {"cached_tokens": prompt}, {"cache_write_tokens": prompt}]
    if hour:
        parts.append({"cache_write_tokens": prompt, "cache_write_1h_tokens": prompt})
    hidden = ({}, {"reasoning_tokens": REPLY})
    return [Usage(prompt, REPLY, **part, **more) for part, more in product(parts, hidden)]


@pytest.mark.parametrize("tier", ["", "priority", "flex", "batch", "auto", "turbo", "ultrafast"])
def test_no_call_costs_more_than_is_reserved_for_it(tier: str) -> None:
    above = []
    for number, name in enumerate(CHAT):
        hour = number % 2 == 0
        by_key = ModelRoute(name, service_tier=tier or None, cache="1h")
        prices = (prices_of(by_key) if hour else priced(name, tier)) or priced(name, tier)
        assert prices == priced(name, tier, **(HOUR if hour else {}))
        if prices is None:
            continue
        for prompt in lengths(prices):
            bound = upper_bound_usd(prompt, REPLY, prices) * (1 + 1e-12)
            shorter = {min(prompt, 1000), prompt}
            used = [usage for length in shorter for usage in corners(length, hour)]
            above += [
                (name, usage)
                for usage in used
                if not 0 <= cost_usd(usage, prices) <= bound
                or cost_usd(usage, prices, "default") > bound
            ]

    assert above == []
    assert len(CHAT) > 1000


def stated(entry: Mapping[str, Any], tier: str) -> bool:
    """Return whether *tier* has a price for every kind and length that the standard tier has."""
    names = ("input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost")
    names += ("cache_creation_input_token_cost",)
    ours = [k for k in entry if k.startswith(names) and k.endswith(("cost", "token", "k_tokens"))]
    return all(f"{key}_{tier}" in entry for key in ours)


def comparable(entry: Mapping[str, Any], tier: str, cached: bool) -> bool:
    fireworks = entry["litellm_provider"] == "fireworks_ai"
    return not (
        "input_cost_per_request" in entry
        or "search_context_cost_per_query" in entry
        or "off_peak_pricing" in entry
        or (fireworks and cached and "cache_read_input_token_cost" not in entry)
        or (tier and not stated(entry, tier))
    )


def by_litellm(name: str, usage: Usage, tier: str) -> float:
    """Return US dollars by litellm's calculator, behind its `completion_cost`."""
    types = importlib.import_module("litellm.types.utils")
    costs = importlib.import_module("litellm.litellm_core_utils.llm_cost_calc.utils")
    hour, written = usage.cache_write_1h_tokens, usage.cache_write_tokens
    lifetimes = types.CacheCreationTokenDetails(
        ephemeral_5m_input_tokens=written - hour, ephemeral_1h_input_tokens=hour
    )
    said = types.Usage(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        prompt_tokens_details=types.PromptTokensDetailsWrapper(
            cached_tokens=usage.cached_tokens,
            cache_creation_tokens=written,
            cache_creation_token_details=lifetimes if hour else None,
        ),
        completion_tokens_details=types.CompletionTokensDetailsWrapper(
            reasoning_tokens=usage.reasoning_tokens
        ),
    )
    entry = dict(CHAT[name])
    return sum(
        costs.generic_cost_per_token(
            name, said, entry["litellm_provider"], service_tier=tier or None, model_info=entry
        )
    )


@pytest.mark.parametrize("tier", ["", "priority", "flex"])
def test_the_bill_is_litellms_where_litellm_is_right(tier: str) -> None:
    load_litellm()
    compared, wrong = 0, []
    for name, entry in CHAT.items():
        prices = priced(name, tier)
        if prices is None:
            continue
        for prompt in lengths(prices):
            mixed = {"cached_tokens": prompt // 4, "cache_write_tokens": prompt // 2}
            usages = [
                Usage(prompt, REPLY),
                Usage(prompt, REPLY, **mixed, cache_write_1h_tokens=prompt // 8),
            ]
            if "output_cost_per_reasoning_token" in entry and prompt == 1000:
                usages.append(Usage(prompt, REPLY, reasoning_tokens=REPLY // 2))
            for usage in usages:
                if comparable(entry, tier, usage.cached_tokens > 0):
                    compared += 1
                    ours, theirs = cost_usd(usage, prices), by_litellm(name, usage, tier)
                    if ours != pytest.approx(theirs, rel=1e-9):
                        wrong.append((name, usage, ours, theirs))

    assert wrong == []
    assert compared > 100


def test_a_long_prompt_costs_its_own_price_to_the_token() -> None:
    prices = priced("openai/gpt-6-luna")

    assert prices is not None
    assert cost_usd(Usage(272_000, 0), prices) == pytest.approx(272_000 * 1e-7)
    assert cost_usd(Usage(272_001, 0), prices) == pytest.approx(272_001 * 2e-7)
    assert upper_bound_usd(310_000, 1000, prices) == pytest.approx(310_000 * 2.5e-7 + 1000 * 7.5e-7)


@pytest.mark.parametrize(
    ("name", "tier", "factor"),
    [("gemini/gemini-2.5-flash-image", "priority", 1.8), ("azure/gpt-5.5", "flex", 1.0)],
)
def test_a_price_that_a_tier_does_not_state_rises_with_its_input_and_never_falls(
    name: str, tier: str, factor: float
) -> None:
    entry, prices = map_entry(name), priced(name, tier)

    assert entry is not None and prices is not None
    assert f"output_cost_per_token_{tier}" not in entry
    assert prices.levels[0][1].output == pytest.approx(factor * entry["output_cost_per_token"])


def test_at_xai_the_long_price_begins_at_the_length_itself() -> None:
    prices = priced("xai/grok-4.20-0309-reasoning")

    assert prices is not None
    assert [0, 199_999] == [above for above, _ in prices.levels]


@pytest.mark.filterwarnings("ignore:Item 'summary' on TypedDict")  # of litellm's types
@pytest.mark.parametrize("served", ["", "default", "standard", "priority"])
@pytest.mark.parametrize("model", SHIPPED)
def test_the_bill_is_what_litellms_completion_cost_says(model: str, served: str) -> None:
    litellm = load_litellm()
    reply = litellm.ModelResponse(
        model=model,
        usage={
            "prompt_tokens": 300_000,
            "completion_tokens": 50,
            "total_tokens": 300_050,
            "prompt_tokens_details": {"cached_tokens": 1000},
        },
        service_tier=served or None,
    )
    prices = priced(model)

    assert prices is not None
    ours = cost_usd(Usage(300_000, 50, 1000), prices, served)
    assert ours == pytest.approx(litellm.completion_cost(reply, model=model))


def test_a_tier_without_a_price_costs_the_highest_known_price() -> None:
    unknown, fastest = priced("openai/gpt-6-luna", "turbo"), priced("openai/gpt-6-luna", "priority")
    usage = Usage(1000, 1000)

    assert unknown is not None
    assert fastest is not None
    assert cost_usd(usage, unknown) == cost_usd(usage, fastest) == pytest.approx(1.2e-3)
    assert cost_usd(usage, unknown, "default") == pytest.approx(0.6e-3)


def test_a_discount_that_was_not_requested_is_not_believed() -> None:
    standard, flex = priced("openai/gpt-6-luna"), priced("openai/gpt-6-luna", "flex")
    usage = Usage(1000, 1000)

    assert standard is not None
    assert flex is not None
    assert cost_usd(usage, standard, "flex") == cost_usd(usage, standard, "batch")
    assert cost_usd(usage, standard, "flex") == cost_usd(usage, standard)
    assert cost_usd(usage, flex, "flex") == pytest.approx(cost_usd(usage, standard) / 2)


def test_batches_cost_the_price_in_the_map() -> None:
    prices = priced("openai/gpt-6-luna", "batch")

    assert prices is not None
    assert cost_usd(Usage(1000, 1000), prices) == pytest.approx(0.3e-3)


def test_prices_of_the_settings_take_precedence_at_every_length_and_tier() -> None:
    route = ModelRoute(
        "openai/gpt-6-luna",
        input_usd_per_mtok=1.0,
        output_usd_per_mtok=2.0,
        cached_usd_per_mtok=0.5,
        params={"service_tier": "priority"},
    )
    prices = prices_of(route)

    assert prices is not None
    assert cost_usd(Usage(300_000, 1000, 100_000), prices) == pytest.approx(0.252)
    assert upper_bound_usd(300_000, 1000, prices) == pytest.approx(0.377)


def test_regions_and_speed_have_their_surcharge() -> None:
    region = prices_of(ModelRoute("openai/gpt-6-luna", api_base="https://eu.api.openai.com/v1"))
    fast = priced("anthropic/claude-opus-5", speed="fast", extra_body={"inference_geo": "us"})

    assert region is not None
    assert fast is not None
    assert [1.1, 2.2] == pytest.approx([region.multiple, fast.multiple])


@pytest.mark.parametrize(
    ("model", "fee"),
    [
        ("perplexity/sonar-pro", 0.006),
        ("perplexity/sonar-small-online", 0.005),
        ("openai/gpt-5-search-api", 0.01),
        ("openai/gpt-4o-search-preview", 0.025),
        ("gemini/gemini-2.5-flash", 0.0),  # which searches only if it is given the tool
    ],
)
def test_a_model_that_always_searches_costs_the_search(model: str, fee: float) -> None:
    prices = priced(model)

    assert prices is not None
    assert cost_usd(Usage(), prices) == upper_bound_usd(0, 0, prices) == pytest.approx(fee)


@pytest.mark.parametrize(
    "model",
    ["openai/no-such-model", "hosted_vllm/own", "perplexity/sonar-deep-research"],
)
def test_an_unknown_price_is_none_and_not_zero(model: str) -> None:
    assert prices_of(ModelRoute(model)) is None
