"""The environment of the page templates: every value is escaped unless a template wrote it."""

import os
import re
from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from runner.answers.markdown import md
from runner.base.format import NOTHING, clock, count, plural, seconds, share, usd
from runner.base.json import amount, listing, mapping, number, text
from runner.base.regular_files import kind_of
from runner.base.text import to_safe_text

_BLANK = re.compile(r"\n{3,}")
_LABEL = re.compile(r"[a-z]+(_[a-z]+)+")


def render(template: str, **facts: Any) -> str:
    """Return the page of *template* with *facts*."""
    return environment().get_template(template).render(**facts)


def render_markdown(template: str, **facts: Any) -> str:
    """Return the Markdown page of *template*: values are escaped, blank lines joined."""
    made = _markdown().get_template(template).render(**facts)
    return _BLANK.sub("\n\n", made).strip() + "\n"


@lru_cache
def _markdown() -> Environment:
    return environment().overlay(finalize=lambda v: v if isinstance(v, Markup) else Markup(md(v)))


@lru_cache
def script_of(name: str) -> Mapping[str, str]:
    """Return our script *name* and its digest, for the page's policy, as facts for `render`."""
    words = (resources.files(__package__) / "templates" / name).read_text(encoding="utf-8")
    digest = b64encode(sha256(words.encode()).digest()).decode()
    return {"script": Markup(words), "script_digest": f"sha256-{digest}"}


@lru_cache
def environment() -> Environment:
    """Return the template environment of this process, which caches compiled templates."""
    environment = Environment(
        loader=PackageLoader("runner.reports.report"),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shows = (seconds, count, plural, usd, share, title_of, label, clock)
    filters = (*shows, amount, listing, mapping, number, text)
    environment.filters |= {each.__name__: each for each in filters}
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


def label(value: Any) -> str:
    """Return a category, or the value of an enumeration, without underscores."""
    words = text(value)
    return words.replace("_", " ") if "_" in words and _LABEL.fullmatch(words) else words


def link_to(file: Path, folder: Path) -> str | None:
    """Return the address of *file* from a page in *folder*, None if the file does not exist."""
    return address_of(file, folder) if kind_of(file) == "file" else None


def address_of(file: Path, folder: Path) -> str:
    """Return the relative address of *file*, which need not exist, from a page in *folder*.

    It begins with a dot and is quoted, so that browsers read it as a path.
    """
    # Links in the folder are resolved, the file keeps its name.
    target = file.parent.resolve() / file.name
    return "./" + quote(os.fsencode(Path(os.path.relpath(target, folder.resolve())).as_posix()))
