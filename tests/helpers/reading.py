"""Transcripts read from texts and files."""

from pathlib import Path
from typing import Any

from runner.transcript.model import Transcript
from runner.transcript.read import read, read_text


def parse_transcript(text: str, *, name: str, format: str = "auto") -> Transcript:
    return read_text(text, name=name, format=format).transcript


def read_transcript(path: Path, **options: Any) -> Transcript:
    return read(path, **options).transcript
