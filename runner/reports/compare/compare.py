"""Rows grouped by setting, with speed-ups over a baseline and comparisons in pairs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import median

from runner.reports.compare.assessment import Assessment, assess
from runner.reports.compare.assessment_data import assessment_data
from runner.reports.compare.keys import ABSENT, besides_slots, differing_keys, label_of
from runner.reports.compare.notes import notes_on
from runner.reports.compare.rows import Group, RunRow, collect_rows, known_figures
from runner.reports.compare.spread import spread
from runner.reports.compare.themes import COST, ThemePair, theme_pairs
from runner.reports.compare.themes import FIGURES as THEMES
from runner.reports.compare.verdicts import MIN_REPEATS, Pair, judge, most_telling, verdict_on

TIMED = ("ideal_s", "efficiency", "context_retained", "plan_error", "plan_tokens_error")
USED = (
    *("prompt_tokens", "completion_tokens", "cached_tokens", "live_cost_usd"),
    *("grounding_rate", "coverage"),
    *("checks_rate", "escalated", "mended", *THEMES, COST),
)
SHARD = "batch.shard"
SHARDED = (
    "The settings are shards of one batch: they read different files and are not compared with "
    "each other."
)

# Of a setting: wall-clock seconds, quality, US dollars or None.
Point = tuple[float, float, float | None]


@dataclass(frozen=True)
class Comparison:
    """The content of `comparison.*`; *keys* are those that differ, each with its followers."""

    rows: tuple[RunRow, ...]
    keys: Mapping[str, Sequence[str]]
    groups: tuple[Group, ...]
    pairs: tuple[Pair, ...]
    verdict: str
    notes: tuple[str, ...]
    assessment: Assessment
    themes: tuple[ThemePair, ...] = ()

    @property
    def sharded(self) -> bool:
        """Whether the settings are shards of one batch, which cannot be compared."""
        return _are_shards(self.keys)

    @cached_property
    def _homes(self) -> dict[Path, Group]:
        return {row.path: group for group in self.groups for row in group.rows}

    @cached_property
    def _named(self) -> dict[str, Group]:
        return {group.label: group for group in self.groups}

    def group_of(self, row: RunRow) -> Group | None:
        """Return the setting of *row*, None if its configuration is unknown."""
        return self._homes.get(row.path)

    def speed_up_of(self, row: RunRow) -> float | None:
        """Return the speed-up of *row* over its baseline, None if unknown."""
        group = self.group_of(row)
        base = self._named.get(group.baseline or "") if group else None
        wall_s, own_s = base.middle("wall_s") if base else None, row.figure("wall_s")
        return wall_s / own_s if wall_s and own_s and row.measured else None


def compare(paths: Iterable[Path]) -> Comparison:
    """Compare all runs among and below *paths*; raise ConfigError for one that holds none."""
    rows = collect_rows(paths)
    known = [row for row in rows if row.settings]
    keys = differing_keys([row.settings for row in known], [row.overrides for row in known])
    groups = _with_baselines(_grouped(known, list(keys)))
    pairs: list[Pair] = []
    if not _are_shards(keys):
        groups = _with_front(groups)
        pairs = judge(most_telling(groups))
    notes = tuple(notes_on(rows, groups, pairs, sharded=_are_shards(keys)))
    verdict = SHARDED if _are_shards(keys) else verdict_on(groups, pairs)
    found = Assessment() if _are_shards(keys) else assess(assessment_data(groups, keys))
    themes = theme_pairs(_batches(groups))
    return Comparison(tuple(rows), keys, tuple(groups), tuple(pairs), verdict, notes, found, themes)


def _batches(groups: Sequence[Group]) -> dict[str, Path]:
    """Return the batches of *groups* by number and setting, of repeats also by their name."""
    named = ((f"{n} {g.label}", g, row) for n, g in enumerate(groups, 1) for row in g.rows)
    return {
        f"{name} ({r.name})" if len(g.rows) > 1 else name: r.path for name, g, r in named if r.batch
    }


def _are_shards(keys: Mapping[str, Sequence[str]]) -> bool:
    return list(keys) == [SHARD] and not keys[SHARD]


def _grouped(rows: Sequence[RunRow], keys: Sequence[str]) -> list[Group]:
    members: dict[tuple[str, ...], list[RunRow]] = {}
    for row in rows:
        values = tuple(row.settings.get(key, ABSENT) for key in keys)
        members.setdefault(values, []).append(row)
    groups = []
    for values, repeats in members.items():
        differing = dict(zip(keys, values, strict=True))
        measured = [row for row in repeats if row.measured]
        accounted = [row for row in repeats if row.accounted]
        figures = {name: _median(measured, name) for name in TIMED}
        figures |= {name: _median(accounted, name) for name in USED}
        spreads = {
            "wall_s": spread(known_figures(measured, "wall_s")),
            "cost_usd": spread(known_figures(accounted, "cost_usd")),
            "checks_rate": spread(known_figures(measured, "checks_rate")),
            "quality": spread(known_figures(repeats, "quality")),
        }
        groups.append(Group(label_of(differing), differing, tuple(repeats), figures, spreads))
    return groups


def _median(rows: Sequence[RunRow], name: str) -> float | None:
    values = known_figures(rows, name)
    return median(values) if values else None


def _with_baselines(groups: Sequence[Group]) -> list[Group]:
    shared = [frozenset(besides_slots(group.rows[0].settings).items()) for group in groups]
    sequential: dict[frozenset[tuple[str, str]], list[Group]] = {}
    for group, same in zip(groups, shared, strict=True):
        if group.measured and _is_sequential(group):
            sequential.setdefault(same, []).append(group)
    found = []
    for group, same in zip(groups, shared, strict=True):
        base = min(sequential.get(same, ()), key=lambda g: not _in_mode(g), default=None)
        wall, own = (base.middle("wall_s") if base else None), group.middle("wall_s")
        speed_up = wall / own if wall and own else None
        found.append(replace(group, speed_up=speed_up, baseline=base.label if base else None))
    return found


def _is_sequential(group: Group) -> bool:
    return _in_mode(group) or group.rows[0].settings.get("processing.max_concurrent") == "1"


def _in_mode(group: Group) -> bool:
    return group.rows[0].settings.get("processing.mode") == "sequential"


def _with_front(groups: Sequence[Group]) -> list[Group]:
    """Mark the Pareto front, if each setting has enough repeats."""
    times = [group.spreads["wall_s"] for group in groups]
    if any(found is not None and found.n < MIN_REPEATS for found in times):
        return list(groups)
    marked = zip(groups, dominated([_point(group) for group in groups]), strict=True)
    return [replace(group, front=None if mark is None else not mark) for group, mark in marked]


def _point(group: Group) -> Point | None:
    wall, worth = group.middle("wall_s"), group.middle("quality")
    return None if wall is None or worth is None else (wall, worth, group.middle("cost_usd"))


def dominated(points: Sequence[Point | None]) -> list[bool | None]:
    """Return for each point whether another is better in one respect and worse in none.

    Less time, less cost and more quality are better. Cost is compared only if both are known; time
    and quality always are, which rules out cycles. None stays None.
    """
    known = [point for point in points if point is not None]
    return [None if p is None else any(_dominates(o, p) for o in known) for p in points]


def _dominates(one: Point, other: Point) -> bool:
    gains = [other[0] - one[0], one[1] - other[1]]
    if one[2] is not None and other[2] is not None:
        gains.append(other[2] - one[2])
    return min(gains) >= 0 and max(gains) > 0
