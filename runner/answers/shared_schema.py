"""Shared schema: one schema for several analyzers, each of which fills its own part.

Its reply is an ordinary answer whose `structured_data` holds one object under the analyzer's name.
The parts are alternatives (`anyOf`) with different first keys, as OpenAI requires ("Structured
model outputs"), so that a reply has no empty parts and a model commits to one with its first key.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from runner.base.json import inside, mapping, rebuilt

Schema = Mapping[str, Any]

ASKED_PART = re.compile(r"`structured_data` has one key, `(\w+)`")  # in a prompt
_REF = "#/$defs/"


def shared_schema(schemas: Mapping[str, Schema]) -> dict[str, Any]:
    """Return one schema for all *schemas*, by analyzer; raise ValueError if their frames differ."""
    frames, definitions, parts = [], dict[str, Any](), []
    for name, schema in schemas.items():
        named = _named(name, schema.get("$defs", {}), definitions)
        frame = _renamed({k: v for k, v in schema.items() if k != "$defs"}, named)
        own = frame.get("properties", {}).pop("structured_data", None)
        if own is None:
            raise ValueError(f"the answer of {name} has no structured_data")
        frame.pop("description", None)
        frames.append(frame)
        part = {"type": "object", "properties": {name: own}, "required": [name]}
        parts.append({**part, "additionalProperties": False})
    if any(frame != frames[0] for frame in frames):
        raise ValueError("the answers differ in more than structured_data")
    fields = {**frames[0]["properties"], "structured_data": {"anyOf": parts}}
    return {**frames[0], "properties": fields, "$defs": definitions}


def which_part(name: str) -> str:
    """Return the end of a prompt, which says which part of a shared schema to fill."""
    line = f"In the reply, `structured_data` has one key, `{name}`, which holds what is asked here."
    return f"\n{line}\n"


def part_of(schema: Schema, name: str) -> Schema:
    """Return the shared *schema* with only the part of *name*; another one unchanged."""
    fields = schema.get("properties", {})
    for part in fields.get("structured_data", {}).get("anyOf", ()):
        if list(part.get("properties", ())) == [name]:
            return {**schema, "properties": {**fields, "structured_data": part}}
    return schema


def schema_sizes(schema: Schema) -> dict[str, int]:
    """Return the sizes that SchemaLimits names; levels follow each reference once."""
    nodes = list(_nodes(schema))
    tables = [node["properties"] for node in nodes if isinstance(node.get("properties"), dict)]
    enums = [node["enum"] for node in nodes if isinstance(node.get("enum"), list)]
    names = [*schema.get("$defs", {}), *(name for table in tables for name in table)]
    return {
        "properties": sum(map(len, tables)),
        "levels": _levels(schema, schema.get("$defs", {}), ()),
        "enum_values": sum(map(len, enums)),
        "unions": sum("anyOf" in node or isinstance(node.get("type"), list) for node in nodes),
        "name_chars": sum(len(str(value)) for value in (*names, *(v for e in enums for v in e))),
    }


def _named(analyzer: str, given: Schema, taken: dict[str, Any]) -> dict[str, str]:
    """Add the *given* definitions to *taken*, clashing ones renamed; return their names there."""
    named = {name: name for name in given}
    for name in given:
        reached = {other: given[other] for other in _reached(name, given, {})}
        if any(other in taken and taken[other] != body for other, body in reached.items()):
            named[name] = f"{analyzer}_{name}"
    for name, body in given.items():
        taken[named[name]] = _renamed(body, named)
    return named


def _reached(name: str, given: Schema, seen: dict[str, None]) -> dict[str, None]:
    """Return the names of the definitions to which *name* leads, itself included."""
    if name in given and name not in seen:
        seen[name] = None
        for node in _nodes(given[name]):
            _reached(str(node.get("$ref", "")).removeprefix(_REF), given, seen)
    return seen


def _renamed(schema: Any, named: Mapping[str, str]) -> Any:
    def renamed(node: Any) -> Any:
        target = str(node["$ref"]).removeprefix(_REF) if "$ref" in mapping(node) else ""
        return {**node, "$ref": f"{_REF}{named[target]}"} if target in named else node

    return rebuilt(schema, renamed)


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Yield *node* and all objects within it."""
    return (each for each in inside(node) if isinstance(each, dict))


def _levels(node: Any, given: Schema, within: tuple[str, ...]) -> int:
    if not isinstance(node, dict):
        return 0
    name = str(node.get("$ref", "")).removeprefix(_REF)
    if name in given and name not in within:
        return _levels(given[name], given, (*within, name))
    inner = [*node.get("properties", {}).values(), *node.get("anyOf", ()), node.get("items")]
    return int(node.get("type") == "object") + max(
        (_levels(each, given, within) for each in inner), default=0
    )


def as_text(schema: Schema) -> str:
    """Return *schema* as it is counted and compared."""
    return json.dumps(schema, separators=(",", ":"), ensure_ascii=False)
