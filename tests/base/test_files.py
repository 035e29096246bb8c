from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from runner.base import files
from runner.base.files import (
    Draft,
    Lines,
    make_directory,
    temporary_files,
    write_json,
    write_text,
)
from runner.base.regular_files import MAX_LINE


def test_a_write_replaces_the_whole_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    write_text(target, "old")
    write_json(target, {"new": 1})

    assert target.read_text() == '{\n  "new": 1\n}\n'
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


@pytest.mark.parametrize("operation", ["fsync", "open", "replace"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_fault_leaves_the_old_content_and_no_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str, error: BaseException
) -> None:
    target = tmp_path / "a.txt"
    write_text(target, "old")

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(*((Path, "replace") if operation == "replace" else (os, operation)), fail)
    with pytest.raises(type(error)):
        write_text(target, "new")
    monkeypatch.undo()

    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_file_system_without_fallocate_and_fsync_of_directories_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        real(descriptor)

    def fallocate(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "posix_fallocate", fallocate)
    make_directory(tmp_path / "made")
    with Draft(tmp_path / "made" / "a.txt", 5000) as draft:
        draft.reserve(9000)
        (temporary,) = (tmp_path / "made").iterdir()
        size = temporary.stat().st_size
        draft.commit(b"text")

    assert 9000 == size
    assert "text" == (tmp_path / "made" / "a.txt").read_text()


def test_what_cannot_be_serialised_touches_no_file(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    write_text(target, "old")
    with pytest.raises(TypeError):
        write_json(target, {"x": object()})

    assert target.read_text() == "old"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"n":0}\n{"n":', '{"n":0}\n{"n":2}\n'),
        ('{"n":', '{"n":2}\n'),
        ('{"n":0}\n{"n":1}', '{"n":0}\n{"n":1}\n{"n":2}\n'),  # whole, without its end
        ('{"n":0}\n' + "x" * 200_000, '{"n":0}\n{"n":2}\n'),
        ('{"n":0}\n"' + "x" * MAX_LINE + '"', '{"n":0}\n{"n":2}\n'),  # no line of ours
        ('"' + "x" * 70_000 + '"', '"' + "x" * 70_000 + '"\n{"n":2}\n'),
    ],
)
def test_a_line_that_a_crash_tore_is_cut_off_before_the_next(
    tmp_path: Path, before: str, after: str
) -> None:
    path = tmp_path / "j.jsonl"
    path.write_text(before)
    lines = Lines(path)
    lines.append(b'{"n":2}\n')
    lines.close()

    assert path.read_text() == after
    assert lines.size == len(after)


def test_a_line_for_which_there_is_no_room_leaves_no_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = Lines(tmp_path / "j.jsonl")
    lines.append(b"first\n")
    real, rooms = os.write, [3]

    def full(descriptor: int, data: bytes) -> int:
        if not rooms:
            raise OSError(28, "No space left on device")
        return real(descriptor, data[: rooms.pop()])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        lines.append(b"second\n")
    monkeypatch.undo()
    lines.append(b"third\n")
    lines.close()

    assert (tmp_path / "j.jsonl").read_text() == "first\nthird\n"


def test_nothing_is_appended_to_a_torn_line_that_cannot_be_cut_off_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines, real = Lines(tmp_path / "j.jsonl"), os.write

    def broken(descriptor: int, data: bytes) -> int:
        real(descriptor, data[:3])
        raise OSError(5, "Input/output error")

    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as disk:
        disk.setattr(os, "ftruncate", refuse)
        for write in (broken, real):
            disk.setattr(os, "write", write)
            with pytest.raises(OSError, match="Input/output"):
                lines.append(b"first\nsecond\n")
    lines.append(b"third\n")
    lines.close()

    assert (tmp_path / "j.jsonl").read_text() == "third\n"


def test_a_draft_needs_no_room_once_it_has_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = Draft(tmp_path / "a.json", 1000)
    (temp,) = tmp_path.iterdir()
    held = temp.stat().st_blocks * 512

    def refuse(*_: object, **__: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "open", refuse)
    draft.commit(b"x" * 900, durable=False)
    monkeypatch.undo()

    assert held >= 1000
    assert (tmp_path / "a.json").read_bytes() == b"x" * 900
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_draft_without_room_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(122, "Disk quota exceeded")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.raises(OSError, match="quota"):
        Draft(tmp_path / "a.json", 1000)

    assert list(tmp_path.iterdir()) == []


def test_what_interrupted_writes_left_is_found_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / ".tmp.x.json.12.ab").write_text("half")
    (tmp_path / "a" / "x.json").write_text("whole")

    (tmp_path / "b" / ".tmp.folder").mkdir(parents=True)

    assert [tmp_path / "a" / ".tmp.x.json.12.ab"] == temporary_files(tmp_path)


def test_directories_are_private_and_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(files, "sync_directory", synced.append)
    make_directory(tmp_path / "a" / "b")

    assert synced == [tmp_path, tmp_path / "a"]
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
