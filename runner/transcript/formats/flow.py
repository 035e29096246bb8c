"""Paragraphs and table rows from the elements of a document."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from runner.transcript.formats.markup import Event
from runner.transcript.reader_notes import Notes
from runner.transcript.words import TABLES

_CLOCK = re.compile(r"[\[(]?\d{1,3}:\d{2}(?::\d{2})?[\])]?$")
_RULE = "---"
_BOLD = frozenset(("b", "strong", "i", "em"))
_SPEAKER = ("data-speaker", "data-speaker-name")
# Blocks in which the end of a line is a space, but not above a label.
_FLOWING = frozenset(("p", "li", "dt", "dd", "td", "th", "h1", "h2", "h3", "h4", "h5", "h6"))
_FLOWN = re.compile(r"\n(?!\s?[^\W\d_a-z][^\n:.?!]{0,40}:\s)")
_CHARACTERS = {
    **dict.fromkeys(("br", "cr", "line-break"), "\n"),
    **{"tab": "\t", "ptab": "\t", "noBreakHyphen": "-"},
}

# For each kind of document what its elements mean.
_MEANINGS = {
    kind: {tag: meaning for meaning, tags in of.items() for tag in tags.split()}
    for kind, of in TABLES["tags"].items()
}


@dataclass(slots=True)
class Flowed:
    """The content of a document in order: paragraphs, and rows of cells.

    *lines* has the place of each line of the text, if its pages are known; *bold* has the bold
    words that open a paragraph and do not end in a colon, by the number of its block.
    """

    blocks: list[str | list[str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    bold: dict[int, str] = field(default_factory=dict)

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

    def text(self, bold: Collection[str] = ()) -> str:
        """Return the paragraphs and cells, with a blank line between any two blocks.

        Bold words that open paragraphs are between `**` if they begin with one of *bold*.
        """
        texts = self._texts()
        for at, words in self.bold.items():
            if words.startswith(tuple(bold)):
                texts[at] = f"**{words}** {texts[at].removeprefix(words).lstrip()}"
        return "\n\n".join(texts)

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
    """Collects the paragraphs and rows of a document of one *kind* from its events.

    In `docx`, words count in certain elements only. In `html`, spaces and blank lines are ignored.
    """

    def __init__(self, kind: str, notes: Notes) -> None:
        self.document = Flowed()
        self._notes = notes
        self._kind, self._meanings, self._left_out = kind, _MEANINGS[kind], TABLES["unread"][kind]
        self._tables = 0
        self._worded = int(kind != "docx")  # elements whose text is words
        self._text: list[str] = []
        self._cells: list[str] | None = None
        self._skipped, self._depth = "", 0  # the element that is left out, and how many are open
        self._unread: list[str] = []
        self._cell: list[str] | None = None  # its paragraphs
        self._block = self._speaker = ""  # the element that was opened last, and who it says speaks
        self._bold, self._lead = False, 0  # how much of the text is bold, if all before is

    def take(self, events: Iterable[Event]) -> Flowed:
        """Return the content of *events*."""
        for tag, value in events:
            self._style(tag, value)
            if isinstance(value, str):
                self._add(value)
            elif self._skipped or (value is not None and tag in self._left_out):
                self._skip(tag, opens=value is not None)
            elif value is None:
                self._close(tag)
            else:
                self._open(tag, value)
        if self._skipped:  # that nothing closes
            self._note()
        self._end_row()
        return self.document

    def _add(self, text: str) -> None:
        if self._skipped:
            self._unread.append(text)
        elif self._worded:
            if self._kind == "html":
                text = re.sub(r"[^\S\n]+", " ", text)
                text = _FLOWN.sub(" ", text) if self._block in _FLOWING else text
            self._text.append(text)
            if self._bold and self._lead == len(self._text) - 1:
                self._lead += 1

    def _style(self, tag: str, value: Mapping[str, str] | str | None) -> None:
        if self._kind == "html":
            self._bold = value is not None if tag in _BOLD else self._bold
        elif tag == "r":
            self._bold = False
        elif tag in _BOLD and isinstance(value, Mapping) and self._skipped != "pPr":
            self._bold = value.get("val") not in ("0", "false")

    def _skip(self, tag: str, *, opens: bool) -> None:
        self._skipped = self._skipped or tag
        if tag == self._skipped:
            self._depth += 1 if opens else -1
        if not self._depth:
            self._note()

    def _open(self, tag: str, attributes: Mapping[str, str]) -> None:
        meaning = self._meanings.get(tag)
        outer = self._tables == 1
        if meaning == "words":
            self._worded += 1
        elif tag in _CHARACTERS:
            self._text.append(_CHARACTERS[tag])
        elif tag == "s" and self._kind == "odt":
            count = attributes.get("c", "1")
            self._text.append(" " * (int(count) if count.isdecimal() and len(count) < 4 else 1))
        elif meaning == "row" and outer:
            self._end_row()
            self._cells = []
        elif meaning == "cell" and outer:
            self._end_cell()
            self._cell = []
        elif meaning and meaning != "row":
            self._end()
            self._block = tag
            self._speaker = next(filter(None, map(attributes.get, _SPEAKER)), self._speaker)
            self._tables += meaning == "table"
            if meaning == "heading" and not self._tables:
                self._text.append(f"{'#' * int(tag[1:] or 1)} ")
        self._rule(meaning)

    def _close(self, tag: str) -> None:
        meaning = self._meanings.get(tag)
        outer = self._tables == 1
        if meaning == "words":
            self._worded = max(0, self._worded - 1)
        elif meaning == "cell" and outer:
            self._end_cell()
        elif meaning in ("row", "table") and outer:
            self._end_row()
        if meaning == "table":
            self._tables = max(0, self._tables - 1)
        if meaning in ("table", "block", "heading", "part"):
            self._end()
        self._rule(meaning)

    def _rule(self, meaning: str | None) -> None:
        """Set off a part of a page, such as its comments, from the text above."""
        blocks = self.document.blocks
        if meaning == "part" and not self._tables and blocks[-1:] not in ([], [_RULE]):
            blocks.append(_RULE)

    def _note(self) -> None:
        kind, words = self._left_out[self._skipped], " ".join(" ".join(self._unread).split())
        self._skipped, self._unread = "", []
        if kind == "titles":
            self._notes.about.setdefault("title", words)
        elif kind and words:
            self._notes.leave_out(kind, words)

    def _end(self) -> None:
        """End a paragraph, which in a cell is a line of it."""
        lines = "".join(_apart(self._text) if self._kind == "html" else self._text).split("\n")
        bold = "".join(self._text[: self._lead]).strip()
        self._text, self._lead = [], 0
        if self._kind == "html":
            lines = [line.strip() for line in lines if line.strip()]
        text = "\n".join(lines).strip()
        if text.strip("#"):
            name, self._speaker = self._speaker, ""
            name = f"Speaker {name}" if name.isdigit() else name
            named = f"{name}: {text}" if name and not text.startswith(name) else text
            blocks = self.document.blocks
            if self._cell is None and bold not in ("", named) and not bold.endswith((":", "：")):
                self.document.bold[len(blocks)] = bold
            (blocks if self._cell is None else self._cell).append(named)

    def _end_cell(self) -> None:
        if self._cell is not None:
            self._end()
            self._cells = [*(self._cells or []), "\n".join(self._cell)]
            self._cell = None

    def _end_row(self) -> None:
        self._end_cell()
        if self._cells is not None and any(self._cells):
            self.document.blocks.append(self._cells)
        self._cells = None
        self._end()
