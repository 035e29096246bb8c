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
    if _PRECISION in job.settings.objective:
        labels, notes = known_labels([job.root / "runs" / "new"])
        if not labels:
            fault = f"there is no labels.csv with a verdict under {job.root}"
            way_out = " ".join(["mark findings of a run first, with colloquy-review DIR.", *notes])
            raise ConfigError(f"objective={_PRECISION}: {fault}: {way_out}")


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
    failed = run["total"] - run["succeeded"]
    if name == "failed":
        return float(failed)
    if name == "ungrounded":
        return _rest(run.get("grounding_rate") or 0.0)
    if failed and name not in ("failed_checks", "1-coverage"):
        return math.inf
    if name == "total_tokens":
        value = run["prompt_tokens"] + run["completion_tokens"]
    elif name in ("1-coverage", _PRECISION):
        share = run.get("coverage")
        if name == _PRECISION:
            share = None if path is None else precision_of(path)
        value = None if share is None else _rest(share)
    else:
        value = run.get(name)
    if value is None and name in _UNKNOWN:
        print_stderr(f"colloquy: objective={name} counts as infinite: {_UNKNOWN[name]}")
    return math.inf if value is None else float(value)


def _rest(share: float) -> float:
    return round(1.0 - share, 6)
