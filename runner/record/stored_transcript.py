"""The transcript of a run as it is stored in transcript.json."""

import re
from pathlib import Path

from runner.base.errors import ConfigError, TranscriptError, one_line
from runner.base.files import as_json
from runner.base.json import check_size, load_json, number
from runner.transcript.model import Segment, Transcript
from runner.transcript.reading_report import stored_report

TRANSCRIPT = "transcript.json"
# Settings that may name people; they stay in the run.
PERSONAL = ("transcript.about", "transcript.speakers", "transcript.redact_patterns")
_ID = re.compile(r"S\d{4,12}")
REDACTION = "redaction.json"  # the original of each stand-in


def transcript_as_json(transcript: Transcript) -> bytes:
    """Return *transcript* as JSON; raise TranscriptError if it would be too large to be resumed."""
    data = as_json(transcript)
    try:
        check_size(data)
    except ValueError as error:
        raise TranscriptError(f"{transcript.name} is too long for {TRANSCRIPT}: {error}") from error
    return data


def read_transcript_file(run: Path) -> Transcript:
    """Return the transcript stored in the directory *run*; raise ConfigError."""
    file = run / TRANSCRIPT
    try:
        data = load_json(file)
        segments = tuple(Segment(**segment) for segment in data["segments"])
        removed_chars = int(data.get("removed_chars", 0))
        facts = (data["name"], data["format"], data["sha256"])
        reading = stored_report(data.get("reading"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{file} cannot be read: {one_line(str(error))}") from error
    if not segments or not all(map(_is_text, facts)) or not all(map(_is_sound, segments)):
        raise ConfigError(f"{file} is not in the format of a run")
    return Transcript(*facts, segments, removed_chars, reading)


def _is_sound(segment: Segment) -> bool:
    """Return whether *segment*, which anyone may have written, is as the reader makes them."""
    spoken = _is_text(segment.text) and segment.text == " ".join(segment.text.split())
    named = segment.speaker is None or _is_text(segment.speaker)
    times = all(t is None or number(t) is not None for t in (segment.start_s, segment.end_s))
    has_id = _is_text(segment.id) and _ID.fullmatch(segment.id) is not None
    return bool(segment.text) and spoken and named and times and has_id and _is_text(segment.where)


def _is_text(value: object) -> bool:
    return isinstance(value, str)
