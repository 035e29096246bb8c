"""Decoding of a file's bytes to text; errors explain in one line why that fails."""

import codecs
import difflib
import re
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
_TRANSCRIBE = "transcribe it first, for example with whisper.cpp or WhisperX, and read its JSON"
_UNPACK = "unpack it and read the transcript in it"
_ZIPS = (
    (b"xl/workbook", "an Excel workbook; save the sheet as CSV"),
    (b"ppt/presentation", "a PowerPoint presentation; save it as text"),
    (b"application/epub+zip", "an EPUB; convert it to HTML or text"),
    (b"oasis.opendocument.spreadsheet", "an OpenDocument spreadsheet; save the sheet as CSV"),
    (b"opendocument.presentation", "an OpenDocument presentation; save it as text"),
    (b"project.qde", "a REFI-QDA project; take the transcripts from its folder sources"),
    (b"Index/Document.iwa", "a Pages document; export it as Word or text"),
    (b"", f"a zip archive; {_UNPACK}"),
)
_CONTAINERS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
_IMAGE_BRANDS = (b"heic", b"heix", b"mif1", b"avif")
# (offset, bytes or several of them, what it is and how it becomes a transcript)
_MAGIC: tuple[tuple[int, bytes | tuple[bytes, ...], str], ...] = (
    (0, b"\x89PNG", "a PNG image"),
    (0, b"\xff\xd8\xff", "a JPEG image"),
    (0, b"GIF8", "a GIF image"),
    (0, (b"II*\0", b"MM\0*"), "a TIFF image"),
    (8, b"WEBP", "a WebP image"),
    (0, b"%PDF", "a PDF; use transcript.format=pdf"),
    (0, b"\xd0\xcf\x11\xe0", "an old Office file (doc, xls, ppt); save it as docx, CSV or text"),
    (0, b"ID3", f"MP3 audio; {_TRANSCRIBE}"),
    (8, b"WAVE", f"WAV audio; {_TRANSCRIBE}"),
    (8, b"AVI ", f"AVI video; {_TRANSCRIBE}"),
    (8, b"AIF", f"AIFF audio; {_TRANSCRIBE}"),
    (0, b"RIFF", f"an audio or video file; {_TRANSCRIBE}"),
    (0, b"OggS", f"Ogg audio or video; {_TRANSCRIBE}"),
    (0, b"fLaC", f"FLAC audio; {_TRANSCRIBE}"),
    (0, b"#!AMR", f"AMR audio; {_TRANSCRIBE}"),
    (0, b"caff", f"CAF audio; {_TRANSCRIBE}"),
    (0, b"ADIF", f"AAC audio; {_TRANSCRIBE}"),
    (0, b"\x1aE\xdf\xa3", f"WebM or Matroska video; {_TRANSCRIBE}"),
    (0, b"0&\xb2u\x8ef\xcf\x11", f"Windows Media audio or video; {_TRANSCRIBE}"),
    (0, b"FLV\x01", f"Flash video; {_TRANSCRIBE}"),
    (0, (b"\0\0\x01\xba", b"\0\0\x01\xb3"), f"MPEG video; {_TRANSCRIBE}"),
    (0, b"\x1f\x8b", "gzip; decompress it first, with gunzip"),
    (0, b"BZh9", "bzip2; decompress it first, with bunzip2"),
    (0, b"\xfd7zXZ\0", "xz; decompress it first, with unxz"),
    (0, b"(\xb5/\xfd", "Zstandard; decompress it first, with unzstd"),
    (0, b"7z\xbc\xaf\x27\x1c", f"a 7-Zip archive; {_UNPACK}"),
    (0, b"Rar!\x1a", f"a RAR archive; {_UNPACK}"),
    (257, b"ustar", f"a tar archive; {_UNPACK}"),
    (0, b"SQLite format 3\0", "an SQLite database; export the transcript as CSV or JSON"),
    (0, b"PAR1", "a Parquet file; convert it to CSV or JSON"),
    (3, (b"STL25.01", b"STL30.01"), "EBU STL subtitles; convert them to SRT"),
    (0, b"bplist00", "a binary property list, such as a web archive; save it as HTML or text"),
    (0, b"\x93NUMPY", "a NumPy array; convert it to CSV or JSON"),
    (0, (b"\x7fELF", b"MZ\x90"), "a program"),
)
_PROBE_BYTES = 4096
_MAX_CONTROLS = 0.1  # of the characters of a text
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f]")


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
        advice = "if the file is older Windows text, set transcript.encoding=cp1252"
        if encoding is not None:
            advice = f"transcript.encoding={encoding} does not fit this file"
        raise fault(source, f"{where}; {advice}") from error
    except ValueError as error:  # codecs such as idna raise plain UnicodeError
        raise fault(source, f"is not {chosen} ({error})") from error
    head = text[:_PROBE_BYTES]
    controls = len(_CONTROL.findall(head))
    if controls > len(head) * _MAX_CONTROLS:
        raise fault(source, f"not text ({controls} control characters); expected a transcript")
    if "\0" in text:
        nul = data.find(b"\0")
        raise fault(source, f"not text (NUL at byte {nul}); expected a transcript")
    return text


def document_kind(data: bytes) -> str | None:
    """Return `docx`, `odt`, `pdf` or `rtf` for such a document, else None."""
    if data.startswith(b"PK\x03\x04"):
        if b"word/document.xml" in data:
            return "docx"
        other = any(name in data for name, _ in _ZIPS[:-1])
        return "odt" if b"content.xml" in data and not other else None
    if b"%PDF-" in data[:1024] and b"\0" not in data[: data.index(b"%PDF-")]:
        return "pdf"
    return "rtf" if data[:100].lstrip(b"\xef\xbb\xbf \r\n").startswith(b"{\\rtf") else None


def _binary_kind(data: bytes, encoding: str | None) -> str | None:
    """Return the kind of binary *data* and how to convert it; None for text."""
    if data.startswith(b"PK\x03\x04"):
        return next(kind for name, kind in _ZIPS if name in data)
    if data[4:8] in _CONTAINERS and b"\0" in data[:4]:
        image = data[8:12] in _IMAGE_BRANDS
        return "an image" if image else f"MP4 or QuickTime audio or video; {_TRANSCRIBE}"
    for offset, magic, what in _MAGIC:
        if data.startswith(magic, offset):
            return what
    # A frame of MP3 or AAC begins with eleven bits that no text in UTF-8 or UTF-16 begins with.
    if encoding is None and len(data) > 3 and data[0] == 0xFF:
        if data[1] & 0xE6 == 0xE2 and data[2] & 0xF0 not in (0, 0xF0) and data[2] & 0x0C != 0x0C:
            return f"MP3 audio; {_TRANSCRIBE}"
        if data[1] & 0xF6 == 0xF0:
            return f"AAC audio; {_TRANSCRIBE}"
    return None


def _detected(data: bytes) -> str:
    if marked := next((codec for mark, codec in _MARKS if data.startswith(mark)), None):
        return marked
    probe = data[:_PROBE_BYTES]
    half = len(probe) // 2
    even, odd = probe[0::2].count(0), probe[1::2].count(0)
    # Text with Latin letters, digits or even just spaces in UTF-16 has a NUL in the same half.
    if len(data) % 2 == 0 and half and max(even, odd) > half * 0.3 and min(even, odd) < half * 0.05:
        return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8"


def nearest_file(path: Path) -> str:
    """Return a clause that names the file or folder most like *path* beside it, "" without any."""
    try:
        names = sorted(entry.name for entry in path.parent.iterdir())
    except OSError:
        return f"; there is no directory {path.parent} either"
    close = difflib.get_close_matches(path.name, names, n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else ""
