"""XML and HTML as events, without entities, network or recursion."""

from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from xml.parsers import expat

from runner.transcript.decode import fault

MAX_DEPTH = 200

# (tag, attributes) opens an element, (tag, None) closes it, (None, text) is text between.
Event = tuple[str, Mapping[str, str]] | tuple[str, None] | tuple[None, str]


def local(name: str) -> str:
    """Return *name* without its namespace prefix."""
    return name.rpartition(":")[2]


def xml_events(data: bytes | str, source: str, what: str) -> Iterator[Event]:
    """Return the events of an XML document; names have no prefix.

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
    parser.CharacterDataHandler = lambda text: events.append((None, text))
    try:
        if isinstance(data, str):
            parser.Parse(data.encode(), True)
        else:
            parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise fault(source, f"malformed {what}: {error}") from error
    return iter(events)


class _Html(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.events: list[Event] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.events.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        self.events.append((tag, None))

    def handle_data(self, data: str) -> None:
        self.events.append((None, data))


def html_events(text: str) -> Iterator[Event]:
    """Return the events of HTML *text*, which need not be well formed."""
    parser = _Html()
    parser.feed(text)
    parser.close()
    return iter(parser.events)
