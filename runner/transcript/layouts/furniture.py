"""Furniture of a text: lines that are not speech, such as page numbers, notices and rules."""

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from runner.transcript.model import ends_sentence
from runner.transcript.words import PATTERNS, TABLES

_RECORDING, _SWITCHED = f"(?:{PATTERNS['recording']})", f"(?:{PATTERNS['switched']})"
_NOTICE = re.compile("|".join(TABLES["notices"]), re.IGNORECASE)
# Between blank lines, since somebody may say so, too.
_ALONE = re.compile(
    rf"^(?:[^:?!]{{1,60}} {_SWITCHED} (?:\w{{1,3}}['’ ]?)?{_RECORDING}$"
    rf"|[^:?!]{{1,60}} {_RECORDING} {_SWITCHED}$"
    r"|[^:.?!]{0,60}(?:transcri|transkri|trascri)[^:.?!]{0,40}\d\d:\d\d:\d\d(?: beendet)?"
    r"[^\w:.?!]*$)",
    re.IGNORECASE,
)
_FIELD = re.compile(r"(?:_[a-z][a-z_]{0,20} ?:(?=\s|$)|#\+[A-Za-z_]{1,30}:)(?!.*_$)")
_TAG = re.compile(
    r"</?(?:details|summary|div|p|hr|br|center|section|article|main|span|table|t[rdh]|tbody|pre)"
    r"(?:\s[^<>]{0,300})?/?>$",
    re.IGNORECASE,
)
_RULE_CHARS = frozenset("-=_*~— ")
_DOT_LEADER = re.compile(r"\.{5,}\s{0,8}\d{0,5}$")
_PAGE = re.compile(r"(?:pages?|p\.|s\.|seite|página|pagina)\s?\d", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")
_MAX_CHARS = 120
_MIN_PAGES = 3
_MIN_NUMBERS = 5  # of lines in a margin
_MIN_PAGE_LINES = 15  # between lines that end in a growing number and do not say what it is


def furniture(lines: Sequence[str]) -> list[str]:
    """Return for each of *lines* the kind of furniture it is, or "" for text."""
    numbers = _growing_numbers(lines)
    kinds = {
        **dict.fromkeys(_notices(lines), "notices"),
        **dict.fromkeys(_initials(lines), "initials"),
        **dict.fromkeys(line_numbers(lines), "line numbers"),
        **dict.fromkeys(numbers, "page and cue numbers"),
        **dict.fromkeys(_around(lines, numbers), "page headers"),
    }
    return [kinds.get(at) or _kind(line.strip()) for at, line in enumerate(lines)]


def _notices(lines: Sequence[str]) -> Iterator[int]:
    around = zip(["", *lines], lines, [*lines[1:], ""], strict=False)
    for at, (above, line, below) in enumerate(around):
        if not above.strip() and not below.strip() and _ALONE.match(line.strip()[:_MAX_CHARS]):
            yield at


def _kind(stripped: str) -> str:
    if len(stripped) > 2 and (set(stripped) <= _RULE_CHARS or stripped.startswith("```")):
        return "rules"
    if stripped.startswith("<!--") and stripped.endswith("-->"):
        return "comments"
    if _TAG.match(stripped):
        return "tags"
    if _FIELD.match(stripped):
        return "fields of the file"
    if "....." in stripped[-200:] and _DOT_LEADER.search(stripped[-200:]):
        return "lines of a table of contents"
    return "notices" if _NOTICE.match(stripped[:300]) else ""


def line_numbers(lines: Sequence[str]) -> set[int]:
    """Return the lines that count from 1 to 5 or more with no text between, as a margin does."""
    runs: list[list[int]] = [[]]
    for at, line in enumerate(map(str.strip, lines)):
        if line and line != str(len(runs[-1]) + 1):
            runs.append([])
        if line == str(len(runs[-1]) + 1):
            runs[-1].append(at)
    return {at for run in runs if len(run) >= _MIN_NUMBERS for at in run}


def _initials(lines: Sequence[str]) -> set[int]:
    """Return the lines with initials of a name in one of the two lines below, if most are that."""
    written = [(index, line.strip()) for index, line in enumerate(lines) if line.strip()]
    short = [at for at, (_, line) in enumerate(written) if len(line) < 3 and line.isupper()]
    found = set()
    for at in short:
        for _, line in written[at + 1 : at + 3]:
            name = "".join(word[0] for word in line.split())
            forms = (name[:1], name[:2], name[0] + name[-1])
            if len(name) < 5 and written[at][1] in forms and not ends_sentence(line):
                found.add(written[at][0])
    return found if len(found) > 1 and len(found) >= len(short) * 0.8 else set()


def _growing_numbers(lines: Sequence[str]) -> set[int]:
    """Return the lines that differ in one number only, which grows by one from each to the next.

    They are bare numbers, name a page, or lie far apart; others may be labels such as `Speaker 1`.
    """
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for index, line in enumerate(lines):
        stripped = line.strip()
        if not 0 < len(stripped) <= _MAX_CHARS or ":" in stripped:
            continue
        bare = stripped.strip("-–—[]() ").isdigit()  # as in `- 2 -`
        if bare or stripped[-1].isdigit() or stripped[0].isdigit() or _PAGE.search(stripped):
            for number in itertools.islice(_DIGITS.finditer(stripped), 3):
                others = f"{stripped[: number.start()]}#{stripped[number.end() :]}"
                found[others].append((index, int(number[0][:9])))
    growing: set[int] = set()
    for text, same in found.items():
        steps = [
            after[1] == before[1] + 1 and any(map(str.strip, lines[before[0] + 1 : after[0]]))
            for before, after in itertools.pairwise(same)
        ]
        says_so = not any(map(str.isalpha, text)) or _PAGE.search(text.replace("#", "0"))
        apart = 1 if says_so else _MIN_PAGE_LINES
        spread = same[-1][0] - same[0][0] >= len(steps) * apart
        if len(same) >= _MIN_PAGES and sum(steps) >= len(steps) * 0.9 and spread:
            growing |= {index for index, _ in same}
    return growing


def _around(lines: Sequence[str], numbers: set[int]) -> set[int]:
    """Return the lines next to page numbers that recur beside at least half of them."""
    beside: dict[str, set[int]] = defaultdict(set)
    if not numbers or max(numbers) - min(numbers) < (len(numbers) - 1) * _MIN_PAGE_LINES:
        return set()
    written = [index for index, line in enumerate(lines) if line.strip()]
    places = {index: place for place, index in enumerate(written)}
    for index in numbers:
        place = places[index]
        for near in written[max(0, place - 2) : place] + written[place + 1 : place + 3]:
            if near not in numbers and len(lines[near]) <= _MAX_CHARS:
                beside[lines[near].strip()].add(near)
    total = Counter(map(str.strip, lines))
    often = max(_MIN_PAGES, len(numbers) / 2)
    return {
        each
        for text, near in beside.items()
        for each in near
        if len(near) >= often and total[text] <= len(near) * 1.5
    }
