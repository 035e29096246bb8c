"""Word documents of final notes: real structure, plain text, the same bytes each time."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from docx import Document
from helpers import job
from helpers.pages import HOSTILE
from helpers.runs import execute_models

from runner.answers.markdown import answer_markdown, md
from runner.base.errors import ConfigError
from runner.base.text import to_safe_text
from runner.job import checks
from runner.record.word_document import as_docx

PAGE = """# Notes

Text with **bold**, *italic* and `code`.

1. first
  > said (S0001)
  > and (S0002, nearly: x)
2. second
   - inner

## Next

1. anew

| a | b |
| --- | --- |
| c **d** | \\*e\\* |

```text
kept
  as it is
```

[words](https://example.org/x) ![picture](http://evil/x) <b>x</b>
"""
WHO = {"S0001": "Ana, 0:00:07, S0001"}


def read(page: str) -> tuple[list[tuple[str, str]], list[list[list[str]]]]:
    """Return style and text of each paragraph, and the cells of each table."""
    document = Document(BytesIO(as_docx(page, lambda id_: WHO.get(id_, id_))))
    paragraphs = [(p.style.name, p.text) for p in document.paragraphs if p.text]
    return paragraphs, [[[c.text for c in r.cells] for r in t.rows] for t in document.tables]


def test_a_page_has_the_structure_that_word_knows() -> None:
    paragraphs, tables = read(PAGE)

    assert paragraphs == [
        ("Heading 1", "Notes"),
        ("Normal", "Text with bold, italic and code."),
        ("List Number", "first"),
        ("Quote", "said (Ana, 0:00:07, S0001)\nand (S0002, nearly: x)"),
        ("List Number", "second"),
        ("List Bullet 2", "inner"),
        ("Heading 2", "Next"),
        ("List Number", "anew"),
        ("Normal", "kept\n  as it is"),
        ("Normal", "words (https://example.org/x) picture <b>x</b>"),
    ]
    assert tables == [[["a", "b"], ["c d", "*e*"]]]


def test_paragraphs_that_begin_in_a_script_from_right_to_left_run_so() -> None:
    page = "# שלום\n\n1. قررنا **أن** ننتظر (S0001)\n\nShe said שלום\n\n> 12: אני אשלח\n"
    body = Document(BytesIO(as_docx(page)))

    assert [True, True, False, True] == [bool(p._p.xpath("w:pPr/w:bidi")) for p in body.paragraphs]
    assert {True} == {run.font.rtl for run in body.paragraphs[1].runs}
    assert {None} == {run.font.rtl for run in body.paragraphs[2].runs}


def test_each_list_counts_from_its_own_first_number() -> None:
    body = Document(BytesIO(as_docx(PAGE)))
    numbers = [p._p.pPr.numPr.numId.val for p in body.paragraphs if p.style.name == "List Number"]
    starts = {
        each.numId: each.lvlOverride_lst[0].startOverride.val
        for each in body.part.numbering_part.element.num_lst
        if each.lvlOverride_lst
    }

    assert [starts[number] for number in numbers] == [1, 2, 1]


def test_what_a_transcript_says_is_shown_as_it_is_and_without_what_word_cannot_hold() -> None:
    told = f"{HOSTILE}\x01\ufffe\U000e0041 S0001"
    evidence = [{"segment": "S0001", "quote": told, "match": "exact"}]
    insight = {"text": told, "category": "x", "confidence": 0.5, "evidence": evidence}
    paragraphs, _ = read(answer_markdown("notes", {"insights": [insight], "structured_data": {}}))
    shown = " ".join(to_safe_text(HOSTILE).split())

    assert [style for style, _ in paragraphs[:2]] == ["Heading 1", "Heading 2"]
    assert any(text.startswith(shown) for _, text in paragraphs)
    assert not set("\x01\ufffe\U000e0041") & set("".join(text for _, text in paragraphs))


ODD = ["", "> " * 99 + "x", "- " * 99 + "x", "|a|\n|-|\n", "0. x", "\x00"]


@pytest.mark.parametrize("odd", ODD)
def test_odd_pages_are_documents_too(odd: str) -> None:
    assert as_docx(odd).startswith(b"PK")


def test_a_column_is_as_wide_as_its_longest_word() -> None:
    page = (
        "|  | Theme | Speakers |\n| --- | --- | --- |\n| T01 | " + "a long title " * 9 + "| 7 |\n"
    )
    table = Document(BytesIO(as_docx(page))).tables[0]

    assert table.columns[0].width.cm > 1.1
    assert table.columns[2].width.cm > 2.3
    assert 16.4 == round(sum(column.width.cm for column in table.columns), 1)


def test_many_columns_are_cut_to_what_word_can_show() -> None:
    row = "|" + " x |" * 99
    _, tables = read(f"{row}\n{row.replace('x', '---')}\n{row}\n")

    assert [60, 60] == [len(cells) for cells in tables[0]]


def test_final_notes_are_also_word_documents_with_the_same_bytes_after_resuming() -> None:
    only = ("pipeline=meeting", "output.pages=docx")
    execute_models(job(*only))
    file = Path("run/final/executive_summary.docx")
    before = file.read_bytes()
    page = Path("run/final/executive_summary.md").read_text()
    names = {path.name for path in Path("run").rglob("*.docx")}
    file.unlink()
    execute_models(job(*only), again=True)

    assert {file.name} == names
    assert file.read_bytes() == before
    assert Document(BytesIO(before)).paragraphs[0].text == page.splitlines()[0].lstrip("# ")
    assert "sample1" in Document(BytesIO(before)).core_properties.title
    assert md("[x]") == r"\[x\]"  # what the page escapes, the document shows


def test_a_missing_extra_is_one_line_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checks, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"output.pages='docx' needs .*'colloquy-runner\[docx\]'"):
        job("output.pages=docx")


def test_a_document_that_cannot_be_made_loses_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> bytes:
        raise ValueError("no")

    monkeypatch.setattr("runner.record.pages.as_docx", broken)
    result, _ = execute_models(job("pipeline=meeting", "output.pages=docx"))

    assert result.status == "completed"
    assert Path("run/final/executive_summary.md").exists()
