"""Which models can be asked in batches, and what is said of the others before anything is sent."""

from __future__ import annotations

import asyncio

import pytest

from runner.base.errors import ConfigError
from runner.providers.batches.factory import batch_endpoint, why_no_batches
from runner.providers.litellm.route import ModelRoute


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("openrouter/anthropic/claude-sonnet-5-5", "expected live, or anthropic/NAME"),
        ("openrouter/google/gemini-3.8-flash", "expected live, or gemini/NAME"),
        ("openrouter/qwen/qwen3", "or a model of openai, azure"),
        ("vertex_ai/gemini-3.8-flash", "Cloud Storage"),
        ("bedrock/global.anthropic.claude-sonnet-5-5", "S3"),
        ("hosted_vllm/mine", "hosted_vllm has no supported batch API"),
        ("offline/extractive", "it sends nothing"),
    ],
)
def test_a_provider_without_batches_is_refused_with_the_nearest_that_has(
    name: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        batch_endpoint(ModelRoute(name))

    assert "\n" not in str(caught.value)
    assert why_no_batches(ModelRoute(name))


def test_the_providers_that_have_batches_are_known_without_litellm() -> None:
    names = ("openai/a", "azure/a", "mistral/a", "groq/a/b", "gemini/a", "anthropic/a")

    assert [name for name in names if why_no_batches(ModelRoute(name))] == []
    assert "transport=litellm" in why_no_batches(ModelRoute("openai/a", transport="litellm"))
    assert "params.foo" in why_no_batches(ModelRoute("openai/a", params={"seed": 1, "foo": 2}))


@pytest.mark.parametrize(
    ("route", "said"),
    [
        (ModelRoute("openai/a"), "without a key"),
        (ModelRoute("gemini/a", api_key_env="NO_KEY"), "without a key"),
    ],
)
def test_what_cannot_be_sent_so_is_refused_when_it_is_opened(route: ModelRoute, said: str) -> None:
    async def main() -> None:
        made = batch_endpoint(route)
        try:
            await made.open()
        finally:
            await made.close()

    with pytest.raises(ConfigError, match=f"cannot be asked in batches.*{said}"):
        asyncio.run(main())
