"""Text formats that are not read: what they are and how they become a transcript."""

import re

from runner.transcript.decode import fault
from runner.transcript.formats.markup import xml_root

_HEAD_CHARS = 20_000
_TO_SRT = "convert it to SRT, for example with ffmpeg or Subtitle Edit"
_TO_TEXT = "convert it to JSON, CSV or text"
_FORMATS = (
    (r"\s*<sami\b", f"SAMI subtitles; {_TO_SRT}"),
    (r"Scenarist_SCC V", f"Scenarist closed captions; {_TO_SRT}"),
    (r"\s*File type = \"oo", f"a Praat TextGrid; {_TO_TEXT}"),
    (r"@(?:UTF8|Begin)\b", f"a CHAT transcript of CLAN; {_TO_TEXT}"),
    (r"\s*\\(?:documentclass|begin\{|section\{)", "LaTeX; convert it to text, with pandoc"),
    (r"%!PS", "PostScript; convert it to PDF or text"),
    (r"BEGIN:V(?:CALENDAR|CARD)", "a calendar or address file, no transcript"),
    (r"(?:[\w-]{1,40}: .{0,200}\n){0,40}MIME-Version: ", "an e-mail; save the transcript from it"),
    (r"(?:SPEAKER|LEXEME) \S+ \d+ [\d.]+ [\d.]+ ", f"RTTM, which says who speaks when; {_TO_TEXT}"),
    (r"(?:\S+ \S+ \S+ \d+\.\d+ \d+\.\d+ (?:<[^<>\n]*> )?.*\n){2}", f"STM; {_TO_TEXT}"),
    (r"(?:\S+ \S+ \d+\.\d+ \d+\.\d+ \S+(?: [\d.]+)?\n){2}", f"CTM; {_TO_TEXT}"),
    (
        r"(?-i:(?:---\s*\n)?- [a-z_]{1,30}: .*\n  [a-z_]{1,30}: )",
        "YAML; convert it to JSON, for example with yq",
    ),
    (r"%YAML", "YAML; convert it to JSON, for example with yq"),
    (r"(?:diff --git |--- a/)", "a patch, no transcript"),
    (r"#EXTM3U", "a playlist; read the WebVTT files that it names"),
)
_KNOWN = tuple((re.compile(pattern, re.IGNORECASE), what) for pattern, what in _FORMATS)
_TAG_LINE = re.compile(r"^\s{0,40}</?[A-Za-z][\w:.-]{0,60}(?:\s[^<>]{0,2000})?/?>", re.MULTILINE)
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,2000}>")
_MANY = 0.5


def refuse_other_formats(text: str, source: str) -> None:
    """Raise TranscriptError if *text* is markup or a format that is not read."""
    start = text[:_HEAD_CHARS]
    for pattern, what in _KNOWN:
        if pattern.match(start):
            raise fault(source, f"this is {what}")
    root = xml_root(text)
    lines = [line for line in start.split("\n") if line.strip()]
    tags = len(_TAG.findall(start))
    declared = start.lstrip()[:9].lower().startswith(("<?xml", "<!doctype"))
    if root is not None and (declared or tags >= len(lines)):
        name = f"XML with the root element '{root}'" if root else "XML"
        raise fault(source, f"this is {name}; expected TTML or YouTube's timed text; {_TO_TEXT}")
    rows = [match[0].strip() for match in _TAG_LINE.finditer(start)]
    closed = any(
        row.startswith("</") or f"</{row[1:].split()[0].strip('/>')}" in start for row in rows
    )
    dense = tags > max(2, len(_TAG.sub(" ", start).split()))
    if dense or (closed and len(rows) >= max(2, len(lines) * _MANY)):
        raise fault(source, f"this is markup ({start.strip()[:40]} …); {_TO_TEXT}")
