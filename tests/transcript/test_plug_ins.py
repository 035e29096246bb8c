"""Readers of other packages: their bugs are one line that names the file and the reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from runner.base.errors import TranscriptError
from runner.transcript import readers
from runner.transcript.model import Turn
from runner.transcript.reader_notes import Notes
from runner.transcript.readers import Reader, Source

entry = EntryPoint("tilde", "runner.transcript.readers:planted", readers.GROUP)


def planted(
    monkeypatch: pytest.MonkeyPatch, read: Callable[..., Any], recognises: Callable[..., Any] = bool
) -> Reader:
    reader = Reader("tilde", recognises, read)
    monkeypatch.setattr(readers, "planted", reader, raising=False)
    monkeypatch.setattr(readers, "entry_points", lambda group: [entry])
    return readers.other_readers()[0]


def broken(*given: object) -> Iterator[Turn]:
    yield Turn("Ana", "Yes.")
    raise KeyError("time")


@pytest.mark.parametrize(
    ("read", "why"),
    [
        (broken, "failed: KeyError: 'time'"),
        (lambda *given: [{"text": "Yes."}], "is no valid Turn"),
        (lambda *given: [Turn(None, "Yes.", float("inf"))], "is no valid Turn"),
        (lambda *given: None, "failed: TypeError"),
    ],
)
def test_a_bug_of_a_reader_names_file_and_reader(
    monkeypatch: pytest.MonkeyPatch, read: Callable[..., Any], why: str
) -> None:
    reader = planted(monkeypatch, read)

    with pytest.raises(TranscriptError, match=why) as raised:
        reader.read(Source("a.txt", b"Yes."), Notes())

    assert str(raised.value).startswith(f"a.txt: the reader tilde = {entry.value} failed: ")


def test_a_bug_while_recognising_names_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = planted(monkeypatch, broken, lambda source: 1 / 0)

    with pytest.raises(TranscriptError, match=r"the reader tilde .*: ZeroDivisionError"):
        reader.recognises(Source("a.txt", b"Yes."))


def test_a_fault_that_a_reader_tells_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: object) -> Iterator[Turn]:
        raise TranscriptError("a.txt:3: no time")

    reader = planted(monkeypatch, refuse)

    with pytest.raises(TranscriptError, match=r"^a\.txt:3: no time$"):
        reader.read(Source("a.txt", b"Yes."), Notes())
