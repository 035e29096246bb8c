"""Facts about models: windows and caching, from litellm's map without importing litellm."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from runner.base.files import package_folder

OFFLINE = "offline/"  # prefix of the names of our extractive models
OFFLINE_WINDOW = 2_000_000  # tokens; the readings are linear, so this bounds memory only
# Providers of servers that users run themselves; they tell the window of what they serve.
SELF_HOSTED = frozenset(
    {"hosted_vllm", "vllm", "llamafile", "lm_studio", "ollama", "ollama_chat", "litellm_proxy"}
)
_MAP = "model_prices_and_context_window_backup.json"

# The shortest prefix in a provider's prompt cache, in tokens, for models without
# `prompt_cache_min_tokens` in the map (which every Claude and most of Gemini have). 2026-11-24.
_CACHE_MIN_TOKENS = {
    "openai": 1024,  # developers.openai.com/api/docs/guides/prompt-caching
    "azure": 1024,  # learn.microsoft.com/azure/foundry/openai/how-to/prompt-caching
    "gemini": 4096,  # ai.google.dev/gemini-api/docs/caching: 2048 for 2.5, 4096 since 3.1
    "mistral": 64,  # docs.mistral.ai, "Prompt caching": blocks of 64, with a prompt_cache_key
    "groq": 1024,  # console.groq.com/docs/prompt-caching: automatic; the length is not confirmed
}


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Limits in tokens; None where unknown.

    *cache_min_tokens* is the shortest prefix in the provider's prompt cache, None without one;
    *cache_marks* says that a request has to mark the end of the prefix that calls share.
    """

    context_window: int | None = None
    max_output_tokens: int | None = None
    supports_schema: bool | None = None
    cache_min_tokens: int | None = None
    cache_marks: bool = False


def model_facts(name: str) -> ModelFacts:
    """Return the facts of a litellm model string, looked up with and without provider prefixes.

    `openrouter/openai/gpt-5-mini` falls back to `gpt-5-mini`: gateways keep the model's limits.
    """
    if name.startswith(OFFLINE):
        return ModelFacts(OFFLINE_WINDOW, supports_schema=True)
    entry = map_entry(name)
    if entry is None:
        return ModelFacts()
    listed = _int(entry.get("prompt_cache_min_tokens"))
    least = listed or _CACHE_MIN_TOKENS.get(str(entry.get("litellm_provider")))
    caches = entry.get("cache_read_input_token_cost") is not None and least is not None
    return ModelFacts(
        context_window=_int(entry.get("max_input_tokens") or entry.get("max_tokens")),
        max_output_tokens=_int(entry.get("max_output_tokens")),
        supports_schema=bool(entry.get("supports_response_schema", False)),
        cache_min_tokens=least if caches else None,
        cache_marks=caches and _needs_marks(name, entry),
    )


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
