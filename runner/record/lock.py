"""Lock of a run directory: one process at a time."""

import fcntl
import os
import socket
from pathlib import Path

import orjson

from runner.base.errors import LockedError
from runner.base.json import load_json
from runner.base.regular_files import open_own, open_regular
from runner.base.text import now_iso

NAME = "run.lock"
MAX_HOLDER_BYTES = 10_000


def acquire(folder: Path) -> int:
    """Lock *folder* and return the descriptor that holds the lock.

    The kernel releases it when the process ends. Raises LockedError, which names the holder.
    flock(2) does not work across machines on every network file system.
    """
    path = folder / NAME
    descriptor = open_own(path, os.O_RDWR)
    holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": now_iso()}
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, orjson.dumps(holder, option=orjson.OPT_APPEND_NEWLINE), 0)
    except BaseException as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            raise LockedError(f"{folder} is in use{_holder(path)}") from error
        raise
    return descriptor


def release(descriptor: int) -> None:
    """Release the lock; the file stays, since another process may be about to lock it."""
    os.close(descriptor)


def is_held(folder: Path) -> bool:
    """Return whether a process works in *folder*; the test holds the lock only for a moment."""
    try:
        with open_regular(folder / NAME, MAX_HOLDER_BYTES) as opened:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return isinstance(error, BlockingIOError)
    return False


def _holder(path: Path) -> str:
    try:
        holder = load_json(path, MAX_HOLDER_BYTES)
        return f" by process {holder['pid']} on {holder['host']} since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return " by another process"
