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
    compiled = compile_path(path)
    try:
        _reached(compiled.parsed, schema)
    except ConfigError as error:
        raise ConfigError(f"{one_line(path, 120)!r}: {error}") from error


def _reached(node: Any, schema: Any) -> Json | None:
    """Return the schema that *node* selects, None if unknown; raise ConfigError."""
    kind, inner, here = node["type"], node["children"], _chosen(schema)
    if kind == "field":
        known, name = mapping(mapping(here).get("properties")), node["value"]
        if known and name not in known:
            raise ConfigError(f"no key {name!r} there{did_you_mean(name, known)}")
        return known.get(name)
    if kind in ("subexpression", "index_expression", "pipe"):
        for child in inner:
            here = _reached(child, here)
        return here
    if kind in ("projection", "filter_projection"):
        items = _items(_reached(inner[0], here))
        for child in inner[2:]:
            _reached(child, items)
        return {"type": "array", "items": _reached(inner[1], items) or {}}
    if kind == "flatten":
        outer = _chosen(_reached(inner[0], here))
        items = _items(outer)
        return items if mapping(items).get("type") == "array" else outer
    if kind == "index":
        return _items(here)
    if kind in ("identity", "current", "slice"):
        return here
    for child in inner if kind != "value_projection" else inner[:1]:
        if isinstance(child, dict):  # of functions, comparisons and selections
            _reached(child, here)
    return None


def _items(schema: Json | None) -> Json | None:
    return _chosen(mapping(_chosen(schema)).get("items"))


def _chosen(schema: Any) -> Json | None:
    """Return *schema*, or its only alternative but null; None if it has several."""
    while "anyOf" in mapping(schema):
        options = [each for each in schema["anyOf"] if each.get("type") != "null"]
        if len(options) != 1:
            return None
        schema = options[0]
    return schema  # type: ignore[no-any-return]
