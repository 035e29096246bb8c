"""The whole command beside aiohttp alone, in one run: ratios, and which bars they meet.

    python -m benchmarks.whole_command [--rounds N] [--litellm] [--scale] [--full] [--json FILE]

Everything runs in processes of its own: the command as a user starts it, aiohttp and litellm with
the bodies that the command sent, and a loopback server (benchmarks/loopback.py) with recorded
replies. Walls are from the first request to the last reply at that server. CPU is user
and system time of a process and its children; two sizes of a batch give its slope, so that
start-up doesn't count. Medians of the rounds; ratios are of one round.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

import orjson
from hydra import compose, initialize_config_module

from benchmarks.batches import scratch
from benchmarks.loopback import FIRST, Latency, Loopback, Served, loopback, renamed
from runner.calls.schedule import Duration, ideal_makespan
from runner.job.build import build_job

SAMPLE = Path(__file__).resolve().parents[1] / "samples/sample1.md"
LATENCY_S = {
    "say_means": 1.2,
    "perspective_perception": 0.9,
    "premises_assertions": 0.6,
    "postulate_theorem": 1.5,
    "competing_hypotheses": 0.9,
    "first_principles": 1.5,
    "determining_factors": 1.2,
    "patentability": 0.6,
}
CALLS = len(LATENCY_S)  # of a transcript
GRAPH = (("sequential", 1), *(("concurrent", slots) for slots in (1, 3, 4, 8)))
IN_FLIGHT = 64
FEW, MANY = 20, 200  # transcripts of the batches whose difference is what calls cost
SCALE = (100, 1_000, 10_000)
SHORT = Latency(low=0.05, high=0.05)
VARYING = Latency(low=0.2, high=2.0)
BARS = {"wall/ideal": 1.03, "cpu": 12.0, "wall": 4.0, "flat": 0.10, "lag": 50.0}


@dataclass(frozen=True, slots=True)
class Measured:
    """One process: seconds of CPU and of wall time, and the longest lag (ours only)."""

    calls: int
    cpu_s: float
    wall_s: float
    in_flight: float
    peak: int
    lag_ms: float | None = None


@dataclass(slots=True)
class Table:
    """The rows to print, each a name, a text and, where there is a bar, a figure and the bar."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, text: str, figure: float | None = None, bar: str = "") -> None:
        """Add a row; *bar* is a key of BARS, at most which *figure* may be."""
        limit = BARS.get(bar)
        met = None if limit is None or figure is None else figure <= limit
        self.rows.append({"name": name, "text": text, "figure": figure, "bar": limit, "met": met})
        verdict = "" if met is None else f"<= {limit:g}  {'pass' if met else 'FAIL'}"
        print(f"{name:<34} {text:<52} {verdict}".rstrip(), flush=True)


def main() -> None:
    """Run from the command line; exit with 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--factor", type=float, default=1.0, help="on the graph's latencies")
    parser.add_argument("--replies", choices=("offline", "simulated"), default="simulated")
    parser.add_argument("--litellm", action="store_true", help="litellm.acompletion too")
    parser.add_argument("--scale", action="store_true", help="batches of 100 and 1,000 too")
    parser.add_argument("--full", action="store_true", help="and of 10,000")
    parser.add_argument("--only", choices=("graph", "batch", "lag", "scale"))
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    os.environ.setdefault("OPENAI_API_KEY", "none-is-needed-on-loopback")
    table = Table()
    with scratch() as name, loopback(recorded_replies(Path(name), options.replies)) as server:
        bench = Bench(Path(name), server, table)
        if options.only in (None, "graph"):
            bench.graph(options.rounds, options.factor)
        if options.only in (None, "batch"):
            bench.batch(options.rounds, ["aiohttp", *["litellm"] * options.litellm])
        if options.only in (None, "lag"):
            bench.lag()
        if options.scale or options.full or options.only == "scale":
            bench.scale(SCALE if options.full else SCALE[:-1])
    if options.json:
        options.json.write_text(json.dumps(table.rows, indent=2), encoding="utf-8")
    sys.exit(any(row["met"] is False for row in table.rows))


@dataclass(slots=True)
class Bench:
    """What is measured with the *server*, in *folder*, into *table*."""

    folder: Path
    server: Loopback
    table: Table

    def graph(self, rounds: int, factor: float) -> None:
        """One transcript, beside the ideal of the same scheduler with these latencies."""
        fixed = {name: seconds * factor for name, seconds in LATENCY_S.items()}
        work, of = (
            {name: Duration(s) for name, s in fixed.items()},
            build_job(configuration()).pipeline,
        )
        latency = Latency(fixed=fixed, exact=True)
        own = [f"transcript={SAMPLE}", "reuse=off", f"output.dir={self.folder}/graph"]
        self.colloquy(own, latency, CALLS)  # the first run of all shows what calls take
        walls: dict[tuple[str, int], list[float]] = {row: [] for row in GRAPH}
        for _ in range(rounds):
            for mode, slots in GRAPH:
                how = [f"processing.mode={mode}", f"processing.max_concurrent={slots}"]
                walls[mode, slots].append(self.colloquy([*own, *how], latency, CALLS).wall_s)
        before_s = median(walls[GRAPH[0]])
        for (mode, slots), found in walls.items():
            wall_s, ideal_s = median(found), ideal_makespan(of, work, slots, mode)
            text = f"{wall_s:.3f} s, ideal {ideal_s:.3f}, × ideal {wall_s / ideal_s:.3f}, "
            text += f"speed-up {before_s / wall_s:.2f}"
            self.table.add(
                f"one transcript, {mode}, slots {slots}", text, wall_s / ideal_s, "wall/ideal"
            )

    def batch(self, rounds: int, ways: Sequence[str]) -> None:
        """MANY transcripts beside as many calls by aiohttp alone, round by round."""
        found: dict[str, list[tuple[Measured, Measured]]] = {}
        for _ in range(rounds):
            for way in ("colloquy", *ways):
                few, many = (self.measured(way, size, SHORT) for size in (FEW, MANY))
                found.setdefault(way, []).append((few, many))
        raw_ms = [slope_ms(*pair) for pair in found["aiohttp"]]
        raw_s = [many.wall_s for _, many in found["aiohttp"]]
        for way, pairs in found.items():
            own_ms, own_s = [slope_ms(*p) for p in pairs], [many.wall_s for _, many in pairs]
            cpu = median(a / b for a, b in zip(own_ms, raw_ms, strict=True))
            wall = median(a / b for a, b in zip(own_s, raw_s, strict=True))
            ours, name = way == "colloquy", f"{MANY} × {CALLS} calls, {way}"
            self.table.add(
                f"{name}, CPU",
                f"{median(own_ms):.3f} ms a call, × aiohttp {cpu:.1f}",
                cpu,
                "cpu" if ours else "",
            )
            self.table.add(
                f"{name}, wall",
                f"{median(own_s):.2f} s, × aiohttp {wall:.1f}",
                wall,
                "wall" if ours else "",
            )
            busy, peak = (
                median(getattr(many, n) for _, many in pairs) for n in ("in_flight", "peak")
            )
            text = f"{busy:.1f} of {IN_FLIGHT} filled ({busy / IN_FLIGHT:.0%}), at most {peak:.0f}"
            self.table.add(f"{name}, slots", text)

    def lag(self) -> None:
        """The longest lag of the event loop while latencies vary."""
        one = self.measured("colloquy", MANY, VARYING)
        text = f"{one.lag_ms:.1f} ms, {one.in_flight:.1f} of {IN_FLIGHT} slots filled"
        self.table.add("event loop, longest lag", text, one.lag_ms, "lag")

    def scale(self, sizes: Sequence[int]) -> None:
        """How flat CPU and wall per call are from the smallest of *sizes* to the largest."""
        few = self.measured("colloquy", FEW, SHORT)
        many = {size: self.measured("colloquy", size, SHORT) for size in sizes}
        costs = {"CPU": {size: slope_ms(few, one) for size, one in many.items()}}
        costs["wall"] = {size: 1e3 * one.wall_s / one.calls for size, one in many.items()}
        for what, by_size in costs.items():
            least, *more = by_size.values()
            growth = max(cost / least - 1 for cost in more)
            text = ", ".join(f"{size:,}: {cost:.2f}" for size, cost in by_size.items())
            self.table.add(f"{what} per call by transcripts, ms", text, growth, "flat")

    def measured(self, way: str, size: int, latency: Latency) -> Measured:
        """Make the calls of *size* transcripts by one way."""
        if way == "colloquy":
            return self.colloquy(self.batch_arguments(size), latency, size * CALLS)
        numbers = [str(size * CALLS), str(IN_FLIGHT)]
        bodies = str(self.folder / "bodies.json")
        command = ["benchmarks.raw_client", way, self.server.url, bodies, *numbers]
        return self.process(command, latency, size * CALLS)[0]

    def batch_arguments(self, size: int) -> list[str]:
        """Return the command line of a batch over *size* transcripts, into a new directory."""
        talks = self.folder / f"talks-{size}"
        if not talks.exists():
            talks.mkdir()
            said = SAMPLE.read_text(encoding="utf-8")
            for number in range(size):
                path = talks / f"talk-{number:05d}.md"
                path.write_text(renamed(said, number), encoding="utf-8")
        outputs = tempfile.mkdtemp(prefix="batch-", dir=self.folder)
        return [
            f"transcript={talks}",
            f"output.dir={outputs}",
            f"processing.max_concurrent={IN_FLIGHT}",
        ]

    def colloquy(self, arguments: Sequence[str], latency: Latency, calls: int) -> Measured:
        """Run the command; raise SystemExit unless every call was answered."""
        command = ["runner", "model=openai", f"model.api_base={self.server.url}", *arguments]
        measured, served = self.process(command, latency, calls)
        (self.folder / "bodies.json").write_bytes(b"[%s]" % b",".join(served.bodies))
        outputs = next(a for a in arguments if a.startswith("output.dir=")).partition("=")[2]
        runs = sorted(Path(outputs).glob("*/*/logs/benchmark.json"))
        lag = orjson.loads(runs[-1].read_bytes())["run"]["loop_lag"]
        return replace(measured, lag_ms=lag["max_ms"])

    def process(
        self, module: Sequence[str], latency: Latency, calls: int
    ) -> tuple[Measured, Served]:
        """Run a module with its arguments, as a process; raise SystemExit if it fails."""
        log = self.folder / "log.txt"
        self.server.begin(latency)
        with log.open("wb") as output:
            command = [sys.executable, "-m", *module]
            process = subprocess.Popen(command, stdout=output, stderr=output)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        served = self.server.end()
        if process.returncode != 0 or len(served.times) != calls:
            sys.exit(
                f"{' '.join(command)}: exit {process.returncode}, {len(served.times)} of {calls} "
                f"calls\n{log.read_text(errors='replace')}"
            )
        cpu_s = used.ru_utime + used.ru_stime
        return Measured(calls, cpu_s, served.wall_s, served.in_flight, served.peak), served


def slope_ms(few: Measured, many: Measured) -> float:
    """Return milliseconds of CPU per call, without what both processes spent on starting."""
    return 1e3 * (many.cpu_s - few.cpu_s) / (many.calls - few.calls)


def configuration(*overrides: str) -> Any:
    """Compose the shipped configuration."""
    with initialize_config_module("conf", version_base="1.3"):
        return compose("config", overrides=list(overrides))


def recorded_replies(folder: Path, model: str) -> dict[str, str]:
    """Run the sample once with *model* and return each analyzer's reply."""
    command = [
        sys.executable,
        "-m",
        "runner",
        f"transcript={SAMPLE}",
        f"output.dir={folder}/{model}",
        f"model={model}",
    ]
    subprocess.run([*command, "output.console=quiet"], check=True, stdout=subprocess.DEVNULL)
    records = [
        orjson.loads(p.read_bytes()) for p in folder.glob(f"{model}/runs/*/intermediate/*/*.json")
    ]
    return {
        record["analyzer"]: record["raw_output"].replace('"Simulated', f'"{FIRST} on simulated')
        for record in records
    }


if __name__ == "__main__":
    main()
