"""A human coder's file: codings.csv, or a REFI-QDA project, as codes of our segments."""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from operator import itemgetter
from pathlib import Path

from runner.answers.codebook import Codebook, finder_of
from runner.answers.grounding.grounder import Grounder
from runner.base.errors import ConfigError, did_you_mean, one_line
from runner.base.file_names import FileNames
from runner.base.format import first_of, plural
from runner.base.tables import read_table
from runner.reports.export.qda import SourceText
from runner.reports.export.qda_reader import read_project

MAX_BYTES, MAX_ROWS = 40_000_000, 500_000
_WORD, _WORD_END = re.compile(r"\w*"), re.compile(r"\w*\Z")
MAX_QUOTES = 2_000  # characters kept of the quotes of a segment and code
_MAX_WORD = 50  # characters of a word that a selection is widened by
# Columns as MAXQDA, ATLAS.ti, QualCoder, Taguette and Dedoose call them.
_ALSO = {
    "code": ("codes", "codes applied combined", "tag", "codename", "code name"),
    "quote": ("content", "quotation content", "text content", "coded", "text", "excerpt copy"),
    "file": ("document", "document name", "media title", "filename", "file name", "transcript"),
}
_TIME = re.compile(r"[(\[#]?\b\d{1,2}(?::\d\d){1,2}(?:[.,-]\d{1,3})?\b[)\]#]?")  # of a turn
_NO_CODE = ("", "none", "-", "–")
_NUMBER = re.compile(r"[Ss]?0*(\d{1,9})")  # of a segment, as a spreadsheet or a person writes it
_SEVERAL = re.compile(r"\s*[\n;|]\s*")  # between the codes of a cell …
_COMMA = re.compile(r"\s*,\s*")  # … or else this
MAX_FOREIGN = 20  # codes that are not in the codebook and are named
# By segment, the codes with their quotes; empty: read without a code.
Codes = dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class CoderRow:
    """A coding by a person: of *segment*, else of the words *quote*.

    *span* is their place in *text*, the whole source; with an empty *code* the segment was read and
    has none.
    """

    place: str
    segment: str
    code: str
    quote: str
    span: tuple[int, int] | None = None
    text: str = field(default="", repr=False)


Rows = dict[str, list[CoderRow]]  # by transcript, "" for those that name none


def read_coder(file: Path, book: Codebook, files: Collection[str]) -> tuple[Rows, list[str]]:
    """Return the codings in *file* of the transcripts *files*, and notes on what was left out.

    A table has the columns code and segment or quote, and file where it is about several; its codes
    must be those of *book*. Other codes of a project (.qdpx) are left out. Raises ConfigError.
    """
    read, notes = (_from_project if file.suffix.lower() == ".qdpx" else _from_table)(file, book)
    if not read:
        raise ConfigError(f"{file}: it has no codings{''.join(f'; {n}' for n in notes)}")
    names = FileNames(files)
    rows: Rows = {}
    lost = list[str]()
    for name, own in read.items():
        meant = names.called(name) if name else [""]
        if len(meant) > 1:
            named = f"{one_line(name, 60)!r} is several files: {', '.join(meant[:3])}"
            raise ConfigError(f"{file}: column file: {named}")
        if meant:
            rows.setdefault(meant[0], []).extend(own)
        else:
            lost.append(name)
    if lost:
        named = f"{', '.join(one_line(repr(each), 60) for each in lost[:3])}{names.near(lost[0])}"
        count = plural(len(lost), "name")
        notes.append(f"{file.name}: left out, no transcript of the run: {count}, {named}")
    return rows, notes


def _from_table(file: Path, book: Codebook) -> tuple[Rows, list[str]]:
    """Return the rows by the name of their transcript, and notes."""
    rows: Rows = {}
    find = finder_of(book)
    table = list(read_table(file, ("code",), MAX_BYTES, MAX_ROWS, _ALSO))
    has_words = any("quote" not in row and " " in row.get("segment", "") for _, row in table)
    for line, row in table:
        given = {key: row.get(key, "") for key in ("file", "segment", "code", "quote", "match")}
        if has_words and not _NUMBER.fullmatch(given["segment"]):  # as in MAXQDA's tables
            given |= {"quote": given["segment"], "segment": ""}
        if given["match"].casefold() == "absent":  # of a run's codings.csv: not in the transcript
            continue
        place = f"{file}:{line}"
        if not given["segment"] and not given["quote"]:
            raise ConfigError(f"{place}: expected a segment or a quote")
        held = rows.setdefault(given["file"], [])
        for called in _named_codes(given["code"], find):
            code = find(called) or ""
            if not code and called.casefold() not in _NO_CODE:
                why = f"{one_line(called, 60)!r} is not in the codebook"
                raise ConfigError(f"{place}: column code: {why}{did_you_mean(called, book.names)}")
            held.append(CoderRow(place, given["segment"], code, given["quote"]))
    return rows, []


def _named_codes(cell: str, find: Callable[[str], str | None]) -> Iterator[str]:
    """Yield the codes that a cell names; those that *find* knows may contain a separator."""
    for part in [cell] if find(cell) else _SEVERAL.split(cell):
        yield from [part] if find(part) else _COMMA.split(part)


def _from_project(file: Path, book: Codebook) -> tuple[Rows, list[str]]:
    project, find = read_project(file), finder_of(book)
    by_guid = {code.guid: code.name for code in book.codes if code.codable}
    rows: Rows = {}
    foreign = Counter[str]()
    for source in project.sources:
        held = rows.setdefault(source.name, [])
        for start, end, guid in source.codings:
            name = project.codes.get(guid, guid)
            if (code := by_guid.get(guid) or find(name)) is None:
                foreign[name] += 1
                continue
            place, quote = f"{file}: {source.name} {start}-{end}", _words(source.text, start, end)
            held.append(CoderRow(place, "", code, quote, (start, end), source.text))
    codes = [one_line(repr(name), 60) for name, _ in foreign.most_common()]
    left = [
        (foreign.total(), f"not in the codebook: {first_of(codes, MAX_FOREIGN)}"),
        (project.whole, "they are of whole sources"),
        (project.others, "they are in no plain text"),
    ]
    return rows, [f"{file.name}: {plural(n, 'coding')} left out: {why}" for n, why in left if n]


def _words(text: str, start: int, end: int) -> str:
    """Return the words that a selection touches; programs count marks of order differently."""
    words = text[start:end]
    before = _WORD_END.search(text[max(0, start - _MAX_WORD) : start])
    after = _WORD.match(text[end : end + _MAX_WORD])
    head = before[0] if before and words[:1].isalnum() else ""
    tail = after[0] if after and words[-1:].isalnum() else ""
    return f"{head}{words}{tail}"


def add_code(codes: Codes, segment: str, code: str, quote: str) -> None:
    """Add *code*, if any, to *segment*, with the words that it is about, of many the first."""
    own = codes.setdefault(segment, {})
    if code:
        held = own.get(code, "")
        more = held and quote and quote not in held and len(held) < MAX_QUOTES
        own[code] = f"{held} … {quote}" if more else held or quote


def codes_of(source: SourceText, rows: Sequence[CoderRow]) -> tuple[Codes, list[str]]:
    """Return the codes of *source*'s segments, and the places of rows not found in it.

    Raises ConfigError for a row whose segment is not in the transcript.
    """
    codes: Codes = {}
    lost: list[str] = []
    placed = [*source.starts.items()]
    grounder = cache(lambda: Grounder(source.transcript.segments))  # most rows need none
    is_ours = cache(source.text.__eq__)  # rows share one text
    near = ""
    for row in rows:
        if row.segment:
            found = [(_named_segment(source, row), row.quote)]
        elif row.span is not None and is_ours(row.text):
            found = list(_overlapped(source, placed, *row.span))
        else:
            if row.span is not None:  # words that recur are where they are in the other text
                there = row.span[0] * len(source.text) // max(1, len(row.text))
                near = placed[_segment_at(placed, there)][0]
            found = list(_looked_up(source, grounder(), row.quote, near))
            near = found[-1][0] if found else near
        if not found:
            lost.append(row.place)
        for segment, quote in found:
            add_code(codes, segment, row.code, quote)
    return codes, lost


def _named_segment(source: SourceText, row: CoderRow) -> str:
    number = _NUMBER.fullmatch(row.segment)
    named = f"S{int(number[1]):04d}" if number else row.segment
    if named not in source.segments:
        why = f"{one_line(row.segment, 40)!r} is not in {source.file}"
        close = did_you_mean(row.segment, source.segments)
        raise ConfigError(f"{row.place}: column segment: {why}{close}")
    return named


def _overlapped(
    source: SourceText, placed: Sequence[tuple[str, int]], start: int, end: int
) -> Iterator[tuple[str, str]]:
    """Yield the segments whose words are between two code points of its text, with those words.

    *placed* are all segments with the code points at which they begin.
    """
    for name, first in islice(placed, _segment_at(placed, start), None):
        if first >= end:
            break
        begin, stop = max(start, first), min(end, first + len(source.segments[name].text))
        if begin < stop:
            yield name, source.text[begin:stop]


def _segment_at(placed: Sequence[tuple[str, int]], at: int) -> int:
    return max(0, bisect_right(placed, at, key=itemgetter(1)) - 1)


def _looked_up(
    source: SourceText, grounder: Grounder, quote: str, near: str
) -> Iterator[tuple[str, str]]:
    """Yield the segments that contain *quote*, line by line, the nearest to *near* first."""
    for line in quote.splitlines():
        placed = grounder.placed(line, near) or grounder.placed(_TIME.sub(" ", line), near)
        for name, start, end in placed:
            near = name
            yield name, source.segments[name].text[start:end]
