"""A batch of 10,000 transcripts in flat memory, and one that is killed and resumed.

Part of `benchmarks.soak`. The commands run in processes of their own against the simulated
provider, which counts the requests.
"""

import asyncio
import csv
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.batches import Figures, overrides, run_batch, scratch, without, write_transcripts
from benchmarks.common import provider
from runner.providers.simulated.process import simulated_process
from runner.record.batch_directory import RESULTS, TABLE
from runner.reports.verify import verify

NODES = ("say_means", "competing_hypotheses")  # one of each stage
SLOTS = 64
LATENCY_S = 0.2
UNREADABLE = 7
MAX_MIB = 500.0
GROWTH = 1.1  # at the end, against what was held after a fifth of the files
KILL_S = 60.0
POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a batch; *faults* are claims that did not hold."""

    name: str
    calls: int
    requests: int
    lost: int
    twice: int
    told: str
    faults: tuple[str, ...]


async def many(transcripts: int, within_s: float) -> Outcome:
    """Run a batch of *transcripts*, of which UNREADABLE are empty; end it after *within_s*."""
    with scratch() as name:
        folder = Path(name)
        talks = write_transcripts(folder / "talks", transcripts, UNREADABLE)
        async with simulated_process(provider(latency_s=LATENCY_S)) as url:
            arguments = command(talks, folder, url)
            try:
                figures = await asyncio.to_thread(run_batch, arguments, folder, within_s)
            except subprocess.TimeoutExpired:
                raise SystemExit(f"no batch of {transcripts:,} in {within_s:.0f} s") from None
            requests = asked(url)
        return await asyncio.to_thread(judged, figures, transcripts, requests)


def judged(figures: Figures, transcripts: int, requests: int) -> Outcome:
    """Return the outcome of a batch, according to its files."""
    rows, calls = results(Path(figures.path)), (transcripts - UNREADABLE) * len(NODES)
    ends = Counter(row["status"] for row in rows)
    answered = sum(int(row["ok"]) for row in rows)
    memory, early = figures.rss_mib, figures.rss_mib[len(figures.rss_mib) // 5]
    claims = {
        f"exit code {figures.exit_code}": figures.exit_code == 3,
        f"{dict(ends)}": ends == {"completed": transcripts - UNREADABLE, "unreadable": UNREADABLE},
        "a file is not once in results.csv": is_once(rows, transcripts),
        f"{requests} requests": requests == calls,
        f"memory {early:.0f} to {memory[-1]:.0f} MiB": memory[-1] <= GROWTH * early,
        f"at most {figures.peak_mib:.0f} MiB": figures.peak_mib <= MAX_MIB,
    }
    told = (
        f"{UNREADABLE} unreadable; {early:.0f} MiB after a fifth, {memory[-1]:.0f} at the end, "
        f"{figures.peak_mib:.0f} at most; {transcripts / figures.wall_s:.0f} files/s"
    )
    return Outcome(
        f"batch of {transcripts:,}",
        calls,
        requests,
        calls - answered,
        max(0, requests - calls),
        told,
        tuple(claim for claim, holds in claims.items() if not holds),
    )


async def killed(transcripts: int) -> Outcome:
    """Kill a batch of *transcripts* by SIGKILL when a third is done; finish it by `resume=`."""
    calls = transcripts * len(NODES)
    with scratch() as name:
        folder = Path(name)
        talks = write_transcripts(folder / "talks", transcripts)
        async with simulated_process(provider(latency_s=LATENCY_S)) as url:
            arguments = command(talks, folder, url)
            path = await asyncio.to_thread(kill_at, arguments, folder, transcripts // 3)
            done = await asyncio.to_thread(answers, path)
            await asyncio.to_thread(colloquy, f"resume={path}", "output.console=quiet")
            requests = asked(url)
        rows, left = await asyncio.to_thread(results, path), await asyncio.to_thread(verify, path)
    answered = sum(int(row["ok"]) for row in rows)
    claims = {
        f"the kill came at {done} answers of {calls}": 0 < done < calls,
        "a file is not once in results.csv": is_once(rows, transcripts),
        f"{answered} answers of {calls}": answered == calls,
        f"{requests - calls} asked for twice": requests - calls <= SLOTS,
        f"colloquy-verify: {left[:1]}": not left,
    }
    return Outcome(
        f"batch of {transcripts:,}, killed",
        calls,
        requests,
        calls - answered,
        requests - calls,
        f"killed at {done} answers, {SLOTS} calls in flight at most",
        tuple(claim for claim, holds in claims.items() if not holds),
    )


def command(talks: Path, folder: Path, url: str) -> list[str]:
    """Return the command line of a batch of NODES over *talks*."""
    return [*overrides(talks, folder / "outputs", url, SLOTS), *without(*NODES)]


def kill_at(arguments: Sequence[str], folder: Path, files: int) -> Path:
    """Start a batch, end it by SIGKILL once so many files are done, return its directory."""
    child = subprocess.Popen([sys.executable, "-m", "runner", *arguments])
    begun = time.monotonic()
    try:
        while child.poll() is None and time.monotonic() - begun < KILL_S:
            for path in (folder / "outputs/batches").glob(f"*/{RESULTS}"):
                if path.read_bytes().count(b"\n") >= files:
                    return path.parent
            time.sleep(POLL_S)
    finally:
        if child.poll() is None:
            os.kill(child.pid, signal.SIGKILL)
        child.wait()
    raise SystemExit(f"{' '.join(arguments)}: not at {files} files after {KILL_S:.0f} s")


def colloquy(*arguments: str) -> None:
    """Run the command; raise SystemExit unless it ends well."""
    own = [sys.executable, "-m", "runner", *arguments]
    done = subprocess.run(own, capture_output=True, text=True, timeout=KILL_S, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(own)}: exit {done.returncode}\n{done.stderr}")


def answers(path: Path) -> int:
    """Return how many nodes of a batch have answered, from the files of its runs."""
    files = path.glob("runs/*/*/intermediate/*/*.json")
    return sum(json.loads(file.read_bytes())["status"] == "ok" for file in files)


def results(path: Path) -> list[dict[str, str]]:
    """Return the rows of a batch's table."""
    with (path / TABLE).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def is_once(rows: Sequence[dict[str, str]], transcripts: int) -> bool:
    """Return whether every file has one row."""
    return len(rows) == transcripts == len({row["transcript"] for row in rows})


def asked(url: str) -> int:
    """Return how many requests the provider has received."""
    with urllib.request.urlopen(url.replace("/v1", "/stats")) as page:
        return int(json.load(page)["requests"])
