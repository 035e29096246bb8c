"""A file system that fails, or kills the process, at an operation chosen by its number."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

KILLED = 137  # as a shell reports SIGKILL
COUNTED = (
    "open",
    "write",
    "pwrite",
    "fsync",
    "replace",
    "rename",
    "mkdir",
    "unlink",
    "ftruncate",
    "posix_fallocate",
)
_NEEDS_NO_SPACE = ("unlink", "ftruncate")

REAL = {name: getattr(os, name) for name in COUNTED}


@dataclass
class FaultyFileSystem:
    """Counts what our code asks of `os`, by itself and through pathlib, while it is entered.

    Operation *at*, counted from 1 (None: none), ends the process where *code* is None and else
    raises OSError with it; all later ones too if *forever*. It is not carried out, but for a
    write: half of that reaches the file. A full disk still lets files be removed. Nothing is
    really synced, which a process's death does not show.
    """

    at: int | None = None
    code: int | None = None
    forever: bool = False
    count: int = 0
    trail: list[str] = field(default_factory=list)

    @property
    def reached(self) -> bool:
        """Whether the operation was come to."""
        return self.at is not None and self.count >= self.at

    def __enter__(self) -> FaultyFileSystem:
        for name in COUNTED:
            setattr(os, name, self._faulty(name))
        return self

    def __exit__(self, *_: object) -> None:
        for name, real in REAL.items():
            setattr(os, name, real)

    def _faulty(self, name: str) -> Callable[..., Any]:
        real = REAL[name]

        def operation(*args: Any, **kwargs: Any) -> Any:
            if name == "open" and not args[1] & os.O_ACCMODE:
                return real(*args, **kwargs)  # for reading
            self.count += 1
            self.trail.append(name)
            if self._is_due(name):
                if name in ("write", "pwrite"):
                    descriptor, data, *rest = args
                    real(descriptor, data[: len(data) // 2], *rest)
                if self.code is None:
                    os._exit(KILLED)
                raise OSError(self.code, os.strerror(self.code))
            return None if name == "fsync" else real(*args, **kwargs)

        return operation

    def _is_due(self, name: str) -> bool:
        if self.at is None or self.count < self.at:
            return False
        if self.code == errno.ENOSPC and name in _NEEDS_NO_SPACE:
            return False
        return self.forever or self.count == self.at
