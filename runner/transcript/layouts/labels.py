"""Labels: texts in a speaker's position, and which of them are speakers."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from runner.transcript.model import words_of
from runner.transcript.times import MONTH
from runner.transcript.words import WORDS

MAX_LABEL_CHARS = 80
MAX_LABEL_WORDS = 12
_MAX_NAME_WORDS = 6
_MAX_CASELESS_CHARS = 24
_SENTENCE = WORDS["clause"] - words_of("the a an and to for with on in this here so")
_MAX_PREFIX_WORDS = 5
_IN_NAMES = frozenset(".-_@#()")
_NOT_NAME = frozenset("?!;/\\{}<>=")
_SENTENCE_ENDS = re.compile(r"[a-z]{2}\.\s+[A-Z]")

_PARTICLES = WORDS["particles"]
FACTS = WORDS["facts"]
_ORDINARY = FACTS | WORDS["ordinary"]
_DIVISION = re.compile(
    rf"(?:{'|'.join(WORDS['divisions'])}) (?:\d{{1,3}}|[a-z]|[ivx]{{1,5}}|one|two|three|four)$",
    re.IGNORECASE,
)
_CONTRACTION = re.compile(r"['’](?:s|re|ll|ve|d|m|t)$")
_MACHINE = re.compile(
    r"(?:speaker|spk|participant|user|unknown|caller|guest|voice|interviewe[er]|person)"
    r"[ _.#-]{0,2}\w{0,8}$",
    re.IGNORECASE,
)
# As in `M. le ministre délégué`.
_TITLED_OFFICE = re.compile(
    r"M(?:\.|me|lle) l(?:[ea] |['’])[\w’'-]+(?: (?:d[eu]s? |d['’])?[\w’'-]+)?$"
)
_ADDRESS = re.compile(r"[^\s@]{1,64}@[^\s@]{1,99}\.[^\s@]{1,40}$|[+(]?\d[\d\s().-]{5,20}\d$")
_NOT_LABEL = re.compile(
    r"(?:\w{5}\.|[?!])\s+[a-z]|[{}<>=\"“”„]|:\s|://|^[a-z]+://|\.\.\.|…|,\s+(?:and|but|so|or)\s+[a-z]"
)
_RULES = re.compile(
    r"^(?:={2,9}|/{2,9}|-{2,9}|~{2,9})\s{1,8}|\s{1,8}(?:={2,9}|/{2,9}|-{2,9}|~{2,9}|#{1,6})$"
)
_MARKS = re.compile(r"(?<!\S)[*_`]+|[*_`]+(?!\S)")
_OFFICE = re.compile(r"\s[-–—]{1,2}\s")
_NICKNAME = re.compile(r"\s[\"“‘][^\"“”‘’]{1,20}[\"”’](?=\s)")
_INSIDE = re.compile(r"\s[(\[][^()\[\]]{1,40}[)\]](?=\s|$)")
_DAY = re.compile(
    rf"(?:{MONTH}\s\d{{1,2}}|\d{{1,2}}\.?\s{MONTH}(?<!\.)|\d{{1,4}}[./-]\d{{1,2}}[./-]\d{{1,4}}"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day)\b",
    re.IGNORECASE,
)


class Likeness(IntEnum):
    """How much a label looks like a name: not at all, only if it recurs, or by itself."""

    NONE = 0
    CLAUSE = 1
    WORD = 2
    NAME = 3


@lru_cache(4096)
def likeness(label: str) -> Likeness:
    """Return how much *label* looks like the name of a speaker."""
    words = label.split()
    if not 0 < len(words) <= MAX_LABEL_WORDS or len(label) > MAX_LABEL_CHARS:
        return Likeness.NONE
    if any(form.match(label) for form in (_MACHINE, _ADDRESS, _TITLED_OFFICE)):
        return Likeness.NAME
    if not any(map(str.isalnum, label)):
        picture = any(unicodedata.category(char) == "So" for char in label)
        return Likeness.CLAUSE if picture or set(label) == {"?"} else Likeness.NONE
    balanced = all(label.count(a) == label.count(b) for a, b in ("()", "[]"))
    if _NOT_LABEL.search(_NICKNAME.sub("", label)) or not balanced:
        return Likeness.NONE
    head, *offices = _OFFICE.split(label)  # as in `Ana Ruiz — Acme Bank — Analyst`
    if offices and " " in head and all(_name_like(w) for each in offices for w in each.split()):
        return likeness(head)
    if is_ordinary(label) or _DAY.search(label):
        titled = len(words) > 1 and all(map(_name_like, words)) and not _DAY.search(label)
        return Likeness.WORD if titled and not _CONTRACTION.search(words[0]) else Likeness.CLAUSE
    if label[0] in "@~" and len(words) == 1:
        return Likeness.NAME
    while len(words) > 1 and words[0] in _PARTICLES:  # as in `van der Berg`
        words = words[1:]
    label = " ".join(words)
    small = label[0].islower() and words[0].islower()  # `iPhone` is not
    if small and len(words) == 1:
        return Likeness.WORD
    titled = words[0].endswith(".") or words[-1].isdigit() or len(words[-1]) == 1
    if label.isdigit() or (small and not (titled and len(words) == 2)):  # `dr. o'neill` is titled
        return Likeness.CLAUSE
    caseless = label.lower() == label.upper() and not label.isascii()
    if caseless:
        return Likeness.NAME if len(label) <= _MAX_CASELESS_CHARS else Likeness.CLAUSE
    words = _INSIDE.sub("", _NICKNAME.sub("", label)).split() or words
    named = len(words) <= _MAX_NAME_WORDS and all(map(_name_like, words))
    return Likeness.NAME if named else Likeness.CLAUSE


def is_ordinary(label: str) -> bool:
    """Return whether *label* begins with a word that begins a remark as often as it names one."""
    word = _CONTRACTION.sub("", label.split(maxsplit=1)[0].lower())
    return word.strip("*_.,") in _ORDINARY or is_division(label)


def is_division(label: str) -> bool:
    """Return whether *label* numbers a part of a file, such as `SECTION A`."""
    return _DIVISION.match(label) is not None


@dataclass(frozen=True, slots=True)
class LabelUse:
    """A row that may start a turn, and its marks.

    *dress* is what sets off its label; *address*: nothing but a web address follows it; *alone*:
    nothing at all follows it in the line.
    """

    label: str
    role: str = ""
    timed: bool = False
    dress: str = ""
    placed: bool = True
    address: bool = False
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which labels are speakers.

    *names* has the speaker for each (label, role); *unknown* has labels that stand in a speaker's
    place and may be none: who speaks there cannot be told.
    """

    names: dict[tuple[str, str], str]
    unknown: frozenset[str] = frozenset()


def judge(candidates: Sequence[LabelUse], places: int, first: str) -> Verdict:
    """Return which labels are speakers, by all *candidates* of one layout.

    *places* counts the rows where a turn may start; *first* is the label of the first of them, or
    "". A role becomes part of a name only to distinguish two speakers.
    """
    groups: dict[str, list[LabelUse]] = {}
    for candidate in candidates:
        groups.setdefault(candidate.label, []).append(candidate)
    habit = _habit(candidates, groups, places, first)
    names: dict[tuple[str, str], str] = {}
    unknown = set()
    speaks = {label: _accept(label, group, habit) for label, group in groups.items()}
    known = {label.casefold() for label, sure in speaks.items() if sure}
    for label, group in groups.items():
        if label.casefold() in known:
            roles = {candidate.role for candidate in group}
            distinct = 1 < len(roles) <= max(2, len(group) / 2) and "" not in roles
            names |= {(label, role): f"{label} ({role})" if distinct else label for role in roles}
        elif speaks[label] is None:
            unknown.add(label)
    return Verdict(names, frozenset(unknown))


@dataclass(frozen=True, slots=True)
class _Habit:
    total: int
    dense: bool
    every: bool
    first: str
    repeats: bool
    timed: bool
    dress: str | None
    alone: bool


def _habit(
    candidates: Sequence[LabelUse], groups: dict[str, list[LabelUse]], places: int, first: str
) -> _Habit:
    recurring = [each for group in groups.values() if len(group) > 1 for each in group]
    typical = recurring or candidates
    most = len(typical) * 0.8
    (dress, dressed), *_ = Counter(each.dress for each in typical).most_common(1) or [("", 0)]
    return _Habit(
        total=len(candidates),
        dense=len(candidates) >= places * 0.5,
        every=len(candidates) >= places * 0.8,
        first=first,
        repeats=bool(recurring),
        timed=sum(each.timed for each in typical) >= most,
        dress=dress if dressed >= most else None,
        alone=sum(each.alone for each in typical) >= most,
    )


def _accept(label: str, group: Sequence[LabelUse], habit: _Habit) -> bool | None:
    """Return whether *label* is a speaker; None if only its position suggests it."""
    like = likeness(label)
    dressed = habit.dress is None or any(each.dress == habit.dress for each in group)
    fits = dressed and (not habit.timed or any(each.timed for each in group))
    alone = habit.alone and all(each.alone for each in group)
    set_off = fits and (habit.timed or bool(habit.dress) or alone)
    often = len(group) > 1 and len(group) >= habit.total * 0.1
    named = like == Likeness.NAME or is_division(label)
    if all(each.address for each in group) or like == Likeness.NONE:
        return None
    if not fits and dressed and habit.dense and not is_ordinary(label):
        often = often or (bool(habit.dress) and like == Likeness.NAME)
        return often or (None if any(each.placed for each in group) else False)
    if not fits and habit.every and not habit.timed and named:
        return None
    if not fits:
        return often and like == Likeness.NAME and habit.dress is not None and len(group) > 2
    if like == Likeness.NAME and len(group) > 1:
        return True
    if not (any(each.placed for each in group) or (fits and habit.dress)):
        return False
    if like == Likeness.NAME:
        return _once(label, habit, set_off=set_off)
    if len(group) > 1 and like == Likeness.WORD and not is_ordinary(label):
        return True
    if len(group) > 1 and (habit.dense or set_off):
        words = label.split()  # `Bo can trill` may be a name, and `we will talk of two things` not
        often = often and (len(words) < _MAX_PREFIX_WORDS or _SENTENCE.isdisjoint(words[1:]))
        return often or like == Likeness.WORD or None
    if is_ordinary(label) or not habit.dense:
        apart = set_off or (is_division(label) and label != habit.first)
        return None if habit.dense and apart else False
    if like == Likeness.WORD or set_off:
        return True
    if habit.every and _may_name(label, len(group)):
        return True
    return None if habit.every or len(label.split()) <= _MAX_NAME_WORDS else False


def _may_name(label: str, uses: int) -> bool:
    """Return whether *label* may be a speaker where nearly all lines have one."""
    words = label.lower().split()
    said = not _NOT_NAME.isdisjoint(label) or _SENTENCE_ENDS.search(label)
    if said or len(words) > _MAX_PREFIX_WORDS:
        return False
    shaped = label[0].isupper() or not _IN_NAMES.isdisjoint(label)
    return (uses > 1 or (len(words) > 1 and shaped)) and WORDS["clause"].isdisjoint(words)


def _once(label: str, habit: _Habit, *, set_off: bool) -> bool | None:
    """Return whether a name that occurs once is a speaker; a word may begin a sentence."""
    if not (habit.repeats or habit.dense or habit.first or (set_off and label.isupper())):
        return False
    sure = habit.dense or set_off or " " in label or label.isupper() or label == habit.first
    return True if sure else None


def _name_like(word: str) -> bool:
    if not any(map(str.isalnum, word)) or word.lower() in _PARTICLES:
        return len(word) < 4 or word.isalpha()
    bare = word.strip("(),.'’\"[]~@")
    if not bare or (word.endswith(".") and len(bare) > 4 and not bare.isupper()):
        return False
    if bare[0].islower() and not any(c in "'’" or c.isdigit() or c.isupper() for c in bare):
        return False
    return all(c.isalnum() or c in "._'’-/#&@|()+*" or ord(c) > 0x2FF for c in bare)


def strip_marks(label: str) -> str:
    """Return *label* without emphasis, rules beside it, and white space of more than a space."""
    label = label.replace("'''", "")  # bold in a wiki
    if "*" in label or "_" in label or "`" in label:
        label = _MARKS.sub("", label.replace("**", "").replace("__", ""))
    if label[:1] + label[-1:] and not (label[0].isalnum() and label[-1].isalnum()):
        label = _RULES.sub("", label)
    return " ".join(label.split())
