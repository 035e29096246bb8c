"""Reader of transcripts: from a path or a text, in a given or detected format."""

import hashlib
import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from runner.base.errors import did_you_mean
from runner.base.text import without_hidden
from runner.transcript.decode import fault, read_bytes
from runner.transcript.formats.json_formats import is_json, parse_json
from runner.transcript.formats.subtitles import has_cue_times, parse_srt, parse_vtt
from runner.transcript.hearing import looks_like_hearing, parse_hearing
from runner.transcript.model import Transcript, make_segments
from runner.transcript.readers import Reader, Source, other_readers
from runner.transcript.report import Notes, ReadingReport
from runner.transcript.text import read_text_layout
from runner.transcript.warnings import doubts

_JSON_ESCAPES = re.compile(r"\\[^u]|((?:\\u[0-9A-Fa-f]{4})+)")


def _is_vtt(source: Source) -> bool:
    return source.text.lstrip().startswith("WEBVTT") or (
        source.suffix == ".vtt" and not has_cue_times(source.text)
    )


def _is_srt(source: Source) -> bool:
    return source.suffix == ".srt" or has_cue_times(source.text)


def _is_json(source: Source) -> bool:
    return source.suffix == ".json" or is_json(source.text)


# Tried in this order, after those of other packages; the last recognises any text.
_OWN = (
    Reader("vtt", _is_vtt, lambda s, notes: parse_vtt(s.text, s.name, notes), (".vtt",)),
    Reader("json", _is_json, lambda s, notes: parse_json(s.text, s.name, notes), (".json",)),
    Reader("srt", _is_srt, lambda s, notes: parse_srt(s.text, s.name, notes), (".srt",)),
    Reader(
        "hearing",
        lambda s: looks_like_hearing(s.text),
        lambda s, notes: parse_hearing(s.text, notes),
    ),
    Reader("text", lambda s: True, read_text_layout, (".txt", ".md")),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """A transcript and what the reader understood of its file."""

    transcript: Transcript
    report: ReadingReport


@cache
def readers() -> Mapping[str, Reader]:
    """Return all readers by format, in the order in which they are tried; raise ConfigError."""
    return {reader.name: reader for reader in (*other_readers(), *_OWN)}


def formats() -> tuple[str, ...]:
    """Return the values of `transcript.format`."""
    return ("auto", *readers())


def suffixes() -> tuple[str, ...]:
    """Return the suffixes of the files that are read from a directory, those of text first."""
    return tuple(suffix for reader in reversed([*readers().values()]) for suffix in reader.suffixes)


def read(path: Path, *, format: str = "auto", encoding: str | None = None) -> Reading:
    """Read the transcript at *path*.

    *format* is one of `formats()`; `auto` goes by the content, and where that is not enough by
    the suffix. *encoding* is a Python codec name; None detects UTF-8, -16 or -32. Raises
    TranscriptError, one line that names the file, the fault and what was expected.
    """
    source = Source(str(path), read_bytes(path), path.suffix.lower(), encoding)
    return read_source(source, path.stem, format)


def read_text(text: str, *, name: str, format: str = "auto") -> Reading:
    """Read *text* like the content of a file called *name*; raise TranscriptError."""
    return read_source(Source(name, text.encode("utf-8", "replace")), name, format)


def content_sha256_of(path: Path, *, encoding: str | None = None) -> str:
    """Return the `sha256` that `read` would compute; raise TranscriptError."""
    return _sha256_of(Source(str(path), read_bytes(path), path.suffix.lower(), encoding))


def read_source(source: Source, name: str, format: str) -> Reading:
    """Read *source* as the transcript *name*; raise TranscriptError."""
    if format not in formats():
        raise fault(source.name, f"unknown format '{format}'{did_you_mean(format, formats())}")
    if not source.data.strip():
        raise fault(source.name, "no utterances: the file is empty or has only white space")
    reader = readers()[format] if format != "auto" else _detected(source)
    notes = Notes()
    segments = make_segments(reader.read(source, notes), notes.leave_out)
    if not segments:
        raise fault(source.name, f"no utterances found (read as {reader.name}; expected speech)")
    removed = source.removed_chars + _hidden_in_escapes(source.text, reader.name)
    report = notes.report(reader.name, segments, doubts(segments))
    transcript = Transcript(name, reader.name, _sha256_of(source), segments, removed, report)
    return Reading(transcript, report)


def _detected(source: Source) -> Reader:
    return next(reader for reader in readers().values() if reader.recognises(source))


def _hidden_in_escapes(cleaned: str, format_name: str) -> int:
    """Return how many of the characters to remove are written as escapes of the format."""
    if format_name in ("vtt", "srt"):
        return without_hidden(html.unescape(cleaned))[1]
    if format_name != "json":
        return 0
    runs = (match[1] for match in _JSON_ESCAPES.finditer(cleaned) if match[1])
    return sum(without_hidden(json.loads(f'"{run}"'))[1] for run in runs)


def _sha256_of(source: Source) -> str:
    """Return the hex digest of the text, ignoring white space at line ends and edges."""
    lines = (line.rstrip() for line in source.text.split("\n"))
    return hashlib.sha256("\n".join(lines).strip().encode()).hexdigest()
