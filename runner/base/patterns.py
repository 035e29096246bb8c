"""Regular expressions: those of users, which a time limit stops, and those of many texts."""

import re
from collections.abc import Iterable

import regex

from runner.base.errors import one_line

# Fuzzy matching, an extension of `regex` that no time limit stops for many seconds.
_FUZZY = re.compile(r"(?<!\\)\{[\deids<=+,\s]*[eids][\deids<=+,:\s]*[^{}]*\}")


MAX_DEPTH = 40  # of groups in one another; `re` fails at a few hundred


def any_of(forms: Iterable[Iterable[str]], depth: int = 0) -> str:
    """Return a pattern of any of *forms*, each a sequence of patterns, the longest first.

    It is a tree of their common beginnings, so that a search takes the same time for thousands.
    """
    tails: dict[str, list[list[str]]] = {}
    for first, *rest in forms:
        tails.setdefault(first, []).append(rest)
    made = []
    for head, left in tails.items():
        while left[0] and all(rest[:1] == left[0][:1] for rest in left):  # all go on alike
            head, left = head + left[0][0], [rest[1:] for rest in left]
        longer = [rest for rest in left if rest]
        if longer and depth == MAX_DEPTH:
            inner = "|".join(sorted(map("".join, longer), key=len, reverse=True))
        else:
            inner = any_of(longer, depth + 1) if longer else ""
        made.append(f"{head}(?:{inner}){'?' if len(longer) < len(left) else ''}")
    return "|".join(made)


def pattern_of(text: str) -> "regex.Pattern[str]":
    """Return *text* as a regular expression; raise ValueError, on one line."""
    if fuzzy := _FUZZY.search(text):
        raise ValueError(f"{fuzzy[0]!r} is fuzzy matching, which cannot be limited in time")
    try:
        return regex.compile(text)
    except (regex.error, RecursionError, OverflowError) as error:
        raise ValueError(one_line(str(error), 120)) from error
