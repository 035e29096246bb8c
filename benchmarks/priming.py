"""What priming saves and costs: stage A's shared prefix on the simulated provider.

    python -m benchmarks.priming [--repeats N]

The sample is read by the four analyzers of stage A at four slots, with and without priming, in
turn in one session; the simulated provider counts as cached only what it has answered before.
Prices are made up (3 US dollars per million prompt tokens, a tenth of that when cached).
"""

import argparse
import json
import logging
import statistics
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.common import run_once

MODEL = (
    "model=simulated",
    "model.input_usd_per_mtok=3",
    "model.output_usd_per_mtok=15",
    "model.cached_usd_per_mtok=0.3",
    "model.simulate.latency_s=0.3",
    "model.simulate.jitter=0",
    "model.simulate.cache_min_tokens=1024",
    "processing.max_concurrent=4",
)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=3, help="runs of each setting")
    repeats = parser.parse_args().repeats
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        runs: dict[str, list[dict[str, Any]]] = {"off": [], "on": []}
        for _ in range(repeats):
            for setting, seen in runs.items():
                chosen = [*MODEL, f"processing.prime_prefix={setting}"]
                path = run_once(Path(folder), chosen)
                seen.append(json.loads((path / "logs/benchmark.json").read_bytes()))
    show(runs, repeats)


def show(runs: dict[str, list[dict[str, Any]]], repeats: int) -> None:
    """Print stage A's figures; medians for times, which are what varies."""
    print(f"stage A of the sample, 4 analyzers at 4 slots, medians of {repeats} runs")
    print("priming  prompt tokens  cached  paid in full  cost $   stage wall s")
    for setting, seen in runs.items():
        stage = seen[0]["stages"]["stage_a"]
        wall = statistics.median(run["stages"]["stage_a"]["wall_s"] for run in seen)
        full = stage["prompt_tokens"] - stage["cached_tokens"]
        print(
            f"{setting:<7}  {stage['prompt_tokens']:>13}  {stage['cached_tokens']:>6}  {full:>12}  "
            f"{stage['cost_usd']:.5f}  {wall:>12.3f}"
        )


if __name__ == "__main__":
    main()
