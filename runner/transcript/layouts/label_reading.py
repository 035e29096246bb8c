"""The opening of a turn, and the label, role and time in the words that may be one."""

import re
from dataclasses import dataclass, field, replace

from runner.transcript.layouts.labels import MAX_LABEL_CHARS, likeness, strip_marks
from runner.transcript.times import Stamp, leading_stamp, trailing_stamp

HEAD_CHARS = 160
ROLE = re.compile(r"\s?[(（\[]([^()（）\[\]]{1,80})[)）\]]$")
WRAPS = {"[": "]", "【": "】", "［": "］", "「": "」", "<": ">", "(": ")", "（": "）"}
_COLON = re.compile("[:：]")
_KEYS = re.compile(r"^(?:speaker|name): |\s[|,;–-]\s(?:time|timestamp|start)$", re.IGNORECASE)
_FROM_TO = re.compile(r"from\s+(.+?)\s+to\s+\S.*$", re.IGNORECASE)
_AT = re.compile(r"\s(?:said\s)?at$")
_QUOTES = ('""', "“”", "„“", "«»")
_JOINTS = " :|,-–—•·@\t"


@dataclass(frozen=True, slots=True)
class Opening:
    """The opening of a turn.

    *label* is the bare name, *role* the text in parentheses behind it; both may be empty. *dress*
    is what sets the label off: bullet, emphasis, brackets. *late* is a time right behind the label
    that may as well be text, and what follows it. *rows* is how many rows the opening takes.
    """

    label: str = ""
    role: str = ""
    stamp: Stamp | None = None
    rest: str = ""
    dress: str = ""
    late: tuple[Stamp, str] | None = field(default=None, compare=False)
    rows: int = 1


def with_late(opening: Opening) -> Opening:
    """Read a time behind the label: in brackets, or alone, it is one for sure."""
    late = None if opening.stamp else leading_stamp(opening.rest)
    if late is None:
        return opening
    stamp, rest = late[0], late[1].lstrip("\t -–—|`")
    if stamp.bracketed or not rest:
        return replace(opening, stamp=stamp, rest=rest)
    return replace(opening, late=(stamp, rest))


def label_colon(text: str) -> int | None:
    """Return the index of the colon that ends a label; one between digits is part of a time."""
    for match in _COLON.finditer(text[:HEAD_CHARS]):
        at = match.start()
        if text[0] == "@" and " " not in text[: at + 2]:  # as in `@ana:example.org: …`
            continue
        clock = match[0] == ":" or "：" in (text[at - 3 : at - 2], text[at + 3 : at + 4])
        if not (clock and text[at - 1 : at].isdigit() and text[at + 1 : at + 2].isdigit()):
            return at
    return None


def read_label(
    text: str, stamp: Stamp | None, rest: str = "", dress: str = "", *, head: bool = False
) -> Opening | None:
    """Return the label, role and time in *text*, if it is one, or at the *head* of a block."""
    name, role = strip_marks(text), ""
    if stamp is None and (found := trailing_stamp(name)):
        stamp, name = found[0], _AT.sub("", strip_marks(found[1].rstrip(_JOINTS)))
    if ": " in name:
        name = _KEYS.sub("", name)
    if private := _FROM_TO.match(name):
        name = private[1]
    elif stamp and name[:5].lower() == "from ":
        name = name[5:].strip()
    if name[:1] in WRAPS and name.endswith(WRAPS[name[0]]) and name.count(name[0]) == 1:
        dress, name = dress + name[0], strip_marks(name[1:-1])
    if name[:1] + name[-1:] in _QUOTES and len(name) > 2:
        name = name[1:-1].strip()
    while name.endswith((")", "）", "]")) and (behind := ROLE.search(name)):
        if behind[1].strip().isdigit() or not behind.start():
            break
        role = f"{behind[1].strip()}; {role}" if role else behind[1].strip()
        name = strip_marks(name[: behind.start()])
    name = name.replace("\\", "").strip().removeprefix("~ ").removeprefix("//").lstrip(", ")
    short = head and 0 < len(name) <= MAX_LABEL_CHARS
    return Opening(name, role, stamp, rest, dress) if short or likeness(name) else None
