"""Batch tally: rows of the results table, and counts over them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.answers.grounding.grounder import GroundingCounts
from runner.answers.outcome import ANSWERED, cut_answers
from runner.base import errors
from runner.base.errors import one_line
from runner.base.statistics import wilson
from runner.base.usage import sum_usd
from runner.job.job import BatchJob, Job
from runner.record.journal import Spent
from runner.record.result_row import ResultRow, figures_of, totals_of
from runner.run.cli.command_line import worst_exit_code
from runner.run.run import RunResult
from runner.transcript.inputs import Input

MIN_JUDGED = 20  # files to finish before failures can end a batch
ENDING = frozenset(  # exit codes of a run that end the batch
    {errors.EXIT_AUTH, errors.EXIT_BUDGET, errors.EXIT_UNAVAILABLE, errors.EXIT_OUTPUT}
)
_OVER_ALL = ENDING | {errors.EXIT_BUG}  # of any run, they decide the exit code of the batch


def row_of(file: Input, job: Job, result: RunResult, spent: Spent) -> ResultRow:
    """Return the row of a finished run; *spent* is the total of its sessions."""
    failed = [(name, o) for name, o in result.outcomes.items() if o.status != "ok"]
    counts = sum((o.grounding for o in result.outcomes.values() if o.grounding), GroundingCounts())
    message = next((f"{name}: {o.error or o.kind}" for name, o in failed), "")
    if result.status == "degraded":
        message = result.lacks or ""
    return ResultRow(
        file.name,
        file.run,
        result.status,
        result.exit_code,
        ok=len(result.outcomes) - len(failed),
        analyzers=len(result.outcomes),
        segments=len(job.transcript.segments),
        quotes=counts.quotes,
        grounded=counts.exact + counts.near,
        cut=len(cut_answers(result.outcomes)),
        error=one_line(message, 200),
        **figures_of(job.transcript.reading, result.benchmark["run"]),
        **totals_of(spent),
    )


def unanswered_row(
    batch: BatchJob, file: Input, status: str, code: int, error: str, spent: Spent | None = None
) -> ResultRow:
    """Return the row of a file without an answer, with what its calls cost."""
    nodes, totals = len(batch.pipeline.nodes), totals_of(spent or Spent())
    error = one_line(error, 200)
    return ResultRow(file.name, file.run, status, code, analyzers=nodes, error=error, **totals)


# Figures of rows whose sums are kept.
_SUMMED = (
    *("ok", "analyzers", "reused", "quotes", "grounded"),
    *("checks", "checks_failed", "escalated", "mended"),
)


@dataclass
class Tally:
    """Counts over the rows so far, in constant memory; *total* is the number of files.

    *sums* are those of the rows' figures; *escalated*, *mended* and *escalation_usd* are also
    of answers of the collection. *covered* is the sum of the shares of the *measured* files.
    """

    total: int
    statuses: Counter[str] = field(default_factory=Counter)
    codes: Counter[int] = field(default_factory=Counter)
    sums: Counter[str] = field(default_factory=Counter)
    escalation_usd: float | None = 0.0
    covered: float = 0.0
    measured: int = 0

    def add(self, row: ResultRow) -> None:
        """Count one row."""
        self.statuses[row.status] += 1
        self.codes[row.exit_code] += 1
        self.sums.update({name: int(getattr(row, name)) for name in _SUMMED})
        self.escalation_usd = sum_usd((self.escalation_usd, row.escalation_usd))
        if row.coverage is not None:
            self.covered, self.measured = self.covered + row.coverage, self.measured + 1

    @property
    def done(self) -> int:
        """Number of files that have ended, with any status."""
        return sum(self.statuses.values())

    @property
    def unanswered(self) -> int:
        """Number of files without any answer."""
        return self.statuses["failed"] + self.statuses["unreadable"]

    def too_many_failures(self, limit: float) -> bool:
        """Return whether the share without answer exceeds *limit*, of at least MIN_JUDGED files."""
        return self.done >= MIN_JUDGED and self.unanswered > limit * self.done

    def exit_code(self, *, gave_up: bool) -> int:
        """Return the exit code of the batch; the reason that ended it comes before single files."""
        decisive = [code for code in self.codes if code in _OVER_ALL]
        if decisive:
            return worst_exit_code(decisive)
        if gave_up:
            return errors.EXIT_NOTHING
        if self.statuses["completed"] == self.total:
            return errors.EXIT_OK
        if self._answered or self.statuses["partial"]:
            return errors.EXIT_PARTIAL
        return errors.EXIT_INPUT if set(self.codes) == {errors.EXIT_INPUT} else errors.EXIT_NOTHING

    @property
    def _answered(self) -> int:
        return sum(self.statuses[status] for status in ANSWERED)

    def status(self, code: int) -> str:
        """Return the status of a batch that ends with exit code *code*."""
        if code == errors.EXIT_OK:
            return "completed"
        if code == errors.EXIT_PARTIAL and self._answered == self.total:
            return "degraded"
        return "partial" if self.sums["ok"] else "failed"

    def counts(self, statuses: Mapping[str, int] | None = None) -> dict[str, int]:
        """Return the counts for metadata.json; *statuses* includes earlier sessions."""
        names = ("completed", "degraded", "partial", "failed", "unreadable", "interrupted")
        counts = {name: (statuses or self.statuses).get(name, 0) for name in names}
        return {"total": self.total, **counts, "begun": self.done, "reused": self.sums["reused"]}

    def coverage(self) -> float | None:
        """Return the mean share of tokens that findings cite, None without any answer."""
        return round(self.covered / self.measured, 4) if self.measured else None

    def grounding(self) -> dict[str, Any]:
        """Return the counts of quotes and the share found in the transcript (None: no quotes)."""
        counts = {name: self.sums[name] for name in ("quotes", "grounded")}
        rate = round(counts["grounded"] / counts["quotes"], 4) if counts["quotes"] else None
        return {**counts, "rate": rate}

    def checking(self) -> dict[str, Any]:
        """Return the counts of escalated answers and of checks, with the share that did not fail.

        Nothing of either without any.
        """
        further: dict[str, Any] = {}
        if self.sums["escalated"]:
            further = {name: self.sums[name] for name in ("escalated", "mended")}
            further["escalation_usd"] = self.escalation_usd
        checks, failed = self.sums["checks"], self.sums["checks_failed"]
        if not checks:
            return further
        ends = [round(end, 4) for end in wilson(checks - failed, checks)]
        shares = {"checks_rate": round(1 - failed / checks, 4), "checks_interval": ends}
        return {"checks": checks, "failed_checks": failed, **shares, **further}
