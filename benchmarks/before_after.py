"""The plan's before and after: sequential against concurrent on the sample, with fixed latencies.

    python -m benchmarks.before_after [--repeats N] [--scale F]

A loopback server in a process of its own answers each analyzer after its fixed latency with
the offline model's answer, so that only waiting is measured. Every configuration runs in turn,
repeated, in one process and one session, beside the same calls by aiohttp alone and by
`litellm.acompletion` (benchmarks/bare.py); medians and ratios are printed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import selectors
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.bare import WAYS, Bare
from runner.calls.schedule import Duration, ideal_makespan
from runner.config.schema import SimulateSettings
from runner.job.build import build_job
from runner.job.job import Job
from runner.providers.simulated.chat import schema_name
from runner.providers.simulated.server import SimulatedProvider
from runner.run.compose import compose_config
from runner.run.execute import execute_job
from runner.run.session import Session

LATENCY_S = {
    "say_means": 0.4,
    "perspective_perception": 0.3,
    "premises_assertions": 0.2,
    "postulate_theorem": 0.5,
    "competing_hypotheses": 0.3,
    "first_principles": 0.5,
    "determining_factors": 0.4,
    "patentability": 0.2,
}
LATE_S = 0.002
CONFIGURATIONS = (
    ("sequential", 1),
    ("concurrent", 1),
    ("concurrent", 2),
    ("concurrent", 3),
    ("concurrent", 4),
    ("concurrent", 8),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """Medians over the repeats of one configuration; times in seconds, *bare_s* by way."""

    mode: str
    slots: int
    wall_s: float
    ideal_s: float
    bare_s: Mapping[str, float]
    tokens: int
    succeeded: int
    total: int


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=5, help="runs of each configuration")
    parser.add_argument("--scale", type=float, default=1.0, help="factor on every latency")
    arguments = parser.parse_args()
    repeats = arguments.repeats
    latency_s = {name: seconds * arguments.scale for name, seconds in LATENCY_S.items()}
    os.environ.setdefault("OPENAI_API_KEY", "none-is-needed-on-loopback")
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        replies = offline_replies(Path(folder))
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        server = context.Process(target=serve, args=(replies, latency_s, theirs), daemon=True)
        server.start()
        try:
            rows = measure(ours.recv(), Path(folder), repeats, latency_s)
        finally:
            ours.send("stop")
            server.join()
    show(rows, repeats)


def offline_replies(folder: Path) -> dict[str, str]:
    """Run the sample offline once and return each analyzer's reply."""
    path, code = run_once(folder, [])
    if code != 0:
        sys.exit(f"the offline run ended with exit code {code}: {path}")
    records = [json.loads(p.read_bytes()) for p in path.glob("intermediate/*/*.json")]
    return {record["analyzer"]: record["raw_output"] for record in records}


def serve(replies: Mapping[str, str], latency_s: Mapping[str, float], pipe: Connection) -> None:
    """Serve *replies* after *latency_s* seconds each, both by analyzer.

    Sends the address; stops when anything is received. Timers are kept to the tenth of a
    millisecond: the server's own lateness is not to be taken for the client's.
    """

    async def run() -> None:
        def reply(body: Mapping[str, Any]) -> str:
            return replies[schema_name(body)]

        settings = SimulateSettings(by_analyzer_s=dict(latency_s))
        async with SimulatedProvider(reply, settings=settings) as server:
            pipe.send(server.url)
            await asyncio.to_thread(pipe.recv)

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(Exact())) as runner:
        runner.run(run())


class Exact(selectors.DefaultSelector):
    """Waits as long as it is asked to: an event loop's own timers are a millisecond late."""

    def select(self, timeout: float | None = None) -> Any:
        """Sleep for most of *timeout* seconds, and look again and again for the rest."""
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        ends = time.monotonic() + timeout
        found = super().select(timeout - LATE_S) if timeout > LATE_S else []
        while not found and time.monotonic() < ends:
            found = super().select(0)
        return found


def measure(url: str, folder: Path, repeats: int, latency_s: Mapping[str, float]) -> list[Measured]:
    """Run every configuration *repeats* times, in turn, after one warm-up."""
    model = ["model=openai", "model.name=openai/gpt-4o-mini", f"model.api_base={url}"]
    recorded, _ = run_once(folder, model)
    bare = Bare(job(model, folder), url, recorded, latency_s)
    seen: dict[tuple[str, int], list[dict[str, Any]]] = {key: [] for key in CONFIGURATIONS}
    for _ in range(repeats):
        for mode, slots in CONFIGURATIONS:
            chosen = [f"processing.mode={mode}", f"processing.max_concurrent={slots}"]
            path, _ = run_once(folder, [*model, *chosen])
            run = json.loads((path / "logs/benchmark.json").read_bytes())["run"]
            bare_s = {way: bare.wall_s(way, mode, slots) for way in WAYS}
            seen[mode, slots].append({**run, **bare_s})
    work_s = {name: Duration(seconds) for name, seconds in latency_s.items()}
    return [
        Measured(
            mode=mode,
            slots=slots,
            wall_s=statistics.median(run["wall_s"] for run in runs),
            ideal_s=ideal_makespan(bare.job.pipeline, work_s, slots, mode),
            bare_s={way: statistics.median(run[way] for run in runs) for way in WAYS},
            tokens=runs[0]["prompt_tokens"] + runs[0]["completion_tokens"],
            succeeded=min(run["succeeded"] for run in runs),
            total=runs[0]["total"],
        )
        for (mode, slots), runs in seen.items()
    ]


def configuration(overrides: list[str], folder: Path) -> Any:
    """Compose the shipped configuration, writing under *folder*."""
    quiet = [f"output.dir={folder}", "output.console=quiet", "reuse=off"]
    return compose_config(*quiet, *overrides)


def job(overrides: list[str], folder: Path) -> Job:
    """Build the job that *overrides* describe."""
    made = build_job(configuration(overrides, folder))
    assert isinstance(made, Job)
    return made


def run_once(folder: Path, overrides: list[str]) -> tuple[Path, int]:
    """Run once into a new directory; return it and the exit code."""
    path = Path(tempfile.mkdtemp(dir=folder))
    cfg, codes = configuration(overrides, folder), list[int]()
    Session(codes).run(lambda shared: execute_job(cfg, run_path=path, shared=shared))
    return path, codes[0]


def show(rows: list[Measured], repeats: int) -> None:
    """Print the table; the speed-up is against the sequential baseline of the same session."""
    baseline = rows[0].wall_s
    print(f"before/after on the sample, medians of {repeats} runs, fixed latencies on loopback")
    print(
        "mode        slots  wall s  ideal s  wall/ideal  aiohttp  acompletion  "
        "speed-up  tokens  succeeded"
    )
    for row in rows:
        aiohttp, acompletion = (row.bare_s[way] / row.ideal_s for way in WAYS)
        print(
            f"{row.mode:<11} {row.slots:>5}  {row.wall_s:>6.3f}  {row.ideal_s:>7.3f}  "
            f"{row.wall_s / row.ideal_s:>10.3f}  {aiohttp:>7.3f}  {acompletion:>11.3f}  "
            f"{baseline / row.wall_s:>8.2f}  {row.tokens:>6}  {row.succeeded}/{row.total}"
        )


if __name__ == "__main__":
    main()
