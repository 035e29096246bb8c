"""The whole command beside aiohttp alone in one run, as ratios with bars.

    python -m benchmarks.whole_command [--rounds N] [--litellm] [--scale [--full]] [--json FILE]

The command as a user starts it, aiohttp and litellm run as processes of their own. aiohttp and
litellm send bodies that the command sent. A loopback server (benchmarks/loopback.py) answers with
simulated replies. Wall time is from the first request to the last reply at that server. CPU is the
user and system time of a process and its children; the difference between two sizes of a batch
excludes start-up. Figures are medians of the rounds, ratios are of one round.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from benchmarks.batches import scratch
from benchmarks.common import LATENCY_S, SAMPLE
from benchmarks.loopback import Latency, Loopback, Served, loopback, renamed
from runner.base.tokens import tokenizer_for
from runner.calls.schedule import Duration, ideal_makespan
from runner.job.build import build_job
from runner.providers.simulated.chat import message_texts
from runner.run.cli.compose import compose_config

CALLS = len(LATENCY_S)  # of a transcript
IN_FLIGHT = 64
SCALE = (100, 1_000, 10_000)  # transcripts
SHORT = Latency(low=0.05, high=0.05)
VARYING = Latency(low=0.2, high=2.0)
BARS = {
    "wall/ideal": ("<=", 1.03),
    "speed-up": (">=", 2.0),
    "cpu": ("<=", 12.0),
    "wall": ("<=", 4.0),
    "flat": ("<=", 0.10),
    "lag": ("<=", 50.0),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """One process: its CPU time, its requests, and `run` of benchmark.json where it is ours."""

    cpu_s: float
    served: Served
    run: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Table:
    """Rows that are printed as they are added, each with its figure and its bar."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, text: str, figure: float | None = None, bar: str = "") -> None:
        """Add a row; *bar* is the key in BARS that *figure* has to meet."""
        row = {"name": name, "text": text, "figure": figure, "bar": None, "met": None}
        verdict = ""
        if figure is not None and bar in BARS:
            sign, limit = BARS[bar]
            met = figure <= limit if sign == "<=" else figure >= limit
            row |= {"bar": f"{sign} {limit:g}", "met": met}
            verdict = f"{row['bar']:<8} {'pass' if met else 'FAIL'}"
        self.rows.append(row)
        print(f"{name:<34} {text:<83} {verdict}".rstrip(), flush=True)


def main() -> None:
    """Run from the command line; exit with 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--factor", type=float, default=1.0, help="on all latencies")
    parser.add_argument("--slots", type=int, nargs="+", default=[1, 2, 3, 4, 8], help="of graph")
    parser.add_argument("--transcripts", type=int, default=200, help="of batch and lag")
    parser.add_argument("--litellm", action="store_true", help="litellm.acompletion too")
    parser.add_argument("--scale", action="store_true", help="batches of 100 and 1,000 too")
    parser.add_argument("--full", action="store_true", help="and of 10,000")
    parser.add_argument("--only", choices=("graph", "batch", "lag", "scale"))
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    os.environ.setdefault("OPENAI_API_KEY", "none-is-needed-on-loopback")
    table = Table()
    with scratch() as name, loopback() as server:
        bench = Bench(Path(name), server, table, options.factor)
        if options.only in (None, "graph"):
            bench.graph(options.rounds, options.slots)
        if options.only in (None, "batch"):
            ways = ("colloquy", "aiohttp", *["litellm"] * options.litellm)
            bench.batch(options.rounds, options.transcripts, ways)
        if options.only in (None, "lag"):
            bench.lag(options.transcripts)
        if options.scale or options.full or options.only == "scale":
            bench.scale(SCALE if options.full else SCALE[:-1])
    if options.json:
        options.json.write_text(json.dumps(table.rows, indent=2), encoding="utf-8")
    sys.exit(any(row["met"] is False for row in table.rows))


@dataclass(frozen=True, slots=True)
class Bench:
    """Measures with the *server* in *folder*; *factor* is applied to all latencies."""

    folder: Path
    server: Loopback
    table: Table
    factor: float

    def graph(self, rounds: int, slots: Sequence[int]) -> None:
        """Measure one transcript, beside the ideal of the same scheduler with these latencies."""
        latency = Latency(fixed=LATENCY_S, exact=True)
        own = [f"transcript={SAMPLE}", "reuse=off", f"output.dir={self.folder}/graph"]
        settings = [("sequential", 1), *(("concurrent", number) for number in slots)]
        found: dict[tuple[str, int], list[Measured]] = {setting: [] for setting in settings}
        for _ in range(rounds):
            for (mode, number), ones in found.items():
                how = [f"processing.mode={mode}", f"processing.max_concurrent={number}"]
                ones.append(self.colloquy([*own, *how], latency, CALLS))
        pipeline, tokens = build_job(compose_config()).pipeline, self.prompt_tokens()
        work = {name: Duration(self.factor * seconds) for name, seconds in LATENCY_S.items()}
        walls = {setting: median(m.served.wall_s for m in ones) for setting, ones in found.items()}
        speed_up = {setting: walls["sequential", 1] / wall_s for setting, wall_s in walls.items()}
        for (mode, number), wall_s in walls.items():
            ideal_s = ideal_makespan(pipeline, work, number, mode)
            text = f"{wall_s:.3f} s, ideal {ideal_s:.3f}, × ideal {wall_s / ideal_s:.3f}, "
            text += f"speed-up {speed_up[mode, number]:.2f}, {tokens:,} prompt tokens, "
            text += f"{min(m.run['succeeded'] for m in found[mode, number])}/{CALLS}"
            name = f"graph, {mode}, slots {number}"
            self.table.add(name, text, wall_s / ideal_s, "wall/ideal")
        best = max(speed_up.values())
        self.table.add("graph, largest speed-up (plan M3)", f"{best:.2f}", best, "speed-up")

    def batch(self, rounds: int, most: int, ways: Sequence[str]) -> None:
        """Measure *most* transcripts beside as many calls of the other *ways*, in turn."""
        found: dict[str, list[tuple[Measured, Measured]]] = {way: [] for way in ways}
        for _ in range(rounds):
            for way, pairs in found.items():
                few, many = (self.measured(way, size, SHORT) for size in (most // 10, most))
                pairs.append((few, many))
        for way, pairs in found.items():
            beside, bars = (
                list(zip(pairs, found["aiohttp"], strict=True)),
                ("cpu", "wall") if way == "colloquy" else ("", ""),
            )
            cpu = median(slope_ms(*own) / slope_ms(*raw) for own, raw in beside)
            wall = median(own[1].served.wall_s / raw[1].served.wall_s for own, raw in beside)
            cpu_ms, served = median(slope_ms(*pair) for pair in pairs), [m.served for _, m in pairs]
            wall_s, busy = (median(getattr(s, n) for s in served) for n in ("wall_s", "in_flight"))
            name = f"{most} × {CALLS} calls, {way}"
            text = f"{cpu_ms:.3f} ms a call, × aiohttp {cpu:.1f}"
            self.table.add(f"{name}, CPU", text, cpu, bars[0])
            self.table.add(f"{name}, wall", f"{wall_s:.2f} s, × aiohttp {wall:.1f}", wall, bars[1])
            peak = max(s.peak for s in served)
            text = f"{busy:.1f} of {IN_FLIGHT} filled ({busy / IN_FLIGHT:.0%}), at most {peak}"
            self.table.add(f"{name}, slots", text)

    def lag(self, transcripts: int) -> None:
        """Measure the longest lag of the event loop while latencies vary."""
        one = self.measured("colloquy", transcripts, VARYING)
        most_ms = one.run["loop_lag"]["max_ms"]
        text = f"{most_ms:.1f} ms, {one.served.in_flight:.1f} of {IN_FLIGHT} slots filled"
        self.table.add("event loop, longest lag", text, most_ms, "lag")

    def scale(self, sizes: Sequence[int]) -> None:
        """Measure how much CPU and wall time per call grow from the smallest of *sizes*."""
        few = self.measured("colloquy", sizes[0] // 5, SHORT)
        many = {size: self.measured("colloquy", size, SHORT) for size in sizes}
        costs = {"CPU": {size: slope_ms(few, one) for size, one in many.items()}}
        costs["wall"] = {
            size: 1e3 * one.served.wall_s / (size * CALLS) for size, one in many.items()
        }
        for what, by_size in costs.items():
            least, *more = by_size.values()
            text = ", ".join(f"{size:,}: {cost:.2f}" for size, cost in by_size.items())
            growth = max(cost / least - 1 for cost in more)
            self.table.add(f"{what} by transcripts", f"{text} ms a call", growth, "flat")

    def measured(self, way: str, size: int, latency: Latency) -> Measured:
        """Make the calls of *size* transcripts by one way."""
        if way == "colloquy":
            return self.colloquy(self.batch_arguments(size), latency, size * CALLS)
        numbers = [str(size * CALLS), str(IN_FLIGHT)]
        bodies = str(self.folder / "bodies.json")
        command = ["benchmarks.raw_client", way, self.server.url, bodies, *numbers]
        return self.process(command, latency, size * CALLS)

    def batch_arguments(self, size: int) -> list[str]:
        """Return the command line of a batch over *size* transcripts into a new directory."""
        talks = self.folder / f"talks-{size}"
        if not talks.exists():
            talks.mkdir()
            text = SAMPLE.read_text(encoding="utf-8")
            for number in range(size):
                path = talks / f"talk-{number:05d}.md"
                path.write_text(renamed(text, number), encoding="utf-8")
        outputs = tempfile.mkdtemp(prefix="batch-", dir=self.folder)
        slots = f"processing.max_concurrent={IN_FLIGHT}"
        return [f"transcript={talks}", f"output.dir={outputs}", slots]

    def colloquy(self, arguments: Sequence[str], latency: Latency, calls: int) -> Measured:
        """Run the command; raise SystemExit unless every call was answered."""
        command = ["runner", "model=openai", f"model.api_base={self.server.url}", *arguments]
        measured = self.process(command, latency, calls)
        (self.folder / "bodies.json").write_bytes(b"[%s]" % b",".join(measured.served.bodies))
        outputs = next(a for a in arguments if a.startswith("output.dir=")).partition("=")[2]
        path = max(Path(outputs).glob("*/*/logs/benchmark.json"))
        return replace(measured, run=orjson.loads(path.read_bytes())["run"])

    def prompt_tokens(self) -> int:
        """Count the tokens of the last command's prompts, without the schemas of the answers."""
        bodies = orjson.loads((self.folder / "bodies.json").read_bytes())
        count = tokenizer_for(bodies[0]["model"]).count
        return sum(count(text) for body in bodies for text in message_texts(body))

    def process(self, module: Sequence[str], latency: Latency, calls: int) -> Measured:
        """Run a module with its arguments as a process; raise SystemExit if it fails."""
        log, command = self.folder / "log.txt", [sys.executable, "-m", *module]
        self.server.begin(latency.times(self.factor))
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        served = self.server.end()
        if process.returncode != 0 or len(served.times) != calls:
            ended = f"exit {process.returncode}, {len(served.times)} of {calls} calls"
            sys.exit(f"{' '.join(command)}: {ended}\n{log.read_text(errors='replace')}")
        return Measured(used.ru_utime + used.ru_stime, served)


def slope_ms(few: Measured, many: Measured) -> float:
    """Return the milliseconds of CPU per call, without start-up."""
    calls = len(many.served.times) - len(few.served.times)
    return 1e3 * (many.cpu_s - few.cpu_s) / calls


if __name__ == "__main__":
    main()
