"""Speakers in cues: names before a colon, in brackets, or on a line of their own."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runner.transcript.formats.cue import Line
from runner.transcript.layouts.labels import LabelUse, Likeness, is_ordinary, judge, likeness
from runner.transcript.model import words_of

DASH = re.compile(r"[-–—‐]\s?(?=[^\W\d]|[\"“'¿¡<\[(])")

_MOSTLY = 0.8
_OPENING = re.compile(r"(?:[-–—‐]\s?(?=\S))?(>>{1,3}\s*)?")
_BRACKETS = re.compile(
    r"(?:\[(?P<square>[^][]{1,60})\]|<(?P<angle>[^<>]{1,60})>|\((?P<round>[^()]{1,60})\)"
    r"|【(?P<corner>[^【】]{1,60})】|（(?P<wide>[^（）]{1,60})）)\s{0,3}([:：]?)\s{0,8}"
)
_PREFIX = re.compile(r"([^:：]{1,80}?)\s?(?:(?<!\d):|:(?!\d)|：)(?!/)\s*")
_ROLE = re.compile(r"\s?[(（]([^()（）]{1,80})[)）]$")
_ANGLE = "name in angle brackets"
_COLON = "name before a colon"
_ABOVE = "name above the words"
_CHEVRON = "chevrons"
# What stands in brackets but is a sound, and what stands before a colon but is a clause.
_SOUNDS = words_of(
    "music applause laughter laughs laughing laugh silence inaudible crosstalk noise cough coughs "
    "coughing sigh sighs sighing pause beep unintelligible indistinct cheering cheers chuckles "
    "clapping gasps groans grunts whispers screams shouts crying sobbing all"
)
_CLAUSE = words_of(
    "the a an is are was were be so and but if that this it we you i they not to for with on in "
    "have has do does will can there here what how why"
)
_MAX_PREFIX_WORDS = 5
_ENDS = frozenset(".?!,;…。！？")
_NOT_NAME = frozenset("?!;/\\{}<>=")

Key = tuple[str, str, str]  # form, label, role
Known = dict[Key, str | None]


@dataclass(frozen=True, slots=True)
class _Mark:
    """Words that stand where a name may stand: set apart by *form*, before *rest*."""

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

    def opening(self, line: Line, *, first: bool, last: bool) -> tuple[str | None, str] | None:
        """Return the speaker that *line* names and the words after the name, or None."""
        if line.speaker is not None or not self.known:
            return None
        for mark in _marks(line.text, first=first, last=last):
            if mark.key in self.known:
                return self.known[mark.key], mark.rest
        return None


def names_in(cues: Sequence[Sequence[Line]]) -> Names:
    """Return the names in the lines of *cues*, judged by the whole file."""
    marks: list[_Mark] = []
    alone: set[Key] = set()
    firsts: set[int] = set()  # cues that open with a name before a colon
    for index, cue in enumerate(cues):
        for number, line in enumerate(cue):
            last = number == len(cue) - 1
            if line.speaker is not None:
                continue
            for mark in _marks(line.text, first=number == 0, last=last):
                marks.append(mark)
                if last and not mark.rest:
                    alone.add(mark.key)
                if number == 0 and mark.form == _COLON:
                    firsts.add(index)
    dense = len(firsts) >= len(cues) * _MOSTLY
    many = sum(len(cue) > 1 for cue in cues)
    known = {
        **_above(marks, many, len(cues)),
        **_before_colon(marks, len(cues), dense=dense),
        **_in_brackets(marks, alone, len(cues)),
    }
    forms = Counter(mark.form for mark in marks if mark.key in known)
    tagged = any(line.speaker for cue in cues for line in cue)
    layout = "speakers named by the format" if tagged else "no speakers"
    return Names(known, forms.most_common(1)[0][0] if forms else layout)


def _marks(text: str, *, first: bool, last: bool) -> Iterator[_Mark]:
    """Yield what may be a name in *text*, the surest form first."""
    opening = _OPENING.match(text)
    start = opening.end() if opening else 0
    bracket = _BRACKETS.match(text, start)
    if bracket and bracket.lastgroup is None:
        kind = next(name for name, value in bracket.groupdict().items() if value is not None)
        label = " ".join(bracket[kind].split())
        form = f"name in {kind} brackets"
        yield _Mark(form, label, text[bracket.end() :], dress=bracket[6])
    if prefix := _PREFIX.match(text, start):
        label, role = " ".join(prefix[1].strip("*_ ").split()), ""
        if (behind := _ROLE.search(label)) and not behind[1].isdigit() and behind.start():
            label, role = label[: behind.start()], behind[1]
        tight = prefix[0].endswith(":") and prefix.end() < len(text)
        yield _Mark(_COLON, label, text[prefix.end() :], role, "tight" if tight else "")
    if opening and opening[1]:
        yield _Mark(_CHEVRON, "", text[start:])
    may_be_name = first and not last and text[0].isalnum() and text[-1] not in _ENDS
    if may_be_name and ":" not in text and likeness(text) == Likeness.NAME:
        yield _Mark(_ABOVE, text, "")


def _before_colon(marks: Sequence[_Mark], cues: int, *, dense: bool) -> Known:
    """Names before a colon; where nearly every cue has one, those of unusual shape too."""
    found = [mark for mark in marks if mark.form == _COLON]
    first = found[0].label if found and found[0] is marks[0] else ""
    uses = [LabelUse(mark.label, mark.role, dress=mark.dress) for mark in found]
    names = judge(uses, cues, first).names
    known: Known = {(_COLON, label, role): name for (label, role), name in names.items()}
    used = Counter(mark.label for mark in found)
    for mark in found if dense else ():
        if mark.key not in known and _may_name(mark.label, used[mark.label]):
            known[mark.key] = mark.label
    if any(mark.form == _CHEVRON for mark in marks):
        known[_CHEVRON, "", ""] = None
    return known


def _may_name(label: str, uses: int) -> bool:
    words = label.lower().split()
    if not words or len(words) > _MAX_PREFIX_WORDS or is_ordinary(label):
        return False
    if not any(map(str.isalnum, label)) or not _NOT_NAME.isdisjoint(label):
        return False
    return (uses > 1 or len(words) > 1) and _CLAUSE.isdisjoint(words)


def _in_brackets(marks: Sequence[_Mark], alone: set[Key], cues: int) -> Known:
    """Names in brackets: with a colon, or before the words of most cues; sounds stand alone."""
    known: Known = {}
    bracketed = [mark for mark in marks if mark.form.endswith("brackets")]
    uses = Counter(mark.key for mark in bracketed)
    for form, count in Counter(mark.form for mark in bracketed).items():
        of_form = {mark.key: mark for mark in bracketed if mark.form == form}
        colons = {mark.key for mark in bracketed if mark.form == form and mark.dress}
        dense = count >= cues * 0.5
        recurs = any(uses[key] > 1 for key in of_form)
        for key, mark in of_form.items():
            named = likeness(mark.label) == Likeness.NAME and not is_ordinary(mark.label)
            if key in alone or not _SOUNDS.isdisjoint(mark.label.lower().split()):
                continue
            if (key in colons and (named or uses[key] > 1)) or (
                dense and named and (recurs or colons or count == cues or form == _ANGLE)
            ):
                known[key] = mark.label
    return known


def _above(marks: Sequence[_Mark], many: int, cues: int) -> Known:
    """Names on a line above the words of nearly all cues with two lines; some recur."""
    titles = Counter(mark.key for mark in marks if mark.form == _ABOVE)
    total = titles.total()
    if not total or total < many * _MOSTLY or many < cues * 0.5:
        return {}
    if max(titles.values()) < 2 or len(titles) > total * 0.75:
        return {}
    return {key: key[1] for key in titles}
