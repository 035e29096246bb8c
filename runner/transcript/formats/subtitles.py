"""SRT, WebVTT and SBV: blocks of an identifier, a line of times, and lines of text."""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runner.transcript.decode import fault
from runner.transcript.formats.cue import Cue, Line, plain
from runner.transcript.formats.cues import turns_of
from runner.transcript.layouts.labels import Likeness, likeness
from runner.transcript.model import Turn
from runner.transcript.reader_notes import Notes
from runner.transcript.times import seconds_of

_CLOCK = r"-?\d{1,6}[:;][\d:.,;]{1,20}"
_USUAL = re.compile(r"\d\d:[0-5]\d:[0-5]\d[.,]\d{1,3}$")
_SETTINGS = (
    r"(?:(?:align|position|line|size|vertical|region|[XY][12]|[ADLST]):\S{0,80}\s{0,8}){0,12}"
)
_TIMING = re.compile(
    rf"\s{{0,8}}(?:\d{{1,6}}\s{{1,4}})?({_CLOCK})\s{{0,8}}(?:-{{1,3}}\s?>|→|⟶|,(?=\d))\s{{0,8}}([\d:.,;-]{{1,30}}|$)"
    rf"\s{{0,8}}{_SETTINGS}(.*)$"
)
_GAP = r"[ \t]{0,8}"
_LINE_OF_TIMES = re.compile(
    rf"^{_GAP}(?:\d{{1,6}}[ \t]{{1,4}})?{_CLOCK}{_GAP}"
    rf"(?:(?:-{{1,3}} ?>|[→⟶]){_GAP}(?:{_CLOCK})?|,{_CLOCK}){_GAP}"
    r"(?:(?:align|position|line|size|vertical|region|X1):[^\n]{0,200})?$",
    re.MULTILINE,
)
_NUMBERED = re.compile(r"^\d{1,6} \d\d:\d\d:\d\d[.,]\d{3} --> \d\d:\d\d:\d\d[.,]\d{3} ", re.M)
_WIDE_TIMES = re.compile(r"^[\d :.,]{8,30}-{1,2}>[\d :.,]{8,30}$", re.MULTILINE)
_VOICE = re.compile(r"<[vV](?:\.[^\s<>]{0,80})?[\s=]+([^<>]{1,200})>|(</[vV]>)")
_WORD_STAMP = re.compile(r"<\d\d:\d\d(?::\d\d)?\.\d{3}>")
_COMMENT = re.compile(r"(NOTE|STYLE|REGION|WEBVTT|X-TIMESTAMP-MAP)(?:[\s=]|$)")
_CUE_NUMBER = re.compile(r"(?:#|\[|\(|cue |caption |subtitle )?(\d{1,8})[.)\]:]?$", re.I)
_QUOTED_NAME = re.compile(r'\d{0,8}\s{0,4}"(.{0,200})"\s{0,4}(?:\(\d{0,20}\))?$')
_NUMBER_BEFORE = re.compile(r"\d{1,8}[\s.:)-]{1,4}")
_NUMBER_BEHIND = re.compile(r"[\s.:#_-]{1,4}(\d{1,8})$")
_EXPECTED = "expected hh:mm:ss.mmm --> hh:mm:ss.mmm"


@dataclass(slots=True)
class _CueBlock:
    """A cue: its *times* as written, their line *number*, its *name*, and its lines of text."""

    times: tuple[str, str]
    number: int
    name: str
    lines: list[str]

    def __str__(self) -> str:
        return " --> ".join(self.times)[:80]


def has_cue_times(text: str) -> bool:
    """Return whether a line of *text* has the times of a cue alone, or behind its number."""
    return _NUMBERED.search(text) is not None or _LINE_OF_TIMES.search(_tight(text)) is not None


def _tight(text: str) -> str:
    """Return *text* without the spaces in times such as `00 : 00 : 01,000`."""
    return _WIDE_TIMES.sub(lambda line: line[0].replace(" : ", ":"), text)


def parse_vtt(text: str, source: str, notes: Notes) -> list[Turn]:
    """Return the turns of WebVTT *text*; raise TranscriptError without header or cues."""
    lines = text.lstrip().split("\n")
    if lines[0].split()[:1] != ["WEBVTT"]:
        raise fault(source, "malformed WebVTT: line 1 is not 'WEBVTT'; no cues parsed")
    return _turns(lines, source, notes, text.count("\n") + 1 - len(lines), vtt=True)


def parse_srt(text: str, source: str, notes: Notes) -> list[Turn]:
    """Return the turns of SRT or SBV *text*; raise TranscriptError if no cue has times."""
    lines = _tight(text).replace("[br]", "\n").split("\n")  # as SubViewer writes line ends
    return _turns(lines, source, notes, 0, vtt=False)


def _turns(lines: list[str], source: str, notes: Notes, above: int, *, vtt: bool) -> list[Turn]:
    if vtt:
        _blank_comments(lines, notes)
    blocks = list(_blocks(lines, notes, above, vtt=vtt))
    four = [time.strip() for block in blocks for time in block.times if time.count(":") > 2]
    frames = bool(four) and all(re.search(r":[0-2]?\d$", time) for time in four)
    spans = [(cue_seconds(b.times[0], frames), cue_seconds(b.times[1], frames)) for b in blocks]
    odd = [b for b, span in zip(blocks, spans, strict=True) if None in span and b.times[1]]
    if len(odd) == len(blocks):
        where = f": line {blocks[0].number}: '{blocks[0]}' is not a cue timing" if blocks else ""
        raise fault(source, f"no cues parsed{where}; {_EXPECTED} lines")
    for block in odd:
        notes.warn(f"line {block.number}: '{block}' is not a cue timing ({_EXPECTED})")
    named = _named(blocks)
    for name in dict.fromkeys(block.name for block in blocks if block.name not in named):
        if name and not name.isdigit():
            notes.leave_out("cue identifiers", name)
    stamped = any(_WORD_STAMP.search(line) for block in blocks for line in block.lines)
    cues = [
        Cue(start, end, tuple(_voices(block.lines, named.get(block.name))))
        for block, (start, end) in zip(blocks, spans, strict=True)
    ]
    return turns_of(cues, notes, stamped=stamped)


def _blocks(lines: Sequence[str], notes: Notes, above: int, *, vtt: bool) -> Iterator[_CueBlock]:
    """Yield the cues; their text continues to the next line of times, over blank lines."""
    times = {at: found for at in range(len(lines)) if (found := _times(lines, at))}
    stops = list(times)
    header = list(lines[: stops[0]]) if stops else []
    gap = bool(header) and not header[-1].strip()
    name = last = _take_name(header, None, gap=gap, vtt=vtt)
    indexed = name.isdigit()
    left = "\n".join(filter(str.strip, header)).removeprefix("WEBVTT").strip(" \n-")
    if left:
        notes.leave_out("lines above the first cue", left)
    parted = len(stops) == 1  # a blank line parts the text of a cue
    for start, stop in itertools.pairwise((*stops, len(lines))):
        body = list(lines[start + 1 : stop])
        below = ""
        if stop < len(lines):
            below = _take_name(body, last if indexed else None, gap=gap, vtt=vtt, first=False)
        blank = next((at for at, line in enumerate(body) if at and not line.strip()), len(body))
        if stop == len(lines) and not parted:
            if left := "\n".join(filter(str.strip, body[blank:])):
                notes.leave_out("lines below the last cue", left)
            del body[blank:]
        parted = parted or any(map(str.strip, body[blank:])) or not "".join(body[:1]).strip()
        first, second, behind = times[start]
        texts = [behind, *body] if behind else body
        yield _CueBlock((first, second), start + 1 + above, name, [t for t in texts if t.strip()])
        name, last = below, below or last


def _times(lines: Sequence[str], at: int) -> tuple[str, str, str] | None:
    """Return the times in a line and the text after them; only at the start of a block."""
    line = lines[at]
    if ":" not in line[:24] or not line.lstrip(" \t-")[:1].isdigit():
        return None
    match = _TIMING.match(line)
    if match is None or not (match[2] or ">" in line):
        return None
    above = lines[at - 1].strip() if at else ""
    begins = not above or above.isdigit() or (_USUAL.match(match[1]) and _USUAL.match(match[2]))
    return (match[1], match[2], match[3].lstrip("| ")) if begins or not match[3] else None


def _blank_comments(lines: list[str], notes: Notes) -> None:
    kind, above = "", ""
    for at, line in enumerate(lines):
        if not line.strip():
            kind = ""
        elif at and not above.strip() and (match := _COMMENT.match(line)):
            kind = "comments" if match[1] == "NOTE" else "display settings"
        if kind:
            notes.leave_out(kind, line)
            lines[at] = ""
        above = line


def _take_name(
    body: list[str], last: str | None, *, gap: bool, vtt: bool, first: bool = True
) -> str:
    """Remove the identifier of the next cue from the end of *body*; return it, or "".

    *last* is the one before it in a numbered file; *gap*: a blank line follows the first number;
    *first*: *body* is above the first cue.
    """
    at = next((i for i in range(len(body) - 1, -1, -1) if body[i].strip()), -1)
    line = body[at].strip() if at >= 0 else ""
    apart = at < len(body) - 1
    alone = at > 0 and not body[at - 1].strip()
    found = not apart and (alone or (first and not vtt and at == 0))
    if (number := _CUE_NUMBER.match(line)) and not found:
        line = number[1]
        likely = last is not None and apart == gap and not (at == 0 and apart)
        found = first or likely or _follows(last or "", line)
    if not found:
        return ""
    del body[at:]
    return line


def _follows(before: str, line: str) -> bool:
    return before.isdecimal() and len(before) < 10 and int(line) == int(before) + 1


def _named(blocks: Sequence[_CueBlock]) -> dict[str, str | None]:
    """Return the speakers named by identifiers: in quotes, or by a name that recurs."""
    quoted = {block.name: match[1] for block in blocks if (match := _QUOTED_NAME.match(block.name))}
    if quoted:
        return {name: " ".join(plain(speaker).split()) or None for name, speaker in quoted.items()}
    bare = {
        b.name: _NUMBER_BEFORE.sub("", b.name).rstrip(":") for b in blocks if not b.name.isdigit()
    }
    ends = [_NUMBER_BEHIND.search(block.name) for block in blocks]
    numbers = [int(end[1]) for end in ends if end]
    if len(numbers) == len(blocks) and numbers == [*range(numbers[0], numbers[0] + len(blocks))]:
        counted = {name: _NUMBER_BEHIND.sub("", speaker) for name, speaker in bare.items()}
        bare = counted if len(set(counted.values())) > 1 else bare
    uses = [bare.get(block.name, "") for block in blocks]
    if not all(uses) or len(set(uses)) > len(uses) * 0.75:
        return {}
    return {name: speaker for name, speaker in bare.items() if likeness(speaker) == Likeness.NAME}


def _voices(lines: Sequence[str], speaker: str | None) -> Iterator[Line]:
    """Yield the lines by voice; a voice tag applies until the next one or its end."""
    voice = speaker
    for line in lines:
        parts = [None, None, *_VOICE.split(line)]
        for name, end, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
            if name:
                voice = plain(name).strip('"') or None
            elif end:
                voice = speaker
            words = plain(text or "")
            words = words.removeprefix(f"{voice}: ") if voice else words
            if words and words not in "-–—":  # before a voice
                yield Line(voice, words)


def cue_seconds(text: str, frames: bool = False) -> float | None:
    """Return the seconds of `mm:ss`, `hh:mm:ss` or `dd:hh:mm:ss` with any fraction, or None.

    The last of four numbers may count *frames*.
    """
    whole, _, fraction = text.strip(" ,.;").replace(",", ".").replace(";", ":").partition(".")
    parts = whole.split(":")
    parts = parts[:3] if frames and len(parts) == 4 else parts
    if not all(map(str.isdecimal, (*parts, fraction or "0"))):
        return None
    return seconds_of(parts, fraction)
