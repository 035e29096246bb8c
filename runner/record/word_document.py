"""Word documents of Markdown pages, always the same bytes; links and images keep their words."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from unicodedata import bidirectional
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from runner.base.text import to_xml

Cite = Callable[[str], str]  # returns the text for a quote's segment id
SEGMENT = re.compile(r"\bS\d{4,}\b")
INDENT_CM = 0.635  # of each level of lists and quotes, as in Word's own styles
HEADINGS = {"Heading 1": 20, "Heading 2": 15, "Heading 3": 12.5}  # points
TEXT_CM = 16.4  # between the margins
CELL_CM, CHARACTER_CM = 0.45, 0.29  # margins of a cell, and a wide letter of a heading
MAX_LEVEL = 3  # of lists, in Word's own styles
MAX_COLUMNS = 60  # Word shows 63
_LISTS = {"bullet_list_open": "List Bullet", "ordered_list_open": "List Number"}
_CLOSED = {"bullet_list_close", "ordered_list_close"}


def as_docx(page: str, cite: Cite = str, title: str = "") -> bytes:
    """Return the Markdown *page* as a Word document; *cite* is called for ids within quotes.

    Raises ImportError without the extra `docx`.
    """
    from docx import Document
    from markdown_it import MarkdownIt

    document = Document()
    _prepare(document, title)
    tokens = MarkdownIt("commonmark", {"html": False}).enable("table").parse(page)
    _Writer(document, cite).write(tokens)
    held = BytesIO()
    document.save(held)
    return _always_the_same(held)


def _always_the_same(saved: BytesIO) -> bytes:
    """Return a ZIP file with the content of *saved* and no times in it."""
    made = BytesIO()
    with ZipFile(saved) as before, ZipFile(made, "w", ZIP_DEFLATED) as after:
        for name in before.namelist():
            entry = ZipInfo(name)  # its time is 1980
            entry.compress_type, entry.create_system, entry.external_attr = ZIP_DEFLATED, 3, 0
            after.writestr(entry, before.read(name))
    return made.getvalue()


def _prepare(document: Any, title: str) -> None:
    """Set A4, fonts of one family, and the document's properties."""
    from docx.oxml.ns import qn
    from docx.shared import Cm, Pt, RGBColor

    for part in document.sections:
        part.page_width, part.page_height = Cm(21), Cm(29.7)
        part.left_margin = part.right_margin = part.top_margin = part.bottom_margin = Cm(2.3)
    styles = document.styles
    for name in ("Normal", *(f"Heading {level}" for level in range(1, 7))):
        style = styles[name]
        style.font.name = "Calibri"
        fonts = style.element.rPr.rFonts
        for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            fonts.attrib.pop(qn(f"w:{theme}"), None)
        if name != "Normal":
            style.font.color.rgb = RGBColor(0x1C, 0x3D, 0x5A)
            style.font.size = Pt(HEADINGS.get(name, 11))
    styles["Normal"].font.size = Pt(11)
    styles["Normal"].paragraph_format.space_after = Pt(6)
    styles["Quote"].font.color.rgb = RGBColor(0x33, 0x3F, 0x4C)
    document.sections[0].header.paragraphs[0].text = to_xml(title)
    about = document.core_properties  # its times are those of the template
    about.author, about.comments, about.title = "Colloquy", "", to_xml(title)[:255]


def _widths(rows: Sequence[Sequence[Any]], columns: int) -> list[Any]:
    """Return the widths of a table's columns: room for the longest word of each, then for text."""
    from docx.shared import Cm

    held = [[row[at].content for row in rows if at < len(row)] for at in range(columns)]
    words = [min(20, max(len(w) for cell in each for w in cell.split() or "-")) for each in held]
    texts = [min(40, max(map(len, each))) for each in held]
    needed = [CELL_CM + CHARACTER_CM * each for each in words]
    left = max(0.0, TEXT_CM - sum(needed))
    more = [max(0, text - word) + 0.01 for text, word in zip(texts, words, strict=True)]
    wide = [n + left * m / sum(more) for n, m in zip(needed, more, strict=True)]
    return [Cm(TEXT_CM * each / sum(wide)) for each in wide]


@dataclass
class _Writer:
    """Writes the tokens of a page into *document*."""

    document: Any
    cite: Cite
    lists: list[tuple[str, int | None]] = field(default_factory=list)  # style, numbering
    quotes: int = 0
    fresh_item: bool = False  # whether the next paragraph gets the mark of its list
    styles: dict[str, str] = field(default_factory=dict)  # their ids by name
    row: list[Any] = field(default_factory=list)
    rows: list[list[Any]] = field(default_factory=list)

    def write(self, tokens: Sequence[Any]) -> None:
        for at, token in enumerate(tokens):
            kind = token.type
            if kind in _LISTS:
                start = int(token.attrs.get("start", 1)) if kind == "ordered_list_open" else None
                self.lists.append((_LISTS[kind], start if start is None else self._numbers(start)))
            elif kind in _CLOSED:
                self.lists.pop()
            elif kind == "list_item_open":
                self.fresh_item = True
            elif kind == "blockquote_open":
                self.quotes += 1
            elif kind == "blockquote_close":
                self.quotes -= 1
            elif kind == "inline" and tokens[at - 1].type in ("th_open", "td_open"):
                self.row.append(token)
            elif kind == "tr_close":
                self.rows, self.row = [*self.rows, self.row], []
            elif kind == "table_close":
                self._table()
            elif kind == "inline":
                self._inline(self._paragraph(tokens[at - 1]), token)
            elif kind in ("fence", "code_block"):
                self._run(self._paragraph(token), token.content.rstrip("\n"), code=True)
            elif kind == "hr":
                self.document.add_paragraph()

    def _paragraph(self, opened: Any) -> Any:
        """Return a new paragraph in the style of its place."""
        from docx.shared import Cm

        if opened.type == "heading_open":
            return self.document.add_heading("", level=min(int(opened.tag[1:]), 6))
        level, first = len(self.lists), self.fresh_item
        self.fresh_item = False
        if not level or not first:
            made = self._styled("Quote") if self.quotes else self.document.add_paragraph()
            made.paragraph_format.left_indent = Cm(INDENT_CM * (level + self.quotes)) or None
            return made
        name, numbering = self.lists[-1]
        depth = min(level, MAX_LEVEL)
        made = self._styled(name if depth == 1 else f"{name} {depth}")
        if level > MAX_LEVEL:
            made.paragraph_format.left_indent = Cm(INDENT_CM * level)
        if numbering is not None:
            held = made._p.get_or_add_pPr().get_or_add_numPr()
            held.get_or_add_ilvl().val, held.get_or_add_numId().val = 0, numbering
        return made

    def _styled(self, name: str) -> Any:
        """Return a new paragraph in a style, which python-docx looks up in milliseconds."""
        if name not in self.styles:
            self.styles[name] = self.document.styles[name].style_id
        made = self.document.add_paragraph()
        made._p.style = self.styles[name]
        return made

    def _numbers(self, start: int) -> int:
        """Return the id of a new numbering, from *start*."""
        numbering = self.document.part.numbering_part.element
        style = self.document.styles["List Number"].element.pPr.numPr.numId.val
        number = numbering.add_num(numbering.num_having_numId(style).abstractNumId.val)
        number.add_lvlOverride(ilvl=0).add_startOverride(start)
        return int(number.numId)

    def _inline(self, paragraph: Any, token: Any) -> None:
        """Add the runs of a paragraph: bold, italic and code as in the page."""
        marked = {"strong": False, "em": False}
        addresses: list[str] = []
        for part in token.children or ():
            mark, _, side = part.type.partition("_")
            if mark in marked:
                marked[mark] = side == "open"
            elif part.type == "link_open":
                addresses.append(str(part.attrs.get("href", "")))
            elif part.type == "link_close":
                address = addresses.pop()
                known = paragraph.text.endswith(address)
                if address.startswith(("http://", "https://")) and not known:
                    self._run(paragraph, f" ({address})")
            elif part.type in ("softbreak", "hardbreak"):
                each_line = self.quotes or part.type == "hardbreak"  # a line is a quote
                paragraph.add_run("\n" if each_line else " ")
            else:  # an image has its alternative text
                run = self._run(paragraph, part.content, code=part.type == "code_inline")
                run.bold, run.italic = (each or None for each in marked.values())
        directions = map(bidirectional, paragraph.text)
        if next((each for each in directions if each in ("L", "R", "AL")), "L") != "L":
            held = paragraph._p.get_or_add_pPr()
            mark = held.makeelement(f"{{{held.nsmap['w']}}}bidi")
            held.insert_element_before(mark, "w:spacing", "w:ind", "w:jc", "w:rPr")
            for run in paragraph.runs:
                run.font.rtl = True

    def _run(self, paragraph: Any, text: str, *, code: bool = False) -> Any:
        if self.quotes and not code:
            text = SEGMENT.sub(lambda found: self.cite(found[0]), text)
        run = paragraph.add_run(to_xml(text))
        if code:
            run.font.name = "Consolas"
        return run

    def _table(self) -> None:
        rows, self.rows = self.rows, []
        columns = min(len(rows[0]), MAX_COLUMNS)
        table = self.document.add_table(len(rows), columns, style="Table Grid")
        widths = _widths(rows, columns)
        for column, width in zip(table.columns, widths, strict=True):
            column.width = width
        for row, held in zip(table.rows, rows, strict=True):
            for cell, token, width in zip(row.cells, held, widths, strict=False):
                cell.width = width
                self._inline(cell.paragraphs[0], token)
        for cell in table.rows[0].cells:
            for run in cell.paragraphs[0].runs:
                run.bold = True
        for row in table.rows:
            kept = row._tr.get_or_add_trPr()
            kept.append(kept.makeelement(f"{{{kept.nsmap['w']}}}cantSplit"))
        heading = table.rows[0]._tr.get_or_add_trPr()
        heading.append(heading.makeelement(f"{{{heading.nsmap['w']}}}tblHeader"))
        self.document.add_paragraph()
