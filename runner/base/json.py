"""Values from a run directory that anyone may have written: taken as they are, or not at all."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

MAX_BYTES = 64 * 1024 * 1024  # more is not read
MAX_NUMBER = 1e15  # nothing that is counted or measured here is larger


def mapping(value: Any) -> Mapping[str, Any]:
    """Return *value* if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def listing(value: Any) -> list[Any]:
    """Return *value* if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def mappings(value: Any) -> list[Mapping[str, Any]]:
    """Return the mappings in a list, none if it is no list."""
    return [item for item in listing(value) if isinstance(item, Mapping)]


def number(value: Any) -> float | None:
    """Return a finite number of a sane size, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < MAX_NUMBER else None


def amount(value: Any) -> float:
    """Return a number that is not negative, 0 for anything else."""
    return max(0.0, number(value) or 0.0)


def text(value: Any) -> str:
    """Return *value* as it is read: strings as they are, nothing as an empty one."""
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


def section(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the mapping at *key* of *data*, an empty one where there is none."""
    return mapping(data.get(key))


def read_json(file: Path) -> Mapping[str, Any]:
    """Return the object in *file*, an empty one where there is none."""
    return mapping(_read(file))


def read_list(file: Path) -> list[Any]:
    """Return the list in *file*, an empty one where there is none."""
    return listing(_read(file))


def _read(file: Path) -> Any:
    try:
        return orjson.loads(file.read_bytes()) if is_small(file) else None
    except (OSError, ValueError):
        return None


def is_small(file: Path) -> bool:
    """Return whether *file* is a file, no link or pipe, that can be read; raise OSError."""
    about = file.lstat()
    return stat.S_ISREG(about.st_mode) and about.st_size <= MAX_BYTES
