"""Sweep objective: a run's figures as the numbers that Hydra's sweeper minimises."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

Objective = float | tuple[float, ...]


def objective(names: Sequence[str], benchmark: Mapping[str, Any]) -> Objective:
    """Return the figures called *names* of a run (lower is better); a single one as a float.

    `wall_s` is in seconds, `cost_usd` in US dollars, `total_tokens` counts prompts and replies,
    `failed` failed analyzers; `ungrounded` is the share of quotes that are not in the
    transcript, 1 without a quote; `failed_checks` counts them, infinite without any check.
    An unknown cost is infinite. So are time, cost and tokens if an analyzer failed: an incomplete
    run must not win.
    """
    values = tuple(_value(name, benchmark["run"]) for name in names)
    return values[0] if len(values) == 1 else values


def _value(name: str, run: Mapping[str, Any]) -> float:
    failed = run["total"] - run["succeeded"]
    if name == "failed":
        return float(failed)
    if name == "failed_checks":
        return math.inf if run.get(name) is None else float(run[name])
    if name == "ungrounded":
        rate = run.get("grounding_rate")
        return 1.0 if rate is None else round(1.0 - rate, 6)
    tokens = run["prompt_tokens"] + run["completion_tokens"]
    value = tokens if name == "total_tokens" else run[name]
    return math.inf if failed or value is None else float(value)
