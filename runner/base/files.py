"""Files: atomic and durable writes, room for later ones, and the files of packages."""

import errno
import importlib.util
import os
import secrets
import tomllib
from collections.abc import Iterable
from contextlib import AbstractContextManager, suppress
from importlib import resources
from itertools import count
from pathlib import Path
from typing import Any

import orjson

from runner.base.regular_files import MAX_LINE, open_own, read_regular

TEMP = ".tmp."
_CHUNK = 1 << 16
# Of some network and FUSE file systems, which lack fsync of directories or fallocate.
_UNSUPPORTED = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)


class Draft(AbstractContextManager["Draft"]):
    """A temp file beside *path* that `commit` turns into it; use it as a context manager.

    It holds *size* bytes and an open handle, so that a commit of at most that size needs no more
    space, inode or handle (except on a file system that copies on write). Raises OSError without
    room.
    """

    def __init__(self, path: Path, size: int = 0) -> None:
        self._path, self._size = path, 0
        self._temp = path.parent / f"{TEMP}{path.name}.{os.getpid()}.{secrets.token_hex(4)}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL  # which follows no link
        self._descriptor: int | None = os.open(self._temp, flags, 0o600)
        try:
            self.reserve(size)
        except BaseException:
            self.discard()
            raise

    def reserve(self, size: int) -> None:
        """Reserve a total of *size* bytes; raise OSError and change nothing without room."""
        if self._descriptor is None or size <= self._size:
            return
        try:
            os.posix_fallocate(self._descriptor, 0, size)
        except (AttributeError, OSError) as error:
            if isinstance(error, OSError) and error.errno not in _UNSUPPORTED:
                raise
            append(self._descriptor, bytes(size - self._size))
        self._size = size

    def commit(self, data: bytes | Iterable[bytes], *, durable: bool = True) -> None:
        """Replace the file with *data*: fsync, rename, fsync of the directory; raise OSError.

        *data* may come in pieces; a failed commit of bytes may be repeated. A power cut leaves
        either version whole (Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014);
        unless *durable*, it may also leave a torn one.
        """
        if self._descriptor is not None:
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            for piece in (data,) if isinstance(data, bytes) else data:
                append(self._descriptor, piece)
            length = os.lseek(self._descriptor, 0, os.SEEK_CUR)
            if os.fstat(self._descriptor).st_size > length:
                os.ftruncate(self._descriptor, length)
            if durable:
                os.fsync(self._descriptor)
            self._temp.replace(self._path)
            self._close()
        if durable:
            sync_directory(self._path.parent)

    def discard(self) -> None:
        """Remove the file unless it was committed."""
        if self._descriptor is not None:
            self._close()
            with suppress(OSError):
                self._temp.unlink()

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def __exit__(self, *_: object) -> None:
        self.discard()


def write_bytes(path: Path, data: bytes | Iterable[bytes], *, durable: bool = True) -> None:
    """Replace *path* with *data* as `Draft.commit` does; raise OSError and leave it as it is."""
    try:
        with Draft(path) as draft:
            draft.commit(data, durable=durable)
    except OSError as error:
        if error.filename is None or Path(error.filename).name.startswith(TEMP):
            error.filename = str(path)  # which a user knows
        raise


def write_if_changed(path: Path, data: bytes) -> None:
    """Replace *path* unless it holds *data* already, so that a resumed run writes less."""
    with suppress(OSError):
        if read_regular(path, len(data)) == data:
            return
    write_bytes(path, data)


def write_in_place(path: Path, data: bytes) -> None:
    """Write *path* in place with the fewest system calls; raise OSError.

    A crash may truncate it: only for files that are written again. It is removed without room.
    """
    descriptor = open_own(path, os.O_WRONLY)
    try:
        os.truncate(descriptor, 0)
        append(descriptor, data)
    except OSError:
        with suppress(OSError):
            path.unlink()
        raise
    finally:
        os.close(descriptor)


def as_json(value: Any, *, short: bool = False) -> bytes:
    """Return *value* as UTF-8 JSON, indented unless it is to be *short*."""
    indented = 0 if short else orjson.OPT_INDENT_2
    return orjson.dumps(value, option=indented | orjson.OPT_APPEND_NEWLINE)


def write_text(path: Path, text: str) -> None:
    """Write *text* as UTF-8; an encoding error leaves the file as it is."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write *value* as indented UTF-8 JSON."""
    write_bytes(path, as_json(value))


class Lines:
    """A file of lines that grows at its end by whole lines.

    A last line that a crash cut off is removed, or ended if it is whole JSON.
    """

    def __init__(self, path: Path) -> None:
        self.descriptor = open_own(path, os.O_RDWR | os.O_APPEND)
        self.size, self._torn = os.fstat(self.descriptor).st_size, False
        if (start := self._last_line()) < self.size:
            try:
                orjson.loads(os.pread(self.descriptor, MAX_LINE, start))
                self.append(b"\n")
            except ValueError:
                self.size = start
                os.ftruncate(self.descriptor, self.size)

    def append(self, data: bytes) -> None:
        """Append whole lines; raise OSError and leave the file as it is."""
        if self._torn:  # and could not be repaired then
            self._repair_end()
        try:
            append(self.descriptor, data)
        except OSError:
            self._torn = True
            with suppress(OSError):
                self._repair_end()
            raise
        self.size += len(data)

    def _repair_end(self) -> None:
        os.ftruncate(self.descriptor, self.size)
        self._torn = False

    def close(self) -> None:
        """Close the file."""
        os.close(self.descriptor)

    def _last_line(self) -> int:
        """Return where the last line begins."""
        for start in range(self.size - _CHUNK, -_CHUNK, -_CHUNK):
            chunk = os.pread(self.descriptor, min(_CHUNK, start + _CHUNK), max(0, start))
            if b"\n" in chunk:
                return max(0, start) + chunk.rindex(b"\n") + 1
        return 0


def append(descriptor: int, data: bytes) -> None:
    """Write all of *data*."""
    while data:
        data = data[os.write(descriptor, data) :]


def set_aside(file: Path, root: Path) -> Path:
    """Rename the damaged *file* to `NAME.corrupt-N`, durably; return that path; raise OSError."""
    make_directory(file.parent, root)
    names = (file.with_name(f"{file.name}.corrupt-{number}") for number in count(1))
    target = next(path for path in names if not os.path.lexists(path))
    file.rename(target)
    sync_directory(file.parent)
    return target


def temporary_files(root: Path) -> list[Path]:
    """Return the temp files of interrupted writes under *root*."""
    return [path for path in root.rglob(f"{TEMP}*") if path.is_symlink() or not path.is_dir()]


def package_folder(name: str) -> Path | None:
    """Return the folder of an installed package, which is not imported; None without it."""
    spec = importlib.util.find_spec(name)
    locations = spec.submodule_search_locations if spec else None
    return Path(locations[0]) if locations else None


def packaged(package: str, name: str) -> dict[str, Any]:
    """Return the content of the TOML file *name* beside the modules of *package*."""
    return tomllib.loads(resources.files(package).joinpath(name).read_text("utf-8"))


def make_directory(path: Path, root: Path | None = None) -> None:
    """Create *path* and its parents durably, with mode 0700; raise OSError.

    Below *root*, which must exist and others may have filled, none may be a link out of it.
    """
    if root in (None, path):
        if path.is_dir():
            return
        if root is not None:
            raise OSError(f"{path} was moved or removed")
    make_directory(path.parent, root)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        if root is not None and path.is_symlink():
            raise OSError(f"{path} is a link, expected a directory of {root}") from None
        if not path.is_dir():
            raise OSError(f"{path} is not a directory") from None
    else:
        sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make renames and new files in *path* survive a power cut, where the file system can."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
    finally:
        os.close(descriptor)
