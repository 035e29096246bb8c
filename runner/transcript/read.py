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
from runner.base.text import to_terminal, without_hidden
from runner.transcript.decode import fault, read_bytes
from runner.transcript.formats.registry import OWN_READERS
from runner.transcript.formats.unsupported import refuse_markup, refuse_other_formats
from runner.transcript.model import Transcript, make_segments
from runner.transcript.reader_notes import Notes
from runner.transcript.readers import Reader, Source, other_readers
from runner.transcript.reading_report import ReadingReport
from runner.transcript.warnings import doubts

MAX_NAME_CHARS = 200
_JSON_ESCAPES = re.compile(r"\\[^u]|((?:\\u[0-9A-Fa-f]{4})+)")

# Refusals before the first reader of texts, and before the last, which accepts any text.
_REFUSALS = {"ass": refuse_other_formats, "text": refuse_markup}


@dataclass(frozen=True, slots=True)
class Reading:
    """A transcript and what the reader understood of its file."""

    transcript: Transcript
    report: ReadingReport


@cache
def readers() -> Mapping[str, Reader]:
    """Return all readers by format, in the order in which they are tried; raise ConfigError."""
    return {reader.name: reader for reader in (*other_readers(), *OWN_READERS)}


def formats() -> tuple[str, ...]:
    """Return the values of `transcript.format`."""
    return ("auto", *readers())


def suffixes() -> tuple[str, ...]:
    """Return the suffixes of the files read from a directory, those of text first."""
    return tuple(suffix for reader in reversed([*readers().values()]) for suffix in reader.suffixes)


def read(path: Path, *, format: str = "auto", encoding: str | None = None) -> Reading:
    """Read the transcript at *path*.

    *format* is one of `formats()`; `auto` detects it by the content and, if that is ambiguous, by
    the suffix. *encoding* is a Python codec name; None detects UTF-8, -16 or -32. Raises
    TranscriptError, one line that names the file, the fault and what was expected.
    """
    source = Source(str(path), read_bytes(path), path.suffix.lower(), encoding)
    name = to_terminal(path.stem, MAX_NAME_CHARS) or "unnamed"
    return read_source(source, name, format)


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
    removed = 0 if source.binary else source.removed_chars
    removed += _hidden_in_escapes(source, reader.name)
    report = notes.report(reader.name, segments, doubts(segments))
    transcript = Transcript(name, reader.name, _sha256_of(source), segments, removed, report)
    return Reading(transcript, report)


def _detected(source: Source) -> Reader:
    for reader in readers().values():
        if refuse := _REFUSALS.get(reader.name):
            refuse(source.text, source.name)
        if reader.recognises(source):
            return reader
    raise fault(source.name, "no reader recognises it")  # the text reader takes any text


def _hidden_in_escapes(source: Source, format_name: str) -> int:
    """Return how many of the characters to remove are written as escapes of the format."""
    if format_name in ("vtt", "srt"):
        return without_hidden(html.unescape(source.text))[1] if "&" in source.text else 0
    escaped = format_name == "json" and "\\u" in source.text
    escapes = _JSON_ESCAPES.finditer(source.text if escaped else "")
    runs = (match[1] for match in escapes if match[1])
    return sum(without_hidden(json.loads(f'"{run}"'))[1] for run in runs)


def _sha256_of(source: Source) -> str:
    """Return the hex digest of a document's bytes, or of the text without space at line ends."""
    if source.binary:
        return hashlib.sha256(source.data).hexdigest()
    lines = (line.rstrip() for line in source.text.split("\n"))
    return hashlib.sha256("\n".join(lines).strip().encode()).hexdigest()
