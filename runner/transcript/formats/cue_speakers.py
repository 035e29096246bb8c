"""Cues: the lines shown from one time to another, and their speakers.

Speakers are names before a colon, in brackets, or on a line of their own."""

import html
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from runner.base.format import plural
from runner.base.text import to_safe_text
from runner.transcript.layouts.label_reading import ROLE
from runner.transcript.layouts.labels import LabelUse, Likeness, is_ordinary, judge, likeness
from runner.transcript.times import trailing_stamp
from runner.transcript.words import WORDS

_TAG = re.compile(r"</?(?:[vVcibus]|ruby|rt|lang|font)(?:[\s.][^<>]{0,200})?>|<\d[\d:.]{3,14}>")
_POSITION = re.compile(r"\{\\[a-z][^{}]{0,80}\}")


@dataclass(frozen=True, slots=True)
class Line:
    """A displayed line: the *speaker* whom the format itself names, or None, and the words."""

    speaker: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Cue:
    """What is shown from *start_s* to *end_s*, which are None where unknown."""

    start_s: float | None
    end_s: float | None
    lines: tuple[Line, ...]


def cue_of(
    start_s: float | None, end_s: float | None, texts: Iterable[str], speaker: str | None = None
) -> Cue:
    """Return the cue that shows *texts*, without empty ones."""
    return Cue(start_s, end_s, tuple(Line(speaker, text) for text in texts if text))


def plain(text: str) -> str:
    """Return *text* without the tags and escapes of cue formats."""
    if "<" in text or "{" in text:
        text = _POSITION.sub("", _TAG.sub("", text))
    text = to_safe_text(html.unescape(text)) if "&" in text else text
    return " ".join(text.split())


DASH = re.compile(r"[-–—‐]\s?(?=[^\W\d]|[\"“'¿¡<\[(])")

_MOSTLY = 0.8
_OPENS = frozenset("[<(【（")
_HEAD_CHARS = 100
_OPENING = re.compile(
    r"(?:[\[(]\d{1,3}:[\d:.,]{2,12}[\])]\s{0,3})?(?:[-–—‐]\s?(?=\S))?(>>{1,3}\s*)?"
)
_DASHED = re.compile(r"([^\W\d_][^:<>]{0,60}?)(?:\s[-–—]\s|\s?\|\s?|>\s?)(?=\S)")
_BRACKETS = re.compile(
    r"(?:\[{1,2}(?P<square>[^][]{1,60})\]{1,2}|<(?P<angle>[^<>]{1,60})>|\((?P<round>[^()]{1,60})\)"
    r"|【(?P<corner>[^【】]{1,60})】|（(?P<wide>[^（）]{1,60})）)\s{0,3}([:：]?)\s{0,8}"
)
_PREFIX = re.compile(
    r"((?:[^:：()\[\]]|[(（\[][^()（）\[\]]{1,40}[)）\]]){1,80}?)\s?"
    r"(?:(?<!\d):|:(?!\d)|：)(?!/)\s*"
)
_ASIDE_BEFORE = re.compile(r"([(\[][^()\[\]:]{1,40}[)\]])\s([^\W\d][^:()\[\]]{0,60}):\s")
_TIME = re.compile(r"\d{1,3}:[\d:.,]{2,12}$")
_ANGLE = "name in angle brackets"
_COLON = "name before a colon"
_ABOVE = "name above the words"
_CHEVRON = "chevrons"
_DASH = "name before a dash"
# Sounds in brackets, and clauses before a colon, which are not names.
_SOUNDS, _CLAUSE = WORDS["sounds"], WORDS["clause"]
_MAX_PREFIX_WORDS = 5
_IN_NAMES = frozenset(".-_@#()")
_ENDS = frozenset(".?!,;…。！？")
_NOT_NAME = frozenset("?!;/\\{}<>=")

Key = tuple[str, str, str]  # form, label, role
Known = dict[Key, str | None]


@dataclass(frozen=True, slots=True)
class _Mark:
    """Words in the position of a name: set apart by *form*, before *rest*."""

    form: str
    label: str
    rest: str
    role: str = ""
    dress: str = ""

    @property
    def key(self) -> Key:
        return self.form, self.label, self.role


@dataclass(frozen=True, slots=True)
class Names:
    """The speakers of a file: by form, label and role of the words that name them."""

    known: Known
    layout: str
    doubt: str = ""

    @property
    def chevrons(self) -> bool:
        """Whether `>>` opens a turn."""
        return (_CHEVRON, "", "") in self.known

    def opening(self, line: Line, *, first: bool, last: bool) -> tuple[str | None, str] | None:
        """Return the speaker that *line* names and the words after the name, or None."""
        if line.speaker is not None or not self.known:
            return None
        marks = _marks(line.text, first=first, last=last)
        known = (mark for mark in marks if mark.key in self.known and (mark.rest or not last))
        return next(((self.known[mark.key], mark.rest) for mark in known), None)


def names_in(cues: Sequence[Sequence[Line]]) -> Names:
    """Return the names in the lines of *cues*, judged by the whole file."""
    found = _Found()
    for cue in cues:
        for number, line in enumerate(cue):
            first, last = number == 0, number == len(cue) - 1
            if line.speaker is None:
                for mark in _marks(line.text, first=first, last=last):
                    found.add(mark, first=first, last=last, dash=bool(DASH.match(line.text)))
        found.first = found.first or ""  # in the first cue, or nowhere
    many = sum(len(cue) > 1 for cue in cues)
    colon = _before_colon(found, len(cues))
    known = {
        **_above(found, many, len(cues)),
        **_before_dash(found, len(cues)),
        **colon,
        **_in_brackets(found, len(cues), {label.casefold() for _, label, _ in colon}),
    }
    used = [form for form, _ in found.forms.most_common() if any(key[0] == form for key in known)]
    tagged = any(line.speaker for cue in cues for line in cue)
    layout = "speakers named by the format" if tagged else "no speakers"
    lone = [label for form, label, _ in found.marks if form == _ABOVE and likeness(label) > 2]
    doubt = ""
    if not known and len(lone) >= max(2, many * 0.5):
        what = f"begin with a line such as '{lone[0]}', which may name who speaks"
        doubt = f"{plural(len(lone), 'cue')} {what}; it is read as words"
    return Names(known, used[0] if used else layout, doubt)


class _Found:
    """Texts in the place of a name, counted over a file."""

    def __init__(self) -> None:
        self.marks: Counter[Key] = Counter()
        self.forms: Counter[str] = Counter()
        self.alone: set[Key] = set()  # with no text after them
        self.dressed: set[Key] = set()
        self.uses: list[LabelUse] = []  # before a colon
        self.opened = 0  # cues that open with a name before a colon
        self.first: str | None = None  # the label of the first mark, if before a colon
        self.placed: Counter[Key] = Counter()  # of these, in places where a turn may begin

    def add(self, mark: "_Mark", *, first: bool, last: bool, dash: bool) -> None:
        key = mark.key
        if self.first is None:
            self.first = mark.label if mark.form == _COLON else ""
        self.marks[key] += 1
        self.forms[mark.form] += 1
        if last and not mark.rest:
            self.alone.add(key)
        if mark.dress:
            self.dressed.add(key)
        if mark.form == _COLON:
            self.opened += first
            placed = first or dash or likeness(mark.label) == Likeness.NAME
            self.placed[key] += placed
            self.uses.append(LabelUse(mark.label, mark.role, dress=mark.dress, placed=placed))


def _marks(text: str, *, first: bool, last: bool) -> Iterator[_Mark]:
    """Yield possible names in *text*, the surest form first."""
    opening = None if text[0].isalnum() else _OPENING.match(text)
    start = opening.end() if opening else 0
    bracket = _BRACKETS.match(text, start) if text[start : start + 1] in _OPENS else None
    if bracket:
        kind = next(name for name, value in bracket.groupdict().items() if value is not None)
        label, role = _named(bracket[kind])
        form = f"name in {kind} brackets"
        yield _Mark(form, label, text[bracket.end() :], role, dress=bracket[6])
    head = text[:_HEAD_CHARS]
    colon = ":" in head or "：" in head
    aside = _ASIDE_BEFORE.match(text) if colon else None
    if aside:  # as in `(laughs) BEN: text`
        yield _Mark(_COLON, aside[2].strip(), f"{aside[1]} {text[aside.end() :]}")
    elif colon and (prefix := _PREFIX.match(text, start)):
        label, role = _named(prefix[1])
        tight = prefix[0].endswith(":") and prefix.end() < len(text)
        rest = text[prefix.end() :]
        bold = re.match(r"[*_]{1,3}", prefix[1])
        rest = rest.removeprefix(bold[0]).lstrip() if bold else rest
        yield _Mark(_COLON, label, rest, role, "tight" if tight and not bold else "")
    if opening and opening[1]:
        yield _Mark(_CHEVRON, "", text[start:])
    if not colon and (dashed := _DASHED.match(head)) and likeness(dashed[1]) == Likeness.NAME:
        yield _Mark(_DASH, dashed[1], text[dashed.end() :])
    starts = text[0].isalnum() or text[0] in "+@("
    may_be_name = first and not last and starts and text[-1] not in _ENDS
    name = stamped[1].strip() if may_be_name and (stamped := trailing_stamp(head)) else text
    if may_be_name and (not colon or name != text) and likeness(name) >= Likeness.WORD:
        yield _Mark(_ABOVE, name, "")


def _named(text: str) -> tuple[str, str]:
    """Return the label in *text* and the role after it, unless that is a number or a time."""
    label = " ".join(text.strip("*_ ").split())
    label = label[1:-1] if label[:1] + label[-1:] in ('""', "“”") else label
    behind = ROLE.search(label)
    if behind is None or behind[1].isdigit() or not behind.start():
        return label, ""
    return label[: behind.start()], "" if _TIME.match(behind[1]) else behind[1]


def _before_colon(found: _Found, cues: int) -> Known:
    """Names before a colon, even of unusual shape if nearly every cue has one."""
    names = judge(found.uses, cues, found.first or "").names
    known: Known = {(_COLON, label, role): name for (label, role), name in names.items()}
    if found.opened >= cues * _MOSTLY:
        for key, count in found.placed.items():
            if count and key not in known and _may_name(key[1], count):
                known[key] = key[1]
    if found.forms[_CHEVRON]:
        known[_CHEVRON, "", ""] = None
    return known


def _may_name(label: str, uses: int) -> bool:
    words = label.lower().split()
    if not 0 < len(words) <= _MAX_PREFIX_WORDS or is_ordinary(label):
        return False
    if not any(map(str.isalnum, label)) or not _NOT_NAME.isdisjoint(label):
        return False
    shaped = label[0].isupper() or not _IN_NAMES.isdisjoint(label)
    return (uses > 1 or (len(words) > 1 and shaped)) and _CLAUSE.isdisjoint(words)


def _in_brackets(found: _Found, cues: int, names: Collection[str]) -> Known:
    """Names in brackets: with a colon, before the words of most cues, or known as *names*.

    Sounds stand alone.
    """
    known: Known = {}
    for form in (form for form in found.forms if form.endswith("brackets")):
        keys = {key: count for key, count in found.marks.items() if key[0] == form}
        colons = found.dressed & keys.keys()
        sure = colons or form == _ANGLE or found.forms[form] == cues or max(keys.values()) > 1
        dense = found.forms[form] >= cues * 0.5 and sure
        for key, count in keys.items():
            label = key[1]
            named = likeness(label) == Likeness.NAME and not is_ordinary(label)
            fits = (named and dense) or label.casefold() in names
            sound = key in found.alone or not _SOUNDS.isdisjoint(label.lower().split())
            if not sound and (fits or (key in colons and (named or count > 1))):
                known[key] = label
    return known


def _before_dash(found: _Found, cues: int) -> Known:
    """Names before a dash, or `>`, in nearly all cues; some recur."""
    names: Known = {key: key[1] for key in found.marks if key[0] == _DASH}
    total = found.forms[_DASH]
    return names if total >= max(2, cues * _MOSTLY) and len(names) <= total * 0.75 else {}


def _above(found: _Found, many: int, cues: int) -> Known:
    """Names on a line above the words of nearly all cues with two lines; some recur."""
    titles = {key: count for key, count in found.marks.items() if key[0] == _ABOVE}
    total = found.forms[_ABOVE]
    if not total or total < many * _MOSTLY or many < cues * 0.5:
        return {}
    if max(titles.values()) < 2 or len(titles) > total * 0.75:
        return {}
    return {key: key[1] for key in titles}
