"""What is known of a model: litellm's local map, read without importing litellm, and our own."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

OFFLINE = "offline/"  # how the names of our own extractive models begin
OFFLINE_WINDOW = 2_000_000  # tokens; the readings are linear, so this bounds memory only

_MAP = "model_prices_and_context_window_backup.json"


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Limits in tokens and prices in US dollars per million tokens; None where unknown."""

    context_window: int | None = None
    max_output_tokens: int | None = None
    input_usd_per_mtok: float | None = None
    output_usd_per_mtok: float | None = None
    supports_schema: bool | None = None


def model_facts(name: str) -> ModelFacts:
    """Look up a litellm model string, with or without its provider prefix."""
    if name.startswith(OFFLINE):
        return ModelFacts(context_window=OFFLINE_WINDOW, supports_schema=True)
    entries = _entries()
    entry = entries.get(name) or entries.get(name.split("/", 1)[-1])
    if entry is None:
        return ModelFacts()
    return ModelFacts(
        context_window=_int(entry.get("max_input_tokens") or entry.get("max_tokens")),
        max_output_tokens=_int(entry.get("max_output_tokens")),
        input_usd_per_mtok=_per_million(entry.get("input_cost_per_token")),
        output_usd_per_mtok=_per_million(entry.get("output_cost_per_token")),
        supports_schema=bool(entry.get("supports_response_schema", False)),
    )


@lru_cache
def _entries() -> Mapping[str, Mapping[str, Any]]:
    spec = importlib.util.find_spec("litellm")
    if spec is None or not spec.submodule_search_locations:
        return {}
    path = Path(spec.submodule_search_locations[0]) / _MAP
    entries: dict[str, dict[str, Any]] = orjson.loads(path.read_bytes()) if path.is_file() else {}
    return entries


def _int(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) else None


def _per_million(value: Any) -> float | None:
    return float(value) * 1e6 if isinstance(value, int | float) else None
