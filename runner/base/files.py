"""Write files so that a reader, or a crash, sees the old content or the new and nothing between."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

TEMP = ".tmp."
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


def write_bytes(path: Path, data: bytes) -> None:
    """Replace *path* with *data* durably: temp file beside it, fsync, rename, fsync directory.

    A power cut leaves either version whole (Pillai et al., "All File Systems Are Not Created
    Equal", OSDI 2014). Raises OSError; the temp file is gone then.
    """
    temp = path.parent / f"{TEMP}{path.name}.{os.getpid()}.{secrets.token_hex(4)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK
    descriptor = os.open(temp, flags, 0o600)
    try:
        try:
            append(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temp.replace(path)
        sync_directory(path.parent)
    except BaseException:
        with suppress(OSError):
            temp.unlink()
        raise


def write_if_changed(path: Path, data: bytes) -> None:
    """Replace *path* only where it holds something else: a run taken up again writes less."""
    try:
        same = path.read_bytes() == data
    except OSError:
        same = False
    if not same:
        write_bytes(path, data)


def write_in_place(path: Path, data: bytes) -> None:
    """Write *path* in place, with as few calls to the system as there can be; raise OSError.

    A crash may leave it cut off: for what is made anew whenever its run is not complete.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _NO_LINK, 0o600)
    try:
        append(descriptor, data)
    finally:
        os.close(descriptor)


def as_json(value: Any) -> bytes:
    """Return *value* as indented UTF-8 JSON."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def write_text(path: Path, text: str) -> None:
    """Write *text* as UTF-8; it is encoded before anything is opened."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write *value* as indented UTF-8 JSON."""
    write_bytes(path, as_json(value))


def open_for_append(path: Path) -> int:
    """Return a descriptor that appends to *path*; a line that a crash tore is ended first."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | _NO_LINK, 0o600)
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        append(descriptor, b"\n")
    return descriptor


def append(descriptor: int, data: bytes) -> None:
    """Write *data* whole."""
    while data:
        data = data[os.write(descriptor, data) :]


def remove_temporary_files(root: Path) -> int:
    """Remove what interrupted writes left under *root*; return how many."""
    left = list(root.rglob(f"{TEMP}*"))
    for path in left:
        path.unlink()
    return len(left)


def make_directory(path: Path) -> None:
    """Create *path* and its parents (0700), each made durable in the one above it."""
    if path.is_dir():
        return
    make_directory(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make renames and new names in *path* survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
