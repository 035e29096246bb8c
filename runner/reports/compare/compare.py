"""Rows grouped by setting, with speed-ups over a baseline and comparisons in pairs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from runner.reports.compare.assessment import Assessment, assess
from runner.reports.compare.assessment_data import OF_TRANSCRIPT, assessment_data
from runner.reports.compare.keys import ABSENT, besides_slots, differing_keys, setting_label
from runner.reports.compare.notes import notes_on
from runner.reports.compare.rows import Group, RunRow, collect_rows, known_figures
from runner.reports.compare.spread import spread
from runner.reports.compare.themes import COST, ThemePair, theme_pairs
from runner.reports.compare.themes import FIGURES as THEMES
from runner.reports.compare.verdicts import MIN_REPEATS, Pair, judge, most_telling, verdict_on

TIMED = (
    *("wall_s", "ideal_s", "efficiency", "context_retained", "checks_rate"),
    *("plan_error", "plan_tokens_error"),
)
USED = (
    *("prompt_tokens", "completion_tokens", "cached_tokens", "cost_usd", "live_cost_usd"),
    *("grounding_rate", "coverage", "escalated", "mended", "escalation_usd", *THEMES, COST),
)
SHARD = "batch.shard"
SHARDED = (
    "The settings are shards of one batch: they read different files and are not compared with "
    "each other."
)
OTHER_WORK = "No verdict on time, cost and quality: settings read different transcripts."

# Of a setting: wall-clock seconds, quality, US dollars or None.
Point = tuple[float, float, float | None]


@dataclass(frozen=True)
class Comparison:
    """The content of `comparison.*`; *keys* are those that differ, each with its followers.

    *sharded*: the settings are shards of one batch, which cannot be compared.
    """

    rows: tuple[RunRow, ...]
    keys: Mapping[str, Sequence[str]]
    groups: tuple[Group, ...]
    pairs: tuple[Pair, ...]
    verdict: str
    notes: tuple[str, ...]
    assessment: Assessment
    themes: tuple[ThemePair, ...] = ()
    sharded: bool = False

    @cached_property
    def homes(self) -> dict[Path, Group]:
        """The setting of each run whose configuration is known, by the run's path."""
        return {row.path: group for group in self.groups for row in group.rows}


def compare(paths: Iterable[Path]) -> Comparison:
    """Compare all runs among and below *paths*; raise ConfigError for one that holds none."""
    rows = collect_rows(paths)
    known = [row for row in rows if row.settings]
    keys = differing_keys([row.settings for row in known], [row.overrides for row in known])
    groups = _with_baselines(_grouped(known, list(keys)))
    themes = theme_pairs(_batches(groups))
    verdict, assessment = SHARDED, Assessment()
    pairs: list[Pair] = []
    sharded = list(keys) == [SHARD] and not keys[SHARD]
    if not sharded:
        groups = _with_front(groups)
        pairs = judge(most_telling(groups))
        differ = any(OF_TRANSCRIPT.fullmatch(key) for group in groups for key in group.settings)
        verdict = OTHER_WORK if differ else verdict_on(groups, pairs)
        assessment = assess(*assessment_data(groups, keys))
    return Comparison(
        rows=tuple(rows),
        keys=keys,
        groups=tuple(groups),
        pairs=tuple(pairs),
        verdict=verdict,
        notes=tuple(notes_on(rows, groups, pairs, sharded=sharded)),
        assessment=assessment,
        themes=themes,
        sharded=sharded,
    )


def _batches(groups: Sequence[Group]) -> dict[str, Path]:
    """Return the batches of *groups* by number and setting, of repeats also by their name."""
    batches = {}
    for number, group in enumerate(groups, 1):
        for row in group.rows:
            repeat = f" ({row.name})" if len(group.rows) > 1 else ""
            if row.batch:
                batches[f"{number} {group.label}{repeat}"] = row.path
    return batches


def _grouped(rows: Sequence[RunRow], keys: Sequence[str]) -> list[Group]:
    members: dict[tuple[str, ...], list[RunRow]] = {}
    for row in rows:
        values = tuple(row.settings.get(key, ABSENT) for key in keys)
        members.setdefault(values, []).append(row)
    groups = []
    for values, repeats in members.items():
        differing = dict(zip(keys, values, strict=True))
        counted = {
            TIMED: [row for row in repeats if row.measured],
            USED: [row for row in repeats if row.accounted],
            ("quality",): repeats,
        }
        spreads = {n: spread(known_figures(of, n)) for names, of in counted.items() for n in names}
        groups.append(Group(setting_label(differing), differing, tuple(repeats), spreads))
    return groups


def _with_baselines(groups: Sequence[Group]) -> list[Group]:
    """Return *groups* with their sequential baselines: all else equal, best one by its mode."""

    def rest(group: Group) -> frozenset[tuple[str, str]]:
        return frozenset(besides_slots(group.rows[0].settings).items())

    bases: dict[frozenset[tuple[str, str]], Group] = {}  # the first one by its mode counts
    for key, value in (("mode", "sequential"), ("max_concurrent", "1")):
        for group in groups:
            if group.measured and group.rows[0].settings.get(f"processing.{key}") == value:
                bases.setdefault(rest(group), group)
    return [replace(group, baseline=bases.get(rest(group))) for group in groups]


def _with_front(groups: Sequence[Group]) -> list[Group]:
    """Mark the Pareto front, if each setting has enough repeats."""
    if any(found and found.n < MIN_REPEATS for found in (g.spreads["wall_s"] for g in groups)):
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

    def dominates(one: Point, other: Point) -> bool:
        (wall_s, quality, usd), (other_wall_s, other_quality, other_usd) = one, other
        gains = [other_wall_s - wall_s, quality - other_quality]
        if usd is not None and other_usd is not None:
            gains.append(other_usd - usd)
        return min(gains) >= 0 and max(gains) > 0

    known = [point for point in points if point is not None]
    return [None if p is None else any(dominates(o, p) for o in known) for p in points]
