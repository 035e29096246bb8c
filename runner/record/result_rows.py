"""The rows of a batch's results table, one for each transcript."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from runner.base.errors import EXIT_OK
from runner.record.journal import Spent
from runner.transcript.inputs import Input


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One line of the results table.

    *status* is the run's, or `unreadable`; *ok* of *analyzers* answered; the error is that of the
    first that did not, or the file's. Tokens, cost and attempts are over all sessions, *wall_s*
    of the last one; *reused* says that an earlier session had it complete.
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


def row_before(given: Input, metadata: Mapping[str, Any], run: Mapping[str, Any]) -> ResultRow:
    """Return the row of a run that an earlier session completed; *run* is benchmark.json's."""
    counts, count = metadata["grounding"], run["total"]
    return ResultRow(
        given.name,
        given.run,
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
