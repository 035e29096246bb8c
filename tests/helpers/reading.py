"""Transcripts read from texts and files."""

from pathlib import Path
from typing import Any

from runner.transcript.model import Transcript
from runner.transcript.read import read, read_text


def parse_transcript(text: str, *, name: str, format: str = "auto") -> Transcript:
    return read_text(text, name=name, format=format).transcript


def read_transcript(path: Path, **options: Any) -> Transcript:
    return read(path, **options).transcript


def spoken(text: str) -> list[tuple[str | None, str]]:
    """Return speaker and words of each segment of *text*."""
    return [(each.speaker, each.text) for each in parse_transcript(text, name="t").segments]


def starts(text: str) -> list[float | None]:
    """Return the start of each segment of *text* in seconds."""
    return [each.start_s for each in parse_transcript(text, name="t").segments]
