"""JSON and JSON lines: reads the list with the most speakers, times and words."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain, islice
from typing import Any

import orjson

from runner.base.json import is_deeper, listing, mapping, mappings
from runner.base.text import to_safe_text
from runner.transcript.decode import fault
from runner.transcript.formats.fields import Record, fields_named, joined, simple_name
from runner.transcript.formats.json_lists import RecordList, best_of, lists_in
from runner.transcript.formats.json_names import items_in, names_in, speakers_by_time
from runner.transcript.formats.records import (
    apart,
    letters,
    sampled,
    turns_from,
    turns_from_words,
    unmarked,
)
from runner.transcript.formats.subtitles import has_cue_times, parse_srt, parse_vtt
from runner.transcript.formats.tables import turns_from_rows
from runner.transcript.model import Turn, words_of
from runner.transcript.reader_notes import Notes
from runner.transcript.text import turns_of_text

MAX_DEPTH = 64

_MAX_DIGITS = 18
_BETWEEN = re.compile(r"\s*,?\s*")
_START = re.compile(r"\{\s*[\"}]|\[\s*[\[{\"\]]")
_EXPECTED = (
    "expected a list of objects with a text, and where known a speaker and a time, at any depth, "
    "as speech recognizers write it"
)
_WHOLE = words_of(
    "text transcript transcription content fulltext fulltranscript display srt vtt subtitles"
)
_SAID = _WHOLE | {"body", "message", "sentence"}
_MAX_NOTES = 2000
_CUE_TIMES = re.compile(r"^(?:WEBVTT\b|[\d:.]{5,20} --> ).*\n", re.MULTILINE)


def is_json(text: str) -> bool:
    """Return whether *text* begins like a JSON object or list of objects, lists or texts.

    It may stand in cues, as in the `metadataContent` of Microsoft Graph.
    """
    return _START.match(_without_cues(text[:1000]).lstrip()) is not None


def _without_cues(text: str) -> str:
    return _CUE_TIMES.sub("", text) if text.startswith("WEBVTT") else text


def parse_json(text: str, source: str, notes: Notes) -> list[Turn]:
    """Return the turns of JSON or JSON lines.

    Raises TranscriptError for malformed JSON (with line and column), nesting deeper than 64,
    and for JSON that holds no transcript.
    """
    try:
        data = _loaded(_without_cues(text), source)
        deep = is_deeper(data, MAX_DEPTH)
    except RecursionError:
        deep = True
    if deep:
        raise fault(source, f"JSON nested deeper than {MAX_DEPTH}")
    return turns_of_value(data, source, notes) or []


def turns_of_value(
    data: object, source: str, notes: Notes, *, sure: bool = False
) -> list[Turn] | None:
    """Return the turns in *data*; raise TranscriptError if it has none.

    If *sure*, return None unless the list has speakers or times.
    """
    notes.layout = "fields"
    if isinstance(data, list) and len(data) > 1 and all(map(_is_row, data)):
        rows = [["" if cell is None else str(cell) for cell in row] for row in data]
        return turns_from_rows(rows, source, notes)
    if isinstance(data, list) and all(isinstance(each, dict) and len(each) == 1 for each in data):
        pairs: list[list[str]] = [list(*each.items()) for each in data]  # speaker and words
        if len({who for who, _ in pairs}) > 1 and all(isinstance(text, str) for _, text in pairs):
            return turns_from_rows(pairs, source, notes)
    lists = list(lists_in(data))
    chosen = best_of(lists)
    if sure and (chosen is None or not any(chosen.rank[:2])):
        return None
    if chosen is None or not chosen.size:
        return _whole(data, source, notes)
    names = names_in(data, chosen.records, notes)
    outer = (each for each in lists if len(each.records) > 1 and chosen.is_in(each))
    if channels := next((each for each in outer if each.name.lower() == "channels"), None):
        turns = _by_channel(channels, notes, names)
    elif chosen.words:
        turns = turns_from_words(_once(_with_speakers(chosen, lists)), notes, names=names)
    else:
        turns = turns_from(_with_speakers(chosen, lists), notes, names=names)
    _note_the_rest(data, chosen, lists, turns, notes)
    spans = next(filter(_are_spans, lists), None)
    if spans and not any(turn.speaker for turn in turns):
        notes.warn(f"'{spans.name}' says who speaks when, but not the words; they have no speaker")
    return turns


def _is_row(row: object) -> bool:
    return isinstance(row, list) and not any(isinstance(cell, dict | list) for cell in row)


def _loaded(text: str, source: str) -> object:
    """Return the value in *text*, or the list of several values in sequence."""
    with suppress(orjson.JSONDecodeError):  # then its place is told, or it has several values
        return orjson.loads(text)
    # int() refuses thousands of digits, and no time is that long.
    decoder = json.JSONDecoder(parse_int=lambda n: int(n) if len(n) <= _MAX_DIGITS else math.nan)
    values: list[object] = []
    place = len(text) - len(text.lstrip())
    while place < len(text):
        try:
            value, place = decoder.raw_decode(text, place)
        except json.JSONDecodeError as error:
            where = f"line {error.lineno} column {error.colno}"
            raise fault(source, f"malformed JSON at {where}: {error.msg}") from error
        values.append(value)
        gap = _BETWEEN.match(text, place)
        place = gap.end() if gap else place
    if not values:
        raise fault(source, f"JSON holds no transcript; {_EXPECTED}")
    return values[0] if len(values) == 1 else values


def _whole(data: object, source: str, notes: Notes) -> list[Turn]:
    """Return the turns of *data* that holds the transcript as one text; refuse anything else."""
    texts = [*map(to_safe_text, _texts(data))]
    if not texts:
        raise fault(source, _without_words(mapping(data)))
    notes.layout = "one text"
    best = max(texts, key=lambda text: (has_cue_times(text), len(text)))
    turns = _turns_of_whole(best, source, notes)
    known, said = letters(best), _said(turns)
    others = [text for text in texts if letters(text) not in known]
    if several := [t for t in others if _said(_turns_of_whole(t, source, Notes())) not in said]:
        what = f"JSON holds {len(several) + 1} texts and no list of turns"
        raise fault(source, f"{what}, such as '{several[0][:60]}'; {_EXPECTED}")
    return turns


def _turns_of_whole(text: str, source: str, notes: Notes) -> list[Turn]:
    if has_cue_times(text):
        parse = parse_vtt if text.lstrip().startswith("WEBVTT") else parse_srt
        return parse(text, source, notes)
    return turns_of_text(text, notes)


def _said(turns: Sequence[Turn]) -> str:
    return letters("".join(turn.text for turn in turns))


def _without_words(data: Mapping[str, Any]) -> str:
    """Return what is wrong with JSON without a transcript: an error, a status, or no words."""
    for key in (key for key in data if "err" in key or key in ("message", "detail")):
        message = mapping(data[key]).get("message", data[key])
        if isinstance(message, str) and message:
            return f"the error message of a service, not a transcript: '{message[:200]}'"
    status = data.get("status")
    told = f" (status '{status}')" if isinstance(status, str) else ""
    return f"JSON holds no transcript{told}; {_EXPECTED}"


def _texts(data: object) -> list[str]:
    """Return the texts in *data* named like a transcript, or all in a list."""
    if isinstance(data, list) and all(isinstance(each, str) for each in data):
        return ["\n".join(data)] if data else []
    named = ((key, text) for key, text in items_in(data) if isinstance(text, str) and text.strip())
    return [unmarked(text) for key, text in named if simple_name(key)[0] in _WHOLE]


def _by_channel(chosen: RecordList, notes: Notes, names: Mapping[str, str]) -> list[Turn]:
    turns: list[Turn] = []
    channels: list[str] = []
    for number, channel in enumerate(chosen.records):
        inner = best_of(list(lists_in(channel)))
        read = turns_from_words if inner and inner.words else turns_from
        turns += read(inner.records if inner else [channel], notes, names=names)
        channels += [f"Channel {number}"] * (len(turns) - len(channels))
    speakers = apart([turn.speaker for turn in turns], channels)
    spoken = zip(turns, speakers, channels, strict=True)
    turns = [replace(turn, speaker=who or channel) for turn, who, channel in spoken]
    return sorted(turns, key=lambda turn: turn.start_s or 0.0)


def _with_speakers(chosen: RecordList, lists: Sequence[RecordList]) -> list[Record]:
    """Return the chosen records with speakers from a list without words that has their times."""
    parts = sampled(chosen.records).parts
    for spans in filter(_are_spans, lists) if not chosen.rank[0] else ():
        records = _spoken(chosen.records, spans)
        if parts:
            words = [mappings(listing(each.get(parts))) for each in records]
            said = iter(_spoken([*chain.from_iterable(words)], spans))
            records = [
                {**each, parts: [*islice(said, len(its))]} if parts in each else each
                for each, its in zip(records, words, strict=True)
            ]
        if records != chosen.records:
            return records
    return chosen.records


def _spoken(records: Sequence[Record], spans: RecordList) -> list[Record]:
    found = zip(records, speakers_by_time(records, spans.records), strict=True)
    return [each if who is None else {**each, "speaker": who} for each, who in found]


def _are_spans(each: RecordList) -> bool:
    return not each.size and each.rank[:2] == (True, True)


def _once(words: list[Record]) -> list[Record]:
    """Return *words* without those repeated with a speaker (Google)."""
    fields = sampled(words)
    named = [word for word in words if fields.first("speaker", word)[1] not in (None, 0)]
    others = [word for word in words if fields.first("speaker", word)[1] in (None, 0)]
    return named if named and letters(joined(named)) == letters(joined(others)) else words


def _note_the_rest(
    data: object,
    chosen: RecordList,
    lists: Sequence[RecordList],
    turns: Sequence[Turn],
    notes: Notes,
) -> None:
    """Note sentences in *data* that are not in the *turns*, such as summaries."""
    spoken = letters(" ".join(turn.text for turn in turns))
    speakers = {(turn.speaker or "").casefold() for turn in turns}
    fields, own = sampled(chosen.records), {id(record) for record in chosen.records}
    read = fields.known - {*fields.keys["text"][1:]} | {"where", fields.parts}
    same: set[int] = set()  # records of lists that say all of it again, such as its paragraphs
    for each in lists:
        outer = chosen.is_in(each) or each.size * 2 < chosen.size
        if not outer and letters(each.text()) in spoken:
            same.update(map(id, each.records))
    todo: list[tuple[str, object]] = [("", data)]
    noted = 0
    while todo and noted < _MAX_NOTES:
        key, node = todo.pop()
        if isinstance(node, dict) and id(node) not in same:
            # The reading report of a transcript.json is not speech.
            known = read if id(node) in own else {"reading"} if "sha256" in node else set()
            todo += (item for item in node.items() if item[0] not in known)
        elif isinstance(node, list):
            items = node[:1] if fields_named([key]).best else node  # the others are alternatives
            todo += [(key, each) for each in items]
        elif isinstance(node, str) and (node.count(" ") > 2 or simple_name(key)[0] in _SAID):
            noted += 1
            lines = (line.partition(": ") for line in unmarked(node).split("\n"))
            said = "".join(
                text if who.strip().casefold() in speakers else f"{who} {text}"
                for who, _, text in lines
            )
            if letters(said) not in spoken:
                notes.leave_out(f"fields '{key[:40]}'", node)
