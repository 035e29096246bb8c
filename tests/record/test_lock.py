from __future__ import annotations

import errno
import fcntl
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.base.errors import EXIT_LOCKED, LockedError
from runner.record.lock import NAME, acquire, release
from runner.record.run_directory import RunDirectory


def forked(work: Callable[[], int]) -> int:
    """Start a process that exits with what *work* returns; return its id."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            code = work()
        finally:
            os._exit(code)
    return child


def code_of(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def holder(folder: Path) -> tuple[int, int]:
    """Return a process that holds the lock of *folder*, and a descriptor that ends it."""
    ready, told = os.pipe()
    ended, end = os.pipe()

    def hold() -> int:
        os.close(end)
        acquire(folder)
        os.write(told, b".")
        os.read(ended, 1)
        return 0

    child = forked(hold)
    os.close(told)
    os.read(ready, 1)
    os.close(ready)
    os.close(ended)
    return child, end


def test_a_file_system_without_locks_leaves_no_file_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    before = sorted(Path("/proc/self/fd").iterdir())
    with pytest.raises(OSError, match="No locks"):
        acquire(tmp_path)

    assert before == sorted(Path("/proc/self/fd").iterdir())


def test_a_second_process_is_told_who_works_there_and_touches_nothing(tmp_path: Path) -> None:
    child, end = holder(tmp_path)
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in tmp_path.iterdir()}
    with pytest.raises(LockedError, match=f"is in use by process {child} on ") as raised:
        RunDirectory.reopen(tmp_path)
    after = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in tmp_path.iterdir()}
    os.close(end)

    assert 0 == code_of(child)
    assert EXIT_LOCKED == raised.value.exit_code
    assert before == after


def test_a_new_run_in_a_directory_that_is_in_use_is_refused_the_same_way(tmp_path: Path) -> None:
    child, end = holder(tmp_path)
    with pytest.raises(LockedError, match=str(child)):
        RunDirectory.create(tmp_path)
    os.close(end)

    assert 0 == code_of(child)
    assert [NAME] == [p.name for p in tmp_path.iterdir()]


def test_the_lock_is_free_once_its_holder_was_killed(tmp_path: Path) -> None:
    child, end = holder(tmp_path)
    os.kill(child, signal.SIGKILL)

    assert -signal.SIGKILL == code_of(child)
    release(acquire(tmp_path))
    os.close(end)


def test_of_twenty_processes_that_race_one_wins(tmp_path: Path) -> None:
    """All start at once, and the winner holds on until every other has tried."""
    started, start = os.pipe()
    ended, end = os.pipe()
    tried, told = os.pipe()

    def race() -> int:
        os.close(start)
        os.close(end)
        os.read(started, 1)
        try:
            acquire(tmp_path)
        except LockedError as error:
            os.write(told, b"l")
            return error.exit_code
        os.write(told, b"w")
        os.read(ended, 1)
        return 0

    children = [forked(race) for _ in range(20)]
    os.close(started)
    os.close(start)
    results = b""
    while len(results) < 20:
        results += os.read(tried, 20)
    os.close(end)
    codes = sorted(code_of(child) for child in children)
    for descriptor in (ended, tried, told):
        os.close(descriptor)

    assert [0] + [EXIT_LOCKED] * 19 == codes


def test_a_lock_that_cannot_say_who_holds_it_is_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OSError, match="No space"):
        acquire(tmp_path)
    monkeypatch.undo()

    release(acquire(tmp_path))


def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / NAME).symlink_to(victim)
    with pytest.raises(OSError, match="symbolic link"):
        acquire(tmp_path / "run")

    assert "precious" == victim.read_text()
