"""index.html: all runs and sweeps under a root, the newest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

from runner.report.nodes import model_label
from runner.report.show import render
from runner.report.summary import UNKNOWN, VERDICTS
from runner.report.values import listing, mapping, number, read_json, text
from runner.runs import find_runs

REPORT = "report.html"
COMPARISON = "comparison.html"


@dataclass(frozen=True, slots=True)
class Entry:
    """One run; *link* leads to its report, None where it has none."""

    name: str
    link: str | None
    tone: str
    status: str
    started: str
    transcript: str
    model: str
    label: str
    good: int
    total: int
    wall_s: float | None
    cost_usd: float | None
    rate: float | None
    overrides: str


@dataclass(frozen=True, slots=True)
class Sweep:
    """The jobs of one sweep; *link* leads to its comparison, None where it has none."""

    name: str
    link: str | None
    jobs: tuple[Entry, ...]

    @property
    def completed(self) -> int:
        """How many jobs completed."""
        return sum(job.tone == "good" for job in self.jobs)


def index_page(root: Path) -> str:
    """Return index.html's content for the runs under *root*."""
    runs: list[Entry] = []
    sweeps: dict[Path, list[Entry]] = {}
    for path in find_runs([root]):
        entry = _entry(path, root)
        if path.parent.parent.name == "sweeps":
            sweeps.setdefault(path.parent, []).append(entry)
        else:
            runs.append(entry)
    return render(
        "index.html",
        name=root.resolve().name,
        runs=_newest(runs),
        sweeps=sorted((_sweep(p, jobs, root) for p, jobs in sweeps.items()), key=_started)[::-1],
    )


def _newest(entries: Sequence[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: (entry.started, entry.name), reverse=True)


def _started(sweep: Sweep) -> tuple[str, str]:
    return max(job.started for job in sweep.jobs), sweep.name


def _sweep(path: Path, jobs: Sequence[Entry], root: Path) -> Sweep:
    return Sweep(path.name, link_to(path / COMPARISON, root), tuple(jobs))


def link_to(file: Path, root: Path) -> str | None:
    """Return a relative address of *file* that no browser takes for anything else, or None."""
    if not file.is_file():
        return None
    return "./" + quote(file.relative_to(root).as_posix())


def _entry(path: Path, root: Path) -> Entry:
    metadata = read_json(path / "metadata.json")
    took = mapping(read_json(path / "logs" / "benchmark.json").get("run"))
    good, total = _counts(metadata)
    status = text(metadata.get("status"))
    tone, title, _ = VERDICTS.get(status, UNKNOWN)
    model = text(metadata.get("model"))
    return Entry(
        path.name,
        link_to(path / REPORT, root),
        tone,
        title,
        text(metadata.get("started_at"))[:19].replace("T", " "),
        text(mapping(metadata.get("transcript")).get("name")),
        model,
        model_label(model, simulated=model.endswith("/simulated")).partition(",")[0],
        good,
        total,
        number(took.get("wall_s")),
        number(mapping(metadata.get("totals")).get("cost_usd")),
        number(mapping(metadata.get("grounding")).get("rate")),
        _overrides(path) if path.parent.parent.name == "sweeps" else "",
    )


def _overrides(path: Path) -> str:
    """Return what tells a job from the others of its sweep."""
    try:
        said = orjson.loads((path / "config" / "overrides.json").read_bytes())
    except (OSError, ValueError):
        return ""
    return " ".join(text(override) for override in listing(said))


def _counts(metadata: Mapping[str, Any]) -> tuple[int, int]:
    """Return how many analyzers of a run, or files of a batch, are done, and of how many."""
    if metadata.get("kind") == "batch":
        files = mapping(metadata.get("files"))
        return int(number(files.get("completed")) or 0), int(number(files.get("total")) or 0)
    statuses = _statuses(metadata)
    return statuses.count("ok"), len(statuses)


def _statuses(metadata: Mapping[str, Any]) -> list[str]:
    return [
        text(status)
        for stage in mapping(metadata.get("stages")).values()
        for status in mapping(mapping(stage).get("analyzers")).values()
    ]
