"""Inline SVG without script: all text is escaped, colours are CSS classes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10

WIDTH = 400  # a phone's width, so that text stays readable there
_STEP = 46
_TOP = 22


@dataclass(frozen=True, slots=True)
class PlotBar:
    """A labelled value with an optional mark and range; None is unknown."""

    label: str
    value: float | None
    mark: float | None = None
    low: float | None = None
    high: float | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class PlotPoint:
    """A point of a scatter plot; *number* is its row in the table."""

    number: int
    label: str
    x: float
    y: float
    front: bool


def element(name: str, *inner: str, text: str = "", **attributes: object) -> str:
    """Return one element; `class_` becomes `class`, `text_anchor` `text-anchor`."""
    pairs = [
        f'{key.rstrip("_").replace("_", "-")}="{escape(_plain(value))}"'
        for key, value in attributes.items()
    ]
    return f"<{' '.join([name, *pairs])}>{''.join(inner)}{escape(text)}</{name}>"


def picture(name: str, title: str, desc: str, height: float, parts: Iterable[str]) -> str:
    """Return an image with a title and a description for screen readers."""
    return element(
        "svg",
        element("title", text=title, id=f"{name}-title"),
        element("desc", text=desc, id=f"{name}-desc"),
        *parts,
        viewBox=f"0 0 {WIDTH} {_plain(height)}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
    )


def bars(
    name: str, title: str, axis: str, rows: Sequence[PlotBar], line: float | None = None
) -> str:
    """Return horizontal bars with labels above; *line* is a value marked across all."""
    highest = max([v for b in rows for v in (b.value, b.mark, b.high) if v is not None] or [0.0])
    scale = _Scale(0.0, max(highest, line or 0.0) or 1.0, 8, WIDTH - 90)
    height = _TOP + _STEP * len(rows) + 32
    parts = _axis(scale, _TOP, height - 32, axis)
    if line is not None:
        parts.append(_line(scale.at(line), _TOP, scale.at(line), height - 32, "base"))
    for at, bar in enumerate(rows):
        parts += _bar(bar, scale, _TOP + at * _STEP)
    listed = "; ".join(f"{b.label}: {b.text or '–'}" for b in rows)
    return picture(name, title, f"{title}. {listed}", height, parts)


def _bar(bar: PlotBar, scale: _Scale, top: float) -> list[str]:
    label = bar.label if len(bar.label) <= 56 else f"{bar.label[:55]}…"
    parts = [_text(8, top + 14, label, "label")]
    if bar.value is None:
        return [*parts, _text(8, top + 34, "not known", "quiet")]
    full = element("title", text=f"{bar.label}: {bar.text}")
    end = scale.at(bar.value)
    wide = max(end - 8, 1)
    parts.append(element("rect", full, class_="bar", x=8, y=top + 20, width=wide, height=18, rx=2))
    right = end
    if bar.low is not None and bar.high is not None:
        right = max(right, scale.at(bar.high))
        parts.append(_line(scale.at(bar.low), top + 29, scale.at(bar.high), top + 29, "range"))
    if bar.mark is not None:
        right = max(right, scale.at(bar.mark))
        parts.append(_line(scale.at(bar.mark), top + 17, scale.at(bar.mark), top + 41, "mark"))
    return [*parts, _text(right + 6, top + 34, bar.text, "value")]


def scatter(name: str, title: str, axes: tuple[str, str], dots: Sequence[PlotPoint]) -> str:
    """Return points numbered as in the table; points on the front are filled and joined."""
    xs, ys = [dot.x for dot in dots], [dot.y for dot in dots]
    wide = _Scale(0.0, (max(xs, default=0.0) or 1.0) * 1.08, 52, WIDTH - 16)
    lowest = min(ys, default=0.0)
    tall = _Scale(max(0.0, lowest - 0.05 - (1 - lowest) / 2), 1.0, 236, 30)
    parts = _axis(wide, 24, 244, axes[0])
    for tick in tall.ticks():
        y = tall.at(tick)
        parts += [_line(52, y, WIDTH - 16, y, "grid"), _text(46, y + 4, f"{tick:g}", "tick", "end")]
    parts.append(_text(8, 14, axes[1], "tick"))
    front = sorted((d for d in dots if d.front), key=lambda d: (d.x, d.y))
    path = " ".join(f"{wide.at(d.x):.1f},{tall.at(d.y):.1f}" for d in front)
    parts.append(element("polyline", class_="front", points=path, fill="none"))
    taken: list[tuple[float, float]] = []
    for dot in sorted(dots, key=lambda d: d.front):  # the front is drawn last
        x, y = wide.at(dot.x), tall.at(dot.y)
        full = element("title", text=f"{dot.number}: {dot.label}")
        parts.append(element("circle", full, class_="on" if dot.front else "off", cx=x, cy=y, r=6))
        below = y + 20
        while any(abs(x - a) < 20 and abs(below - b) < 12 for a, b in taken):
            below += 12
        taken.append((x, below))
        parts.append(_text(x, below, str(dot.number), "value", "middle"))
    listed = "; ".join(f"{d.number}: {d.x:g}, {d.y:g}{', front' if d.front else ''}" for d in dots)
    return picture(name, title, f"{title}. {axes[0]}, {axes[1]}: {listed}", 274, parts)


@dataclass(frozen=True, slots=True)
class _Scale:
    """Values from *low* to *high* on pixels *first* to *last*."""

    low: float
    high: float
    first: float
    last: float

    def at(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.first + share * (self.last - self.first)

    def ticks(self) -> list[float]:
        """Return four to ten round values."""
        raw = (self.high - self.low) / 5
        size: float = 10 ** floor(log10(raw))
        step = next(size * n for n in (1, 2, 5, 10) if size * n >= raw * 0.999)
        first = -(-self.low // step)
        count = int((self.high - first * step) / step + 1e-9) + 1
        return [round((first + n) * step, 12) for n in range(count)]


def _axis(scale: _Scale, top: float, bottom: float, title: str) -> list[str]:
    parts = []
    for tick in scale.ticks():
        x = scale.at(tick)
        label = _text(x, bottom + 14, f"{tick:g}", "tick", "middle")
        parts += [_line(x, top, x, bottom, "grid"), label]
    return [*parts, _text(WIDTH - 4, bottom + 27, title, "tick", "end")]


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return element("line", class_=kind, x1=x1, y1=y1, x2=x2, y2=y2)


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start") -> str:
    return element("text", text=text, class_=kind, x=x, y=y, text_anchor=anchor)


def _plain(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
