"""Cleaning of a file's text: line ends, invisible characters, content digest."""

from __future__ import annotations

import hashlib
import html
import json
import re

from runner.base.text import without_hidden

_JSON_ESCAPES = re.compile(r"\\[^u]|((?:\\u[0-9A-Fa-f]{4})+)")


def clean_content(text: str) -> tuple[str, int]:
    """Return the cleaned *text* of a file and how many characters were removed, without the BOM."""
    return without_hidden(text.removeprefix("\ufeff"))


def hidden_in_escapes(cleaned: str, format_name: str) -> int:
    """Return how many of the characters to remove are written as escapes of the format."""
    if format_name in ("vtt", "srt"):
        return without_hidden(html.unescape(cleaned))[1]
    if format_name != "json":
        return 0
    runs = (match[1] for match in _JSON_ESCAPES.finditer(cleaned) if match[1])
    return sum(without_hidden(json.loads(f'"{run}"'))[1] for run in runs)


def content_sha256(text: str) -> str:
    """Return the hex digest of cleaned *text*, ignoring white space at line ends and edges."""
    lines = (line.rstrip() for line in text.split("\n"))
    return hashlib.sha256("\n".join(lines).strip().encode()).hexdigest()
