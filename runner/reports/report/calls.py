"""What a journal tells of the calls of a run's last session: who called when, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from runner.base.json import number, text
from runner.record.batch_directory import journal_of


@dataclass(frozen=True, slots=True)
class Call:
    """One request, in seconds since its session began; *outcome* is `ok`, `open` or a kind."""

    unit: str
    attempt: int
    start_s: float
    end_s: float
    outcome: str


@dataclass(frozen=True)
class Session:
    """The last session that called anybody.

    *calls* are by unit (an analyzer's name, or `NAME/part_NN`); *finished* says that the
    session came to its end, so that benchmark.json tells of it; *sessions* counts all of them.
    """

    calls: Mapping[str, Sequence[Call]] = field(default_factory=dict)
    finished: bool = False
    sessions: int = 0
    earlier_calls: int = 0


def read_session(path: Path) -> Session:
    """Return the last session in the run directory *path*."""
    try:
        lines = journal_of(path)
    except OSError:
        return Session()
    begun = [at for at, line in enumerate(lines) if line["event"] == "run.started"]
    called = [at for at, line in enumerate(lines) if line["event"] == "call.started"]
    if not called:
        return Session(finished=_finished(lines), sessions=len(begun))
    first = max((at for at in begun if at < called[-1]), default=0)
    last = min((at for at in begun if at > called[-1]), default=len(lines))
    mine = lines[first:last]
    return Session(
        _calls(mine),
        finished=_finished(mine) and last == len(lines),
        sessions=len(begun),
        earlier_calls=sum(at < first for at in called),
    )


def _finished(lines: Sequence[Mapping[str, Any]]) -> bool:
    return any(line["event"] == "run.finished" for line in lines)


def _calls(lines: Sequence[Mapping[str, Any]]) -> dict[str, list[Call]]:
    times = [at for line in lines if (at := _time(line)) is not None]
    zero, end = (times[0], max(times)) if times else (0.0, 0.0)
    calls: dict[str, list[Call]] = {}
    out: dict[tuple[str, int], float] = {}
    for line in lines:
        at, number_of = _time(line), number(line.get("attempt"))
        if at is None or number_of is None:
            continue
        key = (text(line.get("analyzer")), int(number_of))
        if line["event"] == "call.started":
            out[key] = at
        elif line["event"] in ("call.finished", "call.failed") and key in out:
            outcome = "ok" if line["event"] == "call.finished" else text(line.get("kind"))
            start = out.pop(key) - zero
            calls.setdefault(key[0], []).append(Call(*key, start, at - zero, outcome or "failed"))
    for key, began in out.items():  # still out when the process died
        calls.setdefault(key[0], []).append(Call(*key, began - zero, end - zero, "open"))
    return calls


def _time(line: Mapping[str, Any]) -> float | None:
    try:
        return datetime.fromisoformat(text(line.get("at"))).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
