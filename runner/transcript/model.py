"""Transcript model: turns, and the numbered segments of limited length cut from them."""

import html
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache

from pydantic import TypeAdapter

from runner.base.format import clock
from runner.base.secrets import Secrets
from runner.base.text import to_safe_text
from runner.transcript.reading_report import ReadingReport

PASSAGES = "passages"  # the format of a transcript that is chosen from others
MAX_SEGMENT_CHARS = 1200
MAX_SPEAKER_CHARS = 200  # since every segment repeats the name
_HAS_KEY = "it contains the value of a key of this environment, which is masked as ***"


def words_of(text: str) -> frozenset[str]:
    """Return the words of *text*, for readable sets of words in code."""
    return frozenset(text.split())


# Marks such as {vocalsound}, {gap} and {disfmarker}; bounded, so that the scan stays linear.
_BRACE_MARK = re.compile(r"\{[A-Za-z][A-Za-z _-]{0,30}\}")
_ENTITY = re.compile(
    r"&(?:#\d{2,6}|#x[\da-fA-F]{2,5}|amp|quot|apos|lt|gt|nbsp|[lr][sd]quo|[mn]dash|hellip"
    r"|[A-Za-z]{1,2}(?:acute|grave|circ|uml|tilde|cedil|ring|caron|slash|lig));"
)
_ASIDE = re.compile(r"(?:\([^()]*\)|\[[^][]*\]|（[^（）]*）|【[^【】]*】)[.。]?$")
_BROKEN = re.compile(r"(?<![\w-])([^\W\d_]{2,30})-\n[ \t]{0,20}([^\W\d_]{2,30})")
_UNSPACED = re.compile("[\u3000-\u30ff\u3400-\u9fff\uff01-\uff60]")
_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_ENDING = re.compile(
    r"(?=.{4})(?:[bcdfglmnprstv]?(?:ings?|ers?|ed|ly|it(?:y|ies)|[ae]nces?|[ai]ble|als?|ally|ous|ness)"
    r"|[clmnrst]?a?tion(?:s|al)?|[clmnt]?at(?:ed|es?|ing|ive|ors?)|s?sions?|ment(?:s|al)?|ic(?:al|ally)"
    r"|isms?|ists?|ful|less|tures?|tive(?:s|ly)?)$"
)
_SENTENCE_END = re.compile(r"[.?!…][\"'”’)\]]*\s|[。！？]")
_ABBREVIATIONS = words_of(
    "mr mrs ms dr prof hon st jr sr vs no inc co corp gen sen rep gov lt col etc e.g i.e u.s"
)


@dataclass(frozen=True, slots=True)
class Segment:
    """One citable stretch of speech.

    *id* is `S0001`, `S0002`, … in order; *speaker* is None when unknown; *start_s* and
    *end_s* are seconds from the start, finite and not negative, or None; *text* is never
    empty, its white space folded to single spaces and its words verbatim. *where* tells where
    its turn begins in a printed document, such as `page 3, line 14`, or is empty.
    """

    id: str
    speaker: str | None
    start_s: float | None
    end_s: float | None
    text: str
    where: str = ""

    @property
    def place(self) -> str:
        """Its start as a clock time, and its place; empty if neither is known."""
        start = clock(self.start_s) if self.start_s is not None else ""
        return ", ".join(filter(None, (start, self.where)))


UNKNOWN = Segment("", None, None, None, "")  # in place of one that does not exist


@dataclass(frozen=True, slots=True)
class Transcript:
    """A transcript.

    *name* is the file stem, *format* the format that read it, *sha256* the hex digest of the
    normalised content (the same for every encoding and line ending); *segments* is not empty.
    *removed_chars* counts the control and invisible characters of the file that were removed;
    *reading* is what the reader understood of the file, None if that is not known.
    """

    name: str
    format: str
    sha256: str
    segments: tuple[Segment, ...]
    removed_chars: int = field(default=0, compare=False)
    reading: ReadingReport | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Turn:
    """A speaker's turn as a format reader returns it; *text* may be empty or long."""

    speaker: str | None
    text: str
    start_s: float | None = None
    end_s: float | None = None
    where: str = ""


def renamed(transcript: Transcript, names: Mapping[str, str]) -> Transcript:
    """Return *transcript* with its speakers renamed by *names*; equal new names merge speakers."""
    segments = tuple(
        replace(segment, speaker=names.get(segment.speaker or "", segment.speaker))
        for segment in transcript.segments
    )
    speakers = dict(Counter(s.speaker for s in segments if s.speaker is not None))
    reading = transcript.reading and replace(transcript.reading, speakers=speakers)
    return replace(transcript, segments=segments, reading=reading)


def without_keys(transcript: Transcript, secrets: Secrets) -> Transcript:
    """Return *transcript* with the values of *secrets* masked, and a warning if there are any."""
    said = "\n".join(f"{segment.speaker}: {segment.text}" for segment in transcript.segments)
    said += f"\n{transcript.name}\n{transcript.reading}"
    if secrets.redact_values(said) == said:
        return transcript
    masked = secrets.redact_all(asdict(transcript), shapes=False)
    found = renamed(TypeAdapter(Transcript).validate_python(masked), {})
    warnings = (*(found.reading.warnings if found.reading else ()), _HAS_KEY)
    return replace(found, reading=found.reading and replace(found.reading, warnings=warnings))


def make_segments(
    turns: Iterable[Turn], leave_out: Callable[[str, str], None] = lambda kind, text: None
) -> tuple[Segment, ...]:
    """Return numbered segments of the turns with speech; long turns are cut at sentence ends.

    *leave_out* is called with kind and text of the parts of turns not in segments.
    """
    return tuple(
        Segment(f"S{number:04d}", part.speaker, part.start_s, part.end_s, part.text, part.where)
        for number, part in enumerate(_parts(turns, leave_out), start=1)
    )


def ends_sentence(text: str) -> bool:
    """Return whether *text* ends like a sentence."""
    return text.rstrip("\"'”’)]* ").endswith((".", "?", "!", "…", "。", "！", "？"))


def is_aside(text: str) -> bool:
    """Return whether *text* is in brackets as a whole, such as a note on what is heard."""
    return text[:1] in "([（【*_" and _ASIDE.match(text.strip("*_")) is not None


def unbroken(text: str) -> str:
    """Return *text* with a soft hyphen where the end of a line broke a word.

    It did if the word occurs whole elsewhere, or ends in what is an ending and no word; not if
    it occurs with its hyphen.
    """
    if "-\n" not in text:
        return text
    words = set(_WORD.findall(_BROKEN.sub(" ", text).lower()))

    def mended(match: re.Match[str]) -> str:
        before, after = match[1].lower(), match[2].lower()
        whole = before + after in words or (after not in words and _ENDING.match(after))
        cased = match[2].islower() or match[1].isupper()
        if not whole or not cased or f"{before}-{after}" in words:
            return match[0]
        return match[0].replace("-", "\u00ad", 1)

    return _BROKEN.sub(mended, text)


def join_lines(lines: Iterable[str]) -> str:
    """Join hard-wrapped lines, and words broken after a hyphen."""
    joined: list[str] = []
    for line in filter(None, map(str.strip, lines)):
        if joined and joined[-1].endswith("\u00ad"):  # a soft hyphen
            joined[-1] = joined[-1][:-1]
        elif joined and not _broken_word(joined[-1], line):
            joined.append(space_between(joined[-1], line))
        joined.append(line)
    return "".join(joined)


def space_between(before: str, after: str) -> str:
    """Return what parts two lines of one text: nothing between Chinese or Japanese characters."""
    return "" if _UNSPACED.match(before[-1:]) and _UNSPACED.match(after[:1]) else " "


def _broken_word(before: str, after: str) -> bool:
    hyphenated = len(before) > 1 and before[-1] == "-" and before[-2].isalnum()
    dashed = before.endswith("--") and not before.rstrip("-").endswith(" ")
    return (hyphenated or dashed) and after[0].isalnum()


def _parts(turns: Iterable[Turn], leave_out: Callable[[str, str], None]) -> Iterator[Turn]:
    for turn in turns:
        text = turn.text
        if "{" in text:
            for mark in _BRACE_MARK.findall(text):
                leave_out("marks such as {vocalsound}", mark)
            text = _BRACE_MARK.sub(" ", text)
        pieces = []
        for piece in filter(None, _split(" ".join(_without_entities(text).split()))):
            if _has_speech(piece):
                pieces.append(piece)
            else:
                leave_out("turns of punctuation only", piece)
        start, end = _seconds(turn.start_s), _seconds(turn.end_s)
        if start is not None and end is not None and end < start:
            end = None
        # Times inside a turn are unknown, so only its first and last piece have one.
        for left, piece in zip(reversed(range(len(pieces))), pieces, strict=True):
            yield Turn(_name(turn.speaker or ""), piece, start, None if left else end, turn.where)
            start = None


@lru_cache(256)
def _name(written: str) -> str | None:
    name = unicodedata.normalize("NFC", " ".join(_without_entities(written).split()))
    return name[:MAX_SPEAKER_CHARS].strip() or None


def _without_entities(text: str) -> str:
    found = "&" in text and _ENTITY.search(text)
    return to_safe_text(html.unescape(text)) if found else text


def _seconds(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) and value >= 0 else None


def _split(text: str) -> list[str]:
    pieces, position = [], 0
    while len(text) - position > MAX_SEGMENT_CHARS:
        cut = _cut(text, position)
        pieces.append(text[position:cut].strip())
        position = cut
    pieces.append(text[position:].strip())
    return pieces


def _cut(text: str, position: int) -> int:
    earliest, limit = position + MAX_SEGMENT_CHARS // 3, position + MAX_SEGMENT_CHARS
    stops = _SENTENCE_END.finditer(text, earliest, limit)
    ends = [stop.end() for stop in stops if not _is_abbreviation(text, stop.start())]
    space = max(text.rfind(" ", earliest, limit), 0) or text.find(" ", limit)
    return ends[-1] if ends else space + 1 or len(text)


def _is_abbreviation(text: str, stop: int) -> bool:
    word = text[max(0, stop - 12) : stop].rpartition(" ")[2].lower()
    return text[stop] == "." and (word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha()))


def _has_speech(text: str) -> bool:
    return text[:1].isalnum() or any(
        not c.isspace() and not unicodedata.category(c).startswith("P") for c in text
    )
