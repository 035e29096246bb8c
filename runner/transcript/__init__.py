"""Transcripts: files of common layouts, encodings and formats, read into numbered segments."""

from runner.transcript.model import Segment, Transcript
from runner.transcript.read import (
    FORMATS,
    SUFFIXES,
    content_sha256_of,
    parse_transcript,
    read_transcript,
)

__all__ = [
    "FORMATS",
    "SUFFIXES",
    "Segment",
    "Transcript",
    "content_sha256_of",
    "parse_transcript",
    "read_transcript",
]
