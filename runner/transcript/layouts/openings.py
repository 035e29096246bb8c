"""Openings of turns: for each layout, whether a row opens a turn, with its label, time and text."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from runner.transcript.layouts.label_reading import (
    HEAD_CHARS,
    WRAPS,
    Opening,
    label_colon,
    read_label,
    with_late,
)
from runner.transcript.layouts.labels import MAX_LABEL_CHARS, Likeness, likeness, strip_marks
from runner.transcript.layouts.rows import Row, open_emphasis
from runner.transcript.times import leading_stamp, may_end_in_time
from runner.transcript.words import WORDS

_CHEVRONS = re.compile(r">>{1,3}\s*")
_QUESTION_ANSWER = re.compile(r"([QA])(?:[.:]\s+|[.:]$|\s{2,}|\t|(?<=Q)\s(?=[^\sa-z\d]))")
# This and _COLUMN begin with one character, for speed; what follows looks back at it.
_DASH = re.compile(
    r"[\s>/;—.)-](?:(?<=\s)\s{0,19}(?:[-–—]{1,2}>?|[»~→])\s{1,20}|(?<=\w[>/;])\s{1,20}"
    r"|(?<=[\w)]—)(?=[^\s\da-z])"
    r"|(?:(?<=^[A-Z]\d[-.)])|(?<=^[A-Z]\d\d[-.)]))\s{1,20})"  # codes such as `P12`
)
_CALL_SIGN = re.compile(r"([A-Z][A-Z\d/_-]{1,11})(?:\s{2,20}(?=\S)|\s(?=[^\sa-z]))")
_LEAD = re.compile(r"^[\s`]{1,9}(?:[-–—]\s)?")
_COLUMN = re.compile(
    r"[\s|](?:(?<=\t)\t*|(?<=\u3000)|(?<=\s)\s{0,7}\|\s{0,8}|(?<=\|)\s{0,8}|(?<=\s)\s{2,})"
)
_CLOCK_INSIDE = re.compile(r"[(\[\s]\d+:\d\d")
_STAMP_INSIDE = re.compile(r"[\s,]{1,20}(?=[\[(]?\d)")
# A title and a name, a Greek or Cyrillic name and initials, a chair; or capitals.
_TITLES = "|".join(title for title in WORDS["titles"] if len(title) > 4)  # as in `Chairman Li`
_NAMED = r"[^\W\d_a-z][-'’\w]{0,30}"
# Only white space, or a hyphen before a `Mc`, ends a word: else a long one is split in every way.
_CAPITALS = r"[^\W\d_a-z]['’\w]{0,2}[^\W\d_a-z]['’_-]?(?:[^\W\d_a-z]['’_-]?){0,30}"
_FULL_STOP = re.compile(
    r"(?P<name>(?:(?P<sure>"
    r"(?:(?:Mr|Mrs|Ms|Dr|Prof|Hon|Sen|Rep|MR|MRS|MS|DR|PROF|HON|Mme|MM?|Sr|Sra)\.|M(?:me|lle))\s"
    r"[^\W\d_][\w'’-]{0,30}(?:\s[^\W\d_][\w'’-]{0,30}){0,3}\s?"
    rf"|The\s(?:{_TITLES})|(?:{_TITLES})\s{_NAMED}(?:\s{_NAMED}){{0,2}}\s?"
    r"|[Ͱ-῿][\w’'-]{1,30}\s[Ͱ-῿]\.\s?(?:[Ͱ-῿]\.)?|Председател\w{1,12})"
    rf"|(?:(?:The|THE|AN?)\s)?{_CAPITALS}"
    rf"(?:(?:\s|(?<=['’-])(?=[^\W\d_a-z][a-z])){_CAPITALS}){{0,3}}\s?)"
    r"(?:\([^()]{1,80}\))?)(?:,\s(?P<office>[^\W\d_][^.:;?!\d]{2,140}))?"
    r"(?:\.\d{0,2}|(?<=[^\W\d_a-z]\.))\s?[-–—]{0,2}(?:\s|$)"
)
_ASIDE_BEFORE = re.compile(r"[(\[][^()\[\]:]{1,40}[)\]]\s{1,4}(?=[^\W\d][^:()\[\]]{0,60}:\s)")
NO_OFFICE = WORDS["clause"] - {"the", "of", "for", "to", "in", "and"}
_MAX_NAME_WORDS = 3
_SENTENCE_ENDS = (".", "?", "!", ",", ";", "…", "。", "！", "？")
_SHORTENED = re.compile(r"\b(?:[^\W\d_a-z]|[JS]r|Esq|Ph\.?D|M\.?D)\.$")


Opens = Callable[[Sequence[Row], int], Opening | None]


def ends_words(text: str) -> bool:
    """Return whether *text* ends like words, and not like a name such as `A. J.` or `Li Jr.`."""
    shortened = _SHORTENED.search(text) and likeness(text) == Likeness.NAME
    return text.endswith(_SENTENCE_ENDS) and not shortened


def in_line(rows: Sequence[Row], at: int) -> Opening | None:
    """`Name: text`, also bold, quoted, bulleted, in brackets, with a time or a role."""
    row = rows[at]
    again, text = open_emphasis(row.rest) if row.stamp else ("", row.rest)
    aside = _ASIDE_BEFORE.match(text)  # as in `(laughs) Ana: text`
    text = text[aside.end() :] if aside else text
    emphasis = again or row.opening
    colon = _colon_after(text, emphasis)
    if colon is None:
        return None
    if not colon and text[1:2].isspace():  # a name is missing
        return Opening(stamp=row.stamp, rest=text[1:].strip())
    label, rest = text[:colon], text[colon + 1 :].removeprefix(":")
    is_open = emphasis not in label  # it ends behind the colon, or with the text
    rest = rest.removeprefix(emphasis) if is_open else rest
    tight = bool(rest[:1].strip()) and text[colon] == ":"
    if tight and (rest[0] in "/\\" or (rest[0].isdigit() and label[-1:].isdigit())):
        return None
    rest = rest.strip()
    rest = rest.removesuffix(emphasis) if is_open and emphasis not in rest[:-2] else rest
    rest = f"{aside[0].strip()} {rest}" if aside else rest
    dress = row.mark.strip(">") + emphasis + ("tight" if tight else "")
    named = read_label(label, row.stamp, rest, dress)
    return with_late(named) if named else None


def _colon_after(text: str, emphasis: str) -> int | None:
    """Return the index of the colon that ends a label, at best the one where *emphasis* ends."""
    end = text.find(emphasis, 1, MAX_LABEL_CHARS) if emphasis else -1
    return end - 1 if end > 0 and text[end - 1] in ":：" else label_colon(text)


def above_with_time(rows: Sequence[Row], at: int) -> Opening | None:
    """`Name 0:01`, or the name and the time on two lines, with the text below."""
    row = rows[at]
    long = len(row.text) > HEAD_CHARS or ends_words(row.text)
    if row.stamp or at + 1 == len(rows) or long:
        return None
    text = strip_marks(row.text).rstrip(": ")
    if not rows[at + 1].is_stamp and not may_end_in_time(text):
        return None
    named = read_label(text, None, "", row.mark + row.opening, head=row.gap)
    if named is None or named.stamp is not None:
        return named
    if not rows[at + 1].is_stamp or at + 2 >= len(rows):
        return None
    return replace(named, stamp=rows[at + 1].stamp, rows=2)


def below_time(rows: Sequence[Row], at: int) -> Opening | None:
    """`0:01 Name`, or the time and the name on two lines, with the text below."""
    row, taken = rows[at], 1
    if row.stamp is None or at + 1 == len(rows):
        return None
    text, beside = row.rest, row.rest[:1] == "(" and row.rest[-1:] == ")"
    if row.is_stamp or beside:
        text, taken = rows[at + 1].text, 2
        if rows[at + 1].stamp:
            return None
    if at + taken == len(rows) or rows[at + taken].stamp or len(text) > HEAD_CHARS:
        return None
    name = strip_marks(text).rstrip(": ")
    if ends_words(name) and not name.endswith("."):
        return None
    named = read_label(name, row.stamp, "", row.mark + row.opening)
    role = row.rest[1:-1] if beside else ""
    return named and replace(named, rows=taken, role=role or named.role)


def above(rows: Sequence[Row], at: int) -> Opening | None:
    """`Name` on a line of its own, with the text below."""
    row = rows[at]
    if row.stamp or at + 1 == len(rows) or len(row.text) > MAX_LABEL_CHARS or not row.placed:
        return None
    if ends_words(row.text) or row.text.endswith(":") or rows[at + 1].is_stamp:
        return None
    named = read_label(row.text, None, "", row.mark + row.opening)
    below, words = rows[at + 1], row.text.split()
    lower = row.gap and below.gap and row.text.islower() > below.text.islower()  # as in `ana ruiz`
    lower = lower and len(words) <= _MAX_NAME_WORDS and WORDS["clause"].isdisjoint(words)
    fits = named and not named.stamp and (lower or likeness(named.label) >= Likeness.WORD)
    return named if fits else None


def wrapped(opens: str) -> Opens:
    """Return an opening with a name in brackets, the first of which is in *opens*."""

    def match(rows: Sequence[Row], at: int) -> Opening | None:
        row = rows[at]
        text = row.rest.lstrip("*_")
        if text[:1] not in opens or not text:
            return None
        close = WRAPS[text[0]]
        end = text.find(close, 1, MAX_LABEL_CHARS + 12)
        if text[0] in "[(" and text[1 : max(end, 0)].strip(" (") and text.count(text[0], 1, end):
            end = text.find(close, end + 1, MAX_LABEL_CHARS + 12)
        sound = not WORDS["sounds"].isdisjoint(text[1:end].lower().split())
        if end < 2 or text[end : end + 2] == "](" or sound:
            return None
        nick = text[1:end].lstrip("@+%&~ ")  # without its mode; `+47 22 33` is a number
        named = read_label(text[1:end] if nick[:1].isdigit() else nick, row.stamp)
        rest = text[end + 1 :].lstrip("*_ \t").lstrip(":：")
        if named is None or (not rest and at + 1 == len(rows)):
            return None
        stamp, rest = (None if named.stamp else leading_stamp(rest)) or (named.stamp, rest)
        return replace(named, stamp=stamp, rest=rest.strip(), dress=row.mark + text[0])

    return match


def emphasised(rows: Sequence[Row], at: int) -> Opening | None:
    """`**Name** text`."""
    row = rows[at]
    again, text = open_emphasis(row.rest) if row.stamp else ("", row.rest)
    opening = again or row.opening
    end = text.find(opening, 1, MAX_LABEL_CHARS + 2) if opening else -1
    rest = text[end + len(opening) :]
    words = rest.strip()
    if end < 1 or not rest[:1].isspace() or not words or text[end - 1] == ":":
        return None
    if words[0].islower() and words[-1] == ".":  # `**Ana** was there.` is a sentence
        return None
    named = read_label(text[:end], row.stamp, _LEAD.sub("", rest), opening)
    return named and with_late(named)


def before_full_stop(rows: Sequence[Row], at: int) -> Opening | None:
    """`MR. LI. text`, `ANA. text`, `Mme Li, ministre. text`: a title or capitals, a full stop."""
    row = rows[at]
    found = _FULL_STOP.match(row.rest)
    if found is None or not row.placed or f"{found['name'].strip().title()}." in WORDS["titles"]:
        return None
    name, office = found["name"], found["office"]
    capitals = sum(map(str.isupper, name)) > sum(map(str.islower, name))
    if not (found["sure"] or capitals) or (office and not _is_office(office, name)):
        return None
    named = read_label(name, row.stamp, row.rest[found.end() :].strip(), row.mark + row.opening)
    sure = named and likeness(named.label) == Likeness.NAME
    return replace(named, role=office or named.role) if named and sure else None


def _is_office(text: str, name: str) -> bool:
    """Return whether *text* behind *name* is an office, and not words to who is called so."""
    cased = text[0].islower() or (name.isupper() and not text.isupper())
    return cased and NO_OFFICE.isdisjoint(text.lower().split())


def with_time_inside(rows: Sequence[Row], at: int) -> Opening | None:
    """`Name [0:01] text` and `Name<tab>0:01<tab>text`."""
    row = rows[at]
    if row.stamp or not _CLOCK_INSIDE.search(row.head):
        return None
    for gap in _STAMP_INSIDE.finditer(row.text[:HEAD_CHARS]):
        stamped = leading_stamp(row.text[gap.end() :])
        close = stamped is not None and stamped[0].plain and len(gap[0].expandtabs(2)) < 2
        if stamped is None or (close and likeness(row.text[: gap.start()]) < Likeness.NAME):
            continue
        named = read_label(row.text[: gap.start()], None)
        rest = stamped[1].lstrip("*_ \t-–—|:")
        if named is None or not rest:
            return None
        return replace(named, stamp=stamped[0], rest=rest, dress=row.mark + row.opening)
    return None


def parted(part: re.Pattern[str]) -> Opens:
    """Return an opening with a name that *part* separates from the text."""

    def match(rows: Sequence[Row], at: int) -> Opening | None:
        row = rows[at]
        found = next(filter(_outside_parentheses, part.finditer(row.rest[:HEAD_CHARS])), None)
        if found is None:
            return None
        name, rest = row.rest[: found.start()], row.rest[found.end() :].strip()
        if part is _DASH and name.endswith(".") and ends_words(name):
            name = name[:-1].partition(",")[0]  # as in `Ana Ruiz, on behalf of …. – …`
        named = read_label(name, row.stamp, rest, row.mark + row.opening)
        least = Likeness.CLAUSE if part is _COLUMN else Likeness.WORD
        if named is None or not rest or likeness(named.label) < least:
            return None
        return with_late(named)

    return match


def _outside_parentheses(found: re.Match[str]) -> bool:
    before = found.string[: found.start()]
    return before.count("(") <= before.count(")")


dashed = parted(_DASH)
in_columns = parted(_COLUMN)


def call_sign(rows: Sequence[Row], at: int) -> Opening | None:
    """`0:01 CDR text`, as of a cockpit."""
    row = rows[at]
    found = _CALL_SIGN.match(row.rest) if row.stamp else None
    if found is None or row.rest.isupper():
        return None
    return read_label(found[1], row.stamp, row.rest[found.end() :])


def after_chevrons(rows: Sequence[Row], at: int) -> Opening | None:
    """`>> text` and `>> Name: text`."""
    row = rows[at]
    if (chevron := _CHEVRONS.match(row.rest)) is None:
        return None
    rest = row.rest[chevron.end() :]
    colon = label_colon(rest) or 0
    named = read_label(rest[:colon], row.stamp, rest[colon + 1 :].strip())
    sure = named and likeness(named.label) >= Likeness.WORD
    return named if sure else Opening(stamp=row.stamp, rest=rest)


def question_or_answer(rows: Sequence[Row], at: int) -> Opening | None:
    """`Q. text` and `A. text`."""
    row = rows[at]
    answer = _QUESTION_ANSWER.match(row.rest)
    return Opening(answer[1], "", row.stamp, row.rest[answer.end() :].strip()) if answer else None
