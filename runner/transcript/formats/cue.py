"""Cue: the lines that are shown from one time to another."""

import html
import re
from dataclasses import dataclass

from runner.base.text import to_safe_text

_TAG = re.compile(r"</?(?:v|c|i|b|u|s|ruby|rt|lang|font)(?:[\s.][^<>]{0,200})?>|<\d[\d:.]{3,14}>")
_POSITION = re.compile(r"\{\\[a-z][^{}]{0,80}\}")


@dataclass(frozen=True, slots=True)
class Line:
    """A displayed line: the *speaker* that the format names, or None, and the words."""

    speaker: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Cue:
    """The lines shown from *start_s* to *end_s*, which are None if unknown."""

    start_s: float | None
    end_s: float | None
    lines: tuple[Line, ...]


def plain(text: str) -> str:
    """Return *text* without the tags and escapes of cue formats."""
    if "<" in text or "{" in text:
        text = _POSITION.sub("", _TAG.sub("", text))
    text = html.unescape(text) if "&" in text else text
    return " ".join(to_safe_text(text).split())
