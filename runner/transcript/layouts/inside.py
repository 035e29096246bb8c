"""Labels inside a line: where one line holds several turns, it is cut before each label."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable

from runner.transcript.layouts.labels import Likeness, is_ordinary, likeness

_MAX_LABEL_CHARS = 60
_COLON = re.compile(r"[*_]{0,3}[:：](?=[\s*_]|$)")
_BRACKET = re.compile(r"[\[【(<]([^][【】()<>]{1,60})[\]】)>](?=\s)")
# What may stand between the end of a sentence and a label: a time, a dash, emphasis, a bracket.
_END = re.compile(
    r"(?:[.?!…。？！]|(?<=[^\W\d])(?:--?|[–—]))[\"”’)\]*_]{0,4}\s{1,8}(?:[(\[][^()\[\]\d]{1,40}[)\]]\s{1,8})?"
    r"((?:[\[(]?\d{1,3}:\d\d[\d:.]{0,9}[\])]?\s{0,4})?(?:[-–—]\s)?(?:>>{1,2}\s?)?[*_]{0,3}[\[(]?)$"
)
CHEVRONS = re.compile(r"(?<=\s)>>{1,2}\s?(?=[^\s>])")
QUESTIONS = re.compile(r"(?<=[.?!]\s)[QA][.]\s")
_WORD_BEFORE = re.compile(r"([^\W\d_][^:.?!()\[\]\n]{0,60})$")


def labels_inside(lines: Iterable[str], known: Collection[str]) -> set[str]:
    """Return the labels that open a turn inside *lines*; *known* are those of whole lines.

    A surname of one of these counts. Where one of the known stands inside a line, others that
    recur there are speakers too.
    """
    found: Counter[str] = Counter()
    for line in lines:
        for colon in _COLON.finditer(line):
            head = line[max(0, colon.start() - _MAX_LABEL_CHARS) : colon.start()]
            words = _WORD_BEFORE.search(head)
            if words and _opens(line, colon.start() - len(words[1])) is not None:
                found[words[1].rstrip()] += 1
    parts = {word.strip(",") for label in known for word in label.split()[1:]}
    parts = {part for part in parts & found.keys() if likeness(part) == Likeness.NAME}
    if found.keys().isdisjoint(known):
        return {*known, *parts}
    recur = {label for label, count in found.items() if count > 1 and not is_ordinary(label)}
    return {*known, *parts, *(label for label in recur if likeness(label) >= Likeness.WORD)}


def cut_at(
    labels: Collection[str], marks: re.Pattern[str] | None = None
) -> Callable[[str], list[str]]:
    """Return what cuts a text before *marks* and, behind the end of a sentence, before *labels*."""
    lengths = sorted({len(label) for label in labels}, reverse=True)

    def cut(text: str) -> list[str]:
        cuts: set[int | None] = set()
        cuts |= {match.start() for match in marks.finditer(text)} if marks else set()
        for colon in _COLON.finditer(text) if ":" in text or "：" in text else ():
            for length in lengths:
                start = colon.start() - length
                if start >= 0 and text[start : colon.start()] in labels:
                    cuts.add(_opens(text, start))
                    break
        for bracket in _BRACKET.finditer(text):
            if bracket[1] in labels:
                cuts.add(_opens(text, bracket.start(1)))
        ends = [*sorted(at for at in cuts if at), len(text)]
        return [text[start:end].strip() for start, end in zip([0, *ends], ends, strict=False)]

    return cut


def _opens(text: str, start: int) -> int | None:
    """Return where the turn opens whose label starts at *start*; None amid a sentence."""
    match = _END.search(text[max(0, start - 80) : start])
    return start - len(match[1]) if match else None
