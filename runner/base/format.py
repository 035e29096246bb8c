"""Numbers, money, durations and tables for people; an unknown value is shown as a dash."""

from collections.abc import Collection, Sequence
from typing import Any

from runner.base.json import number
from runner.base.text import to_terminal

NOTHING = "–"


def figure(value: Any, form: str) -> str:
    """Show a number in *form*, such as `{:.3f}`."""
    known = number(value)
    return NOTHING if known is None else form.format(known)


def count(value: Any) -> str:
    """Show a whole number with thousands separators."""
    return figure(value, "{:,.0f}")


def plural(value: int, noun: str) -> str:
    """Return `1 file`, `1,234 files`."""
    es = "es" if noun.endswith(("ch", "s")) else "s"
    return f"{value:,} {noun}" if value == 1 else f"{value:,} {noun}{es}"


def first_of(names: Sequence[str], most: int, joint: str = ", ") -> str:
    """Return up to *most* of *names* in a line, and how many more there are: `a, b and 3 more`."""
    left = len(names) - most
    return joint.join(names[:most]) + (f" and {left} more" if left > 0 else "")


def seconds(value: Any) -> str:
    """Show a duration in at most 8 characters: `0.58 s`, `12.4 s`, `3m 05s`, `2h 04m`."""
    known = number(value)
    if known is None or known < 60:
        return figure(known, "{:.2f} s" if known is None or known < 1 else "{:.1f} s")
    minutes, rest = divmod(round(known), 60)
    if minutes < 60:
        return f"{minutes}m {rest:02d}s"
    return f"{minutes // 60}h {minutes % 60:02d}m"


def clock(seconds: float) -> str:
    """Return a time as `h:mm:ss`."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def moment(iso: str) -> str:
    """Show an ISO time of UTC as `2026-11-28 19:58:03 UTC`; "" for other text."""
    return f"{iso[:10]} {iso[11:19]} UTC" if iso[10:11] == "T" else ""


def usd(value: Any) -> str:
    """Show an amount of US dollars: `$0`, `$0.000012`, `$0.0125`, `$1.23`, `unknown`."""
    known = number(value)
    if not known:
        return "unknown" if known is None else "$0"
    return f"${known:,.{6 if abs(known) < 1e-4 else 4 if abs(known) < 1 else 2}f}"


def share(value: Any) -> str:
    """Show a fraction in per cent: 0.857 as `85.7%`."""
    return figure(value, "{:.1%}")


def relative_error(value: Any) -> str:
    """Show a relative error: `+7.4%`; from 10 on as a factor, `11 × as much`."""
    known = number(value)
    if known is not None and known >= 9:
        return f"{known + 1:,.0f} × as much"
    return figure(known, "{:+.1%}")


def aligned(rows: Sequence[Sequence[str]], left: Collection[int] = (0,)) -> list[str]:
    """Return *rows* as aligned lines, columns *left* to the left, cells cut to 80 characters."""
    clean = [[to_terminal(cell, 80) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*clean, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if at in left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in clean
    ]
