"""Preface: the lines above the first turn, of which some are speech and some are facts."""

import itertools
import re
from collections.abc import Iterator, Sequence

from runner.transcript.layouts.labels import FACTS, Likeness, likeness
from runner.transcript.layouts.rows import Row
from runner.transcript.model import ends_sentence
from runner.transcript.times import DATE, MONTH
from runner.transcript.words import PATTERNS, WORDS

_MIN_SENTENCE_WORDS = 6
_MAX_HEADER_BLOCKS = 12
_MAX_HEADER_ROWS = 40
_BELOW = 5000  # rows in which a speaker speaks again
_KEY = re.compile(
    r"[*_#>\s-]{0,40}([A-Za-z][\w ]{0,40}?)[*_]{0,4}\s?(?:(?<!\d):|:(?!\d))[*_]{0,4}\s{0,20}(.*)$"
)
_TRANSCRIPT = re.compile(
    r"(?:^|[-–—:|]\s)\W{0,9}(?:(?:full|meeting|complete|call|video|audio|edited)\s)?"
    rf"(?:{PATTERNS['transcript']})\W*$",
    re.IGNORECASE,
)
_MAX_NOTES = 0.7  # of the rows of a file
_MAX_HEADING_CHARS = 80
_ATTENDEES = WORDS["attendees"]
_LISTS = _ATTENDEES | {"contents", "agenda"}
_DATE_ALONE = re.compile(rf"\A(?=.*\d){DATE}\s?(?:[(（]\w[)）])?$", re.IGNORECASE)
_MAX_KEY_WORDS, _MAX_LIST_WORDS, _MAX_PEOPLE = 5, 4, 50
_CLAUSE = WORDS["clause"] - {"the", "and"}
_BEHIND_NAME = re.compile(r"\s-|,|\s?\(")
_FIELDS = _ATTENDEES | FACTS | WORDS["fields"]
_DATE = re.compile(
    r"\d{4}[-./]\d{2}[-./]\d{2}|\d{1,2}[./]\d{1,2}[./]\d{2,4}"
    rf"|{MONTH}\s\d{{1,2}},?\s\d{{4}}|\d{{1,2}}\.?\s{MONTH}\s\d{{4}}",
    re.IGNORECASE,
)


def is_speech(text: str) -> bool:
    """Return whether a paragraph above the first turn is a spoken sentence."""
    wrapped = text.startswith(("_", "*", "[", "(")) and text.endswith(("_", "*", "]", ")"))
    if wrapped or is_fact(text) or text.startswith(("- ", "* ", "• ")):
        return False
    return ends_sentence(text) and len(text.split()) >= _MIN_SENTENCE_WORDS


def is_fact(line: str) -> bool:
    """Return whether *line* is a fact on the recording, such as `Date: …` or `**Attendees:** …`."""
    key = _KEY.match(line[:200])
    words = key[1].lower().split() if key else []
    clause = len(words) > 1 and not _CLAUSE.isdisjoint(words)  # as in `I wrote to them: …`
    return len(words) <= _MAX_KEY_WORDS and not clause and not _FIELDS.isdisjoint(words)


def header(rows: Sequence[Row]) -> int:
    """Return how many rows at the top are facts on the recording and not turns.

    A key that recurs in the file is a speaker, and so is one whose value ends like a sentence.
    A block with a fact is a header as a whole if it ends at a blank line; so is the list below a
    heading such as `Participants`.
    """
    end = sentences = 0
    after_heading = False
    starts = [at for at, row in enumerate(rows) if not at or row.gap] + [len(rows)]
    for block in itertools.starmap(range, itertools.pairwise(starts[: _MAX_HEADER_BLOCKS + 1])):
        heads = heads_list(rows, block.start)
        placed = (at for at in block[:_MAX_HEADER_ROWS] if rows[at].placed)
        keys = [at for at in placed if _KEY.match(rows[at].text[:200])]
        is_list = after_heading and not any(_speaks(rows, at) for at in keys)
        if heads and 1 < len(block) <= _MAX_HEADER_ROWS:  # a heading and its list
            is_list = is_list or not any(_speaks(rows, at) for at in block)
        after_heading = heads and len(block) == 1
        if after_heading or is_list:
            end = block.stop
            continue
        facts = [at for at in keys if is_fact(rows[at].text) and not _speaks(rows, at)]
        told = any(ends_sentence(rows[at].text) for at in keys)
        if facts and block.stop < len(rows) and not told:
            end = block.stop
        elif keys:
            first = next((at for at in block if at not in facts), block.stop)
            return first if first > block.start else end
        sentences += not keys and ends_sentence(rows[block.stop - 1].raw)
        if sentences > 1:  # that are said
            return end
    return end


def heads_list(rows: Sequence[Row], at: int) -> bool:
    """Return whether the row is a heading above a list of those present, or of contents."""
    text = rows[at].rest.lower().rstrip(":")
    words = [] if ":" in text else text.split()
    heads = len(words) <= _MAX_LIST_WORDS and bool(words) and words[-1] in _LISTS
    return heads and all(row.raw != rows[at].raw for row in rows[at + 1 : at + _BELOW])


def notes_above(rows: Sequence[Row]) -> int:
    """Return how many rows are notes above the heading of the transcript, and that heading.

    There are none if speakers below it also have lines above it.
    """
    for at, row in enumerate(rows[: int(len(rows) * _MAX_NOTES) + 1]):
        under = rows[at + 1] if at + 1 < len(rows) else row
        heads = row.gap and (row.mark.startswith("#") or under.gap or under.stamp)
        if heads and len(row.raw) <= _MAX_HEADING_CHARS and _TRANSCRIPT.search(row.raw):
            below = {_plain_key(each) for each in rows[at + 1 :]} - {""}
            speaking = sum(_plain_key(each) in below for each in rows[:at])
            return 0 if speaking > 2 else at + 1
    return 0


def _plain_key(row: Row) -> str:
    key = _KEY.match(row.rest[:200]) if not row.mark else None
    return key[1] if key else ""


def _speaks(rows: Sequence[Row], at: int) -> bool:
    """Return whether the key of a row recurs below, or its value is a sentence."""
    key = _KEY.match(rows[at].text[:200])
    below = (row.text.lstrip(">*_ ") for row in rows[at + 1 : at + _BELOW])
    same = (key and text.startswith(key[1]) for text in below)
    return ends_sentence(rows[at].text) or any(same)


def is_date(text: str) -> bool:
    """Return whether *text* is a date and nothing else."""
    return len(text) <= _MAX_HEADING_CHARS and _DATE_ALONE.match(text) is not None


def _people(lines: Sequence[str]) -> Iterator[str]:
    """Yield the people in a list, but not headings such as `Other Participants`."""
    for line in lines:
        name = _BEHIND_NAME.split(line.strip("*_- "))[0]
        if line.endswith(":") or likeness(name) != Likeness.NAME:
            return
        if _ATTENDEES.isdisjoint(line.lower().split()):
            yield line.strip("*_- ")


def facts_of(preface: Sequence[str]) -> dict[str, str]:
    """Return the title, the date and the attendees that the lines *preface* name."""
    facts: dict[str, str] = {}
    for at, line in enumerate(preface):
        key = _KEY.match(line[:2000])
        name = (key[1] if key else line.strip("#*_: ")).lower()
        value = key[2].strip("*_ ") if key else ""
        words = set(name.split())
        if words & _ATTENDEES and len(words) < 3:
            below = preface[at + 1 : at + 1 + _MAX_PEOPLE]
            facts.setdefault("attendees", value or ", ".join(_people(below)))
        elif value and name in {"title", "subject", "topic", "meeting"}:
            facts.setdefault("title", value)
        if dated := _DATE.search(line[:2000]):
            facts.setdefault("date", dated[0])
    first = preface[0].strip("#*_ ") if preface else ""
    if first and not _KEY.match(first) and not ends_sentence(first) and first != facts.get("date"):
        facts.setdefault("title", first)
    return {key: value for key, value in facts.items() if value}
