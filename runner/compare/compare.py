"""Rows put into groups of repeats, set against their baseline and against one another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from runner.compare.batches import batches_of, note
from runner.compare.front import Point, dominated
from runner.compare.grid import runs_side_by_side
from runner.compare.keys import ABSENT, besides_slots, differing_keys, short_names
from runner.compare.rows import Row, collect_rows
from runner.compare.spread import Spread, spread
from runner.compare.verdicts import Pair, judge

SPREADS = ("wall_s", "cost_usd", "quality")
MEDIANS = (
    "ideal_s",
    "efficiency",
    "prompt_tokens",
    "completion_tokens",
    "cached_tokens",
    "grounding_rate",
    "context_retained",
    "plan_error",
    "plan_tokens_error",
)


@dataclass(frozen=True)
class Group:
    """All runs of one setting: *told* are the values that tell it from the others.

    *figures* are medians over the runs that are measured, None where unknown; the spread of
    quality is over all that came to an end, so that what failed counts. *speed_up* is
    against *baseline*, a group's label, or None. *front* says whether nothing is better in one
    respect and no worse in the others; None where that cannot be said.
    """

    label: str
    told: Mapping[str, str]
    rows: tuple[Row, ...]
    figures: Mapping[str, float | None]
    spreads: Mapping[str, Spread | None]
    speed_up: float | None = None
    baseline: str | None = None
    front: bool | None = None

    @property
    def measured(self) -> list[Row]:
        """Return the runs whose time counts."""
        return [row for row in self.rows if row.measured]

    def middle(self, name: str) -> float | None:
        """Return the median of a figure."""
        if name in self.spreads:
            found = self.spreads[name]
            return None if found is None else found.median
        return self.figures.get(name)


@dataclass(frozen=True)
class Comparison:
    """What `comparison.*` say; *keys* tell runs apart, each with those that only follow it."""

    rows: tuple[Row, ...]
    keys: Mapping[str, Sequence[str]]
    groups: tuple[Group, ...]
    pairs: tuple[Pair, ...]
    notes: tuple[str, ...]

    def label_of(self, row: Row) -> str | None:
        """Return the setting of *row*, None where its configuration is unknown."""
        return next((g.label for g in self.groups if row in g.rows), None)

    def speed_up_of(self, row: Row) -> float | None:
        """Return how many times as fast as its baseline *row* was."""
        group = next((g for g in self.groups if row in g.rows), None)
        base = next((g for g in self.groups if group and g.label == group.baseline), None)
        return _ratio(base.middle("wall_s") if base else None, row)


def compare(paths: Iterable[Path]) -> Comparison:
    """Compare all runs among and below *paths*; raise ConfigError for one that holds none."""
    rows = collect_rows(paths)
    known = [row for row in rows if row.settings]
    keys = differing_keys([row.settings for row in known], [row.overrides for row in known])
    groups = _with_baselines(_grouped(known, list(keys)))
    groups = _with_front(groups)
    pairs = judge([(g.label, g.rows, g.measured) for g in groups])
    notes = tuple(_notes(rows, groups, pairs))
    return Comparison(tuple(rows), keys, tuple(groups), tuple(pairs), notes)


def _grouped(rows: Sequence[Row], keys: Sequence[str]) -> list[Group]:
    members: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        values = tuple(row.settings.get(key, ABSENT) for key in keys)
        members.setdefault(values, []).append(row)
    names = short_names(keys) if len(keys) > 1 else {key: key for key in keys}
    groups = []
    for values, mine in members.items():
        told = dict(zip(keys, values, strict=True))
        label = ", ".join(f"{names[key]}={value}" for key, value in told.items()) or "all the same"
        measured = [row for row in mine if row.measured]
        figures = {name: _median(measured, name) for name in MEDIANS}
        spreads = {name: spread(_values(measured, name)) for name in ("wall_s", "cost_usd")}
        spreads["quality"] = spread(_values(mine, "quality"))
        groups.append(Group(label, told, tuple(mine), figures, spreads))
    return groups


def _values(rows: Sequence[Row], name: str) -> list[float]:
    return [value for row in rows if (value := row.figure(name)) is not None]


def _median(rows: Sequence[Row], name: str) -> float | None:
    values = _values(rows, name)
    return median(values) if values else None


def _with_baselines(groups: Sequence[Group]) -> list[Group]:
    shared = [besides_slots(group.rows[0].settings) for group in groups]
    found = []
    for at, group in enumerate(groups):
        bases = [
            other
            for place, other in enumerate(groups)
            if other.measured and _is_sequential(other) and shared[place] == shared[at]
        ]
        base = min(bases, key=lambda g: not _in_mode(g), default=None)
        wall, mine = (base.middle("wall_s") if base else None), group.middle("wall_s")
        speed_up = wall / mine if wall and mine else None
        found.append(replace(group, speed_up=speed_up, baseline=base.label if base else None))
    return found


def _is_sequential(group: Group) -> bool:
    return _in_mode(group) or group.rows[0].settings.get("processing.max_concurrent") == "1"


def _in_mode(group: Group) -> bool:
    return group.rows[0].settings.get("processing.mode") == "sequential"


def _with_front(groups: Sequence[Group]) -> list[Group]:
    points: list[Point | None] = []
    for group in groups:
        wall, worth = group.middle("wall_s"), group.middle("quality")
        if wall is None or worth is None:
            points.append(None)
        else:
            points.append((wall, worth, group.middle("cost_usd")))
    marks = dominated(points)
    return [
        replace(g, front=None if m is None else not m) for g, m in zip(groups, marks, strict=True)
    ]


def _ratio(wall_s: float | None, row: Row) -> float | None:
    mine = row.figure("wall_s")
    return wall_s / mine if wall_s and mine and row.measured else None


def _notes(rows: Sequence[Row], groups: Sequence[Group], pairs: Sequence[Pair]) -> Iterable[str]:
    """Yield what a reader of the table has to know."""
    yield from note(batches_of(rows))
    yield (
        "Quality is the success rate times the grounding rate: answers came and quote the "
        "transcript, which does not make them right."
    )
    unknown = sum(group.middle("cost_usd") is None for group in groups)
    if groups and unknown:
        which = (
            "every setting" if unknown == len(groups) else f"{unknown} of {len(groups)} settings"
        )
        yield (
            f"The cost of {which} is unknown: there, the front (★) is over wall-clock time and "
            "quality alone."
        )
    elif groups:
        yield "The front (★) is over wall-clock time, cost and quality."
    if any(len(group.measured) > 1 for group in groups):
        yield "The front is of medians; what repeats can tell apart, the pairs say."
    without = [group for group in groups if group.baseline is None]
    if without:
        yield (
            f"{len(without)} of {len(groups)} settings have no sequential baseline here "
            "(processing.mode=sequential or max_concurrent=1, all else equal): no speed-up."
        )
    left_out = [row for row in rows if not row.measured]
    if left_out:
        yield (
            f"{len(left_out)} of {len(rows)} runs are not timed: they did not complete, or took "
            "answers from elsewhere."
        )
    if any(map(runs_side_by_side, {row.path.parent for row in rows})):
        yield "Jobs of a sweep ran at the same time: their times are not those of runs alone."
    if any(
        row.figure("plan_error") is not None and not row.figure("plan_recorded") for row in rows
    ):
        yield "(a) beside a plan's error: no earlier run with that model foretold that one."
    if pairs and all(
        group.spreads["wall_s"] is None or group.spreads["wall_s"].n < 3 for group in groups
    ):
        yield "With fewer than 3 repeats no two times can be told apart: add repeat=0,1,2."
