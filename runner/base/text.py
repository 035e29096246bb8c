"""Untrusted text made safe to store, to print and to use in file names."""

import hashlib
import re
import sys
import unicodedata
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from types import SimpleNamespace

import orjson

from runner.base.errors import one_line

DISTRIBUTION = "colloquy-runner"  # on PyPI, where `colloquy` is another project

_NO_XML = re.compile("[\ufffe\uffff]")  # of safe text, characters that XML 1.0 forbids
_SURROGATES = re.compile("[\ud800-\udfff]")
# Form feeds and the like separate words, so deleting them would join two words.
_SEPARATORS = re.compile("[\x0b\x0c\x1c-\x1f\x85]")
# C0 and C1 controls, and invisible characters that can hide or reorder text for a human reader:
# zero-width and bidi marks, soft hyphens, fillers, interlinear annotations, tag characters (which
# also spell the flags of England, Scotland and Wales; those become black flags).
_HIDDEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u2064\u2066-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
    "(?<!\u00ad(?=\n))"  # at the end of a line, a soft hyphen stands for a hyphen
)
# ZWNJ and ZWJ spell words in Arabic, Persian and the scripts of India and join emoji, so they
# stay after such a character. After Latin, Greek, Cyrillic or Hebrew letters, after spaces and
# after one another they are invisible. Only the first of several variation selectors counts.
_STRAY = re.compile(
    "[\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]"  # first, for speed
    "(?:(?<=[\u200c\u200d])"
    "(?<![\u0600-\u1fff\u2100-\u2bff\u2e80-\ufefe\U00010000-\U000dffff\U000e0100-\U000e01ef].)"
    "|(?<=[\ufe00-\ufe0f\U000e0100-\U000e01ef]{2}))"
)
# hashlib releases the GIL for more bytes than this and then waits to take it back, which for a
# page or two takes much longer than the digest.
_MAX_HELD_BYTES = 2047
_RELEASE_BYTES = 1 << 18  # from here on, releasing it is worth the wait


def without_hidden(text: str) -> tuple[str, int]:
    """Return *text* without invisible characters, and how many were removed.

    Line ends become `\\n`, other separators spaces, and lone surrogates U+FFFD, uncounted.
    """
    if text.isascii() and text.replace("\n", "").isprintable():  # most strings
        return text, 0
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _SEPARATORS.sub(" ", text.replace("\n\x0c", "\n"))
    shown = _HIDDEN.sub("", text)
    if not shown.isascii():
        shown = _STRAY.sub("", _SURROGATES.sub("\ufffd", shown))
    return shown, len(text) - len(shown)


def to_safe_text(text: str) -> str:
    """Return *text* without control (but tab, line feed) and invisible characters, valid UTF-8."""
    return without_hidden(text)[0]


def to_xml(text: str) -> str:
    """Return *text* without characters that XML 1.0 forbids."""
    return _NO_XML.sub("\ufffd", to_safe_text(text))


def to_terminal(text: str, limit: int = 500) -> str:
    """Return *text* as one safe terminal line of at most *limit* characters."""
    return one_line(to_safe_text(text), limit)


JSON_LINES = SimpleNamespace(wanted=False)  # of a command: output.console=json


def print_stderr(line: str) -> None:
    """Print *line* on standard error, as an event if JSON_LINES; ignore OSError."""
    if JSON_LINES.wanted and not line.startswith("{"):
        line = orjson.dumps({"event": "message", "text": line.strip()}).decode()
    with suppress(OSError):
        print(line, file=sys.stderr)


def now_iso() -> str:
    """Return the current UTC time in ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@cache
def own_version() -> str:
    """Return the installed version of Colloquy; reading it takes milliseconds."""
    return version(DISTRIBUTION)


def slug(name: str, limit: int = 48) -> str:
    """Return *name* for a file's name: 1 to *limit* lower-case letters, digits and hyphens.

    Latin letters lose their accents; those of other scripts stay.
    """
    name = unicodedata.normalize("NFKC", name).casefold()
    split = unicodedata.normalize("NFKD", name)
    is_latin = all(c.isascii() or not c.isalpha() for c in split)
    kept = split.encode("ascii", "ignore").decode() if is_latin else name
    plain = "".join(c if unicodedata.category(c)[0] in "LNM" else " " for c in kept)
    return "-".join(plain.split())[:limit].strip("-") or "unnamed"


def cut(text: str, limit: int) -> str:
    """Return *text* if it is one safe line of *limit* characters, else its start and its digest."""
    whole = to_terminal(text, limit) == text
    return text if whole else f"{to_terminal(text, limit - 11)} ({digest(text, 8)})"


def digest(text: str, length: int = 64) -> str:
    """Return the first *length* hex digits of the SHA-256 of *text*."""
    data = text.encode("utf-8", "surrogatepass")
    size = len(data) if len(data) > _RELEASE_BYTES else _MAX_HELD_BYTES
    sha256 = hashlib.sha256()
    for at in range(0, len(data), size):
        sha256.update(data[at : at + size])
    return sha256.hexdigest()[:length]


def by_number(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts `talk 2` before `talk 10`, in any case of letters."""
    pieces = re.split(r"(\d{1,18})", name.casefold())
    return [(int(each), "") if each.isdecimal() else (-1, each) for each in pieces]
