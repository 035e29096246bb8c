"""Turns in a list of records, such as JSON objects or the rows of a table."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from runner.base.text import to_safe_text
from runner.transcript.formats.cue import Cue, Line
from runner.transcript.formats.cues import turns_of
from runner.transcript.formats.fields import (
    Fields,
    Record,
    fields_of,
    is_interim,
    join_words,
    joined,
    parts_of,
    simple_name,
    speaker_of,
    text_of,
)
from runner.transcript.formats.moments import Moment, in_seconds, span_of, unit_of, zero_of
from runner.transcript.model import Turn, ends_sentence
from runner.transcript.report import Notes

Span = tuple[Moment | None, Moment | None]

_SAMPLE = 200
_PAUSE_S = 2.0
_FRAMES = 30  # in a second, at most
_SILENT_TYPES = ("audio_event", "sound", "noise")


def letters(text: str) -> str:
    """Return the letters and digits of *text* in lower case."""
    return "".join(filter(str.isalnum, text.lower()))


def sampled(records: Sequence[Record]) -> Fields:
    """Return the fields of *records*, judged by some from both ends."""
    return fields_of([*records[:_SAMPLE], *records[-_SAMPLE:]])


def turns_from(
    records: Sequence[Record],
    notes: Notes,
    *,
    names: Mapping[str, str] | None = None,
    rest: bool = True,
) -> list[Turn]:
    """Return the turns of *records*; *names* has the names of speakers given by number.

    *rest* notes the texts of fields that are not read. Where no record has a speaker, the words
    may name one, as in cues.
    """
    fields = sampled(records)
    final = [record for record in records if not is_interim(record, fields)]
    if final and len(final) < len(records):
        for record in records:
            if is_interim(record, fields):
                notes.leave_out("interim results", text_of(record, fields) or "")
        records = final
    texts = [text_of(record, fields) or "" for record in records]
    clock = _Clock([_span(record, fields) for record in records], texts)
    channels = _channels(records, fields)
    turns: list[Turn] = []
    for record, text, span, channel in zip(records, texts, clock.spans, channels, strict=True):
        if text.strip():
            speaker = _speaker(record, fields, names or {}) or channel
            turn = Turn(speaker, to_safe_text(text), *clock.seconds(*span))
            parts = parts_of(record, fields) if fields.parts or fields.best else []
            turns += _by_word(turn, parts, clock, names or {}) if parts else [turn]
    if rest:
        _note_the_rest(records, fields, notes)
    if any(turn.speaker for turn in turns) or len(turns) < 2:
        return turns
    layout, cues = notes.layout, [_cue(turn) for turn in turns]
    turns = turns_of(cues, notes)
    notes.layout = layout
    return turns


def _cue(turn: Turn) -> Cue:
    lines = (" ".join(line.split()) for line in turn.text.split("\n"))
    return Cue(turn.start_s, turn.end_s, tuple(Line(None, line) for line in lines if line))


def turns_from_words(
    words: Sequence[Record], notes: Notes, *, names: Mapping[str, str] | None = None
) -> list[Turn]:
    """Return the turns in a list of single *words*: runs of one speaker, or sentences."""
    fields = sampled(words)
    kept = [word for word in words if not _is_sound(word)]
    for word in words:
        if _is_sound(word):
            notes.leave_out("sounds", text_of(word, fields) or "")
    texts = [text_of(word, fields) or "" for word in kept]
    clock = _Clock([_span(word, fields) for word in kept], texts)
    speakers = _filled([_speaker(word, fields, names or {}) for word in kept], texts)
    items = list(zip(speakers, texts, (clock.seconds(*span) for span in clock.spans), strict=True))
    turns = []
    for speaker, run in itertools.groupby(items, lambda item: item[0]):
        for piece in [list(run)] if any(speakers) else _sentences(list(run)):
            spoken = [times for _, text, times in piece if text.strip()]
            starts = [start for start, _ in spoken if start is not None]
            ends = [end if end is not None else start for start, end in spoken]
            known = [end for end in ends if end is not None]
            text = join_words([text for _, text, _ in piece])
            start_s, end_s = next(iter(starts), None), next(reversed(known), None)
            turns.append(Turn(speaker, to_safe_text(text), start_s, end_s))
    return turns


def _is_sound(word: Record) -> bool:
    return word.get("type") in _SILENT_TYPES


def _sentences(
    words: Sequence[tuple[str | None, str, tuple[float | None, float | None]]],
) -> Iterator[list[tuple[str | None, str, tuple[float | None, float | None]]]]:
    piece: list[tuple[str | None, str, tuple[float | None, float | None]]] = []
    for word in words:
        start, end = word[2][0], piece[-1][2][1] if piece else None
        pause = start is not None and end is not None and start - end > _PAUSE_S
        if piece and (pause or (word[1].strip() and ends_sentence(piece[-1][1]))):
            yield piece
            piece = []
        piece.append(word)
    yield piece


class _Clock:
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
        start_s, end_s = (
            in_seconds(moment, self.unit, self.zero, self.frames) for moment in (start, end)
        )
        return start_s, end_s


def _span(record: Record, fields: Fields) -> Span:
    start: Moment | None = None
    end: Moment | None = None
    used = ""
    for key in fields.keys["start"]:
        if start is None and record.get(key) is not None:
            start, end = span_of(record[key], simple_name(key)[1])
            used = key
    for key in fields.keys["end"]:
        if end is None and key != used and record.get(key) is not None:
            end = span_of(record[key], simple_name(key)[1])[0]
    if start is None and (parts := parts_of(record, fields)):
        inner = fields_of(parts[:20])
        if not any(record.get(key) for key in fields.keys["start"]):
            start, last = _ends([_span(part, inner) for part in parts])
            end = end or last
    for key in fields.keys["length"]:
        if start is not None and end is None and record.get(key) is not None:
            length = span_of(record[key], simple_name(key)[1])[0]
            if length is not None:
                scale = (start.unit or 1.0) / (length.unit or start.unit or 1.0)
                same = bool(start.unit) == bool(length.unit) or start.unit == length.unit
                end = Moment(start.value + length.value * scale, start.unit) if same else None
    return start, end


def _ends(spans: Sequence[Span]) -> Span:
    """Return the first start and the last end in *spans*."""
    starts = (start for start, _ in spans if start is not None)
    return next(starts, None), next((end for _, end in reversed(spans) if end is not None), None)


def _speaker(record: Record, fields: Fields, names: Mapping[str, str]) -> str | None:
    for key in fields.keys["speaker"]:
        value = record.get(key)
        if simple_name(key)[0] in ("from", "in") and span_of(value)[0] is not None:
            continue
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value) in names:
            return names[str(value)]
        value = value.rstrip(": ") if isinstance(value, str) else value
        if (name := speaker_of(value)) is not None:
            return name
    best = record.get(fields.best) if fields.best else None
    if isinstance(best, list) and best and isinstance(best[0], dict):
        return _speaker(best[0], fields_of(best[:1]), names)
    return None


def _channels(records: Sequence[Record], fields: Fields) -> list[str | None]:
    """Return the channel of each record, where there are several and no speakers."""
    values = [fields.first("channel", record)[1] for record in records]
    several = len({str(value) for value in values if value is not None}) > 1
    named = any(_speaker(record, fields, {}) for record in records[:_SAMPLE])
    if not several or named:
        return [None] * len(records)
    return [f"Channel {value}" if isinstance(value, str | int) else None for value in values]


def _by_word(
    turn: Turn, words: Sequence[Record], clock: _Clock, names: Mapping[str, str]
) -> list[Turn]:
    """Return *turn*, cut where its *words* change the speaker; their speakers count."""
    fields = fields_of(words[:20])
    own = [_speaker(word, fields, names) for word in words]
    known = {speaker for speaker in own if speaker is not None}
    if not known or known == {turn.speaker}:
        return [turn]
    if len(known) == 1:
        return [replace(turn, speaker=known.pop())]
    if letters(joined(words)) != letters(turn.text):
        return [replace(turn, speaker=None)]
    turns = []
    texts = [text_of(word, fields) or "" for word in words]
    pairs = zip(_filled(own, texts, turn.speaker), words, strict=True)
    for speaker, run in itertools.groupby(pairs, lambda pair: pair[0]):
        said = [word for _, word in run]
        ends = _ends([_span(word, fields) for word in said])
        turns.append(Turn(speaker, to_safe_text(joined(said)), *clock.seconds(*ends)))
    first, last = turns[0], turns[-1]
    turns[0] = replace(first, start_s=first.start_s if first.start_s is not None else turn.start_s)
    turns[-1] = replace(turns[-1], end_s=last.end_s if last.end_s is not None else turn.end_s)
    return turns


def _filled(
    speakers: Sequence[str | None], texts: Sequence[str], whole: str | None = None
) -> list[str | None]:
    """Give punctuation without speaker the one before, and a word that of the *whole*.

    A word has it if the words with a speaker on both its sides, if any, have it.
    """
    filled: list[str | None] = []
    after = list(speakers)
    for index in range(len(after) - 2, -1, -1):
        after[index] = after[index] if after[index] is not None else after[index + 1]
    before: str | None = None
    for speaker, following, text in zip(speakers, after, texts, strict=True):
        said = any(map(str.isalnum, text))
        around = {before, following} - {None}
        filled.append(
            speaker if speaker is not None
            else before if not said
            else whole if around <= {whole}
            else None
        )  # fmt: skip
        before = speaker if speaker is not None else before
    return filled


def _note_the_rest(records: Sequence[Record], fields: Fields, notes: Notes) -> None:
    """Note texts in fields that are not read, such as translations and summaries."""
    rest = {key for record in records[:_SAMPLE] for key in record} - fields.known
    unread = [*rest, *fields.keys["text"]]
    for key in unread:
        values = [value for r in records if isinstance(value := r.get(key), str) and " " in value]
        long = sum(value.count(" ") for value in values) > 2 * len(values)
        if not long or (key in fields.keys["text"][:1]):
            continue
        for record in records:
            value = record.get(key)
            if isinstance(value, str) and letters(value) != letters(text_of(record, fields) or ""):
                notes.leave_out(f"fields '{key[:40]}'", value)
