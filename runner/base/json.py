"""JSON and YAML of run directories: untrusted files, read with limits and without exceptions."""

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import yaml

MAX_BYTES = 256 * 1024 * 1024  # of a JSON file; larger ones are refused
MAX_YAML_BYTES = 4 * 1024 * 1024
MAX_NUMBER = 1e15  # no count or measurement here is larger
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | getattr(os, "O_NOFOLLOW", 0)


def open_regular(file: Path, limit: int | None = None) -> BinaryIO:
    """Open a regular file of at most *limit* bytes to read; raise OSError for anything else."""
    descriptor = os.open(file, _FLAGS)
    about = os.fstat(descriptor)
    if stat.S_ISREG(about.st_mode) and (limit is None or about.st_size <= limit):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    what = "a regular file" if limit is None else f"a regular file of at most {limit:,} bytes"
    raise OSError(f"{file} is not {what}")


def load_json(file: Path, limit: int = MAX_BYTES) -> Any:
    """Return the value in *file*; raise OSError or ValueError."""
    with open_regular(file, limit) as opened:
        return orjson.loads(opened.read())


def load_yaml(file: Path) -> Any:
    """Return the value in *file*; raise OSError or ValueError.

    By PyYAML's Python loader: deep nesting overflows the stack of the one in C.
    """
    with open_regular(file, MAX_YAML_BYTES) as opened:
        try:
            return yaml.safe_load(opened.read())
        except (yaml.YAMLError, RecursionError) as error:
            raise ValueError(str(error)) from error


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
    """Return the mappings in a list, none if *value* is no list."""
    return [item for item in listing(value) if isinstance(item, Mapping)]


def section(data: Any, *keys: str) -> Mapping[str, Any]:
    """Return the mapping at the path *keys* of *data*, an empty one if there is none."""
    return mapping(at(data, *keys))


def at(data: Any, *keys: str) -> Any:
    """Return the value at the path *keys* of *data*, None if there is none."""
    for key in keys:
        data = mapping(data).get(key)
    return data


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
