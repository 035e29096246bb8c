"""Files and folders of directories that anyone may have written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner.base import regular_files
from runner.base.regular_files import (
    files_in,
    folders_in,
    kind_of,
    open_own,
    open_regular,
    read_lines,
    refuse_links,
    user_path,
)


def test_a_line_without_end_comes_in_pieces_and_lines_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "log"
    file.write_bytes(b"one\n" + b"x" * 9 + b"\ntorn")
    monkeypatch.setattr(regular_files, "MAX_LINE", 4)

    assert [b"one\n", b"xxxx", b"xxxx", b"x\n", b"torn"] == list(read_lines(file))

    monkeypatch.setattr(regular_files, "MAX_LINES", 4)
    with pytest.raises(OSError, match="log has more than 4 lines"):
        list(read_lines(file))
    with pytest.raises(OSError, match="log is not a regular file of at most 17 bytes"):
        list(read_lines(file, 17))


def test_a_folder_is_listed_without_links_and_up_to_a_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("b.json", "a.json", ".tmp.json", "c.txt"):
        (tmp_path / name).touch()
    (tmp_path / "inner").mkdir()
    (tmp_path / "link").symlink_to("inner")

    assert [tmp_path / "a.json", tmp_path / "b.json"] == files_in(tmp_path, ".json")
    assert [tmp_path / "inner"] == folders_in(tmp_path)
    assert [] == folders_in(tmp_path / "absent") == folders_in(tmp_path / "a.json")

    monkeypatch.setattr(regular_files, "MAX_ENTRIES", 5)
    with pytest.raises(OSError, match="has more than 5 entries"):
        folders_in(tmp_path)


def test_a_link_to_a_folder_is_refused_where_it_is_and_below(tmp_path: Path) -> None:
    (tmp_path / "a/b/c").mkdir(parents=True)
    (tmp_path / "a/b/file").symlink_to("/dev/null")
    refuse_links(tmp_path / "a", tmp_path / "absent")
    (tmp_path / "a/b/c/link").symlink_to(tmp_path)

    with pytest.raises(OSError, match="a/b/c/link is a link, expected a directory"):
        refuse_links(tmp_path / "a")
    with pytest.raises(OSError, match="c/link is a link, expected a directory"):
        refuse_links(tmp_path / "a/b/c/link")


def test_only_a_regular_file_without_a_second_name_is_written_in_place(tmp_path: Path) -> None:
    os.close(open_own(tmp_path / "new", os.O_WRONLY))
    (tmp_path / "twin").hardlink_to(tmp_path / "new")
    (tmp_path / "link").symlink_to("new")
    os.mkfifo(tmp_path / "pipe")

    for name in ("twin", "link", "pipe"):
        with pytest.raises(OSError, match=name):
            open_own(tmp_path / name, os.O_RDWR)


def test_a_name_that_cannot_be_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    impossible = ("x" * 5000, "nul\0", "file/inner", "absent", "/dev/null")

    assert [None] * 5 == [kind_of(tmp_path / name) for name in impossible]
    assert ["file", "directory"] == [kind_of(tmp_path / "file"), kind_of(tmp_path)]
    assert Path("~nobodys/talk") == user_path("~nobodys/talk")
    assert Path.home() / "talk" == user_path("~/talk")


def test_a_file_that_grows_is_read_to_its_bound(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("short")
    with open_regular(tmp_path / "file", 5) as opened:
        (tmp_path / "file").write_text("longer than that")

        assert b"longe" == opened.read(5)
