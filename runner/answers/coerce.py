"""Coercions of a reply to its schema that lose nothing; each is noted."""

import json
import re
from collections.abc import Mapping
from typing import Any

from runner.answers.findings import citation_in
from runner.answers.keys import plain, plain_keys, renamed_keys
from runner.answers.numbers import Numbers, is_share
from runner.base.json import mappings, number

_WRAPPERS = 6  # levels around an answer
# Fields beside a wrapped answer that are not part of it: those of a tool's call.
_CALL = frozenset(("id", "type", "name", "role", "index", "status", "recipientname", "$schema"))
_THOUGHT = frozenset(("thought", "thoughts", "thinking", "reasoning", "chainofthought"))
_ARGUMENTS = frozenset(("function", "arguments", "parameters", "input"))
_ASIDE = _THOUGHT | {"$schema"}  # beside an answer's own fields, no part of it
_EVIDENCE = {"segment", "quote"}
_PATH = re.compile(r"(?<=[^\s=-])\s*(?:[>›\\]|\s/\s)\s*(?=\S)")  # between a value and its parents
_SCALARS = ("string", "number", "integer", "boolean")
_TRUTH = {"true": True, "yes": True, "false": False, "no": False}


class Coercion:
    """Coerces one reply to *schema*, that of a whole answer with its bounds and no references."""

    def __init__(self, schema: Mapping[str, Any], *, cut: bool = False, part: str = "") -> None:
        self._root, self._cut = schema, cut
        self._part = plain(part)  # of this analyzer in a shared schema
        self.notes: list[str] = []  # on what was changed
        self.filled = False  # with an empty list for each one that a *cut* reply did not reach
        self._missing = ""
        self._numbers, self._field = Numbers(self.notes), ""  # the innermost field that is read

    @property
    def doubt(self) -> str:
        """What is not certain: such a reading is worth another request, and better than none."""
        return self._missing or self._numbers.doubt

    def answer(self, value: Any) -> Any:
        """Return *value* as an answer: without wrappers, its fields in their places."""
        names = self._root["properties"]
        value = self._unwrapped(value, plain_keys(names))
        fields = names["structured_data"]
        own = fields.get("properties", {})
        if isinstance(value, list) and not fields.get("required"):
            self._note("", "a list was read as insights")
            value = {"insights": value}
        if isinstance(value, dict):
            value = self._own_part(self._named(value, names, ""), own)
            beside = plain_keys(own) - plain_keys(names)
            moved = {k: v for k, v in value.items() if plain(k) in beside}
            if moved and "structured_data" not in value:
                self._note("structured_data", "its fields were found beside it")
                value = {k: v for k, v in value.items() if k not in moved}
            if moved or self._cut or not fields.get("required"):
                value = {"structured_data": moved, **value}
        noted = len(self.notes)
        read = self._value(value, self._root, "")
        if self._numbers.find_scales():
            del self.notes[noted:]
            self._missing = ""
            read = self._value(value, self._root, "")
        return read

    def _lack(self, value: dict[str, Any], name: str, unsaid: Any, path: str, wanted: str) -> None:
        """Put *unsaid* into a field that is missing or illegible, which is worth a request."""
        given = f"{value[name]!r:.40}" if name in value else "nothing"
        fault = f"got {given}" if name in value else "Field required"
        value[name], where = unsaid, _join(path, name)
        self._missing = self._missing or f"{where}: {fault}, expected {wanted}"
        self._note(where, f"{given} was read as {json.dumps(unsaid)}")

    def _own_part(self, value: dict[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
        """Return an answer with the structured data of its own part, if it has parts."""
        fields = plain_keys(own)
        key = next((k for k in value if plain(k) == self._part not in {"", *fields}), None)
        if key is not None and "structured_data" not in value:
            self._note("structured_data", f"its part was found beside it, as {key[:40]!r}")
            rest = {k: v for k, v in value.items() if k != key}
            return {**rest, "structured_data": value[key]}
        held: Any = value.get("structured_data")
        parts: dict[str, Any] = held if isinstance(held, dict) and self._part else {}
        key = next((k for k in parts if plain(k) == self._part), None)
        if key is None or (
            self._part in fields  # the part that the key may abbreviate
            and not (isinstance(parts[key], dict) and fields & plain_keys(parts[key]))
        ):
            return value
        if others := [k for k, v in parts.items() if k != key and v not in (None, {}, [])]:
            self._note("structured_data", f"other parts were left out: {others[:9]!r:.200}")
        return {**value, "structured_data": parts[key]}

    def _note(self, path: str, what: str) -> None:
        self.notes.append(f"{path}: {what}" if path else what)

    def _unwrapped(self, value: Any, names: set[str]) -> Any:
        """Return the answer inside of wrappers: a key, a list, a string, a call of a tool."""
        for _ in range(_WRAPPERS):
            if (inner := _wrapped(value, names)) is None:
                break
            self._note("", f"read inside of {_kind(value)}")
            value = inner
        return value

    def _value(self, value: Any, schema: Any, path: str) -> Any:
        if not isinstance(schema, dict):  # of a key that is not in the schema
            return value
        if "anyOf" in schema:
            return self._any(value, schema, path)
        kind, const = schema.get("type"), schema.get("const")
        allowed = schema.get("enum") or ([] if const is None else [const])
        is_scalar = kind in _SCALARS or allowed
        while is_scalar and isinstance(value, dict | list) and len(value) == 1:
            [inner] = value.values() if isinstance(value, dict) else value
            value = self._as(inner, value, path)
        if allowed:
            return self._enum(value, allowed, path)
        if isinstance(value, str) and kind in ("object", "array"):
            decoded = _decoded(value)
            if isinstance(decoded, dict if kind == "object" else list):
                self._note(path, "JSON in a string was decoded")
                value = decoded
        if kind == "object":
            return self._object(value, schema, path)
        if kind == "array":
            return self._array(value, schema, path)
        if kind in ("number", "integer"):
            return self._numbers.read(value, schema, path, self._field)
        if kind == "boolean" and isinstance(value, str) and value.strip().lower() in _TRUTH:
            return self._as(_TRUTH[value.strip().lower()], value, path)
        if kind == "string" and isinstance(value, int | float) and not isinstance(value, bool):
            return self._as(str(value), value, path)
        if kind == "string" and isinstance(value, list) and set(map(type, value)) == {str}:
            return self._as("; ".join(value), value, path)
        return value

    def _any(self, value: Any, schema: Mapping[str, Any], path: str) -> Any:
        others = [option for option in schema["anyOf"] if option.get("type") != "null"]
        if len(others) < len(schema["anyOf"]):
            if value is None:
                return None
            if isinstance(value, str) and value.strip().lower() in ("null", "none"):
                return self._as(None, value, path)
        if len(others) != 1:
            return value
        return self._value(value, {"description": schema.get("description"), **others[0]}, path)

    def _enum(self, value: Any, allowed: list[Any], path: str) -> Any:
        if value in allowed or not isinstance(value, str | int | float):
            return value
        said = _PATH.split(str(value))
        for at in range(len(said)):  # `Work > Pay` is `Work / Pay` or else Pay
            end = [plain(part) for part in said[at:]]
            same = [each for each in allowed if end == [*map(plain, _PATH.split(str(each)))]]
            if len(same) == 1:
                return self._as(same[0], value, path)
        return value

    def _object(self, value: Any, schema: Mapping[str, Any], path: str) -> Any:
        named = schema.get("properties", {})
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
            self._note(path, "one object was read from a list")
            value = value[0]
        if value in (None, "", []) and not schema.get("required"):
            value = {}
        if named.keys() == _EVIDENCE and (cited := citation_in(value)):
            value = self._as(cited, value, path)
        if not isinstance(value, dict):
            return value
        if len(value) == 1 and isinstance(inner := next(iter(value.values())), dict):
            own = plain_keys(named)
            if not plain_keys(value) & own and plain_keys(inner) & own:
                self._note(path, f"read inside of {_kind(value)}")
                value = inner
        rest, read = schema.get("additionalProperties"), {}
        value = self._named(value, named, path)
        unknown = [key for key in value if rest is False and key not in named]
        odd = [key for key in unknown if plain(key) not in _ASIDE]
        alike = odd and (
            plain_keys(odd) & plain_keys(named) or set(schema.get("required", ())) - value.keys()
        )
        for key in (key for key in unknown if key not in odd or not alike):
            self._note(path, f"the key {key[:40]!r} was left out")
            if key in odd:
                self._missing = (
                    self._missing or f"{_join(path, key)}: Extra inputs are not permitted"
                )
            del value[key]
        for key, each in value.items():
            self._field = key if key in named else self._field
            read[key] = self._value(each, named.get(key, rest), _join(path, key))
        if path and not odd and (read.keys() & named.keys() or self._cut):
            self._complete(read, schema, path)
        return read

    def _complete(self, read: dict[str, Any], schema: Mapping[str, Any], path: str) -> None:
        """Give *read* the lists that a cut reply did not reach, and what it does not say."""
        for name in schema.get("required", ()):
            field, given = schema["properties"][name], read.get(name)
            if is_share(field):
                if (share := number(given)) is None or not 0 <= share <= 1:
                    self._lack(read, name, 0.5, path, "a number from 0 to 1")
            elif name == "category" and path.startswith("insights."):
                if given in (None, ""):
                    self._lack(read, name, "other", path, "a short label")
            elif name in read or (self._cut and path != "structured_data"):
                continue
            elif field.get("type") == "array" and self._cut:
                self._note(_join(path, name), "not reached, read as an empty list")
                self.filled, read[name] = True, []
            elif field.get("type") == "array":
                self._lack(read, name, [], path, "a list")
            elif {"type": "null"} in field.get("anyOf", ()) and not self._cut:
                self._lack(read, name, None, path, "null or a value")

    def _named(
        self, value: Mapping[str, Any], named: Mapping[str, Any], path: str
    ) -> dict[str, Any]:
        """Return *value* with keys spelt as in the schema, where only one matches."""
        if value.keys() <= named.keys():
            return dict(value)
        meant = renamed_keys(value.keys(), named.keys())
        for key, name in meant.items():
            self._note(_join(path, name), f"the key was written {key[:40]!r}")
        return {meant.get(key, key): each for key, each in value.items()}

    def _array(self, value: Any, schema: Mapping[str, Any], path: str) -> Any:
        items = schema.get("items", {})
        kind = items.get("type")
        if value is None or value == "":
            self._note(path, f"{json.dumps(value)} was read as an empty list")
            return []
        if isinstance(value, dict) and kind == "object":
            inner, own = list(value.values()), items.get("properties", {})
            if len(inner) == 1 and isinstance(inner[0], list):
                self._note(path, f"read inside of {_kind(value)}")
                value = inner[0]
            elif len(mappings(inner)) == len(inner) > 1 and not value.keys() & own.keys():
                self._note(path, f"read without the keys {list(value)!r:.60}")
                value = inner
        one = kind == "string" and isinstance(value, str) and value.strip()
        if one or (kind == "object" and (isinstance(value, dict) or citation_in(value))):
            self._note(path, "one value was read as a list")
            value = [value]
        if not isinstance(value, list):
            return value
        if self._cut and kind == "object":
            distinct = list({json.dumps(each): each for each in value}.values())
            if len(distinct) < len(value):
                self._note(path, f"{len(value) - len(distinct)} repeated items were left out")
            value = distinct
        return [self._value(each, items, _join(path, str(at))) for at, each in enumerate(value)]

    def _as(self, meant: Any, value: Any, path: str) -> Any:
        self._note(path, f"{value!r:.40} was read as {meant!r:.40}")
        return meant


def _wrapped(value: Any, names: set[str]) -> Any:
    """Return what *value* wraps, None if nothing or if it has one of the answer's *names*."""
    if isinstance(value, str):
        return _decoded(value)
    if isinstance(value, list):
        only = value[0] if len(value) == 1 and isinstance(value[0], dict) else {}
        return only if plain_keys(only) & (names | _ARGUMENTS) else None
    if not isinstance(value, dict) or plain_keys(value) & names:
        return None
    held = {key: each for key, each in value.items() if plain(key) not in _CALL | _THOUGHT}
    held = {key: each for key, each in held.items() if isinstance(each, dict | list)} or held
    if len(held) > 1 and "properties" not in value:  # a schema is no answer
        objects = {key: each for key, each in held.items() if isinstance(each, dict)}
        held = {key: each for key, each in objects.items() if plain_keys(each) & names}
    inner = next(iter(held.values())) if len(held) == 1 else None
    return inner if isinstance(inner, dict | list | str) else None


def _decoded(text: str) -> Any:
    """Return the object, list or text that *text* encodes, None for any other text."""
    if text.strip()[:1] not in ("{", "[", '"'):
        return None
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list | str) else None


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return f"the key {next((k for k in value if plain(k) not in _CALL | _THOUGHT), '')[:40]!r}"
    return "a list" if isinstance(value, list) else "a string"


def _join(path: str, name: str) -> str:
    return f"{path}.{name[:40]}" if path else name[:40]
