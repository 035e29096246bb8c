"""What a transcript is, and how turns become numbered segments of citable length."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

MAX_SEGMENT_CHARS = 1200
MAX_SPEAKER_CHARS = 200  # every segment repeats the name


def words_of(text: str) -> tuple[str, ...]:
    """Return the white-space separated words of *text*; long word lists stay readable so."""
    return tuple(text.split())


# Marks such as {vocalsound}, {gap} and {disfmarker}; one opening brace starts each attempt and
# the run is bounded, so the scan stays linear.
_BRACE_MARK = re.compile(r"\{[A-Za-z][A-Za-z _-]{0,30}\}")
_SENTENCE_END = re.compile(r"[.?!…][\"'”’)\]]*\s|[。！？]")
_ABBREVIATIONS = frozenset(
    words_of(
        "mr mrs ms dr prof hon st jr sr vs no inc co corp gen sen rep gov lt col etc e.g i.e u.s"
    )
)


@dataclass(frozen=True, slots=True)
class Segment:
    """One citable stretch of speech.

    *id* is `S0001`, `S0002`, … in order; *speaker* is None when unknown; *start_s* and
    *end_s* are seconds from the start, finite and not negative, or None; *text* is never
    empty, its white space folded to single spaces and its words verbatim.
    """

    id: str
    speaker: str | None
    start_s: float | None
    end_s: float | None
    text: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """A whole transcript.

    *name* is the file stem, *format* the format that read it, *sha256* the hex digest of the
    normalised content (the same for every encoding and line ending); *segments* is not empty.
    *removed_chars* counts the controls and invisible characters that were in the file and are
    in no segment.
    """

    name: str
    format: str
    sha256: str
    segments: tuple[Segment, ...]
    removed_chars: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a format reader hands over: raw text that may be empty or too long for a segment."""

    speaker: str | None
    text: str
    start_s: float | None = None
    end_s: float | None = None


def make_segments(turns: Iterable[Turn]) -> tuple[Segment, ...]:
    """Number the turns that say something, cutting the long ones at sentence ends."""
    return tuple(
        Segment(f"S{number:04d}", part.speaker, part.start_s, part.end_s, part.text)
        for number, part in enumerate(_parts(turns), start=1)
    )


def ends_sentence(text: str) -> bool:
    """Whether *text* stops where a sentence could stop."""
    return text.rstrip("\"'”’)]* ").endswith((".", "?", "!", "…", "。", "！", "？"))


def join_lines(lines: Iterable[str]) -> str:
    """Join hard-wrapped lines; a word broken after its hyphen is put together again."""
    joined: list[str] = []
    for line in lines:
        stripped = line.strip()
        if joined and stripped and not _broken_word(joined[-1], stripped):
            joined.append(" ")
        if stripped:
            joined.append(stripped)
    return "".join(joined)


def _broken_word(before: str, after: str) -> bool:
    hyphenated = len(before) > 1 and before[-1] == "-" and before[-2].isalnum()
    return (hyphenated or before.endswith("--")) and after[0].isalnum()


def _parts(turns: Iterable[Turn]) -> Iterator[Turn]:
    for turn in turns:
        pieces = _split(" ".join(_BRACE_MARK.sub(" ", turn.text).split()))
        speaker = " ".join((turn.speaker or "").split())[:MAX_SPEAKER_CHARS].strip() or None
        start, end = _times(turn)
        # Times inside a turn are unknown, so only its outer edges carry one.
        for index, piece in enumerate(pieces):
            first, last = index == 0, index == len(pieces) - 1
            yield Turn(speaker, piece, start if first else None, end if last else None)


def _times(turn: Turn) -> tuple[float | None, float | None]:
    start, end = _seconds(turn.start_s), _seconds(turn.end_s)
    if start is not None and end is not None and end < start:
        end = None
    return start, end


def _seconds(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) and value >= 0 else None


def _split(text: str) -> list[str]:
    pieces = []
    position = 0
    while len(text) - position > MAX_SEGMENT_CHARS:
        cut = _cut(text, position)
        pieces.append(text[position:cut].strip())
        position = cut
    pieces.append(text[position:].strip())
    return [piece for piece in pieces if _says_something(piece)]


def _cut(text: str, position: int) -> int:
    limit = position + MAX_SEGMENT_CHARS
    earliest = position + MAX_SEGMENT_CHARS // 3
    ends = [
        match.end()
        for match in _SENTENCE_END.finditer(text, earliest, limit)
        if not _is_abbreviation(text, match.start())
    ]
    if ends:
        return ends[-1]
    space = text.rfind(" ", earliest, limit)
    if space < 0:
        space = text.find(" ", limit)
    return space + 1 if space >= 0 else len(text)


def _is_abbreviation(text: str, stop: int) -> bool:
    word = text[max(0, stop - 12) : stop].rpartition(" ")[2].lower()
    return text[stop] == "." and (word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha()))


def _says_something(text: str) -> bool:
    return any(not c.isspace() and not unicodedata.category(c).startswith("P") for c in text)
