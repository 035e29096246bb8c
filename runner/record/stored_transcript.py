"""The transcript of a run as it is stored in transcript.json."""

from pathlib import Path

from runner.base.errors import ConfigError, TranscriptError, one_line
from runner.base.files import as_json
from runner.base.json import check_size, load_json
from runner.transcript.model import Segment, Transcript
from runner.transcript.reading_report import stored_report

TRANSCRIPT = "transcript.json"
# Settings that may name people; they stay in the run.
PERSONAL = ("transcript.about", "transcript.speakers", "transcript.redact_patterns")
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
        facts = (data["name"], data["format"], data["sha256"], segments, removed_chars)
        return Transcript(*facts, stored_report(data.get("reading")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{file} cannot be read: {one_line(str(error))}") from error
