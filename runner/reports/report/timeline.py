"""A Gantt chart of each node's waits and calls, from the last session in a run's journal."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import Any

from runner.base.json import amount, number, text
from runner.base.usage import Usage
from runner.record.batch_directory import journal_of
from runner.record.journal import Spent
from runner.record.journal_calls import calls_in, time_of
from runner.reports.compare.plots import Scale
from runner.reports.report.nodes import NodeFacts
from runner.reports.report.render import label

LABEL = 210.0  # of the chart's width, for names
WIDTH = 1000.0
LANE = 7.0
MANY = 60  # with more nodes than this, rows are low
UNITS = ((7200, 3600.0, "h"), (300, 60.0, "min"), (0, 1.0, "s"))  # of the axis, from its seconds
KINDS = {
    "queue": "waiting for a slot or a limit",
    "call": "call answered",
    "failed": "call failed",
    "retry": "pause before the next attempt",
    "open": "call cut off",
}


@dataclass(frozen=True, slots=True)
class TimedCall:
    """One request, in seconds since its session began; *outcome* is `ok`, `open` or a kind."""

    unit: str
    start_s: float
    end_s: float
    outcome: str


@dataclass(frozen=True)
class StoredSession:
    """The last session with calls.

    *calls* are by unit (an analyzer's name, or `NAME/part_NN`); *finished* says that the
    session ended properly, so benchmark.json describes it; *sessions* counts all sessions, of
    which *used* is the usage by analyzer.
    """

    calls: Mapping[str, Sequence[TimedCall]] = field(default_factory=dict)
    finished: bool = False
    sessions: int = 0
    used: Mapping[str, Usage] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time, in seconds since the session began; *kind* is a key of KINDS."""

    kind: str
    start_s: float
    end_s: float
    lane: int
    title: str


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One node's row; *lanes* is how many of its calls ran at once.

    *bars* are its stretches as rectangles, and *y* and *height* its place, in the chart's units.
    """

    node: NodeFacts
    stretches: tuple[Stretch, ...]
    lanes: int
    y: float = 0.0
    height: float = 0.0
    critical: bool = False
    bars: tuple[Mapping[str, Any], ...] = ()

    @property
    def start_s(self) -> float:
        """When its first stretch begins."""
        return min(stretch.start_s for stretch in self.stretches)

    @property
    def end_s(self) -> float:
        """When its last stretch ends."""
        return max(stretch.end_s for stretch in self.stretches)

    def total_s(self, *kinds: str) -> float:
        """Return the seconds of its stretches of *kinds*."""
        return sum(s.end_s - s.start_s for s in self.stretches if s.kind in kinds)


def read_session(path: Path) -> StoredSession:
    """Return the last session in the run directory *path*."""
    try:
        lines = journal_of(path)
    except OSError:
        return StoredSession()
    events = [line["event"] for line in lines]
    begun = [at for at, event in enumerate(events) if event == "run.started"]
    if "call.started" not in events:
        return StoredSession(sessions=len(begun))
    called = max(at for at, event in enumerate(events) if event == "call.started")
    first = max((at for at in begun if at < called), default=0)
    last = min((at for at in begun if at > called), default=len(lines))
    finished = last == len(lines) and "run.finished" in events[first:]
    return StoredSession(_calls(lines[first:last]), finished, len(begun), _used(lines))


def _used(lines: Sequence[Mapping[str, Any]]) -> dict[str, Usage]:
    spent = defaultdict[str, Spent](Spent)
    for line in lines:
        if line["event"] == "call.finished":
            with suppress(KeyError, TypeError, ValueError):
                spent[text(line.get("analyzer")).partition("/")[0]].add(line)
    return {name: each.usage for name, each in spent.items()}


def _calls(lines: Sequence[Mapping[str, Any]]) -> dict[str, list[TimedCall]]:
    zero_s: float | None = None
    calls: dict[str, list[TimedCall]] = {}
    for line in lines:
        with suppress(ValueError):
            zero_s = time_of(line) if zero_s is None else zero_s
    for call in calls_in(lines):
        start_s, end_s = call.start_s - (zero_s or 0.0), call.end_s - (zero_s or 0.0)
        made = TimedCall(call.unit, start_s, end_s, call.outcome or "failed")
        calls.setdefault(call.unit, []).append(made)
    return calls


def timeline_of(
    nodes: Sequence[NodeFacts], session: StoredSession, critical: Collection[str]
) -> Mapping[str, Any] | None:
    """Return the chart as facts for the template, None without any call.

    The ticks are positions and labels on the axis, the kinds those of the bars with their
    meanings; the path joins the critical nodes.
    """
    units: dict[str, list[Sequence[TimedCall]]] = {}
    for unit, calls in session.calls.items():
        units.setdefault(unit.partition("/")[0], []).append(calls)
    rows = [r for n in nodes if (r := _row(n, units.get(n.name, []), session)).stretches]
    if not rows:
        return None
    end = max(row.end_s for row in rows) or 1.0
    axis = Scale(0.0, end, LABEL, WIDTH - 50)
    small = len(rows) > MANY
    lines: list[TimelineRow] = []
    y = 0.0
    for row in sorted(rows, key=lambda row: row.start_s):
        lines.append(_placed(row, y, axis, small=small, critical=row.node.name in critical))
        y += lines[-1].height
    kinds = {stretch.kind for row in rows for stretch in row.stretches}
    return {
        "lines": lines,
        "height": y,
        "ticks": _ticks(axis),
        "path": _path(lines, critical, axis),
        "end_s": end,
        "kinds": [(kind, meaning) for kind, meaning in KINDS.items() if kind in kinds],
    }


def _row(
    node: NodeFacts, units: Sequence[Sequence[TimedCall]], session: StoredSession
) -> TimelineRow:
    """Lay out *node*'s calls, overlapping parts in lanes."""
    ready = number(node.timing.get("ready_s")) if session.finished else None
    if not units:
        return TimelineRow(node, (), 1)
    free: list[float] = []
    stretches: list[Stretch] = []
    pauses = [] if len(units) > 1 else [amount(a.get("wait_s")) for a in node.attempts]
    for calls in sorted(units, key=lambda calls: calls[0].start_s):
        start = calls[0].start_s
        lane = next((i for i, until in enumerate(free) if until <= start), len(free))
        free[lane : lane + 1] = [max(call.end_s for call in calls)]
        stretches += _of_unit(calls, lane, pauses)
    first = min(stretch.start_s for stretch in stretches)
    if ready is not None and first - ready > 0.001:
        title = f"waited {first - ready:.3g} s"
        stretches.append(Stretch("queue", max(0.0, ready), first, 0, title))
    return TimelineRow(node, tuple(stretches), len(free))


def _of_unit(calls: Sequence[TimedCall], lane: int, pauses: Sequence[float]) -> list[Stretch]:
    """Return the calls of one unit and the pauses between them."""
    out: list[Stretch] = []
    for place, (call, following) in enumerate(zip_longest(calls, calls[1:])):
        kind = {"ok": "call", "open": "open"}.get(call.outcome, "failed")
        part = call.unit.partition("/")[2].replace("_", " ")
        what = f"{part + ', ' if part else ''}attempt {place + 1}: {label(call.outcome)}"
        took = max(0.0, call.end_s - call.start_s)
        start = max(0.0, call.start_s)
        out.append(Stretch(kind, start, start + took, lane, f"{what}, {took:.3g} s"))
        if following is None or following.start_s - call.end_s < 0.001:
            continue
        pause = following.start_s - call.end_s
        if kind == "failed":
            known = pauses[place] if place < len(pauses) else 0.0
            paused = min(pause, known or pause)
            edge = call.end_s + paused
            out.append(Stretch("retry", call.end_s, edge, lane, f"paused {paused:.3g} s"))
            pause -= paused
        if pause > 0.001:
            edge = following.start_s
            out.append(Stretch("queue", edge - pause, edge, lane, f"waited {pause:.3g} s"))
    return out


def _placed(row: TimelineRow, y: float, axis: Scale, *, small: bool, critical: bool) -> TimelineRow:
    """Return *row* with its bars, at *y* in a chart."""
    least = 14.0 if small else 26.0
    lane = least - (2 if small else 8) if row.lanes == 1 else LANE
    height = least if row.lanes == 1 else row.lanes * (LANE + 1) + 10
    top = y + (height - row.lanes * (lane + 1) + 1) / 2
    bars = []
    for each in row.stretches:
        x, right = axis.at(each.start_s), axis.at(each.end_s)
        place = {"x": round(x, 1), "y": round(top + each.lane * (lane + 1), 1)}
        size = {"width": round(max(1.0, right - x), 1), "height": lane}
        bars.append({"kind": each.kind, "title": each.title, **place, **size})
    return replace(row, y=y, height=height, critical=critical, bars=tuple(bars))


def _ticks(axis: Scale) -> list[tuple[float, str]]:
    """Return round times in a suitable unit, and their positions."""
    _, unit, name = next(each for each in UNITS if axis.high >= each[0])
    ticks = replace(axis, high=axis.high / unit).ticks()
    return [(round(x, 1), f"{time} {name}") for x, time in ticks]


def _path(lines: Sequence[TimelineRow], critical: Collection[str], axis: Scale) -> str:
    """Return an SVG path from each critical node's end to the next one's start."""
    by_name: Mapping[str, TimelineRow] = {line.node.name: line for line in lines}
    hot = [by_name[name] for name in critical if name in by_name]
    return " ".join(
        f"M{axis.at(before.end_s):.1f},{before.y + before.height / 2:.1f}"
        f"L{axis.at(after.start_s):.1f},{after.y + after.height / 2:.1f}"
        for before, after in pairwise(hot)
    )
