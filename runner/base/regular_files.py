"""Regular files of directories that anyone may have written, opened and listed within limits."""

import os
import stat
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO

MAX_LINE = 1 << 20  # bytes
MAX_LINES = 5_000_000
MAX_LOG = 1 << 30  # bytes of a file of lines: the journal of 180,000 transcripts
MAX_ENTRIES = 100_000  # of a directory
MAX_DEPTH = 4  # of directories in a run
SHELL = SimpleNamespace(folder=None)  # where the command was typed, once it has been left
_SAFE = getattr(os, "O_NOFOLLOW", 0) | os.O_NONBLOCK


def open_regular(file: Path, limit: int = MAX_LOG) -> BinaryIO:
    """Open a regular file of at most *limit* bytes to read; raise OSError for anything else."""
    descriptor = os.open(file, os.O_RDONLY | _SAFE)
    about = os.fstat(descriptor)
    if stat.S_ISREG(about.st_mode) and about.st_size <= limit:
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(about.st_mode):
        raise OSError(f"{file} is a directory, expected a file")
    raise OSError(f"{file} is not a regular file of at most {limit:,} bytes")


def read_regular(file: Path, limit: int) -> bytes:
    """Return what a regular file of at most *limit* bytes holds when opened; raise OSError."""
    with open_regular(file, limit) as opened:
        return opened.read(os.fstat(opened.fileno()).st_size)


def open_own(path: Path, flags: int) -> int:
    """Return a descriptor, to write, of a regular file without other hard links; raise OSError."""
    descriptor = os.open(path, flags | os.O_CREAT | _SAFE, 0o600)
    about = os.fstat(descriptor)
    if stat.S_ISREG(about.st_mode) and about.st_nlink <= 1:
        return descriptor
    os.close(descriptor)
    raise OSError(f"{path} is not a regular file with this name alone")


def read_lines(file: Path, limit: int = MAX_LOG) -> Iterator[bytes]:
    """Yield the lines of *file*, long ones in pieces; raise OSError beyond *limit* or MAX_LINES."""
    with open_regular(file, limit) as opened:
        for number, line in enumerate(iter(partial(opened.readline, MAX_LINE), b"")):
            if number == MAX_LINES:
                raise OSError(f"{file} has more than {MAX_LINES:,} lines")
            yield line


def listed(folder: Path) -> list[os.DirEntry[str]]:
    """Return the entries of *folder* by name, none if it is not a directory; raise OSError."""
    try:
        with os.scandir(folder) as found:
            inside = list(islice(found, MAX_ENTRIES + 1))
    except (FileNotFoundError, NotADirectoryError):
        return []
    if len(inside) > MAX_ENTRIES:
        raise OSError(f"{folder} has more than {MAX_ENTRIES:,} entries")
    return sorted(inside, key=lambda entry: entry.name)


def folders_in(folder: Path) -> list[Path]:
    """Return the directories in *folder* by name, without links; raise OSError."""
    return [Path(e.path) for e in listed(folder) if e.is_dir(follow_symlinks=False)]


def files_in(folder: Path, ending: str) -> list[Path]:
    """Return the entries of *folder* whose names end with *ending*, by name; raise OSError."""
    return [Path(e.path) for e in listed(folder) if e.name.endswith(ending) and e.name[0] != "."]


def as_given(path: Path, folder: str) -> Path:
    """Return *path* below *folder* relative to the working directory, if *folder* is.

    Hydra makes paths absolute. One not below the working directory, or SHELL's, stays as it is.
    """
    here = SHELL.folder or Path.cwd()
    inside = path.is_relative_to(here) and not Path(folder).is_absolute()
    return path.relative_to(here) if inside else path


def user_path(path: str) -> Path:
    """Return the path that a user typed, with `~` expanded where it names a user."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path's own raises where it does not


def kind_of(path: Path) -> str | None:
    """Return "file" or "directory", None for anything else and for a name that cannot be."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return None
    return "file" if stat.S_ISREG(mode) else "directory" if stat.S_ISDIR(mode) else None


def refuse_links(*folders: Path) -> None:
    """Raise OSError if one of *folders*, or a directory in it, is a link, maybe to the outside."""
    inside = list(folders)
    for _ in range(MAX_DEPTH):
        if linked := next(filter(Path.is_symlink, inside), None):
            raise OSError(f"{linked} is a link, expected a directory")
        inside = [Path(e.path) for folder in inside for e in listed(folder) if e.is_dir()]
