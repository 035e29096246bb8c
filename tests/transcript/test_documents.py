"""Documents: Word, OpenDocument, RTF, HTML and PDF."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from runner.base.errors import TranscriptError
from runner.record.stored_transcript import transcript_as_json
from runner.transcript.read import Reading, content_sha256_of, read

SAID = [("Ana Ruiz", "Is it dry?"), ("Ben Ito", "Not by noon."), ("Ana Ruiz", "So be it.")]
LINES = [f"{who}: {text}" for who, text in SAID]


def saved(directory: Path, content: bytes, name: str = "call.bin") -> Path:
    path = directory / name
    path.write_bytes(content)
    return path


def archive(**parts: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in parts.items():
            zipped.writestr(name, content)
    return out.getvalue()


def docx(body: str, **parts: str) -> bytes:
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    document = f"<w:document {space}><w:body>{body}</w:body></w:document>"
    return archive(**{"word/document.xml": document, **parts})


def word(*runs: str) -> str:
    """Return a paragraph; a line feed in a run is a break."""
    inner = "".join(f'<w:r><w:t xml:space="preserve">{run}</w:t></w:r>' for run in runs)
    breaks = inner.replace("\n", "</w:t><w:br/><w:t>")
    return f'<w:p><w:pPr><w:tabs><w:tab w:val="left"/></w:tabs></w:pPr>{breaks}</w:p>'


def odt(body: str) -> bytes:
    content = (
        '<o:document-content xmlns:o="office" xmlns:text="text" xmlns:table="table">'
        f"<o:body><o:text>{body}</o:text></o:body></o:document-content>"
    )
    return archive(**{
        "mimetype": "application/vnd.oasis.opendocument.text", "content.xml": content
    })  # fmt: skip


def shown(*cells: tuple[int, int, str]) -> str:
    """Return what draws texts at columns and lines of a page."""
    return "".join(
        f"ET BT /F1 9 Tf 1 0 0 1 {50 + 9 * at} {800 - 15 * line} Tm ({text}) Tj "
        for at, line, text in cells
    )


def pdf(*pages: list[str] | str) -> bytes:
    """Return a PDF with lines of text, or what is drawn, on each page."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    for number, lines in enumerate(pages):
        drawn = (
            lines if isinstance(lines, str) else "".join(f"({line}) Tj 0 -15 Td " for line in lines)
        )
        stream = f"BT /F1 11 Tf 50 800 Td {drawn}ET"
        objects += [
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 850]/Contents {5 + 2 * number} 0 R"
            "/Resources<</Font<</F1 3 0 R>>>>>>",
            f"<</Length {len(stream)}>>stream\n{stream}\nendstream",
        ]
    out, offsets = "%PDF-1.4\n", []
    for number, each in enumerate(objects, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj{each}endobj\n"
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    end = f"trailer<</Size {size}/Root 1 0 R>>\nstartxref\n{len(out)}\n%%EOF"
    return (out + f"xref\n0 {size}\n0000000000 65535 f \n{table}" + end).encode()


HTML = "".join(f"<p><b>{who}:</b> {text}</p>" for who, text in SAID)
DOCUMENTS = {
    "docx": docx("".join(map(word, LINES))),
    "odt": odt("".join(f"<text:p>{line}</text:p>" for line in LINES)),
    "rtf": ("{\\rtf1\\ansi{\\fonttbl{\\f0 Arial;}}\\f0 " + "\\par ".join(LINES) + "}").encode(),
    "html": f"<!DOCTYPE html><html><style>p {{}}</style><body>{HTML}</body></html>".encode(),
    "pdf": pdf(LINES),
}
CELLS = [["Time", "Speaker", "Text"], *(["1:01", who, text] for who, text in SAID)]


def said(reading: Reading) -> list[tuple[str | None, str]]:
    return [(each.speaker, each.text) for each in reading.transcript.segments]


@pytest.mark.parametrize("kind", DOCUMENTS)
@pytest.mark.parametrize("suffix", ["same", ".txt"])
def test_a_document_is_known_by_its_content(tmp_path: Path, kind: str, suffix: str) -> None:
    path = saved(tmp_path, DOCUMENTS[kind], f"call.{kind}" if suffix == "same" else "call.txt")

    reading = read(path)

    assert SAID == said(reading)
    assert kind == reading.transcript.format
    assert reading.transcript.sha256 == content_sha256_of(path)


def test_a_table_in_a_document_is_read_by_its_columns(tmp_path: Path) -> None:
    row = "<w:tr>{}</w:tr>".format
    in_word = "".join(row("".join(f"<w:tc>{word(c)}</w:tc>" for c in cells)) for cells in CELLS)
    in_odt = "".join(
        "<table:table-row>"
        + "".join(f"<table:table-cell><text:p>{c}</text:p></table:table-cell>" for c in cells)
        + "</table:table-row>"
        for cells in CELLS
    )
    in_html = "<table>" + "".join("<tr>" + "".join(f"<td>{c}" for c in cells) for cells in CELLS)
    in_rtf = "".join("".join(f"{c}\\cell " for c in cells) + "\\row\n" for cells in CELLS)
    for content in (
        docx(f"<w:tbl>{in_word}</w:tbl>"), odt(f"<table:table>{in_odt}</table:table>"),
        in_html.encode(), f"{{\\rtf1 {in_rtf}}}".encode(),
    ):  # fmt: skip
        reading = read(saved(tmp_path, content))

        assert SAID == said(reading)
        assert {61.0} == {each.start_s for each in reading.transcript.segments}


def test_a_coded_table_is_read_by_the_column_that_says_who(tmp_path: Path) -> None:
    heads = ("No.", "Who", "What was said", "Code")
    coded = [heads, *((str(at), *said, "x") for at, said in enumerate(SAID, 1))]
    cells = ("".join(f"<w:tc>{word(cell)}</w:tc>" for cell in row) for row in coded)
    table = "".join(f"<w:tr>{row}</w:tr>" for row in cells)
    reading = read(saved(tmp_path, docx(f"<w:tbl>{table}</w:tbl>")))

    assert SAID == [(each.speaker, each.text) for each in reading.transcript.segments]


def test_tables_and_columns_on_pages_are_read_as_printed(tmp_path: Path) -> None:
    wrapped = [
        (str(n), who, *text.rsplit(maxsplit=1)) for n, (who, text) in enumerate(SAID, start=1)
    ]
    table = [
        cell
        for n, (time, who, text, last) in enumerate(wrapped)
        for cell in ((0, 2 * n, f"1:0{time}"), (5, 2 * n, who), (16, 2 * n, text),
                     (16, 2 * n + 1, last))
    ]  # fmt: skip
    halves = [
        cell
        for n in range(6)
        for cell in (
            (0, n, f"{SAID[n % 2][0]}: We said so {n}"),
            (30, n, f"and Bo: so {n + 6} here"),
        )
    ]

    in_table = read(saved(tmp_path, pdf(shown(*table))))
    in_columns = read(saved(tmp_path, pdf(shown(*halves))))

    assert SAID == said(in_table)
    assert [61.0, 62.0, 63.0] == [each.start_s for each in in_table.transcript.segments]
    assert [f"We said so {n}" for n in range(5)] == [text for _, text in said(in_columns)[:5]]
    assert "1 page read as two columns" in in_columns.report.warnings


def test_meeting_exports_in_word_are_read_in_their_layout(tmp_path: Path) -> None:
    lined = "".join(word(who, f"   0:0{n * 3}", f"\n{text}") for n, (who, text) in enumerate(SAID))
    cues = "".join(
        word(f"00:00:0{n * 3}.000 --> 00:00:0{n * 3}.900") + word(who) + word(text)
        for n, (who, text) in enumerate(SAID)
    )
    for body in (lined, cues):
        reading = read(saved(tmp_path, docx(body)))

        assert SAID == said(reading)
        assert [0.0, 3.0, 6.0] == [each.start_s for each in reading.transcript.segments]


def test_what_stands_beside_the_text_of_a_document_is_noted(tmp_path: Path) -> None:
    core = "<c xmlns:dc='d'><dc:title>Seals</dc:title></c>"
    header = f"<w:hdr xmlns:w='w'>{word('Top secret')}</w:hdr>"
    deleted = "<w:p><w:del><w:r><w:delText>never said it</w:delText></w:r></w:del></w:p>"
    body = "".join(map(word, LINES)) + deleted
    parts = {"docProps/core.xml": core, "word/header1.xml": header}
    note = "<text:note><text:p>a foot note</text:p></text:note>"
    paragraphs = f"<text:p>{LINES[0]}{note}</text:p><text:p>{LINES[1]}</text:p>"

    in_word = read(saved(tmp_path, docx(body, **parts))).report
    in_odt = read(saved(tmp_path, odt(paragraphs))).report

    assert {"deleted text": 3, "headers": 2} == {e.kind: e.words for e in in_word.left_out}
    assert "Seals" == in_word.about["title"]
    assert {"footnotes": 3} == {each.kind: each.words for each in in_odt.left_out}


@pytest.mark.parametrize(
    ("created", "date"),
    [("2026-11-20T09:30:00Z", "2026-11-20"), ("2013-12-23T23:15:00Z", None)],
    ids=["its own", "that of python-docx's template"],
)
def test_the_day_of_a_document_is_known(created: str, date: str | None, tmp_path: Path) -> None:
    core = f"<c xmlns:t='t'><t:created>{created}</t:created></c>"

    reading = read(saved(tmp_path, docx("".join(map(word, LINES)), **{"docProps/core.xml": core})))

    assert date == reading.report.about.get("date")


def test_page_headers_and_numbers_of_a_pdf_are_noted_and_turns_go_on(tmp_path: Path) -> None:
    pages = [["Talk of seals", LINES[n], "and it goes", str(n + 1)] for n in range(3)]

    reading = read(saved(tmp_path, pdf(*pages)))

    (left,) = reading.report.left_out

    assert [(who, f"{text} and it goes") for who, text in SAID] == said(reading)
    assert ("page headers and numbers", 12) == (left.kind, left.words)


def test_a_document_tells_where_each_turn_stands(tmp_path: Path) -> None:
    numbered = [
        [
            "Talk of seals",
            *(f"{n} {each}" for n, each in enumerate([*LINES[:2], f"Ana Ruiz: {w}."], 1)),
        ]
        for w in ("Dry", "Wet", "Warm", "Cold")
    ]
    for content, expected in {
        pdf(LINES[:2], LINES[2:]): ["page 1, line 1", "page 1, line 2", "page 2, line 1"],
        pdf(*numbered): [f"page {page}, line {line}" for page in range(1, 5) for line in (1, 2, 3)],
        docx(word("Of seals") + "".join(map(word, LINES))): [f"paragraph {n}" for n in (2, 3, 4)],
        "\n".join(f"{n} {line}" for n, line in enumerate(LINES, 1)).encode(): [
            f"line {n}" for n in (1, 2, 3)
        ],
        "\n".join(LINES).encode(): [""] * 3,
    }.items():
        reading = read(saved(tmp_path, content))

        assert expected == [each.where for each in reading.transcript.segments]
        again = read(saved(tmp_path, transcript_as_json(reading.transcript), "transcript.json"))
        assert reading.transcript.segments == again.transcript.segments


def test_html_need_not_be_well_formed(tmp_path: Path) -> None:
    text = f"<div><p>{LINES[0]}<p>{LINES[1]}<br>1 &lt; 2 < 3<!-- no --><script>x='<p>'</script>"

    actual = said(read(saved(tmp_path, f"{text}<svg/><p>{LINES[2]}".encode())))

    assert [SAID[0], ("Ben Ito", "Not by noon. 1 < 2 < 3"), SAID[2]] == actual


def test_lines_of_html_and_of_markdown_with_tags_stay_apart(tmp_path: Path) -> None:
    lines = "\n".join(LINES)
    marked = "\n\n".join(f"**{who}:** {text}" for who, text in SAID)

    for name, text in {
        "call.html": f"<html><body><pre>\n{lines}\n</pre></body></html>",
        "call.htm": f"<html><body>\n   {lines}\n\n</body></html>",
        "call.md": f'<p align="center">Of seals</p>\n\n{marked}\n',
    }.items():
        reading = read(saved(tmp_path, text.encode(), name))

        assert SAID == [each for each in said(reading) if each[0]]


def test_what_follows_the_talk_on_a_web_page_is_nobody_s(tmp_path: Path) -> None:
    more = "Ten pumps that you must see."

    for part in (f"<section><h2>Related</h2><p>{more}", f"<aside>{more}", f"<hr><p>{more}"):
        page = f"<html><body><main>{HTML}</main>{part}</body></html>".encode()

        assert [*SAID, (None, more)] == said(read(saved(tmp_path, page, "call.html")))


def test_long_values_of_attributes_are_no_text(tmp_path: Path) -> None:
    image = f"<img alt='a > b' src=\"data:image/png;base64,{'QUJD' * 20_000}\">"
    noise = "<!-- <p>no</p> --><p class=it's>" + image

    assert SAID == said(read(saved(tmp_path, f"<body>{noise}{HTML}</body>".encode())))


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-8-sig", "utf-16"])
def test_rtf_is_read_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    said_in = "Zoë: caf\\'e9 \\u8217?s.\\par Ben: No \\u-10179?\\u-8704?.\\par"
    text = f"{{\\rtf1\\ansi\\ansicpg1252 {said_in}}}"

    assert [("Zoë", "café ’s."), ("Ben", "No 😀.")] == said(
        read(saved(tmp_path, text.encode(encoding)))
    )


BOMB = '<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><d><p>&b;</p></d>'


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (docx(" " * (51 * 1024**2)), "word/document.xml holds more than 50 MB"),
        (archive(**{"word/document.xml": BOMB}), "declares entities"),
        (docx("<w:p>" * 300), "nested deeper than 200"),
        (docx("<w:p>"), "malformed XML"),
        (docx(word("Hi"))[:-40], "damaged zip archive"),
        (docx(""), "no utterances"),
        (docx("") + b"PK\x01\x02" * 10_001, "more than 10,000 files"),
        (pdf([]), "a PDF without text"),
        (pdf(LINES)[:200], "malformed PDF"),
        (pdf(LINES).replace(b"Kids[4 0 R]", b"Kids[2 0 R]"), "malformed PDF"),
        (pdf(LINES).replace(b"Kids[4 0 R]", b"Kids[" + b"4 0 R " * 10_001 + b"]"), "pages"),
        (b"%PDF-1.4 and nothing", "malformed PDF"),
        (odt("<text:p> </text:p>"), "no utterances"),
        (b"{\\rtf1 }", "no utterances"),
    ],
)
def test_a_document_that_cannot_be_read_is_refused(
    tmp_path: Path, content: bytes, fault: str
) -> None:
    with pytest.raises(TranscriptError) as caught:
        read(saved(tmp_path, content))

    assert fault in str(caught.value)
    assert "\n" not in str(caught.value)


def test_rows_among_paragraphs_are_turns_of_their_first_cell(tmp_path: Path) -> None:
    row = "<table:table><table:table-row>{}</table:table-row></table:table>"
    cells = "".join(
        f"<table:table-cell><text:p>{each}</text:p></table:table-cell>" for each in SAID[1]
    )
    lines = [f"{who}: {text}" for who, text in (*SAID, *SAID)]
    body = "".join(f"<text:p>{line}</text:p>" for line in lines) + row.format(cells)

    assert (
        SAID[1]
        == [(s.speaker, s.text) for s in read(saved(tmp_path, odt(body))).transcript.segments][-1]
    )


@pytest.mark.parametrize(
    ("content", "warning"),
    [
        (b"{\\rtf1\\ansi Ana: We lost it.\\par Bo: Who {\\deleted then }did?\\par}",
         "deleted text is read"),
        (b"<html><body><p>Ana: We lost it.<p>Bo: Who?<select><option>Also Deutsch</select></html>",
         "most of them choices: 'Also Deutsch'"),
    ],
)  # fmt: skip
def test_a_document_warns_of_what_is_hardly_speech(
    tmp_path: Path, content: bytes, warning: str
) -> None:
    assert any(warning in each for each in read(saved(tmp_path, content)).report.warnings)


def test_a_pdf_mends_words_at_the_ends_of_lines_and_loses_their_numbers(tmp_path: Path) -> None:
    margin = list(map(str, range(1, 9)))
    lines = [*margin, "Ana: We lost the infor-", "mation on the com-", "puter.", "Bo: A computer?"]

    first = read(saved(tmp_path, pdf(lines))).transcript.segments[0]

    assert ("Ana", "We lost the information on the computer.") == (first.speaker, first.text)


@pytest.mark.parametrize("off", ["", '<w:r><w:rPr><w:b w:val="0"/></w:rPr><w:t></w:t></w:r>'])
@pytest.mark.parametrize("style", ["b", "i"])
def test_names_in_bold_speak_if_some_recur(tmp_path: Path, style: str, off: str) -> None:
    def lines(said: list[tuple[str, str]]) -> str:
        bold = f'<w:r><w:rPr><w:{style}/></w:rPr><w:t xml:space="preserve">{{}} </w:t></w:r>{off}'
        return "".join(word(f"X{text}").replace("<w:r>", bold.format(who) + "<w:r>", 1)
                       .replace("X", "") for who, text in said)  # fmt: skip

    html = "".join(f"<p><{style}>{who}</{style}>\n{text}</p>\n" for who, text in SAID)
    aside = f"{html}<p><{style}>(laughs)</{style}> Well.</p>"
    once = [("Origin", "We lost it."), ("Method", "We looked."), ("Result", "We did not.")]

    for name, content, expected in (
        ("call.docx", docx(lines(SAID)), SAID),
        ("call.html", f"<html><body>{html}</body></html>".encode(), SAID),
        (
            "aside.html",
            f"<html><body>{aside}</body></html>".encode(),
            [*SAID, (SAID[-1][0], "(laughs) Well.")],
        ),
        ("essay.docx", docx(lines(once)), [(None, f"{who} {text}") for who, text in once]),
    ):
        segments = read(saved(tmp_path, content, name)).transcript.segments
        assert expected == [(each.speaker, each.text) for each in segments]


def test_lines_of_a_paragraph_are_one_but_before_labels(tmp_path: Path) -> None:
    content = "<html><body><p>Ana: Is it\n dry?\nBo: Not\nby noon.</p></body></html>"
    segments = read(saved(tmp_path, content.encode(), "call.html")).transcript.segments

    assert [("Ana", "Is it dry?"), ("Bo", "Not by noon.")] == [
        (each.speaker, each.text) for each in segments
    ]


@pytest.mark.parametrize("known", [["Ana Ruiz", "Ben Ito"], ["Speaker 1", "Speaker 2"]])
def test_attributes_of_a_page_may_say_who_speaks(tmp_path: Path, known: list[str]) -> None:
    said = [(known[who.startswith("Ben")], text) for who, text in SAID]
    spans = "".join(
        f'<div data-speaker="{who.removeprefix("Speaker ")}" data-m="1"><span>{text}</span></div>'
        for who, text in said
    )

    for page in (spans, spans.replace('"', "'")):
        content = f"<html><body>{page}</body></html>".encode()
        segments = read(saved(tmp_path, content, "call.html")).transcript.segments
        assert said == [(each.speaker, each.text) for each in segments]
