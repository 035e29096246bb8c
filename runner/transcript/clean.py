"""Characters that are not words: line endings, controls and invisible marks."""

from __future__ import annotations

import hashlib
import re

# Control and format characters that show nothing yet can hide text from a human reader
# (tag characters, bidi overrides) or break a prompt. ZWJ and ZWNJ spell words, so they stay.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u2064\u2066-\u2069\ufeff\U000e0000-\U000e007f]"
)
# Form feed and its kind separate words, so deleting them would glue two words together.
_SEPARATORS = re.compile("[\x0b\x0c\x1c-\x1f]")
_SURROGATES = re.compile("[\ud800-\udfff]")


def clean_text(text: str) -> str:
    """Return *text* with `\\n` line ends and without invisible or control characters."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = text.replace("\n\x0c", "\n")
    text = _SEPARATORS.sub(" ", text)
    text = _SURROGATES.sub("\ufffd", text)
    return _INVISIBLE.sub("", text)


def content_sha256(text: str) -> str:
    """Return the hex digest of cleaned *text*, blind to white space at line ends and edges."""
    lines = (line.rstrip() for line in text.split("\n"))
    return hashlib.sha256("\n".join(lines).strip().encode()).hexdigest()
