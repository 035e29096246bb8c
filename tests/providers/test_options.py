"""Options of a model: efforts that it accepts, tiers that its provider has."""

from __future__ import annotations

import pytest
from helpers import job

from runner.base.errors import ConfigError
from runner.providers.litellm.route import ModelRoute
from runner.providers.options import EFFORTS, effort_note, effort_of

SENT = {
    "openai/gpt-6-luna": ("off", "low", "low", "medium", "high"),
    "openai/gpt-5-mini": ("minimal", "minimal", "low", "medium", "high"),
    "azure/gpt-5-mini": ("minimal", "minimal", "low", "medium", "high"),
    "openai/o3": ("low", "low", "low", "medium", "high"),
    "openai/gpt-4o-mini": (None,) * 5,
    "openai/own": EFFORTS,
    "anthropic/claude-sonnet-5-5": ("low", "low", "low", "medium", "high"),
    "anthropic/claude-sonnet-4-6": ("off", "low", "low", "medium", "high"),
    "gemini/gemini-3.8-flash": ("low", "low", "low", "medium", "high"),
    "gemini/gemini-2.5-flash": EFFORTS,
    "gemini/gemini-2.5-pro": ("minimal", "minimal", "low", "medium", "high"),
    "mistral/mistral-medium-2604": ("off", "high", "high", "high", "high"),
    "mistral/magistral-medium-latest": (None,) * 5,
    "groq/openai/gpt-oss-120b": ("low", "low", "low", "medium", "high"),
    "hosted_vllm/openai/gpt-oss-20b": ("low", "low", "low", "medium", "high"),
}


@pytest.mark.parametrize("model", SENT)
def test_an_effort_is_rounded_up_to_one_that_the_model_accepts(model: str) -> None:
    routes = [ModelRoute(model, effort=effort) for effort in EFFORTS]

    assert SENT[model] == tuple(map(effort_of, routes))
    for route in routes:
        assert bool(effort_note(route)) == (effort_of(route) not in (route.effort, None)) or (
            effort_of(route) is None
        )


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (
            ["model.service_tier=flex", "model.name=mistral/x"],
            "mistral has no such tier, expected null",
        ),
        (["model.service_tier=flex", "model.name=anthropic/x"], "expected null, auto, default"),
        (["model.base_model=gpt-6-lunar", "model.name=azure/x"], "did you mean 'gpt-6-luna'?"),
        (["model.effort=none"], "model.effort='none': expected 'off', 'minimal', 'low'"),
        (["model.cache=2h"], "model.cache='2h': expected 'auto', '5m', '1h' or 'off'"),
    ],
)
def test_an_option_that_does_not_exist_is_refused_before_the_start(
    overrides: list[str], said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        job("plan=true", *overrides)

    assert said in str(caught.value)


def test_the_facts_of_a_deployment_are_those_of_its_base_model() -> None:
    made = job("plan=true", "model.name=azure/mine", "model.base_model=gpt-6-luna").main

    assert (922_000, 1024) == (made.facts.context_window, made.facts.cache_min_tokens)
    assert made.prices is not None
    assert 1e-7 == made.prices.levels[0][1].input


def test_without_a_cache_nothing_is_marked_or_expected_to_be_read() -> None:
    facts = job("plan=true", "model=anthropic", "model.cache=off").main.facts

    assert (None, False) == (facts.cache_min_tokens, facts.cache_marks)
