"""Paragraphs and table rows from the elements of a document."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from runner.transcript.formats.markup import Event
from runner.transcript.model import words_of
from runner.transcript.reader_notes import Notes
from runner.transcript.words import TABLES

_CLOCK = re.compile(r"[\[(]?\d{1,3}:\d{2}(?::\d{2})?[\])]?$")
_CHARACTERS = {
    **dict.fromkeys(("br", "cr", "line-break"), "\n"),
    **{"tab": "\t", "ptab": "\t", "noBreakHyphen": "-"},
}


@dataclass(slots=True)
class Flowed:
    """The content of a document in order: paragraphs, and rows of cells.

    *lines* has the place of each line of the text, if its pages are known.
    """

    blocks: list[str | list[str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    @property
    def rows(self) -> list[list[str]]:
        """The rows of its tables."""
        return [block for block in self.blocks if isinstance(block, list)]

    @property
    def paragraphs(self) -> list[str]:
        """The text outside its tables."""
        return [block for block in self.blocks if isinstance(block, str)]

    def in_rows(self) -> bool:
        """Return whether most of the words are in rows of several cells."""
        cells = sum(len(cell.split()) for row in self.rows for cell in row)
        words = sum(len(paragraph.split()) for paragraph in self.paragraphs)
        return cells > words and sum(len(row) > 1 for row in self.rows) > 1

    def text(self) -> str:
        """Return the paragraphs and cells, with a blank line between any two blocks."""
        return "\n\n".join(self._texts())

    def places(self) -> list[str]:
        """Return the place of each line of the text: its page and line, or its paragraph."""
        counts = [(text.count("\n") + 1, at) for at, text in enumerate(self._texts(), 1)]
        found = [f"paragraph {at}" for lines, at in counts for _ in range(lines + 1)]
        return self.lines or found[:-1]

    def _texts(self) -> list[str]:
        return [each if isinstance(each, str) else _joined(each) for each in self.blocks]


def _joined(cells: Sequence[str]) -> str:
    """Return *cells* in a line, or below each other if one before the last has several lines."""
    cells = list(filter(None, cells))
    return ("\n" if any("\n" in cell for cell in cells[:-1]) else "\t").join(cells)


@dataclass(frozen=True, slots=True)
class _Tags:
    """What the elements of a format mean. Words count in *words*, or anywhere if that is empty.

    If the format *folds*, spaces and blank lines are ignored; line ends may count. *left_out* has
    the kind of text in elements that are not read, empty for what is no text.
    """

    blocks: frozenset[str]
    table: frozenset[str]
    row: frozenset[str]
    cells: frozenset[str]
    words: frozenset[str]
    left_out: Mapping[str, str]
    folds: bool


TAGS = {
    kind: _Tags(
        words_of(of["blocks"]),
        words_of(of["table"]),
        words_of(of["row"]),
        words_of(of["cells"]),
        words_of(of["words"]),
        of["left_out"],
        "folds" in of,
    )
    for kind, of in TABLES["tags"].items()
}


def _apart(texts: Sequence[str]) -> Iterator[str]:
    """Yield *texts* of elements in a line, with spaces around one that is a time beside a name."""
    before = ""
    for text in texts:
        name, time = (before, text) if _CLOCK.match(text) else (text, before)
        glued = before[-1:].strip() and text[:1].strip() and _CLOCK.match(time)
        if glued and not _CLOCK.match(name) and (text == time or text[:1].isupper()):
            yield "  "
        yield text
        before = text or before


class Flow:
    """Collects the paragraphs and rows of a document from its events."""

    def __init__(self, tags: _Tags, notes: Notes) -> None:
        self.document = Flowed()
        self._tags, self._notes = tags, notes
        self._text: list[str] = []
        self._cells: list[str] | None = None
        self._skipped: list[str] = []  # elements from the one left out to the innermost
        self._unread: list[str] = []
        self._worded = 0
        self._tables = 0
        self._cell: list[str] = []  # its paragraphs
        self._in_cell = False

    def take(self, events: Iterable[Event]) -> Flowed:
        """Return the content of *events*."""
        for tag, value in events:
            if isinstance(value, str):
                self._add(value)
            elif value is None:
                self._close(tag)
            else:
                self._open(tag, value)
        if self._skipped:  # that nothing closes
            self._leave_out(self._tags.left_out[self._skipped[0]])
        self._end_row()
        return self.document

    def _add(self, text: str) -> None:
        if self._skipped:
            self._unread.append(text)
        elif self._worded or not self._tags.words:
            self._text.append(re.sub(r"[^\S\n]+", " ", text) if self._tags.folds else text)

    def _open(self, tag: str, attributes: Mapping[str, str]) -> None:
        tags = self._tags
        if self._skipped:
            self._skipped += [tag] * (tag == self._skipped[0])
        elif tag in tags.left_out:
            self._skipped.append(tag)
        elif tag in tags.words:
            self._worded += 1
        elif tag in _CHARACTERS:
            self._text.append(_CHARACTERS[tag])
        elif tag == "s" and not tags.words and not tags.folds:
            count = attributes.get("c", "1")
            self._text.append(" " * (int(count) if count.isdecimal() and len(count) < 4 else 1))
        elif tag in tags.table:
            self._end()
            self._tables += 1
        elif tag in tags.row and self._tables == 1:
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
        elif tag in tags.row and self._tables == 1:
            self._end_row()
        elif tag in tags.table and self._tables:
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
        lines = "".join(_apart(self._text) if self._tags.folds else self._text).split("\n")
        self._text = []
        if self._tags.folds:
            lines = [line.strip() for line in lines if line.strip()]
        text = "\n".join(lines).strip()
        if text and self._in_cell:
            self._cell.append(text)
        elif text:
            self.document.blocks.append(text)

    def _end_cell(self) -> None:
        if self._in_cell:
            self._end()
            if self._cells is None:  # a cell outside any row
                self._cells = []
            self._cells.append("\n".join(self._cell))
            self._cell, self._in_cell = [], False

    def _end_row(self) -> None:
        self._end_cell()
        if self._cells is not None and any(self._cells):
            self.document.blocks.append(self._cells)
        self._cells = None
        self._end()
