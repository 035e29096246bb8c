"""Turn openings: the speaker, the time and the first words in a line that starts a turn."""

import re
from dataclasses import dataclass, replace

from runner.transcript.labels import is_metadata, label_fits
from runner.transcript.times import Stamp, leading_stamp, trailing_stamp

_HEAD_CHARS = 160
_QUOTE_OR_BULLET = re.compile(r"(?:> ?(?!>)|[-*+•] +)")
_EMPHASIS = re.compile(r"(?:\*{1,3}|_{1,3})(?=[^\s*_])")
_ROLE = re.compile(r"\s?\(([^()]{1,80})\)$")
_COLON = re.compile("[:：]")
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
    label: str = ""
    role: str = ""
    stamp: Stamp | None = None
    rest: str = ""
    bold: bool = False


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
    if chevron := _CHEVRONS.match(text):
        rest = text[chevron.end() :]
        return replace(
            _named(rest, "", None) or Head("chevron", rest=rest), kind="chevron", bold=False
        )
    if answer := _QUESTION_ANSWER.match(text):
        return Head("qa", answer[1], rest=text[answer.end() :].strip())
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
    return Head("time", stamp=stamp, rest=again + rest)


def metadata_line(line: str) -> bool:
    """Return whether *line* is metadata such as `Date: …` or `**Attendees:** …`."""
    text = bare_line(line)[:_HEAD_CHARS]
    label, colon, _ = text.partition(":")
    return bool(colon) and is_metadata(_strip_marks(label))


def _open_emphasis(text: str) -> tuple[str, str]:
    match = _EMPHASIS.match(text)
    return (match[0], text[match.end() :]) if match else ("", text)


def _named(text: str, opening: str, stamp: Stamp | None) -> Head | None:
    colon = _label_colon(text)
    if colon is None:
        return None if stamp else _title(text, opening)
    label, rest = text[:colon], text[colon + 1 :]
    if opening and opening not in label and rest.startswith(opening):
        rest = rest[len(opening) :]
    elif rest and not rest[0].isspace() and text[colon] == ":":
        return None
    head = _label(label, stamp)
    if head is None:
        return None if stamp else _title(text, opening)
    stamp, rest = head.stamp, rest.strip()
    later = None if stamp else leading_stamp(rest)
    if later and later[0].bracketed:
        stamp, rest = later[0], later[1].strip()
    return Head("label", head.label, head.role, stamp, rest, bool(opening))


def _label_colon(text: str) -> int | None:
    """Return the index of the colon that ends a label; one between digits is part of a time."""
    for match in _COLON.finditer(text[:_HEAD_CHARS]):
        at = match.start()
        if match[0] == "：" or not (
            text[at - 1 : at].isdigit() and text[at + 1 : at + 2].isdigit()
        ):
            return at
    return None


def _label(text: str, stamp: Stamp | None) -> Head | None:
    name, role = _strip_marks(text), ""
    if stamp is None and (found := trailing_stamp(name)):
        stamp, name = found[0], _strip_marks(found[1].rstrip(" |,-–—"))
    if parenthesis := _ROLE.search(name):
        role, name = parenthesis[1].strip(), _strip_marks(name[: parenthesis.start()])
    if name.startswith("[") and name.endswith("]"):
        name = name[1:-1].strip()
    return Head("label", name, role, stamp) if label_fits(name) else None


def _title(text: str, opening: str) -> Head | None:
    head = _label(text, None) if len(text) <= _HEAD_CHARS else None
    return replace(head, kind="title", bold=bool(opening)) if head and head.stamp else None


def _strip_marks(label: str) -> str:
    return " ".join(label.replace("**", "").replace("__", "").strip("*_ \t").split())
