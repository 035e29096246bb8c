"""Text from outside made safe to store, to print and to name files with."""

from __future__ import annotations

import hashlib
import re
import sys
import unicodedata
from contextlib import suppress
from datetime import UTC, datetime

_SURROGATES = re.compile("[\ud800-\udfff]")
# Form feed and its kind separate words, so deleting them would glue two words together.
_SEPARATORS = re.compile("[\x0b\x0c\x1c-\x1f\x85]")
# C0 and C1 controls, and what shows nothing yet can hide text from a human reader or turn it
# round: zero-width and bidi marks, interlinear annotations, tag characters (of which the flags of
# England, Scotland and Wales are made, too; they become black flags).
_HIDDEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
# ZWNJ and ZWJ spell words in Arabic, Persian and the scripts of India and join emoji, so they
# stay after such a character; after Latin, Greek, Cyrillic or Hebrew letters, after spaces and
# after one another they do nothing but hide. Of several variation selectors only one shows.
_STRAY = re.compile(
    "[\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]"  # first, so that all else is skipped fast
    "(?:(?<=[\u200c\u200d])"
    "(?<![\u0600-\u1fff\u2100-\u2bff\u2e80-\ufefe\U00010000-\U000dffff\U000e0100-\U000e01ef].)"
    "|(?<=[\ufe00-\ufe0f\U000e0100-\U000e01ef]{2}))"
)
# hashlib lets other threads run while it digests more than this, and then has to wait for them,
# which for a page or two takes much longer than the digest.
_KEPT = 2047
_AT_ONCE = 1 << 18
_NOT_SLUG = re.compile(r"[^a-z0-9]+")


def without_hidden(text: str) -> tuple[str, int]:
    """Return *text* without what nobody sees, and how many characters were taken out.

    Line ends become `\\n`, other separators spaces, and lone surrogates U+FFFD, uncounted.
    """
    if text.isascii() and text.isprintable():  # as most strings are
        return text, 0
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _SEPARATORS.sub(" ", text.replace("\n\x0c", "\n"))
    shown = _HIDDEN.sub("", text)
    if not shown.isascii():
        shown = _STRAY.sub("", _SURROGATES.sub("\ufffd", shown))
    return shown, len(text) - len(shown)


def to_safe_text(text: str) -> str:
    """Replace what strict UTF-8 cannot hold and drop controls and invisible characters.

    Tabs and line feeds stay. A reply that holds an escaped surrogate survives JSON and litellm
    and would break the writer of the file.
    """
    return without_hidden(text)[0]


def to_terminal(text: str, limit: int = 500) -> str:
    """Make *text* one harmless terminal line of at most *limit* characters."""
    folded = " ".join(to_safe_text(text).split())
    return folded if len(folded) <= limit else folded[: limit - 2] + " …"


def say(line: str) -> None:
    """Print *line* on standard error; that nobody reads it any more is no fault."""
    with suppress(BrokenPipeError):
        print(line, file=sys.stderr)


def now_iso() -> str:
    """Return the time in UTC, ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def slug(name: str, limit: int = 48) -> str:
    """Return *name* as a file name part: `[a-z0-9-]`, 1 to *limit* characters."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _NOT_SLUG.sub("-", plain).strip("-")[:limit].strip("-") or "unnamed"


def digest(text: str, length: int = 64) -> str:
    """Return the first *length* hex digits of the SHA-256 of *text*."""
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > _AT_ONCE:
        return hashlib.sha256(data).hexdigest()[:length]
    made = hashlib.sha256()
    for at in range(0, len(data), _KEPT):
        made.update(data[at : at + _KEPT])
    return made.hexdigest()[:length]
