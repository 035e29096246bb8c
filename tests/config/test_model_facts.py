"""What is known of models without asking anyone."""

from __future__ import annotations

import pytest

from runner.base.tokens import tokenizer_for
from runner.config.model_facts import model_facts
from runner.providers.litellm.route import ModelRoute
from runner.providers.prices import prices_of


@pytest.mark.parametrize(
    ("model", "min_tokens", "marks"),
    [
        ("openai/gpt-4o-mini", 1024, False),
        ("openai/gpt-5.6-luna", 1024, True),
        ("openai/gpt-4-turbo", None, False),
        ("anthropic/claude-haiku-4-5", 4096, True),
        ("bedrock/global.anthropic.claude-sonnet-4-6", 1024, True),
        ("gemini/gemini-3.8-flash", 4096, False),
        ("mistral/mistral-medium-2604", 64, False),
        ("openrouter/openai/gpt-5-mini", 1024, False),
        ("hosted_vllm/openai/gpt-oss-20b", None, False),
        ("offline/extractive", None, False),
    ],
)
def test_what_a_prompt_cache_keeps_is_known(
    model: str, min_tokens: int | None, marks: bool
) -> None:
    facts = model_facts(model)

    assert (min_tokens, marks) == (facts.cache_min_tokens, facts.cache_marks)


def test_a_gateways_model_has_the_facts_of_the_model_behind_it() -> None:
    behind, through = model_facts("gpt-5-mini"), model_facts("openrouter/openai/gpt-5-mini")

    assert behind == through


def test_a_fine_tuned_model_has_the_prices_and_facts_of_tuned_models_in_the_map() -> None:
    route = ModelRoute("openai/ft:gpt-4.1-2025-04-14:acme:notes:A1b2")

    assert prices_of(route) == prices_of(ModelRoute("openai/ft:gpt-4.1-2025-04-14")) is not None
    assert 1_047_576 == model_facts(route.map_name).context_window
    assert tokenizer_for(route.map_name).exact
