"""The Pareto front: settings that no other setting dominates."""

from collections.abc import Sequence

# Wall-clock seconds, quality, US dollars or None.
Point = tuple[float, float, float | None]


def dominated(points: Sequence[Point | None]) -> list[bool | None]:
    """Return for each point whether another is better in one respect and worse in none.

    Less time, less cost and more quality are better. Cost is compared only between two points
    whose cost is known; time and quality always are, which rules out circles. None stays None.
    """
    known = [point for point in points if point is not None]
    return [None if p is None else any(_dominates(o, p) for o in known) for p in points]


def _dominates(one: Point, other: Point) -> bool:
    gains = [other[0] - one[0], one[1] - other[1]]
    if one[2] is not None and other[2] is not None:
        gains.append(other[2] - one[2])
    return min(gains) >= 0 and max(gains) > 0
