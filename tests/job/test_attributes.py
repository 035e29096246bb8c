"""Attributes of files: what a table may look like, and what is refused before spending."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import pytest
from helpers import job

from runner.base.errors import ConfigError
from runner.base.json import read_json
from runner.job import attributes
from runner.job.attributes import Attributes, attributes_from, attributes_of, read_attributes
from runner.job.job import BatchJob
from runner.record.run_directory import RunDirectory

FILES = ("day1/ana.vtt", "day1/ben.vtt", "day2/ana.vtt", "zoe\u0301.txt", "v1.2.txt")


PATHS = {name: Path("talks", name) for name in FILES}
HEARD = {"day1/ben.vtt": ["Ben", "Zoe\u0301"], "v1.2.txt": [], "day1/ana.vtt": ["Ben"]}


def read(table: str | bytes) -> Attributes:
    file = Path("table.csv")
    file.write_bytes(table.encode() if isinstance(table, str) else table)
    return read_attributes(file, PATHS, HEARD.get)


READ = {
    "by path": ("file,role\nday1/ana.vtt,nurse", {"day1/ana.vtt": ("nurse",)}),
    "by path without ending": ("file,role\nday2/ana,x", {"day2/ana.vtt": ("x",)}),
    "by name": ("file,role\nben.vtt,x", {"day1/ben.vtt": ("x",)}),
    "by stem": ("file,role\nben,x", {"day1/ben.vtt": ("x",)}),
    "behind a number": ("ID,Document name,role\nP1,ben,x", {"day1/ben.vtt": ("P1", "x")}),
    "beside other documents": ("ID,document,role\nben,form 3,x", {"day1/ben.vtt": ("form 3", "x")}),
    "in the column that has the names": (
        "case,transcript,role\nben,verbatim,x\nv1.2,edited,-",
        {"day1/ben.vtt": ("verbatim", "x"), "v1.2.txt": ("edited", "")},
    ),
    "without values": (
        "role,interview,a,b,c\nx,ben,NA,n/a,#N/A\n–,v1.2,1,2,3",
        {"day1/ben.vtt": ("x", "", "", ""), "v1.2.txt": ("", "1", "2", "3")},
    ),
    "behind the row numbers of R": ('"","file","role"\n"1","ben","x"', {"day1/ben.vtt": ("x",)}),
    "by a stem with a point": ("file,role\nv1.2,x", {"v1.2.txt": ("x",)}),
    "as Windows spells it": ("file;role\r\n.\\day1\\ben.vtt;x\r\n", {"day1/ben.vtt": ("x",)}),
    "as another program spells it": ("file,role\nday1_ben.docx,x", {"day1/ben.vtt": ("x",)}),
    "by the sound that it was written from": ("file,role\nBen.mp3,x", {"day1/ben.vtt": ("x",)}),
    "composed letters": ("file,role\nzo\u00e9,x", {"zoe\u0301.txt": ("x",)}),
    "tabs, a mark, empty cells": (
        b"\xef\xbb\xbffile\trole\tsite\t\nben\tx\t\t\n\n\t\t\n",
        {"day1/ben.vtt": ("x", "")},
    ),
    "quotes and controls": (
        'file,role\nben,"a, ""b""\n\x1b[31m c"\n',
        {"day1/ben.vtt": ('a, "b" [31m c',)},
    ),
    "a hint of Excel and other case": ("sep=;\r\nfile;role\r\nBEN;x\r\n", {"day1/ben.vtt": ("x",)}),
    "UTF-16, as Excel exports it": (
        "file\trole\nben\tx".encode("utf-16"),
        {"day1/ben.vtt": ("x",)},
    ),
}


@pytest.mark.parametrize("case", READ)
def test_tables_are_read_as_spreadsheets_write_them(case: str) -> None:
    table, expected = READ[case]

    assert expected == dict(read(table).files)


def test_rows_with_a_speaker_are_of_that_speaker() -> None:
    table = read("file,Speaker,role,site\nben,,,N\nben,Zo\u00e9,nurse\nday2/ana,Eve,x\n")
    anywhere = read("speaker,role\nBen,host\n")

    assert {"role": "nurse", "site": "N"} == table.of("day1/ben.vtt", "Zoe\u0301")
    assert {"site": "N"} == table.of("day1/ben.vtt", "Ben") == table.of("day1/ben.vtt")
    assert {"role": "x"} == table.of("day2/ana.vtt", "Eve")  # whose file cannot be read
    assert table == attributes_from(json.loads(json.dumps(asdict(table))))
    assert ["day1/ana.vtt", "day1/ben.vtt"] == list(anywhere.speakers)
    assert frozenset({"role"}) == table.of_speakers


REFUSED = {
    "": "expected a table with a header",
    "file\nben": "then 1 to 50 attributes such as role or site; found 0",
    "file,a,A\nben,1,2": "table.csv:1: column names must be unique",
    "file,,b\nben,1,2": "unique and not empty",
    "file,a\nben,1\nday1/ben,2": "table.csv:3: day1/ben.vtt is also in line 2",
    "file,a\n\nbne,1": "table.csv:3: no file of this batch is called 'bne'; did you mean",
    "file,a\nqqqq,1": "known: day1/ana.vtt, day1/ben.vtt",
    "file,a\nana,1": "'ana' is several files: day1/ana.vtt, day2/ana.vtt",
    "file,a\nben,1,2": "table.csv:2: 3 cells, expected at most 2",
    "file," + ",".join(map(str, range(51))): "found 51",
    'file,a\nben,"1\nv1.2,2\n': "not a CSV table: unexpected end of data",
    b"PK\x03\x04\x00": "it is not a text file",
    "file,a\n": "table.csv: only a header: expected a row for each file",
    "file,a\nben,\nv1.2,": "table.csv: every row is empty behind its name",
    "file,speaker\nben,Ben": "then 1 to 50 attributes such as role or site; found 0",
    "file,speaker,a\nben,Bem,1": "no speaker in ben is called 'Bem'; did you mean 'Ben'?",
    "file,speaker,a\nv1.2,Ben,1": "table.csv:2: no speaker in v1.2 is called 'Ben'",
    "speaker,a\nBen,1\n\nKim,1": "table.csv:4: no file has a speaker 'Kim'",
    "file,speaker,a\n,Ben,1\nben,Ben,2": "table.csv:3: Ben in day1/ben.vtt is also in line 2",
    "ben,nurse\nv1.2,cook": "table.csv:1: 'ben' is a file of this batch: expected a header",
    "file,person,a\nben,Ben,1\nben,Kim,2": "in line 2; speakers need a column `speaker`",
    b"file,a\nb\xffn,1": "it is not UTF-8",
}


@pytest.mark.parametrize("table", REFUSED, ids=range(len(REFUSED)))
def test_other_tables_are_refused_in_one_line(table: str | bytes) -> None:
    with pytest.raises(ConfigError) as caught:
        read(table)

    assert REFUSED[table] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_file_of_bounded_size_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attributes, "MAX_BYTES", 10)
    os.mkfifo("pipe")
    Path("large").write_text("x" * 11)
    for name in ("pipe", "large", "none.csv", "."):
        with pytest.raises(ConfigError, match=f"attributes={name} cannot be read"):
            read_attributes(Path(name), PATHS, HEARD.get)


def test_a_batch_checks_its_table_before_anything_is_sent_and_keeps_it(tmp_path: Path) -> None:
    talks = tmp_path / "talks"
    talks.mkdir()
    for name in ("a.txt", "b.txt"):
        (talks / name).write_text("Ann: We agreed.\n")
    here = os.path.relpath(talks / "b.txt")
    Path("at.csv").write_text(f"file,role\n{talks}/a.txt,nurse\n{here},cook\n")
    files = ("transcript=file", f"transcript.path={talks}", "attributes=at.csv")
    wanted = (*files, "pipeline=interviews")
    batch = job(*wanted)
    shard = job(*wanted, "batch.shards=2", "batch.shard=1")  # a is another shard's
    assert isinstance(batch, BatchJob)
    assert isinstance(shard, BatchJob)
    directory = RunDirectory.create(tmp_path / "b")
    directory.write_job(batch)
    directory.close()
    stored = attributes_from(read_json(tmp_path / "b/config/attributes.json"))

    assert {"role": "nurse"} == stored.of("a.txt") == shard.attributes.of("a.txt")
    assert {"role": "cook"} == stored.of("b.txt")
    with pytest.raises(ConfigError, match="has scope: collection; expected one such as pipeline="):
        job(*files)
    with pytest.raises(ConfigError, match="describes the files of a batch: expected transcript="):
        job("attributes=at.csv")
    Path("at.csv").write_text("file,role\na,nurse\nc,cook\n")
    earlier = attributes_of(batch.settings, batch.inputs, ["a.txt", "c.txt"])  # c was removed

    assert ["a.txt"] == list(earlier.files)
    with pytest.raises(ConfigError, match="no file of this batch is called 'c'"):
        job(*wanted)


def test_stored_attributes_of_another_shape_are_none() -> None:
    for data in (None, [], {"names": 3, "files": {"a": 1}}, {"names": ["x"], "files": "a"}):
        assert {} == attributes_from(data).of("a")
