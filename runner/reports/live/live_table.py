"""The live table: the state of every analyzer, from log events and journal lines."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from runner.base.format import count, plural, seconds, usd
from runner.base.json import amount, number
from runner.base.text import to_terminal
from runner.base.usage import Usage
from runner.record.journal_calls import CallPairs

NOTES = 3  # the latest warnings, under the table
NAME_WIDTH, STATE_WIDTH = 24, 26
FIGURE_WIDTHS = {"tokens": 9, "cost": 8, "time": 8}
LEAST = {"tokens": 56, "cost": 72}  # widths of the terminal
STYLES = {  # by state, those that are shown first where not all have room
    **{"retry": "yellow", "running": "cyan", "failed": "red", "queued": "dim"},
    **{"skipped": "yellow", "waiting": "dim", "reused": "green", "done": "green"},
}
_ENDINGS = {
    **{"node.finished": "done", "node.reused": "reused"},
    **{"node.skipped": "skipped", "node.failed": "failed"},
}
_COMMON = ("event", "level", "logger", "timestamp", "run", "stage", "analyzer", "exc_info")


@dataclass(slots=True)
class LiveRow:
    """One analyzer; times are in seconds of the table's clock, None before the event."""

    name: str
    stage: str
    begun: float | None = None
    sent: float | None = None  # the first of the calls in flight
    ended: float | None = None
    ending: str = ""
    kind: str = ""
    retry_at: float = -math.inf
    in_flight: int = 0
    usage: Usage = field(default_factory=Usage)

    def state(self, now: float) -> str:
        """Return a key of STYLES."""
        if self.ending or self.begun is None:
            return self.ending or "waiting"
        if self.in_flight > 0:
            return "running"
        return "retry" if self.retry_at > now else "queued"

    def elapsed_s(self, now: float) -> float | None:
        """Return the seconds since it was ready, or its duration once ended; None before."""
        return None if self.begun is None else (self.ended or now) - self.begun

    def shown(self, now: float) -> str:
        """Return its state with details."""
        state = self.state(now)
        if state == "retry":
            return f"retry in {math.ceil(self.retry_at - now)} s ({self.kind})"
        return f"{state} ({self.kind})" if state == "failed" and self.kind else state


@dataclass
class LiveTable:
    """All analyzers by name, in order; *slots* is the limit of calls in flight.

    *remaining* predicts the seconds left, None if it cannot.
    """

    rows: dict[str, LiveRow] = field(default_factory=dict)
    slots: int | None = None
    model: str = ""
    transcript: str = ""
    began: float | None = None
    starting: bool = False
    status: str = ""
    remaining: Callable[[LiveTable, float], float | None] | None = None
    notes: deque[str] = field(default_factory=lambda: deque(maxlen=NOTES))
    _calls: CallPairs = field(default_factory=CallPairs)

    def apply(self, event: Mapping[str, Any], now: float) -> None:
        """Apply one log event; unknown events are ignored."""
        name, row = str(event.get("event")), self._row(event)
        if name == "run.starting":
            self.starting = True
        elif name == "run.started":
            self.began = now
            self.model, self.transcript = str(event.get("model")), str(event.get("transcript"))
        elif name == "run.finished":
            self.status = str(event.get("status"))
        elif row is None:
            self._note(event, name)
        elif name == "node.started":
            row.begun = now
        elif ending := _ENDINGS.get(name):
            row.ending, row.ended, row.in_flight = ending, now, 0
            row.kind = to_terminal(str(event.get("kind") or ""), 20)
            self._note(event, name)
        elif name == "call.finished":
            kinds = ("prompt_tokens", "completion_tokens")
            prompt, reply = (int(amount(event.get(kind))) for kind in kinds)
            row.usage += Usage(prompt, reply, cost_usd=number(event.get("cost_usd")))
        elif name == "call.failed":
            wait_s = event.get("retry_in_s")
            row.kind = to_terminal(str(event.get("kind")), 20)
            row.retry_at = now + wait_s if isinstance(wait_s, int | float) else -math.inf
        else:
            self._note(event, name)

    def apply_line(self, line: Mapping[str, Any], now: float) -> None:
        """Apply one line of the journal."""
        with suppress(KeyError, TypeError):
            self._calls.add(line)
        row = self.rows.get(_owner(line.get("analyzer")))
        if row is not None and not row.ending:
            in_flight = sum(_owner(unit) == row.name for _, unit, _ in self._calls.open)
            row.sent = now if in_flight and not row.in_flight else row.sent
            row.in_flight = in_flight

    def _row(self, event: Mapping[str, Any]) -> LiveRow | None:
        if "analyzer" not in event:
            return None
        name = _owner(event["analyzer"])
        if name not in self.rows:
            self.rows[name] = LiveRow(name, str(event.get("stage", "")))
        return self.rows[name]

    def _note(self, event: Mapping[str, Any], name: str) -> None:
        """Keep a warning or an error."""
        if event.get("level") in ("warning", "error", "critical"):
            owner = f"{event['analyzer']}: " if "analyzer" in event else ""
            facts = " ".join(f"{key}={event[key]}" for key in event if key not in _COMMON)
            why = event.get("error") or event.get("reason") or facts
            self.notes.append(to_terminal(f"{owner}{name} {why}", 300))

    def shown(self, now: float, width: int, height: int) -> RenderableType:
        """Return the table in at most *height* lines of *width* columns."""
        notes = [Text(n, "yellow", no_wrap=True, overflow="ellipsis") for n in self.notes]
        last = Text(self._last(now), style="bold")
        title = Text(to_terminal(f"{self.transcript} · {self.model}") if self.model else "", "dim")
        title.truncate(width, overflow="ellipsis")
        room = max(1, height - len(notes) - 3 - math.ceil(len(last) / width))
        return Group(title, self._table(now, width, room), *notes, last)

    def _table(self, now: float, width: int, room: int) -> Table:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_edge=False)
        widths = _widths(width)
        for name, space in widths.items():
            side: Literal["left", "right"] = "right" if name in FIGURE_WIDTHS else "left"
            table.add_column(name, justify=side, width=space, no_wrap=True, overflow="ellipsis")
        kept = self._kept(now, room)
        for stage in dict.fromkeys(row.stage for row in self.rows.values()):
            members = [row for row in self.rows.values() if row.stage == stage]
            if not kept.keys() & {row.name for row in members} and len(kept) < len(self.rows):
                continue
            begun = [row.begun for row in members if row.begun is not None]
            until = max(now if row.ended is None else row.ended for row in members)
            figures = _figures(_used(members), until - min(begun) if begun else None, "bold")
            state = Text(_done(members, now), "bold")
            lines = [{"analyzer": Text(to_terminal(stage, 40), "bold"), "state": state, **figures}]
            for row in (row for row in members if row.name in kept):
                state = Text(row.shown(now), STYLES[row.state(now)])
                title = Text(f"  {to_terminal(row.name, 64)}")
                figures = _figures(row.usage, row.elapsed_s(now))
                lines.append({"analyzer": title, "state": state, **figures})
            for cells in lines:
                table.add_row(*(cells[column] for column in widths))
        if left := len(self.rows) - len(kept):
            table.add_row(Text(f"  and {left} more", "dim"))
        return table

    def _kept(self, now: float, room: int) -> dict[str, LiveRow]:
        """Return the rows to show: all, or the most active ones."""
        stages = len({row.stage for row in self.rows.values()})
        if len(self.rows) + stages <= room:
            return dict(self.rows)
        order = [*STYLES]
        ranked = sorted(self.rows.values(), key=lambda row: order.index(row.state(now)))
        return {row.name: row for row in ranked[: max(0, room - stages - 1)]}

    def _last(self, now: float) -> str:
        if self.starting and self.began is None:
            return "starting"
        rows = [*self.rows.values()]
        used = _used(rows)
        facts = [_done(rows, now), plural(used.tokens, "token"), f"cost {usd(used.cost_usd)}"]
        if self.slots is not None and not self.status:
            facts.append(f"slots {sum(row.in_flight for row in rows)}/{self.slots}")
        if self.began is not None:
            facts.append(seconds(now - self.began))
            left = None if self.status or self.remaining is None else self.remaining(self, now)
            facts += [f"about {seconds(left)} left"] if left and left >= 0.1 else []
        return to_terminal(" · ".join([*facts, self.status] if self.status else facts))


def progress(done: int, failed: int, total: int, rate: float) -> str:
    """Return the progress line of a batch; *failed* of *done* have no answer, *rate* is per s."""
    left = f", about {seconds((total - done) / rate)} left" if rate > 0 and done < total else ""
    lost = f", {failed:,} without an answer" if failed else ""
    pace = f", {60 * rate:,.1f} a minute" if rate > 0 else ""
    return f"batch: {done:,} of {plural(total, 'file')}{lost}{pace}{left}"


def by_progress(table: LiveTable, now: float) -> float | None:
    """Predict the seconds left from the share of analyzers that ended; None before the first."""
    ended = sum(bool(row.ending) for row in table.rows.values())
    if not ended or table.began is None or ended == len(table.rows):
        return None
    return (now - table.began) / ended * (len(table.rows) - ended)


def _widths(width: int) -> dict[str, int]:
    """Return the columns that have room in *width*, with their widths."""
    figures = {name: w for name, w in FIGURE_WIDTHS.items() if width >= LEAST.get(name, 0)}
    room = width - sum(figures.values()) - 2 * len(figures) - 2
    state = max(8, min(STATE_WIDTH, room - NAME_WIDTH))
    return {"analyzer": max(8, min(NAME_WIDTH, room - state)), "state": state, **figures}


def _done(rows: list[LiveRow], now: float) -> str:
    """Return `3 of 4 done, 1 failed`."""
    states = [row.state(now) for row in rows]
    parts = [f"{states.count('done') + states.count('reused')} of {len(rows)} done"]
    parts += [f"{n} {state}" for state in ("failed", "skipped") if (n := states.count(state))]
    return ", ".join(parts)


def _figures(used: Usage, elapsed_s: float | None, style: str = "") -> dict[str, Text]:
    return {
        "tokens": Text(count(used.tokens) if used.tokens else "", style),
        "cost": Text(usd(used.cost_usd) if used.tokens else "", style),
        "time": Text("" if elapsed_s is None else seconds(elapsed_s), style),
    }


def _used(rows: Iterable[LiveRow]) -> Usage:
    return sum((row.usage for row in rows), Usage())


def _owner(unit: object) -> str:
    """Return the analyzer of *unit*: a part of the transcript is called NAME/part_NN."""
    return str(unit).partition("/")[0]
