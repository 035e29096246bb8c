"""Places of bars, points and labels in the plots that `plots.html` draws."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10
from textwrap import wrap
from typing import Any

from runner.base.format import figure
from runner.reports.compare.spread import Spread

WIDTH = 360  # a phone's width, so that text stays readable there
_CHARS, _LINES = 46, 8  # of a label: characters of a line, lines
_LINE, _BAR = 16, 32  # heights of a line of a label, and of a bar with its margins
_NEAR = ((0, 19), (0, -10), (15, 4), (-15, 4), (13, 16), (-13, 16), (13, -7), (-13, -7))


@dataclass(frozen=True, slots=True)
class PlotBar:
    """A labelled median with its range and an optional mark; None is unknown."""

    label: str
    found: Spread | None
    mark: float | None

    @property
    def end(self) -> float:
        """Its end: the highest of its values."""
        return max(self.found.maximum, self.mark or 0.0) if self.found else 0.0

    @property
    def text(self) -> str:
        """Its median."""
        return figure(self.found and self.found.median, "{:.2f}")


@dataclass(frozen=True, slots=True)
class PlotPoint:
    """A point of a scatter plot; *number* is its row in the table."""

    number: int
    label: str
    x: float
    y: float
    front: bool


@dataclass(frozen=True, slots=True)
class Scale:
    """Values from *low* to *high* on pixels *first* to *last*."""

    low: float
    high: float
    first: float
    last: float

    def at(self, value: float) -> float:
        """Return the pixel of *value*."""
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return self.first + share * (self.last - self.first)

    def ticks(self) -> list[tuple[float, str]]:
        """Return the pixels and labels of four to ten round values."""
        raw = (self.high - self.low) / 5
        size: float = 10 ** floor(log10(raw))
        step = next(size * n for n in (1, 2, 5, 10) if size * n >= raw * 0.999)
        first = -(-self.low // step)
        count = int((self.high - first * step) / step + 1e-9) + 1
        values = [(first + n) * step for n in range(count)]
        return [(self.at(v), f"{v:.12f}".rstrip("0").rstrip(".")) for v in values]


def bars(name: str, title: str, axis: str, rows: Sequence[PlotBar]) -> dict[str, Any]:
    """Return horizontal bars with labels above, which are wrapped."""
    scale = Scale(0.0, max((bar.end for bar in rows), default=0.0) or 1.0, 8, WIDTH - 70)
    placed, y = [], 6
    for bar in rows:
        lines = wrap(bar.label, _CHARS, max_lines=_LINES, placeholder=" …") or [""]
        placed.append((bar, lines, y + _LINE * len(lines) + 4))
        y += _LINE * len(lines) + _BAR
    about = {"kind": "bars", "name": name, "title": title, "axis": axis}
    return {**about, "scale": scale, "rows": placed, "height": y}


def scatter(
    name: str, title: str, axes: tuple[str, str], points: Sequence[PlotPoint]
) -> dict[str, Any]:
    """Return points numbered as in the table; points on the front are filled and joined.

    A point that is too close to others has no number.
    """
    wide = Scale(0.0, (max((p.x for p in points), default=0.0) or 1.0) * 1.08, 52, WIDTH - 20)
    lowest = min((p.y for p in points), default=0.0)
    tall = Scale(max(0.0, lowest - 0.01 - (1 - lowest) / 5), 1.0, 236, 30)
    taken = [(wide.at(p.x), tall.at(p.y) + 4) for p in points]
    dots = []
    for point in sorted(points, key=lambda p: (not p.front, p.x, p.y)):  # the front comes first
        x, y = wide.at(point.x), tall.at(point.y)
        near = ((x + right, y + down) for right, down in _NEAR)
        free = (
            p for p in near if all(abs(p[0] - a) >= 15 or abs(p[1] - b) >= 12 for a, b in taken)
        )
        place = next(free, None)
        taken += [place] if place else []
        dots.append((point, x, y, place))
    about = {"kind": "scatter", "name": name, "title": title, "axes": axes}
    return {**about, "wide": wide, "tall": tall, "dots": dots}
