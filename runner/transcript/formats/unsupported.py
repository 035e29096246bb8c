"""Text formats that are not supported, and how to convert them."""

import re

from runner.transcript.decode import fault
from runner.transcript.formats.markup import xml_root

_HEAD_CHARS = 20_000
TO_TEXT = "convert it to JSON, CSV or text"
_TO_SRT = "convert it to SRT, for example with ffmpeg or Subtitle Edit"
_TO_GRID = "export it as a Praat TextGrid or as tab-delimited text"
_HEADER = r"(?:[A-Z][\w-]{1,40}: .{0,900}\n(?:[ \t]+\S.{0,900}\n){0,20}){0,60}"
_MAIL = "an e-mail; save the transcript from it"
_FORMATS = (
    (r"Scenarist_SCC V", f"Scenarist closed captions; {_TO_SRT}"),
    (r"-->> \d{1,9}\n", f"AQTitle subtitles; {_TO_SRT}"),
    (
        r"(?:#[^\n]*\n){0,9}\d+:\d\d:\d\d\.\d\d \d+:\d\d:\d\d\.\d\d ",
        f"JACOsub subtitles; {_TO_SRT}",
    ),
    (r"(?:@.*\n|\s){0,50}<begin subtitles>", f"captions of Avid; {_TO_SRT}"),
    (r"(?://.*\n|\s){0,50}\$\w+ ?= ?", f"Spruce STL subtitles; {_TO_SRT}"),
    (r"# VobSub index", f"VobSub subtitles, which are images; {_TO_SRT}"),
    (r"TITLE: .*\n(?:FCM: |\s*\d+\s+AX )", "an edit decision list, not a transcript"),
    (r"@(?:UTF8|Begin|Font|PID|Window)\b", f"a CHAT transcript of CLAN; {_TO_GRID}, or to text"),
    (
        r"\s*<\|(?:startoftranscript|\d+\.\d\d|[a-z]{2})\|>",
        "Whisper's tokens; save its JSON or SRT",
    ),
    (
        r"\s*\\(?:documentclass|begin\{|section\{|textbf\{|emph\{)",
        "LaTeX; convert it to text, with pandoc",
    ),
    (r"%!PS", "PostScript; convert it to PDF or text"),
    (r"BEGIN:V(?:CALENDAR|CARD)", "a calendar or address file, not a transcript"),
    (rf"From \S+@\S+ .*\n{_HEADER}", _MAIL),
    (rf"{_HEADER}(?:MIME-Version|Received|Return-Path|Message-ID|Delivered-To): ", _MAIL),
    (rf"{_HEADER}From: .*@.*\n{_HEADER}(?:To|Subject): ", _MAIL),
    (rf"{_HEADER}(?:To|Subject): .*\n{_HEADER}From: .*@", _MAIL),
    (
        r"(?:--.*\n|\s|/\*.*\*/;?\n){0,50}(?:INSERT INTO|CREATE TABLE|DROP TABLE)\b",
        f"SQL; {TO_TEXT}",
    ),
    (r"(?:#.*\n|\s){0,50}msgid \"", "a catalogue of translations, not a transcript"),
    (
        r"(?:#!.*\n)?(?:\s*(?:import|from) [\w., ]+\n){1,9}\s*(?:def \w+\(|class \w+[(:])",
        "a program",
    ),
    (r"\[\[[\w.]+\]\]\s*\n\s*[\w-]+ = ", f"TOML; {TO_TEXT}"),
    (r"(?:SPEAKER|LEXEME) \S+ \d+ [\d.]+ [\d.]+ ", f"RTTM, which says who speaks when; {TO_TEXT}"),
    (r"(?:\S+ \S+ \S+ \d+\.\d+ \d+\.\d+ (?:<[^<>\n]*> )?.*\n){2}", f"STM; {TO_TEXT}"),
    (r"(?:\S+ \S+ \d+\.\d+ \d+\.\d+ \S+(?: [\d.]+)?\n){2}", f"CTM; {TO_TEXT}"),
    (r"(?:diff --git |--- a/)", "a patch, not a transcript"),
    (r"#EXTM3U", "a playlist; read the WebVTT files that it names"),
)
_XML = {
    "ANNOTATION_DOCUMENT": f"annotations of ELAN; {_TO_GRID}",
    "basic-transcription": f"a transcription of EXMARaLDA; {_TO_GRID}",
    "FinalDraft": "a screenplay of Final Draft; export it as text or PDF",
    "package": "a Word document in XML; save it as docx",
    "wordDocument": "a Word document in XML; save it as docx",
    "document": "a flat OpenDocument or other document in XML; save it as odt or docx",
    "xmeml": "a sequence of Premiere or Final Cut; export its captions as SRT",
    "fcpxml": "a project of Final Cut; export its captions as SRT",
    "opml": f"an outline; {TO_TEXT}",
    "svg": "an image",
    "window": f"RealText subtitles; {_TO_SRT}",
}
_KNOWN = tuple((re.compile(pattern, re.IGNORECASE), what) for pattern, what in _FORMATS)
_TAG_LINE = re.compile(r"^\s{0,40}</?[A-Za-z][\w:.-]{0,60}(?:\s[^<>]{0,2000})?/?>", re.MULTILINE)
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,2000}>")
_MANY = 0.5


def refuse_other_formats(text: str, source: str) -> None:
    """Raise TranscriptError if *text* begins like a format that is not read."""
    start = text[:_HEAD_CHARS]
    for pattern, what in _KNOWN:
        if pattern.match(start):
            raise fault(source, f"this is {what}")
    if known := _XML.get(xml_root(text) or ""):
        raise fault(source, f"this is {known}")


def is_other_xml(text: str) -> bool:
    """Return whether *text* is XML, whatever its elements are called."""
    start = text[:_HEAD_CHARS]
    if xml_root(text) is None:
        return False
    declared = start.lstrip()[:9].lower().startswith(("<?xml", "<!doctype"))
    lines = sum(1 for line in start.split("\n") if line.strip())
    return declared or len(_TAG.findall(start)) >= lines


def refuse_markup(text: str, source: str) -> None:
    """Raise TranscriptError if *text* is tags more than words."""
    start = text[:_HEAD_CHARS]
    lines = [line for line in start.split("\n") if line.strip()]
    rows = [match[0].strip() for match in _TAG_LINE.finditer(start)]
    closed = any(
        row.startswith("</") or f"</{row[1:].split()[0].strip('/>')}" in start for row in rows
    )
    dense = len(_TAG.findall(start)) > max(2, len(_TAG.sub(" ", start).split()))
    if dense or (closed and len(rows) >= max(2, len(lines) * _MANY)):
        raise fault(source, f"this is markup ({start.strip()[:40]} …); {TO_TEXT}")
