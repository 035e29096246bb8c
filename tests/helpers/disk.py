"""A disk that has no room for some files."""

from __future__ import annotations

import errno
import os
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
