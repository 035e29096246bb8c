"""Values from a run directory that anyone may have written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner.base import json
from runner.base.json import MAX_BYTES, at, number, read_json, read_list, read_yaml, section


def test_an_object_and_a_list_are_read_and_not_taken_for_one_another(tmp_path: Path) -> None:
    (tmp_path / "object").write_text('{"a": 1}')
    (tmp_path / "list").write_text("[1]")

    assert [read_json(tmp_path / name) for name in ("object", "list")] == [{"a": 1}, {}]
    assert [read_list(tmp_path / name) for name in ("object", "list")] == [[], [1]]


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"null", b"[" * 5000])
def test_what_is_damaged_is_nothing(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "file").write_bytes(data)

    assert read_json(tmp_path / "file") == {}
    assert read_list(tmp_path / "file") == []


def test_links_pipes_directories_and_files_too_large_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text('{"a": 1}')
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    with (tmp_path / "large").open("wb") as large:
        large.truncate(MAX_BYTES + 1)

    for name in ("link", "pipe", "folder", "large", "absent"):
        assert read_json(tmp_path / name) == {}


@pytest.mark.parametrize("data", ["[" * 200_000, "- " * 200_000, "{", "a: *b"])
def test_yaml_that_cannot_be_parsed_is_nothing_and_ends_no_process(
    tmp_path: Path, data: str
) -> None:
    (tmp_path / "file").write_text(data)

    assert read_yaml(tmp_path / "file") == {}


def test_json_of_too_many_values_or_levels_is_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    for levels, expected in ((248, 1), (251, 0)):
        file.write_text('{"a":' + "[" * levels + "]" * levels + "}")

        assert expected == len(read_json(file))

    monkeypatch.setattr(json, "MAX_VALUES", 4)
    file.write_text('{"a": [1, 2]}')

    assert {"a": [1, 2]} == read_json(file)

    file.write_text('{"a": [1, 2, 3]}')

    assert {} == read_json(file)


@pytest.mark.parametrize(
    "data",
    [
        "a: !!timestamp x",
        "a: !!int ''",
        "a: 1:" + "59:" * 1000 + "1.5",
        "a: 2020-99-99",
        "a: &x [*x]",
    ],
)
def test_a_value_that_yaml_cannot_make_is_nothing(tmp_path: Path, data: str) -> None:
    (tmp_path / "file").write_text(data)

    assert {} == read_yaml(tmp_path / "file")


def test_aliases_count_as_what_they_stand_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("a: &a {b: 1}\nc: *a\nd: *a\n")
    monkeypatch.setattr(json, "MAX_YAML_VALUES", 13)

    assert {"a": {"b": 1}, "c": {"b": 1}, "d": {"b": 1}} == read_yaml(tmp_path / "file")

    monkeypatch.setattr(json, "MAX_YAML_VALUES", 12)

    assert {} == read_yaml(tmp_path / "file")


def test_a_value_is_found_by_its_path_whatever_lies_on_the_way() -> None:
    data = {"a": {"b": 1}}

    assert [at(data, "a", "b"), at(data, "a", "b", "c"), at(data, "x"), at([1], "a")] == [
        1,
        None,
        None,
        None,
    ]


def test_numbers_are_finite_and_of_a_sane_size() -> None:
    odd = (True, "1", None, float("nan"), float("inf"), 1e300, 10**400)

    assert [number(value) for value in odd] == [None] * len(odd)
    assert number(3) == 3.0


def test_a_section_of_the_wrong_kind_is_empty() -> None:
    assert section({"a": [1]}, "a") == {}
    assert section({"a": {"b": 1}}, "a") == {"b": 1}
