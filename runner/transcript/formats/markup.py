"""XML and HTML as events, without entities, network or recursion, in bounded memory."""

import html
import re
from collections.abc import Iterator, Mapping
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from runner.transcript.decode import fault
from runner.transcript.model import words_of

MAX_DEPTH = 200
_CHUNK = 1 << 16
_HEAD_CHARS = 20_000

# (tag, attributes) opens an element, (tag, None) closes it, ("", text) is text between.
Event = tuple[str, Mapping[str, str] | str | None]

_ROOT = re.compile(r"<([A-Za-z_][\w.:-]{0,80})[\s/>]")
_XML_ROOTS = {"tt", "timedtext"}
_HTML_ROOTS = words_of("html body head div p table ul ol section article main")
_TAG = re.compile(r"<(/?)([A-Za-z][^\s/>]{0,60})")
_END_OR_VALUE = re.compile(r">|=\s{0,8}([\"'])")
_DATA = re.compile(r"\s(data-[a-z-]{1,40})=(?:\"([^\"<>]{1,200})\"|'([^'<>]{1,200})')")
_MARKUP = re.compile(r"<(?=[/!?A-Za-z])")
_RAW = ("script", "style", "textarea", "title")


def local(name: str) -> str:
    """Return *name* without its namespace prefix."""
    return name.rpartition(":")[2]


def xml_root(text: str) -> str | None:
    """Return the name of the root element if *text* is XML or HTML, else None."""
    start = text[:100_000].lstrip()
    declared = False
    while start.startswith(("<?", "<!")):
        declared = declared or not start.startswith("<!--")
        subset = start.startswith("<!DOCTYPE") and -1 < start.find("[") < start.find(">")
        closing = "-->" if start.startswith("<!--") else "]>" if subset else ">"
        start = start.partition(closing)[2].lstrip()
    match = _ROOT.match(start)
    if match is None:
        return "" if declared else None
    sure = declared or local(match[1]) in _XML_ROOTS or f"</{match[1]}" in text
    return local(match[1]) if sure else None


def is_html(text: str) -> bool:
    """Return whether *text* is HTML, not Markdown with a few tags."""
    start = text[:_HEAD_CHARS].lstrip()
    root = match[1].lower() if (match := _ROOT.match(start)) else (xml_root(text) or "").lower()
    if start[:14].lower() == "<!doctype html" or root in ("html", "head", "body"):
        return True
    lines = sum(1 for line in start.split("\n") if line.strip())
    return root in _HTML_ROOTS and len(_TAG.findall(start)) >= lines


def xml_events(data: bytes | str, source: str, what: str) -> Iterator[Event]:
    """Yield the events of an XML document; names have no prefix.

    Raises TranscriptError for malformed XML, nesting deeper than 200 and declared entities.
    """
    events: list[Event] = []
    depth = 0
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise fault(source, f"{what} declares entities, which are not read")

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise fault(source, f"{what} is nested deeper than {MAX_DEPTH}")
        events.append((local(name), {local(key): value for key, value in attributes.items()}))

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        events.append((local(name), None))

    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = lambda text: events.append(("", text))
    if isinstance(data, str):
        data = re.sub(r"\A\s*<\?xml[^>]*\?>", "", data).encode()  # it may name another encoding
    for at in range(0, len(data) + 1, _CHUNK):
        try:
            parser.Parse(data[at : at + _CHUNK], at + _CHUNK > len(data))
        except (expat.ExpatError, ValueError, LookupError) as error:
            raise fault(source, f"malformed {what}: {error}") from error
        yield from events
        events.clear()


def own_words(element: Element) -> str:
    """Return the text of *element* without that of others in it."""
    own = (element.text, *(child.tail for child in element))
    return " ".join("".join(filter(None, own)).split())


def xml_tree(text: bytes | str, source: str, what: str) -> Element:
    """Return the root element of an XML document; raise TranscriptError like `xml_events`."""
    builder = TreeBuilder()
    for tag, value in xml_events(text, source, what):
        if isinstance(value, str):
            builder.data(value)
        elif value is None:
            builder.end(tag)
        else:
            builder.start(tag, dict(value))
    return builder.close()


def html_events(text: str) -> Iterator[Event]:
    """Yield the events of HTML *text*, which need not be well formed."""
    at = 0
    while found := _MARKUP.search(text, at):
        start = found.start()
        if start > at:
            yield "", html.unescape(text[at:start])
        tag = _TAG.match(text, start)
        at = _end_of(text, start)
        if not at:  # nothing closes it
            at = start
            break
        if tag is None:
            continue
        name = tag[2].lower()
        data = _DATA.findall(text, start, at) if "data-" in text[start:at] else []
        yield name, None if tag[1] else {key: html.unescape(a or b) for key, a, b in data}
        if text[at - 2] == "/":
            yield name, None
        elif not tag[1] and name in _RAW:
            stop = re.compile(rf"</{name}", re.IGNORECASE).search(text, at)
            raw, at = at, stop.start() if stop else len(text)
            yield "", html.unescape(text[raw:at])
    if at < len(text):
        yield "", html.unescape(text[at:])


def _end_of(text: str, start: int) -> int:
    """Return the index behind the tag or comment at *start*, 0 if nothing closes it."""
    if text.startswith("<!--", start) and (end := text.find("-->", start + 4)) > 0:
        return end + 3
    at = start
    while found := _END_OR_VALUE.search(text, at):
        if not found[1]:
            return found.end()
        at = text.find(found[1], found.end()) + 1
        if not at:
            break
    return text.find(">", start) + 1
