"""Speaker labels: which `word:` prefixes name a speaker, by shape and by use in the file."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from runner.transcript.model import words_of

MAX_LABEL_CHARS = 60
MAX_LABEL_WORDS = 5

_PARTICLES = words_of("of de da di del la le van von der den bin al el y and the for")
_NEVER = words_of(
    "note notes nb date time title subject attendees participants present members duration "
    "location venue agenda topic topics summary keywords tags transcript recording source url "
    "link links http https meeting from to cc bcc re ps todo warning example examples caption "
    "copyright chapter contents abstract description file filename language version status "
    "format author authors email phone fax tel page action actions decision decisions"
)
_NEVER_LAST = words_of(
    "date time title id number url link links location duration by items points name names "
    "takeaways statements witnesses material record summary present"
)
# Words that start a clause as often as they name a speaker: labels only if they repeat.
_DISCOURSE = words_of(
    "question answer so and but or okay ok well now then because if when here there this "
    "that these those what why how which who where is are i me we you it he she they my our "
    "your yes no also again anyway first second third fourth finally basically remember "
    "point problem solution option step result quote update plus thanks thank look listen "
    "see conclusion questions problems reason reasons fact one two three meaning idea issue"
)
_CONTRACTION = re.compile(r"['’](?:s|re|ll|ve|d|m|t)$")
_MACHINE_LABEL = re.compile(r"(?:speaker|spk|participant|user|unknown)[ _-]?\w{0,8}$", re.I)
_MOSTLY = 0.8


@dataclass(frozen=True, slots=True)
class Candidate:
    """One line that may start a turn, and its marks."""

    label: str
    role: str
    timed: bool = False
    bold: bool = False
    bulleted: bool = False
    after_gap: bool = True


def label_fits(label: str) -> bool:
    """Return whether *label* looks like a speaker's name: short, capitalised, not `Note`."""
    words = label.split()
    short = 0 < len(words) <= MAX_LABEL_WORDS and len(label) <= MAX_LABEL_CHARS
    if not short or is_metadata(label):
        return False
    if _MACHINE_LABEL.match(label):
        return True
    if len(words) == 1 and label.isalnum() and label[0].islower():
        return len(label) <= 20
    return label[0].isalpha() and not label[0].islower() and all(map(_name_like, words))


def is_metadata(label: str) -> bool:
    """Return whether *label* is metadata of the recording, such as `Date` or `Attendees`."""
    words = label.lower().split()
    return bool(words) and (" ".join(words) in _NEVER or words[-1] in _NEVER_LAST)


def speaker_names(
    candidates: Sequence[Candidate], content_lines: int, first: str
) -> dict[tuple[str, str], str]:
    """Return the speaker for each (label, role) that names one, judged by the whole file.

    *content_lines* counts the lines with text; *first* is the label of the first of them, or "".
    A label must look like the file's other turns (time, bold, bullet, blank line before). Its
    role becomes part of the name only where it distinguishes two.
    """
    groups: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        groups.setdefault(candidate.label, []).append(candidate)
    style = _Style(
        total=len(candidates),
        dense=len(candidates) >= content_lines * 0.5,
        first=first,
        repeats=any(len(group) > 1 for group in groups.values()),
        timed=_mostly([candidate.timed for candidate in candidates]),
        bold=_mostly([candidate.bold for candidate in candidates]),
        unbold=_mostly([not candidate.bold for candidate in candidates]),
        unlisted=_mostly([not candidate.bulleted for candidate in candidates]),
        spaced=_mostly([candidate.after_gap for candidate in candidates]),
    )
    names: dict[tuple[str, str], str] = {}
    for label, group in groups.items():
        if _accept(label, group, style):
            roles = {candidate.role for candidate in group}
            distinct = len(roles) > 1 and "" not in roles
            names |= {(label, role): f"{label} ({role})" if distinct else label for role in roles}
    return names


@dataclass(frozen=True, slots=True)
class _Style:
    total: int
    dense: bool
    first: str
    repeats: bool
    timed: bool
    bold: bool
    unbold: bool
    unlisted: bool
    spaced: bool


def _accept(label: str, group: Sequence[Candidate], style: _Style) -> bool:
    timed = any(candidate.timed for candidate in group)
    bold = any(candidate.bold for candidate in group)
    if (style.timed and not timed) or (style.bold and not bold):
        return False
    if _CONTRACTION.sub("", label.split()[0].lower()) in _DISCOURSE:
        return len(group) > 1 and len(group) >= style.total * 0.1 and (style.dense or timed or bold)
    if label[0].islower() and not _MACHINE_LABEL.match(label):
        return len(group) > 1 and style.dense
    if len(group) > 1:
        return True
    if style.repeats:
        return _accept_single(label, group[0], style)
    return bool(style.first) or style.dense or ((timed or bold) and label.isupper())


def _accept_single(label: str, candidate: Candidate, style: _Style) -> bool:
    if style.spaced and not candidate.after_gap:
        return False
    if (style.unbold and candidate.bold) or (style.unlisted and candidate.bulleted):
        return False
    # A single word, once, amid wrapped lines is more often emphasis than a person.
    distinct = " " in label or label.isupper() or candidate.timed or candidate.bold
    return style.dense or style.spaced or distinct or label == style.first


def _mostly(flags: Sequence[bool]) -> bool:
    return bool(flags) and sum(flags) >= len(flags) * _MOSTLY


def _name_like(word: str) -> bool:
    if word in {"&", "/", "-", "–", "+"} or word.lower() in _PARTICLES:
        return True
    bare = word.rstrip(".,")
    if not bare or (word.endswith(".") and len(bare) > 4):
        return False
    if bare[0].islower() or not bare[0].isalnum():
        return False
    return bare.isalnum() or all(c.isalnum() or c in "._'’-/#&@" or ord(c) > 0x2FF for c in bare)
