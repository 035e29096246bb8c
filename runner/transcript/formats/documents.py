"""Documents: Word, OpenDocument, RTF, HTML and PDF; their text is read like a text file."""

import io
import itertools
import logging
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress

from runner.base.errors import TranscriptError
from runner.base.format import plural
from runner.transcript.decode import MAX_BYTES, MAX_MB, document_kind, fault
from runner.transcript.formats.columns import columns_in, in_columns, table_in
from runner.transcript.formats.flow import Flow, Flowed
from runner.transcript.formats.markup import html_events, xml_events
from runner.transcript.layouts.furniture import line_numbers
from runner.transcript.reader_notes import Notes
from runner.transcript.readers import Source

_DOCX = "word/document.xml"
_DAMAGE = (zipfile.BadZipFile, zlib.error, LookupError, ValueError, RuntimeError, OSError, EOFError)
_CORE = "docProps/core.xml"
_FACTS = {"title": "title", "created": "date"}
_TEMPLATE = "2013-12-23T23:15:00Z"  # when python-docx's was made, which it never changes
_BESIDE = re.compile(r"word/(header|footer|footnote|endnote|comment)s?\d{0,4}\.xml$")
_PAGE_NUMBER = re.compile(r"[-–\s]{0,40}\d{1,4}[-–\s]{0,40}$")
_PAGE_OF = re.compile(r"(?:page\s\d{1,4}|\d{1,4}(?=\s?[/o]))(?:\s?(?:/|of)\s?\d{1,4})?$", re.I)
_CODE_PAGE = re.compile(rb"\\ansicpg(\d{1,5})")
_DIGITS = re.compile(r"\d+")
_MAX_BESIDE = 50  # headers, footers and the like; together as large as the text may be
_MAX_PARTS = 10_000
_MAX_PAGES = 10_000
_MAX_LAID_OUT_BYTES = 100_000  # of a page, since few bytes can make many spaces
_MIN_PAGES = 3
_MAX_EDGES, _MIN_PAGE_LINES = 3, 4  # lines of a header or footer, and of a page for each


def _docx(source: Source, notes: Notes) -> Flowed:
    with _archive(source) as archive:
        document = _flow(_part(archive, _DOCX, source), source, "docx", notes)
        if _CORE in archive.namelist():
            notes.about.update(_facts(_part(archive, _CORE, source), source))
        matches = filter(None, map(_BESIDE.match, archive.namelist()))
        for match in itertools.islice(matches, _MAX_BESIDE):
            part = _part(archive, match[0], source, MAX_BYTES // _MAX_BESIDE)
            beside = _flow(part, source, "docx", Notes()).text() if part else ""
            if beside.strip():
                notes.leave_out(f"{match[1]}s", beside)
    return document


def _facts(core: bytes, source: Source) -> Iterator[tuple[str, str]]:
    inside = ""
    for tag, value in xml_events(core, source.name, "XML in the docx"):
        if isinstance(value, str):
            if inside in _FACTS and value.strip() and value.strip() != _TEMPLATE:
                yield _FACTS[inside], value.strip()[: 10 if inside == "created" else 200]
        else:
            inside = "" if value is None else tag


def _odt(source: Source, notes: Notes) -> Flowed:
    with _archive(source) as archive:
        return _flow(_part(archive, "content.xml", source), source, "odt", notes)


def _flow(part: bytes, source: Source, kind: str, notes: Notes) -> Flowed:
    return Flow(kind, notes).take(xml_events(part, source.name, f"XML in the {kind}"))


def _rtf(source: Source, notes: Notes) -> Flowed:
    from striprtf.striprtf import rtf_to_text

    written = _rtf_source(source).lstrip("\ufeff \r\n")
    if not written.startswith("{\\rtf"):
        raise fault(source.name, "malformed RTF: it does not begin with {\\rtf")
    try:
        text: str = rtf_to_text(written, errors="replace")
    except Exception as error:
        raise fault(source.name, f"malformed RTF: {type(error).__name__}: {error}") from error
    if "\\deleted" in written:
        notes.warn("deleted text is read, too: accept or reject the changes and save it again")
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    blocks = (line[:-1].split("|") if line.endswith("|") else line for line in text.split("\n"))
    return Flowed([block for block in blocks if block])


def _rtf_source(source: Source) -> str:
    """Return the text of an RTF file; bytes that are not ASCII are in its code page, or UTF-8."""
    if document_kind(source.data) != "rtf":
        return source.text
    with suppress(UnicodeDecodeError):
        return source.data.decode("utf-8-sig")
    page = _CODE_PAGE.search(source.data[:1000])
    with suppress(LookupError):
        return source.data.decode(f"cp{page[1].decode()}" if page else "cp1252", "replace")
    return source.data.decode("latin-1")


def _archive(source: Source) -> zipfile.ZipFile:
    if source.data.count(b"PK\x01\x02") > _MAX_PARTS:  # for which zipfile takes long
        raise fault(source.name, f"an archive of more than {_MAX_PARTS:,} files")
    try:
        return zipfile.ZipFile(io.BytesIO(source.data))
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise fault(source.name, f"a damaged zip archive: {error}") from error


def _part(archive: zipfile.ZipFile, name: str, source: Source, limit: int = MAX_BYTES) -> bytes:
    try:
        with archive.open(name) as part:
            data = part.read(limit + 1)
    except _DAMAGE as error:
        raise fault(source.name, f"{name} cannot be read: {error}") from error
    if len(data) > limit:
        raise fault(source.name, f"{name} holds more than {limit >> 20} MB")
    return data


def _pdf(source: Source, notes: Notes) -> Flowed:
    if document_kind(source.data) != "pdf":
        raise fault(source.name, "malformed PDF: it does not begin with %PDF-")
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it logs every irregularity
    try:
        pages, laid_out = map(list, zip(*_pages(source), strict=True))
    except TranscriptError:
        raise
    except Exception as error:
        raise fault(source.name, f"malformed PDF: {type(error).__name__}: {error}") from error
    if not any(pages):
        what = "a PDF without text, such as a scan"
        raise fault(source.name, f"{what}; recognise it first, for example with OCRmyPDF")
    halves = [in_columns(*page) for page in zip(pages, laid_out, strict=True)]
    if any(halves):
        notes.warn(f"{plural(sum(map(bool, halves)), 'page')} read as two columns")
    pages = [half or page for half, page in zip(halves, pages, strict=True)]
    lines = list(_without_page_lines([_without_margin(page, notes) for page in pages], notes))
    laid = itertools.groupby(
        _without_page_lines(laid_out, Notes()), lambda each: each[1].partition(",")[0]
    )
    rows = table_in([line for line, _ in page] for _, page in laid)
    if rows and _letters(itertools.chain(*rows)) == _letters(line for line, _ in lines):
        return Flowed([*rows])
    return Flowed(["\n".join(line for line, _ in lines)], [where for _, where in lines])


def _pages(source: Source) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the lines of each page, and, of short ones, as they are laid out."""
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(source.data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise fault(source.name, "an encrypted PDF; save it without a password")
    if len(reader.pages) > _MAX_PAGES:
        raise fault(source.name, f"a PDF of more than {_MAX_PAGES:,} pages")
    size = spaces = 0
    columns = True  # in the first pages
    for number, page in enumerate(reader.pages):
        contents = page.get_contents()
        own = len(contents.get_data()) if contents is not None else 0
        size += own
        if size > MAX_BYTES:
            raise fault(source.name, f"a PDF whose pages hold more than {MAX_MB} MB")
        text = page.extract_text()
        laid_out: list[str] = []
        if columns and own <= _MAX_LAID_OUT_BYTES:
            with suppress(Exception):  # then it is read in the order of the file
                laid_out = page.extract_text(extraction_mode="layout").strip("\n").split("\n")
        spaces += sum(map(len, laid_out))
        laid_out = laid_out if spaces <= MAX_BYTES else []
        columns = columns and (number < _MIN_PAGES or bool(columns_in(laid_out)))
        yield [line.rstrip() for line in text.split("\n") if line.strip()], laid_out


def _without_margin(page: list[str], notes: Notes) -> list[str]:
    numbers = line_numbers(page)
    if numbers:
        notes.leave_out("line numbers", "\n".join(page[at] for at in sorted(numbers)))
    return [line for at, line in enumerate(page) if at not in numbers]


def _without_page_lines(pages: list[list[str]], notes: Notes) -> Iterator[tuple[str, str]]:
    """Yield lines and their places, without page numbers and headers of most pages."""
    kept = [
        [(line, f"page {number}, line {at}") for at, line in enumerate(page, 1)]
        for number, page in enumerate(pages, 1)
    ]
    for depth in range(_MAX_EDGES):
        edges = [{_DIGITS.sub("0", line) for line, _ in (*page[:1], *page[-1:])} for page in kept]
        counts = Counter(itertools.chain(*edges))
        often = {each for each, n in counts.items() if n > max(len(pages) / 2, _MIN_PAGES - 1)}
        for page, side in itertools.product(kept, (0, -1)):
            line = page[side][0] if len(page) > depth * _MIN_PAGE_LINES else ""
            number = _PAGE_OF.match(line.strip()) or (len(pages) > 1 and _PAGE_NUMBER.match(line))
            if line and (number or _DIGITS.sub("0", line) in often):
                notes.leave_out("page headers and numbers", line)
                del page[side]
    yield from itertools.chain(*kept)


def _letters(texts: Iterable[str]) -> Counter[str]:
    return Counter(char for text in texts for char in text if char.isalnum())


# What reads each kind of document, and raises TranscriptError.
DOCUMENTS: Mapping[str, Callable[[Source, Notes], Flowed]] = {
    "docx": _docx,
    "odt": _odt,
    "html": lambda source, notes: Flow("html", notes).take(html_events(source.text)),
    "rtf": _rtf,
    "pdf": _pdf,
}
