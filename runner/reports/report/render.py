"""The environment of the page templates: every value is escaped unless a template wrote it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from runner.base.format import NOTHING, count, seconds, share, usd
from runner.base.json import text
from runner.base.text import to_safe_text


def render(template: str, **facts: Any) -> str:
    """Return the page of *template* with *facts*."""
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
    """Remove invisible characters from a value before it is escaped."""
    if isinstance(value, Markup):
        return value
    return to_safe_text(value) if isinstance(value, str) else NOTHING if value is None else value


def title_of(name: Any) -> str:
    """Turn a key into a title: `unmet_needs` becomes `Unmet needs`."""
    words = text(name).replace("_", " ").strip()
    return words[:1].upper() + words[1:] or NOTHING
