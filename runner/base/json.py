"""JSON and YAML of run directories: untrusted files, read with limits and without exceptions."""

from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import orjson
import yaml

from runner.base.regular_files import read_regular

MAX_BYTES = 40_000_000  # of a JSON file; larger ones are refused
MAX_VALUES = 1_000_000  # in a JSON file; each takes up to 80 bytes of memory
MAX_DEPTH = 250  # of JSON; orjson writes 254
MAX_YAML_BYTES = 1_000_000
MAX_YAML_VALUES = 100_000  # with aliases expanded
MAX_YAML_DEPTH = 50
MAX_NUMBER = 1e15  # no count or measurement here is larger

_Safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Safe):  # type: ignore[misc]
    """Refuses a key that appears twice in a mapping, of which YAML would lose the first."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(names) > len(set(names)):
            twice, _ = Counter(names).most_common(1)[0]
            line = node.start_mark.line + 1
            raise ValueError(f"the key {twice!r} appears twice, in the mapping of line {line}")
        return super().construct_mapping(node, deep=deep)


def load_json(file: Path, limit: int = MAX_BYTES) -> Any:
    """Return the value in *file*; raise OSError or ValueError."""
    return parse_json(read_regular(file, limit))


def parse_json(data: bytes) -> Any:
    """Return the value of *data*; raise ValueError if it has too many values or is too deep."""
    check_size(data)
    value = orjson.loads(data.removeprefix(BOM_UTF8))
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH and is_deeper(value, MAX_DEPTH):
        raise ValueError(f"nested deeper than {MAX_DEPTH}")
    return value


def is_deeper(value: Any, limit: int) -> bool:
    """Return whether more than *limit* objects and lists are inside of each other in *value*."""
    level: list[Any] = [[value]]
    for _ in range(limit + 1):
        held = chain.from_iterable(
            each.values() if isinstance(each, dict) else each for each in level
        )
        level = [each for each in held if isinstance(each, dict | list)]
    return bool(level)


def check_size(data: bytes) -> None:
    """Raise ValueError for JSON that `load_json` refuses for its size."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES:,} bytes")
    if len(data) > MAX_VALUES and sum(map(data.count, (b",", b":", b"[", b"{"))) > MAX_VALUES:
        raise ValueError(f"more than {MAX_VALUES:,} values")


def load_yaml(file: Path) -> Any:
    """Return the value in *file*; raise OSError or ValueError."""
    data = read_regular(file, MAX_YAML_BYTES)
    try:
        check_yaml(data)
        return yaml.load(data, _Loader)
    except Exception as error:  # its constructors raise what comes
        raise ValueError(str(error)) from error


def check_yaml(data: bytes) -> None:
    """Raise ValueError if YAML is too deep or has too many values once aliases are expanded.

    Raises YAMLError. Events of the parser take no recursion, which overflows the C loader's stack.
    """
    sizes: dict[str, int] = {}  # by anchor
    open_: list[tuple[str | None, int]] = []  # collections: their anchor and the values before
    total = 0
    for event in yaml.parse(data, Loader=_Loader):
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_.pop()
            sizes[anchor or ""] = total - before
        elif isinstance(event, yaml.AliasEvent):
            total += sizes.get(event.anchor, 0)  # the loader reports an unknown one
        elif isinstance(event, yaml.NodeEvent):
            total += 1
            if isinstance(event, yaml.CollectionStartEvent):
                open_.append((event.anchor, total - 1))
                sizes[event.anchor or ""] = MAX_YAML_VALUES  # for an alias inside of it
            else:
                sizes[event.anchor or ""] = 1
        if len(open_) > MAX_YAML_DEPTH:
            raise ValueError(f"nested deeper than {MAX_YAML_DEPTH}")
        if total > MAX_YAML_VALUES:
            raise ValueError(f"more than {MAX_YAML_VALUES:,} values, aliases expanded")


def read_json(file: Path) -> Mapping[str, Any]:
    """Return the object in *file*, an empty one for anything else."""
    return mapping(_read(file))


def read_list(file: Path) -> list[Any]:
    """Return the list in *file*, an empty one for anything else."""
    return listing(_read(file))


def read_yaml(file: Path) -> Mapping[str, Any]:
    """Return the mapping in *file*, an empty one for anything else."""
    return mapping(_read(file, load_yaml))


def _read(file: Path, load: Callable[[Path], Any] = load_json) -> Any:
    try:
        return load(file)
    except (OSError, ValueError):
        return None


def mapping(value: Any) -> Mapping[str, Any]:
    """Return *value* if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def listing(value: Any) -> list[Any]:
    """Return *value* if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def mappings(value: Any) -> list[Mapping[str, Any]]:
    """Return the mappings in a list, none if *value* is not a list."""
    return [item for item in listing(value) if isinstance(item, Mapping)]


def section(data: Any, *keys: str) -> Mapping[str, Any]:
    """Return the mapping at the path *keys* of *data*, an empty one if there is none."""
    return mapping(at(data, *keys))


def flat(data: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of nested mappings by their dotted keys; lists are values."""
    for key, value in data.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def at(data: Any, *keys: str) -> Any:
    """Return the value at the path *keys* of *data*, None if there is none."""
    for key in keys:
        data = mapping(data).get(key)
    return data


def with_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Return *value* with every text in it changed, including the keys of mappings."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {with_texts(key, change): with_texts(each, change) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [with_texts(each, change) for each in value]
    return value


def inside(value: Any) -> Iterator[Any]:
    """Yield *value* and every value in it, outer ones first, without the keys of objects."""
    left = [value]
    while left:
        yield (each := left.pop())
        if isinstance(each, dict):
            left += reversed(each.values())
        elif isinstance(each, list | tuple):
            left += reversed(each)


def strings_in(value: Any) -> Iterator[str]:
    """Yield every text in *value*, without the keys of objects."""
    return (each for each in inside(value) if isinstance(each, str))


def rebuilt(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return a copy of *value*; *change* has replaced every object and list, inner ones first."""
    if isinstance(value, dict):
        return change({key: rebuilt(each, change) for key, each in value.items()})
    if isinstance(value, list):
        return change([rebuilt(each, change) for each in value])
    return value


def number(value: Any) -> float | None:
    """Return a finite number below MAX_NUMBER, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < MAX_NUMBER else None


def amount(value: Any) -> float:
    """Return a number that is not negative, 0 for anything else."""
    return max(0.0, number(value) or 0.0)


def text(value: Any) -> str:
    """Return *value* as text: strings unchanged, None empty, booleans yes or no, the rest JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        return str(value)
