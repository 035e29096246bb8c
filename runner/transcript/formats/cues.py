"""WebVTT and SRT: timed cues, with speakers from voice tags, prefixes or dashes."""

import html
import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from runner.base.text import to_safe_text
from runner.transcript.decode import fault
from runner.transcript.labels import Candidate, speaker_names
from runner.transcript.model import MAX_SEGMENT_CHARS, Turn, ends_sentence
from runner.transcript.times import clock_seconds
from runner.transcript.turn_openings import Head, read_head

MERGE_GAP_S = 2.0

_CLOCK = r"\d{1,4}:\d{2}(?::\d{2})?[.,]\d{1,3}"
_TIMING = re.compile(rf"\s{{0,8}}({_CLOCK})\s{{0,8}}-->\s{{0,8}}({_CLOCK})(?=\s|$)")
# Only settings may follow: lines such as `[0:01 --> 0:04] Ann: …` are plain text.
_ANY_CUE = re.compile(
    rf"^[ \t]{{0,8}}{_CLOCK}[ \t]{{0,8}}-->[ \t]{{0,8}}{_CLOCK}"
    r"[ \t]{0,8}(?:(?:align|position|line|size|vertical|region|X1):[^\n]{0,200})?$",
    re.MULTILINE,
)
_VOICE = re.compile(r"<v(?:\.[^\s<>]{0,80})?\s+([^<>]{1,200})>")
_TAG = re.compile(r"</?(?:v|c|i|b|u|s|ruby|rt|lang|font)(?:[\s.][^<>]{0,200})?>|<\d[\d:.]{3,14}>")
_WORD_STAMP = re.compile(r"<\d\d:\d\d(?::\d\d)?\.\d{3}>")
_POSITION = re.compile(r"\{\\[a-z][^{}]{0,40}\}")
_DIALOGUE_DASH = re.compile(r"[-–—]\s?(?=\w)")
_SKIPPED_BLOCKS = ("NOTE", "STYLE", "REGION")


@dataclass(frozen=True, slots=True)
class _Cue:
    start_s: float
    end_s: float
    lines: list[str] = field(default_factory=list)


def has_cue_timing(text: str) -> bool:
    """Return whether a line of *text* is a cue timing such as `00:00:01,000 --> 00:00:02,000`."""
    return "-->" in text and _ANY_CUE.search(text) is not None


def parse_vtt(text: str, source: str) -> list[Turn]:
    """Return the turns of WebVTT *text*; raise TranscriptError without header or cues."""
    lines = text.split("\n")
    above = next((index for index, line in enumerate(lines) if line), 0)
    header = lines[above].split()
    if not header or header[0] != "WEBVTT":
        raise fault(source, "malformed WebVTT: line 1 is not 'WEBVTT'; no cues parsed")
    # The first block holds the header and its settings.
    body = lines.index("", above) if "" in lines[above:] else above + 1
    if any("-->" in line for line in lines[above + 1 : body]):
        body = above + 1
    return _turns(_cues(lines, body, source, vtt=True))


def parse_srt(text: str, source: str) -> list[Turn]:
    """Return the turns of SRT *text*; raise TranscriptError for bad timings or no cues."""
    return _turns(_cues(text.split("\n"), 0, source, vtt=False))


def merge_turns(turns: Iterable[Turn]) -> list[Turn]:
    """Join turns of one speaker where the first stops in mid-sentence.

    At most MERGE_GAP_S seconds lie between them, and a merged turn stays within one segment.
    """
    merged: list[Turn] = []
    for turn in turns:
        before = merged[-1] if merged else None
        if before is not None and _continues(before, turn):
            merged[-1] = replace(before, text=f"{before.text} {turn.text}", end_s=turn.end_s)
        else:
            merged.append(turn)
    return merged


def _continues(before: Turn, turn: Turn) -> bool:
    if before.speaker != turn.speaker or before.end_s is None or turn.start_s is None:
        return False
    if abs(turn.start_s - before.end_s) > MERGE_GAP_S or ends_sentence(before.text):
        return False
    return len(before.text) + len(turn.text) < MAX_SEGMENT_CHARS


def _cues(lines: Sequence[str], body: int, source: str, *, vtt: bool) -> list[_Cue]:
    cues: list[_Cue] = []
    skipping = open_cue = False
    for index, line in enumerate(lines[body:], start=body):
        if not line.strip():
            skipping = open_cue = False
        elif "-->" in line and not skipping and _is_timing(line):
            cues.append(_timed_cue(line, index + 1, bool(cues), source))
            open_cue = True
        elif vtt and not open_cue and line.startswith(_SKIPPED_BLOCKS):
            skipping = True
        elif cues and not skipping and not _is_identifier(lines, index, vtt and not open_cue):
            cues[-1].lines.append(line)
    if not cues:
        raise fault(source, "no cues parsed; expected hh:mm:ss.mmm --> hh:mm:ss.mmm lines")
    return cues


def _is_timing(line: str) -> bool:
    left = line.partition("-->")[0].strip()
    return bool(left) and all(char.isdigit() or char in ":.," for char in left)


def _timed_cue(line: str, number: int, any_before: bool, source: str) -> _Cue:
    match = _TIMING.match(line)
    start, end = map(clock_seconds, match.groups()) if match else (None, None)
    if start is None or end is None:
        none = "" if any_before else "no cues parsed: "
        what = f"{none}line {number}: '{line.strip()[:80]}' is not a cue timing"
        raise fault(source, f"{what} (expected hh:mm:ss.mmm --> hh:mm:ss.mmm)")
    return _Cue(start, end)


def _is_identifier(lines: Sequence[str], index: int, between: bool) -> bool:
    """Return whether the line names the cue below it: any line in WebVTT, a number in SRT."""
    below = lines[index + 1] if index + 1 < len(lines) else ""
    names_cue = "-->" in below and _is_timing(below)
    return names_cue and (between or lines[index].strip().isdigit())


def _turns(cues: Sequence[_Cue]) -> list[Turn]:
    voiced = [line for cue in cues for line in _voices(cue)]
    if any(_WORD_STAMP.search(line) for cue in cues for line in cue.lines):
        # Rolling captions repeat a line above the next one.
        voiced = [next(same) for _, same in itertools.groupby(voiced, lambda line: line.text)]
    return merge_turns(_speech(voiced))


@dataclass(frozen=True, slots=True)
class _Voiced:
    cue: _Cue
    speaker: str | None
    text: str


def _voices(cue: _Cue) -> list[_Voiced]:
    """Return the text of each voice in the lines of *cue*; a voice tag holds until the next."""
    voices: list[_Voiced] = []
    for line in cue.lines:
        speaker = voices[-1].speaker if voices else None
        parts = _VOICE.split(line)
        for index in range(0, len(parts), 2):
            speaker = _plain(parts[index - 1]) if index else speaker
            if words := _plain(parts[index]):
                voices.append(_Voiced(cue, speaker, words))
    return voices


def _plain(text: str) -> str:
    untagged = _POSITION.sub("", _TAG.sub("", text))
    return " ".join(to_safe_text(html.unescape(untagged)).split())


def _speech(voiced: Sequence[_Voiced]) -> list[Turn]:
    heads = [_head(line) for line in voiced]
    seen = [Candidate(head.label, head.role) for head in heads if head is not None and head.label]
    names = speaker_names(seen, len(heads), heads[0].label if heads and heads[0] else "")
    # Where prefixes mark a change of speaker, a cue without one continues the last speaker.
    prefixed = bool(names) or any(head and head.kind == "chevron" for head in heads)
    spoken: list[tuple[str | None, _Cue, list[str]]] = []
    speaker: str | None = None
    for line, head in zip(voiced, heads, strict=True):
        text, before, opens = line.text, speaker, False
        if head is not None and (head.kind == "chevron" or (head.label, head.role) in names):
            opens = True
            speaker = names.get((head.label, head.role))
            text = head.rest if speaker or not head.label else text.lstrip("> ")
        elif line.speaker is not None or not prefixed:
            speaker = line.speaker
        if spoken and spoken[-1][1] is line.cue and not opens and before == speaker:
            spoken[-1][2].append(text)
        else:
            spoken.append((speaker, line.cue, [text]))
    return [
        Turn(speaker, " ".join(texts).strip(), cue.start_s, cue.end_s)
        for speaker, cue, texts in spoken
    ]


def _head(line: _Voiced) -> Head | None:
    if line.speaker is not None:
        return None
    dash = _DIALOGUE_DASH.match(line.text)
    head = read_head(line.text[dash.end() :] if dash else line.text)
    return head if head is not None and head.kind in {"label", "chevron"} else None
