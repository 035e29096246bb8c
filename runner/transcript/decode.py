"""Decoding of a file's bytes to text; errors explain in one line why that fails."""

import codecs
import difflib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from runner.base.errors import TranscriptError, one_line
from runner.base.files import packaged

MAX_MB = 50
MAX_BYTES = MAX_MB * 1024**2

# UTF-32 comes first: its little-endian mark begins with UTF-16's.
_MARKS = {
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
    "utf-8-sig": (codecs.BOM_UTF8,),
}
_CONTAINERS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
_IMAGE_BRANDS = (b"heic", b"heix", b"mif1", b"avif")
_PROBE_BYTES = 4096
_MAX_CONTROLS = 0.1  # of the characters of a text
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f]")


@cache
def unsupported() -> Mapping[str, Mapping[str, str]]:
    """Return the tables of unsupported.toml, with the advice in what they say."""
    data = packaged(__package__, "unsupported.toml")
    told = data.pop("advice")
    return {
        kind: {key: what.format_map(told) for key, what in table.items()}
        for kind, table in data.items()
    }


def fault(source: str, what: str) -> TranscriptError:
    """Return a one-line error that names the file (*source*) and *what* is wrong."""
    return TranscriptError(one_line(f"{source}: {what}"))


def read_bytes(path: Path) -> bytes:
    """Return the content of *path*; raise TranscriptError if missing, unreadable or over 50 MB."""
    try:
        if path.is_dir():
            raise fault(str(path), "is a directory; expected a transcript file")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise fault(str(path), f"is {size / 1024**2:.0f} MB; at most {MAX_MB} MB are read")
        with path.open("rb") as stream:
            # The size of a pipe or a growing file is unknown, so the read has a limit too.
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise fault(str(path), f"no such file{nearest_file(path)}") from error
    except PermissionError as error:
        raise fault(str(path), "permission denied; the file cannot be read") from error
    except (OSError, ValueError) as error:
        raise fault(str(path), f"cannot be read ({error})") from error
    if len(data) > MAX_BYTES:
        raise fault(str(path), f"holds more than {MAX_MB} MB")
    return data


def decode(data: bytes, source: str, encoding: str | None) -> str:
    """Return *data* as text; without *encoding* a byte-order mark or NUL pattern decides."""
    if kind := _binary_kind(data, encoding):
        nul = data.find(b"\0")
        where = f"NUL at byte {nul}" if nul >= 0 else f"starts with {data[:4]!r}"
        raise fault(source, f"not text ({where}); this is {kind}")
    chosen = encoding or _detected(data)
    try:
        text = data.decode(chosen)
    except LookupError as error:
        raise fault(source, f"unknown transcript.encoding '{chosen}'; try cp1252") from error
    except UnicodeDecodeError as error:
        where = f"byte 0x{data[error.start]:02x} at offset {error.start} is not {chosen}"
        advice = f"transcript.encoding={encoding} does not fit this file"
        if encoding is None:
            others = "transcript.encoding=cp1252 (Western), cp1251, shift_jis or gb18030"
            advice = f"save it as UTF-8, or set {others}"
        raise fault(source, f"{where}; {advice}") from error
    except ValueError as error:  # codecs such as idna raise plain UnicodeError
        raise fault(source, f"is not {chosen} ({error})") from error
    head = text[:_PROBE_BYTES]
    controls = len(_CONTROL.findall(head))
    what = f"{controls} control characters" if controls > len(head) * _MAX_CONTROLS else ""
    if what or "\0" in text:
        what = what or f"NUL at byte {data.find(0)}"
        raise fault(source, f"not text ({what}); expected a transcript")
    return text


def document_kind(data: bytes) -> str | None:
    """Return `docx`, `odt`, `pdf` or `rtf` for such a document, else None."""
    if data.startswith(b"PK\x03\x04"):
        if b"word/document.xml" in data:
            return "docx"
        other = any(name.encode() in data for name in unsupported()["zip"] if name)
        return "odt" if b"content.xml" in data and not other else None
    if b"%PDF-" in data[:1024] and b"\0" not in data[: data.index(b"%PDF-")]:
        return "pdf"
    return "rtf" if data[:100].lstrip(b"\xef\xbb\xbf \r\n").startswith(b"{\\rtf") else None


def _binary_kind(data: bytes, encoding: str | None) -> str | None:
    """Return the kind of binary *data* and how to convert it; None for text."""
    if data.startswith(b"PK\x03\x04"):
        return next(w for name, w in unsupported()["zip"].items() if name.encode() in data)
    if data[4:8] in _CONTAINERS and b"\0" in data[:4]:
        image = data[8:12] in _IMAGE_BRANDS
        return "an image" if image else unsupported()["frame"]["mp4"]
    for key, what in unsupported()["bytes"].items():
        offset, _, begin = key.partition(" ")
        if data.startswith(begin.encode("latin-1"), int(offset)):
            return what
    # A frame of MP3 or AAC begins with eleven bits that no text in UTF-8 or UTF-16 begins with.
    if encoding is None and len(data) > 3 and data[0] == 0xFF:
        if data[1] & 0xE6 == 0xE2 and data[2] & 0xF0 not in (0, 0xF0) and data[2] & 0x0C != 0x0C:
            return unsupported()["frame"]["mp3"]
        if data[1] & 0xF6 == 0xF0:
            return unsupported()["frame"]["aac"]
    return None


def _detected(data: bytes) -> str:
    if marked := next((codec for codec, marks in _MARKS.items() if data.startswith(marks)), None):
        return marked
    probe = data[:_PROBE_BYTES]
    if b"\x1b$B" in probe or b"\x1b$@" in probe:
        return "iso2022_jp"
    half = len(probe) // 2
    even, odd = probe[0::2].count(0), probe[1::2].count(0)
    # Text with Latin letters, digits or even just spaces in UTF-16 has a NUL in the same half.
    if len(data) % 2 == 0 and half and max(even, odd) > half * 0.3 and min(even, odd) < half * 0.05:
        return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8"


def nearest_file(path: Path) -> str:
    """Return a clause that names the file or folder most like *path* beside it, "" without any."""
    try:
        names = {entry.name.casefold(): entry.name for entry in sorted(path.parent.iterdir())}
    except OSError:
        return f"; there is no directory {path.parent} either"
    close = difflib.get_close_matches(path.name.casefold(), names, n=1, cutoff=0.6)
    return f"; did you mean '{names[close[0]]}'?" if close else ""
