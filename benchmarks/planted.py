"""Interviews with planted themes: how many of them a pipeline finds, and whether it counts right.

    python -m benchmarks.planted [--files N] [--docetl PYTHON] [--folder DIR] [OVERRIDE ...]

The files are read by `pipeline=interviews`, once with a model that answers from the plan over
HTTP, so that what is missed or miscounted is the engine's doing, and once offline, by words alone.
With the PYTHON of a virtual environment that has DocETL, DocETL reads them with that model too.
`--only` chooses among the rows; DIR keeps files and outputs.
"""

import argparse
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.batches import run_batch, scratch
from benchmarks.planted_corpus import FILES, SEED, Plan, planted, write
from benchmarks.planted_docetl import read_with_docetl
from benchmarks.planted_scores import HEADER, scores
from runner.answers.themes import FILE, Collection, read_collection
from runner.base.format import aligned
from runner.base.json import load_json

PLANNED, TREE = "colloquy, planned model", "colloquy, in a tree of calls"
OFFLINE, DOCETL = "colloquy, offline", "DocETL, planned model"
SMALL = "stages.across.context.token_budget=2500"
INSIGHTS = "max_insights_per_analyzer=20"  # a long interview has more than the usual ten


@dataclass(frozen=True, slots=True)
class Read:
    """What was found, in which time, with how much memory at most (None: not measured)."""

    found: Collection
    wall_s: float
    peak_mib: float | None = None


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--docetl", type=Path, help="python of an environment that has DocETL")
    parser.add_argument("--only", action="append", choices=(PLANNED, TREE, OFFLINE, DOCETL))
    parser.add_argument("--folder", type=Path, help="a new folder to keep files and outputs in")
    parser.add_argument("overrides", nargs="*", help="of the command line")
    options = parser.parse_args()
    plan = planted(options.files, options.seed)
    with scratch() as temporary, provider() as url:
        folder = options.folder or Path(temporary)
        talks = write(plan, folder / "talks")
        served, given = ("model=simulated", f"model.api_base={url}"), options.overrides
        ways: dict[str, Callable[[Path], Read]] = {
            PLANNED: lambda at: colloquy(talks, at, *served, *given),
            TREE: lambda at: colloquy(talks, at, *served, SMALL, *given),
            OFFLINE: lambda at: colloquy(talks, at, "model=offline", *given),
        }
        if options.docetl:
            ways[DOCETL] = lambda at: docetl(plan, options.docetl, url, at)
        kept = options.only or list(ways)
        print(table(plan, url, {name: way for name, way in ways.items() if name in kept}, folder))


@contextmanager
def provider() -> Iterator[str]:
    """Serve the planned model in a process of its own; yield its address."""
    command = [sys.executable, "-m", "benchmarks.planted_model"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as own:
        assert own.stdout is not None
        yield own.stdout.readline().strip()


def colloquy(talks: Path, folder: Path, *overrides: str) -> Read:
    """Read *talks* by pipeline=interviews in a process; raise SystemExit where that fails."""
    folder.mkdir()
    arguments = [f"transcript={talks}", "pipeline=interviews", INSIGHTS, *overrides]
    figures = run_batch(
        [*arguments, f"output.dir={folder / 'outputs'}", "output.console=quiet"], folder
    )
    found = read_collection(load_json(Path(figures.path) / FILE))
    if found is None:
        raise SystemExit(f"{figures.path}: no {FILE} of this version")
    return Read(found, figures.wall_s, figures.peak_mib)


def docetl(plan: Plan, python: Path, url: str, folder: Path) -> Read:
    """Read the interviews by DocETL."""
    folder.mkdir()
    begun = time.perf_counter()
    return Read(read_with_docetl(plan, python, url, folder), time.perf_counter() - begun)


def table(plan: Plan, url: str, ways: Mapping[str, Callable[[Path], Read]], folder: Path) -> str:
    """Return a row of scores for each of *ways*, with its requests to the provider at *url*."""
    rows: list[Sequence[str]] = [("read by", *HEADER, "calls", "wall s", "peak MiB")]
    for number, (name, way) in enumerate(ways.items()):
        before = requests(url)
        read = way(folder / f"read-{number}")
        peak = "-" if read.peak_mib is None else f"{read.peak_mib:.0f}"
        calls = f"{requests(url) - before:,}"
        cells = scores(plan, read.found).cells()
        rows.append((name, *cells, calls, f"{read.wall_s:.1f}", peak))
    return "\n".join(aligned(rows))


def requests(url: str) -> int:
    """Return how many requests the provider has received."""
    with urllib.request.urlopen(url.replace("/v1", "/stats")) as page:
        return int(json.load(page)["requests"])


if __name__ == "__main__":
    main()
