"""Formats with one cue on each line: ASS and SSA, LRC, MicroDVD, MPL2, TMPlayer."""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from runner.transcript.decode import fault
from runner.transcript.formats.cue import Cue, Line, cue_of, plain
from runner.transcript.formats.cues import turns_of
from runner.transcript.formats.subtitles import cue_seconds
from runner.transcript.model import Turn
from runner.transcript.reader_notes import Notes
from runner.transcript.times import clock_seconds

_ASS = re.compile(r"^\[(?:Script Info|Events|V4\+? Styles)\]\s*$", re.IGNORECASE | re.MULTILINE)
_ASS_FIELDS = "layer start end style name marginl marginr marginv effect text"
_ASS_ROW = re.compile(r"(Format|Dialogue|Comment)\s*:\s*(.*)", re.IGNORECASE)
_DRAWING = re.compile(r"\{[^{}]*\\p[1-9][^{}]*\}[^{}]*")
_BRACES = re.compile(r"\{([^{}]*)\}")
_TITLE = re.compile(r"^Title:[ \t]*(\S.*)$", re.IGNORECASE | re.MULTILINE)
_ABOUT = re.compile(r"\[(ar|ti|al|au|by|re|ve|length|offset|la|id|#):(.*)\]\s*$", re.IGNORECASE)
_LRC = re.compile(r"((?:\[\d{1,3}:\d{1,2}(?:[.:,]\d{1,3})?\]\s{0,4}){1,20})(.*)")
_LRC_STAMP = re.compile(r"\[(\d{1,3}):(\d{1,2})(?:[.:,](\d{1,3}))?\]")
_LRC_WORD = re.compile(r"<\d{1,3}:\d{1,2}(?:[.:]\d{1,3})?>\s?")
_STYLE = re.compile(r"\{[A-Za-z]:[^{}]*\}|(?:^|(?<=\n))/")


def _lines(text: str) -> Iterator[str]:
    return filter(None, map(str.strip, text.split("\n")))


def is_ass(text: str) -> bool:
    """Return whether *text* is an ASS or SSA script."""
    return "Dialogue:" in text and _ASS.search(text[:100_000]) is not None


def parse_ass(text: str, source: str, notes: Notes) -> list[Turn]:
    """Return the turns of an ASS or SSA script; raise TranscriptError without dialogue."""
    fields, in_events = _ASS_FIELDS.split(), False
    cues: list[Cue] = []
    if title := _TITLE.search(text):
        notes.about["title"] = title[1].strip()
    for line in _lines(text):
        row = _ASS_ROW.match(line)
        kind, values = (row[1].lower(), row[2]) if row else ("", line)
        if kind == "format":
            named = [name.strip().lower() for name in values.split(",")]
            in_events = "text" in named
            fields = named if in_events else fields
        elif kind == "dialogue" and (cells := _cells(fields, values)):
            cues.append(_ass_cue(cells, notes))
        elif kind == "comment":
            notes.leave_out("comments", _cells(fields, values).get("text", values))
        elif kind or (in_events and not line.startswith(("[", ";"))):
            notes.leave_out("other lines", values)
    if not cues:
        raise fault(source, "ASS without dialogue; expected 'Format:' and 'Dialogue:' lines")
    return turns_of(sorted(cues, key=lambda cue: cue.start_s or 0.0), notes)


def _cells(fields: list[str], values: str) -> Mapping[str, str]:
    at = fields.index("text") if "text" in fields else 0
    before, after = values.split(",", at), len(fields) - at - 1  # words may hold commas
    named = dict(zip(fields, [*before[:at], *before[-1].rsplit(",", after)], strict=False))
    return named if named.get("text") else {}


def _ass_cue(cells: Mapping[str, str], notes: Notes) -> Cue:
    text = cells["text"]
    for match in _DRAWING.finditer(text):
        notes.leave_out("drawings", match[0])
    text = _DRAWING.sub("", text)
    for match in _BRACES.finditer(text):
        if match[1] and not match[1].startswith("\\"):
            notes.leave_out("comments", match[1])
    text = _BRACES.sub("", text).replace("\\h", " ").replace("\\n", "\\N")
    name = cells.get("name") or cells.get("actor") or ""
    words = (" ".join(line.split()) for line in text.split("\\N"))
    start, end = (cue_seconds(cells.get(side, "")) for side in ("start", "end"))
    return cue_of(start, end, words, " ".join(name.split()) or None)


def is_lrc(text: str) -> bool:
    """Return whether *text* is LRC: lines with stamps below tags such as `[ti:…]`."""
    above = list(itertools.islice(_lines(text), 30))
    tags = [line for line in above if _ABOUT.match(line)]
    stamps = [line for line in above if _LRC.match(line)]
    return bool(tags and stamps) and len(tags) + len(stamps) == len(above)


def parse_lrc(text: str, source: str, notes: Notes) -> list[Turn]:
    """Return the turns of LRC *text*; raise TranscriptError if no line has a stamp."""
    cues: list[Cue] = []
    for line in _lines(text):
        match, about = _LRC.match(line), _ABOUT.match(line)
        if match is not None:
            words = plain(_LRC_WORD.sub("", match[2]))
            for minutes, seconds, decimals in _LRC_STAMP.findall(match[1]):
                start = int(minutes) * 60 + int(seconds) + float(f"0.{decimals or 0}")
                cues.append(cue_of(start, None, [words]))
        elif about is not None and about[1].lower() == "ti" and about[2].strip():
            notes.about["title"] = about[2].strip()
        elif about is not None:
            notes.leave_out("tags", line)
        elif cues and not line.startswith("["):
            cues[-1] = replace(cues[-1], lines=(*cues[-1].lines, Line(None, plain(line))))
        else:
            notes.leave_out("lines without a time", line)
    if not cues:
        raise fault(source, "LRC without lines; expected [mm:ss.xx] before the words")
    cues.sort(key=lambda cue: cue.start_s or 0.0)
    ends = [*(cue.start_s for cue in cues[1:]), None]
    return turns_of([replace(c, end_s=end) for c, end in zip(cues, ends, strict=True)], notes)


# Formats with a cue per line: start, optional end, words. Times are frames, tenths or clocks.
_FRAMES = re.compile(r"\{(\d{1,9})\}\{(\d{0,9})\}(.*)")
_TENTHS = re.compile(r"\[(\d{1,9})\]\[(\d{0,9})\]\s?(.*)")
_CLOCKS = re.compile(r"(\d{1,2}:\d{2}:\d{2})()[:=](?!\d)(.*)")


def one_line_format(text: str) -> re.Pattern[str] | None:
    """Return the pattern that all of the first lines of *text* match, or None."""
    above = list(itertools.islice(_lines(text), 20))
    forms = (_FRAMES, _TENTHS, _CLOCKS) if len(above) > 1 else ()
    return next((form for form in forms if all(map(form.match, above))), None)


def parse_lines(text: str, source: str, notes: Notes) -> list[Turn]:
    """Return the turns of MicroDVD, MPL2 or TMPlayer *text*; raise TranscriptError for others."""
    form = one_line_format(text)
    if form is None:
        raise fault(source, "expected lines such as {0}{25}words, [0][25]words or 00:00:01:words")
    cues: list[Cue] = []
    rate = 10.0 if form is _TENTHS else 0.0
    for line in _lines(text):
        match = form.match(line)
        if match is None:
            notes.leave_out("lines without a time", line)
        elif form is _FRAMES and match[1] == match[2] and re.fullmatch(r"[\d.]{1,8}", match[3]):
            rate = float(match[3]) if match[3].count(".") < 2 else 0.0
        else:
            words = [plain(_STYLE.sub("", part)) for part in match[3].split("|")]
            if form is _CLOCKS:
                start, end = clock_seconds(match[1]), None
            else:
                start, end = (int(n) / rate if n and rate else None for n in match.group(1, 2))
            cues.append(cue_of(start, end, words))
    if form is _FRAMES and not rate:
        notes.warn(
            "MicroDVD times are frame numbers and this file has no frame rate: times are unknown"
        )
    return turns_of(cues, notes)
