"""index.html: all runs, batches and sweeps under a root directory, newest first."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.base.errors import ConfigError
from runner.base.format import moment
from runner.base.json import at, number, read_json, read_list, read_yaml, section, text
from runner.base.regular_files import kind_of
from runner.record.batch_directory import REPORT, TABLE, is_batch
from runner.record.run_directory import check_folders
from runner.record.stored_transcript import PERSONAL, REDACTION
from runner.reports.report.nodes import model_label
from runner.reports.report.render import link_to, render
from runner.reports.report.summary import UNKNOWN, VERDICTS
from runner.reports.stored_run import counts_of, find_runs
from runner.transcript.inputs import root_of

# Overrides that the other columns show already.
_PLAIN = ("transcript=", "transcript.path=", "output.dir=", "output.console=")
Entry = dict[str, Any]  # the facts of one run, batch or sweep, as the template names them


def index_page(root: Path) -> str:
    """Return index.html's content for the runs under *root*."""
    runs: list[Entry] = []
    batches: list[Entry] = []
    sweeps: dict[Path, list[Entry]] = {}
    for path in find_runs(root):
        entry = _entry(path, root)
        if path.parent.parent.name == "sweeps":
            sweeps.setdefault(path.parent, []).append(entry)
        else:
            (batches if is_batch(path) else runs).append(entry)
    listed = [_sweep(path, jobs, root) for path, jobs in sweeps.items()]
    groups = {"runs": runs, "batches": batches, "sweeps": listed}
    for entries in groups.values():
        entries.sort(key=lambda entry: (entry["started"], entry["name"]), reverse=True)
    return render("index.html", name=root.resolve().name, **groups)


def _sweep(path: Path, jobs: Sequence[Entry], root: Path) -> Entry:
    """Return the sweep in *path*, each job by the overrides that not all jobs share."""
    common = set.intersection(*(set(job["typed"]) for job in jobs))
    for job in jobs:
        own = " ".join(each for each in job["typed"] if each not in common)
        job |= {"title": own or job["name"], "overrides": ""}
    about = {"name": path.name, "started": max(job["started"] for job in jobs)}
    return {**about, "link": link_to(path / "comparison.html", root), "jobs": jobs}


def _entry(path: Path, root: Path) -> Entry:
    metadata, took, typed = _read(path)
    batch, counts = is_batch(path), counts_of(metadata)
    transcript = text(at(metadata, "transcript", "name"))
    title = text(at(metadata, "reading", "about", "title"))
    if batch:
        title = root_of(transcript).name
    elif "pipeline=ask" in typed:  # a run that answers a question
        config = read_yaml(path / "config" / "resolved.yaml")
        title = text(at(config, "analyzers", "ask", "variables", "question"))
    if kind_of(path / REDACTION) == "file":
        title = transcript = ""  # this page is outside the run
    page = link_to(path / REPORT, root)
    status = text(metadata.get("status"))
    tone, ended, _ = VERDICTS.get(status, UNKNOWN)
    model = text(metadata.get("model"))
    return {
        "name": path.name,
        "title": title or transcript or path.name,
        "link": link_to(path / TABLE, root) if batch and page is None else page,
        "tone": tone,
        "status": ended,
        "started": moment(text(metadata.get("started_at"))),
        "model": model,
        "label": model_label(model, simulated=model.endswith("/simulated")).partition(",")[0],
        "good": counts["ok"],
        "total": sum(counts.values()),
        "unit": " files" if batch else "",
        "wall_s": number(took.get("wall_s")),
        "cost_usd": number(at(metadata, "totals", "cost_usd")),
        "rate": number(at(metadata, "grounding", "rate")),
        "typed": typed,
        "overrides": " ".join(each for each in typed if not each.startswith(_PLAIN)),
    }


def _read(path: Path) -> tuple[Mapping[str, Any], Mapping[str, Any], list[str]]:
    """Return metadata, figures and overrides of a run, empty if a directory of it is a link."""
    try:
        check_folders(path)
    except ConfigError:
        return {}, {}, []
    took = section(read_json(path / "logs" / "benchmark.json"), "run")
    typed = map(text, read_list(path / "config" / "overrides.json"))
    own = [override for override in typed if not override.startswith(PERSONAL)]
    return read_json(path / "metadata.json"), took, own
