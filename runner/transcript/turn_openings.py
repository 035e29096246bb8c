"""Turn openings: the speaker, the time and the first words in a line that starts a turn."""

from __future__ import annotations

import re
from dataclasses import dataclass

from runner.transcript.labels import is_metadata, label_fits
from runner.transcript.times import Stamp, leading_stamp, trailing_stamp

_HEAD_CHARS = 160
_QUOTE_OR_BULLET = re.compile(r"(?:> ?(?!>)|[-*+•] +)")
_EMPHASIS = re.compile(r"(?:\*{1,3}|_{1,3})(?=[^\s*_])")
_ROLE = re.compile(r"\s?\(([^()]{1,80})\)$")
_CHEVRONS = re.compile(r">>{1,3}\s*")
_QUESTION_ANSWER = re.compile(r"([QA])(?:[.:]\s+|[.:]$|\s{2,}|\t)")
_AFTER_STAMP = re.compile(r"[*_]{0,3}\s{0,8}[-–—|:]?\s{0,8}")


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a line that may start a turn.

    *kind* is `label` (`Name: text`), `title` (`Name 00:01`, text below), `below`
    (`00:01 Name`, text below), `chevron` (`>> text`), `qa` (`Q. text`) or `time` (a stamp and
    no name). *label* is the bare name, *role* the text in parentheses; both may be empty.
    """

    kind: str
    label: str
    role: str
    stamp: Stamp | None
    rest: str
    bold: bool


def is_bulleted(line: str) -> bool:
    """Return whether *line* is a list item."""
    match = _QUOTE_OR_BULLET.match(line.strip())
    return match is not None and not match[0].startswith(">")


def bare_line(line: str) -> str:
    """Return *line* without outer white space, quote mark and bullet."""
    stripped = line.strip()
    match = _QUOTE_OR_BULLET.match(stripped)
    return stripped[match.end() :].lstrip() if match else stripped


def read_head(line: str) -> Head | None:
    """Return the head of *line*, judged alone; None for plain text."""
    text = bare_line(line)
    chevron = _CHEVRONS.match(text)
    if chevron:
        return _chevron(text[chevron.end() :])
    answer = _QUESTION_ANSWER.match(text)
    if answer:
        return Head("qa", answer[1], "", None, text[answer.end() :].strip(), False)
    bold, text = _open_emphasis(text)
    stamped = leading_stamp(text)
    if stamped is None:
        return _named(text, bold, None)
    stamp, rest = stamped
    gap = _AFTER_STAMP.match(rest)
    rest = rest[gap.end() :] if gap else rest
    still_open = "" if gap and gap[0][:1] in {"*", "_"} else bold
    again, rest = _open_emphasis(rest)
    named = _named(rest, again or still_open, stamp)
    if named is not None:
        return named
    name = _strip_marks(rest) if len(rest) <= _HEAD_CHARS else ""
    if name and not name.endswith((".", "?", "!", ",")) and label_fits(name):
        return Head("below", name, "", stamp, again + rest, bool(bold or again))
    return Head("time", "", "", stamp, again + rest, False)


def metadata_line(line: str) -> bool:
    """Return whether *line* is metadata such as `Date: …` or `**Attendees:** …`."""
    text = bare_line(line)[:_HEAD_CHARS]
    label, colon, _ = text.partition(":")
    return bool(colon) and is_metadata(_strip_marks(label))


def _chevron(rest: str) -> Head:
    named = _named(rest, "", None)
    if named is None:
        return Head("chevron", "", "", None, rest, False)
    return Head("chevron", named.label, named.role, named.stamp, named.rest, False)


def _open_emphasis(text: str) -> tuple[str, str]:
    match = _EMPHASIS.match(text)
    return (match[0], text[match.end() :]) if match else ("", text)


def _named(text: str, opening: str, stamp: Stamp | None) -> Head | None:
    colon = _label_colon(text)
    if colon is None:
        return None if stamp else _title(text, opening)
    rest = text[colon + 1 :]
    label = text[:colon]
    if opening and opening not in label and rest.startswith(opening):
        rest = rest[len(opening) :]
    elif rest and not rest[0].isspace() and text[colon] == ":":
        return None
    found = _label(label, stamp)
    if found is None:
        return None if stamp else _title(text, opening)
    name, role, when = found
    rest = rest.strip()
    if when is None:
        later = leading_stamp(rest)
        if later and later[0].bracketed:
            when, rest = later[0], later[1].strip()
    return Head("label", name, role, when, rest, bool(opening))


def _label_colon(text: str) -> int | None:
    for index, char in enumerate(text[:_HEAD_CHARS]):
        if char == "：":
            return index
        if char == ":" and not (
            text[index - 1 : index].isdigit() and text[index + 1 : index + 2].isdigit()
        ):
            return index
    return None


def _label(text: str, stamp: Stamp | None) -> tuple[str, str, Stamp | None] | None:
    name = _strip_marks(text)
    if stamp is None:
        found = trailing_stamp(name)
        if found:
            stamp, name = found[0], _strip_marks(found[1].rstrip(" |,-–—"))
    role = ""
    parenthesis = _ROLE.search(name)
    if parenthesis:
        role, name = parenthesis[1].strip(), _strip_marks(name[: parenthesis.start()])
    if name.startswith("[") and name.endswith("]"):
        name = name[1:-1].strip()
    return (name, role, stamp) if label_fits(name) else None


def _title(text: str, opening: str) -> Head | None:
    if len(text) > _HEAD_CHARS:
        return None
    found = _label(text, None)
    if found is None or found[2] is None:
        return None
    return Head("title", found[0], found[1], found[2], "", bool(opening))


def _strip_marks(label: str) -> str:
    return " ".join(label.replace("**", "").replace("__", "").strip("*_ \t").split())
