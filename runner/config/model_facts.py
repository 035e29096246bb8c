"""Facts about models: windows and caching, from litellm's map without importing litellm."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson

from runner.base.files import package_folder
from runner.config.provider_facts import CACHE_RULES, SchemaLimits

OFFLINE = "offline/"  # prefix of the names of our extractive models
SIMULATED = "openai/simulated"  # accepts what the provider that it simulates accepts
OFFLINE_WINDOW = 2_000_000  # tokens; the readings are linear, so this bounds memory only
_MAP = "model_prices_and_context_window_backup.json"
_NO_SCHEMA = ("hosted_vllm", "llamacpp", "llamafile", "lm_studio", "ollama", "ollama_chat")


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Limits in tokens; None where unknown.

    *cache_min_tokens* is the shortest prefix in the provider's prompt cache, None without one;
    *cache_marks* says that a request has to mark the end of the prefix that calls share;
    *schema_in_prefix* that this prefix begins with the answer's schema.
    """

    context_window: int | None = None
    max_output_tokens: int | None = None
    supports_schema: bool | None = None
    cache_min_tokens: int | None = None
    cache_marks: bool = False
    schema_in_prefix: bool = False
    schema_limits: SchemaLimits = field(default_factory=SchemaLimits)


def model_facts(name: str) -> ModelFacts:
    """Return the facts of a litellm model string, looked up with and without provider prefixes.

    `openrouter/openai/gpt-5-mini` falls back to `gpt-5-mini`: gateways keep the model's limits.
    """
    if name.startswith(OFFLINE):
        return ModelFacts(OFFLINE_WINDOW, supports_schema=True)
    if (entry := map_entry(name)) is None:
        return ModelFacts()
    provider = str(entry.get("litellm_provider")).removesuffix("_converse")
    rules = CACHE_RULES.get(provider)
    least = _int(entry.get("prompt_cache_min_tokens")) or (rules.min_tokens if rules else None)
    caches = entry.get("cache_read_input_token_cost") is not None and least is not None
    return ModelFacts(
        context_window=_int(entry.get("max_input_tokens") or entry.get("max_tokens")),
        max_output_tokens=_int(entry.get("max_output_tokens")),
        supports_schema=bool(entry.get("supports_response_schema", False)),
        cache_min_tokens=least if caches else None,
        cache_marks=caches and _needs_marks(name, entry),
        schema_in_prefix=name.split("/", 1)[0] not in _NO_SCHEMA,
        schema_limits=rules.limits if rules else SchemaLimits(),
    )


def map_name(name: str, base_model: str | None) -> str:
    """Return the name by which the map knows the model *name*, a deployment of *base_model*.

    `azure/mine` with `gpt-6-luna` is known as `azure/gpt-6-luna`, which has Azure's prices, and
    `openai/ft:gpt-4.1:acme::x` as `openai/ft:gpt-4.1`.
    """
    known = ":".join(name.split(":")[:2]) if "/ft:" in name else name
    return f"{name.split('/', 1)[0]}/{base_model}" if base_model else known


def map_entry(name: str) -> Mapping[str, Any] | None:
    """Return the map's entry for *name* or its longest suffix after a slash, or None."""
    found = entry_name(name)
    return None if found is None else map_entries()[found]


def entry_name(name: str) -> str | None:
    """Return the name under which the map has *name*, its own or that of a suffix, or None."""
    entries, parts = map_entries(), name.split("/")
    names = ("/".join(parts[skipped:]) for skipped in range(len(parts)))
    return next((candidate for candidate in names if candidate in entries), None)


def _needs_marks(name: str, entry: Mapping[str, Any]) -> bool:
    """Return whether a request has to mark the end of a shared prefix.

    Claude caches up to a `cache_control` (platform.claude.com, "Prompt caching"). OpenAI's models
    since GPT-5.6 cache the whole prompt and match only at its end or at a
    `prompt_cache_breakpoint` (developers.openai.com, "Prompt caching"). Read 2026-11-24.
    """
    return "claude" in name or entry.get("supports_prompt_cache_breakpoint") is True


@lru_cache
def map_entries() -> Mapping[str, Mapping[str, Any]]:
    """Return litellm's map by model name; empty where litellm lacks it."""
    litellm = package_folder("litellm")
    if litellm is None or not (litellm / _MAP).is_file():
        return {}
    entries: dict[str, dict[str, Any]] = orjson.loads((litellm / _MAP).read_bytes())
    return entries


def _int(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) else None
