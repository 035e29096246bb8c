"""YAML and XML of any structure, read like JSON: the list with speakers or times."""

import re
from collections.abc import Iterable, Sequence
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
_Child = tuple[str, dict[str, Any] | str]  # the name of an element, "" for a text, and its value
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
    """Return an XML element as an object: attributes, lists of elements by name, and a text."""
    path: list[tuple[dict[str, Any], list[_Child]]] = [({}, [])]
    for tag, value in events:
        if isinstance(value, str):
            path[-1][1].append(("", value))
        elif value is not None:
            path.append(({key: each.lstrip("#") for key, each in value.items()}, []))
        else:
            element = _element(*path.pop())
            path[-1][1].append((tag, element))
    root = _element(*path[0])
    return root if isinstance(root, dict) else {"text": root}


def _element(node: dict[str, Any], children: Sequence[_Child]) -> dict[str, Any] | str:
    """Return *node* with its *children*, or their text if it has nothing else.

    Elements with only text are part of the text of a parent that has words itself. In one that
    has none, those of a name become a text, or if some are objects, objects.
    """
    own = any(text.strip() for name, text in children if not name and isinstance(text, str))
    groups: dict[str, list[dict[str, Any] | str]] = {}
    words = []
    for name, each in children:
        if own or not name:
            words.append(each if isinstance(each, str) else str(each.get("text", "")))
        if name and (isinstance(each, dict) or (each.strip() and not own)):
            groups.setdefault(name, []).append(each)
    for name, group in groups.items():
        texts = [each for each in group if isinstance(each, str)]
        key = f"{name}s" if name in node else name
        objects = [each if isinstance(each, dict) else {"text": each} for each in group]
        node[key] = "\n".join(texts) if len(texts) == len(group) else objects
    text = "".join(words)
    if node and text.strip():
        node["text"] = text
    return node or text
