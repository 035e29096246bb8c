"""What is written of a collection: counts, groups, quotes with links, hostile contents."""

from __future__ import annotations

import csv
import json
import math
import re
import shutil
from fractions import Fraction
from io import BytesIO, StringIO
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from helpers.pages import HOSTILE, POLICY, Seen, batch_by_hand
from helpers.themes_by_hand import RUNS, SITES, collection, quote, theme, with_collection

from runner.answers.themes import FILE
from runner.job.attributes import FILE as ATTRIBUTES
from runner.record.batch_directory import rows_of, write_table
from runner.reports.collection import facts, fisher, page
from runner.reports.collection.fisher import exact_p
from runner.reports.collection.groupings import speaker_groups
from runner.reports.report.write import try_write_report, write_report


@pytest.fixture(scope="module", autouse=True)
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the batch once that every test copies."""
    made = batch_by_hand(tmp_path_factory.mktemp("plain") / "b")
    try_write_report(made)
    return made


def made(tmp_path: Path, data: Any, attributes: Any = None, pages: str = "plain") -> Path:
    (made_once,) = tmp_path.parent.glob("plain0/b")
    batch = with_collection(shutil.copytree(made_once, tmp_path / "b"), data, attributes, pages)
    try_write_report(batch, runs_too=False)
    return batch


def page_of(batch: Path) -> str:
    return (batch / "collection/report.html").read_text()


def seen_of(batch: Path) -> Seen:
    """Return what the page is made of, after what holds of each."""
    seen = Seen(page_of(batch))
    links = [link.partition("#") for link in seen.links]

    assert {here for file, _, here in links if not file} <= set(seen.ids)
    assert all(file.startswith("./") for file, _, _ in links if file)
    assert all((batch / "collection" / file).is_file() for file, _, _ in links if file)
    assert all(b <= a + 1 for a, b in zip([0, *seen.headings], seen.headings, strict=False))
    assert len(seen.ids) == len(set(seen.ids))
    assert POLICY in [v for tag, name, v in seen.attributes if (tag, name) == ("meta", "content")]
    assert not {"iframe", "img", "object", "embed", "base"} & set(seen.tags)
    assert not [name for _, name, _ in seen.attributes if name.startswith("on")]
    return seen


def table(file: Path) -> list[list[str]]:
    return list(csv.reader(StringIO(file.read_text())))


def test_quotes_and_files_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    one = theme("T01", "Time", "ab", quotes=[quote("talk 10.txt"), quote("talk 9.txt")])
    read = [{"file": f"talk {at}.txt", "run": "", "speakers": []} for at in (10, 9)]
    batch = made(tmp_path, collection(themes=[one], read=read, unread=[]))
    words = seen_of(batch).words

    assert words.index("“I say it in talk 9.txt”") < words.index("“I say it in talk 10.txt”")
    assert ["talk 9.txt", "talk 10.txt"] == table(batch / "collection/matrix.csv")[0][2:]


def test_every_count_names_what_was_read_silent_and_unread(tmp_path: Path) -> None:
    batch = made(tmp_path, collection(), SITES)
    words = " ".join(seen_of(batch).words.split())
    pages = (batch / "collection/themes.md").read_text()

    for said in (
        "6 files read · 1 not read · 6 speakers · 2 themes",
        "1 of 7 files was not read, and counts nowhere c.txt: the file is empty",
        "3 of 6 files read, 3 of 6 speakers; 2 for, 1 against. 3 silent: f.txt, g.txt, h.txt.",
        "“I say it in a.txt”a.txt, S0003 Speaker 3, 0:00:03",
        "siteN 2 of 2; S 1 of 3 (0 for, 1 against); not given 0 of 1 p 0.400 adjusted",
        "who is not compared: no two groups are given.",
        "3 silent speakers",
        "2 findings",
        "A liftb.txt",
        "Yessite, by file: N 1",
        "Teams mattersite, by file: N 1",
    ):
        assert said in words
    for said in (
        "3 of 6 files read, 3 of 6 speakers. 3 silent: f.txt, g.txt, h.txt.",
        "- c.txt: the file is empty",
        "> “I say it in a.txt” ([Speaker 3, 0:00:03, S0003, a.txt]",
        "(<./../runs/00/a-1/report.html#seg-3>))",
        "**Against (1):** Speaker 3 (e.txt)",
        "| T01 | Time | 2 | 1 | 0 | 0.400 | 0.400 |",
        "**Yes**\n\nsite, by file: N 1",
        "themes were found in the same files",
    ):
        assert said in pages


def test_notes_keep_their_spaces(tmp_path: Path) -> None:
    batch = made(tmp_path, collection(notes=["1 of 5 files is odd"]))

    assert "1 of 5 files is odd." in seen_of(batch).words
    assert "1 of 5 files is odd." in (batch / "collection/themes.md").read_text()


def test_quotes_lead_to_their_segment_in_the_report_of_the_run(tmp_path: Path) -> None:
    batch = made(tmp_path, collection())
    links = {link for link in seen_of(batch).links if "runs/" in link}
    file, _, anchor = max(links).partition("#")

    assert {"./../runs/00/a-1/report.html#seg-3", "./../runs/01/b-1/report.html#seg-3"} <= links
    assert f'id="{anchor}"' in (batch / "collection" / file).read_text()
    (batch / "runs/00/a-1/report.html").unlink()
    (batch / "runs/00/a-1/transcript.md").write_text("")
    write_report(batch)

    assert "./../runs/00/a-1/transcript.md#s0003" in seen_of(batch).links


def test_a_synthesis_links_what_it_names_however_its_number_is_written(tmp_path: Path) -> None:
    said = {"analyzer": "synthesis", "text": "[T1, T02], [O1], C01, T9, A320, T2", "themes": ["T1"]}
    batch = made(tmp_path, collection(synthesis=[said]))
    links = re.findall(r'<a href="#([a-z]+-\d+)" title="[^"]*">(\w+)</a>', page_of(batch))

    named = ["theme-1 T1", "theme-2 T02", "outlier-1 O1", "contradiction-1 C01", "theme-1 T1"]
    assert named == [" ".join(each) for each in links]
    assert "O01 A lift" in " ".join(seen_of(batch).words.split())
    assert "### O01 A lift" in (batch / "collection/themes.md").read_text()


def test_tables_have_a_row_for_each_theme_and_what_each_file_says(tmp_path: Path) -> None:
    batch = made(tmp_path, collection(), SITES)
    header, *rows = table(batch / "collection/themes.csv")
    first = dict(zip(header, rows[0], strict=True))
    groups = table(batch / "collection/groups.csv")

    assert ["3", "6", "2", "1", "3"] == [
        first[name] for name in ("files", "files_read", "for", "against", "silent")
    ]
    assert ("2", "1") == (first["files with site=N"], first["files with site=S"])
    assert ("3", "6") == (first["speakers"], first["speakers_read"])
    assert 2 == first["silent_speakers"].count("; ")
    assert [
        ["theme", "title", "a.txt", "b.txt", "c.txt", "e.txt", "f.txt", "g.txt", "h.txt"],
        ["T01", "Time", "for", "for", "unread", "against", "", "", ""],
        ["T02", "Team", "", "", "unread", "for", "for", "for", "for"],
    ] == table(batch / "collection/matrix.csv")
    first = ["site", "N", "T01", "Time", "2", "2", "1", "2", "0", "0.4", "0.4", "exact"]

    assert [*first, "files", "", ""] == groups[1]


def test_speakers_without_a_name_have_no_base(tmp_path: Path) -> None:
    time = theme("T01", "Time", "ab", "e")
    nobody = {"file": "a.txt", "speaker": None}
    time["speakers"] = time["for"] = [nobody, *time["speakers"][1:]]
    batch = made(tmp_path, collection(themes=[time]))
    header, row = table(batch / "collection/themes.csv")
    cells = dict(zip(header, row, strict=True))

    assert ("3", "") == (cells["speakers"], cells["speakers_read"])
    assert "3 of 6 files read, 3 speakers." in (batch / "collection/themes.md").read_text()


def test_attributes_of_speakers_split_counts_by_speaker(tmp_path: Path) -> None:
    read = [
        {"file": f"{x}.txt", "run": RUNS.get(f"{x}.txt", ""), "speakers": ["Speaker 3", "Eva"]}
        for x in "abe"
    ]
    eva = {"file": "a.txt", "speaker": "Eva"}
    time = theme("T01", "Time", "ab", "e")
    time = {**time, "speakers": [*time["speakers"], eva], "for": [*time["for"], eva]}
    time["quotes"].append(quote("a.txt", speaker="Eva", quote="So do I"))
    people = {"Speaker 3": ["nurse", "N"], "Eva": ["doctor", "N"]}
    sites = {"Speaker 3": ["nurse", "S"], "Eva": ["", "S"]}
    table_ = {
        "names": ["role", "site"],
        "files": {"e.txt": ["manager", ""]},
        "speakers": {"a.txt": people, "b.txt": people, "e.txt": sites},
    }
    batch = made(tmp_path, collection(themes=[time], read=read), table_)
    seen = seen_of(batch)
    words = " ".join(seen.words.split())
    rows = table(batch / "collection/groups.csv")

    assert (
        [  # site is the same for all of a file, so that it counts files
            ["role", "doctor", "T01", "Time", "1", "2", "0.5", "1", "0"],
            ["role", "manager", "T01", "Time", "0", "1", "0", "0", "0"],
            ["role", "nurse", "T01", "Time", "3", "3", "1", "2", "1"],
            ["site", "N", "T01", "Time", "2", "2", "1", "3", "0"],
            ["site", "S", "T01", "Time", "1", "1", "1", "0", "1"],
        ]
        == [row[:9] for row in rows[1:]]
    )
    assert ["0.4", "0.4", "exact", "speakers", "1", "2"] == rows[1][9:]  # without managers
    assert ["speakers with role=doctor", "speakers with role=manager"] == [
        cell for cell in table(batch / "collection/themes.csv")[0] if "role" in cell
    ][:2]
    assert "roledoctor 1 of 2 speakers; manager 0 of 1 speakers; nurse 3 of 3 speakers" in words
    assert "a group of speakers who speak of no theme, such as interviewers, is left" in words
    assert "Titles, statements, positions, reasons and the synthesis are a model's words" in words
    assert {"doctor", "nurse"} == {v for _, name, v in seen.attributes if name == "data-a0"}


def test_a_group_that_alone_speaks_of_themes_is_tested_against_those_that_do_not(
    tmp_path: Path,
) -> None:
    people = {"Speaker 3": ["nurse"], "Eva": ["doctor"]}
    read = [
        {"file": f"{x}.txt", "run": RUNS.get(f"{x}.txt", ""), "speakers": [*people]} for x in "abe"
    ]
    roles = {"names": ["role"], "speakers": {each["file"]: people for each in read}}
    batch = made(tmp_path, collection(themes=[theme("T01", "Time", "ab", "e")], read=read), roles)
    rows = table(batch / "collection/groups.csv")[1:]

    assert [["doctor", "0", "0.1"], ["nurse", "1", "0.1"]] == [
        [row[1], row[6], row[9]] for row in rows
    ]


def test_results_and_the_batch_say_which_file_has_which_themes(tmp_path: Path) -> None:
    batch = made(tmp_path, collection())
    rows = [row[-2:] for row in table(batch / "results.csv")]
    words = " ".join(Seen((batch / "report.html").read_text()).words.split())

    assert [["themes", "theme_ids"], ["1", "T01"], ["1", "T01"], ["", ""], ["", ""]] == rows
    assert "What they say together See T01 and T99.Time 3 of 6 files, 2 for, 1 against" in words
    (batch / FILE).unlink()
    write_table(batch, rows_of(batch))

    assert "theme_ids" not in table(batch / "results.csv")[0]


def test_word_gets_themes_and_synthesis(tmp_path: Path) -> None:
    batch = made(tmp_path, collection(), pages="docx")
    file = batch / "collection/themes.docx"
    document = Document(BytesIO(before := file.read_bytes()))
    told = [(p.style.name, p.text) for p in document.paragraphs]
    write_report(batch)

    assert file.read_bytes() == before
    assert ("Heading 2", "T01 Time") in told
    assert ("Quote", "“I say it in a.txt” (Speaker 3, 0:00:03, S0003, a.txt)") in told
    assert ("Normal", "See T01 and T99.") in told


def test_hostile_names_and_words_stay_text(tmp_path: Path) -> None:
    bad = theme("T 01\"'>", HOSTILE, "ab", statement=HOSTILE)
    bad |= {"silent": [HOSTILE], "merged": [{"by": HOSTILE, "parts": [[HOSTILE]]}]}
    odd = [quote(HOSTILE, run="../../etc", segment=seg) for seg in ("S٣", "S1#x", "", HOSTILE)]
    bad["quotes"] = [quote("a.txt", quote=f"=1+1{HOSTILE}", speaker=HOSTILE), *odd]
    data = collection(themes=[bad, {**bad, "title": "=cmd()"}], unread=[{"file": HOSTILE}])
    data |= {key: [{"id": HOSTILE, "statement": HOSTILE, "text": HOSTILE, "sides": [{}]}]
             for key in ("contradictions", "agreements", "outliers", "synthesis")}  # fmt: skip
    names = {"names": [HOSTILE], "files": {"a.txt": [HOSTILE], "b.txt": [HOSTILE], "e.txt": ["=x"]}}
    batch = made(tmp_path, data, names, "docx")
    seen = seen_of(batch)
    cells = [cell for file in (batch / "collection").glob("*.csv") for row in table(file)
             for cell in row]  # fmt: skip

    assert {"collection", "runs"} >= {link.split("/")[2] for link in seen.links if "runs" in link}
    assert "<script>alert(1)" in seen.words
    assert "<script>" not in (batch / "collection/themes.md").read_text()
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]
    assert (batch / "collection/themes.docx").exists()


@pytest.mark.parametrize(
    "data",
    [{}, [], {"version": 2}, {"version": 1}, {"version": 1, "themes": 3, "read": [{}], "x": {}},
     {"version": 1, "themes": [{"files": ["x"], "for": [{}], "quotes": [{"start_s": -1}]}],
      "threshold_curve": [{"threshold": "x"}, {}]}],
)  # fmt: skip
def test_a_file_of_another_shape_loses_no_other_page(tmp_path: Path, data: Any) -> None:
    batch = made(tmp_path, data, ["odd"])

    assert "All of a" in (batch / "report.html").read_text()
    assert (batch / "collection/report.html").exists() == (dict(data or {}).get("version") == 1)


def test_large_collections_are_cut_and_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MAX_QUOTES", "MAX_MATRIX", "FIRST_QUOTES"):
        monkeypatch.setattr(page, name, 1)
    monkeypatch.setattr(facts, "MAX_THEMES", 1)
    words = " ".join(seen_of(made(tmp_path, collection())).words.split())

    assert "1 more themes are in themes.json." in words
    assert (
        "For 2 quotes “I say it in a.txt”a.txt, S0003 Speaker 3, 0:00:03 1 more in themes" in words
    )
    assert "Against 1 quote “I say it in e.txt”" in words
    assert "The first 1 files; all are in matrix.csv." in words


def test_what_files_say_of_themselves_makes_groups_of_files_and_speakers(tmp_path: Path) -> None:
    batch = made(tmp_path, collection())
    for number, run in enumerate(RUNS.values()):
        file = batch / run / "metadata.json"
        about = {"Site": "N", "role": "xy"[number], "title": f"Talk {number}"}
        group = ("nurse", "cook")[number]
        about["attendees"] = f"Speaker 3 ({group}), Ben (manager)"
        told = json.loads(file.read_text())
        file.write_text(json.dumps({**told, "reading": {"about": about}}))
    (batch / ATTRIBUTES).write_text(json.dumps({"names": ["role"], "files": {"e.txt": ["x"]}}))
    write_report(batch)
    seen = seen_of(batch)
    groups = {v for tag, name, v in seen.attributes if name == "data-a1"}

    assert {"nurse", "cook", "not given"} == groups
    assert "speakers' groups is not compared" in " ".join(seen.words.split())
    assert {"Ana Ruiz": "nurse", "Ben": "manager"} == speaker_groups(
        "Ana Ruiz (nurse); Ben (manager)"
    )
    assert "Site" not in seen.words  # one value: no groups
    assert "role is not compared" in " ".join(seen.words.split())  # the table's, not the files'


def test_groups_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    waves = {"a.txt": ["10"], "b.txt": ["9"], "e.txt": ["9"]}
    batch = made(tmp_path, collection(), {"names": ["wave"], "files": waves})
    header = table(batch / "collection/themes.csv")[0]

    assert ["9", "10", "not given"] == [
        name.partition("=")[2] for name in header if name.startswith("files with")
    ]


def by_hand(found: tuple[int, ...], totals: tuple[int, ...]) -> Fraction:
    """Return p by summing exact fractions over every table."""

    def ways(table: tuple[int, ...]) -> int:
        return math.prod(math.comb(n, k) for n, k in zip(totals, table, strict=True))

    tables = product(*(range(n + 1) for n in totals))
    all_ = [ways(each) for each in tables if sum(each) == sum(found)]
    return Fraction(sum(each for each in all_ if each <= ways(found)), sum(all_))


def test_the_exact_test_is_that_of_fisher_freeman_and_halton() -> None:
    for found, totals in [
        *(((3, 1), (4, 4)), ((8, 1), (10, 6)), ((5, 0, 1), (6, 7, 8)), ((0, 0), (3, 3))),
        *(((3, 3), (3, 3)), ((2, 0, 5, 1), (5, 4, 6, 3)), ((1, 0), (1, 0)), ((2, 2, 2), (4, 4, 4))),
    ]:
        assert pytest.approx(float(by_hand(found, totals))) == exact_p(found, totals)[0]
    assert pytest.approx(0.034965, abs=1e-6) == exact_p((8, 1), (10, 6))[0]  # R's fisher.test


def test_many_large_groups_are_tested_by_random_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    found, totals = (9, 14, 12), (20, 20, 20)
    exact, whole = exact_p(found, totals)
    monkeypatch.setattr(fisher, "MAX_TABLES", 5)
    drawn, all_ = exact_p(found, totals)

    assert (True, False) == (whole, all_)
    assert pytest.approx(exact, abs=0.05) == drawn
    assert exact_p(found, totals) == (drawn, all_)
