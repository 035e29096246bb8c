"""YAML and XML of any structure, read like JSON: the list with speakers or times."""

import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

import yaml

from runner.base.json import check_yaml
from runner.transcript.decode import fault
from runner.transcript.formats.fields import fields_named
from runner.transcript.formats.json_formats import turns_of_value
from runner.transcript.formats.markup import own_words, xml_root, xml_tree
from runner.transcript.formats.unsupported import TO_TEXT, is_other_xml
from runner.transcript.layouts.labels import MAX_LABEL_CHARS
from runner.transcript.model import Turn
from runner.transcript.reader_notes import Notes
from runner.transcript.text import turns_of_text

_YAML = re.compile(
    r"(?:%YAML.*\n)?(?:---.*\n)?(?: {0,8}[a-z_]{1,30}:.*\n){0,40}?"
    r" {0,8}- [a-z_]{1,30}: .*\n {2,12}[a-z_]{1,30}: "
)
_SPEECHES = ("question", "answer")  # of Akoma Ntoso
_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # all its values are text


def is_tree(text: str) -> bool:
    """Return whether *text* is XML that no other reader knows, or a list of mappings in YAML."""
    return _YAML.match(text[:20_000]) is not None or is_other_xml(text)


def parse_tree(text: str, source: str, notes: Notes) -> list[Turn]:
    """Return the turns of XML or YAML; raise TranscriptError without speakers or times."""
    if is_other_xml(text):
        what = f"XML with the root element '{xml_root(text)}'"
        root = xml_tree(text, source, what)
        if text_with_labels := _text_with_labels(root):
            return turns_of_text(text_with_labels, notes)
        value: object = {root.tag: [_value(root)]}
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


def _text_with_labels(root: Element) -> str:
    """Return the text of a debate in which labels such as `<name>Li:</name>` say who speaks."""
    longest = max((element.text or "" for element in root.iter()), key=len)
    if len(longest) * 2 > len("".join(root.itertext())) and longest.count(":\n") > 1:
        return longest
    told = any(fields_named(element.keys()).keys["speaker"] for element in root.iter())
    labelled = {id(element) for element in root.iter() if not told and _has_label(element)}
    node: Element | None = root if labelled else None
    while node is not None:
        found, node = node, next((e for e in node if labelled <= set(map(id, e.iter()))), None)
    return "\n\n".join(_blocks(found)) if labelled else ""


def _has_label(element: Element) -> bool:
    """Return whether a child of *element* is a label, and the one below it is like one above."""
    words = ["\n".join(_blocks(child)) for child in element]
    return any(
        text.endswith(":") and len(text) <= MAX_LABEL_CHARS and words[at + 1]
        for at, text in enumerate(words[:-1])
        if any(each.tag == element[at + 1].tag for each in element[: at + 1])
    )


def _blocks(element: Element) -> Iterator[str]:
    """Yield the texts in *element*; one with words of its own has those of leaves in it."""
    if not own_words(element):
        for child in element:
            yield from _blocks(child)
        return
    pieces = (("" if len(each) else each.text or "") + (each.tail or "") for each in element)
    yield " ".join(f"{element.text or ''}{''.join(pieces)}".split())


def _value(element: Element) -> dict[str, Any] | str:
    """Return an XML element as an object: attributes, lists of elements by name, and a text.

    It is its text if it has nothing else. Elements with only text are part of the text of a parent
    that has words itself; in another, those of a name become a text, or objects if some are.
    """
    node: dict[str, Any] = {key: value.lstrip("#") for key, value in element.items()}
    own = own_words(element)
    groups: dict[str, list[dict[str, Any] | str]] = {}
    words = [element.text or ""]
    for child in element:
        each, tag = _value(child), child.tag
        if tag in _SPEECHES and isinstance(each, dict):
            tag = "speech"
        if own:
            words.append(each if isinstance(each, str) else str(each.get("text", "")))
        if isinstance(each, dict) or (each.strip() and not own):
            groups.setdefault(tag, []).append(each)
        words.append(child.tail or "")
    for name, group in groups.items():
        texts = [each for each in group if isinstance(each, str)]
        key = f"{name}s" if name in node else name
        objects = [each if isinstance(each, dict) else {"text": each} for each in group]
        node[key] = "\n".join(texts) if len(texts) == len(group) else objects
    text = "".join(words)
    if node and text.strip():
        node["text"] = text
    return node or text
