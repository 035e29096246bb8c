"""Buffer of paid replies: each survives a killed process from its arrival until its record."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from zlib import crc32

import orjson

from runner.base.files import TEMP, temporary_files
from runner.base.json import MAX_BYTES, parse_json
from runner.base.regular_files import open_own, open_regular
from runner.base.usage import Usage
from runner.providers.request import Completion

NAME = f"{TEMP}replies"
SLOT_BYTES = 4096
MAX_TAKEN = 64 * 1024 * 1024  # bytes of one session's replies
_UNUSED = b"#"  # as the first byte of a slot makes it no JSON


class ReplyBuffer:
    """The replies in one file of slots in *root*, which are used again once a record is stored.

    A write takes a microsecond, where a file of its own would take a hundred; it is not synced. A
    checksum tells a torn line, which ends as the reply that its slot had before. A *unit* is the
    record that will hold a reply, *key* the digest of its request.
    """

    def __init__(self, root: Path) -> None:
        self._path = root / f"{NAME}.{os.getpid()}.{secrets.token_hex(4)}"
        self._descriptor: int | None = None
        self._end = 0
        self._free: list[tuple[int, int]] = []  # slots: offset and size in bytes
        self._slots: dict[str, list[tuple[int, int]]] = {}  # by unit
        self._earlier: dict[str, list[Completion]] = {}  # by key; of equal files, several

    def take_over(self, root: Path) -> None:
        """Take the replies of killed sessions in *root*, then remove temp files; raise OSError."""
        left = temporary_files(root)
        for file in left:
            for unit, key, reply in _replies_in(file) if file.name.startswith(NAME) else ():
                self._write(unit, key, reply)
                self._earlier.setdefault(key, []).append(reply)
        for file in left:
            file.unlink()

    def keep(self, unit: str, key: str, reply: Completion) -> None:
        """Keep *reply*; a failed write is ignored, since the record's own will fail too."""
        with suppress(OSError):
            self._write(unit, key, reply)

    def _write(self, unit: str, key: str, reply: Completion) -> None:
        entry = {"unit": unit, "key": key, "raw_output": reply.text}
        data = orjson.dumps({**entry, "finish_reason": reply.finish_reason})
        line = b"%08x %b" % (crc32(data), data)
        size = SLOT_BYTES * (len(line) // SLOT_BYTES + 1)
        if self._descriptor is None:
            self._descriptor = open_own(self._path, os.O_WRONLY)
        slot = next((free for free in self._free if free[1] >= size), None)
        if slot is None:
            slot, self._end = (self._end, size), self._end + size
        else:
            self._free.remove(slot)
        written = os.pwrite(self._descriptor, line.ljust(slot[1] - 1) + b"\n", slot[0])
        self._slots.setdefault(unit, []).append(slot)
        if written < slot[1]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))

    def earlier(self, key: str) -> Completion | None:
        """Return the reply that a killed session received to the request with *key*, each once."""
        return left.pop(0) if (left := self._earlier.get(key)) else None

    def drop(self, unit: str) -> None:
        """Drop the replies of a stored record."""
        for slot in self._slots.pop(unit, ()):
            with suppress(OSError):
                os.pwrite(self._descriptor or -1, _UNUSED, slot[0])
                self._free.append(slot)

    def close(self, *, whole: bool = False) -> None:
        """Close the file; remove it if the run is *whole* or no reply lacks a record.

        Raises OSError.
        """
        if self._descriptor is not None:
            if whole or not self._slots:
                self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None


def _replies_in(file: Path) -> Iterator[tuple[str, str, Completion]]:
    """Yield unit, key and reply of each whole line, up to MAX_TAKEN bytes; none for no file."""
    size = 0
    with suppress(OSError), open_regular(file) as opened:
        for line in iter(partial(opened.readline, MAX_BYTES), b""):
            with suppress(ValueError, KeyError, TypeError):
                checksum, _, data = line.rstrip().partition(b" ")
                entry = parse_json(data) if int(checksum, 16) == crc32(data) else {}
                parts = [entry[name] for name in ("unit", "key", "raw_output", "finish_reason")]
                size += len(line)
                if size <= MAX_TAKEN and all(isinstance(part, str) for part in parts):
                    yield parts[0], parts[1], Completion(parts[2], parts[3], Usage())
