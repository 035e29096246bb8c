"""Printed hearings: hard-wrapped lines, with turns and paragraphs that start indented."""

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from runner.transcript.layouts.labels import Likeness, likeness
from runner.transcript.model import Turn, ends_sentence, join_lines, unbroken, words_of
from runner.transcript.reader_notes import Notes
from runner.transcript.words import WORDS

_TITLES, _OFFICES = WORDS["titles"], WORDS["offices"]
_HEAD = re.compile(rf" {{2,8}}({'|'.join(map(re.escape, sorted(_TITLES)))})(?=[ .])")
_CAPITALISED = r"[^\W\d_a-z][^\W\d_]{0,30}"
_INITIALS = re.compile(
    rf"\.? (?:[^\W\d_a-z]\. ){{1,3}}(?={_CAPITALISED}(?:[-'’ ]{_CAPITALISED})?\.)"
)
_FORMS_OF_ADDRESS = words_of("Mr. Ms. Mrs. Madam")
_ASIDE = re.compile(r"\s{0,4}\[(?:presiding|continuing|interposing)[^\[\]]{0,60}\]\.?", re.I)
_FURNITURE = re.compile(r"\[GRAPHIC\]|\[TIFF|\[\[Page|VerDate |Jkt \d|\f|\d{1,4}$|[-=_*\s]{3,}$")
_APPENDIX = re.compile(
    r"\A(?:A ?P ?P ?E ?N ?D ?I ?X\Z|(?=[^a-z]*\Z).{0,176}SUBMITTED FOR THE RECORD)"
)
_DOT_LEADER = re.compile(r"\.{5,}\s{0,8}\d{0,5}$")
_MIN_TURNS = 3
_MAX_NAME_CHARS = 50
_CLOSING = re.compile("adjourned|concluded|recessed")


def looks_like_hearing(text: str) -> bool:
    """Return whether at least three lines start a turn such as `    Mr. Name. text`."""
    heads = (line for line in text.split("\n") if _head(line))
    return len(list(itertools.islice(heads, _MIN_TURNS))) == _MIN_TURNS


def parse_hearing(text: str, notes: Notes, places: Sequence[str] = ()) -> list[Turn]:
    """Return one turn per spoken paragraph; note what is left out.

    *places* are the lines' places in a document, by default their numbers.
    """
    notes.layout = "label with a title and a full stop"
    lines = unbroken(text).expandtabs(4).split("\n")
    indents = Counter(_indent(line) for line in lines if _head(line))
    parser = _HearingParser(indents.most_common(1)[0][0] if indents else 4, notes)
    end = _end(lines)
    if len(places) != len(lines):
        places = [f"line {number}" for number in range(1, len(lines) + 1)]
    for line, place in zip(lines[:end], places, strict=False):
        parser.step(line, place)
    parser.flush()
    if any(map(str.strip, lines[end:])):
        notes.leave_out("lines after the hearing", "\n".join(lines[end:]))
    return parser.turns


@dataclass(slots=True)
class _HearingParser:
    """Collects paragraphs; *speaker* is None outside speech, where text is dropped."""

    base: int
    notes: Notes
    turns: list[Turn] = field(default_factory=list)
    speaker: str | None = None
    paragraph: list[str] = field(default_factory=list)
    where: str = ""
    set_off: bool = False
    detached: bool = True

    def step(self, line: str, where: str) -> None:
        stripped = line.strip()
        if not stripped or _FURNITURE.match(stripped[:200]) or _DOT_LEADER.search(stripped[-200:]):
            self.flush()
            self.detached = True
            if stripped:
                self.notes.leave_out("page furniture", stripped)
            return
        head, indent = _head(line), _indent(line)
        if head is not None:
            self.flush()
            self.speaker, stripped = head
            self.set_off = self.detached = False
        elif indent >= self.base or not self.paragraph:
            self.flush()
            self.set_off = indent != self.base
        self.where = self.where if self.paragraph else where
        self.paragraph.append(stripped)

    def flush(self) -> None:
        lines, self.paragraph = self.paragraph, []
        text = join_lines(lines)
        if not text:
            return
        if text[0] == "[" and text.find("]") == len(text) - 1:
            # A note announces an adjournment or a printed statement; neither is speech.
            self.notes.leave_out("notes of the reporter", text)
            if _closes(text) or text.rstrip(".:]) ").endswith(("follow", "follows")):
                self.speaker = None
            return
        if self.speaker is None or (self.set_off and _is_heading(text, self.detached)):
            outside = self.speaker is None
            self.notes.leave_out("lines outside speech" if outside else "headings", text)
            return
        self.turns.append(Turn(self.speaker, text, where=self.where))


def _head(line: str) -> tuple[str, str] | None:
    match = _HEAD.match(line)
    if match is None:
        return None
    initials = _INITIALS.match(line, match.end()) or match
    stop = line.find(".", initials.end(), match.end() + _MAX_NAME_CHARS)
    name, rest = line[match.end() : max(0, stop)].strip(), line[stop + 1 :]
    name = _ASIDE.split(name, maxsplit=1)[0]
    if stop < 0 or rest[:1].strip() or not _is_name(match[1], name):
        return None
    aside = _ASIDE.match(rest)
    return f"{match[1]} {name}".strip(), rest[aside.end() if aside else 0 :].strip()


def _is_name(title: str, name: str) -> bool:
    words = name.split()
    if not words:
        return title in {"Chairman", "Chairwoman", "Voice", "Speaker", "Counsel"}
    if len(words) > 5:
        return False
    if title == "The":
        return all(word.lower() in _OFFICES for word in words)
    if title in _FORMS_OF_ADDRESS and words[0].lower() in _OFFICES:
        return False
    return likeness(name) == Likeness.NAME


def _end(lines: Sequence[str]) -> int:
    """Return the index of the line after the last adjournment, of the appendix, or of the end."""
    first = next((index for index, line in enumerate(lines) if _head(line)), len(lines))
    appendix, closing = len(lines), 0
    for index in range(first, len(lines)):
        stripped = lines[index].strip()
        if stripped.startswith(("[", "(")) and "whereupon" in stripped[:20].lower():
            note = join_lines(lines[index : index + 4])
            closing = index + 4 if _closes(note) else closing
        elif _APPENDIX.match(stripped):
            appendix = min(appendix, index)
    return min(closing, len(lines)) if closing else appendix


def _closes(note: str) -> bool:
    start = note[:400].lower()
    return "whereupon" in start and _CLOSING.search(start) is not None


def _is_heading(text: str, detached: bool) -> bool:
    letters = [char for char in text if char.isalpha()]
    capitals = sum(char.isupper() for char in letters)
    return capitals >= len(letters) * 0.7 or (detached and not ends_sentence(text))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
