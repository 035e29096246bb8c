"""A human coder's file: codings.csv, or a REFI-QDA project, as codes of our segments."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runner.answers.codebook import Codebook
from runner.answers.grounding.grounder import Grounder
from runner.base.errors import ConfigError, did_you_mean, one_line
from runner.base.format import plural
from runner.base.tables import read_table
from runner.reports.export.qda import SourceText
from runner.reports.export.qda_reader import read_project

MAX_BYTES, MAX_ROWS = 40_000_000, 500_000
_ENDING = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}$")
_WORD, _WORD_END = re.compile(r"\w*"), re.compile(r"\w*\Z")
_MAX_WORD = 50  # characters of a word that a selection is widened by
Codes = dict[
    str, dict[str, str]
]  # by segment, the codes with their quotes; empty: read without a code


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


@dataclass(frozen=True, slots=True)
class CoderFile:
    """The rows of a coder's file by the name of their source, "" without one.

    *notes* say what was left out of it.
    """

    rows: Mapping[str, Sequence[CoderRow]]
    notes: tuple[str, ...] = ()

    def of(self, file: str) -> Sequence[CoderRow] | None:
        """Return the rows about *file*, None without any."""
        wanted = _stem(file)
        exact = [name for name in self.rows if name == file]
        named = exact or [name for name in self.rows if name and _stem(name) == wanted]
        found = [*named, *([""] if "" in self.rows else [])]
        return [row for name in found for row in self.rows[name]] if found else None


def read_coder(file: Path, book: Codebook) -> CoderFile:
    """Return the codings in *file*; raise ConfigError, which names the line.

    A table has the columns code and segment or quote, and file where it is about several; its
    codes must be those of *book*. Other codes of a project (.qdpx) are counted and left out.
    """
    if file.suffix.lower() == ".qdpx":
        return _from_project(file, book)
    rows: dict[str, list[CoderRow]] = {}
    for line, row in read_table(file, ("code",), MAX_BYTES, MAX_ROWS):
        given = {key: row.get(key, "") for key in ("file", "segment", "code", "quote", "match")}
        if given["match"].casefold() == "absent":  # of a run's codings.csv: not in the transcript
            continue
        place = f"{file}:{line}"
        if not given["segment"] and not given["quote"]:
            raise ConfigError(f"{place}: expected a segment or a quote")
        code = _known(given["code"], book)
        if given["code"] and code is None:
            why = f"{one_line(given['code'], 60)!r} is not in the codebook"
            near = did_you_mean(given["code"], book.names)
            raise ConfigError(f"{place}: column code: {why}{near}")
        made = CoderRow(place, given["segment"], code or "", given["quote"])
        rows.setdefault(given["file"], []).append(made)
    return CoderFile(rows)


def _from_project(file: Path, book: Codebook) -> CoderFile:
    project = read_project(file)
    by_guid = {code.guid: code.name for code in book.codes if code.codable}
    rows: dict[str, list[CoderRow]] = {}
    foreign: dict[str, int] = {}
    for source in project.sources:
        held = rows.setdefault(source.name, [])
        for start, end, guid in source.codings:
            name = project.codes.get(guid, guid)
            if (code := by_guid.get(guid) or _known(name, book)) is None:
                foreign[name] = foreign.get(name, 0) + 1
                continue
            words = _whole_words(source.text, start, end)
            place = f"{file}: {source.name} {start}-{end}"
            held.append(CoderRow(place, "", code, words, (start, end), source.text))
    left = [(n, f"{name!r} is not in the codebook") for name, n in foreign.items()]
    left += [(project.whole, "they are of whole sources")] if project.whole else []
    left += [(project.others, "they are in no plain text")] if project.others else []
    return CoderFile(
        rows, tuple(f"{file.name}: {plural(n, 'coding')} left out: {why}" for n, why in left)
    )


def _whole_words(text: str, start: int, end: int) -> str:
    """Return the words that a selection touches: programs count marks of order differently."""
    before, after = _WORD_END.search(text[:start][-_MAX_WORD:]), _WORD.match(text[end:][:_MAX_WORD])
    inside = text[start:end]
    head = before[0] if before and inside[:1].isalnum() else ""
    return head + inside + (after[0] if after and inside[-1:].isalnum() else "")


def _known(name: str, book: Codebook) -> str | None:
    """Return the code of *book* called *name*, case and white space apart."""
    key = " ".join(name.split()).casefold()
    return next((each for each in book.names if each.casefold() == key), None)


def _stem(name: str) -> str:
    """Return a file's name in other programs: without suffix, folders as `_`."""
    return _ENDING.sub("", name.replace("/", "_")).casefold()


def codes_of(source: SourceText, rows: Sequence[CoderRow]) -> tuple[Codes, list[str]]:
    """Return the codes of *source*'s segments, and the places of rows not found in it.

    Raises ConfigError for a row whose segment is not in the transcript.
    """
    codes: Codes = {}
    lost: list[str] = []
    grounder: Grounder | None = None
    near = ""
    for row in rows:
        if row.segment:
            if row.segment not in source.segments:
                close = did_you_mean(row.segment, source.segments)
                raise ConfigError(
                    f"{row.place}: column segment: {one_line(row.segment, 40)!r} is not in "
                    f"{source.file}{close}"
                )
            found = [(row.segment, row.quote)]
        elif row.span is not None and row.text == source.text:
            found = list(_overlapped(source, *row.span))
        else:
            grounder = grounder or Grounder(source.transcript.segments)
            found = list(_looked_up(source, grounder, row.quote, near))
            near = found[-1][0] if found else near
        if not found:
            lost.append(row.place)
        for segment, quote in found:
            held = codes.setdefault(segment, {})
            if row.code:
                held[row.code] = " … ".join(filter(None, (held.get(row.code), quote)))
    return codes, lost


def _overlapped(source: SourceText, start: int, end: int) -> Iterator[tuple[str, str]]:
    """Yield the segments whose words are between two code points of its text, with those words."""
    names, firsts = list(source.starts), list(source.starts.values())
    at = max(0, bisect_right(firsts, start) - 1)
    for name, first in zip(names[at:], firsts[at:], strict=True):
        if first >= end:
            break
        begin, stop = max(start, first), min(end, first + len(source.segments[name].text))
        if begin < stop:
            yield name, source.text[begin:stop]


def _looked_up(
    source: SourceText, grounder: Grounder, quote: str, near: str
) -> Iterator[tuple[str, str]]:
    """Yield the segments that contain *quote*, line by line, the nearest to *near* first."""
    for line in quote.splitlines():
        for name, start, end in grounder.placed(line, near):
            near = name
            yield name, source.segments[name].text[start:end]
