"""What a sweep minimises: a run's figures as the numbers that Hydra hands to its sweeper."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

Objective = float | tuple[float, ...]


def objective(names: Sequence[str], benchmark: Mapping[str, Any]) -> Objective:
    """Return the figures called *names* of a run, the less the better; one alone as a float.

    `wall_s` in seconds, `cost_usd` in US dollars, `total_tokens` of prompts and replies,
    `failed` analyzers, `ungrounded` the share of quotes that do not stand in the transcript.
    Time, cost and tokens of a run in which an analyzer failed are infinite: what was left out
    must not win. So is an unknown cost; a run that quotes nothing is wholly ungrounded.
    """
    values = tuple(_value(name, benchmark["run"]) for name in names)
    return values[0] if len(values) == 1 else values


def _value(name: str, run: Mapping[str, Any]) -> float:
    failed = run["total"] - run["succeeded"]
    if name == "failed":
        return float(failed)
    if name == "ungrounded":
        rate = run.get("grounding_rate")
        return 1.0 if rate is None else round(1.0 - rate, 6)
    tokens = run["prompt_tokens"] + run["completion_tokens"]
    value = tokens if name == "total_tokens" else run[name]
    return math.inf if failed or value is None else float(value)
