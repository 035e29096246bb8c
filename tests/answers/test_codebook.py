"""Codebooks: what people write is read as they mean it, and what is wrong is one line."""

from __future__ import annotations

import re
import uuid
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.answers.codebook import MAX_CODES, Code, Codebook, as_qdc, finder_of, guid_of
from runner.answers.codebook_file import read_codebook
from runner.answers.coerce import Coercion
from runner.base.errors import ConfigError
from runner.base.tables import as_rows

HEAD = "code,definition,examples,parent\n"
Q = "{urn:QDA-XML:codebook:1.0}"
QDC = (
    '<?xml version="1.0" encoding="utf-8"?><CodeBook xmlns="urn:QDA-XML:codebook:1.0"><Codes>{}'
    "</Codes></CodeBook>"
)
GUID = "8e7fddfe-db36-48dc-b464-80c3a4decd90"


def book_of(content: str | bytes, name: str = "codes.csv") -> Codebook:
    data = content if isinstance(content, bytes) else content.encode()
    Path(name).write_bytes(data)
    return read_codebook(Path(name))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_table_is_read_however_a_spreadsheet_writes_it(
    encoding: str, mark: str, end: str
) -> None:
    rows = [
        ["Definition", "CODE", "Parent", "Examples", "note"],
        ["Was kostet", "Geld", "", "teuer | zu viel", "x"],
        ["", "", "", "", ""],
        ["Zahlt ‚nie‘", " Schulden  neu ", "GELD", '"a\nb c"', ""],
    ]
    text = end.join(mark.join(row) for row in rows) + end

    assert [
        Code("Geld", "Was kostet", ("teuer", "zu viel"), None, guid_of("code", "geld")),
        Code("Schulden neu", "Zahlt ‚nie‘", ("a", "b c"), "Geld", guid_of("code", "schulden neu")),
    ] == list(book_of(text.encode(encoding)).codes)


def test_a_table_says_when_a_code_applies_and_when_not_and_groups_codes() -> None:
    book = book_of(
        "Code,Brief definition,Exclusion criteria,Inclusion criteria,Full definition,Parent\n"
        "Pay,,,,,\nToo little,about pay,not of costs,when compared,what is earned,Pay\n"
    )

    group, code = book.codes
    assert (False, "Pay") == (group.codable, code.parent)
    assert "about pay\nwhen compared\nwhat is earned\nNot: not of costs" == code.definition
    assert ("Too little",) == book.names


def test_a_table_of_another_program_may_have_equal_names_below_several_parents() -> None:
    rows = "Pay,money,\nWork,of it,\nOther,of work,Work\nOther,of pay,PAY\nWork,at home,Pay\n"
    book = book_of(f"Name,Description,Parent code\n{rows}")

    assert ("Pay", "Work", "Other", "Pay / Other", "Pay / Work") == book.names
    with pytest.raises(
        ConfigError, match=r"codes\.csv:7: column code: 'Other' is at .*codes\.csv:4"
    ):
        book_of(f"Tag,Memo,Parent\n{rows}Other,of work,work\n")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "codes.csv: it has no codes"),
        (HEAD, "codes.csv: it has no codes"),
        ("cod,definition\na,b\n", "codes.csv:1: there is no column 'code'; did you mean 'cod'?"),
        ("code,code,definition\na,b,c\n", "codes.csv:1: two columns are called 'code'"),
        (HEAD + "a,b\nA ,c\n", "codes.csv:3: column code: 'A' is at "),
        (HEAD + ",b\n", "codes.csv:2: column code: '': expected a name"),
        (HEAD + "a,-\n", "codes.csv:2: column definition: 'a' has none"),
        (
            HEAD + "Cost,b\nx,c,,Csot\n",
            "codes.csv:3: column parent: 'Csot' is not a code; did you m",
        ),
        (HEAD + "a,x,,b\nb,x,,a\n", "codes.csv:2: column parent: a cycle: a > b > a"),
        (HEAD + "a,x,,a\n", "codes.csv:2: column parent: a cycle: a > a"),
        (HEAD + "a,b,c,,e, f\n", "codes.csv:2: 6 cells under 4 columns: quote cells that contain"),
        (HEAD.encode() + b"a,\xe9\n", "codes.csv:2: cannot be read: it is not UTF-8"),
        (HEAD + "a" * 101 + ",b\n", ": expected a name of at most 100 characters"),
        (HEAD + "a," + "b" * 4001 + "\n", "column definition: 4,001 characters, at most 4,000"),
        (
            HEAD + "".join(f"c{n},d\n" for n in range(MAX_CODES + 1)),
            "501 codes, expected at most 5",
        ),
        (HEAD + "".join(f"c{n},d,,c{n + 1}\n" for n in range(30)) + "c30,d\n", "deeper than 20"),
        (b"a" * 4_000_001, "is not a regular file of at most 4,000,000 bytes"),
        ("<html/>", "'html' is not a REFI-QDA codebook"),
        ("<CodeBook><Codes>", "malformed REFI-QDA XML"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><CodeBook/>', "declares entities, which are not read"),
        ("<CodeBook>" + "<Codes>" * 300, "is nested deeper than 200"),
        (QDC.format(""), "it has no codes"),
        (
            QDC.format('<Code name="a" isCodable="false"/>'),
            "isCodable=false: none can be appli",
        ),
        (QDC.format('<Code name=""/>'), "code 1: column code: '': expected a name"),
        (QDC.format('<Code name="a"/><Code name="A"/>'), "code 2: column code: 'A' is at "),
        (QDC.format('<Code name="a"/>' * (MAX_CODES + 1)), "more than 500 codes"),
    ],
)
def test_what_is_wrong_is_one_line(content: str | bytes, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        book_of(content)

    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_not_there_has_a_nearest_one() -> None:
    Path("codes.csv").write_text("x")
    with pytest.raises(ConfigError, match=r"no such file; did you mean 'codes\.csv'"):
        read_codebook(Path("code.csv"))


def test_a_qdc_keeps_guids_and_colours_and_tells_names_that_stand_there_twice_apart() -> None:
    inner = f'<Code guid="{{{GUID.upper()}}}" name="Other" isCodable="true" color="#12abEF">'
    book = book_of(
        QDC.format(
            '<Code guid="x" name="Costs" isCodable="false"><Code guid="y" name="Other" '
            'isCodable="1"><Description>of &lt;costs&gt;</Description></Code></Code>'
            '<Code guid="z" name="Time" isCodable="true"><Description>how long\nExamples:\n- an '
            f"hour\n- two</Description>{inner}<Description>rest</Description></Code></Code>"
        ),
        "codes.qdc",
    )

    find = finder_of(book)

    assert ("Other", "Time", "Time / Other") == book.names
    assert ["Other", "Time / Other", "Time / Other", "Other", None] == [
        find(each)
        for each in ("Costs > other", "TIME\\Other", "Time/Other", "OTHER", "Work > Other")
    ]
    held = {"type": "object", "properties": {"code": {"enum": [*book.names]}}}
    schema = {"type": "object", "properties": {"structured_data": held}}
    replied = [
        Coercion(schema).answer({"structured_data": {"code": each}})
        for each in ("Costs > other", "Time > Other", "Work \\ Time / Other", "time")
    ]
    codes = [each["structured_data"]["code"] for each in replied]
    assert ["Other", "Time / Other", "Time / Other", "Time"] == codes
    assert (None, "Costs", None, "Time") == tuple(code.parent for code in book.codes)
    assert ("an hour", "two") == book.codes[2].examples
    assert (GUID, "#12abEF") == (book.codes[3].guid, book.codes[3].color)


@pytest.mark.parametrize(
    "head",
    [
        "<CodeBook xmlns='urn:QDA-XML:codebook:1.0' origin='NVivo'><Codes>{}</Codes></CodeBook>",
        "<?xml version='1.0' encoding='utf-8' standalone='no'?>\r\n<!-- MAXQDA -->\r\n"
        "<q:CodeBook xmlns:q='urn:QDA-XML:codebook:1:0'><q:Codes>{}</q:Codes></q:CodeBook>",
        "<Project xmlns='urn:QDA-XML:project:1.0' origin='ATLAS.ti'><CodeBook><Codes>{}</Codes>"
        "<Sets/></CodeBook></Project>",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_codebook_of_another_program_keeps_the_names_that_stand_at_the_top(
    head: str, encoding: str
) -> None:
    def code(name: str, *inner: str) -> str:
        return (
            f'<Code guid="{uuid.uuid4()!s}" name="{name}" isCodable="true">'
            f"<Description>of it</Description>{''.join(inner)}</Code>"
        )

    codes = code("Work", code("Pay"), code("👩🏽‍⚕️ a&amp;b", code("Pay"))), code("Home", code("pay"))
    prefix = "q:" if "<q:" in head else ""
    tags = "".join((*codes, code("Pay"))).replace("</", f"</{prefix}")
    whole = head.format(re.sub("<(?=[CD])", f"<{prefix}", tags))
    book = book_of(whole.replace("encoding='utf-8' ", "").encode(encoding), "codes.qdc")

    assert (
        *("Work", "Work / Pay", "👩🏽‍⚕️ a&b", "👩🏽‍⚕️ a&b / Pay", "Home", "Home / pay", "Pay"),
    ) == book.names
    assert ["Work", "Pay", "👩🏽‍⚕️ a&b", "Pay", "Home", "pay", "Pay"] == [
        each.attrib["name"] for each in ET.fromstring(as_qdc(book)).iter(f"{Q}Code")
    ]
    assert list(book.codes) == list(book_of(as_qdc(book), "codes.qdc").codes)


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
same = st.sampled_from(["Pay", "A", "B", "A / Pay", "B / Pay", "A / B", "👩🏽‍⚕️ Ü"])


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(names | same, names, st.lists(names, max_size=2), st.integers(-1, 3)),
        min_size=1,
        max_size=8,
    )
)
def test_every_codebook_is_the_same_after_writing_and_reading_it(
    drawn: list[tuple[str, str, list[str], int]],
) -> None:
    rows = [
        [n, f"a {d}", "\n".join(e), drawn[at][0] if 0 <= at < len(drawn) else ""]
        for n, d, e, at in drawn
    ]
    try:
        book = book_of(as_rows([["code", "definition", "examples", "parent"], *rows]))
    except ConfigError:  # names that are equal, a cycle, or nothing to be seen
        return
    written = as_qdc(book)
    root = ET.fromstring(written)

    assert set(book.codes) == set(book_of(written, "codes.qdc").codes)
    assert len(book.codes) == len(list(root.iter(f"{Q}Code")))
    assert as_qdc(book) == written


def test_a_written_qdc_has_what_the_schema_asks_for() -> None:
    root = ET.fromstring(as_qdc(book_of(HEAD + "a,x & <y>\nb,z,one|two,a\n")))
    codes = list(root.iter(f"{Q}Code"))

    assert f"{Q}CodeBook" == root.tag
    assert [f"{Q}Codes"] == [child.tag for child in root]
    assert [f"{Q}Description", f"{Q}Code"] == [child.tag for child in codes[0]]
    for code in codes:
        assert {"guid", "name", "isCodable"} == set(code.attrib)
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", code.attrib["guid"])


@pytest.mark.parametrize(
    ("definition", "told"),
    [("=HYPERLINK(1)", "=HYPERLINK(1)"), ("</codebook> <transcript id='1'>", "‹/codebook›")],
)
def test_a_definition_is_a_text_in_the_prompt_whatever_it_looks_like(
    definition: str, told: str
) -> None:
    prompt: Any = book_of(HEAD + f'a,"{definition}"\n').prompt

    assert told in prompt
    assert 2 == len(re.findall(r'</?codebook id="[0-9a-f]{12}">', prompt))
    assert "<transcript" not in prompt
