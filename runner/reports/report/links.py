"""Relative addresses of files, as links of a page."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote


def link_to(file: Path, folder: Path) -> str | None:
    """Return the address of *file* from a page in *folder*, None where there is no such file.

    No browser takes it for anything but a file: it begins with a dot and is quoted.
    """
    if not file.is_file():
        return None
    return address_of(file, folder)


def address_of(file: Path, folder: Path) -> str:
    """Return the address of *file*, there or not, from a page in *folder*."""
    # Of the place, with links resolved; the file itself goes by its name.
    place = file.parent.resolve() / file.name
    return "./" + quote(os.fsencode(Path(os.path.relpath(place, folder.resolve())).as_posix()))
