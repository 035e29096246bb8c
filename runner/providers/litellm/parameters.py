"""Parameters of a call besides its messages, without those that the provider refused."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner.config.model_facts import ModelFacts, map_entry
from runner.providers.litellm.route import ModelRoute
from runner.providers.messages import prefix_digest
from runner.providers.options import effort_of, provider_of, tier_word
from runner.providers.request import Request
from runner.providers.schemas import sent_schema

LIMITS = ("max_tokens", "max_completion_tokens")
_KEYED = ("openai", "azure", "mistral")  # providers that take a prompt_cache_key
_CLAUDE = ("anthropic", "bedrock", "vertex_ai", "azure_ai")  # with Anthropic's parameters
# Share of the reply's limit that a Claude with a budget may think (openrouter.ai, "Reasoning
# tokens"), and the least that Anthropic takes (platform.claude.com, "Extended thinking").
_BUDGETS = {"minimal": 0.1, "low": 0.2, "medium": 0.5, "high": 0.8}
_MIN_BUDGET = 1024
_NAMES = {"limit": "max_tokens", "cache_key": "prompt_cache_key", "cache": "cache marks"}
_CHANGES = {  # where what is dropped goes elsewhere
    "shared": "each analyzer sends a schema of its own",
    "response_format": "response_format is no longer sent, the schema is stated in the prompt",
    "system": "a system message is no longer sent, its text begins the user's message",
}


@dataclass(frozen=True, slots=True)
class Adaptation:
    """Parameters omitted from calls to one model because its provider refused them.

    *dropped* are parameters of words.toml or of `model.params`; *limit* is the name of the reply's
    limit, *most* the longest that is accepted, *warmest* the highest temperature.
    """

    dropped: frozenset[str] = frozenset()
    limit: str | None = None
    most: int | None = None
    warmest: float | None = None

    def change_since(self, before: "Adaptation", request: Request) -> str:
        """Return the changes since *before*, for a message."""
        if self.limit != before.limit:
            return f"the reply's limit is sent as {self.limit}"
        if self.most != before.most:
            return f"max_tokens is lowered from {request.max_tokens} to {self.most}"
        if self.warmest != before.warmest:
            return f"temperature is lowered from {request.temperature:g} to {self.warmest:g}"
        (new,) = self.dropped - before.dropped
        return _CHANGES.get(new, f"{_NAMES.get(new, new)} is no longer sent")


def limit_of(request: Request, adapted: Adaptation) -> int:
    """Return the limit on the tokens of a reply to *request*."""
    return min(request.max_tokens, adapted.most or request.max_tokens)


def parameters(
    route: ModelRoute, request: Request, facts: ModelFacts, adapted: Adaptation = Adaptation()
) -> dict[str, Any]:
    """Return the parameters of a call, in litellm's names, without those in *adapted*."""
    limit = limit_of(request, adapted)
    body = dict(route.params.get("extra_body") or {})
    name = LIMITS[route.base_model is not None and _reasons_at_openai(route)]
    sent: dict[str, Any] = {adapted.limit or name: limit}
    temperature = request.temperature
    if temperature is not None and adapted.warmest is not None:
        temperature = min(temperature, adapted.warmest)
    if request.schema is not None and "response_format" not in adapted.dropped:
        name, schema = request.schema_name, request.schema
        if request.own_schema is not None and "shared" in adapted.dropped:
            name, schema = request.node, request.own_schema
        sent |= _format(route, name, sent_schema(schema, route.name, route.api_base))
    if "effort" not in adapted.dropped:
        sent |= _effort(route, limit, body)
    if temperature is not None and _takes_temperature(route, sent):
        sent["temperature"] = temperature
    if (tier := tier_word(route)) is not None:
        sent["service_tier"] = tier
        if provider_of(route) == "anthropic":  # whose parameter litellm drops otherwise
            sent["allowed_openai_params"] = ["service_tier"]
    if "cache_key" not in adapted.dropped:
        sent |= _cache(route, request, facts, body)
    sent |= {**route.params, "extra_body": body}
    for holder in (sent, body):
        for name in adapted.dropped:
            holder.pop(name, None)
    if not body:
        sent.pop("extra_body", None)
    return sent


def schema_message(messages: list[dict[str, Any]], schema: Mapping[str, Any]) -> None:
    """State *schema* in the first user message, for a provider that refused it beside them."""
    user = next(message for message in messages if message["role"] == "user")
    instruction = (
        f"\nReply with JSON alone that matches this JSON schema:\n{json.dumps(dict(schema))}\n"
    )
    if isinstance(user["content"], str):
        user["content"] += instruction
    else:
        user["content"] = [*user["content"], {"type": "text", "text": instruction}]


def _format(route: ModelRoute, name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameter that asks for a reply by *schema*."""
    # litellm (1.106.2) knows Bedrock's own by another flag only, and sends a tool in its place that
    # Claude since 5.5 need not call.
    natively = "supports_bedrock_native_structured_output"
    if provider_of(route) == "bedrock" and (map_entry(route.map_name) or {}).get(natively):
        shape = {"jsonSchema": {"name": name, "schema": json.dumps(schema)}}
        return {"outputConfig": {"textFormat": {"type": "json_schema", "structure": shape}}}
    named = {"name": name, "schema": schema, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


def _reasons_at_openai(route: ModelRoute) -> bool:
    """Return whether *route* leads to one of OpenAI's reasoning models at OpenAI or Azure."""
    entry = map_entry(route.map_name) or {}
    makers = ("openai", "azure")
    return (
        provider_of(route) in makers
        and entry.get("litellm_provider") in makers
        and bool(entry.get("supports_reasoning"))
    )


def _takes_temperature(route: ModelRoute, sent: Mapping[str, Any]) -> bool:
    """Return whether a temperature may go with *sent*; litellm knows, but not by a base model."""
    thinks = sent.get("thinking", {}).get("type") == "enabled" or "reasoning_effort" in sent
    if "claude" in route.map_name and thinks and sent.get("reasoning_effort") != "none":
        return False  # platform.claude.com, "Extended thinking": 1 or none
    if route.base_model is None:
        return True
    entry = map_entry(route.map_name) or {}
    plain = sent.get("reasoning_effort", entry.get("default_reasoning_effort")) == "none"
    return entry.get("supports_sampling_params") is not False and (
        plain or not _reasons_at_openai(route)
    )


def _effort(route: ModelRoute, limit: int, body: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that ask for *route*'s effort, or put them into *body*."""
    level, provider = effort_of(route), provider_of(route)
    if level is None:
        return {}
    word = "none" if level == "off" else level
    if "claude" in route.map_name and provider in _CLAUDE:
        if level == "off":
            return {"thinking": {"type": "disabled"}}
        if (map_entry(route.map_name) or {}).get("supports_adaptive_thinking"):
            return {"reasoning_effort": level}
        budget = max(_MIN_BUDGET, int(_BUDGETS[level] * limit))
        return {"thinking": {"type": "enabled", "budget_tokens": budget}} if budget < limit else {}
    if provider == "openrouter":
        body["reasoning"] = {"effort": word}
        return {}
    if provider == "hosted_vllm" and "gpt-oss" not in route.map_name:
        body["chat_template_kwargs"] = dict.fromkeys(
            ("enable_thinking", "thinking"), level != "off"
        )
        return {}
    if provider == "groq" and "qwen" in route.map_name and level != "off":
        return {"reasoning_effort": "default"}
    return {"reasoning_effort": word}


def _cache(
    route: ModelRoute, request: Request, facts: ModelFacts, body: dict[str, Any]
) -> dict[str, Any]:
    """Return the prompt cache's parameters, its key and its lifetime, or put them into *body*."""
    provider = provider_of(route)
    breakpoints = facts.cache_marks and provider == "openai"
    if breakpoints:  # else the end of each prompt is written too, at 1.25 times the price
        body.setdefault("prompt_cache_options", {"mode": "explicit"})
    if facts.cache_min_tokens is None or provider not in _KEYED or route.cache == "off":
        return {}
    for_1h = route.cache == "1h" and provider == "openai" and not breakpoints
    sent = {"prompt_cache_retention": "24h"} if for_1h else {}
    key = route.params.get("prompt_cache_key")
    key = key or f"colloquy-{prefix_digest(request.messages)}"
    (body if provider == "mistral" else sent).setdefault("prompt_cache_key", key)
    return sent
