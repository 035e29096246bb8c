"""Rows of figures, one for each run directory in any state, and settings, the groups of rows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner.answers.outcome import ANSWERED
from runner.base.errors import ColloquyError, readable
from runner.base.format import plural, share
from runner.base.json import amount, at, mappings, number, read_json, section
from runner.base.regular_files import files_in, folders_in, kind_of
from runner.base.text import by_number, to_terminal
from runner.base.usage import USAGE_FIGURES
from runner.config.model_facts import OFFLINE
from runner.record.lock import is_held
from runner.reports.compare.keys import CHOSEN, flatten, show
from runner.reports.compare.planned_jobs import planned_jobs
from runner.reports.compare.spread import Spread
from runner.reports.compare.themes import figures_of as theme_figures
from runner.reports.stored_run import StoredRun, find_runs, is_run, no_run, read_run, statuses_of

ENDED = (*sorted(ANSWERED), "partial", "failed")
SPENT = (*USAGE_FIGURES, "live_cost_usd")
ASSESSED = ("coverage", "checks_rate", "escalated", "mended", "escalation_usd")
SHARES = ("grounding_rate", "coverage", "checks_rate", "context_retained", "quality", "grouped")
FIGURES = (*("succeeded", "total", "reused", "attempts", "wall_s", "ideal_s", "efficiency"), *SPENT)


@dataclass(frozen=True)
class RunRow:
    """One run; a figure is None if no file has it.

    *status* is that of metadata.json, or `missing` (a sweep's job without a run), `damaged` or
    `died`; *reason* says why it is not `completed`. *settings* is the flat configuration as
    text, with the digests of transcript and prompts. Shares are 0 to 1; *plan_error* and
    *plan_tokens_error* are the relative errors of the predicted wall clock and prompt tokens.
    A *batch* is many runs; its tokens and cost are those of all sessions.
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
        """Return the figure called *name*."""
        return self.figures.get(name)

    @property
    def measured(self) -> bool:
        """Whether its wall-clock time counts: every call was made in it and answered.

        A batch may have files without an answer; notes give their number.
        """
        if self.figure("wall_s") is None or self.figure("reused"):
            return False
        if not self.batch:
            return self.status in ANSWERED
        asked, answers = self.figure("attempts"), self.figure("succeeded")
        reused = asked is not None and answers is not None and asked < answers
        return self.status in (*ANSWERED, "partial") and not reused

    @property
    def accounted(self) -> bool:
        """Whether its tokens, cost and grounding count for its setting."""
        return self.measured or (self.batch and self.status in ENDED)


def known_figures(rows: Iterable[RunRow], name: str) -> list[float]:
    """Return the known figures called *name* of *rows*."""
    return [value for row in rows if (value := row.figure(name)) is not None]


def collect_rows(paths: Iterable[Path]) -> list[RunRow]:
    """Return a row for every run in and below *paths*, and for every sweep job without one.

    Raises ConfigError, with the nearest match, for a path that holds neither.
    """
    rows: dict[Path, RunRow] = {}
    for path in paths:
        with readable(path):
            found = find_runs(path)
            empty = {} if is_run(path) else _empty_jobs(path)
        if not found and not empty:
            raise no_run(path)
        for each in sorted([*found, *empty], key=lambda p: (str(p.parent), by_number(p.name))):
            rows.setdefault(each.resolve(), empty.get(each) or read_row(each))
    return list(rows.values())


def _empty_jobs(path: Path) -> dict[Path, RunRow]:
    """Return the rows of the sweep jobs in *path* that wrote no run."""
    jobs = dict.fromkeys((p for p in folders_in(path) if p.name.isdecimal()), "")
    jobs |= {job.path: f" ({', '.join(job.overrides)})" for job in planned_jobs(path)}
    rows = {}
    for job, overrides in jobs.items():
        begun = "wrote no run: was its configuration refused?" if kind_of(job) else "not begun"
        why = to_terminal(f"{begun}{overrides}", 200)
        if not find_runs(job):
            rows[job] = RunRow(job, f"{path.name}/{job.name}", "missing", why)
    return rows


def read_row(path: Path) -> RunRow:
    """Return the row of the run in *path*; its contents never raise an exception."""
    try:
        run = read_run(path)
        settings = _settings(run)
        figures = _figures(run)
    except (ColloquyError, OSError, ValueError, RecursionError) as error:
        why = to_terminal(str(error) or type(error).__name__, 200)
        return RunRow(path, path.name, "damaged", why)
    status, reason = _state(run, settings, figures)
    return RunRow(
        path,
        run.name,
        status,
        reason=to_terminal(reason, 200),
        settings=settings,
        overrides=run.overrides,
        figures=figures,
        deterministic=_deterministic(run.config),
        batch=run.is_batch,
    )


def _settings(run: StoredRun) -> dict[str, str]:
    settings = flatten(run.config)
    if settings:
        typed = (override.partition("=") for override in run.overrides)
        settings |= {group: show(choice) for group, _, choice in typed if group in CHOSEN}
        settings["transcript.sha256"] = show(at(run.metadata, "transcript", "sha256"))[:8]
        for name, value in section(read_json(run.path / "config/prompts.json"), "sha256").items():
            settings[f"prompts.{name}"] = show(value)[:8]
    return settings


def _figures(run: StoredRun) -> dict[str, float | None]:
    took, totals = run.took, run.totals
    figures = {name: number(took.get(name, totals.get(name))) for name in FIGURES}
    if run.is_batch:  # its benchmark.json is of the last session alone
        figures |= {name: number(totals.get(name)) for name in SPENT}
    if not took:
        statuses = [status for _, status in statuses_of(run.metadata).values()]
        figures |= {"succeeded": float(statuses.count("ok")), "total": float(len(statuses))}
    rate = number(took.get("grounding_rate", run.grounded.get("rate")))
    ended = run.status in ENDED  # a stopped run does not measure its setting's quality
    found = {
        **figures,
        "grounding_rate": rate,
        **{name: number(took.get(name)) for name in ASSESSED},
        "context_retained": _retained(run.path),
        "quality": quality(figures["succeeded"], figures["total"], rate) if ended else None,
        "plan_error": number(at(run.predicted, "wall_s", "error")),
        "plan_tokens_error": number(at(run.predicted, "prompt_tokens", "error")),
        **(theme_figures(run.path) if run.is_batch else {}),
        "plan_recorded": float(run.predicted.get("recorded") is True) if run.predicted else None,
    }
    for name, value in found.items():  # files are untrusted
        size = abs(value or 0.0) if name.endswith("_error") else value
        if size and not 1e-12 < size <= (1.0 if name in SHARES else 1e12):
            found[name] = None
    return found


def quality(succeeded: float | None, total: float | None, rate: float | None) -> float | None:
    """Return success rate times grounding rate, 0 to 1; None if one of them is unknown.

    A proxy: high when analyzers answered and quote the transcript, whether or not they are right.
    """
    if not total or succeeded is None:
        return None
    if succeeded == 0:
        return 0.0
    return None if rate is None else round(succeeded / total * rate, 6)


def _retained(path: Path) -> float | None:
    """Return the share of upstream tokens that the contexts kept, None without contexts."""
    every = kept = 0.0
    for file in files_in(path / "context", "_ledger.json"):
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
    parts = {"metadata.json": run.metadata, "config/resolved.yaml": settings}
    gone = [name for name, data in parts.items() if not data]
    if run.status in ANSWERED and figures["wall_s"] is None:
        gone.append("logs/benchmark.json")
    if gone or run.damaged:
        missing = f"missing or unreadable: {', '.join(gone)}" if gone else ""
        return "damaged", "; ".join(filter(None, [missing, *run.damaged[:1]]))
    files = section(run.metadata, "files")
    if run.status == "degraded" and not files:
        found, checks = figures["grounding_rate"], figures["checks_rate"]
        least = number(at(run.config, "grounding", "min_rate")) or 0.0
        if checks is not None and (found is None or found >= least):
            return run.status, f"{share(checks)} of its checks passed"
        return run.status, f"{share(found)} of its quotes are in the transcript"
    if run.status == "completed" or (run.status in ANSWERED and not files):
        return run.status, ""
    if run.status == "running":
        held = is_held(run.path)
        return ("running", "not finished yet") if held else ("died", "its process was killed")
    if files:
        total, completed = (int(amount(files.get(name))) for name in ("total", "completed"))
        why = f"{total - completed:,} of {plural(total, 'file')} without all answers"
    else:
        failed = {name: section(record, "error") for name, record in run.records.items()}
        errors = (f"{name}: {show(e.get('message', 'failed'))}" for name, e in failed.items() if e)
        undone = sum(status != "ok" for _, status in statuses_of(run.metadata).values())
        why = next(errors, f"{plural(undone, 'analyzer')} without an answer")
    return to_terminal(run.status, 40), why


def _deterministic(config: Mapping[str, Any]) -> bool:
    """Return whether equal settings give equal answers: offline, or simulated without faults."""
    model = section(config, "model")
    simulate = section(model, "simulate")
    if not simulate or model.get("api_base") is not None:
        return str(model.get("name", "")).startswith(OFFLINE)
    faults = ("faults", "script", "outages_s", "rpm", "tpm", "poison")
    return not any(simulate.get(fault) for fault in faults)


@dataclass(frozen=True)
class Group:
    """All runs of one setting; *settings* are its values of the keys that differ.

    *spreads* are those of its figures, None if unknown: over the measured runs; of tokens, cost and
    grounding also over batches that ended; of quality also over failed runs. *baseline* is the
    sequential setting. *front* says whether the setting is on the Pareto front, None if that is
    unknown.
    """

    label: str
    settings: Mapping[str, str]
    rows: tuple[RunRow, ...]
    spreads: Mapping[str, Spread | None]
    baseline: "Group | None" = None
    front: bool | None = None

    @property
    def measured(self) -> list[RunRow]:
        """The runs with a valid wall-clock time."""
        return [row for row in self.rows if row.measured]

    def middle(self, name: str) -> float | None:
        """Return the median of a figure."""
        found = self.spreads.get(name)
        return found.median if found else None

    def speed_up_of(self, row: RunRow) -> float | None:
        """Return the speed-up of its run *row*, None if unknown."""
        return self._times_as_fast(row.figure("wall_s")) if row.measured else None

    def _times_as_fast(self, wall_s: float | None) -> float | None:
        base_s = self.baseline and self.baseline.middle("wall_s")
        return base_s / wall_s if base_s and wall_s else None

    @property
    def speed_up(self) -> float | None:
        """The speed-up of its median."""
        return self._times_as_fast(self.middle("wall_s"))
