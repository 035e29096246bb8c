"""Last line of a run or batch: its status, its directory, and the command that resumes it."""

import shlex
import sys
from pathlib import Path
from typing import Any

import orjson

from runner.base.command import silence
from runner.base.errors import EXIT_BUDGET, EXIT_OK, OutputError, reason
from runner.base.json import load_json, read_json
from runner.base.regular_files import as_given
from runner.base.text import to_terminal
from runner.job.attributes import FILE as ATTRIBUTES
from runner.job.attributes import attributes_from
from runner.job.job import BatchJob, Job, Setup
from runner.record.batch_directory import REPORT, TABLE, input_names
from runner.record.benchmark import larger_budget
from runner.record.deliveries import FOLDER
from runner.record.journal import spent_in
from runner.record.result_row import completed_before
from runner.record.reuse import LASTING, read_record
from runner.record.run_directory import COMPLETED, METADATA, RESERVE
from runner.reports.stored_run import counts_of
from runner.run.batch.active_runs import BatchResult
from runner.run.collection.collect import is_collected
from runner.run.run import RunResult

# Files of a finished run that are made from its answers.
_MADE = ("grounding.json", "coverage.json", "insights.json", "logs/benchmark.json")


def print_end(
    job: Setup,
    path: Path,
    status: str,
    code: int,
    *,
    resumable: bool = True,
    hint: str | None = None,
) -> None:
    """Print the last line to standard output: `KEY=VALUE …`, or JSON for `output.console=json`.

    A closed pipe is no failure; raises OutputError for any other.
    """
    place = as_given(path, job.settings.output.dir)
    facts: dict[str, Any] = {"status": status, "exit": code}
    if any((counts := counts_of(read_json(path / METADATA))).values()):
        facts |= {name: n for name, n in counts.items() if n or name != "not_run"}
    facts["batch" if isinstance(job, BatchJob) else "run"] = str(place)
    pages = {"report": REPORT, "results": TABLE}
    facts |= {name: str(place / page) for name, page in pages.items() if (path / page).is_file()}
    if code != EXIT_OK and resumable:
        facts["resume"] = resume_command(path, job, code)
    if hint is not None:
        facts["hint"] = hint
    if job.settings.output.console == "json":
        line = orjson.dumps({"event": "run.ended", **facts}).decode()
    else:
        in_quotes = {name: f'"{facts[name]}"' for name in ("resume", "hint") if name in facts}
        shown = {name: shlex.quote(str(value)) for name, value in facts.items()} | in_quotes
        line = to_terminal(" ".join(f"{name}={value}" for name, value in shown.items()), 2000)
    try:
        print(line, flush=True)
    except BrokenPipeError:  # its reader has gone, which does not change the result
        silence(sys.stdout)
    except OSError as error:
        raise OutputError(f"standard output: {reason(error)}") from error


def hint_of(job: Setup, result: RunResult | BatchResult) -> str | None:
    """Return the setting that would have helped, with a value, None if unknown."""
    if isinstance(result, BatchResult):
        lacks = f"see the column error of {TABLE} for what files lack"
        return lacks if result.status == "degraded" else None
    outcomes = result.outcomes.values()
    kinds = {o.kind for o in outcomes} | {why for o in outcomes for why in o.missing.values()}
    model, slots = job.main.settings, job.settings.processing.max_concurrent
    if "timeout" in kinds:
        fewer = f" or processing.max_concurrent={max(1, slots // 2)}" if slots > 1 else ""
        longer = f"model.timeout_s={2 * model.timeout_s:g}{fewer}"
        return f"replies took longer than model.timeout_s={model.timeout_s:g}: try {longer}"
    if "context_exceeded" in kinds:
        window = f"={job.main.window}" if job.main.window else "=TOKENS"
        return f"prompts were too long: set model.context_window{window} or a smaller one"
    if result.checked:
        file = job.settings.checks.file if job.settings.checks else None
        off = f"fail: false in {file}" if file else "checks.fail=false"
        return f"{result.lacks}: see checks.json, or set {off}"
    if result.status == "degraded":
        rate = job.settings.grounding.min_rate
        return f"{result.quotes}: fewer than grounding.min_rate={rate:g} asks for"
    return None


def can_help(result: RunResult | BatchResult) -> bool:
    """Return whether resuming can change *result*; a lasting failure would recur."""
    if isinstance(result, BatchResult):
        return result.status != "degraded"
    failed = [outcome for outcome in result.outcomes.values() if outcome.status != "ok"]
    lost = {why for outcome in result.outcomes.values() for why in outcome.missing.values()}
    return bool(({outcome.kind for outcome in failed} | lost) - LASTING)


def resume_command(path: Path, job: Setup, code: int = EXIT_OK) -> str:
    """Return the command that finishes *job*'s run in *path*, with the budget that it needs."""
    path = as_given(path, job.settings.output.dir)
    folders = "".join(f"--config-dir {shlex.quote(str(folder))} " for folder in job.config_dirs)
    budget = larger_budget(path, dict(job.settings.budget)) if code == EXIT_BUDGET else ""
    return f"colloquy {folders}resume={shlex.quote(str(path))}{budget}"


def nothing_to_do(path: Path, job: Job | BatchJob) -> bool:
    """Return whether the run is finished and its files, of a batch its answers, are undamaged."""
    if not (path / COMPLETED).exists() or (path / RESERVE).exists():  # died before its end
        return False
    metadata = read_json(path / METADATA)
    if metadata.get("status") == "degraded":  # it ends again with its exit code and hint
        return False
    if (path / FOLDER).exists() and spent_in(path / "journal.jsonl")[0].out:  # its price is open
        return False
    if isinstance(job, BatchJob):
        if {*input_names(path)} != {each.name for each in job.inputs}:  # some were removed
            return False
        if job.collection.stages and not is_collected(path):
            return False
        if attributes_from(read_json(path / ATTRIBUTES)) != job.attributes:
            return False  # which split its counts
        return all(completed_before(path, job, given) for given in job.inputs)
    files = [path / "intermediate" / n.stage / f"{n.name}.json" for n in job.pipeline.nodes]
    records = [read_record(file) for file in files]
    whole = all(fault is None and record["status"] == "ok" for fault, record in records)
    return whole and bool(metadata) and all(_is_intact(path / n) for n in _MADE)


def _is_intact(file: Path) -> bool:
    try:
        load_json(file)
    except (OSError, ValueError):
        return False
    return True
