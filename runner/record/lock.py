"""One process at a time in a run directory."""

from __future__ import annotations

import fcntl
import os
import socket
from pathlib import Path

import orjson

from runner.base.errors import LockedError
from runner.base.json import load_json
from runner.base.text import now_iso

NAME = "run.lock"


def acquire(folder: Path) -> int:
    """Lock *folder* for the life of this process; return the descriptor that holds the lock.

    The kernel lets go when the process ends, however it ends. Raises LockedError naming who
    holds it. flock(2) does not reach across machines on every network file system.
    """
    path = folder / NAME
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise LockedError(f"{folder} is in use{_holder(path)}") from error
    holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": now_iso()}
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, orjson.dumps(holder, option=orjson.OPT_APPEND_NEWLINE), 0)
    except BaseException:
        os.close(descriptor)  # or this process would hold the lock to its end
        raise
    return descriptor


def release(descriptor: int) -> None:
    """Let go of the lock; the file stays, so that nobody locks one that is being removed."""
    os.close(descriptor)


def is_held(folder: Path) -> bool:
    """Return whether a process works in *folder*; the look is too short to keep one out."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | os.O_NONBLOCK
    try:
        descriptor = os.open(folder / NAME, flags)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _holder(path: Path) -> str:
    try:
        holder = load_json(path)
        return f" by process {holder['pid']} on {holder['host']} since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return " by another process"
