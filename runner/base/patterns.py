"""Patterns of users: regular expressions that a time limit stops."""

import re

import regex

from runner.base.errors import one_line

# Fuzzy matching, an extension of `regex` that no time limit stops for many seconds.
_FUZZY = re.compile(r"(?<!\\)\{[\deids<=+,\s]*[eids][\deids<=+,:\s]*[^{}]*\}")


def pattern_of(text: str) -> "regex.Pattern[str]":
    """Return *text* as a regular expression; raise ValueError, on one line."""
    if fuzzy := _FUZZY.search(text):
        raise ValueError(f"{fuzzy[0]!r} is fuzzy matching, which cannot be limited in time")
    try:
        return regex.compile(text)
    except (regex.error, RecursionError, OverflowError) as error:
        raise ValueError(one_line(str(error), 120)) from error
