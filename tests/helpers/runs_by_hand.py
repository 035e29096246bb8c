"""Run directories made by hand, with just what a comparison reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml


def make_run(
    path: Path,
    *,
    wall_s: float = 1.0,
    status: str = "completed",
    overrides: tuple[str, ...] = (),
    config: dict[str, Any] | None = None,
    metadata: dict[str, Any] | None = None,
    **figures: Any,
) -> Path:
    """Write a run; *config* is by dotted keys, *figures* go into benchmark.json's `run`."""
    resolved: dict[str, Any] = {
        "repeat": 0,
        "output": {"dir": "outputs", "console": "plain"},
        "model": {"name": "openai/some", "api_base": None, "simulate": None},
        "processing": {"mode": "concurrent", "max_concurrent": 3},
    }
    for key, value in (config or {}).items():
        *above, last = key.split(".")
        section = resolved
        for part in above:
            section = section.setdefault(part, {})
        section[last] = value
    told = {
        "status": status,
        "transcript": {"sha256": "ab" * 32},
        "stages": {"stage_a": {"analyzers": {"say_means": "ok", "gaps": "ok"}}},
        **(metadata or {}),
    }
    run = {
        "wall_s": wall_s,
        "ideal_s": wall_s * 0.9,
        "efficiency": 0.9,
        "succeeded": 8,
        "total": 8,
        "reused": 0,
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "cached_tokens": 0,
        "cost_usd": 0.01,
        "grounding_rate": 1.0,
        **figures,
    }
    put(path / "metadata.json", told)
    put(path / "logs/benchmark.json", {"run": run})
    put(path / "config/overrides.json", list(overrides))
    (path / "config/resolved.yaml").write_text(yaml.safe_dump(resolved))
    if status == "completed":
        (path / "COMPLETED").touch()
    return path


def slots(path: Path, count: int, wall_s: float, repeat: int = 0, **more: Any) -> Path:
    """Write a run with *count* calls in flight, as a sweep over that would."""
    return make_run(
        path,
        wall_s=wall_s,
        overrides=(f"processing.max_concurrent={count}", f"repeat={repeat}"),
        config={"processing.max_concurrent": count, "repeat": repeat, **more.pop("config", {})},
        **more,
    )


def put(file: Path, value: Any) -> None:
    """Write JSON, with the directories above it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value))
