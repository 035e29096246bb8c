"""The error of colloquy-whatif: one recorded run predicts the others, which are then run.

    python -m benchmarks.whatif [--repeats N] [--scale F]

The simulated provider answers the sample in three ways: each analyzer after its own fixed time,
after a time drawn once per analyzer, or after a time drawn for each request, as with real
providers, which no prediction can know. Medians over the repeats, each of which records once and
has its own seed.
"""

import argparse
import json
import logging
import math
import os
import random
import statistics
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from benchmarks.common import LATENCY_S, run_once
from runner.reports.whatif.command import grid, predict, read_recording
from runner.run.cli.compose import register_resolvers

RECORDED = 3  # calls in flight in the run that is recorded
SETTINGS = (1, 2, 3, 4, 8)
SIGMA = 0.2


@dataclass(frozen=True, slots=True)
class Measured:
    """One setting of one way to answer: seconds predicted by the calls alone, with, and real."""

    way: str
    setting: str
    alone_s: float
    predicted_s: float
    actual_s: float


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--repeats", type=int, default=1, help="recordings of each way")
    parser.add_argument("--scale", type=float, default=1.0, help="factor on every latency")
    arguments = parser.parse_args()
    os.environ.setdefault("OPENAI_API_KEY", "none-is-needed-on-loopback")
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    register_resolvers()
    rows = [
        row
        for seed in range(arguments.repeats)
        for way in ("fixed", "drawn once", "redrawn")
        for row in measure(way, arguments.scale, seed)
    ]
    show(rows, arguments.repeats)


def provider(way: str, scale: float, seed: int) -> list[str]:
    """Return the overrides of a simulated provider that answers in one of the three *way*s."""
    rng = random.Random(seed)
    spread = {name: math.exp(rng.gauss(0.0, SIGMA)) for name in LATENCY_S}
    latency_s = {name: seconds * scale for name, seconds in LATENCY_S.items()}
    if way == "drawn once":
        latency_s = {name: seconds * spread[name] for name, seconds in latency_s.items()}
    return [
        "model=simulated",
        f"model.simulate.seed={seed}",
        "model.simulate.per_token_s=0",
        "model.simulate.per_prompt_token_s=0",
        f"model.simulate.jitter={SIGMA if way == 'redrawn' else 0.0}",
        *(f"+model.simulate.by_analyzer_s.{n}={s:.4f}" for n, s in latency_s.items()),
    ]


def measure(way: str, scale: float, seed: int) -> list[Measured]:
    """Record one run, predict all settings from it, run these."""
    overrides = provider(way, scale, seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run_once(folder, ["model=simulated", "model.simulate.latency_s=0.01"])  # warms up
        (folder / "history.json").unlink()
        recorded = run_once(folder, [*overrides, f"processing.max_concurrent={RECORDED}"])
        chosen = grid([f"max_concurrent={','.join(map(str, SETTINGS))}"])
        predictions = predict(read_recording(recorded), chosen)
        actual = {
            slots: _wall_s(run_once(folder, [*overrides, f"processing.max_concurrent={slots}"]))
            for slots in SETTINGS
        }
    return [
        Measured(way, row.setting, row.wall_s, row.with_overhead_s, actual[slots])
        for slots, row in zip(SETTINGS, predictions, strict=True)
    ]


def _wall_s(path: Path) -> float:
    measured = json.loads((path / "logs/benchmark.json").read_bytes())
    return float(measured["run"]["wall_s"])


def show(rows: list[Measured], repeats: int) -> None:
    """Print the table; a median error is the median of the errors, by size."""
    print(
        f"what-if from one run with max_concurrent={RECORDED} on the simulated provider, "
        f"medians of {repeats} recordings"
    )
    print("latencies   setting           calls alone  predicted   actual   error  largest")
    groups: dict[tuple[str, str], list[Measured]] = {}
    for row in rows:
        groups.setdefault((row.way, row.setting), []).append(row)
    for (way, setting), mine in groups.items():
        errors = sorted((row.predicted_s / row.actual_s - 1 for row in mine), key=abs)
        print(
            f"{way:<11} {setting:<17} {_median(mine, 'alone_s'):>9.3f} s "
            f"{_median(mine, 'predicted_s'):>8.3f} s {_median(mine, 'actual_s'):>7.3f} s  "
            f"{statistics.median_low(map(abs, errors)):>6.1%}   {abs(errors[-1]):>6.1%}"
        )
    worst: Mapping[str, float] = {
        way: max(abs(r.predicted_s / r.actual_s - 1) for r in rows if r.way == way)
        for way in dict.fromkeys(row.way for row in rows)
    }
    print("largest error: " + ", ".join(f"{way} {error:.1%}" for way, error in worst.items()))


def _median(rows: list[Measured], field: str) -> float:
    return float(statistics.median(getattr(row, field) for row in rows))


if __name__ == "__main__":
    main()
