"""Reader of transcripts: from a path or a text, in a given or detected format."""

import hashlib
import html
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from runner.base.errors import did_you_mean
from runner.base.text import to_terminal, without_hidden
from runner.transcript.cues import has_cue_timing, parse_srt, parse_vtt
from runner.transcript.decode import decode, fault, read_bytes
from runner.transcript.hearing import looks_like_hearing, parse_hearing
from runner.transcript.json_formats import parse_json
from runner.transcript.model import Transcript, Turn, make_segments
from runner.transcript.text import parse_text

# Each takes a text and the source that begins its errors; no text is a malformed text or hearing.
_READERS: Mapping[str, Callable[[str, str], list[Turn]]] = {
    "text": lambda text, _: parse_text(text),
    "hearing": lambda text, _: parse_hearing(text),
    "vtt": parse_vtt,
    "srt": parse_srt,
    "json": parse_json,
}
FORMATS: tuple[str, ...] = ("auto", *_READERS)
MAX_NAME_CHARS = 200
_SUFFIXES: Mapping[str, str] = {".vtt": "vtt", ".srt": "srt", ".json": "json"}
SUFFIXES = (".txt", ".md", *_SUFFIXES)  # of the files read from a directory
_JSON_ESCAPES = re.compile(r"\\[^u]|((?:\\u[0-9A-Fa-f]{4})+)")
_JSON_START = re.compile(r"\{\s*[\"}]|\[\s*[\[{\"\]]")


def read_transcript(path: Path, *, format: str = "auto", encoding: str | None = None) -> Transcript:
    """Read the transcript at *path*.

    *format* is one of FORMATS; `auto` goes by the suffix .vtt, .srt or .json, else by the
    content. *encoding* is a Python codec name; None detects UTF-8, -16 or -32. Raises
    TranscriptError, one line that names the file, the fault and what was expected.
    """
    text = decode(read_bytes(path), str(path), encoding)
    name = to_terminal(path.stem, MAX_NAME_CHARS) or "unnamed"
    return parse_transcript(text, name=name, format=format, path=path)


def content_sha256_of(path: Path, *, encoding: str | None = None) -> str:
    """Return the `sha256` that `read_transcript` would compute; raise TranscriptError."""
    return _sha256_of(_cleaned(decode(read_bytes(path), str(path), encoding))[0])


def parse_transcript(
    text: str, *, name: str, format: str = "auto", path: Path | None = None
) -> Transcript:
    """Parse *text* as one of FORMATS; *path*, else the transcript's *name*, begins errors.

    Raises TranscriptError if the text has no utterances or is malformed in its format.
    """
    source, suffix = (str(path), path.suffix.lower()) if path else (name, "")
    if format not in FORMATS:
        raise fault(source, f"unknown format '{format}'{did_you_mean(format, FORMATS)}")
    cleaned, removed = _cleaned(text)
    if not cleaned.strip():
        raise fault(source, "no utterances: the file is empty or has only white space")
    chosen = _detect(cleaned, suffix) if format == "auto" else format
    segments = make_segments(_READERS[chosen](cleaned, source))
    if not segments:
        raise fault(source, f"no utterances found (read as {chosen}; expected speech)")
    removed += _hidden_in_escapes(cleaned, chosen)
    return Transcript(name, chosen, _sha256_of(cleaned), segments, removed)


def _cleaned(text: str) -> tuple[str, int]:
    """Return *text* without byte-order mark and hidden characters, and the number of the latter."""
    return without_hidden(text.removeprefix("\ufeff"))


def _hidden_in_escapes(cleaned: str, format_name: str) -> int:
    """Return how many of the characters to remove are written as escapes of the format."""
    if format_name in ("vtt", "srt"):
        return without_hidden(html.unescape(cleaned))[1]
    if format_name != "json":
        return 0
    runs = (match[1] for match in _JSON_ESCAPES.finditer(cleaned) if match[1])
    return sum(without_hidden(json.loads(f'"{run}"'))[1] for run in runs)


def _sha256_of(cleaned: str) -> str:
    """Return the hex digest of *cleaned* text, ignoring white space at line ends and edges."""
    lines = (line.rstrip() for line in cleaned.split("\n"))
    return hashlib.sha256("\n".join(lines).strip().encode()).hexdigest()


def _detect(text: str, suffix: str) -> str:
    start = text.lstrip()
    if start.startswith("WEBVTT"):
        return "vtt"
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    if _JSON_START.match(start):
        return "json"
    if has_cue_timing(text):
        return "srt"
    return "hearing" if looks_like_hearing(text) else "text"
