"""Rows of a text: its lines without furniture, each with the marks around its words."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from runner.transcript.layouts.furniture import furniture
from runner.transcript.layouts.labels import Likeness, likeness
from runner.transcript.model import ends_sentence, unbroken
from runner.transcript.reader_notes import Notes
from runner.transcript.times import Stamp, leading_stamp, with_plain_stamps

_MARK = re.compile(
    r"(?:> ?(?!>)(?:\[!\w{1,20}\][+-]? )?|[○◯●◎◆◇■□▪] ?(?=\S)"
    r"|[-*+•–] +(?=\S)|#{1,6} +|\d{1,4}[.)] +(?=\S)|\(\d{1,4}\) +(?=[^\W\d]))"
)
_EMPHASIS = re.compile(r"(?:\*{1,3}|_{1,3}|`|''')(?=[^\s*_'])")
_AFTER_STAMP = re.compile(r"[*_`]{0,3}\s{0,8}(?:[-–—|:•·]+(?=[\s*_\[(<]))?\s{0,8}")
# The break or the anchor at the end of a line in Markdown.
_BREAK = re.compile(r"(?:<br ?/?>|(?<!\\)\\|(?<=\S) \{#[^{}\s]{1,80}\})$", re.IGNORECASE)
_MAX_FRONT, _MAX_FACTS, _MAX_FACT_CHARS = 200, 40, 500  # lines and facts of a front matter
_YAML_KEY = re.compile(r"([A-Za-z_][\w .-]{0,60}):(?:\s|$)")
# Between sentences in a line, where a time in brackets stands, as each half minute.
_INNER_TIME = re.compile(
    r"(?<=[.?!…\])\"”])\s{1,9}(?=\\?[\[(]\d{1,2}:\d\d:\d\d\\?[\])]\s{1,9}[^\W\d])"
)
_GAP = re.compile(r"\s{2,}|\u3000")
_QUESTION = re.compile(r"\s{0,10}(?:Q|Anf\. ?)(\d{1,5})\s{1,40}(?=([^\W\da-z][^:?!]{1,80}):)")
_LINE_NUMBER = re.compile(r"\s{0,10}(?:\d{1,2}:\d\d:\d\d\s{1,8})?(\d{1,5})(?:\s|$)")
_MIN_WIDTH, _MAX_WIDTH = 40, 120
_MIN_WRAPPED_ROWS = 8
_MIN_GROWN_WORDS = 4


@dataclass(slots=True)
class Row:
    """A line with words.

    *raw* is the line without outer white space; *text* is it without quote mark, bullet or heading
    mark, which is *mark*, and without the emphasis that opens it, which is *opening*. *stamp* is
    the time at its start, *rest* the text behind that and
    *head* the part of it in which a label can end. *gap* says whether a blank line or furniture
    stands above; *placed*, whether the line break above is deliberate, not made by wrapping;
    *ruled*, whether a rule is above.
    *where* is its place in a document, or empty.
    """

    raw: str
    text: str
    mark: str
    opening: str
    stamp: Stamp | None
    rest: str
    head: str
    gap: bool
    placed: bool = True
    where: str = ""
    indent: int = 0
    ruled: bool = False

    @property
    def is_stamp(self) -> bool:
        """Whether the row is a time and nothing else."""
        return self.stamp is not None and not self.rest


def rows_of(text: str, notes: Notes, places: Sequence[str] = ()) -> list[Row]:
    """Return the rows of *text* without the furniture of the file.

    *places* are the places of lines, by default printed line numbers.
    """
    lines = [
        _BREAK.sub("", line) if line.endswith((">", "\\", "}")) else line
        for line in map(str.rstrip, with_plain_stamps(unbroken(text)).split("\n"))
    ]
    rest = _without_front_matter(lines, notes)
    places = places[len(lines) - len(rest) :] if len(places) == len(lines) else ()
    lines, printed = _without_line_numbers(_without_question_numbers(rest, notes), notes)
    if places and printed:  # the number that is printed counts
        pairs = zip(places, printed, strict=True)
        places = [f"{at.partition(',')[0]}, {number.rpartition(', ')[2]}" for at, number in pairs]
    places = places or printed or [""] * len(lines)
    rows: list[Row] = []
    gap, ruled = True, False
    for line, kind, where in zip(lines, furniture(lines), places, strict=True):
        if kind:
            notes.leave_out(kind, line)
        if kind or not line.strip():
            gap, ruled = True, ruled or kind == "rules"
        else:
            parts = _INNER_TIME.split(line) if ":" in line else [line]
            named = len(parts) > 1 and likeness(parts[0].strip()) == Likeness.NAME
            for part in [line] if named else parts:
                row = row_of(part, gap)
                row.where, row.indent, row.ruled = where, len(line) - len(line.lstrip()), ruled
                rows.append(row)
                gap = ruled = False
    _mark_placed(rows)
    return rows


def row_of(line: str, gap: bool = True) -> Row:
    """Return the row of a line; *gap* says whether a blank line is above it."""
    raw = line.strip()
    mark = _MARK.match(raw)
    opening, text = open_emphasis(raw[mark.end() :].lstrip() if mark else raw)
    if mark and mark[0][0] in "○◯":  # before the speakers of the Diet and of the National Assembly
        text = _GAP.sub("\t", text, count=1)
    stamped = leading_stamp(text)
    stamp, rest = stamped or (None, text)
    if stamp and (after := _AFTER_STAMP.match(rest)):
        rest = rest[after.end() :]
    name = mark[0].strip() if mark else ""
    name = "1." if name.lstrip("(")[:1].isdigit() else name
    return Row(raw, text, name, opening, stamp, rest, rest[:160], gap)


def open_emphasis(text: str) -> tuple[str, str]:
    """Return the emphasis mark that opens *text*, and the text without it."""
    match = _EMPHASIS.match(text) if text[:1] in "*_`'" else None
    return (match[0], text[match.end() :]) if match else ("", text)


def _mark_placed(rows: Sequence[Row]) -> None:
    """Find the line breaks of wrapping: the next word had no room in the line above.

    If all those lines are indented, and others are not, a sentence may end above, too.
    """
    lengths = sorted(row.indent + len(row.raw) for row in rows)
    width = lengths[-1 - len(lengths) // 50] if len(rows) >= _MIN_WRAPPED_ROWS else 0
    if not _MIN_WIDTH <= width <= _MAX_WIDTH:
        return
    full = [row.raw for row in rows if row.indent + len(row.raw) > width * 0.75]
    open_ended = sum(not ends_sentence(line) for line in full)
    if len(full) < len(rows) * 0.25 or open_ended < len(full) * 0.5:
        return
    for above, row in itertools.pairwise(rows):
        word = len(row.raw.split(maxsplit=1)[0])
        room = above.indent + len(above.raw) + 1 + word <= width
        row.placed = row.gap or room or ends_sentence(above.raw)
    hanging = {row.indent for row in rows if not row.placed}
    for row in rows if len(hanging) == 1 and any(row.indent < min(hanging) for row in rows) else ():
        row.placed = row.placed and (row.gap or row.indent not in hanging)


class Said(NamedTuple):
    """Words, and who says them, None if unknown."""

    speaker: str | None
    text: str


def outgrown(texts: Sequence[Said]) -> set[int]:
    """Return which of *texts* are said again, longer, by the next, as in live captions.

    Only runs of three or more count, since people do say "Yes." and then "Yes, I do."
    """
    gone: set[int] = set()
    start = 0
    for at in range(1, len(texts) + 1):
        if at < len(texts) and _grows(texts[at - 1], texts[at]):
            continue
        if at - start > 2 and len(texts[at - 1].text.split()) >= _MIN_GROWN_WORDS:
            gone |= set(range(start, at - 1))
        start = at
    return gone


def _grows(before: Said, after: Said) -> bool:
    text, longer = before.text.rstrip(" .,…?!-").lower(), after.text.lower()
    if before.speaker != after.speaker or not text or not longer.startswith(text):
        return False
    added = longer[len(text) :]
    return not added[:1].isalnum() and any(map(str.isalnum, added))


def _without_front_matter(lines: list[str], notes: Notes) -> list[str]:
    """Leave out a YAML block at the top, but not speech between two rules, whose labels repeat."""
    rules = (at for at, line in enumerate(lines[:_MAX_FRONT]) if line.strip() in ("---", "..."))
    first, last = next(rules, None), next(rules, None)
    if first is None or last is None or lines[first].strip() != "---" or any(lines[:first]):
        return lines
    block, rest = lines[first + 1 : last], lines[last + 1 :]
    keys = [match[1] for line in block if (match := _YAML_KEY.match(line))]
    labels = {match[1] for line in rest if (match := _YAML_KEY.match(line))}
    if not keys or len(keys) > len({*keys} - labels) or not any(rest):
        return lines
    notes.leave_out("front matter", "\n".join(lines[first : last + 1]))
    for line in block[:_MAX_FACTS]:  # one a line, such as title, date, role or site
        key, _, value = line.partition(":")
        value = value.strip().strip("\"'")
        if _YAML_KEY.match(line) and value and value[0] not in "[{|>&*!":
            notes.about[key.lower()] = value[:_MAX_FACT_CHARS]
    return rest


def _without_question_numbers(lines: list[str], notes: Notes) -> list[str]:
    """Leave out growing numbers of questions and speeches before labels: `Q12 Chair: …`."""
    found = {at: match for at, line in enumerate(lines) if (match := _QUESTION.match(line))}
    numbers = [int(match[1]) for match in found.values()]
    labels = {match[2] for match in found.values()}  # a single one may be what quarters are about
    if len(labels) < 2 or any(after <= before for before, after in itertools.pairwise(numbers)):
        return lines
    notes.leave_out("numbers of questions", "\n".join(match[0] for match in found.values()))
    return [line[found[at].end() :] if at in found else line for at, line in enumerate(lines)]


def _without_line_numbers(lines: list[str], notes: Notes) -> tuple[list[str], list[str]]:
    """Leave out numbers in a margin; return the lines and, if numbered, their places."""
    matches = [_LINE_NUMBER.match(line) for line in lines]
    numbers = [int(match[1]) for match in matches if match]
    written = sum(bool(line.strip()) for line in lines)
    steps = sum(after in {before + 1, 1} for before, after in itertools.pairwise(numbers))
    most = len(numbers) >= written * 0.8
    every = steps == len(numbers) - 1 > 1 and numbers[0] == 1
    if not most or not (every or (len(numbers) >= 10 and steps >= (len(numbers) - 1) * 0.9)):
        return lines, []
    notes.leave_out("line numbers", "\n".join(match[1] for match in matches if match))
    rest = [
        f"{line[: match.start(1)]}{line[match.end(1) :]}" if match else line
        for line, match in zip(lines, matches, strict=True)
    ]
    return rest, _printed_places([int(match[1]) if match else None for match in matches])


def _printed_places(numbers: Sequence[int | None]) -> list[str]:
    """Return the places of lines by their *numbers*; those without one belong to the line above.

    A number that does not grow begins a page, if several pages begin with 1.
    """
    paged = numbers.count(1) > 1
    places, page, line = [], 1, 0
    for number in numbers:
        if number is not None:
            page += number <= line
            line = number
        places.append(f"page {page}, line {line}" if paged else f"line {line}")
    return places
