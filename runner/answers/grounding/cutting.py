"""Cutting of a text at word boundaries, as quotes are compared."""

import re
from bisect import bisect_right

from runner.answers.grounding.exact_matches import words

_TOKEN = re.compile(r"\S+")


def verbatim(text: str, quote: str) -> tuple[int, int] | None:
    """Return the code points of the first *quote* in *text*, letter for letter, in whole words."""
    at, quote = -1, quote.strip()
    while quote and (at := text.find(quote, at + 1)) >= 0:
        end = at + len(quote)
        inside = text[at].isalnum() and text[at - 1 : at].isalnum()
        if not inside and not (text[end - 1].isalnum() and text[end : end + 1].isalnum()):
            return at, end
    return None


def cut(text: str, start: int, stop: int) -> str:
    """Return the part of *text* with its words *start* to *stop* (exclusive)."""
    begin, end = offsets(text, start, stop)
    part = " ".join(text[begin:end].split())
    is_whole = end == len(text) or text[end].isspace()
    return part if is_whole else part.rstrip("-–—/([“‘")


def offsets(text: str, start: int, stop: int) -> tuple[int, int]:
    """Return the code points from word *start* to word *stop* (exclusive) of *text*.

    A character that is several words, such as ¼, is never divided.
    """
    at, begin, end, outer = 0, 0, 0, [0, 0]
    for token in _TOKEN.finditer(text):
        count = len(words(token[0]))
        first, last = max(0, start - at), min(count, stop - at)
        if first < last:
            if at <= start:
                begin = token.start() + (_end_of_word(token[0], first) if first else 0)
                outer[0] = token.start()
            part = token[0] if last == count else token[0][: _end_of_word(token[0], last)]
            end, outer[1] = token.start() + len(part), token.end()
        at += count
        if at >= stop:
            break
    return (begin, end) if begin < end else (outer[0], outer[1])


def _end_of_word(token: str, count: int) -> int:
    """Return the last offset in *token* before its word number *count* (from 0) begins."""
    return bisect_right(range(len(token) + 1), count, key=lambda end: len(words(token[:end]))) - 1
