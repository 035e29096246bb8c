"""Labels inside a line: where one line holds several turns, it is cut before each label."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from runner.base.format import plural
from runner.transcript.layouts.choice import Choice, choose
from runner.transcript.layouts.labels import Likeness, is_ordinary, likeness
from runner.transcript.layouts.rows import Row, row_of
from runner.transcript.reader_notes import Notes
from runner.transcript.times import leading_stamp

_COLON = re.compile(r"[*_]{0,3}[:：](?=[\s*_]|$)")
_HEAD_COLON = re.compile(r"[:：](?!\d)")
_BRACKET = re.compile(r"[\[【(<]([^][【】()<>]{1,60})[\]】)>](?=\s)")
# Allowed between the end of a sentence and a label: a time, a dash, emphasis, a bracket.
_SET_OFF = (
    r"((?:[\[(]?\d{1,3}:\d\d[\d:.]{0,9}[\])]?\s{0,4})?(?:[-–—]\s)?(?:>>{1,2}\s?)?[*_]{0,3}[\[(]?)"
)
_BEFORE = (
    r"(?:(?<!\b[MD]r)(?<!\bMrs)[.?!…。？！]|-(?<=[^\W\d]-)-?|[–—](?<=[^\W\d].))[\"”’)\]*_]{0,4}\s{1,8}"
    rf"(?:[(\[][^()\[\]\d]{{1,40}}[)\]]\s{{1,8}})?{_SET_OFF}"
)
_END = re.compile(rf"{_BEFORE}$")
_GAP = re.compile(rf"\w\s{{1,8}}{_SET_OFF}$")
_LABEL = re.compile(rf"{_BEFORE}([^\W\d_][^:.?!()\[\]\n]{{0,60}}?)\s?[*_]{{0,3}}[:：](?=[\s*_]|$)")
_SENTENCE_ENDS = re.compile("[.?!…。？！]")
_MIN_ENDS = 0.01  # of the words of a text that has punctuation
_MIN_LOOSE = 2
_OPENED = re.compile(r"[:：][\s*_]{1,4}([^\W\d_])")
_HEAD_CHARS = 100
_MOSTLY = 0.8
_CHEVRONS = re.compile(r"(?<=\s)>>{1,2}\s?(?=[^\s>])")
_QUESTIONS = re.compile(r"(?<=[.?!]\s)[QA][.]\s")


def chosen(rows: list[Row], notes: Notes, *, headed: bool = True) -> tuple[list[Row], Choice]:
    """Return *rows* and the layout of their turns; rows of several turns are cut, with a warning.

    If *headed*, notes and facts may stand above the first turn.
    """
    warned = len(notes.warnings)
    choice = choose(rows, notes, headed=headed)
    cut = _cut(rows, choice)
    if len(cut) == len(rows):
        return rows, choice
    del notes.warnings[warned:]
    notes.warn(f"{plural(len(cut) - len(rows), 'turn')} within a line, behind another turn")
    return cut, choose(cut, notes, headed=headed)


def _cut(rows: Sequence[Row], choice: Choice) -> list[Row]:
    known = {opening.label for name, opening in choice.turns.values() if name and opening.label}
    asked = choice.layout.pair if choice.layout else sum(row.rest[:3] == "Q. " for row in rows) > 1
    chevrons = sum(row.rest.startswith(">>") for row in rows) > 1
    marks = _QUESTIONS if asked else _CHEVRONS if chevrons else None
    heads = [rows[at].raw.removesuffix(opening.rest) for at, (_, opening) in choice.turns.items()]
    colons = sum(_HEAD_COLON.search(head) is not None for head in heads) * 2 >= len(heads)
    cut = _cutter_of([row.raw for row in rows], known, marks, colons=bool(marks) or colons)
    found: list[Row] = []
    for at, row in enumerate(rows):
        ends = sum(map(row.rest.count, ":：[【(<"))  # of labels, one of which opens the row
        lone = not marks and ends <= (choice.turns.get(at, (None,))[0] is not None)
        first, *others = [row.raw] if lone else cut(row.raw)
        if not others:
            found.append(row)
            continue
        head = replace(row_of(first, row.gap), placed=row.placed, where=row.where)
        found += [head, *(replace(row_of(each, False), where=row.where) for each in others)]
    return found


def _cutter_of(
    lines: Sequence[str],
    known: Collection[str],
    marks: re.Pattern[str] | None = None,
    *,
    colons: bool = True,
) -> Callable[[str], list[str]]:
    """Return a function that cuts a line before *marks* and before labels after a sentence.

    Labels are *known*, or occur inside a line that has a known one. Without punctuation, a known
    label may stand anywhere. Without *colons*, a label is in brackets.
    """
    opened = [match[1] for line in lines if (match := _OPENED.search(line[:_HEAD_CHARS]))]
    cased = sum(map(str.isupper, opened)) >= max(2, len(opened) * _MOSTLY)
    if not colons:
        return _cutter(known, marks, _END, cased=True, colons=False)
    text = "\n".join(lines)
    if len(_SENTENCE_ENDS.findall(text)) < text.count(" ") * _MIN_ENDS:
        cut = _cutter(known, marks, _GAP, cased=False)
        if sum(len(cut(line)) - 1 for line in lines) >= _MIN_LOOSE:
            return cut
    return _cutter(_labels(lines, known) if known else known, marks, _END, cased=cased)


def _labels(lines: Iterable[str], known: Collection[str]) -> set[str]:
    found = Counter(match[2] for line in lines for match in _LABEL.finditer(line))
    names = (label.split() for label in known if not label.startswith("The "))  # of an office
    parts = {word.strip(",") for name in names for word in name[1:]}
    parts = {part for part in parts & found.keys() if likeness(part) == Likeness.NAME}
    if found.keys().isdisjoint(known):
        return {*known, *parts}
    others = {
        label
        for label, count in found.items()
        if likeness(label) >= (Likeness.WORD if count > 1 else Likeness.NAME)
        and not is_ordinary(label)
    }
    return {*known, *parts, *others}


def _cutter(
    labels: Collection[str],
    marks: re.Pattern[str] | None,
    before: re.Pattern[str],
    *,
    cased: bool,
    colons: bool = True,
) -> Callable[[str], list[str]]:
    lengths = sorted({len(label) for label in labels}, reverse=True)

    def cut(text: str) -> list[str]:
        cuts = {match.start() for match in marks.finditer(text)} if marks else set()
        for colon in _COLON.finditer(text) if colons and (":" in text or "：" in text) else ():
            starts = (colon.start() - length for length in lengths if length <= colon.start())
            start = next((at for at in starts if text[at : colon.start()] in labels), None)
            small = text[colon.end() : colon.end() + 4].lstrip(" *_")[:1].islower()
            if start is not None and not (cased and small):
                cuts.add(_opens(text, start, before))
        for bracket in _BRACKET.finditer(text):
            if bracket[1] in labels:
                cuts.add(_opens(text, bracket.start(1), before))
        # The number of a list item, such as `2. Ana: …`, is no turn, nor is a time.
        time = leading_stamp(text) if any(cuts) else None
        begin = len(text) - len(time[1]) if time else 0
        ends = [*sorted(at for at in cuts if any(map(str.isalpha, text[begin:at]))), len(text)]
        return [text[start:end].strip() for start, end in zip([0, *ends], ends, strict=False)]

    return cut


def _opens(text: str, start: int, before: re.Pattern[str]) -> int:
    """Return where the turn opens whose label starts at *start*; 0 amid a sentence."""
    match = before.search(text[max(0, start - 80) : start])
    return start - len(match[1]) if match else 0
