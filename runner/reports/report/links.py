"""Relative addresses of files, as links of a page."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote


def link_to(file: Path, folder: Path) -> str | None:
    """Return the address of *file* from a page in *folder*, None if the file does not exist."""
    return address_of(file, folder) if file.is_file() else None


def address_of(file: Path, folder: Path) -> str:
    """Return the relative address of *file*, which need not exist, from a page in *folder*.

    It begins with a dot and is quoted, so no browser takes it for another kind of address.
    """
    # Links in the folder are resolved, the file keeps its name.
    target = file.parent.resolve() / file.name
    return "./" + quote(os.fsencode(Path(os.path.relpath(target, folder.resolve())).as_posix()))
