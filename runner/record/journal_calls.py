"""Calls in a journal: each attempt's first line paired with its last."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from runner.base.json import text

SESSIONS = ("run.started", "batch.started")
ENDS = ("call.finished", "call.failed")
MAX_OPEN = 200_000  # calls in flight, far more than any process has

Line = Mapping[str, Any]


@dataclass(frozen=True)
class JournalCall:
    """One attempt of *unit*, an analyzer's name or `NAME/part_NN`."""

    unit: str
    attempt: int
    start: Line  # empty if its line was lost
    end: Line  # empty if the process died first
    last: Line = field(default_factory=dict)  # the last line that such a process wrote

    @cached_property
    def start_s(self) -> float:
        """Time of sending, in seconds since 1970; raises ValueError."""
        return time_of(self.start)

    @cached_property
    def end_s(self) -> float:
        """Time of its end, or of its process's last line; raises ValueError."""
        return max(self.start_s, time_of(self.end or self.last))

    @property
    def outcome(self) -> str:
        """`ok`, the kind of its failure, or `open` if nothing ended it."""
        if not self.end:
            return "open"
        return "ok" if self.end["event"] == "call.finished" else text(self.end.get("kind"))


@dataclass(slots=True)
class CallPairs:
    """Pairs lines as they come; *open*: first lines by run, unit, attempt (in a batch, request)."""

    open: dict[tuple[Any, str, int | str], Line] = field(default_factory=dict)
    _last: Line = field(default_factory=dict)

    def add(self, line: Line) -> list[JournalCall]:
        """Return the calls that *line* ends: its own, or those an earlier session left open.

        Raises KeyError or TypeError for a malformed line, OSError for too many open calls.
        """
        event, calls = line["event"], []
        if event in SESSIONS:
            calls = self.lose(line.get("run"))
        elif event == "call.started" or event in ENDS:
            unit, attempt = line["analyzer"], line["attempt"]
            key = (line.get("run"), unit, line.get("request", attempt))
            if not isinstance(unit, str) or not isinstance(attempt, int):
                raise TypeError(f"{key[1:]!r} is not a call")
            if event in ENDS:
                calls = [JournalCall(unit, attempt, self.open.pop(key, {}), line)]
            else:
                self.open[key] = line
                if len(self.open) > MAX_OPEN:
                    raise OSError(f"the journal has more than {MAX_OPEN:,} calls without an end")
        self._last = line
        return calls

    def lose(self, run: object = None, *, out: bool = False) -> list[JournalCall]:
        """Return open calls, of *run* or all, as ended by a crash; those in batches if *out*."""
        keys = [
            key
            for key, line in self.open.items()
            if run in (None, key[0]) and (out or "request" not in line)
        ]
        starts = ((key, self.open.pop(key)) for key in keys)
        return [JournalCall(key[1], s["attempt"], s, {}, self._last) for key, s in starts]


def calls_in(lines: Iterable[Line]) -> Iterator[JournalCall]:
    """Yield the calls that *lines* started, in order of their ends; other lines are ignored."""
    pairs = CallPairs()
    for line in lines:
        with suppress(KeyError, TypeError):
            yield from filter(_is_timed, pairs.add(line))
    yield from filter(_is_timed, pairs.lose(out=True))


def _is_timed(call: JournalCall) -> bool:
    try:
        return call.end_s >= call.start_s
    except ValueError:
        return False


def time_of(line: Line) -> float:
    """Return the time of *line* in seconds since 1970; raise ValueError."""
    try:
        return datetime.fromisoformat(line["at"]).timestamp()
    except (KeyError, TypeError, OverflowError, OSError) as error:
        raise ValueError(str(error)) from error
