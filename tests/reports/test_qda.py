"""REFI-QDA projects: an independent reader finds every quote at its position, and no attack works.

The reader here is zipfile and ElementTree, and slices the sources by the positions.
"""

from __future__ import annotations

import csv
import io
import json
import re
import tracemalloc
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path
from typing import Any

import pytest
from helpers import job
from helpers.batches import execute_batch
from helpers.runs import execute, prompt_of
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.answers.codebook import Code, Codebook, guid_of
from runner.answers.codebook_file import read_codebook
from runner.base.errors import ConfigError
from runner.providers.request import Request
from runner.reports.coders.coder_file import read_coder
from runner.reports.export import qda_reader
from runner.reports.export.codings import COLUMNS, codebook_of, write_codings
from runner.reports.export.qda import PlacedCoding, Project, source_of
from runner.reports.export.qda_reader import read_project
from runner.reports.report.batch import batch_page, files_of
from runner.reports.report.page import report_page
from runner.reports.stored_run import read_run
from runner.transcript.model import Transcript, Turn, make_segments

P = "{urn:QDA-XML:project:1.0}"
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Of REFI-QDA's Project.xsd 1.0: the children of each element that is written here, in their order,
# and its attributes, the required ones first.
SCHEMA = {
    "Project": (("Users", "CodeBook", "Sources"), ("name",), ("origin", "creationDateTime")),
    "Users": (("User",), (), ()),
    "User": ((), ("guid",), ("name",)),
    "CodeBook": (("Codes",), (), ()),
    "Codes": (("Code",), (), ()),
    "Code": (("Description", "Code"), ("guid", "name", "isCodable"), ("color",)),
    "Description": ((), (), ()),
    "Sources": (("TextSource",), (), ()),
    "TextSource": (
        ("PlainTextSelection",),
        ("guid",),
        ("name", "plainTextPath", "creationDateTime"),
    ),
    "PlainTextSelection": (
        ("Description", "Coding"),
        ("guid", "startPosition", "endPosition"),
        ("name", "creatingUser", "creationDateTime"),
    ),
    "Coding": (("CodeRef",), ("guid",), ("creatingUser", "creationDateTime")),
    "CodeRef": ((), ("targetGUID",), ()),
}
CODES = "code,definition,parent\nBuoy,A buoy,\nMoney,Costs & <prices>,Buoy\n"
BOOK = Codebook(
    (Code("A", "a", guid=guid_of("a")), Code("B & <b>", "b", ("e",), "A", guid_of("b")))
)
ONE = "\ufeffAnn 👩‍🔬: The buoy 🌊🌊 sank.\r\n\r\nBo: Cafe\u0301 costs\tso\r\nmuch; the\r\nbuoy too.\r\n"  # noqa: E501 - one file
TWO = "WEBVTT\n\n00:01.000 --> 00:05.000\n<v Ann>Costs,\nover two lines,\nof 𝔘𝔫 buoy.\n"


def check_schema(element: ET.Element) -> None:
    children, required, optional = SCHEMA[element.tag.removeprefix(P)]
    order = [children.index(child.tag.removeprefix(P)) for child in element]
    assert sorted(order) == order
    assert set(required) <= set(element.attrib) <= {*required, *optional}
    for name, value in element.attrib.items():
        assert "guid" not in name.lower() or GUID.fullmatch(value)
        assert name != "creationDateTime" or re.fullmatch(r"\d{4}(-\d\d){2}T(\d\d:){2}\d\dZ", value)
    for child in element:
        check_schema(child)


def selections(data: bytes) -> list[tuple[str, str, str, int, int]]:
    """Return source, code, words and positions of every coding, by an independent reader."""
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert {(1980, 1, 1, 0, 0, 0)} == {info.date_time for info in archive.infolist()}
    root = ET.fromstring(archive.read("project.qde"))
    check_schema(root)
    names = {code.attrib["guid"]: code.attrib["name"] for code in root.iter(f"{P}Code")}
    guids = [e.attrib["guid"] for e in root.iter() if "guid" in e.attrib]
    assert len(guids) == len(set(guids))
    found = []
    for source in root.iter(f"{P}TextSource"):
        path = source.attrib["plainTextPath"].replace("internal://", "sources/")
        text = archive.read(path).decode("utf-8")
        assert "\r" not in text
        assert "\ufeff" not in text
        for part in source.iter(f"{P}PlainTextSelection"):
            start, end = (int(part.attrib[f"{name}Position"]) for name in ("start", "end"))
            for ref in part.iter(f"{P}CodeRef"):
                code = names[ref.attrib["targetGUID"]]
                found.append((source.attrib["name"], code, text[start:end], start, end))
    return found


def rows(path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(Path(path).read_text(encoding="utf-8"))))


def coder(request: Request) -> str:
    """Code what mentions costs or a buoy, once with a quote as a model would alter it."""
    codings = [
        {
            "code": code,
            "reason": "It is <named> & told.",
            "evidence": [{"segment": s, "quote": said}],
        }
        for s, said in re.findall(r"\[(S\d+)[^\]]*\] (.*)", prompt_of(request))
        for code, word in (("Buoy", "buoy"), ("Money", "osts"))
        if word in said
    ]
    for each in codings[:1]:
        each["evidence"].append({"segment": "S0001", "quote": "never said by anybody here"})
    insight = {"text": "t", "confidence": 0.5, "category": "c", "evidence": []}
    return json.dumps({"insights": [insight], "structured_data": {"codings": codings}})


@pytest.fixture
def codes() -> list[str]:
    Path("codes.csv").write_text(CODES)
    return ["pipeline=codebook", "codebook=codes.csv", "grounding.require=mark", "transcript=file"]


def test_a_batch_has_all_codings_in_one_project_and_one_table(codes: list[str]) -> None:
    Path("many/later").mkdir(parents=True)
    Path("many/one.txt").write_bytes(ONE.encode())
    Path("many/later/two.vtt").write_text(TWO)
    Path("many/later_two.vtt").write_text(TWO)
    execute_batch(job(*codes, "transcript.path=many"), coder)
    batch = read_run(Path("batch"))
    write_codings(batch)
    first = Path("batch/codings.qdpx").read_bytes()
    write_codings(batch)
    found, table = selections(first), rows("batch/codings.csv")
    inner = [row for each in Path("batch/runs").glob("*/*/codings.csv") for row in rows(str(each))]
    placed = [row for row in table if row["match"] != "absent"]

    inside = {each: each.read_bytes() for each in Path("batch/runs").glob("*/*/codings.csv")}
    for each in inside:
        write_codings(read_run(each.parent))

    name_of = {
        "one.txt": "one.txt",
        "later/two.vtt": "later_two (2).vtt",
        "later_two.vtt": "later_two.vtt",
    }
    coder_rows, _ = read_coder(Path("batch/codings.qdpx"), codebook_of(Path("batch")), name_of)

    assert name_of.keys() == coder_rows.keys()
    assert inside == {each: each.read_bytes() for each in inside}
    assert Path("batch/codings.qdpx").read_bytes() == first
    assert list(COLUMNS) == list(table[0])
    assert sorted(map(str, table)) == sorted(map(str, inner))
    assert sorted(found) == sorted(
        (name_of[r["file"]], r["code"], r["quote"], int(r["start_position"]),
         int(r["end_position"])) for r in placed
    )  # fmt: skip
    assert {
        "The buoy 🌊🌊 sank.",
        "Cafe\u0301 costs so much; the buoy too.",
        "Costs, over two lines, of 𝔘𝔫 buoy.",
    } == {quote for _, _, quote, _, _ in found}
    assert ["", "", ""] == [row["start_position"] for row in table if row["match"] == "absent"]
    assert "0:00:01" == next(row["start"] for row in table if row["file"] == "later/two.vtt")
    assert read_codebook(Path("codes.csv")) == read_codebook(Path("batch/codebook.qdc"))
    page = batch_page(batch, files_of(batch))
    for file in ("codings.csv", "codings.qdpx", "codebook.qdc"):
        assert f'<a href="./{file}">{file}</a>' in page


def test_a_coding_of_a_printed_page_has_its_line() -> None:
    (turn,) = make_segments([Turn("Ann", "We wait.", where="page 2, line 4")])
    coding = PlacedCoding("a.pdf", turn, "Wait", "We wait.", 5, 13, "exact", "r", "c")

    assert "page 2, line 4" == dict(zip(COLUMNS, coding.row(), strict=True))["start"]


def test_a_run_has_its_files_and_its_report_counts_codes(codes: list[str]) -> None:
    Path("one.txt").write_bytes(ONE.encode())
    execute(job(*codes, "transcript.path=one.txt"), coder)
    run = read_run(Path("run"))
    write_codings(run)
    read = read_project(Path("run/codings.qdpx"))
    page = report_page(run)

    assert 3 == len(selections(Path("run/codings.qdpx").read_bytes()))
    assert ["one"] == [source.name for source in read.sources]
    assert ["The buoy 🌊🌊 sank.", *["Cafe\u0301 costs so much; the buoy too."] * 2] == [
        read.sources[0].text[start:end] for start, end, _ in read.sources[0].codings
    ]
    assert re.search(r'<bdi>Buoy</bdi></th><td class="n">2</td><td class="n">2</td>', page)
    assert '<a href="./codings.csv">' in page


def test_nothing_is_coded_in_a_transcript_that_somebody_altered(codes: list[str]) -> None:
    Path("one.txt").write_bytes(ONE.encode())
    execute(job(*codes, "transcript.path=one.txt"), coder)
    file = Path("run/transcript.json")
    data = json.loads(file.read_text())
    data["segments"][0] |= {"text": 7, "speaker": ["<b>"], "start_s": "x", "end_s": {}}
    file.write_text(json.dumps(data))
    write_codings(read_run(Path("run")))

    assert [] == selections(Path("run/codings.qdpx").read_bytes())


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@settings(max_examples=30)
@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=4), st.data())
def test_every_text_keeps_its_positions(turns: list[tuple[str, str]], data: st.DataObject) -> None:
    segments = make_segments(Turn(who, said) for who, said in turns)
    source = source_of(Transcript("t", "text", "", segments), "t", "t")
    codings = []
    for segment in segments:
        start = data.draw(st.integers(0, len(segment.text) - 1))
        end = data.draw(st.integers(start + 1, len(segment.text)))
        base = source.starts[segment.id]
        codings.append(
            PlacedCoding("t", segment, "B & <b>", segment.text[start:end], base + start, base + end,
                         "exact", "why\ufffe\x0b", "m")
        )  # fmt: skip
    project = Project("t\ufffe", BOOK)
    project.add(source, codings, "2026-11-29T01:02:03.004+00:00")
    found = selections(project.content())

    assert {(c.quote, c.start, c.end) for c in codings} == {each[2:] for each in found}


def test_a_project_of_many_files_takes_little_memory() -> None:
    transcript = Transcript("m", "text", "", make_segments([Turn("A", "We pay, é, late. ")] * 100))
    sources = [source_of(transcript, f"{n}.txt", f"{n}.txt") for n in range(20)]
    place, start = transcript.segments[0], sources[0].starts["S0001"]
    codings = [
        PlacedCoding("", place, "B & <b>", "We pay", start, start + n, "exact", "They say so.", "m")
        for n in range(100)
    ]
    project = Project("m", BOOK)
    tracemalloc.start()
    for source in sources:
        project.add(source, codings, "2026-11-29T01:02:03.004+00:00")
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held < 20 * 100 * 200  # bytes of a coding, which takes 700 as XML


def archive(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    path = Path("p.qdpx")
    with zipfile.ZipFile(path, "w", method) as opened:
        for name, data in members.items():
            opened.writestr(name, data)
    return path


def qde(path: str = "internal://a.txt", start: str = "0", inner: str = "") -> bytes:
    return (
        f'<Project xmlns="urn:QDA-XML:project:1.0" name="x"><CodeBook><Codes><Code guid="g" '
        f'name="A"/></Codes></CodeBook><Sources><TextSource guid="s" name="one" '
        f'plainTextPath="{path}">{inner}<PlainTextSelection startPosition="{start}" '
        f'endPosition="3"><Coding><CodeRef targetGUID="{{G}}"/></Coding></PlainTextSelection>'
        f"</TextSource></Sources></Project>"
    ).encode()


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({}, "0 files .qde in it"),
        ({"project.qde": b"<Project>"}, "malformed REFI-QDA XML"),
        ({"a.qde": qde(), "b.qde": qde()}, "2 files .qde in it"),
        ({"project.qde": b'<!DOCTYPE a [<!ENTITY b "c">]><Project/>'}, "declares entities"),
        ({"project.qde": qde("internal://../../etc/passwd")}, "the text of 'one' is not in it"),
        ({"project.qde": qde("absolute:///etc/passwd")}, "the text of 'one' is not in it"),
        ({"project.qde": qde(), "sources/a.txt": b"\xff"}, "is not a REFI-QDA project"),
        ({f"{n}": b"" for n in range(3)}, "3 members, expected at most 2"),
        ({"project.qde": qde(start="-1"), "sources/a.txt": b"a"}, "has no positions"),
        ({"project.qde": qde(start="9" * 500), "sources/a.txt": b"a"}, "has no positions"),
        ({"project.qde": qde(), "sources/a.txt": bytes(2001)}, "unpacks to more than"),
        ({"project.qde": qde(inner="<Note/>" * 99)}, "more than 100 tags"),
    ],
)  # fmt: skip
def test_what_is_no_project_or_a_bomb_is_one_line(
    members: dict[str, bytes], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qda_reader, "MAX_MEMBER", 2000)
    monkeypatch.setattr(qda_reader, "MAX_MEMBERS", 2)
    monkeypatch.setattr(qda_reader, "MAX_TAGS", 100)
    with pytest.raises(ConfigError) as raised:
        read_project(archive(members))

    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_cut_or_encrypted_archive_is_one_line() -> None:
    data = bytearray(archive({"project.qde": qde(), "sources/a.txt": b"abc"}).read_bytes())
    for damaged in (data[:50], data[:20] + b"\x00" * 40 + data[60:], b"no archive at all"):
        Path("d.qdpx").write_bytes(bytes(damaged))
        with pytest.raises(ConfigError, match=r"d\.qdpx"):
            read_project(Path("d.qdpx"))


def test_paths_in_a_project_write_nothing_and_inline_texts_are_read() -> None:
    inner = "<PlainTextContent>a&amp;b\u00e9</PlainTextContent>"
    inner += '<Coding><CodeRef targetGUID="g"/></Coding>'  # of the whole source
    members: dict[str, Any] = {"project.qde": qde("", inner=inner), "../../evil.txt": b"x"}
    before = sorted(Path.cwd().parent.rglob("*"))
    path = archive(members)
    project = read_project(path)

    assert "a&bé" == project.sources[0].text
    assert [(0, 3, "g")] == project.sources[0].codings
    assert 1 == project.whole
    assert [path.resolve()] == sorted(set(Path.cwd().parent.rglob("*")) - set(before))
