"""Documents: Word, OpenDocument, RTF, HTML and PDF; their text is read like a text file."""

import io
import logging
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from runner.base.errors import TranscriptError
from runner.transcript.decode import MAX_BYTES, MAX_MB, fault
from runner.transcript.formats.markup import Event, html_events, xml_events
from runner.transcript.model import words_of
from runner.transcript.readers import Source
from runner.transcript.report import Notes

_DOCX = "word/document.xml"
_ODT = "content.xml"
_BESIDE = re.compile(r"word/(header|footer|footnote|endnote|comment)s?\d{0,4}\.xml$")
_PAGE_NUMBER = re.compile(r"(?:page\s)?[-–\s]*\d{1,4}(?:\s?(?:/|of)\s?\d{1,4})?[-–\s]*$", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")
_MAX_PAGES = 10_000
_MIN_PAGES = 3
_BLOCKS = words_of(
    "p div h1 h2 h3 h4 h5 h6 li ul ol dl dt dd section article header footer main nav aside "
    "blockquote pre thead tbody tfoot figure figcaption form fieldset hr body html address"
)


@dataclass(slots=True)
class Document:
    """The *paragraphs* of a document in order, and the *rows* of its tables."""

    paragraphs: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)

    def in_rows(self) -> bool:
        """Return whether most of the words are in rows of several cells."""
        cells = sum(len(cell.split()) for row in self.rows for cell in row)
        words = sum(len(paragraph.split()) for paragraph in self.paragraphs)
        return cells > words and sum(len(row) > 1 for row in self.rows) > 1

    def text(self) -> str:
        """Return the paragraphs, with a blank line between any two."""
        lines = [*self.paragraphs, *("\n".join(filter(None, row)) for row in self.rows)]
        return "\n\n".join(lines)


@dataclass(frozen=True, slots=True)
class _Tags:
    """What the elements of a format mean. Words count in *words*, or anywhere if that is empty."""

    blocks: frozenset[str]
    table: str
    row: str
    cells: frozenset[str]
    breaks: frozenset[str]
    left_out: Mapping[str, str]
    words: frozenset[str] = frozenset()
    folds: bool = False


_TAGS = {
    "docx": _Tags(
        words_of("p"),
        "tbl",
        "tr",
        words_of("tc"),
        words_of("br cr"),
        {"del": "deleted text", "moveFrom": "deleted text", "Fallback": "", "pPr": "", "rPr": ""},
        words_of("t"),
    ),
    "odt": _Tags(
        words_of("p h"),
        "table",
        "table-row",
        words_of("table-cell"),
        words_of("line-break"),
        {"annotation": "comments", "tracked-changes": "deleted text", "note": "footnotes"},
    ),
    "html": _Tags(
        _BLOCKS,
        "table",
        "tr",
        words_of("td th"),
        words_of("br"),
        {"script": "", "style": "", "template": "", "noscript": "", "title": "titles", "svg": ""},
        folds=True,
    ),
}


class _Flow:
    """Collects the paragraphs and rows of a document from its events."""

    def __init__(self, tags: _Tags, notes: Notes) -> None:
        self.document = Document()
        self._tags, self._notes = tags, notes
        self._text: list[str] = []
        self._cells: list[str] | None = None
        self._skipped: list[str] = []  # elements from the one left out to the innermost
        self._unread: list[str] = []
        self._worded = 0
        self._tables = 0
        self._in_cell = False

    def take(self, events: Iterable[Event]) -> Document:
        for tag, value in events:
            if isinstance(value, str):
                self._add(value)
            elif value is None:
                self._close(tag)
            else:
                self._open(tag, value)
        self._end_row()
        return self.document

    def _add(self, text: str) -> None:
        if self._skipped:
            self._unread.append(text)
        elif self._worded or not self._tags.words:
            self._text.append(re.sub(r"\s+", " ", text) if self._tags.folds else text)

    def _open(self, tag: str, attributes: Mapping[str, str]) -> None:
        tags = self._tags
        if self._skipped:
            self._skipped += [tag] * (tag == self._skipped[0])
        elif tag in tags.left_out:
            self._skipped.append(tag)
        elif tag in tags.words:
            self._worded += 1
        elif tag in tags.breaks:
            self._text.append("\n")
        elif tag in ("tab", "ptab"):
            self._text.append("\t")
        elif tag == "noBreakHyphen":
            self._text.append("-")
        elif tag == "s" and not tags.words and not tags.folds:
            count = attributes.get("c", "1")
            self._text.append(" " * (int(count) if count.isdecimal() and len(count) < 4 else 1))
        elif tag == tags.table:
            self._end()
            self._tables += 1
        elif tag == tags.row and self._tables == 1:
            self._end_row()
            self._cells = []
        elif tag in tags.cells and self._tables == 1:
            self._end_cell()
            self._in_cell = True
        elif tag in tags.cells or tag in tags.blocks:
            self._end()

    def _close(self, tag: str) -> None:
        tags = self._tags
        if self._skipped:
            if tag == self._skipped[0]:
                self._skipped.pop()
            if not self._skipped:
                self._leave_out(tags.left_out[tag])
        elif tag in tags.words:
            self._worded = max(0, self._worded - 1)
        elif tag in tags.cells and self._tables == 1:
            self._end_cell()
        elif tag == tags.row and self._tables == 1:
            self._end_row()
        elif tag == tags.table and self._tables:
            if self._tables == 1:
                self._end_row()
            self._tables -= 1
            self._end()
        elif tag in tags.blocks:
            self._end()

    def _leave_out(self, kind: str) -> None:
        words = " ".join(" ".join(self._unread).split())
        self._unread = []
        if kind == "titles":
            self._notes.about.setdefault("title", words)
        elif kind and words:
            self._notes.leave_out(kind, words)

    def _end(self) -> None:
        """End a paragraph, which in a cell is a line of it."""
        text = self._take_text()
        if text and self._in_cell:
            self._text = [text, "\n"]
        elif text:
            self.document.paragraphs.append(text)

    def _end_cell(self) -> None:
        if self._in_cell and self._cells is not None:
            self._cells.append(self._take_text())
            self._in_cell = False

    def _end_row(self) -> None:
        self._end_cell()
        if self._cells is not None and any(self._cells):
            self.document.rows.append(self._cells)
        self._cells = None
        self._end()

    def _take_text(self) -> str:
        lines = "".join(self._text).split("\n")
        self._text = []
        return "\n".join(map(str.strip, lines) if self._tags.folds else lines).strip()


def document_of(source: Source, kind: str, notes: Notes) -> Document:
    """Return the content of the document *source*; raise TranscriptError."""
    return _KINDS[kind](source, notes)


def _docx(source: Source, notes: Notes) -> Document:
    with _archive(source) as archive:
        document = _flow(_part(archive, _DOCX, source), source, "docx", notes)
        for name in archive.namelist():
            if (match := _BESIDE.match(name)) and (part := _part(archive, name, source)):
                beside = _flow(part, source, "docx", Notes()).text()
                if beside.strip():
                    notes.leave_out(f"{match[1]}s", beside)
    return document


def _odt(source: Source, notes: Notes) -> Document:
    with _archive(source) as archive:
        return _flow(_part(archive, _ODT, source), source, "odt", notes)


def _flow(part: bytes, source: Source, kind: str, notes: Notes) -> Document:
    return _Flow(_TAGS[kind], notes).take(xml_events(part, source.name, f"XML in the {kind}"))


def _html(source: Source, notes: Notes) -> Document:
    return _Flow(_TAGS["html"], notes).take(html_events(source.text))


def _rtf(source: Source, notes: Notes) -> Document:
    from striprtf.striprtf import rtf_to_text

    try:
        text: str = rtf_to_text(source.data.decode("latin-1"), errors="replace")
    except Exception as error:
        raise fault(source.name, f"malformed RTF: {type(error).__name__}: {error}") from error
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    lines = [line for line in text.split("\n") if line.strip()]
    rows = [line[:-1].split("|") for line in lines if line.endswith("|")]
    if len(rows) > len(lines) / 2:
        return Document([line for line in lines if not line.endswith("|")], rows)
    return Document(text.split("\n"))


def _archive(source: Source) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(source.data))
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise fault(source.name, f"a damaged zip archive: {error}") from error


def _part(archive: zipfile.ZipFile, name: str, source: Source) -> bytes:
    try:
        with archive.open(name) as part:
            data = part.read(MAX_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, KeyError, RuntimeError, OSError, EOFError) as error:
        raise fault(source.name, f"{name} cannot be read: {error}") from error
    if len(data) > MAX_BYTES:
        raise fault(source.name, f"{name} holds more than {MAX_MB} MB")
    return data


def _pdf(source: Source, notes: Notes) -> Document:
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it logs every irregularity
    try:
        pages = list(_pages(source))
    except TranscriptError:
        raise
    except Exception as error:
        raise fault(source.name, f"malformed PDF: {type(error).__name__}: {error}") from error
    if not any(pages):
        scanned = "a PDF without text, such as a scan; recognise it first, for example with OCRmyPDF"
        raise fault(source.name, scanned)
    return Document(["\n".join(_without_page_lines(pages, notes))])


def _pages(source: Source) -> Iterator[list[str]]:
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(source.data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise fault(source.name, "an encrypted PDF; save it without a password")
    if len(reader.pages) > _MAX_PAGES:
        raise fault(source.name, f"a PDF of more than {_MAX_PAGES:,} pages")
    chars = 0
    for page in reader.pages:
        text = page.extract_text()
        chars += len(text)
        if chars > MAX_BYTES:
            raise fault(source.name, f"holds more than {MAX_MB} MB of text")
        yield [line.rstrip() for line in text.split("\n") if line.strip()]


def _without_page_lines(pages: list[list[str]], notes: Notes) -> Iterator[str]:
    """Yield the lines without page numbers and what most pages have at the top or bottom."""
    edges = Counter(
        _DIGITS.sub("0", line) for page in pages for line in dict.fromkeys([*page[:1], *page[-1:]])
    )
    for page in pages:
        for at, line in enumerate(page):
            edge = at in (0, len(page) - 1)
            often = edges[_DIGITS.sub("0", line)] > max(len(pages) / 2, _MIN_PAGES - 1)
            if edge and (often or (len(pages) > 1 and _PAGE_NUMBER.match(line.strip()))):
                notes.leave_out("page headers and numbers", line)
            else:
                yield line


_KINDS: Mapping[str, Callable[[Source, Notes], Document]] = {
    "docx": _docx,
    "odt": _odt,
    "html": _html,
    "rtf": _rtf,
    "pdf": _pdf,
}
