"""CSV for spreadsheets (RFC 4180), safe from formula injection."""

import re
from collections.abc import Iterable
from typing import Any

from runner.base.text import to_safe_text

_FORMULA = re.compile(r"\s*[=+\-@\uff0b\uff0d\uff1d\uff20]")  # also full width
_QUOTED = re.compile(r'[",;]')  # also where a semicolon ends a cell
_LINE_ENDS = re.compile(r"[\n\t\u2028\u2029]+")


def as_rows(rows: Iterable[Iterable[Any]]) -> str:
    """Return *rows* as CSV; text that looks like a formula gets an apostrophe before it.

    (OWASP, "CSV Injection".) A cell is one line without invisible characters. None is an empty
    cell, booleans are `yes` and `no`, numbers, even negative ones, stay numbers.
    """
    return "".join(",".join(map(_cell, row)) + "\r\n" for row in rows)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:.9g}"
    text = _LINE_ENDS.sub(" ", to_safe_text(str(value)))
    if _FORMULA.match(text) and not _is_number(text):
        text = f"'{text}"
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text


def _is_number(text: str) -> bool:
    """Return whether *text* is a number: -1 is no formula."""
    try:
        float(text)
    except ValueError:
        return False
    return True
