"""Batches to measure: generated transcripts, and the command in a process that samples its memory.

    python -m benchmarks.batches FIGURES.json transcript=DIR …

That is `colloquy transcript=DIR …`, which also writes its `Figures` to FIGURES.json, for
benchmarks/soak_batch.py.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from unittest.mock import patch

from benchmarks.common import LATENCY_S, peak_mib, rss_mib
from runner.record.batch_directory import RESULTS, Results
from runner.record.result_row import ResultRow
from runner.run.batch.active_runs import BatchResult
from runner.run.batch.batch_run import Batch
from runner.run.command import main as colloquy

LINES = 12
SAMPLES = 100  # of memory, spread over a batch
SHARED_MEMORY = Path("/dev/shm")
SPEAKERS = ("Ann Lee", "Bob Stone", "Cy Young")
THINGS = ("pump", "permit", "budget", "valve", "contract", "sensor", "schedule", "survey")
CLAIMS = (
    "I think the {} of case {} failed because nobody had looked at the {}.",
    "We could replace the {} in case {}, unless the {} turns out to be cheaper.",
    "Do we know whether the {} in case {} depends on the {}?",
    "If the {} holds in case {}, then we should not touch the {} before May.",
)


@dataclass(slots=True)
class Figures:
    """Wall time and memory of a batch from its first file to the end of its process.

    *rss_mib* are samples in MiB, taken after equal numbers of files; *peak_mib* is the maximum.
    """

    wall_s: float = 0.0
    peak_mib: float = 0.0
    rss_mib: list[float] = field(default_factory=list)
    exit_code: int = 0
    path: str = ""


def scratch() -> tempfile.TemporaryDirectory[str]:
    """Return a new temporary directory, in shared memory where there is some."""
    usable = SHARED_MEMORY.is_dir() and os.access(SHARED_MEMORY, os.W_OK)
    folder = SHARED_MEMORY if usable else None
    return tempfile.TemporaryDirectory(prefix="colloquy-bench-", dir=folder)


def without(*kept: str) -> list[str]:
    """Return the overrides that leave only the analyzers *kept*."""
    return [f"~analyzer@analyzers.{name}" for name in LATENCY_S if name not in kept]


def transcript(number: int) -> str:
    """Return transcript *number*: LINES turns, always the same, and unlike any other's."""
    rng = random.Random(number)
    case = f"{number:05d}"
    turns = []
    for turn in range(LINES):
        first, second = rng.sample(THINGS, 2)
        said = rng.choice(CLAIMS).format(first, case, second)
        turns.append(f"{SPEAKERS[turn % len(SPEAKERS)]}: {said}\n")
    return "\n".join(turns)


def write_transcripts(folder: Path, count: int, unreadable: int = 0) -> Path:
    """Write *count* transcripts into *folder* and return it; *unreadable* of them are empty."""
    folder.mkdir(parents=True)
    bad = set(range(0, count, max(1, count // unreadable))) if unreadable else set[int]()
    bad = set(sorted(bad)[:unreadable])
    for number in range(count):
        text = "" if number in bad else transcript(number)
        (folder / f"talk-{number:05d}.txt").write_text(text, encoding="utf-8")
    return folder


def overrides(talks: Path, outputs: Path, url: str, slots: int) -> list[str]:
    """Return the command line of a batch over *talks* that asks the provider at *url*."""
    return [
        f"transcript={talks}",
        "model=simulated",
        f"model.api_base={url}",
        f"processing.max_concurrent={slots}",
        f"output.dir={outputs}",
        "output.console=quiet",
    ]


def run_batch(arguments: Sequence[str], folder: Path, timeout_s: float | None = None) -> Figures:
    """Run a batch as a process and return its figures.

    Raises SystemExit where there was none, subprocess.TimeoutExpired after *timeout_s*.
    """
    target = folder / "figures.json"
    target.unlink(missing_ok=True)
    command = [sys.executable, "-m", "benchmarks.batches", str(target), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    if not target.is_file():
        raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
    figures = Figures(**json.loads(target.read_bytes()))
    if not (Path(figures.path) / RESULTS).is_file():
        raise SystemExit(f"{' '.join(command)}: no batch\n{done.stderr}")
    return figures


def watch(target: Path) -> None:
    """Run the command that sys.argv names, and write its batch's figures to *target*."""
    figures, done, every, begun = Figures(), 0, 1, 0.0
    execute, add = Batch.execute, Results.add

    async def timed(batch: Batch) -> BatchResult:
        nonlocal every, begun
        every = max(1, len(batch.job.inputs) // SAMPLES)
        figures.path = str(batch.directory.path.absolute())
        begun = time.perf_counter()
        return await execute(batch)

    def counted(results: Results, row: ResultRow) -> None:
        nonlocal done
        add(results, row)
        done += 1
        if done % every == 0:
            figures.rss_mib.append(rss_mib())

    try:
        with patch.object(Batch, "execute", timed), patch.object(Results, "add", counted):
            colloquy()
    except SystemExit as ended:
        figures.exit_code = int(ended.code or 0)
        figures.wall_s = time.perf_counter() - begun
        figures.peak_mib = peak_mib()
        if figures.path:
            target.write_text(json.dumps(asdict(figures)), encoding="utf-8")
        raise


if __name__ == "__main__":
    where = Path(sys.argv.pop(1))
    watch(where)
