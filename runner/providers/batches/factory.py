"""Batch factory: the providers with a supported batch API, and why the others have none."""

from collections.abc import Callable

from runner.base.errors import ConfigError
from runner.config.provider_facts import PROVIDERS as FACTS
from runner.config.provider_facts import provider_facts
from runner.config.schema import ModelSettings
from runner.providers.batches.endpoint import BatchEndpoint
from runner.providers.litellm.route import ModelRoute
from runner.providers.litellm.words import WORDS
from runner.providers.options import provider_of

PROVIDERS = ("openai", "azure", "mistral", "groq", "gemini", "anthropic")
_NEAR = {"vertex_ai": "gemini", "bedrock": "anthropic", "google": "gemini", "mistralai": "mistral"}


def why_no_batches(model: ModelSettings | ModelRoute) -> str:
    """Return why *model* has no batches, and the nearest model that has; "" if it has."""
    provider = provider_of(model)
    if provider in PROVIDERS:
        if model.transport == "litellm":
            return f"{model.name} has no batches with model.transport=litellm, expected auto"
        own = [key for key in model.params if key not in WORDS["litellm"]["params"]]
        if own and provider != "azure":  # whose bodies are built in another way
            return f"{model.name} has no batches with params.{own[0]}, which needs litellm's client"
        return ""
    why = provider_facts(provider).no_batches or f"{provider} has no supported batch API"
    maker = model.name.split("/")[1] if provider == "openrouter" else provider
    near = _NEAR.get(maker, maker)
    nearest = f"{near}/NAME" if near in PROVIDERS else f"a model of {', '.join(PROVIDERS)}"
    return f"{model.name} has no batches, since {why}; expected live, or {nearest}"


def why_not(delivery: str, model: ModelSettings) -> str:
    """Return why *model* cannot be asked by *delivery*, "" if it can."""
    flex = sorted(name for name, facts in FACTS.items() if "flex" in facts.tiers)
    if delivery == "flex" and provider_of(model) not in flex:
        expected = f"expected another delivery or a model of {', '.join(flex)}"
        return f"{provider_of(model)} has no flex tier, {expected}"
    return why_no_batches(model) if delivery in ("batch", "auto") else ""


def batch_endpoint(route: ModelRoute) -> BatchEndpoint:
    """Return the batch endpoint of *route*, not opened yet; raise ConfigError without any."""
    if why := why_no_batches(route):
        raise ConfigError(why)
    from runner.providers.batches.anthropic import AnthropicBatches
    from runner.providers.batches.gemini import GeminiBatches
    from runner.providers.batches.openai import AzureBatches, MistralBatches, OpenAIBatches

    made: dict[str, Callable[[ModelRoute], BatchEndpoint]] = {
        "anthropic": AnthropicBatches,
        "azure": AzureBatches,
        "gemini": GeminiBatches,
        "mistral": MistralBatches,
    }
    return made.get(provider_of(route), OpenAIBatches)(route)
