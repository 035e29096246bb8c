"""Start-up time of the command: help, an error, the first request, a run, each job of a sweep.

    python -m benchmarks.startup [--rounds N]

Every figure is the median of new processes that run the installed code on the sample. The first
request is timed from the start of the process to the run's first `node.started`. A further job of
a sweep is timed between the ends of two runs, less the time from its own first `node.started` to
its last `node.finished`. `import litellm` alone is measured for comparison.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path

COLLOQUY = (sys.executable, "-m", "runner")
QUIET = ("output.console=quiet", "reuse=off")
SLOTS = (1, 2, 4, 8)
SWEEP = ("-m", f"processing.max_concurrent={','.join(map(str, SLOTS))}", *QUIET)
SIMULATED = ("model=simulated", "model.simulate.latency_s=0.05")
IMPORT = ("-c", "import litellm")
Figures = dict[str, tuple[float, float | None]]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    show([measure() for _ in range(rounds)])


def measure() -> Figures:
    """Return seconds of wall and of CPU time by what was done; no CPU for a part of a run."""
    found: Figures = {}
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        found["colloquy --help"] = timed([*COLLOQUY, "--help"])
        found["an unknown choice"] = timed([*COLLOQUY, "model=nope"], code=2)
        found["a value out of range"] = timed(
            [*COLLOQUY, "processing.max_concurrent=0", f"output.dir={root}"], code=2
        )
        found["import litellm alone"] = timed([sys.executable, *IMPORT])
        begun, where = time.time(), root / "single"
        found["whole offline run"] = timed([*COLLOQUY, *QUIET, f"output.dir={where}"])
        (run,) = runs(where)
        found["first offline request"] = run["node.started"][0] - begun, None
        for model, options in (("offline", ()), ("simulated", SIMULATED)):
            timed([*COLLOQUY, *SWEEP, *options, f"output.dir={root / model}"])
            found[f"further job of a sweep, {model}"] = between(runs(root / model)), None
    return found


def timed(command: Sequence[str], code: int = 0) -> tuple[float, float]:
    """Return the seconds that *command* takes and its CPU time; it must end with *code*."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        command,
        env={**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        capture_output=True,
        text=True,
        check=False,
    )
    wall_s, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != code:
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
    return wall_s, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def runs(root: Path) -> list[dict[str, list[float]]]:
    """Return for each run under *root*, the earliest first, its events' times by name."""
    found = []
    for path in root.rglob("events.jsonl"):
        times: dict[str, list[float]] = {}
        for line in path.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            at_s = datetime.fromisoformat(event["timestamp"]).timestamp()
            times.setdefault(event["event"], []).append(at_s)
        found.append(times)
    return sorted(found, key=lambda times: times["run.started"])


def between(sweep: Sequence[dict[str, list[float]]]) -> float:
    """Return the median seconds that each job but the first takes over its calls."""
    extra = []
    for last, this in pairwise(sweep):
        calls_s = this["node.finished"][-1] - this["node.started"][0]
        extra.append(this["run.finished"][0] - last["run.finished"][0] - calls_s)
    return statistics.median(extra)


def show(rounds: Sequence[Figures]) -> None:
    """Print the table."""
    print(f"medians of {len(rounds)} rounds, each in processes of its own")
    print("what                                wall s   CPU s")
    for what in rounds[0]:
        walls, cpus = zip(*(figures[what] for figures in rounds), strict=True)
        told = [cpu for cpu in cpus if cpu is not None]
        cpu_s = f"{statistics.median(told):.2f}" if told else "-"
        print(f"{what:<34} {statistics.median(walls):>7.2f} {cpu_s:>7}")


if __name__ == "__main__":
    main()
