"""The plots of a comparison."""

from collections.abc import Sequence

from runner.base.format import figure
from runner.reports.compare.compare import Comparison
from runner.reports.compare.group import Group
from runner.reports.compare.svg import PlotBar, PlotPoint, bars, scatter

MAX_BARS = 40


def plots(comparison: Comparison) -> list[tuple[str, str]]:
    """Return caption and SVG of every plot with data."""
    groups = comparison.groups[:MAX_BARS]
    cut = f" The first {MAX_BARS} settings." if len(comparison.groups) > MAX_BARS else ""
    found = []
    if any(group.middle("wall_s") is not None for group in groups):
        caption = (
            "Wall-clock seconds per setting (bars; repeats: median, and a line from the fastest "
            "to the slowest). The vertical mark is the ideal: the same calls without overhead."
        )
        chart = bars("wall", "Wall-clock time", "wall-clock seconds", _walls(groups))
        found.append((caption + cut, chart))
    if speed_ups := [(g.label, g.speed_up) for g in groups if g.speed_up is not None]:
        caption = "Speed-up over the sequential baseline, which is the vertical mark."
        rows = [PlotBar(label, times, 1.0, text=f"{times:.2f}") for label, times in speed_ups]
        found.append((caption + cut, bars("speed", "Speed-up", "times as fast", rows)))
    return found if comparison.sharded else found + _trade(groups, cut)


def _walls(groups: Sequence[Group]) -> list[PlotBar]:
    rows = []
    for group in groups:
        wall, ideal = group.spreads["wall_s"], group.middle("ideal_s")
        if wall is None:
            rows.append(PlotBar(group.label, None))
            continue
        low, high = (wall.minimum, wall.maximum) if wall.n > 1 else (None, None)
        shown = figure(wall.median, "{:.2f}")
        rows.append(PlotBar(group.label, wall.median, ideal, low, high, shown))
    return rows


def _trade(groups: Sequence[Group], cut: str) -> list[tuple[str, str]]:
    """Return cost (time if none is known) against quality; empty without a trade-off."""
    priced = any(group.middle("cost_usd") for group in groups)
    name, unit = ("cost_usd", "US dollars") if priced else ("wall_s", "wall-clock seconds")
    dots = []
    for number, group in enumerate(groups, 1):
        x, y = group.middle(name), group.middle("quality")
        if x is not None and y is not None:
            dots.append(PlotPoint(number, group.label, x, y, group.front is True))
    if len({dot.x for dot in dots}) < 2 or len({dot.y for dot in dots}) < 2:
        return []
    title = f"{'Cost' if priced else 'Time'} against quality"
    why = "" if priced else " No cost is known, or all are 0, so time is shown."
    where = " Numbers are those of the table; points too close to others have none."
    if any(dot.front for dot in dots):
        where += " Filled points are on the front."
    return [(f"{title}.{where}{why}{cut}", scatter("trade", title, (unit, "quality"), dots))]
