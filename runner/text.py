"""Text from outside made safe to store, to print and to name files with."""

from __future__ import annotations

import hashlib
import re
import sys
import unicodedata
from contextlib import suppress

_SURROGATES = re.compile("[\ud800-\udfff]")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_INVISIBLE = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")
_NOT_SLUG = re.compile(r"[^a-z0-9]+")


def to_safe_text(text: str) -> str:
    """Replace what strict UTF-8 cannot hold (lone surrogates) and drop control characters.

    Tabs and line feeds stay. A reply that holds an escaped surrogate survives JSON and litellm
    and would break the writer of the file.
    """
    return _CONTROLS.sub("", _SURROGATES.sub("\ufffd", text.replace("\r\n", "\n")))


def to_terminal(text: str, limit: int = 500) -> str:
    """Make *text* one harmless terminal line of at most *limit* characters."""
    folded = " ".join(_INVISIBLE.sub("", to_safe_text(text)).split())
    return folded if len(folded) <= limit else folded[: limit - 2] + " …"


def say(line: str) -> None:
    """Print *line* on standard error; that nobody reads it any more is no fault."""
    with suppress(BrokenPipeError):
        print(line, file=sys.stderr)


def slug(name: str, limit: int = 48) -> str:
    """Return *name* as a file name part: `[a-z0-9-]`, 1 to *limit* characters."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _NOT_SLUG.sub("-", plain).strip("-")[:limit].strip("-") or "unnamed"


def digest(text: str, length: int = 64) -> str:
    """Return the first *length* hex digits of the SHA-256 of *text*."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]
