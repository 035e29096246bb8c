"""Sweep objective: the figures of a run that Hydra's sweeper minimises."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.base.errors import ConfigError
from runner.base.text import print_stderr
from runner.job.job import Setup
from runner.reports.compare.assessment_data import known_labels, precision_of

Objective = float | tuple[float, ...]
_PRECISION = "1-precision"
_UNKNOWN = {
    "failed_checks": "no check was made: name some with checks=NAME",
    "1-coverage": "its coverage is unknown",
    _PRECISION: "no finding of it, or similar one, is labelled right or wrong: colloquy-review DIR",
}


def check_objective(job: Setup) -> None:
    """Raise ConfigError, before anything is sent, if there are no checks or labels to count."""
    if "failed_checks" in job.settings.objective and not job.expected:
        raise ConfigError("objective=failed_checks: no checks are set, such as checks=meeting")
    if _PRECISION in job.settings.objective and not known_labels([job.root / "runs" / "new"])[0]:
        raise ConfigError(
            f"objective={_PRECISION}: there is no labels.csv with a verdict under {job.root}: mark "
            f"findings of a run first, with colloquy-review DIR"
        )


def objective(
    names: Sequence[str], benchmark: Mapping[str, Any], path: Path | None = None
) -> Objective:
    """Return the figures called *names* of a run (lower is better); a single one as a float.

    `wall_s` is in seconds, `cost_usd` in US dollars, `total_tokens` counts prompts and replies,
    `failed` failed analyzers, `failed_checks` checks; `ungrounded` is the share of quotes that are
    not in the transcript, 1 without a quote. `1-coverage` is the share of the transcript's tokens
    that no finding cites, `1-precision` that of the labelled findings of the run in *path* that
    are wrong. What is unknown is infinite, and one line says so. So are time, cost, tokens and
    `1-precision` if an analyzer failed: an incomplete run must not win.
    """
    values = tuple(_value(name, benchmark["run"], path) for name in names)
    return values[0] if len(values) == 1 else values


def _value(name: str, run: Mapping[str, Any], path: Path | None) -> float:
    if name in _UNKNOWN:
        return _judged(name, run, path)
    failed = run["total"] - run["succeeded"]
    if name == "failed":
        return float(failed)
    if name == "ungrounded":
        rate = run.get("grounding_rate")
        return 1.0 if rate is None else round(1.0 - rate, 6)
    tokens = run["prompt_tokens"] + run["completion_tokens"]
    value = tokens if name == "total_tokens" else run[name]
    return math.inf if failed or value is None else float(value)


def _judged(name: str, run: Mapping[str, Any], path: Path | None) -> float:
    if name == "failed_checks":
        value = run.get(name)
    else:
        coverage = run.get("coverage")
        if name == _PRECISION:
            if run["total"] > run["succeeded"]:
                return math.inf
            coverage = None if path is None else precision_of(path)
        value = None if coverage is None else round(1.0 - coverage, 6)
    if value is None:
        print_stderr(f"colloquy: objective={name} counts as infinite: {_UNKNOWN[name]}")
    return math.inf if value is None else float(value)
