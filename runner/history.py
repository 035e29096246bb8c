"""How long each analyzer's call took last time, so that the longest can start first."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import orjson

from runner.files import make_directory, write_json

NEW_WEIGHT = 0.5  # exponential moving average: the last run counts half


def read_history(path: Path, model: str) -> dict[str, float]:
    """Return seconds by analyzer for *model*; empty where the file is missing or unreadable."""
    try:
        entries = orjson.loads(path.read_bytes()).get(model, {})
        return {str(name): float(seconds) for name, seconds in entries.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}  # a lost history costs a little speed and nothing else


def write_history(path: Path, model: str, latency_s: Mapping[str, float]) -> None:
    """Fold *latency_s* by analyzer into the file."""
    try:
        entries = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        entries = {}
    known = read_history(path, model)
    for name, seconds in latency_s.items():
        old = known.get(name, seconds)
        known[name] = round(old + NEW_WEIGHT * (seconds - old), 4)
    make_directory(path.parent)
    write_json(path, {**(entries if isinstance(entries, dict) else {}), model: known})


def expected_durations(
    history: Mapping[str, float], max_tokens: Mapping[str, int]
) -> dict[str, float]:
    """Return what each analyzer is expected to take, longest = largest.

    Seconds where every analyzer has a history, else *max_tokens* for all: the two scales
    must not be mixed.
    """
    if all(name in history for name in max_tokens):
        return {name: history[name] for name in max_tokens}
    return {name: float(tokens) for name, tokens in max_tokens.items()}
