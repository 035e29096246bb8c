"""Files: atomic and durable writes, and the folder of an installed package."""

import importlib.util
import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from runner.base.regular_files import open_own, open_regular

TEMP = ".tmp."
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


def write_bytes(path: Path, data: bytes | Iterable[bytes], *, durable: bool = True) -> None:
    """Replace *path* with *data* durably: temp file beside it, fsync, rename, fsync directory.

    *data* may come in pieces, which are written one after the other.
    A power cut leaves either version whole (Pillai et al., "All File Systems Are Not Created
    Equal", OSDI 2014); unless *durable*, it may also leave a torn one, and a crash of this process
    still does not. Raises OSError after removing the temp file.
    """
    temp = path.parent / f"{TEMP}{path.name}.{os.getpid()}.{secrets.token_hex(4)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK
    descriptor = os.open(temp, flags, 0o600)
    try:
        try:
            for piece in (data,) if isinstance(data, bytes) else data:
                append(descriptor, piece)
            if durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temp.replace(path)
        if durable:
            sync_directory(path.parent)
    except BaseException:
        with suppress(OSError):
            temp.unlink()
        raise


def write_if_changed(path: Path, data: bytes) -> None:
    """Replace *path* unless it holds *data* already, so that a resumed run writes less."""
    try:
        with open_regular(path, len(data)) as opened:
            same = opened.read(len(data)) == data
    except OSError:
        same = False
    if not same:
        write_bytes(path, data)


def write_in_place(path: Path, data: bytes) -> None:
    """Write *path* in place with the fewest system calls; raise OSError.

    A crash may truncate it, so use it only for files that a resumed run writes again.
    """
    descriptor = open_own(path, os.O_WRONLY)
    try:
        os.truncate(descriptor, 0)
        append(descriptor, data)
    finally:
        os.close(descriptor)


def as_json(value: Any) -> bytes:
    """Return *value* as indented UTF-8 JSON."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def write_text(path: Path, text: str) -> None:
    """Write *text* as UTF-8; an encoding error leaves the file as it is."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write *value* as indented UTF-8 JSON."""
    write_bytes(path, as_json(value))


def open_for_append(path: Path) -> int:
    """Return a descriptor that appends to *path*, after ending a line that a crash cut off."""
    descriptor = open_own(path, os.O_RDWR | os.O_APPEND)
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        append(descriptor, b"\n")
    return descriptor


def append(descriptor: int, data: bytes) -> None:
    """Write all of *data*."""
    while data:
        data = data[os.write(descriptor, data) :]


def remove_temporary_files(root: Path) -> int:
    """Remove the temp files of interrupted writes under *root*; return how many."""
    paths = list(root.rglob(f"{TEMP}*"))
    for path in paths:
        path.unlink()
    return len(paths)


def package_folder(name: str) -> Path | None:
    """Return the folder of an installed package, which is not imported; None without it."""
    spec = importlib.util.find_spec(name)
    locations = spec.submodule_search_locations if spec else None
    return Path(locations[0]) if locations else None


def make_directory(path: Path, root: Path | None = None) -> None:
    """Create *path* and its parents durably, with mode 0700; raise OSError.

    Those below *root*, a directory that others may have filled, must not be links out of it.
    """
    if root in (None, path):
        if path.is_dir():
            return
        root = None
    make_directory(path.parent, root)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        if root is not None and path.is_symlink():
            raise OSError(f"{path} is a link, expected a directory of {root}") from None
        if not path.is_dir():
            raise
    else:
        sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make renames and new files in *path* survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
