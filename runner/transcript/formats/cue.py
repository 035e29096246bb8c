"""Cues: the lines shown from one time to another."""

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass

from runner.base.text import to_safe_text

_TAG = re.compile(r"</?(?:[vVcibus]|ruby|rt|lang|font)(?:[\s.][^<>]{0,200})?>|<\d[\d:.]{3,14}>")
_POSITION = re.compile(r"\{\\[a-z][^{}]{0,80}\}")


@dataclass(frozen=True, slots=True)
class Line:
    """A displayed line: the *speaker* whom the format itself names, or None, and the words."""

    speaker: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Cue:
    """What is shown from *start_s* to *end_s*, which are None where unknown."""

    start_s: float | None
    end_s: float | None
    lines: tuple[Line, ...]

    @property
    def tagged(self) -> bool:
        """Whether the format names a speaker."""
        return any(line.speaker for line in self.lines)


def cue_of(
    start_s: float | None, end_s: float | None, texts: Iterable[str], speaker: str | None = None
) -> Cue:
    """Return the cue that shows *texts*, without empty ones."""
    return Cue(start_s, end_s, tuple(Line(speaker, text) for text in texts if text))


def plain(text: str) -> str:
    """Return *text* without the tags and escapes of cue formats."""
    if "<" in text or "{" in text:
        text = _POSITION.sub("", _TAG.sub("", text))
    text = to_safe_text(html.unescape(text)) if "&" in text else text
    return " ".join(text.split())
