"""Rows of a batch's results table, one for each transcript."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from runner.base.errors import EXIT_OK
from runner.record.journal import Spent
from runner.transcript.inputs import Input


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One row of the results table.

    *status* is the run's, or `unreadable`; *ok* counts the *analyzers* that answered; *error* is
    that of the first that failed, or of reading the file. Tokens, cost and attempts are summed
    over all sessions, *wall_s* is of the last; *reused*: an earlier session completed the run.
    """

    transcript: str
    run: str
    status: str
    exit_code: int
    ok: int = 0
    analyzers: int = 0
    segments: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float | None = 0.0
    attempts: int = 0
    wall_s: float | None = None
    quotes: int = 0
    grounded: int = 0
    reused: bool = False
    error: str = ""


COLUMNS = tuple(field.name for field in fields(ResultRow))
_TOTALS = ("prompt_tokens", "completion_tokens", "cached_tokens", "cost_usd", "attempts")


def totals_of(spent: Spent) -> dict[str, Any]:
    """Return a row's tokens, cost and attempts."""
    totals = spent.totals()
    return {name: totals[name] for name in _TOTALS}


def completed_row(file: Input, metadata: Mapping[str, Any], run: Mapping[str, Any]) -> ResultRow:
    """Return the row of a run that an earlier session completed; *run* is benchmark.json's."""
    counts, count = metadata["grounding"], run["total"]
    return ResultRow(
        file.name,
        file.run,
        "completed",
        EXIT_OK,
        ok=count,
        analyzers=count,
        segments=metadata["transcript"]["segments"],
        wall_s=run["wall_s"],
        quotes=counts["quotes"],
        grounded=counts["exact"] + counts["near"],
        reused=True,
        **{name: metadata["totals"][name] for name in _TOTALS},
    )
