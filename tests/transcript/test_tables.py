"""Tables: CSV, TSV and others."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from runner.base.errors import TranscriptError
from runner.transcript.read import read, read_text

SAID = [("Ana", 1.0, "Dry, all of it."), ("Ben", 3.5, 'He said "no"; why?'), ("Ana", 9.0, "So.")]
Row = tuple[str | None, float | None, str]


def rows(text: str) -> list[Row]:
    transcript = read_text(text, name="t").transcript
    assert transcript.format == "table"
    return [(each.speaker, each.start_s, each.text) for each in transcript.segments]


def written(header: list[str] | None, order: str, delimiter: str, quoting: int) -> str:
    out = io.StringIO()
    quotes = {"quotechar": None} if quoting == csv.QUOTE_NONE else {}
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting, **quotes)  # type: ignore[arg-type]
    cells = [{"who": who, "when": when, "text": text} for who, when, text in SAID]
    writer.writerows(
        [*([header] if header else []), *([r[k] for k in order.split()] for r in cells)]
    )
    return out.getvalue()


HEADERS = [
    ["Speaker", "Start Time", "Text"], ["who", "offset", "said"], ["Name", "time", "Message"],
    ["participant", "start_s", "utterance"], ["speaker_label", "begin", "Transcript Text"],
]  # fmt: skip


@pytest.mark.parametrize("header", HEADERS, ids=str)
@pytest.mark.parametrize("delimiter", list(",;\t|"))
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_delimiter_quotes_and_meaning_are_found(
    header: list[str], delimiter: str, quoting: int
) -> None:
    assert SAID == rows(written(header, "who when text", delimiter, quoting))


@pytest.mark.parametrize("order", ["who when text", "when who text", "text who when"])
@pytest.mark.parametrize("delimiter", ["\t", "|"])
def test_a_table_without_header_or_quotes_is_told_by_its_columns(
    order: str, delimiter: str
) -> None:
    assert SAID == rows(written(None, order, delimiter, csv.QUOTE_NONE))


def test_words_without_quotes_may_hold_the_delimiter() -> None:
    assert SAID[:1] == rows("text,speaker,start\nDry, all of it.,Ana,1\n")
    assert SAID[:1] == rows("speaker,start,text\nAna,1,Dry, all of it.\n")


def test_an_escaped_bar_is_a_bar() -> None:
    text = "| Speaker | Time | Text |\n|---|---|---|\n| Ana | 0:01 | this \\| that |\n"

    assert [("Ana", 1.0, "this | that")] == rows(text)


def test_a_quote_that_nothing_closes_swallows_no_row() -> None:
    actual = rows('start\tspeaker\ttext\n1\tAna\t"Dry, he said.\n2\tBen\tMy 5" bolt.\n')

    assert [("Ana", 1.0, '"Dry, he said.'), ("Ben", 2.0, 'My 5" bolt.')] == actual


def test_a_quoted_cell_may_hold_lines_and_a_table_in_markdown_rules() -> None:
    assert [("Ana", None, "One two.")] == rows('speaker,text\nAna,"One\ntwo."\n')
    said = 'speaker\ttext\nAna\t"One\ntwo."\nBo\t"Three," he said.\n'
    assert [("Ana", None, "One two."), ("Bo", None, "Three, he said.")] == rows(said)
    assert [("Ana", 61.0, "One.")] == rows(
        "| Time | Who | Text |\n|---|:--|---|\n|1:01|**Ana**|One.|\n"
    )
    assert [("Ana", 3.0, "One."), ("Bo", 4.5, "Two.")] == rows(
        "Beginn;Ende;Sprecher;Inhalt\n3,0;4,0;Ana;One.\n4,5;6,0;Bo;Two.\n"
    )
    assert [("Ana", 61.0, "One.")] == rows(
        "Timespan\tContent\tSpeaker\n1:01.0 - 1:03.0\tOne.\tAna\n"
    )


@pytest.mark.parametrize(
    ("header", "one", "other", "expected"),
    [
        ("start_ms", "61000", "63500", [61, 63.5]),
        ("start", "61000", "63500", [61, 63.5]),
        ("Start (s)", "61", "63.5", [61, 63.5]),
        ("time", "00:01:01", "00:01:03,5", [61, 63.5]),
        ("time", "10:02:03 AM", "1:02:03 PM", [36123, 46923]),
        ("Start Time", "00:01:01:12", "00:01:03:24", [61, 63]),
    ],
)
def test_the_unit_of_times_is_found(
    header: str, one: str, other: str, expected: list[float]
) -> None:
    text = f"{header}\tspeaker\ttext\n{one}\tAna\tIt is all dry.\n{other}\tBen\tNot by noon.\n"

    assert expected == [start for _, start, _ in rows(text)]


def test_labels_in_the_words_are_speakers_where_no_column_is() -> None:
    text = "time,text\n1:01,Ana: Dry.\n1:03,Ben: Not by noon.\n1:05,more\n1:06,Ana: So.\n"

    assert ["Ana", "Ben", None, "Ana"] == [speaker for speaker, *_ in rows(text)]


def test_other_columns_and_rows_without_words_are_noted() -> None:
    text = "speaker,text,lang,note\nAna,One.,en,seen by Bob\nBen,,en,\n,Two.,en,\n"

    report = read_text(text, name="t").report

    left = {each.kind: each.words for each in report.left_out}

    assert {"column 'lang'": 3, "column 'note'": 3, "rows without words": 2} == left
    assert (2, 1) == (report.segments, report.with_speaker)


@pytest.mark.parametrize(
    "text",
    [
        "1.0\t2.5\t[[Ana]]Dry, all of it.\n3.5\t4.0\t[[Ben]]Not by noon.\n9.0\t9.5\t[[Ana]]So.\n",
        "Ana\t\t0:01\t1.0\t0:02\t2.0\tDry, all of it.\n"
        "Ben\t\t0:03.5\t3.5\t0:04\t4.0\tNot by noon.\n"
        "Ana\t\t0:09\t9.0\t0:10\t10.0\tSo.\n",
        "Talk of seals\n\nsep=;\nstart;speaker;text\n"
        "1;Ana;Dry, all of it.\n3.5;Ben;Not by noon.\n9;Ana;So.\n",
        'start,end,speaker,text\n1000,2000,Ana,"Dry, all of it."\n'
        "3500,4000,Ben,Not by noon.\n9000,9500,Ana,So.\n",
        "Beginn;Sprecher;Inhalt\n1;Ana;Dry, all of it.\n3,5;Ben;Not by noon.\n9;Ana;So.\n",
        "start;quien;dicho\n1;Ana;Dry, all of it.\n3.5;Ben;Not by noon.\n9;Ana;So.\n",
    ],
    ids=["Audacity", "ELAN", "title", "milliseconds", "German", "names half known"],
)
def test_exports_of_tools_are_tables(text: str) -> None:
    assert [
        ("Ana", 1.0, "Dry, all of it."),
        ("Ben", 3.5, "Not by noon."),
        ("Ana", 9.0, "So."),
    ] == rows(text)


@pytest.mark.parametrize(
    "text",
    [
        "I came, I saw.\nWe went, then left.\nThey ate, drank.\n",
        "\tIt was late.\n\tWe went home.\n",
        "18/09/2026, 10:02 - Ana: Dry.\n18/09/2026, 10:03 - Ben: No.\n18/09/2026, 10:04 - Ana: So.",
        "[00:01]\tAna: Dry.\n[00:03]\tBen: No.\n",
    ],
)
def test_prose_with_commas_is_no_table(text: str) -> None:
    assert "text" == read_text(text, name="t").transcript.format


DRAWN = {
    "Org": "| Speaker | Text |\n|---------+------|\n| Ana | Dry, all. |\n| Ben | No. |\n",
    "PostgreSQL": " speaker | text\n---------+-------\n Ana     | Dry, all.\n Ben     | No.\n",
    "MySQL": "+-----+-----+\n| Who | Text |\n+-----+-----+\n| Ana | Dry, all. |\n| Ben | No. |\n"
    "+-----+-----+\n",
    "grid": "+-----+-------+\n| Who | Text  |\n+=====+=======+\n| Ana | Dry,  |\n|     | all.  |\n"
    "+-----+-------+\n| Ben | No.   |\n+-----+-------+\n",
    "boxes": "┌─────┬──────┐\n│ Who │ Text │\n├─────┼──────┤\n│ Ana │ Dry, all. │\n│ Ben │ No.  │\n"
    "└─────┴──────┘\n",
    "neither header nor rule": "| Ana | Dry, all. |\n| Ben | No. |\n",
    "line ends in cells": "| Who | Text |\n|---|---|\n| Ana | Dry,<br>all. |\n| Ben | No. |\n",
}


@pytest.mark.parametrize("text", DRAWN.values(), ids=DRAWN.keys())
def test_a_table_drawn_with_bars_is_read_by_its_columns(text: str) -> None:
    segments = read_text(text, name="t").transcript.segments

    assert [("Ana", "Dry, all."), ("Ben", "No.")] == [(s.speaker, s.text) for s in segments]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "speaker,original,translation\nAna,Hola a todos,Hi all\nBen,Hola Ana,Hi Ana\n",
            [("Ana", "Hola a todos"), ("Ben", "Hola Ana")],
        ),
        (
            "Befragter,Alter,Antwort\nR1,34,It was all dry\nR2,45,It was not\n",
            [("R1", "It was all dry"), ("R2", "It was not")],
        ),
        (
            "user,how are you there\nagent,I am well now\nuser,my pump broke\n",
            [("user", "how are you there"), ("agent", "I am well now"), ("user", "my pump broke")],
        ),
    ],
    ids=["no known name of words", "no known name", "no header"],
)
def test_names_of_columns_are_no_turn_and_numbers_no_times(
    tmp_path: Path, text: str, expected: list[tuple[str, str]]
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)

    segments = read(path).transcript.segments

    assert expected == [(each.speaker, each.text) for each in segments]
    assert {None} == {each.start_s for each in segments}


def test_a_csv_file_without_words_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("price,amount\n3,4\n5,6\n")

    with pytest.raises(TranscriptError, match="without a column of words"):
        read(path)


def test_a_table_of_times_alone_has_no_words() -> None:
    text = "10:00 AM\t10:05 AM\n10:06 AM\t10:07 AM\n10:08 AM\t10:09 AM"

    with pytest.raises(TranscriptError, match="without a column of words"):
        read_text(text, name="t")
