"""Interface of readers: their input and result, and the readers of other packages."""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import entry_points
from itertools import filterfalse
from typing import Any

from runner.base.errors import ColloquyError, ConfigError, TranscriptError, one_line
from runner.base.text import without_hidden
from runner.transcript.decode import decode, document_kind
from runner.transcript.model import Turn
from runner.transcript.reader_notes import Notes

_FENCED = re.compile(r"\A\s{0,9}```\w{0,20}[ \t]{0,9}\n((?:(?!```).*\n)+)```\s{0,9}\Z")
_COLOURS = re.compile(r"\x1b\[[\d;]{0,40}[A-Za-z]")  # and other commands to a terminal
GROUP = "colloquy.readers"  # entry point; its name is the format's, its value a Reader


@dataclass(frozen=True)
class Source:
    """A file to read: *name* begins errors, *suffix* is in lower case with its dot, or empty.

    *encoding* is a Python codec name; None detects UTF-8, -16 or -32. *places* has the place of
    each line of a document's text, such as `page 3, line 14`.
    """

    name: str
    data: bytes
    suffix: str = ""
    encoding: str | None = None
    places: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The decoded content without hidden characters; raises TranscriptError if it is not text.

        Lines end with a line feed.
        """
        return self._cleaned[0]

    @property
    def binary(self) -> bool:
        """Whether this is a binary document."""
        return document_kind(self.data) is not None

    @property
    def removed_chars(self) -> int:
        """The number of hidden characters in the file."""
        return self._cleaned[1]

    @cached_property
    def _cleaned(self) -> tuple[str, int]:
        text = decode(self.data, self.name, self.encoding)
        if "\n" not in text and "\r" not in text:
            text = text.replace("\u2028", "\n").replace("\x85", "\n").replace("\u2029", "\n\n")
        text, colours = _COLOURS.subn("", text.removeprefix("\ufeff").replace("\r\r\n", "\n"))
        shown, removed = without_hidden(text)
        fenced = _FENCED.match(shown)  # as a model writes a file
        return fenced[1] if fenced else shown, removed + colours


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one format.

    *recognises* says by content and, if that is ambiguous, by suffix, whether a file has the
    format. *read* returns the turns and notes omissions and warnings; it raises TranscriptError,
    with one line, for a malformed file.
    """

    name: str
    recognises: Callable[[Source], bool]
    read: Callable[[Source, Notes], Iterable[Turn]]
    suffixes: tuple[str, ...] = ()


def other_readers() -> list[Reader]:
    """Return the readers that other packages register; raise ConfigError for one that fails."""
    readers = []
    for entry in entry_points(group=GROUP):
        what = f"the reader {entry.name} = {entry.value}"
        try:
            reader = entry.load()
        except Exception as error:
            why = f"{what} cannot be loaded: {type(error).__name__}: {error}"
            raise ConfigError(one_line(why)) from error
        if not isinstance(reader, Reader):
            raise ConfigError(f"{entry.value} is a {type(reader).__name__}, expected a Reader")
        readers.append(_guarded(reader, what))
    return readers


def _guarded(reader: Reader, what: str) -> Reader:
    """Return *reader* with its bugs as TranscriptErrors that name the file and *what* it is."""

    def guarded(work: Callable[..., Any]) -> Callable[..., Any]:
        def guarded_work(source: Source, *notes: Notes) -> Any:
            try:
                return work(source, *notes)
            except (ColloquyError, MemoryError):
                raise
            except Exception as error:
                why = f"{source.name}: {what} failed: {type(error).__name__}: {error}"
                raise TranscriptError(one_line(why)) from error

        return guarded_work

    def read(source: Source, notes: Notes) -> list[Turn]:
        turns = list(reader.read(source, notes))
        for wrong in filterfalse(_is_turn, turns):
            raise TypeError(f"{wrong!r:.200} is no valid Turn")
        return turns

    return replace(reader, recognises=guarded(reader.recognises), read=guarded(read))


def _is_turn(turn: Any) -> bool:
    return (
        isinstance(turn, Turn)
        and isinstance(turn.text, str)
        and isinstance(turn.speaker, str | None)
        and all(time is None or math.isfinite(time) for time in (turn.start_s, turn.end_s))
    )
