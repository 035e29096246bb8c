"""YAML and XML of any structure, read like JSON: the list with speakers or times."""

import re
from collections.abc import Iterable
from typing import Any

import yaml

from runner.base.json import check_yaml
from runner.transcript.decode import fault
from runner.transcript.formats.json_formats import turns_of_value
from runner.transcript.formats.markup import Event, xml_events, xml_root
from runner.transcript.formats.unsupported import TO_TEXT, is_other_xml
from runner.transcript.model import Turn
from runner.transcript.reader_notes import Notes

_YAML = re.compile(
    r"(?:%YAML.*\n)?(?:---.*\n)?(?: {0,8}[a-z_]{1,30}:.*\n){0,40}?"
    r" {0,8}- [a-z_]{1,30}: .*\n {2,12}[a-z_]{1,30}: "
)
_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # all its values are text


def is_tree(text: str) -> bool:
    """Return whether *text* is XML that no other reader knows, or a list of mappings in YAML."""
    return _YAML.match(text[:20_000]) is not None or is_other_xml(text)


def parse_tree(text: str, source: str, notes: Notes) -> list[Turn]:
    """Return the turns of XML or YAML; raise TranscriptError without speakers or times."""
    if is_other_xml(text):
        what = f"XML with the root element '{xml_root(text)}'"
        value: object = _value(xml_events(text, source, what))
    else:
        what, value = "YAML", _yaml(text, source)
    turns = turns_of_value(value, source, notes, sure=True)
    if turns is None:
        without = "without a list of turns that says who speaks"
        raise fault(source, f"this is {what} {without}; {TO_TEXT}")
    return turns


def _yaml(text: str, source: str) -> object:
    try:
        check_yaml(text.encode())
        return yaml.load(text, _Loader)
    except Exception as error:  # its constructors raise what comes
        raise fault(source, f"YAML that cannot be read: {error}; convert it to JSON") from error


def _value(events: Iterable[Event]) -> dict[str, Any]:
    """Return an XML element as an object: attributes, lists of elements by name, and a text.

    Elements with only text become texts, merged into a parent that has words itself.
    """
    path: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [({}, [])]
    for tag, value in events:
        node, texts = path[-1]
        if isinstance(value, str):
            texts.append(("", value))
        elif value is not None:
            path.append(({key: each.lstrip("#") for key, each in value.items()}, []))
        else:
            path.pop()
            above, beside = path[-1]
            own = any(text.strip() for name, text in texts if not name)
            words = "".join(text for name, text in texts if own or not name)
            for name, each in () if own else texts:
                if name:
                    before = node.get(name)
                    node[name] = f"{before}\n{each}" if isinstance(before, str) else each
            if node:
                node.update({"text": words} if words.strip() else {})
                if isinstance(same := above.setdefault(tag, []), list):
                    same.append(node)
            elif words.strip():
                beside.append((tag, words))
    return path[0][0]
