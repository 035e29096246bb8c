"""Schemas on the wire: the bounds that each provider accepts in a reply's schema."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import orjson

from runner.config.provider_facts import provider_facts

# Everything that bounds a value; what a provider does not accept is not sent, and checked here.
BOUNDS = frozenset(("minItems", "maxItems", "minLength", "maxLength", "pattern", "uniqueItems"))
BOUNDS |= {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
BOUNDS |= {"minProperties", "maxProperties"}
_MAKERS = {"google": "gemini", "meta-llama": "", "vertex_ai": "gemini"}  # in a gateway's names
_GATEWAYS = ("openrouter", "litellm_proxy")
_NOT_SIMPLE = re.compile(r"\(\?|\\[bB1-9]")  # look-around, word boundaries, back-references


def accepted_bounds(name: str, api_base: str | None) -> frozenset[str]:
    """Return the bounds that litellm's model *name* accepts at *api_base*, None for its own."""
    provider, _, model = name.partition("/")
    if provider == "openai":
        host = urlsplit(api_base or "").hostname or "api.openai.com"
        if not f".{host}".endswith(".openai.com"):  # a server with a compatible API
            return provider_facts("llamacpp").bounds
        return frozenset() if model.startswith("ft:") else provider_facts("openai").bounds
    if provider in _GATEWAYS:  # the model's maker is the best that is known of who answers
        provider = model.partition("/")[0]
        if "/" not in model:
            made = {"gpt": "openai", "claude": "anthropic", "gemini": "gemini"}
            provider = next((each for start, each in made.items() if model.startswith(start)), "")
        provider = _MAKERS.get(provider, provider)
    elif provider == "vertex_ai" and "gemini" in model:
        provider = "gemini"
    return provider_facts(provider).bounds


def sent_schema(schema: Mapping[str, Any], name: str, api_base: str | None) -> dict[str, Any]:
    """Return *schema* with the bounds that the model *name* accepts at *api_base*."""
    result: dict[str, Any] = orjson.loads(
        _sent(orjson.dumps(schema), accepted_bounds(name, api_base))
    )
    return result


@lru_cache
def _sent(schema: bytes, accepted: frozenset[str]) -> bytes:
    """Return the JSON of *schema* without other bounds; cached, since a run has few schemas."""
    return orjson.dumps(_kept(orjson.loads(schema), accepted, named=False))


def _kept(node: Any, accepted: frozenset[str], *, named: bool) -> Any:
    """Return *node* without other bounds; *named*: its keys are names of fields."""
    if isinstance(node, list):
        return [_kept(each, accepted, named=False) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _kept(value, accepted, named=not named and key in ("properties", "$defs"))
        for key, value in node.items()
        if named or key not in BOUNDS or (key in accepted and _is_plain(key, value))
    }


def _is_plain(key: str, value: Any) -> bool:
    """Return whether every grammar accepts a bound as written: patterns whole and simple."""
    if key != "pattern":
        return True
    return value.startswith("^") and value.endswith("$") and not _NOT_SIMPLE.search(value)
