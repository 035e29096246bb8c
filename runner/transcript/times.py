"""Time stamps such as `1:02:03`, `[00:05]` and `(00:01 - 00:04)`, in seconds."""

import re
from dataclasses import dataclass

_CLOCK = r"\d{1,3}:\d{2}(?::\d{2})?(?:[.,]\d{1,3})?(?:\s?[AaPp][Mm]\b)?"
_SPAN = rf"({_CLOCK})(?:\s?(?:-->|->|-|–|—|to)\s?({_CLOCK}))?"
_LEADING = re.compile(rf"\\?([\[(])?\s?{_SPAN}\s?\\?([\])])?(?![\w:])")
_TRAILING = re.compile(rf"(?:^|[\s|,–—-])\\?([\[(])?\s?{_SPAN}\s?\\?([\])])?$")
_READING = re.compile(r"(\d{1,3}):(\d{2})(?::(\d{2}))?(?:[.,](\d{1,3}))?\s?([AaPp])?")
_HEAD_CHARS = 200


@dataclass(frozen=True, slots=True)
class Stamp:
    """A time stamp: *start_s* in seconds, *end_s* if it is a span, else None."""

    start_s: float
    end_s: float | None
    bracketed: bool
    has_hours: bool


def clock_seconds(text: str) -> float | None:
    """Return the seconds of `h:mm:ss` or `mm:ss`, with or without a fraction; None if invalid."""
    match = _READING.match(text.strip())
    if match is None:
        return None
    first, second, third, fraction, half = match.groups()
    hours, minutes, seconds = (first, second, third) if third else ("0", first, second)
    if int(seconds) > 59 or (third and int(minutes) > 59):
        return None
    whole = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    if half and third:
        whole = whole % 43200 + (43200 if half in "pP" else 0)
    return whole + (float(f"0.{fraction}") if fraction else 0.0)


def leading_stamp(text: str) -> tuple[Stamp, str] | None:
    """Return the stamp at the start of *text* and the text after it, or None."""
    match = _LEADING.match(text[:_HEAD_CHARS])
    stamp = _stamp(match)
    return (stamp, text[match.end() :]) if match and stamp else None


def trailing_stamp(text: str) -> tuple[Stamp, str] | None:
    """Return the stamp at the end of the short *text* and the text before it, or None."""
    match = _TRAILING.search(text[:_HEAD_CHARS])
    stamp = _stamp(match)
    return (stamp, text[: match.start()]) if match and stamp else None


def _stamp(match: re.Match[str] | None) -> Stamp | None:
    if match is None:
        return None
    opening, first, last, closing = match.groups()
    start = clock_seconds(first)
    if start is None or bool(opening) != bool(closing):
        return None
    end = clock_seconds(last) if last else None
    return Stamp(start, end, bool(opening), first.count(":") == 2)
