"""JSON formats: Whisper, WhisperX, AssemblyAI, Deepgram, this program, and plain lists."""

import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from runner.base.text import to_safe_text
from runner.transcript.decode import fault
from runner.transcript.formats.cues import merge_turns
from runner.transcript.model import Turn
from runner.transcript.times import clock_seconds

MAX_DEPTH = 64

_TEXT_KEYS = ("text", "transcript", "content")
_SPEAKER_KEYS = ("speaker", "speaker_name", "speaker_label", "name")
_START_KEYS = ("start_s", "start", "start_time")
_END_KEYS = ("end_s", "end", "end_time")
_LIST_KEYS = ("segments", "utterances", "turns", "transcript")
_MAX_DIGITS = 18
_STRUCTURE = re.compile(r'\\.|["\[\]{}]', re.DOTALL)
_EXPECTED = (
    "expected a list of {speaker, text}, 'segments' (Whisper, WhisperX, Colloquy), "
    "'utterances' (AssemblyAI) or 'results' (Deepgram)"
)


def parse_json(text: str, source: str) -> list[Turn]:
    """Return the turns of JSON *text* in any known shape.

    Raises TranscriptError for malformed JSON (with line and column), nesting deeper than 64,
    an unknown shape, or an item that is not an object with text.
    """
    _refuse_deep(text, source)
    try:
        data = json.loads(text, parse_int=_number)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise fault(source, f"malformed JSON at {where}: {error.msg}") from error
    return [replace(turn, text=to_safe_text(turn.text)) for turn in _turns(data, source)]


def _number(digits: str) -> float | int:
    # int() refuses thousands of digits, and no time is that long.
    return int(digits) if len(digits) <= _MAX_DIGITS else math.nan


def _refuse_deep(text: str, source: str) -> None:
    # The JSON parser recurses, so the depth is counted first, and without recursion.
    depth, in_string = 0, False
    for match in _STRUCTURE.finditer(text):
        token = match[0]
        if token == '"':
            in_string = not in_string
        elif not in_string and token in "[{":
            depth += 1
        elif not in_string and token in "]}":
            depth -= 1
        if depth > MAX_DEPTH:
            line = text.count("\n", 0, match.start()) + 1
            raise fault(source, f"JSON nested deeper than {MAX_DEPTH} at line {line}")


def _turns(data: object, source: str) -> list[Turn]:
    if isinstance(data, list):
        return _items(data, source)
    fields = data if isinstance(data, dict) else {}
    results = fields.get("results")
    if isinstance(results, dict):
        return _deepgram(results, source)
    for key in _LIST_KEYS:
        items = fields.get(key)
        if isinstance(items, list) and items:
            # Only AssemblyAI has times in milliseconds, and only it has top-level 'utterances'.
            turns = _items(items, source, key, 1000.0 if key == "utterances" else 1.0)
            # Whisper splits at pauses, not at sentences; turns with speakers stay as they are.
            whisper = key == "segments" and all(turn.speaker is None for turn in turns)
            return merge_turns(turns) if whisper else turns
    if isinstance(fields.get("text"), str):
        return [Turn(None, fields["text"])]
    raise fault(source, f"JSON holds no transcript; {_EXPECTED}")


def _items(
    items: Sequence[object], source: str, where: str = "list", unit: float = 1.0
) -> list[Turn]:
    turns = []
    for number, item in enumerate(items, start=1):
        if not isinstance(item, dict):
            raise fault(source, f"item {number} of '{where}' is not an object; {_EXPECTED}")
        texts = [item[key] for key in _TEXT_KEYS if key in item]
        if not texts or not isinstance(texts[0], str | None):
            raise fault(source, f"item {number} of '{where}' has no text; {_EXPECTED}")
        start_s, end_s = (_time(_first(item, keys), unit) for keys in (_START_KEYS, _END_KEYS))
        turns.append(Turn(_speaker(_first(item, _SPEAKER_KEYS)), texts[0] or "", start_s, end_s))
    return turns


def _deepgram(results: dict[str, object], source: str) -> list[Turn]:
    utterances = results.get("utterances")
    if isinstance(utterances, list) and utterances:
        return _items(utterances, source, "results.utterances")
    channels = _objects(results.get("channels"))
    speech = [list(_channel(channel, source)) for channel in channels]
    if not any(speech):
        raise fault(source, f"JSON 'results' holds no channels with speech; {_EXPECTED}")
    if len(speech) == 1:
        return speech[0]
    turns = [
        replace(turn, speaker=turn.speaker or f"Channel {index}")
        for index, channel in enumerate(speech)
        for turn in channel
    ]
    return sorted(turns, key=lambda turn: turn.start_s or 0.0)


def _channel(channel: dict[str, object], source: str) -> Iterator[Turn]:
    best = next(iter(_objects(channel.get("alternatives"))), {})
    holder = best.get("paragraphs")
    paragraphs = _objects(holder.get("paragraphs")) if isinstance(holder, dict) else []
    words = [word for word in _objects(best.get("words")) if _word(word)]
    if any(_objects(paragraph.get("sentences")) for paragraph in paragraphs):
        yield from (_paragraph(paragraph, source) for paragraph in paragraphs)
    elif any("speaker" in word for word in words):
        runs = itertools.groupby(words, lambda word: _speaker(word.get("speaker")))
        yield from (_run(speaker, list(run)) for speaker, run in runs)
    elif isinstance(best.get("transcript"), str):
        yield Turn(None, str(best["transcript"]))


def _paragraph(paragraph: dict[str, object], source: str) -> Turn:
    sentences = _items(_objects(paragraph.get("sentences")), source, "sentences")
    return Turn(
        _speaker(paragraph.get("speaker")),
        " ".join(sentence.text for sentence in sentences),
        _time(paragraph.get("start")),
        _time(paragraph.get("end")),
    )


def _run(speaker: str | None, words: Sequence[dict[str, object]]) -> Turn:
    text = " ".join(_word(word) for word in words)
    return Turn(speaker, text, _time(words[0].get("start")), _time(words[-1].get("end")))


def _word(word: dict[str, object]) -> str:
    text = _first(word, ("punctuated_word", "word"))
    return text if isinstance(text, str) else ""


def _objects(value: object) -> list[dict[str, object]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _first(item: dict[str, object], keys: Iterable[str]) -> object:
    return next((item[key] for key in keys if item.get(key) is not None), None)


def _speaker(value: object) -> str | None:
    if isinstance(value, str):
        return to_safe_text(value) or None
    if isinstance(value, int) and not isinstance(value, bool):
        return f"Speaker {value}"
    return None


def _time(value: object, unit: float = 1.0) -> float | None:
    """Return *value* in seconds; *unit* is the number of its units per second."""
    if isinstance(value, str):
        return clock_seconds(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value / unit
    return None
