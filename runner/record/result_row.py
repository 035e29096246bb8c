"""The row of a file in the results table of a batch, and what it is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from runner.answers.outcome import ANSWERED
from runner.base.errors import EXIT_OK, EXIT_PARTIAL, ColloquyError
from runner.base.json import load_json
from runner.base.regular_files import kind_of
from runner.base.usage import USAGE_FIGURES
from runner.job.job import BatchJob
from runner.record.journal import Spent
from runner.record.run_directory import COMPLETED, METADATA, check_folders
from runner.transcript.inputs import Input
from runner.transcript.read import content_sha256_of
from runner.transcript.reading_report import ReadingReport, stored_report

UNREADABLE = "unreadable"  # the status of a file that was not read


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One row of the results table; tokens, cost and attempts are of all sessions."""

    transcript: str
    run: str
    status: str  # the run's, or UNREADABLE
    exit_code: int
    ok: int = 0  # of the analyzers, those that answered
    analyzers: int = 0
    segments: int = 0
    speakers: int = 0
    with_speaker: int = 0  # of the segments
    with_time: int = 0  # of the segments
    left_out_words: int = 0
    warnings: int = 0  # doubts of the reader
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float | None = 0.0
    attempts: int = 0
    wall_s: float | None = None  # of the last session
    quotes: int = 0
    grounded: int = 0
    coverage: float | None = None  # the share of tokens that findings cite
    cut: int = 0  # answers of replies that were cut
    checks: int = 0  # of checks.json
    checks_failed: int = 0
    escalated: int = 0  # answers asked again of another model
    mended: int = 0  # of those
    escalation_usd: float | None = 0.0
    reused: bool = False  # an earlier session completed the run
    error: str = ""  # of the first analyzer that failed, or of reading the file


COLUMNS = tuple(field.name for field in fields(ResultRow))
_READING = ("with_speaker", "with_time", "left_out_words")  # figures of a reading report
_TOTALS = (*USAGE_FIGURES, "attempts")


def figures_of(report: ReadingReport | None, run: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row's figures from the reading *report* and from benchmark.json's `run`."""
    names = ("checks", "escalated", "mended", "escalation_usd")
    figures = {name: run.get(name, 0) for name in names}
    figures |= {"checks_failed": run.get("failed_checks", 0)}
    figures |= {name: run.get(name) for name in ("wall_s", "coverage")}
    if report is not None:
        figures |= {name: getattr(report, name) for name in _READING}
        figures |= {"speakers": len(report.speakers), "warnings": len(report.warnings)}
    return figures


def totals_of(spent: Spent) -> dict[str, Any]:
    """Return a row's tokens, cost and attempts."""
    totals = spent.totals()
    return {name: totals[name] for name in _TOTALS}


def completed_before(batch: Path, job: BatchJob, file: Input) -> ResultRow | None:
    """Return the row of *file*'s completed run; None if that, or what was asked of it, differs."""
    encoding = job.settings.transcript.encoding
    run = batch / file.run
    if kind_of(run / COMPLETED) != "file":
        return None
    try:
        check_folders(run)
        metadata = load_json(run / METADATA)
        if metadata["transcript"]["sha256"] != content_sha256_of(file.path, encoding=encoding):
            return None
        status = metadata["status"]
        if status not in ANSWERED or metadata["answers_digest"] != job.answers_digest:
            return None
        benchmark, quotes = load_json(run / "logs" / "benchmark.json")["run"], metadata["grounding"]
        report = stored_report(metadata.get("reading"))
        return ResultRow(
            file.name,
            file.run,
            status,
            EXIT_OK if status == "completed" else EXIT_PARTIAL,
            ok=benchmark["total"],
            analyzers=benchmark["total"],
            segments=metadata["transcript"]["segments"],
            quotes=quotes["quotes"],
            grounded=quotes["exact"] + quotes["near"],
            cut=len(metadata.get("cut") or ()),
            reused=True,
            **figures_of(report, benchmark),
            **{name: metadata["totals"][name] for name in _TOTALS},
        )
    except (OSError, ValueError, KeyError, TypeError, ColloquyError):
        return None  # the run then checks its answers one by one
