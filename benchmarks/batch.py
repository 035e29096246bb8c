"""What a transcript costs in a batch of 10, 100, 1,000 and more, beside aiohttp and litellm.

    python -m benchmarks.batch [--most N] [--rounds N]

Transcripts of a dozen lines, all different, three calls each and 64 in flight, go through the
whole command in a process of its own; aiohttp and litellm.acompletion then make as many calls with
prompts of the same sizes and to the same simulated provider, and only print no files. CPU is the
process time from the first file to the process's end. Medians of the rounds; a batch of 10,000
and the calls of litellm beyond 1,000, each of which costs the same, are made once or not at all.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from benchmarks.batches import (
    Figures,
    fast_folder,
    overrides,
    run_batch,
    scratch,
    without,
    write_transcripts,
)
from benchmarks.common import peak_mib, post, provider
from runner.providers.simulated.process import simulated_process
from runner.providers.simulated.replies import reply_to
from runner.providers.simulated.server import SimulatedProvider

NODES = ("say_means", "perspective_perception", "competing_hypotheses")
SIZES = (10, 100, 1_000, 10_000)
SLOTS = 64
LATENCY_S = 0.3
FLAT_FROM = 100  # transcripts: below, what a process does once weighs more than they do
MOST_LITELLM = 1_000  # calls
ONCE = 5_000  # transcripts and more are measured in one round only
WAYS = {"colloquy": "a batch of ours", "raw": "aiohttp alone", "litellm": "litellm.acompletion"}
CASE = "00000"  # as the one transcript that prompts are taken from is numbered
Call = Callable[[int], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Measured:
    """One way's round over *transcripts*; *lag* is loop_lag of benchmark.json, ours only."""

    way: str
    transcripts: int
    calls: int
    cpu_s: float
    wall_s: float
    peak_mib: float
    grown_mib: float | None = None
    lag: dict[str, Any] | None = None

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of CPU per transcript, that is, per len(NODES) calls."""
        return 1000 * self.cpu_s * len(NODES) / self.calls


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--most", type=int, default=1_000, help="transcripts of the largest batch")
    parser.add_argument("--rounds", type=int, default=2)
    for hidden in ("--child", "--way", "--bodies"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    parser.add_argument("--calls", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(asyncio.run(replay(options))))
    else:
        with scratch() as folder:
            show(asyncio.run(measure(Path(folder), options.most, options.rounds)), options.rounds)


async def measure(folder: Path, most: int, rounds: int) -> list[Measured]:
    """Measure all sizes up to *most* transcripts over all ways, in turn."""
    bodies = await taken(folder)
    found: list[Measured] = []
    for size in [size for size in SIZES if size <= most]:
        talks = write_transcripts(folder / f"talks-{size}", size)
        for number in range(1 if size >= ONCE else rounds):
            for way in WAYS:
                async with simulated_process(provider(latency_s=LATENCY_S)) as url:
                    work = folder / f"{way}-{size}-{number}"
                    work.mkdir()
                    one = await asyncio.to_thread(measured, way, size, url, talks, work, bodies)
                    found.append(one)
                    await asyncio.to_thread(shutil.rmtree, work)
    return found


async def taken(folder: Path) -> Path:
    """Run a batch of one and write what it asked, the prompts that others are to send."""
    talks = write_transcripts(folder / "talks-1", 1)
    asked: list[Mapping[str, Any]] = []

    def reply(body: Mapping[str, Any]) -> str:
        asked.append(body)
        return reply_to(body)

    async with SimulatedProvider(reply) as server:
        await asyncio.to_thread(ours, talks, server.url, folder)
    (folder / "bodies.json").write_bytes(orjson.dumps(asked))
    return folder / "bodies.json"


def ours(talks: Path, url: str, work: Path) -> Figures:
    """Run a batch over *talks* into *work*; raise SystemExit unless every call was answered."""
    arguments = [*overrides(talks, work / "outputs", url, SLOTS), *without(*NODES)]
    figures = run_batch(arguments, work)
    if figures.exit_code != 0:
        raise SystemExit(f"{' '.join(arguments)}: exit {figures.exit_code}")
    return figures


def measured(way: str, size: int, url: str, talks: Path, work: Path, bodies: Path) -> Measured:
    """Make the calls of *size* transcripts by one *way* in a process of its own."""
    calls = size * len(NODES)
    if way == "colloquy":
        made = ours(talks, url, work)
        lag = made.load("logs/benchmark.json")["run"]["loop_lag"]
        return Measured(
            way, size, calls, made.cpu_s, made.wall_s, made.peak_mib, made.grown_mib, lag
        )
    calls = min(calls, MOST_LITELLM) if way == "litellm" else calls
    own = [sys.executable, "-m", "benchmarks.batch", f"--child={url}", f"--way={way}"]
    own += [f"--bodies={bodies}", f"--calls={calls}"]
    done = subprocess.run(own, capture_output=True, text=True, check=True, env={**os.environ})
    return Measured(way, size, calls, *json.loads(done.stdout.strip().split("\n")[-1]))


async def replay(options: argparse.Namespace) -> tuple[float, float, float]:
    """Make the calls by one way; return seconds of CPU and of wall time, and the most MiB held."""
    shapes = [
        orjson.dumps(body).decode() for body in orjson.loads(Path(options.bodies).read_bytes())
    ]

    def body(number: int) -> dict[str, Any]:
        case, shape = divmod(number, len(shapes))
        found: dict[str, Any] = orjson.loads(shapes[shape].replace(CASE, f"{case:05d}"))
        return found

    numbers = iter(range(options.calls))

    async def work(call: Call) -> None:
        for number in numbers:
            await call(number)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        make = through_litellm if options.way == "litellm" else through_aiohttp
        call = make(options.child, body, session)
        cpu_s, wall_s = time.process_time(), time.perf_counter()
        await asyncio.gather(*(work(call) for _ in range(SLOTS)))
        return time.process_time() - cpu_s, time.perf_counter() - wall_s, peak_mib()


def through_aiohttp(
    url: str, body: Callable[[int], dict[str, Any]], session: aiohttp.ClientSession
) -> Call:
    """Return how aiohttp alone makes a call."""
    return lambda number: post(session, url, body(number))


def through_litellm(
    url: str, body: Callable[[int], dict[str, Any]], _: aiohttp.ClientSession
) -> Call:
    """Return how litellm makes a call when it is asked directly."""
    import litellm

    logging.disable(logging.CRITICAL)
    litellm.suppress_debug_info = True

    async def call(number: int) -> object:
        asked = {**body(number), "model": "openai/simulated"}
        reply = await litellm.acompletion(**asked, api_base=url, api_key="none", max_retries=0)
        return reply.choices[0].message.content

    return call


def show(found: Sequence[Measured], rounds: int) -> None:
    """Print the table, and how flat the cost of a transcript is."""
    groups: dict[tuple[int, str], list[Measured]] = {}
    for one in found:
        groups.setdefault((one.transcripts, one.way), []).append(one)
    print(
        f"batches of {len(NODES)} calls a transcript, {SLOTS} in flight, {LATENCY_S:g} s each, "
        f"written to {fast_folder() or 'the temporary directory'}; medians of {rounds} rounds"
    )
    print(
        "way                  transcripts   calls  CPU ms/transcript  × aiohttp  wall s  "
        "calls/s  peak MiB  grown MiB  lag p99, max ms"
    )
    for (size, way), same in groups.items():
        show_row(way, same, median(groups[size, "raw"], "cpu_ms"))
    flat = {
        size: median(same, "cpu_ms")
        for (size, way), same in groups.items()
        if way == "colloquy" and size >= FLAT_FROM
    }
    if len(flat) > 1:
        told = ", ".join(f"{size:,}: {flat[size] / flat[FLAT_FROM] - 1:+.1%}" for size in flat)
        print(f"CPU of a transcript against that of a batch of {FLAT_FROM}: {told}")


def show_row(way: str, same: Sequence[Measured], base_ms: float) -> None:
    """Print the medians of one way at one size; a dash is what does not apply."""
    first, cpu_ms, wall_s = same[0], median(same, "cpu_ms"), median(same, "wall_s")
    grown = "-" if first.grown_mib is None else f"{median(same, 'grown_mib'):.1f}"
    lags = [one.lag for one in same if one.lag is not None]
    p99, most = (
        statistics.median(lag[name] or 0.0 for lag in lags) if lags else None
        for name in ("p99_ms", "max_ms")
    )
    lag = "-" if p99 is None else f"{p99:.1f}, {most:.1f}"
    print(
        f"{WAYS[way]:<20} {first.transcripts:>11,}  {first.calls:>6,}  {cpu_ms:>17.2f}  "
        f"{cpu_ms / base_ms:>9.1f}  {wall_s:>6.2f}  {first.calls / wall_s:>7.0f}  "
        f"{median(same, 'peak_mib'):>8.0f}  {grown:>9}  {lag:>15}"
    )


def median(same: Sequence[Measured], name: str) -> float:
    """Return the median of one figure."""
    return float(statistics.median(getattr(one, name) for one in same))


if __name__ == "__main__":
    main()
