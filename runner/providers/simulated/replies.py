"""Replies generated from the requested schema, with quotes copied from the prompt."""

import itertools
import json
import random
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from runner.answers.shared_schema import part_of
from runner.base.json import at, listing
from runner.providers.offline.document import BLOCK
from runner.providers.simulated.chat import asked_of, message_texts, response_schema

Reply = Callable[[Mapping[str, Any]], str]

# The text before a schema in the prompt (analyzers/_analyzer.py).
SCHEMA_FOLLOWS = "The JSON object must match this schema:\n"

MAX_QUOTE_CHARS = 120
MAX_DEPTH = 12  # of a schema that contains itself

_LINE = re.compile(r"^\[(S\d{4,})(?: [^\]\n]+)?\] (\S.*)$", re.MULTILINE)  # [S0012 Ann Lee] text
_CITATION = re.compile(r'\{(S\d{4,}) "([^{}\n]+)"\}')  # {S0012 "quote"}
_ID_PREFIX = re.compile(r"^([A-Z]+)1, ")


def reply_to(body: Mapping[str, Any]) -> str:
    """Return a reply that fits the schema of *body*; the same for the same request."""
    prompt = "\n".join(message_texts(body, system=False))
    schema = response_schema(body) or _schema_in(prompt)
    schema = schema and part_of(schema, asked_of(body))
    if schema is None:
        return "This is a simulated reply; no model has read the prompt."
    seed = zlib.crc32(prompt.encode("utf-8", "surrogatepass"))
    block = BLOCK.search(prompt)
    material = block[3] if block else prompt
    generator = _Generator(schema.get("$defs", {}), material, random.Random(seed))
    reply = generator.value(schema, "reply", _Place())
    return json.dumps(reply, ensure_ascii=False, indent=0)  # lines recur: their tokens are cached


def _schema_in(prompt: str) -> Mapping[str, Any] | None:
    start = prompt.rfind(SCHEMA_FOLLOWS)
    if start < 0:
        return None
    try:
        schema, _ = json.JSONDecoder().raw_decode(prompt, start + len(SCHEMA_FOLLOWS))
    except ValueError:
        return None
    return schema if isinstance(schema, dict) else None


@dataclass(frozen=True, slots=True)
class _Place:
    """The place of a value: its *number* in a list, *ids* of lists, and *fixed* fields."""

    number: int = 1
    depth: int = 0
    ids: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)


_OF_MATERIAL = re.compile(r"\bids? of the material\b", re.IGNORECASE)
_SHOWN_ID = re.compile(r"^- id: (\S+) ", re.MULTILINE)
_VERBATIM = re.compile(r"verbatim|word for word", re.IGNORECASE)  # fields of a speaker's own words


class _Generator:
    """Generates values for schemas by general rules; knows no analyzer."""

    def __init__(self, defs: Mapping[str, Any], material: str, rng: random.Random) -> None:
        self._defs = defs
        self._material = material
        self._random = rng

    def value(self, schema: Mapping[str, Any], name: str, place: _Place) -> Any:
        """Return a value of *schema* for key *name*."""
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._random.choice(schema["enum"])
        kind = schema.get("type")
        if kind == "object":
            return self._object(schema, place)
        if kind == "array":
            return self._array(schema, name, place)
        if kind in ("number", "integer"):
            return self._number(schema, kind)
        if kind == "boolean":
            return self._random.random() < 0.5
        if kind == "null":
            return None
        described = str(schema.get("description", ""))
        if "label" in described:
            return "simulated"
        if _OF_MATERIAL.search(described) and (shown := self._shown_ids()):
            return shown[0]
        if _VERBATIM.search(described) and (cited := self._citations()):
            return cited[0]["quote"]
        return f"Simulated {name.replace('_', ' ')} {place.number}, written by no model."

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Follow references; of alternatives take null, else the first."""
        while True:
            if "$ref" in schema:
                schema = self._defs[schema["$ref"].rsplit("/", 1)[-1]]
            elif choices := schema.get("anyOf") or schema.get("oneOf"):
                schema = next((c for c in choices if c.get("type") == "null"), choices[0])
            else:
                return schema

    def _object(self, schema: Mapping[str, Any], place: _Place) -> dict[str, Any]:
        properties = schema.get("properties", {})
        lists = {name: self._ids(name, body) for name, body in properties.items()}
        ids = {**place.ids, **{name: numbered for name, numbered in lists.items() if numbered}}
        below = replace(place, depth=place.depth + 1, ids=ids, fixed={})
        made = {
            name: place.fixed[name] if name in place.fixed else self.value(body, name, below)
            for name, body in properties.items()
        }
        quoted = at(next(iter(listing(made.get("evidence"))), None), "quote")
        if quoted and isinstance(made.get("text"), str):
            made["text"] += f" It is about: {quoted}"  # so that texts differ
        return made

    def _array(self, schema: Mapping[str, Any], name: str, place: _Place) -> list[Any]:
        if place.depth >= MAX_DEPTH:
            return []
        item = self._resolved(schema.get("items", {}))
        properties = item.get("properties", {})
        if set(properties) == {"segment", "quote"}:
            return self._citations()
        named = _named_in(str(schema.get("description", "")), name, place.ids)
        if named and not properties:
            return list(named)
        if not properties and _OF_MATERIAL.search(str(schema.get("description", ""))):
            return self._shown_ids()
        elements = _elements(properties, name, place.ids, 2 + self._random.randrange(3))
        inner = replace(place, depth=place.depth + 1)
        return [
            self.value(item, name, replace(inner, number=number, fixed=fixed))
            for number, fixed in enumerate(elements, 1)
        ]

    def _ids(self, name: str, schema: Mapping[str, Any]) -> tuple[str, ...]:
        """Return ids for the elements of list *name*, none if they have no `id`."""
        schema = self._resolved(schema)
        if schema.get("type") != "array":
            return ()
        own = self._resolved(schema.get("items", {})).get("properties", {}).get("id")
        if own is None or own.get("type") != "string":
            return ()
        match = _ID_PREFIX.match(str(own.get("description", "")))
        prefix = match[1] if match else name[:1].upper()
        return tuple(f"{prefix}{number}" for number in range(1, 3 + self._random.randrange(3)))

    def _number(self, schema: Mapping[str, Any], kind: str) -> float | int:
        low = float(schema.get("minimum", 1 if kind == "integer" else 0))
        high = float(schema.get("maximum", low + (2 if kind == "integer" else 1)))
        if kind == "integer":
            return self._random.randint(int(low), int(high))
        return round(low + (high - low) * self._random.uniform(0.3, 0.9), 2)

    def _shown_ids(self) -> list[str]:
        """Return up to three ids of consecutive lines of the material."""
        every = _SHOWN_ID.findall(self._material)
        start = self._random.randrange(len(every) or 1)
        return every[start : start + 3]

    def _citations(self) -> list[dict[str, str]]:
        """Quote the first segment after a random offset, without reading the whole prompt."""
        start = self._random.randrange(len(self._material) or 1)
        for pattern in (_LINE, _CITATION):
            match = pattern.search(self._material, start) or pattern.search(self._material)
            if match:
                whole, cut = match[2].rstrip(), match[2][:MAX_QUOTE_CHARS].rsplit(" ", 1)[0]
                quote = whole if len(whole) <= MAX_QUOTE_CHARS else cut.rstrip()
                return [{"segment": match[1], "quote": quote}]
        return []


def _elements(
    properties: Mapping[str, Any], name: str, ids: Mapping[str, tuple[str, ...]], size: int
) -> list[dict[str, Any]]:
    """Return the fixed fields of each element of list *name*.

    One per id of its own, per combination of the *ids* that elements refer to, or per value of a
    first field that is an enumeration; else *size* elements without any.
    """
    if name in ids and "id" in properties:
        return [{"id": own} for own in ids[name]]
    texts = [name for name, body in properties.items() if body.get("type") == "string"]
    references = {name: targets for name in texts if (targets := _list_of(name, ids))}
    if references:
        return [
            dict(zip(references, combination, strict=True))
            for combination in itertools.product(*references.values())
        ]
    first = next(iter(properties), "")
    values = properties.get(first, {}).get("enum")
    return [{first: value} for value in values] if values else [{}] * size


def _list_of(name: str, ids: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the ids of the list called *name* or its plural, none without such a list."""
    plurals = (name, f"{name}s", f"{name}es", f"{name[:-2]}es", f"{name[:-1]}ies")
    return next((ids[plural] for plural in plurals if plural in ids), ())


def _named_in(description: str, name: str, ids: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return two ids for a list of texts whose *description* says that it holds ids."""
    if not re.search(r"\bids?\b", description, re.IGNORECASE):
        return ()
    for target, numbered in ids.items():
        if target == name or target.rstrip("s") in description.lower():
            return numbered[:2]
    return ()
