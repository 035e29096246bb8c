"""A Gantt chart of each node's waits and calls, from the last session in a run's journal."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain, pairwise, zip_longest
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


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time, in seconds since the session began; the page says what its *kind* is."""

    kind: str
    start_s: float
    end_s: float
    title: str


@dataclass(frozen=True)
class StoredSession:
    """The last session with calls.

    *calls* are by analyzer and unit (its name, or `NAME/part_NN`); *finished* says that the
    session ended properly, so benchmark.json describes it; *sessions* counts all sessions, of
    which *used* is the usage by analyzer.
    """

    calls: Mapping[str, Mapping[str, Sequence[Stretch]]] = field(default_factory=dict)
    finished: bool = False
    sessions: int = 0
    used: Mapping[str, Usage] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One node's row at *y* in the chart; calls that ran at once have *lanes* of their own."""

    node: NodeFacts
    lanes: Sequence[Sequence[Stretch]]
    y: float
    low: bool
    critical: bool

    @property
    def height(self) -> float:
        """Its height in the chart's units."""
        alone = 14.0 if self.low else 26.0
        return alone if len(self.lanes) == 1 else len(self.lanes) * (LANE + 1) + 10

    @property
    def start_s(self) -> float:
        """When its first stretch begins."""
        return min(stretch.start_s for stretch in chain(*self.lanes))

    @property
    def end_s(self) -> float:
        """When its last stretch ends."""
        return max(stretch.end_s for stretch in chain(*self.lanes))

    def total_s(self, *kinds: str) -> float:
        """Return the seconds of its stretches of *kinds*."""
        return sum(s.end_s - s.start_s for s in chain(*self.lanes) if s.kind in kinds)

    def bars(self, axis: Scale) -> Iterator[tuple[Stretch, dict[str, float]]]:
        """Yield its stretches, each with its rectangle."""
        thick = LANE if len(self.lanes) > 1 else self.height - (2 if self.low else 8)
        top = self.y + (self.height - len(self.lanes) * (thick + 1) + 1) / 2
        for at, lane in enumerate(self.lanes):
            for each in lane:
                x, right = axis.at(each.start_s), axis.at(each.end_s)
                size = {"width": round(max(1.0, right - x), 1), "height": thick}
                yield each, {"x": round(x, 1), "y": round(top + at * (thick + 1), 1), **size}


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
    spent = defaultdict[str, Spent](Spent)
    for line in lines:
        if line["event"] == "call.finished":
            with suppress(KeyError, TypeError, ValueError):
                spent[text(line.get("analyzer")).partition("/")[0]].add(line)
    used = {name: each.usage for name, each in spent.items()}
    return StoredSession(_calls(lines[first:last]), finished, len(begun), used)


def _calls(lines: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, list[Stretch]]]:
    calls: dict[str, dict[str, list[Stretch]]] = {}
    zero_s: float | None = None
    for line in lines:
        with suppress(ValueError):
            zero_s = time_of(line) if zero_s is None else zero_s
    for call in calls_in(lines):
        name, _, part = call.unit.partition("/")
        own = calls.setdefault(name, {}).setdefault(call.unit, [])
        start_s, took_s = max(0.0, call.start_s - (zero_s or 0.0)), call.end_s - call.start_s
        attempt = f"attempt {len(own) + 1}: {label(call.outcome or 'failed')}"
        title = ", ".join(filter(None, (part.replace("_", " "), attempt, f"{took_s:.3g} s")))
        kind = {"ok": "call", "open": "open"}.get(call.outcome, "failed")
        own.append(Stretch(kind, start_s, start_s + took_s, title))
    return calls


def timeline_of(
    nodes: Sequence[NodeFacts], session: StoredSession, critical: Collection[str]
) -> Mapping[str, Any] | None:
    """Return the chart as facts for the template, None without any call."""
    held = [(node, lanes) for node in nodes if (lanes := _lanes(node, session))]
    if not held:
        return None
    low = len(held) > MANY
    rows = [TimelineRow(node, lanes, 0.0, low, node.name in critical) for node, lanes in held]
    lines: list[TimelineRow] = []
    y = 0.0
    for row in sorted(rows, key=lambda row: row.start_s):
        lines.append(replace(row, y=y))
        y += row.height
    axis = Scale(0.0, max(row.end_s for row in rows) or 1.0, LABEL, WIDTH - 50)
    _, unit, name = next(each for each in UNITS if axis.high >= each[0])
    ticks = replace(axis, high=axis.high / unit).ticks()
    return {
        "lines": lines,
        "height": y,
        "width": WIDTH,
        "axis": axis,
        "ticks": [(round(x, 1), f"{time} {name}") for x, time in ticks],
        "path": _path(lines, critical, axis),
        "kinds": {stretch.kind for row in rows for stretch in chain(*row.lanes)},
    }


def _lanes(node: NodeFacts, session: StoredSession) -> list[list[Stretch]]:
    """Lay out *node*'s calls, those of overlapping parts in lanes."""
    units = [*session.calls.get(node.name, {}).values()]
    pauses = [] if len(units) > 1 else [amount(a.get("wait_s")) for a in node.attempts]
    lanes: list[list[Stretch]] = []
    for calls in sorted(units, key=lambda calls: calls[0].start_s):
        lane = next((each for each in lanes if each[-1].end_s <= calls[0].start_s), None)
        if lane is None:
            lanes.append(lane := [])
        lane += _with_pauses(calls, pauses)
    ready_s = number(node.timing.get("ready_s")) if session.finished else None
    first_s = min((each.start_s for each in chain(*lanes)), default=0.0)
    if lanes and ready_s is not None and first_s - ready_s > 0.001:
        lanes[0].append(_waited(max(0.0, ready_s), first_s))
    return lanes


def _with_pauses(calls: Sequence[Stretch], pauses: Sequence[float]) -> Iterator[Stretch]:
    """Yield the calls of one unit and the pauses between them."""
    for call, following, known_s in zip_longest(calls, calls[1:], pauses[: len(calls)]):
        yield call
        if following is None or following.start_s - call.end_s < 0.001:
            continue
        sent_s, edge_s = following.start_s, call.end_s
        if call.kind == "failed":
            edge_s = min(sent_s, edge_s + known_s) if known_s else sent_s
            yield Stretch("retry", call.end_s, edge_s, f"paused {edge_s - call.end_s:.3g} s")
        if sent_s - edge_s > 0.001:
            yield _waited(edge_s, sent_s)


def _waited(start_s: float, end_s: float) -> Stretch:
    return Stretch("queue", start_s, end_s, f"waited {end_s - start_s:.3g} s")


def _path(lines: Sequence[TimelineRow], critical: Collection[str], axis: Scale) -> str:
    """Return an SVG path from each critical node's end to the next one's start."""
    by_name: Mapping[str, TimelineRow] = {line.node.name: line for line in lines}
    hot = [by_name[name] for name in critical if name in by_name]
    return " ".join(
        f"M{axis.at(before.end_s):.1f},{before.y + before.height / 2:.1f}"
        f"L{axis.at(after.start_s):.1f},{after.y + after.height / 2:.1f}"
        for before, after in pairwise(hot)
    )
