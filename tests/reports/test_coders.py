"""Agreement with a human coder: figures by hand, files of other programs, faults in one line."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from helpers import job
from helpers.runs import execute, prompt_of
from helpers.runs_by_hand import make_run

from runner.answers.codebook import Code, Codebook, as_qdc, guid_of
from runner.base.errors import ConfigError
from runner.providers.request import Request
from runner.reports.coders import command
from runner.reports.coders.coder_file import CoderRow, codes_of, read_coder
from runner.reports.coders.comparison import CodingComparison
from runner.reports.export.codings import write_codings
from runner.reports.export.qda import PlacedCoding, Project, SourceText, source_of
from runner.reports.stored_run import read_run
from runner.transcript.model import UNKNOWN, Transcript, Turn, make_segments

BOOK = Codebook(tuple(Code(n, "d", guid=guid_of(n)) for n in ("A", "B", "Unused")))


def source(count: int, file: str = "t.txt") -> SourceText:
    segments = make_segments(Turn("Ann", f"Sentence number {n} of {file}.") for n in range(count))
    return source_of(Transcript("t", "text", "", segments), file, file)


def rows_of(file: Path, book: Codebook, name: str) -> list[CoderRow]:
    rows, _ = read_coder(file, book, [name])
    return [*rows.get(name, []), *rows.get("", [])]


def codes(code: str, *numbers: int) -> dict[str, dict[str, str]]:
    return {f"S{n:04d}": {code: f"q{n}"} for n in numbers}


def test_kappa_and_alpha_are_those_of_the_textbook() -> None:
    """Of 10 segments 4 have A by both, 1 by the coder, 2 by the run, 3 by neither."""
    coded = CodingComparison(BOOK.names)
    coded.add(source(10), codes("A", 1, 2, 3, 4, 5), codes("A", 1, 2, 3, 4, 6, 7), listed=False)
    whole, only = coded.figures()
    chance = 0.5 * 0.6 + 0.5 * 0.4
    # 11 and 9 of 20 values are coded and not; alpha compares with drawing two of them.
    expected = 2 * 11 * 9 / (20 * 19)

    assert (4, 1, 2, 3) == (only.both, only.only_coder, only.only_run, only.neither)
    assert only.kappa is not None
    assert only.alpha is not None
    assert pytest.approx((0.7 - chance) / (1 - chance)) == only.kappa.value
    assert pytest.approx(1 - 0.3 / expected) == only.alpha.value
    assert only.kappa.low is not None
    assert only.kappa.low < only.kappa.value < (only.kappa.high or 0) <= 1
    assert ("all", "A") == (whole.code, only.code)
    assert whole.kappa == only.kappa  # no other code is used


def test_all_pools_over_codes_and_intervals_are_over_transcripts_where_there_are_enough() -> None:
    coded = CodingComparison(BOOK.names)
    for n in range(8):
        both = codes("A", 1, 2) | ({} if n % 2 else codes("B", 3))
        coded.add(source(10, f"t{n}.txt"), both, codes("A", 1, 2) | codes("B", 3), listed=False)
    whole, a, b = coded.figures()
    chance = 0.05 * 0.1 + 0.95 * 0.9
    of_b = 0.95 - chance, 1 - chance
    of_a = 1 - 0.2**2 - 0.8**2

    assert "transcripts" == coded.over
    assert (80, 8) == (coded.segments, coded.transcripts)
    assert whole.kappa is not None
    assert b.kappa is not None
    assert pytest.approx(of_b[0] / of_b[1]) == b.kappa.value
    assert pytest.approx((of_a + of_b[0]) / (of_a + of_b[1])) == whole.kappa.value
    assert a.kappa is not None
    assert (1, None, None) == (a.kappa.value, a.kappa.low, a.kappa.high)  # no sample has another
    assert [("t1.txt", "S0003", "B", "run", "", "", "B", "q3")] == [
        (d.file, d.segment, d.code, d.only, d.coder_codes, d.coder_quote, d.run_codes, d.run_quote)
        for d in coded.disagreements[:1]
    ]


def test_segments_that_the_coder_does_not_name_count_only_without_listed() -> None:
    coded = CodingComparison(BOOK.names)
    coded.add(source(10), {**codes("A", 1), "S0002": {}}, codes("A", 1, 2, 9), listed=True)

    assert 2 == coded.segments
    assert [(1, 0, 1, 0)] * 2 == [
        (f.both, f.only_coder, f.only_run, f.neither) for f in coded.figures()
    ]


def project(name: str, written: SourceText, code: str, *spans: tuple[int, int]) -> None:
    placed = [PlacedCoding("", UNKNOWN, code, "", *span, "exact", "", "Eva") for span in spans]
    made = Project("p", BOOK)
    made.add(written, placed, "")
    Path(name).write_bytes(made.content())


def test_a_selection_in_our_text_is_found_by_position() -> None:
    ours = source(5, "talk/one.txt")
    project("p.qdpx", ours, "B", (ours.starts["S0002"] + 3, ours.starts["S0003"] + 4))
    rows = rows_of(Path("p.qdpx"), BOOK, "talk/one.txt")
    found = {"S0002": {"B": "tence number 1 of talk/one.txt."}, "S0003": {"B": "Sent"}}

    assert (found, []) == codes_of(ours, rows)


def test_a_selection_in_another_text_is_found_by_its_words_and_a_lost_one_is_named() -> None:
    ours = source(5, "talk/one.txt")
    text = (
        "\ufeff[0:01] ANN:  Sentence number 1, of talk/one.txt\r\n[0:02] ANN:  sentence NUMBER 3 of"
    )
    theirs = SourceText("talk_one", "talk_one", ours.transcript, text, ours.starts, ours.segments)
    first, second = text.index("Sentence"), text.index("sentence")
    project("p.qdpx", theirs, "A", (first, text.index("\r")), (second, len(text)), (2, 6))
    rows = rows_of(Path("p.qdpx"), BOOK, "talk/one.txt")
    found, lost = codes_of(ours, rows)

    assert ["S0002", "S0004"] == sorted(found)
    assert ["p.qdpx: talk_one 2-6"] == lost


def test_words_that_recur_are_where_they_are_in_the_other_text() -> None:
    said = [f"Number {n} is so, yes, I think." for n in range(9)]
    ours = source_of(
        Transcript("t", "text", "", make_segments(Turn("A", s) for s in said)), "t", "t"
    )
    text = "".join(f"[0:0{n}] A said this:\n{each}\n\n" for n, each in enumerate(said))
    theirs = SourceText("t", "t", ours.transcript, text, ours.starts, ours.segments)
    places = [each.start() for each in re.finditer("yes", text)]
    project("p.qdpx", theirs, "A", *((at, at + 3) for at in (places[6], places[2])))
    rows = read_coder(Path("p.qdpx"), BOOK, ["t"])[0]["t"]

    assert ({"S0007": {"A": "yes"}, "S0003": {"A": "yes"}}, []) == codes_of(ours, rows)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("count", ["points", "halves", "joined"])
@pytest.mark.parametrize(("ns", "spelt"), [("", str.lower), ("q", str.upper)])
def test_a_project_of_another_program_is_read_however_it_counts_and_spells(
    end: str, count: str, ns: str, spelt: Callable[[str], str]
) -> None:
    said = ("The buoy 🌊🌊 sank.", "Café 👩‍🔬 Übergabe again.", "Café costs 9 euro.")
    segments = make_segments(Turn("Ann 4", each) for each in said)
    ours = source_of(Transcript("t", "text", "", segments), "talk/one.txt", "talk_one.txt")
    text = end.join(part for each in said for part in ("[0:01] Ann 4", each, ""))
    prefix = f"{ns}:" if ns else ""

    def position(at: int) -> int:
        before = text[:at]
        wide = sum(char > "\uffff" for char in before) * (count == "halves")
        return at + wide - before.count("\r\n") * (count == "joined")

    def selection(words: str, code: str) -> str:
        at = text.index(words)
        span = [position(at), position(at + len(words))]
        places = 'startPosition="{}" endPosition="{}"'.format(*span)
        guid = spelt(f"{{{guid_of('X', code)}}}")
        return (
            f"<{prefix}PlainTextSelection {places}><{prefix}Coding>"
            f'<{prefix}CodeRef targetGUID="{guid}"/></{prefix}Coding></{prefix}PlainTextSelection>'
        )

    codes = "".join(
        f'<{prefix}Code guid="{spelt(guid_of("X", name))}" name="{name.lower()}"/>' for name in "AB"
    )
    selected = selection(said[1], "A") + selection("costs 9", "B")
    recording = f'<{prefix}AudioSource><{prefix}CodeRef targetGUID="x"/></{prefix}AudioSource>'
    xml = (
        f'\ufeff<?xml version="1.0"?><{prefix}Project xmlns{":" if ns else ""}{ns}='
        f'"urn:QDA-XML:project:1.0"><{prefix}CodeBook>{codes}</{prefix}CodeBook><{prefix}Sources>'
        f'<{prefix}TextSource name="talk_one" plainTextPath="internal://ABC.txt">{selected}'
        f"</{prefix}TextSource>{recording}</{prefix}Sources></{prefix}Project>"
    )
    with ZipFile("p.qdpx", "w") as archive:
        archive.writestr("project.qde", xml.encode())
        archive.writestr("sources\\abc.TXT", text.encode("utf-8-sig"))
    rows, notes = read_coder(Path("p.qdpx"), BOOK, ["talk/one.txt"])
    found = {"S0002": {"A": said[1]}, "S0003": {"B": "costs 9"}}

    assert (found, []) == codes_of(ours, rows["talk/one.txt"])
    assert ["p.qdpx: 1 coding left out: they are in no plain text"] == notes


def test_a_project_of_recordings_alone_says_so() -> None:
    sources = '<Sources><AudioSource><CodeRef targetGUID="x"/></AudioSource></Sources>'
    with ZipFile("p.qdpx", "w") as archive:
        archive.writestr("project.qde", f"<Project><CodeBook/>{sources}</Project>")

    with pytest.raises(
        ConfigError, match=r"it has no codings; p\.qdpx: 1 coding left out: they are"
    ):
        read_coder(Path("p.qdpx"), BOOK, ["t.txt"])


WRONG = {
    "kode,segment\nA,S0001\n": "h.csv:1: there is no column 'code'; did you mean 'kode'?",
    "code,segment\nUnsued,S0001\n": "h.csv:2: column code: 'Unsued' is not in the codebook; did",
    "code,segment\nA,\n": "h.csv:2: expected a segment or a quote",
    "code,segment\nA,S0099\n": "h.csv:2: column segment: 'S0099' is not in talk; did you mean",
    "": "h.csv: it has no codings",
    "code,segment,file\nA,S0001,talks.x\n": "of the run: 1 name, 'talks.x'; did you mean",
}


def test_a_wrong_row_is_one_line(run: None, capsys: Any) -> None:
    for text, said in WRONG.items():
        Path("h.csv").write_text(text)
        code = agreement("run", "h.csv")
        line = capsys.readouterr().err

        assert 2 == code
        assert said in line
        assert 1 == line.count("\n")


def test_a_directory_without_codings_is_one_line(capsys: Any) -> None:
    for path in ("runs/one", "sweeps/0"):
        make_run(Path(path))
    codes = [agreement(path, "h.csv") for path in ("runs/one", "runs")]
    lines = capsys.readouterr().err.splitlines()

    assert [2, 2] == codes
    assert [
        "colloquy-agreement: runs/one has no codings: expected a run or batch of pipeline=codebook",
        "colloquy-agreement: runs: there is no run; did you mean 'runs/one'?",
    ] == lines


def table(path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(Path(path).read_text(encoding="utf-8").splitlines()))


def agreement(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        command.main(words)
    return int(str(ended.value.code))


@pytest.fixture
def run() -> None:
    """Make a run that codes every second of ten sentences with A."""
    Path("codes.csv").write_text(as_qdc(BOOK))
    Path("talk.txt").write_text("\n\n".join(f"Ann: Sentence number {n}." for n in range(10)))

    def reply(request: Request) -> str:
        said = re.findall(r"\[(S\d+) \w+\] (.* (\d+)\.)", prompt_of(request))
        codings = [
            {"code": "A", "reason": "r", "evidence": [{"segment": s, "quote": q}]}
            for s, q, n in said
            if int(n) % 2 == 0
        ]
        insight = {"text": "t", "confidence": 0.5, "category": "c", "evidence": []}
        return json.dumps({"insights": [insight], "structured_data": {"codings": codings}})

    given = [
        "pipeline=codebook",
        "codebook=codes.csv",
        "transcript=file",
        "transcript.path=talk.txt",
    ]
    execute(job(*given), reply)
    write_codings(read_run(Path("run")))


def test_the_command_compares_a_table_and_writes_text_csv_and_json(run: None, capsys: Any) -> None:
    Path("h.csv").write_text(
        "Segment;Code;Quote\nS0001;a;Sentence number 0\nS0002;B;=Sentence\nS0003;;\n;A;number 4\n"
    )
    code = agreement("run", "h.csv")
    said, data = capsys.readouterr().out, json.loads(Path("run/agreement.json").read_bytes())
    figures = {row["code"]: row for row in table("run/agreement.csv")}
    apart = table("run/disagreements.csv")

    assert 0 == code
    assert "10 segments of 1 transcript; 95 % intervals by the bootstrap over segments" in said
    assert ("2", "0", "3", "5") == tuple(
        figures["A"][name] for name in ("both", "only_coder", "only_run", "neither")
    )
    assert {"all", "A", "B"} == figures.keys() == {each["code"] for each in data["figures"]}
    assert [("S0002", "B", "'=Sentence")] == [
        (row["segment"], row["code"], row["coder_quote"]) for row in apart if row["only"] == "coder"
    ]
    assert ["S0003", "S0007", "S0009"] == [row["segment"] for row in apart if row["only"] == "run"]


def test_a_run_agrees_with_its_own_files(run: None, capsys: Any) -> None:
    codes = [
        agreement("run", f"run/codings.{end}", "--out", "compared/here") for end in ("csv", "qdpx")
    ]
    said = capsys.readouterr().out

    assert [0, 0] == codes
    assert 4 == said.count("1.00   1.00\n")  # no sample has another, so no interval
    assert 2 == said.count("0 disagreements")


def test_codes_that_the_codebook_has_not_are_counted_in_a_project_and_named() -> None:
    project = Project("p", Codebook((Code("Other", "d", guid=guid_of("o")),)))
    project.add(source(2), [PlacedCoding("", UNKNOWN, "Other", "", 5, 9, "exact", "", "Eva")], "")
    Path("p.qdpx").write_bytes(project.content())
    rows, notes = read_coder(Path("p.qdpx"), BOOK, ["t.txt", "u.txt"])

    assert ["p.qdpx: 1 coding left out: not in the codebook: 'Other'"] == notes
    assert {"t.txt": []} == rows


def test_many_notes_and_foreign_codes_are_cut() -> None:
    codes = [f"Other {n}" for n in range(23)]
    project = Project("p", Codebook(tuple(Code(c, "d", guid=guid_of(c)) for c in codes)))
    placed = [PlacedCoding("", UNKNOWN, c, "", 5, 9, "", "", "E") for c in codes]
    project.add(source(2), placed, "")
    Path("p.qdpx").write_bytes(project.content())
    _, (note,) = read_coder(Path("p.qdpx"), BOOK, ["t.txt"])
    lines = list(command._lines(CodingComparison(BOOK.names), [], [note] * 21))

    assert note.startswith("p.qdpx: 23 codings left out: not in the codebook: 'Other 0', ")
    assert note.endswith("'Other 19' and 3 more")
    assert "11 further notes in agreement.json" == lines[-1]


def test_a_coder_may_spell_a_file_as_any_program_does_but_not_mean_two() -> None:
    files = ["Ü/one.txt", "Ü/one.vtt", "two.b.txt", "one.txt", "sub/two.txt"]
    names = ["./U\u0308\\one.txt", "ü_ONE.vtt", "two.b", "one.txt", "sub_two", "three"]
    Path("h.csv").write_text("file,code,segment\n" + "".join(f"{n},a,S0001\n" for n in names))
    rows, notes = read_coder(Path("h.csv"), BOOK, files)

    assert [f"h.csv:{n}" for n in range(2, 7)] == [
        row.place for file in files for row in rows.get(file, [])
    ]
    assert ["h.csv: left out, no transcript of the run: 1 name, 'three'"] == [
        note.partition(";")[0] for note in notes
    ]
    Path("h.csv").write_text("file,code,segment\nü_one,A,S0001\n")
    with pytest.raises(ConfigError, match=r"'ü_one' is several files: Ü/one.txt, Ü/one.vtt"):
        read_coder(Path("h.csv"), BOOK, files)


@pytest.mark.parametrize(
    "table",
    [
        "id,document,tag,content\n1,t.txt,B / C,Sentence number 0\n2,t.txt,a,Sentence number 1\n",
        "Document group;Document name;Code;Beginning;Segment\nI;t;B > C;1;Sentence number 0\n"
        "I;t;A;2;[0:00:04] Ann: Sentence number 1\n",
        "Code;Segment\nB > C;Sentence number 0\nA;Sentence\n",
        "codename,coded,filename,pos0\nC,Sentence number 0,t.txt,7\nA,Sentence number 1,t.txt,30\n",
        'Document,Quotation Content,Codes\nt.txt,Sentence number 0,"B\\C\n"\n'
        't.txt,Sentence number 1,"A\n"\n',
        "Media Title,Excerpt Range,Excerpt Copy,Codes Applied Combined,Code: A Applied\n"
        't.txt,0-17,Sentence number 0,"B/C, A",True\n',
    ],
)
def test_tables_of_other_programs_have_their_own_columns_and_paths_of_codes(table: str) -> None:
    below = Code("C", "d", parent="B", guid=guid_of("C"))
    Path("h.csv").write_text(table)
    rows = rows_of(Path("h.csv"), Codebook((*BOOK.codes, below)), "t.txt")

    assert (["C", "A"], []) == ([row.code for row in rows], codes_of(source(2), rows)[1])


def test_a_row_may_have_several_codes() -> None:
    Path("h.csv").write_text('segment,codes\nS0001,"A\nB"\ns2,a; Unused\n3,none\n')
    rows = rows_of(Path("h.csv"), BOOK, "t.txt")

    assert {"S0001": ["A", "B"], "S0002": ["A", "Unused"], "S0003": []} == {
        name: [*held] for name, held in codes_of(source(3), rows)[0].items()
    }


def test_a_segment_of_no_transcript_is_refused() -> None:
    Path("h.csv").write_text("code,segment\nA,S0003\n")
    with pytest.raises(ConfigError, match=r"is not in t\.txt"):
        codes_of(source(2), rows_of(Path("h.csv"), BOOK, "t.txt"))
