"""Inline SVG without script: all text is escaped, colours are CSS classes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10
from textwrap import wrap

WIDTH = 360  # a phone's width, so that text stays readable there
_CHARS, _LINES, _LINE = 46, 8, 16  # of a label: characters a line, lines, height of one
_TOP, _BOTTOM = 6, 36
_NEAR = ((0, 19), (0, -10), (15, 4), (-15, 4), (13, 16), (-13, 16), (13, -7), (-13, -7))


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
        f'{key.rstrip("_").replace("_", "-")}="{escape(_plain(value, 1))}"'
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


def bars(name: str, title: str, axis: str, rows: Sequence[PlotBar]) -> str:
    """Return horizontal bars with labels above, which are wrapped."""
    highest = max([v for b in rows for v in (b.value, b.mark, b.high) if v is not None] or [0.0])
    scale = _Scale(0.0, highest or 1.0, 8, WIDTH - 70)
    drawn: list[str] = []
    y = float(_TOP)
    for bar in rows:
        lines = wrap(bar.label, _CHARS, max_lines=_LINES, placeholder=" …") or [""]
        drawn += [_text(8, y + _LINE * n, line, "label") for n, line in enumerate(lines, 1)]
        y += _LINE * len(lines) + 4
        drawn += _bar(bar, scale, y)
        y += 28
    listed = "; ".join(f"{b.label}: {b.text or '–'}" for b in rows)
    parts = [*_axis(scale, _TOP, y, axis), *drawn]
    return picture(name, title, f"{title}. {listed}", y + _BOTTOM, parts)


def _bar(bar: PlotBar, scale: _Scale, top: float) -> list[str]:
    if bar.value is None:
        return [_text(8, top + 14, "not known", "quiet")]
    full = element("title", text=f"{bar.label}: {bar.text}")
    end = scale.at(bar.value)
    wide = max(end - 8, 1)
    parts = [element("rect", full, class_="bar", x=8, y=top, width=wide, height=18, rx=2)]
    right = end
    if bar.low is not None and bar.high is not None:
        right = max(right, scale.at(bar.high))
        parts.append(_line(scale.at(bar.low), top + 9, scale.at(bar.high), top + 9, "range"))
    if bar.mark is not None:
        right = max(right, scale.at(bar.mark))
        parts.append(_line(scale.at(bar.mark), top - 3, scale.at(bar.mark), top + 21, "mark"))
    return [*parts, _text(right + 6, top + 14, bar.text, "value")]


def scatter(name: str, title: str, axes: tuple[str, str], dots: Sequence[PlotPoint]) -> str:
    """Return points numbered as in the table; points on the front are filled and joined.

    A point that is too close to others has no number.
    """
    xs, ys = [dot.x for dot in dots], [dot.y for dot in dots]
    wide = _Scale(0.0, (max(xs, default=0.0) or 1.0) * 1.08, 52, WIDTH - 20)
    lowest = min(ys, default=0.0)
    tall = _Scale(max(0.0, lowest - 0.01 - (1 - lowest) / 5), 1.0, 236, 30)
    parts = _axis(wide, 24, 244, axes[0])
    for tick in tall.ticks():
        y = tall.at(tick)
        parts += [
            _line(52, y, WIDTH - 20, y, "grid"),
            _text(46, y + 4, _plain(tick), "tick", "end"),
        ]
    parts.append(_text(8, 14, axes[1], "tick"))
    front = sorted((d for d in dots if d.front), key=lambda d: (d.x, d.y))
    path = " ".join(f"{wide.at(d.x):.1f},{tall.at(d.y):.1f}" for d in front)
    parts.append(element("polyline", class_="front", points=path, fill="none"))
    taken = [(wide.at(d.x), tall.at(d.y) + 4) for d in dots]
    for dot in sorted(dots, key=lambda d: d.front):  # the front is drawn last
        x, y = wide.at(dot.x), tall.at(dot.y)
        full = element("title", text=f"{dot.number}: {dot.label}")
        parts.append(element("circle", full, class_="on" if dot.front else "off", cx=x, cy=y, r=6))
    for dot in sorted(dots, key=lambda d: not d.front):  # the front is numbered first
        x, y = wide.at(dot.x), tall.at(dot.y)
        free = ((x + right, y + down) for right, down in _NEAR)
        place = next((at for at in free if not _crowded(at, taken)), None)
        if place is not None:
            taken.append(place)
            parts.append(_text(*place, str(dot.number), "value", "middle"))
    listed = "; ".join(f"{d.number}: {d.x:g}, {d.y:g}{', front' if d.front else ''}" for d in dots)
    return picture(name, title, f"{title}. {axes[0]}, {axes[1]}: {listed}", 280, parts)


def _crowded(place: tuple[float, float], taken: Iterable[tuple[float, float]]) -> bool:
    return any(abs(place[0] - x) < 15 and abs(place[1] - y) < 12 for x, y in taken)


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
        label = _text(x, bottom + 14, _plain(tick), "tick", "middle")
        parts += [_line(x, top, x, bottom, "grid"), label]
    return [*parts, _text(WIDTH - 4, bottom + 29, title, "tick", "end")]


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return element("line", class_=kind, x1=x1, y1=y1, x2=x2, y2=y2)


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start") -> str:
    return element("text", text=text, class_=kind, x=x, y=y, text_anchor=anchor)


def _plain(value: object, digits: int = 12) -> str:
    """Return a number without exponent and trailing zeros."""
    if not isinstance(value, float):
        return str(value)
    return f"{round(value, digits):.{digits}f}".rstrip("0").rstrip(".")
