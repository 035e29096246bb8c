"""The calls of a run's last session, from its journal."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner.record.batch_directory import journal_of
from runner.record.journal_calls import calls_in, time_of


@dataclass(frozen=True, slots=True)
class TimedCall:
    """One request, in seconds since its session began; *outcome* is `ok`, `open` or a kind."""

    unit: str
    attempt: int
    start_s: float
    end_s: float
    outcome: str


@dataclass(frozen=True)
class StoredSession:
    """The last session with calls.

    *calls* are by unit (an analyzer's name, or `NAME/part_NN`); *finished* says that the
    session ended properly, so benchmark.json describes it; *sessions* counts all sessions.
    """

    calls: Mapping[str, Sequence[TimedCall]] = field(default_factory=dict)
    finished: bool = False
    sessions: int = 0
    earlier_calls: int = 0


def read_session(path: Path) -> StoredSession:
    """Return the last session in the run directory *path*."""
    try:
        lines = journal_of(path)
    except OSError:
        return StoredSession()
    events = ("run.started", "call.started", "run.finished")
    begun, called, ended = (
        [at for at, line in enumerate(lines) if line["event"] == event] for event in events
    )
    if not called:
        return StoredSession(finished=bool(ended), sessions=len(begun))
    first = max((at for at in begun if at < called[-1]), default=0)
    last = min((at for at in begun if at > called[-1]), default=len(lines))
    finished = last == len(lines) and any(at >= first for at in ended)
    earlier = sum(at < first for at in called)
    return StoredSession(_calls(lines[first:last]), finished, len(begun), earlier)


def _calls(lines: Sequence[Mapping[str, Any]]) -> dict[str, list[TimedCall]]:
    zero_s: float | None = None
    calls: dict[str, list[TimedCall]] = {}
    for line in lines:
        with suppress(ValueError):
            zero_s = time_of(line) if zero_s is None else zero_s
    for call in calls_in(lines):
        start_s, end_s = call.start_s - (zero_s or 0.0), call.end_s - (zero_s or 0.0)
        made = TimedCall(call.unit, call.attempt, start_s, end_s, call.outcome or "failed")
        calls.setdefault(call.unit, []).append(made)
    return calls
