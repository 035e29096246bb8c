"""How figures read, and the templates' environment: all that is not a template's is escaped."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from runner.base.json import number, text
from runner.base.text import to_safe_text

NOTHING = "–"


def render(template: str, **facts: Any) -> str:
    """Return the page that *template* makes of *facts*."""
    return _environment().get_template(template).render(**facts)


@lru_cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("runner.reports.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "seconds": seconds,
        "count": count,
        "usd": usd,
        "share": share,
        "title_of": title_of,
    }
    return environment


def _shown(value: Any) -> Any:
    """Take what nobody sees out of every string that a template prints; escaping comes after."""
    if isinstance(value, Markup):
        return value
    return to_safe_text(value) if isinstance(value, str) else NOTHING if value is None else value


def seconds(value: Any) -> str:
    """Show a duration: `0.58 s`, `12.4 s`, `3 min 05 s`, `2 h 04 min`."""
    known = number(value)
    if known is None:
        return NOTHING
    if known < 60:
        return f"{known:.2f} s" if known < 10 else f"{known:.1f} s"
    minutes, rest = divmod(round(known), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def count(value: Any) -> str:
    """Show a whole number with its thousands apart."""
    known = number(value)
    return NOTHING if known is None else f"{known:,.0f}"


def usd(value: Any) -> str:
    """Show an amount of money; None is one that nobody knows."""
    known = number(value)
    if known is None:
        return "unknown"
    return "$0" if known == 0 else f"${known:.4f}" if abs(known) < 1 else f"${known:,.2f}"


def share(value: Any) -> str:
    """Show a share, 0 to 1, as per cent."""
    known = number(value)
    return NOTHING if known is None else f"{100 * known:.4g} %" if known < 10 else "> 1000 %"


def title_of(name: Any) -> str:
    """Turn a key into a title: `unmet_needs` becomes `Unmet needs`."""
    words = text(name).replace("_", " ").strip()
    return words[:1].upper() + words[1:] or NOTHING
