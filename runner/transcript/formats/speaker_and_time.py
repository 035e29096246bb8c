"""Who speaks in a record, and when."""

import re
from collections.abc import Mapping, Sequence

from runner.transcript.formats.fields import (
    Fields,
    Record,
    best_of,
    fields_of,
    parts_of,
    simple_name,
    speaker_of,
)
from runner.transcript.formats.moments import Moment, in_seconds, span_of, unit_of, zero_of

Span = tuple[Moment | None, Moment | None]

_FRAMES = 30  # in a second, at most
MACHINE = re.compile(r"(?:speaker|spkr?|s|participant)[ _-]?\d{1,3}$", re.IGNORECASE)


class Clock:
    """The times of a list of records in seconds."""

    def __init__(self, spans: list[Span], texts: Sequence[str]) -> None:
        self.spans = spans
        words = [len(text.split()) or bool(text.strip()) for text in texts]
        self.unit = unit_of(spans, words)
        self.zero = zero_of([start for start, _ in spans], self.unit)
        moments = (moment for span in spans for moment in span if moment is not None)
        self.frames = all(moment.frames < _FRAMES for moment in moments)

    def seconds(
        self, start: Moment | None, end: Moment | None
    ) -> tuple[float | None, float | None]:
        """Return both times in seconds."""
        scale = self.unit, self.zero, self.frames
        return in_seconds(start, *scale), in_seconds(end, *scale)


def span_in(record: Record, fields: Fields) -> Span:
    """Return the start and the end of *record*, computed from its length or words if necessary."""
    start, end, used = None, None, ""
    for key in fields.keys["start"]:
        if start is None and record.get(key) is not None:
            start, end = span_of(record[key], simple_name(key)[1])
            used = key
    for key in fields.keys["end"]:
        if end is None and key != used and record.get(key) is not None:
            end = span_of(record[key], simple_name(key)[1])[0]
    if start is None and (parts := parts_of(record, fields)):
        inner = fields_of(parts)
        if not any(record.get(key) for key in fields.keys["start"]):
            start, last = ends_of([span_in(part, inner) for part in parts])
            end = end or last
    for key in fields.keys["length"]:
        if start is not None and end is None and record.get(key) is not None:
            length = span_of(record[key], simple_name(key)[1])[0]
            if length is not None:
                scale = (start.unit or 1.0) / (length.unit or start.unit or 1.0)
                same = bool(start.unit) == bool(length.unit) or start.unit == length.unit
                end = Moment(start.value + length.value * scale, start.unit) if same else None
    return start, end


def ends_of(spans: Sequence[Span]) -> Span:
    """Return the first start and the last end in *spans*."""
    starts = (start for start, _ in spans if start is not None)
    return next(starts, None), next((end for _, end in reversed(spans) if end is not None), None)


def speaker_in(record: Record, fields: Fields, names: Mapping[str, str]) -> str | None:
    """Return the speaker of *record*; *names* maps numbers to names."""
    for key in fields.keys["speaker"]:
        value = record.get(key)
        if simple_name(key)[0] in ("from", "in") and span_of(value)[0] is not None:
            continue
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value) in names:
            return names[str(value)]
        value = value.rstrip(": ") if isinstance(value, str) else value
        if (name := speaker_of(value)) is not None:
            return name
    best = best_of(record, fields)
    return speaker_in(*best, names) if best else None


def speakers_in(
    records: Sequence[Record], fields: Fields, names: Mapping[str, str]
) -> list[str | None]:
    """Return who speaks in each of *records*: the speaker, or if none is named, the channel."""
    speakers = [speaker_in(record, fields, names) for record in records]
    values = [fields.first("channel", record)[1] for record in records]
    channels = [f"Channel {value}" if isinstance(value, str | int) else None for value in values]
    if len(set(channels) - {None}) < 2:
        return speakers
    return apart(speakers, channels) if any(speakers) else channels


def apart(speakers: Sequence[str | None], channels: Sequence[str | None]) -> list[str | None]:
    """Return *speakers*; a number that several *channels* give to a voice goes with its channel."""
    found: dict[str | None, set[str | None]] = {}
    for speaker, channel in zip(speakers, channels, strict=True):
        found.setdefault(speaker, set()).add(channel)
    shared = {who for who, places in found.items() if who and len(places - {None}) > 1}
    return [
        f"{channel}, {who}" if who in shared and channel and MACHINE.match(who or "") else who
        for who, channel in zip(speakers, channels, strict=True)
    ]
