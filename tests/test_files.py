from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from runner import files
from runner.files import append_line, make_directory, write_json, write_text


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


def test_what_cannot_be_serialised_touches_no_file(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    write_text(target, "old")
    with pytest.raises(TypeError):
        write_json(target, {"x": object()})

    assert target.read_text() == "old"


def test_the_journal_grows_by_whole_lines(tmp_path: Path) -> None:
    for n in range(3):
        append_line(tmp_path / "j.jsonl", {"n": n})

    assert (tmp_path / "j.jsonl").read_text() == '{"n":0}\n{"n":1}\n{"n":2}\n'


def test_directories_are_private_and_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(files, "sync_directory", synced.append)
    make_directory(tmp_path / "a" / "b")

    assert synced == [tmp_path, tmp_path / "a"]
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
