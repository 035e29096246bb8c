"""What is known of models without asking anyone."""

from __future__ import annotations

import pytest

from runner.config.model_facts import model_facts


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
