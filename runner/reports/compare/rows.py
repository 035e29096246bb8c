"""One row per run directory, whatever state it is in; nothing in it is believed unchecked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner.base.errors import ColloquyError, ConfigError, did_you_mean
from runner.base.format import plural
from runner.base.json import amount, at, mappings, number, read_json, section
from runner.base.text import to_terminal
from runner.record.lock import is_held
from runner.reports.compare.keys import flatten, show
from runner.reports.compare.planned_jobs import planned_jobs
from runner.reports.stored_run import StoredRun, find_runs, is_run, read_run

ENDED = ("completed", "partial", "failed")
SPENT = ("prompt_tokens", "completion_tokens", "cached_tokens", "cost_usd")
FIGURES = (*("succeeded", "total", "reused", "attempts", "wall_s", "ideal_s", "efficiency"), *SPENT)


@dataclass(frozen=True)
class RunRow:
    """One run; a figure is None where no file tells it.

    *status* is metadata.json's, or `missing` (a sweep's job without a run), `damaged`, or `died`;
    *reason* says why it is not `completed`. *settings* is the flat configuration as text with
    what it cannot name: the transcript's and the prompts' digests. Shares are 0 to 1;
    *plan_error* and *plan_tokens_error* are predicted over actual, less 1, of wall and prompt.
    *batch* says that it is many runs; what those used is then over all sessions.
    """

    path: Path
    name: str
    status: str
    reason: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    overrides: tuple[str, ...] = ()
    figures: Mapping[str, float | None] = field(default_factory=dict)
    deterministic: bool = False
    batch: bool = False

    def figure(self, name: str) -> float | None:
        """Return a figure by its name."""
        return self.figures.get(name)

    @property
    def measured(self) -> bool:
        """Whether its wall-clock time stands for its setting: all answered, all asked for anew.

        A batch may hold files that have no answer; their number is told.
        """
        if self.figure("wall_s") is None or self.figure("reused"):
            return False
        if not self.batch:
            return self.status == "completed"
        asked, answers = self.figure("attempts"), self.figure("succeeded")
        anew = asked is None or answers is None or asked >= answers  # else some were there before
        return self.status in ("completed", "partial") and anew

    @property
    def accounted(self) -> bool:
        """Whether its tokens, cost and grounding stand for its setting."""
        return self.measured or (self.batch and self.status in ENDED)


def collect_rows(paths: Iterable[Path]) -> list[RunRow]:
    """Return a row for every run among and below *paths*, and for every job that left none.

    Raises ConfigError, with the nearest match, for a path that holds neither.
    """
    rows: dict[Path, RunRow] = {}
    for path in paths:
        try:
            found = find_runs([path])
            empty = [] if is_run(path) else _empty_jobs(path)
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error
        if not found and not empty:
            raise ConfigError(f"{path}: there is no run{did_you_mean(str(path), _near(path))}")
        for each in sorted([*found, *empty], key=_in_order):
            rows.setdefault(each.resolve(), read_row(each))
    return list(rows.values())


def _near(path: Path) -> list[str]:
    """Return what lies beside *path* and holds runs."""
    try:
        beside = [p for p in path.parent.iterdir() if p.is_dir() and not p.is_symlink()]
        return [str(p) for p in beside if p != path and find_runs([p])]
    except OSError:
        return []


def _empty_jobs(path: Path) -> list[Path]:
    """Return a sweep's jobs that left nothing, or were never begun."""
    if not path.is_dir():
        return []
    jobs = [p for p in path.iterdir() if p.name.isdecimal() and p.is_dir()]
    jobs += [job.path for job in planned_jobs(path) if job.path not in jobs]
    return [job for job in jobs if not find_runs([job])]


def _in_order(path: Path) -> tuple[str, int, str]:
    number = int(path.name) if path.name.isdecimal() else -1
    return str(path.parent), number, path.name


def read_row(path: Path) -> RunRow:
    """Return the row of *path*; never raises on account of what is in it."""
    if not is_run(path):
        begun = "left no run: was its configuration refused?" if path.is_dir() else "not begun"
        job = next((job for job in planned_jobs(path.parent) if job.path == path), None)
        what = f" ({', '.join(job.overrides)})" if job else ""
        name = f"{path.parent.name}/{path.name}"
        return RunRow(path, name, "missing", to_terminal(f"{begun}{what}", 200))
    try:
        run = read_run(path)
        settings = _settings(run)
        figures = _figures(run)
    except (ColloquyError, OSError, ValueError, RecursionError) as error:
        return RunRow(
            path, path.name, "damaged", to_terminal(str(error) or type(error).__name__, 200)
        )
    status, reason = _state(run, settings, figures)
    return RunRow(
        path=path,
        name=run.name,
        status=status,
        reason=to_terminal(reason, 200),
        settings=settings,
        overrides=run.overrides,
        figures=figures,
        deterministic=_deterministic(run.config),
        batch=_is_batch(run),
    )


def _settings(run: StoredRun) -> dict[str, str]:
    settings = flatten(run.config)
    if settings:
        sha = at(run.metadata, "transcript", "sha256")
        settings["transcript.sha256"] = show(sha)[:8]
        for name, value in section(read_json(run.path / "config/prompts.json"), "sha256").items():
            settings[f"prompts.{name}"] = show(value)[:8]
    return settings


def _figures(run: StoredRun) -> dict[str, float | None]:
    told = section(run.benchmark, "run")
    totals = section(run.metadata, "totals")
    figures = {name: number(told.get(name, totals.get(name))) for name in FIGURES}
    if _is_batch(run):  # its benchmark tells of the last session alone
        figures |= {name: number(totals.get(name)) for name in SPENT}
    if not told:
        states = list(_states(run))
        figures["succeeded"] = float(sum(state == "ok" for state in states))
        figures["total"] = float(len(states))
    spoken = section(run.grounding, "total") or section(run.metadata, "grounding")
    rate = number(told.get("grounding_rate", spoken.get("rate")))
    plan = section(run.benchmark, "plan")
    ended = run.status in ENDED  # what was stopped tells nothing of its setting's quality
    return {
        **figures,
        "grounding_rate": rate,
        "context_retained": _retained(run.path),
        "quality": quality(figures["succeeded"], figures["total"], rate) if ended else None,
        "plan_error": number(at(plan, "wall_s", "error")),
        "plan_tokens_error": number(at(plan, "prompt_tokens", "error")),
        "plan_recorded": number(int(plan.get("recorded") is True)) if plan else None,
    }


def quality(succeeded: float | None, total: float | None, rate: float | None) -> float | None:
    """Return success rate times grounding rate, 0 to 1; None where one is unknown.

    A proxy: it tells that answers came and quote the transcript, not that they are right.
    """
    if not total or succeeded is None:
        return None
    if succeeded == 0:
        return 0.0
    return None if rate is None else round(succeeded / total * rate, 6)


def _retained(path: Path) -> float | None:
    """Return the share of tokens in upstream items that the contexts kept, None without any."""
    kept = every = 0.0
    for file in sorted((path / "context").glob("*_ledger.json")):
        for part in section(read_json(file), "sections").values():
            for item in mappings(at(part, "items")):
                tokens = number(item.get("tokens")) or 0.0
                every += tokens
                kept += tokens if item.get("kept") is True else 0.0
    return round(kept / every, 6) if every else None


def _state(
    run: StoredRun, settings: Mapping[str, str], figures: Mapping[str, float | None]
) -> tuple[str, str]:
    """Return the row's status, and why it is not completed."""
    gone = [name for name, data in _parts(run, settings) if not data]
    if run.status == "completed" and figures["wall_s"] is None:
        gone.append("logs/benchmark.json")
    if gone or run.damaged:
        missing = f"missing or unreadable: {', '.join(dict.fromkeys(gone))}" if gone else ""
        return "damaged", "; ".join(filter(None, [missing, *run.damaged[:1]]))
    if run.status == "completed":
        return run.status, ""
    if run.status == "running":
        held = is_held(run.path)
        return ("running", "it goes on") if held else ("died", "its process ended without a word")
    files = section(run.metadata, "files")
    if files:
        total, completed = (int(amount(files.get(name))) for name in ("total", "completed"))
        which = f"{total - completed:,} of {plural(total, 'file')}"
        return to_terminal(run.status, 40), f"{which} without all answers"
    failed = {name: section(record, "error") for name, record in run.records.items()}
    errors = (f"{name}: {show(e.get('message', 'failed'))}" for name, e in failed.items() if e)
    undone = [s for s in _states(run) if s != "ok"]
    return to_terminal(run.status, 40), next(errors, f"{len(undone)} analyzers without an answer")


def _is_batch(run: StoredRun) -> bool:
    return run.metadata.get("kind") == "batch"


def _parts(run: StoredRun, settings: Mapping[str, str]) -> list[tuple[str, Mapping[str, Any]]]:
    return [("metadata.json", run.metadata), ("config/resolved.yaml", settings)]


def _states(run: StoredRun) -> Iterable[str]:
    for stage in section(run.metadata, "stages").values():
        yield from (str(state) for state in section(stage, "analyzers").values())


def _deterministic(config: Mapping[str, Any]) -> bool:
    """Whether equal settings give equal answers: ours, offline or without faults and limits."""
    model = section(config, "model")
    simulate = section(model, "simulate")
    if not simulate or model.get("api_base") is not None:
        return str(model.get("name", "")).startswith("offline/")
    troubles = ("faults", "script", "outages_s", "rpm", "tpm", "poison")
    return not any(simulate.get(trouble) for trouble in troubles)
