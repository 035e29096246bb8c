"""Disks that have no room, for some files or from some size on."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from runner.base.files import TEMP


@contextmanager
def full_disk(refuses: Callable[[Path], bool], code: int = errno.ENOSPC) -> Iterator[None]:
    """Let nothing be written to the files that *refuses* names, also by way of another file."""
    real = os.open

    def opened(path: Any, flags: int, *rest: Any, **named: Any) -> int:
        if flags & os.O_ACCMODE and refuses(_replaced(Path(path))):
            raise OSError(code, os.strerror(code))
        return real(path, flags, *rest, **named)

    os.open = opened
    try:
        yield
    finally:
        os.open = real


def _replaced(path: Path) -> Path:
    """Return the file that a temporary one at *path* is to replace, or *path*."""
    if not path.name.startswith(TEMP):
        return path
    return path.with_name(path.name.removeprefix(TEMP).rsplit(".", 2)[0])


@contextmanager
def small_disk(root: Path, size: int = 1 << 60, files: int = 1 << 60) -> Iterator[None]:
    """Let *root* hold *size* bytes, in blocks, and *files* files and directories.

    As on a real one, a write for which there is no room leaves what fits of it.
    """
    root = root.absolute()
    real = {name: getattr(os, name) for name in ("open", "mkdir", "write", "posix_fallocate")}

    def used() -> tuple[int, int]:
        found = [path.stat() for path in root.rglob("*")]
        return sum(_blocks(each.st_size) for each in found), len(found)

    def full(path: Any) -> bool:
        inside = Path(path).absolute().is_relative_to(root)
        return inside and not Path(path).exists() and used()[1] >= files

    def room(descriptor: int) -> int:
        """Return the bytes to which the open file can grow."""
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if not path.is_relative_to(root):
            return 1 << 60
        return _blocks(path.stat().st_size) + size - used()[0]

    def opened(path: Any, flags: int, *rest: Any, **named: Any) -> int:
        if flags & os.O_CREAT and full(path):
            raise _no_space()
        return real["open"](path, flags, *rest, **named)

    def mkdir(path: Any, *rest: Any, **named: Any) -> None:
        if full(path):
            raise _no_space()
        real["mkdir"](path, *rest, **named)

    def write(descriptor: int, data: bytes) -> int:
        flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
        whence = os.SEEK_END if flags & os.O_APPEND else os.SEEK_CUR
        fits = data if not _is_file(descriptor) else data[: _fits(descriptor, whence, room)]
        if data and not fits:
            raise _no_space()
        return real["write"](descriptor, fits)

    def allocate(descriptor: int, start: int, length: int) -> None:
        if start + length > room(descriptor):
            raise _no_space()
        real["posix_fallocate"](descriptor, start, length)

    faulty = {"open": opened, "mkdir": mkdir, "write": write, "posix_fallocate": allocate}
    for name, operation in faulty.items():
        setattr(os, name, operation)
    try:
        yield
    finally:
        for name, operation in real.items():
            setattr(os, name, operation)


def _fits(descriptor: int, whence: int, room: Callable[[int], int]) -> int:
    return max(0, room(descriptor) - os.lseek(descriptor, 0, whence))


def _is_file(descriptor: int) -> bool:
    return stat.S_ISREG(os.fstat(descriptor).st_mode)


def _blocks(size: int) -> int:
    return -(-size // 4096) * 4096


def _no_space() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
