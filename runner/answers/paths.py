"""Paths into answers: JMESPath expressions, checked against the answer's schema beforehand."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import jmespath
from jmespath.functions import Functions

from runner.base.errors import ConfigError, did_you_mean, one_line
from runner.base.format import plural
from runner.base.json import inside, mapping, text

Json = Mapping[str, Any]


@cache
def compile_path(path: str) -> Any:
    """Return *path* as an expression of JMESPath (jmespath.org); raise ConfigError."""
    try:
        found = jmespath.compile(path)
        _check_functions(found.parsed)
    except (ValueError, RecursionError) as error:
        why = one_line(str(error).partition(", for expression")[0], 120)
        shown = one_line(path, 120)
        raise ConfigError(f"{shown!r} is not a path (JMESPath): {why}") from error
    return found


def _check_functions(node: Any) -> None:
    """Raise ValueError for a function of the syntax tree *node* that JMESPath does not have."""
    if node["type"] == "function_expression":
        known, name, given = Functions.FUNCTION_TABLE, node["value"], len(node["children"])
        if name not in known:
            raise ValueError(f"no function {name!r}{did_you_mean(name, known)}")
        signature = known[name]["signature"]
        many = bool(signature) and signature[-1].get("variadic", False)
        if given < len(signature) or (given > len(signature) and not many):
            raise ValueError(f"{name}() takes {plural(len(signature), 'argument')}, not {given}")
    for child in node["children"]:
        if isinstance(child, dict):
            _check_functions(child)


def value_at(path: str, answer: Any) -> Any:
    """Return the value at *path* of *answer*; None if there is none or a function fails."""
    try:
        return compile_path(path).search(answer)
    except (ValueError, TypeError, RecursionError):  # such as length() of null
        return None


def texts_in(value: Any) -> list[str]:
    """Return the values in *value* as texts: the items of lists and objects, without nulls."""
    single = (v for v in inside(value) if not (v is None or isinstance(v, Mapping | list | tuple)))
    return [str(each).lower() if isinstance(each, bool) else text(each) for each in single]


def check_path(path: str, schema: Json) -> None:
    """Raise ConfigError, with the nearest match, if *path* names a key that *schema* lacks.

    Keys after a function, a wildcard over keys or a choice of shapes are not checked.
    """
    _Walk(path, schema).walk(compile_path(path).parsed, schema)


class _Walk:
    """Follows the syntax tree of *path* through *root*, a JSON schema."""

    def __init__(self, path: str, root: Json) -> None:
        self._path, self._root = path, root

    def walk(self, node: Any, schema: Any) -> Json | None:
        """Return the schema of the part of *schema* that *node* selects, None if unknown."""
        kind, inner = node["type"], node["children"]
        here = self._resolved(schema)
        if kind == "field":
            return self._field(node["value"], here)
        if kind in ("subexpression", "index_expression", "pipe"):
            found: Json | None = here
            for child in inner:
                found = self.walk(child, found)
            return found
        if kind in ("projection", "filter_projection"):
            items = self._items(self.walk(inner[0], here))
            for child in inner[2:]:
                self.walk(child, items)
            return {"type": "array", "items": self.walk(inner[1], items) or {}}
        if kind == "flatten":
            outer = self._resolved(self.walk(inner[0], here))
            items = self._items(outer)
            return items if mapping(items).get("type") == "array" else outer
        if kind == "index":
            return self._items(here)
        if kind in ("identity", "current", "slice"):
            return here
        for child in inner if kind != "value_projection" else inner[:1]:
            if isinstance(child, dict):  # of functions, comparisons and selections
                self.walk(child, here)
        return None

    def _field(self, name: str, schema: Json | None) -> Json | None:
        known = mapping(mapping(schema).get("properties"))
        if known and name not in known:
            raise ConfigError(
                f"{one_line(self._path, 120)!r}: no key {name!r} there{did_you_mean(name, known)}"
            )
        found = known.get(name)
        if "$defs" in mapping(found):  # an analyzer's, of a run
            self._root = mapping(found)
        return found

    def _items(self, schema: Json | None) -> Json | None:
        return self._resolved(mapping(self._resolved(schema)).get("items"))

    def _resolved(self, schema: Any) -> Json | None:
        """Return *schema* without references; None if it has alternatives."""
        for _ in range(20):
            options = [s for s in mapping(schema).get("anyOf", ()) if s.get("type") != "null"]
            if len(options) == 1:
                schema = options[0]
            elif "$ref" in mapping(schema):
                name = str(schema["$ref"]).rpartition("/")[2]
                defs = mapping(self._root.get("$defs"))
                schema = defs.get(name)
            else:
                return None if options else schema
        return None
