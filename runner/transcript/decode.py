"""Decoding of a file's bytes to text; errors say in one line why they are not text."""

import codecs
import difflib
from pathlib import Path

from runner.base.errors import TranscriptError, one_line

MAX_MB = 50
MAX_BYTES = MAX_MB * 1024**2

# UTF-32 comes first: its little-endian mark begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
_MAGIC = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF; export it as text"),
    (b"PK\x03\x04", "a zip archive (docx, xlsx, odt …); export it as text"),
    (b"\x1f\x8b", "gzip; decompress it first"),
    (b"\xd0\xcf\x11\xe0", "an old Office file; export it as text"),
    (b"ID3", "an audio file; transcribe it first"),
    (b"RIFF", "an audio or video file; transcribe it first"),
    (b"OggS", "an audio file; transcribe it first"),
    (b"fLaC", "an audio file; transcribe it first"),
)
_PROBE_BYTES = 4096


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
        raise fault(str(path), f"no such file{_nearest(path)}") from error
    except PermissionError as error:
        raise fault(str(path), "permission denied; the file cannot be read") from error
    except (OSError, ValueError) as error:
        raise fault(str(path), f"cannot be read ({error})") from error
    if len(data) > MAX_BYTES:
        raise fault(str(path), f"holds more than {MAX_MB} MB")
    return data


def decode(data: bytes, source: str, encoding: str | None) -> str:
    """Return *data* as text; without *encoding* a byte-order mark or NUL pattern decides."""
    _refuse_binary(data, source)
    chosen = encoding or _detected(data)
    try:
        text = data.decode(chosen)
    except LookupError as error:
        raise fault(source, f"unknown transcript.encoding '{chosen}'; try cp1252") from error
    except UnicodeDecodeError as error:
        raise fault(source, _bad_byte(error, encoding, chosen)) from error
    except ValueError as error:  # codecs such as idna raise plain UnicodeError
        raise fault(source, f"is not {chosen} ({error})") from error
    if "\0" in text:
        where = data.find(b"\0")
        raise fault(source, f"not text (NUL at byte {where}); expected a transcript")
    return text


def _refuse_binary(data: bytes, source: str) -> None:
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            nul = data.find(b"\0")
            where = f"NUL at byte {nul}" if nul >= 0 else f"starts with {magic[:4]!r}"
            raise fault(source, f"not text ({where}); this is {kind}")


def _detected(data: bytes) -> str:
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name
    probe = data[:_PROBE_BYTES]
    half = len(probe) // 2
    even, odd = probe[0::2].count(0), probe[1::2].count(0)
    # Text with Latin letters, digits or even just spaces in UTF-16 has a NUL in the same half.
    if len(data) % 2 == 0 and half and max(even, odd) > half * 0.3 and min(even, odd) < half * 0.05:
        return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8"


def _bad_byte(error: UnicodeDecodeError, encoding: str | None, chosen: str) -> str:
    where = f"byte 0x{error.object[error.start]:02x} at offset {error.start} is not {chosen}"
    if encoding is None:
        return f"{where}; if the file is older Windows text, set transcript.encoding=cp1252"
    return f"{where}; transcript.encoding={encoding} does not fit this file"


def _nearest(path: Path) -> str:
    try:
        names = sorted(entry.name for entry in path.parent.iterdir())
    except OSError:
        return f"; there is no directory {path.parent} either"
    close = difflib.get_close_matches(path.name, names, n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else ""
