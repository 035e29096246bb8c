"""Times in records: their fields, their notation and, for bare numbers, their unit."""

import math
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from runner.transcript.formats.fields import Fields, Record, fields_of, parts_of, simple_name
from runner.transcript.times import day_number, leading_stamp

ABSOLUTE = -1.0  # a date and time; its seconds count from the first of the file

_UNITS = (1.0, 1e3, 1e6, 1e7, 1e9)
_WORDS_PER_S = 2.5
_MIN_PACE, _MAX_PACE, _MAX_PAUSED, _MAX_SINGLE = 0.5, 8.0, 4.5, 20.0  # words in a second
_LATE_S = 36_000  # no transcript begins ten hours into its recording
_EPOCH_S = 1e9  # from here on a number of seconds is a date
_LAST_S = 4e9  # and up to here, in 2096, also one of smaller units
_NUMBER = re.compile(r"-?\d{1,18}(?:[.,]\d{0,18})?(?:[eE][+-]?\d{1,2})?$")
_WITH_UNIT = re.compile(r"(\d{1,15}(?:[.,]\d{1,12})?)\s?(ms|s|sec|secs|seconds|m|min|h)$", re.I)
_ISO_LENGTH = re.compile(
    r"P(?:(\d{1,6})D)?T(?:(\d{1,6}(?:\.\d+)?)H)?(?:(\d{1,6}(?:\.\d+)?)M)?(?:(\d{1,9}(?:\.\d+)?)S)?$"
)
_CLOCK = re.compile(
    r"(?:(\d{1,3})[.:](?=\d+:\d+:))?(?:(\d{1,5}):)?(\d{1,2}):(\d{2})(?:[.,](\d{1,9}))?$"
)
_BETWEEN = re.compile(r"\s{0,9}(?:-->|->|–|—|\s-\s|\bto\b)\s{0,9}")
_SECONDS = {"ms": 0.001, "m": 60.0, "min": 60.0, "h": 3600.0}
_FRAMES = 30  # in a second, at most


@dataclass(frozen=True, slots=True)
class Moment:
    """A number of *unit* parts of a second; 0 is an unknown unit.

    The last of four numbers may count *frames*; the time is then *framed* seconds.
    """

    value: float
    unit: float = 0.0
    framed: float = 0.0
    frames: int = -1


Span = tuple[Moment | None, Moment | None]
Seconds = tuple[float | None, float | None]


def moment_of(value: object, unit: float = 0.0) -> Moment | None:
    """Return the time in *value*, whose key implies *unit*; None if it is not a time."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return Moment(float(value), unit) if math.isfinite(value) else None
    if isinstance(value, str):
        return _from_text(value.strip()[:60], unit)
    if isinstance(value, dict):
        named = {simple_name(key): each for key, each in value.items()}
        if ("seconds", 0.0) in named or ("nanos", 0.0) in named:
            parts = (moment_of(named.get((name, 0.0))) for name in ("seconds", "nanos"))
            whole, nanos = (part.value if part else 0.0 for part in parts)
            return Moment(whole + nanos / 1e9, 1.0)
        for key in ("relative", "value", "start", "from"):
            for (name, its), each in named.items():
                if name == key:
                    return moment_of(each, its or unit)
    return None


def span_of(value: object, unit: float = 0.0) -> Span:
    """Return the start and end in *value*: `[0, 2]`, `{from: 0, to: 2}` or `0:00 - 0:02`."""
    if isinstance(value, list | tuple):
        if value and isinstance(value[0], dict):
            return span_of(value[0], unit)
        start, end = (*value, None, None)[:2]
        return moment_of(start, unit), moment_of(end, unit)
    if isinstance(value, dict):
        ends = [each for key, each in value.items() if simple_name(key)[0] in ("end", "to", "stop")]
        return moment_of(value, unit), moment_of(ends[0], unit) if ends else None
    if isinstance(value, str):
        start, *end = _BETWEEN.split(value.strip()[:80])
        if len(end) == 1 and (first := moment_of(start, unit)) is not None:
            return first, moment_of(end[0], unit)
    return moment_of(value, unit), None


def _from_text(text: str, unit: float) -> Moment | None:
    text = text.replace(";", ":") if text.count(";") > 1 else text  # as of dropped frames
    if _NUMBER.match(text):
        return Moment(float(text.replace(",", ".")), unit)
    if match := _WITH_UNIT.match(text):
        return Moment(float(match[1].replace(",", ".")) * _SECONDS.get(match[2].lower(), 1.0), 1.0)
    if match := _CLOCK.match(text):
        first, hours, minutes, seconds = (int(part or 0) for part in match.groups()[:4])
        if seconds > 59 or ((match[1] or match[2]) and minutes > 59):
            return None
        whole = ((first * 24 + hours) * 60 + minutes) * 60 + seconds
        if match[1] and not match[5]:
            return Moment(whole, 1.0, (first * 60.0 + hours) * 60 + minutes, seconds)
        return Moment(whole + float(f"0.{match[5] or 0}"), 1.0)
    if match := _ISO_LENGTH.match(text):
        day, hour, minute, second = (float(part or 0) for part in match.groups())
        return Moment(((day * 24 + hour) * 60 + minute) * 60 + second, 1.0)
    with suppress(ValueError, OverflowError):
        read = parsedate_to_datetime if text[3:5] == ", " else datetime.fromisoformat
        date = read(text.replace(" UTC", "Z"))
        return Moment((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp(), ABSOLUTE)
    stamp, rest = leading_stamp(text) or (None, text)
    if stamp is None or rest.strip() or stamp.end_s is not None:
        return None
    one, other = (day_number(stamp.day, month_first=first) for first in (False, True))
    if days := one or other:
        return Moment(days * 86_400 + stamp.start_s, ABSOLUTE)
    return Moment(stamp.start_s, 1.0)


def _unit_of(spans: Sequence[Span], words: Sequence[int]) -> float:
    """Return the units per second of bare numbers, inferred from the words spoken."""
    bare = [
        (start.value, end.value if end and not end.unit else None, count)
        for (start, end), count in zip(spans, words, strict=True)
        if start is not None and not start.unit and start.value >= 0
    ]
    if not bare:
        return 1.0
    for unit in (1e3, 1e6, 1e9):
        if _EPOCH_S <= bare[0][0] / unit < _LAST_S:
            return unit
    rates = []
    lengths = 0
    later = [*(start for start, _, _ in bare[1:]), -1.0]
    for (start, end, count), after in zip(bare, later, strict=True):
        long = end is not None and end > start
        stop = end if end is not None and long else after
        if stop > start and count:
            rates.append(count / (stop - start))
            lengths += long
    if not rates:
        late = _LATE_S <= bare[0][0] < _EPOCH_S
        return 1e3 if late and bare[0][0].is_integer() else 1.0
    rates.sort()
    rate = rates[len(rates) * 3 // 4]
    single = sum(words) < len(words) * 1.5
    # Pauses are part of the time from one start to the next, but not of a length.
    most = _MAX_SINGLE if single else _MAX_PACE if lengths * 2 > len(rates) else _MAX_PAUSED
    if _MIN_PACE <= rate <= most:
        return 1.0
    spoken = [unit for unit in _UNITS if rate * unit <= most] or [1.0]
    fits = min(spoken, key=lambda unit: abs(math.log(rate * unit / _WORDS_PER_S)))
    fractions = any(not start.is_integer() for start, _, _ in bare)
    slow = rate * 60 >= _MIN_PACE / 10  # a few words in a minute: seconds with long silence
    return 1.0 if fits > 1 and fractions and slow else fits


class Clock:
    """The times of a list of records in seconds: bare numbers have one unit.

    Dates count from the first. The last of four numbers counts frames, if it stays below 30.
    """

    def __init__(self, spans: list[Span], texts: Sequence[str]) -> None:
        self.spans = spans
        self._unit = _unit_of(spans, [len(text.split()) for text in texts])
        starts = (self._value(start) for start, _ in spans if start is not None)
        self._zero = min((start for start in starts if start >= _EPOCH_S), default=0.0)
        moments = (moment for span in spans for moment in span if moment is not None)
        self._framed = all(moment.frames < _FRAMES for moment in moments)

    def seconds(self, start: Moment | None, end: Moment | None) -> Seconds:
        """Return both times in seconds."""
        return self._seconds(start), self._seconds(end)

    def _seconds(self, moment: Moment | None) -> float | None:
        if moment is None:
            return None
        if self._framed and moment.frames >= 0:
            return moment.framed
        value = self._value(moment)
        dated = moment.unit == ABSOLUTE or (value >= _EPOCH_S and self._zero)
        return round(value - self._zero, 3) if dated else value

    def _value(self, moment: Moment) -> float:
        return moment.value / (1.0 if moment.unit == ABSOLUTE else moment.unit or self._unit)


def span_in(record: Record, fields: Fields) -> Span:
    """Return the start and the end of *record*, computed from its length or words if necessary."""
    start, end, used = None, None, ""
    for key in fields.keys["start"]:
        if start is None and record.get(key) is not None:
            start, end = span_of(record[key], simple_name(key)[1])
            used = key
    for key in fields.keys["end"]:
        if end is None and key != used:
            end = span_of(record.get(key), simple_name(key)[1])[0]
    if start is None and (parts := parts_of(record, fields)):
        inner = fields_of(parts)
        if not any(record.get(key) for key in fields.keys["start"]):
            start, last = ends_of([span_in(part, inner) for part in parts])
            end = end or last
    for key in fields.keys["length"]:
        length = span_of(record.get(key), simple_name(key)[1])[0]
        if start and end is None and length and bool(start.unit) == bool(length.unit):
            scale = abs(start.unit or 1.0) / (length.unit or 1.0)
            end = Moment(start.value + length.value * scale, start.unit)
    return start, end


def ends_of(spans: Sequence[Span]) -> Span:
    """Return the first start and the last end in *spans*."""
    starts = (start for start, _ in spans if start is not None)
    return next(starts, None), next((end for _, end in reversed(spans) if end is not None), None)
