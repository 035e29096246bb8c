"""CSV for spreadsheets (RFC 4180), safe from formula injection."""

import csv
import io
import re
from collections.abc import Iterable
from typing import Any

_FORMULA = re.compile(r"^[=+\-@\t\r]")


def as_rows(rows: Iterable[Iterable[Any]]) -> str:
    """Return *rows* as CSV; text that looks like a formula gets an apostrophe before it.

    (OWASP, "CSV Injection".) None is an empty cell, booleans are `yes` and `no`, numbers, even
    negative ones, stay numbers.
    """
    out = io.StringIO()
    csv.writer(out).writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:.9g}"
    text = str(value)
    if not _FORMULA.match(text):
        return text
    try:
        float(text)  # -1 is a number, not a formula
    except ValueError:
        return f"'{text}"
    return text
