"""Replies: finds the JSON in a model's text, outside its reasoning."""

import html
import json
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from runner.base.text import to_safe_text

MAX_FOUND = 100  # values that are tried, from the end of a reply
_READS = 20  # characters read per character of a reply until the scan gives up
_DEEP = 5000  # characters counted for a value that is too deep or otherwise refused unread

# Marks around reasoning that came in a separate field (see `beside`).
BESIDE = "message.reasoning_content"

_W = r"think(?:ing)?|thoughts?|reasoning|reflections?|scratchpad|analysis|rationale|inner_monologue"
_MARGIN = r"^[ \t>*_#-]*"
_SAYS = rf"{_MARGIN}(?:final |my |the )*(?:answer|output|response|result|reply|json|action input)\b"
_THOUGHTS = (  # how reasoning begins, and the ways in which it ends, the most certain first
    (rf"<(?:\w+:)?(?P<tag>{_W})(?:\s[^<>]*)?>", (r"</(?:\w+:)?{}\s*>",)),
    (rf"\[(?P<square>{_W})\]", (r"\[/{}\]",)),
    (rf"◁(?P<mark>{_W})▷", (r"◁/{}▷",)),
    (rf"<\|(?:begin_of_|start_)?(?P<token>{_W})\|>", (r"<\|/?(?:end_of_|end_)?{}\|>",)),
    (
        r"<\|?channel\|?>\s*(?P<channel>analysis|commentary(?![^<]*\bto=)|thought)\b",
        (r"<\|?channel\|?>\s*final\b[^{{\[]*|<\|(?:end|start|return)\|>|<channel\|>",),
    ),
    (r"(?P<gemma><unused94>)", (r"<unused95>",)),
    (
        r"(?P<fold><details[^<>]*>\s*<summary>[^<]*(?:think|thought|reason)[^<]*</summary>)",
        (r"</details>",),
    ),
    (r"(?P<comment><!--)", (r"-->",)),
    (rf"{_MARGIN}(?P<line>{_W}|chain of thought)\b[ \t*_]*:", (rf"{_SAYS}", r"^\s*(?=[{{\[`])")),
)
_ENDED = rf"</(?:\w+:)?(?:{_W})\s*>|\[/(?:{_W})\]|◁/(?:{_W})▷|<\|(?:end_of_|end_)(?:{_W})\|>"
_MARKS = re.compile(
    rf"(?P<ended>{_ENDED}|<unused95>|\bassistantfinal)|"
    + "|".join(opening for opening, _ in _THOUGHTS)
    + r"|(?P<value>[{\[])",
    re.IGNORECASE | re.MULTILINE,
)
_ENDS = {
    re.search(r"\?P<(\w+)>", opening)[1]: ends  # type: ignore[index]
    for opening, ends in _THOUGHTS
}
_BEGINS = re.compile(r"\{|\[\s*[\[{\"'“”‘’]")  # of a value that may be meant as JSON
# JSON in a JSON string, encoded any number of times
_QUOTED = re.compile(r'"(?:\\{1,9}["nrt]|\s){0,20}[{\[](?:\\{1,9}[nrt]|\s){0,20}\\{1,9}"')
_REWRITTEN: tuple[
    tuple[re.Pattern[str], str | Callable[[re.Match[str]], str], str], ...
] = (  # text around or within JSON that is not part of it
    (re.compile(r"^[ \t]*>[ \t]?", re.MULTILINE), "", "the marks of a quotation were left out"),
    (re.compile(r"\\([_*])"), r"\1", "Markdown's escapes were left out"),
    (re.compile(r'\A\s*(?="\w+"\s*:)'), "{", "the first brace was missing"),
    (  # a call of a tool with an element for each argument: Qwen's, Claude's, GLM's
        re.compile(
            r'<parameter(?:=| name=")(\w+)"?>|<arg_key>(\w+)</arg_key>\s*<arg_value>'
            r"|</(?:parameter|arg_value)>"
        ),
        lambda tag: f'{{"{tag[tag.lastindex]}":' if tag.lastindex else "}",
        "the arguments of a tool's call were read as fields",
    ),
)
_LEVELS = 3  # of JSON in strings
_LINES = ("line", "comment")  # marks that, without an end, are of no consequence


class NotRepairableError(ValueError):
    """A fault whose repair would be a guess at the meaning."""


@dataclass
class ReplyValues:
    """The JSON values of a reply outside its reasoning, in order, with their positions."""

    text: str  # the reply with its reasoning blanked
    values: deque[tuple[Any, int, int]] = field(default_factory=lambda: deque(maxlen=MAX_FOUND))
    broken: list[int] = field(default_factory=list)  # starts of unreadable values
    fault: str = ""  # the first that must not be repaired
    thinking: bool = False  # it ends within its reasoning


def beside(content: str, reasoning: str) -> str:
    """Return *content*, with the *reasoning* between marks if the answer may be only there."""
    if "{" in content or "{" not in reasoning:
        return content
    return f"{content}\n<{BESIDE}>\n{reasoning}\n</{BESIDE}>".lstrip()


def readings(text: str) -> Iterator[tuple[ReplyValues, str]]:
    """Yield the values found in *text*, then in its unescaped forms, with notes on the steps."""
    body, _, inside = text.removeprefix("\ufeff").partition(f"<{BESIDE}>")
    found = find(body)
    yield found, ""
    if "&quot;" in found.text or "&#34;" in found.text:
        yield find(html.unescape(found.text)), "entities (&quot;) were read as characters"
    if '\\"' in found.text:
        yield from _unescaped(found.text)
    for pattern, by, how in _REWRITTEN:
        if pattern.search(found.text):
            yield find(pattern.sub(by, found.text)), how
    if inside:
        yield find(inside.partition(f"</{BESIDE}>")[0]), "the answer is in reasoning_content only"


def _unescaped(escaped: str) -> Iterator[tuple[ReplyValues, str]]:
    """Yield the values in doubly encoded JSON, with or without its quotes."""
    quoted = _QUOTED.search(escaped)
    inner = escaped[quoted.start() :] if quoted else f'"{escaped}"'
    for _ in range(_LEVELS):
        try:
            inner, _ = _DECODER.raw_decode(inner)
        except (ValueError, RecursionError):
            return
        if not isinstance(inner, str):
            return
        if not inner.startswith('"'):
            yield find(inner), "JSON in a string was decoded"
            return


def find(text: str) -> ReplyValues:
    """Return the complete JSON values in *text* that are not part of its reasoning.

    In linear time: the scan gives up after reading `_READS` times as much.
    """
    found, at, left = ReplyValues(text), 0, _READS * (len(text) + _DEEP)
    thoughts: list[tuple[int, int]] = []
    while left > 0 and (mark := _MARKS.search(text, at)) is not None:
        start, at = mark.start(), mark.end()
        if mark.lastgroup == "value":
            read, at = _value(text, start, found)
            left -= read
        elif mark.lastgroup == "ended":  # the beginning was in the prompt
            found, thoughts = ReplyValues(text), [(0, at)]
        elif mark.lastgroup != "tag" or not _in_value(text, start):
            end = _end_of_thought(text, mark)
            if end is None and mark.lastgroup in _LINES:
                left -= len(text) - at
            else:
                found.thinking, at = end is None, end or len(text)
            thoughts.append((start, at))
    parts, done = list[str](), 0
    for start, end in thoughts:
        parts += text[done:start], " " * (end - start)
        done = end
    found.text = "".join([*parts, text[done:]])
    return found


def _in_value(text: str, at: int) -> bool:
    """Return whether *at* is probably in a string of a value that cannot be read."""
    near = (0 if at < _DEEP else at - _DEEP, at)
    return text.rfind("{", *near) > text.rfind("}", *near)


def _value(text: str, start: int, found: ReplyValues) -> tuple[int, int]:
    """Read the value at *start* into *found*; return the characters read, and where to go on."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except NotRepairableError as error:
        found.fault = found.fault or str(error)
        return _DEEP, start + 1
    except json.JSONDecodeError as error:
        if _BEGINS.match(text, start):
            found.broken.append(start)
        return error.pos - start + error.pos // 64, start + 1  # it counts the lines before
    except (ValueError, RecursionError):  # a number of thousands of digits, or deep nesting
        found.broken.append(start)
        return _DEEP, start + 1
    found.values.append((value, start, end))
    return end - start, end


def _end_of_thought(text: str, mark: re.Match[str]) -> int | None:
    """Return where the reasoning that *mark* begins has ended, None if it has not."""
    name = mark.lastgroup or ""
    for pattern in _ENDS[name]:
        ended = re.compile(pattern.format(re.escape(mark[name])), re.IGNORECASE | re.MULTILINE)
        if (end := ended.search(text, mark.end())) is not None:
            return end.end()
    return None


def _no_constant(name: str) -> float:
    raise NotRepairableError(f"holds {name}, which is not JSON")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) < len(pairs) and (other := [k for k, each in pairs if unique[k] != each]):
        raise NotRepairableError(f"has the key {to_safe_text(other[0])[:80]!r} twice")
    return unique


_DECODER = json.JSONDecoder(
    parse_constant=_no_constant, object_pairs_hook=_unique_keys, strict=False
)


def is_strict(text: str) -> bool:
    """Return whether *text* is strict JSON, without raw line breaks in strings."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
