"""Files as they come: encodings, line endings, hidden characters and things that are no text."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from helpers.reading import parse_transcript, read_transcript

from runner.base.errors import TranscriptError
from runner.transcript.read import formats

TEXT = "Zoë: Hello there, café.\nBob: Yes, “quite”.\n\nZoë: Good.\n"


def save(directory: Path, content: bytes, name: str = "call.txt") -> Path:
    path = directory / name
    path.write_bytes(content)
    return path


def message(path: Path, **options: str) -> str:
    with pytest.raises(TranscriptError) as caught:
        read_transcript(path, **options)
    found = str(caught.value)

    assert "\n" not in found
    assert str(path) in found
    return found


SAME = {
    "utf-8": TEXT.encode(),
    "utf-8 with mark": b"\xef\xbb\xbf" + TEXT.encode(),
    "utf-16 little": b"\xff\xfe" + TEXT.encode("utf-16-le"),
    "utf-16 big": b"\xfe\xff" + TEXT.encode("utf-16-be"),
    "utf-16 little without mark": TEXT.encode("utf-16-le"),
    "utf-16 big without mark": TEXT.encode("utf-16-be"),
    "utf-32 little": b"\xff\xfe\0\0" + TEXT.encode("utf-32-le"),
    "utf-32 big": b"\0\0\xfe\xff" + TEXT.encode("utf-32-be"),
    "crlf": TEXT.replace("\n", "\r\n").encode(),
    "cr": TEXT.replace("\n", "\r").encode(),
    "no newline at the end": TEXT.rstrip().encode(),
    "spaces at line ends": TEXT.replace("\n", "  \n").encode(),
    "colours": TEXT.replace("Zoë:", "\x1b[1;31mZoë:\x1b[0m").encode(),
    "hidden characters": TEXT.replace("Hello", "He\u200bl\u202el\U000e0041o").encode(),
}


@pytest.mark.parametrize("content", SAME.values(), ids=SAME.keys())
def test_the_same_words_give_the_same_transcript(tmp_path: Path, content: bytes) -> None:
    expected = parse_transcript(TEXT, name="call")

    actual = read_transcript(save(tmp_path, content))

    assert expected == actual


@pytest.mark.parametrize(
    "content",
    [
        TEXT.replace("\n", "\\n").encode(),
        TEXT.replace("Z", "&#90;").replace("“", "&#x201c;").replace("é", "&#233;").encode(),
    ],
    ids=["line ends of a string", "entities"],
)
def test_characters_written_as_escapes_are_read(tmp_path: Path, content: bytes) -> None:
    expected = parse_transcript(TEXT, name="call").segments

    assert expected == read_transcript(save(tmp_path, content)).segments


def test_an_encoding_of_japanese_mail_is_read(tmp_path: Path) -> None:
    transcript = read_transcript(
        save(tmp_path, "田中：はい。\n佐藤：いや。\n".encode("iso2022_jp"))
    )

    assert [("田中", "はい。"), ("佐藤", "いや。")] == [
        (s.speaker, s.text) for s in transcript.segments
    ]


def test_other_words_give_another_hash() -> None:
    one, other = (parse_transcript(text, name="t").sha256 for text in ("A: b", "A: c"))

    assert one != other


def test_a_legacy_encoding_is_named_with_its_byte_and_read_when_told(tmp_path: Path) -> None:
    path = save(tmp_path, TEXT.encode("cp1252"))

    found = message(path)
    actual = read_transcript(path, encoding="cp1252")

    assert "offset 2 " in found
    assert "save it as UTF-8, or set transcript.encoding=cp1252" in found
    assert parse_transcript(TEXT, name="call") == actual


@pytest.mark.parametrize("encoding", ["no-such", "base64", "idna", "ascii", "utf-16"])
def test_an_encoding_that_does_not_fit_is_one_line(tmp_path: Path, encoding: str) -> None:
    found = message(save(tmp_path, b"Ann: caf\xc3\xa9 \xff."), encoding=encoding)

    assert encoding in found


def test_a_replacement_character_is_no_fault(tmp_path: Path) -> None:
    transcript = read_transcript(save(tmp_path, "Ann: 512\ufffd0918.".encode()))

    assert "512\ufffd0918." == transcript.segments[0].text


@pytest.mark.parametrize("char", ["\u2028", "\x0b", "\x0c", "\x1c", "\x1e", "\x85"])
def test_only_line_feeds_end_lines(char: str) -> None:
    transcript = parse_transcript(f"Ann: one{char}Bob: two\nBob: three", name="t")

    assert ["one Bob: two", "three"] == [segment.text for segment in transcript.segments]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "no utterances"),
        (b" \r\n\t\n", "no utterances"),
        (b"\xef\xbb\xbf", "no utterances"),
        (b"\xff\xfe", "no utterances"),
        (b"Ann: hi\0there", "not text (NUL at byte 7)"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "PNG image"),
        (b"PK\x03\x04\x14\0", "zip archive"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "JPEG"),
        (b"\xff\xfeA", "is not utf-16"),
        (b"\xff\xfb\x90\x64" + b"\0" * 60, "MP3 audio; transcribe it first, for example with"),
        (b"\xff\xfa\x52\x08\xa9\xe0 without a NUL", "MP3 audio"),
        (b"ID3\x04\0", "MP3 audio"),
        (b"\xff\xf1\x50\x80\x02", "AAC audio"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "WAV audio"),
        (b"OggS\0\x02", "Ogg audio"),
        (b"fLaC\0", "FLAC audio"),
        (b"#!AMR\n\x3c", "AMR audio"),
        (b"\0\0\0\x20ftypM4A \0", "MP4 or QuickTime"),
        (b"\0\0\x07\xf5moov\0", "MP4 or QuickTime"),
        (b"\0\0\0\x18ftypheic", "an image"),
        (b"\x1aE\xdf\xa3\x9f", "WebM or Matroska"),
        (b"PK\x03\x04\x14\0xl/workbook.xml", "Excel workbook; save the sheet as CSV"),
        (b"PK\x03\x04\x14\0ppt/presentation.xml", "PowerPoint"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "an old Office file"),
        (b"\x1f\x8b\x08\0", "gzip; decompress it first"),
        (b"SQLite format 3\0", "SQLite database"),
        (b"II*\0\x08", "TIFF image"),
    ],
)
def test_what_is_not_a_transcript_is_refused(tmp_path: Path, content: bytes, fault: str) -> None:
    found = message(save(tmp_path, content))

    assert fault in found


def test_a_missing_file_suggests_the_nearest_name(tmp_path: Path) -> None:
    save(tmp_path, b"Ann: hi", "meeting.txt")

    found = message(tmp_path / "meting.txt")

    assert "did you mean 'meeting.txt'?" in found


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    found = message(tmp_path / "nowhere" / "call.txt")

    assert "no directory" in found


def test_a_directory_is_refused(tmp_path: Path) -> None:
    found = message(tmp_path)

    assert "is a directory" in found


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path, b"Ann: hi")
    path.chmod(0)

    assert "permission denied" in message(path)


def test_a_file_over_fifty_megabytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.txt"
    with path.open("wb") as stream:
        stream.truncate(50 * 1024 * 1024 + 1)

    assert "at most 50 MB" in message(path)


def test_an_unknown_format_suggests_one(tmp_path: Path) -> None:
    found = message(save(tmp_path, b"Ann: hi"), format="vvt")

    assert "did you mean 'vtt'?" in found
    assert "auto" == formats()[0]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\nHi.", "vtt"),
        ("a.srt", "1\n00:00:01,000 --> 00:00:02,000\nHi.", "srt"),
        ("a.json", json.dumps([{"text": "Hi."}]), "json"),
        ("a.txt", "WEBVTT\n\n00:01.000 --> 00:02.000\nHi.", "vtt"),
        ("a.txt", "1\n00:00:01,000 --> 00:00:02,000\nHi.", "srt"),
        ("a.txt", '\n[ {"text": "Hi."}]', "json"),
        ("a.txt", "[00:01] Ann: Hi.", "text"),
        ("a.md", "{vocalsound} Hi.", "text"),
        ("a.txt", "    Mr. Watt. Hi.\n    Ms. Moore. Ho.\n    Mr. Watt. Bye.", "hearing"),
    ],
)
def test_suffix_or_content_choose_the_format(
    tmp_path: Path, name: str, content: str, expected: str
) -> None:
    transcript = read_transcript(save(tmp_path, content.encode(), name))

    assert ("a", expected) == (transcript.name, transcript.format)
