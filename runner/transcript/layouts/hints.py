"""Hints: quickly, which rows may open a turn in a layout, so that only those are read."""

import re
from collections.abc import Callable

from runner.transcript.layouts.labels import MAX_LABEL_CHARS
from runner.transcript.layouts.openings import HEAD_CHARS, SENTENCE_ENDS
from runner.transcript.layouts.rows import Row

Hint = Callable[[Row], object]


def has_colon(row: Row) -> bool:
    """Return whether a colon stands in the head of the row."""
    return ":" in row.head or "：" in row.head


def is_short(row: Row) -> bool:
    """Return whether the row has room for a name, a role and a time, and not for much more."""
    return len(row.rest) <= HEAD_CHARS and not row.rest.endswith(SENTENCE_ENDS)


def is_timed(row: Row) -> bool:
    """Return whether the row starts with a time and is short."""
    return row.stamp is not None and len(row.rest) <= HEAD_CHARS


def is_emphasised(row: Row) -> bool:
    """Return whether the row opens with emphasis."""
    return bool(row.opening)


def starts_with(chars: str) -> Hint:
    """Return whether a row starts with one of *chars*, in emphasis or not."""
    return lambda row: row.rest[:1] in chars or row.rest[:1] in "*_"


def contains(pattern: str) -> Hint:
    """Return whether *pattern* is found in the head of a row."""
    search = re.compile(pattern).search
    return lambda row: search(row.head)


def may_end_in_label(row: Row) -> bool:
    """Return whether the row may be a name, in emphasis or not."""
    return len(row.rest) <= MAX_LABEL_CHARS and row.placed
