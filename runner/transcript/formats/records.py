"""Turns in a list of records, such as JSON objects or the rows of a table."""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from runner.base.text import to_safe_text
from runner.transcript.formats.cue import Cue, cue_of
from runner.transcript.formats.cue_repeats import without_repeats
from runner.transcript.formats.cues import turns_of
from runner.transcript.formats.fields import (
    Fields,
    Record,
    best_of,
    fields_of,
    is_interim,
    join_words,
    joined,
    own_spaces,
    parts_of,
    simple_name,
    speaker_of,
    text_of,
)
from runner.transcript.formats.flow import Flow
from runner.transcript.formats.markup import html_events
from runner.transcript.formats.moments import Clock, Seconds, span_in, span_of
from runner.transcript.model import Turn, ends_sentence
from runner.transcript.reader_notes import Notes

_Word = tuple[str | None, str, Seconds]  # speaker, text, times

_SAMPLE = 200
_PLACE = re.compile(r"(?:page \d{1,9}, )?(?:line|paragraph) \d{1,9}$")  # as a run stores it
_PAUSE_S = 2.0
_MIN_STREAM = 3  # records, of which one may repeat the others
MACHINE = re.compile(r"(?:speaker|spkr?|s|participant)[ _-]?\d{1,3}$", re.IGNORECASE)
_HTML = re.compile(r"</(?:p|div|span|a|b|i|em|strong|li|blockquote|at)>|<br ?/?>", re.IGNORECASE)
_COMPARED = re.compile(r"<[A-Za-z]\w{0,20}\s[^<>=/]{1,80}>")  # `a<b and c>d`
_SILENT_TYPES = ("audio_event", "sound", "noise")


def letters(text: str) -> str:
    """Return the letters and digits of *text* in lower case."""
    return "".join(filter(str.isalnum, text.lower()))


def sampled(records: Sequence[Record]) -> Fields:
    """Return the fields of *records*.

    If no key means a speaker, a key with only values like `spk_0` does.
    """
    fields = fields_of(records)
    if fields.keys["speaker"]:
        return fields
    some = [*records[:_SAMPLE], *records[-_SAMPLE:]]
    for key in {key: None for record in some for key in record}:
        values = [record[key] for record in some if record.get(key) is not None]
        if all(isinstance(value, str) and MACHINE.match(value) for value in values):
            return replace(fields, keys={**fields.keys, "speaker": (key,)})
    return fields


def turns_from(
    records: Sequence[Record], notes: Notes, *, names: Mapping[str, str] | None = None
) -> list[Turn]:
    """Return the turns of *records*; *names* has the names of speakers given by number.

    If no record has a speaker, the words may name one, as in cues.
    """
    fields = sampled(records)
    final = [record for record in records if not is_interim(record, fields)]
    if final and len(final) < len(records):
        for record in records:
            if is_interim(record, fields):
                notes.leave_out("interim results", text_of(record, fields) or "")
        records = final
    records = _without_whole(records, fields)
    texts = [text_of(record, fields) or "" for record in records]
    clock = Clock([span_in(record, fields) for record in records], texts)
    speakers = speakers_in(records, fields, names or {})
    turns: list[Turn] = []
    for record, text, span, speaker in zip(records, texts, clock.spans, speakers, strict=True):
        if text.strip():
            where = value if _PLACE.match(value := str(record.get("where"))) else ""
            turn = Turn(speaker, to_safe_text(unmarked(text)), *clock.seconds(*span), where)
            parts = parts_of(record, fields) if fields.parts or fields.best else []
            turns += _by_word(turn, parts, clock, names or {}) if parts else [turn]
    if len(turns) < 2:
        return turns
    starts = [turn.start_s for turn in turns if turn.start_s is not None]
    if len(set(starts)) > 2 and starts == sorted(starts, reverse=True):
        notes.warn("the times run back: read from the last record to the first")
        turns.reverse()
    layout = notes.layout
    if not any(turn.speaker for turn in turns):
        turns = turns_of([_cue(turn) for turn in turns], notes)
    elif any(one.start_s == other.start_s is not None for one, other in itertools.pairwise(turns)):
        cues = without_repeats([_cue(turn) for turn in turns], notes, stamped=False)
        turns = [_turn(cue) for cue in cues if cue.lines]
    notes.layout = layout
    return turns


def unmarked(text: str) -> str:
    """Return the *text* of a message without its HTML, if it has any."""
    if "<" not in text or not _HTML.search(text) or _COMPARED.search(text):
        return text
    return Flow("html", Notes()).take(html_events(text)).text()


def _without_whole(records: Sequence[Record], fields: Fields) -> Sequence[Record]:
    """Return *records* without one that has the text of all others, as the last of a stream."""
    if len(records) < _MIN_STREAM:
        return records
    texts = [text_of(record, fields) or "" for record in records]
    most = max(range(len(records)), key=lambda at: len(texts[at]))
    others = [*texts[:most], *texts[most + 1 :]]
    whole = letters("".join(others)) == letters(texts[most])
    return [*records[:most], *records[most + 1 :]] if whole else records


def _cue(turn: Turn) -> Cue:
    lines = (" ".join(line.split()) for line in turn.text.split("\n"))
    return cue_of(turn.start_s, turn.end_s, lines, turn.speaker)


def _turn(cue: Cue) -> Turn:
    text = " ".join(line.text for line in cue.lines)
    return Turn(cue.lines[0].speaker, text, cue.start_s, cue.end_s)


def turns_from_words(
    words: Sequence[Record], notes: Notes, *, names: Mapping[str, str] | None = None
) -> list[Turn]:
    """Return the turns in a list of single *words*: runs of one speaker, or sentences."""
    fields = sampled(words)
    kept = []
    for word in words:
        if word.get("type") in _SILENT_TYPES:
            notes.leave_out("sounds", text_of(word, fields) or "")
        else:
            kept.append(word)
    texts = [text_of(word, fields) or "" for word in kept]
    clock = Clock([span_in(word, fields) for word in kept], texts)
    speakers = _filled(speakers_in(kept, fields, names or {}), texts)
    return _runs(speakers, texts, [clock.seconds(*span) for span in clock.spans])


def _runs(
    speakers: Sequence[str | None], texts: Sequence[str], times: Sequence[Seconds]
) -> list[Turn]:
    """Return the turns of single words: runs of one speaker, or sentences if none is known."""
    own = own_spaces(texts)
    turns = []
    words = zip(speakers, texts, times, strict=True)
    for speaker, run in itertools.groupby(words, lambda word: word[0]):
        for piece in [list(run)] if any(speakers) else _sentences(list(run)):
            spoken = [times for _, text, times in piece if text.strip()]
            starts = (start for start, _ in spoken if start is not None)
            ends = [end if end is not None else start for start, end in spoken]
            end_s = next((end for end in reversed(ends) if end is not None), None)
            text = to_safe_text(join_words([text for _, text, _ in piece], own))
            turns.append(Turn(speaker, text, next(starts, None), end_s))
    return turns


def _sentences(words: Sequence[_Word]) -> Iterator[list[_Word]]:
    piece: list[_Word] = []
    for word in words:
        start, end = word[2][0], piece[-1][2][1] if piece else None
        pause = start is not None and end is not None and start - end > _PAUSE_S
        if piece and (pause or (word[1].strip() and ends_sentence(piece[-1][1]))):
            yield piece
            piece = []
        piece.append(word)
    yield piece


def _by_word(
    turn: Turn, words: Sequence[Record], clock: Clock, names: Mapping[str, str]
) -> list[Turn]:
    """Return *turn*, cut where its *words* change the speaker; their speakers count."""
    fields = fields_of(words)
    own = [speaker_in(word, fields, names) for word in words]
    known = {speaker for speaker in own if speaker is not None}
    if not known or known == {turn.speaker}:
        return [turn]
    texts = [text_of(word, fields) or "" for word in words]
    spoken = zip(own, texts, strict=True)
    if len(known) == 1 and all(who or not letters(text) for who, text in spoken):
        return [replace(turn, speaker=known.pop())]
    if letters(joined(words)) != letters(turn.text):
        return [replace(turn, speaker=None)]
    times = [clock.seconds(*span_in(word, fields)) for word in words]
    first, *rest = _runs(_filled(own, texts, turn.speaker), texts, times)
    start_s = first.start_s if first.start_s is not None else turn.start_s
    *turns, last = (replace(first, start_s=start_s), *rest)
    ended = times[-1][1] is not None or turn.end_s is None
    return [*turns, last if ended else replace(last, end_s=turn.end_s)]


def _filled(
    speakers: Sequence[str | None], texts: Sequence[str], whole: str | None = None
) -> list[str | None]:
    """Give words without speaker that of the words around, or of the *whole*."""
    filled: list[str | None] = []
    after = list(speakers)
    for index in range(len(after) - 2, -1, -1):
        after[index] = after[index] if after[index] is not None else after[index + 1]
    before: str | None = None
    for speaker, following, text in zip(speakers, after, texts, strict=True):
        is_word = any(map(str.isalnum, text))
        around = {before, following} - {None}
        filled.append(
            speaker if speaker is not None
            else filled[-1] if filled and not is_word
            else whole if around <= {whole}
            else None
        )  # fmt: skip
        before = speaker if speaker is not None else before
    return filled


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
