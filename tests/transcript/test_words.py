"""No word is lost or said twice: words in are words out and words that the report names."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.base.errors import TranscriptError
from runner.transcript.model import Turn
from runner.transcript.read import read_source
from runner.transcript.reader_notes import Notes
from runner.transcript.readers import Source
from runner.transcript.text import read_text_layout

SHARED = Path(__file__).resolve().parents[3] / "shared"
HEADS = (
    "Ana: ", "**Bo:** ", "[Ana] ", "(Bo) ", "<bo> ", "Ana 0:01\n", "0:02 Ana\n", "Ana\n", "- Bo: ",
    "[00:03] Ana: ", "Ana [0:04] ", "Ana - ", "Bo\t", ">> ", ">> ANA: ", "Q. ", "A. ", "MR. LI. ",
    "# ", "### 0:05\n", "[18/09/2026, 10:02:03] Bo: ", "ana: ", "Ana (Acme): ", "**Bo** ", "12\n",
    "Note: ", "So here: ", "Date: ", "0:06\nBo\n", "> ", "---\n", "1  ", "Ana:\t0:07\t", "",
    "Speaker: Ana\nText: ", "Speaker: Bo\n", "Time: 0:08\nName: Bo\nMessage: ", "'''Bo:''' ",
    "text: ", "Ana (0 : 09)\n",
)  # fmt: skip
ENDS = ("\n", "\n\n", ".\n", ".\n\n", "\\\n", "?\n", ":\n", "\n---\n", " ", "  \n")


class Recorded(Notes):
    """Notes that keep what is left out."""

    __slots__ = ("texts",)

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def leave_out(self, kind: str, text: str) -> None:
        super().leave_out(kind, text)
        self.texts.append(text)


def read_words(text: str) -> tuple[list[Turn], Counter[str]]:
    """Return the turns of *text*, and how often each of its numbered words is in them or named."""
    notes = Recorded()
    turns = list(read_text_layout(Source("t", text.encode()), notes))
    said = [turn.text for turn in turns] + notes.texts
    labels = {turn.speaker for turn in turns if turn.speaker}
    words = Counter(word.strip("*.?:,_[]()<>\\|") for part in said for word in part.split())
    words.update(word for label in labels for word in label.split() if word not in words)
    return turns, words


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Return a text of many or few layouts whose spoken words are all different."""
    heads = draw(st.lists(st.sampled_from(HEADS), min_size=1, max_size=5))
    lines, count = [], 0
    for _ in range(draw(st.integers(1, 30))):
        words = draw(st.integers(1, 9))
        spoken = " ".join(f"w{count + n}" for n in range(words))
        count += words
        lines.append(draw(st.sampled_from(heads)) + spoken + draw(st.sampled_from(ENDS)))
    return "".join(lines)


@given(documents())
def test_each_word_is_said_once_or_named_as_left_out(text: str) -> None:
    _, words = read_words(text)
    spoken = [word.strip("*.?:\\") for word in text.split() if word[:1] == "w"]

    assert dict.fromkeys(spoken, 1) == {word: words[word] for word in spoken}


def files() -> list[Path]:
    found = [*(SHARED / "gold").glob("[!R]*.md"), *(SHARED / "transcripts").glob("*_*.*")]
    return sorted(found)


@pytest.mark.parametrize("path", files() or [None], ids=lambda path: path and path.stem)
def test_a_real_file_that_is_mutated_loses_no_word(path: Path | None) -> None:
    if path is None:
        pytest.skip("no real transcripts on this machine")
    chance = random.Random(path.name)
    lines = path.read_text().split("\n")[:400]
    for _ in range(40):
        at = chance.randrange(len(lines))
        lines[at] = chance.choice(HEADS) + lines[at]
        lines.insert(chance.randrange(len(lines)), chance.choice(["", "---", "0:09", "Yes"]))
    numbered = [
        " ".join(
            f"{word}w{n}x{m}" if word.isalpha() else word for m, word in enumerate(line.split())
        )
        for n, line in enumerate(lines)
    ]

    _, words = read_words("\n".join(numbered))
    unique = [word for line in numbered for word in line.split() if word.isalnum() and "x" in word]

    assert [] == [word for word in unique if words[word] != 1]


PIECES = (
    b"\n",
    b"\n\n",
    b": ",
    b'"',
    b"<",
    b"}",
    b"[",
    b"-->",
    b"\xff",
    b"\0",
    b"\t",
    b"Ana: ",
    b">> ",
)


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Return *data* with a few bytes removed, repeated, reversed or put in."""
    for _ in range(chance.randrange(1, 8)):
        at = chance.randrange(len(data) + 1)
        end = at + chance.randrange(1, 200)
        piece = chance.choice((b"", chance.choice(PIECES), data[at:end][::-1], data[at:end] * 2))
        data = data[:at] + piece + data[chance.choice((at, end)) :]
    return data


def test_a_file_of_any_format_that_is_mutated_is_read_or_refused_in_one_line() -> None:
    found = [
        path for each in ("cases", "gold", "transcripts") for path in (SHARED / each).glob("*")
    ]
    if not found:
        pytest.skip("no files on this machine")
    chance = random.Random(7)
    for path in sorted(found) * 2:
        data = mutated(path.read_bytes()[:5000], chance)
        try:
            read_source(Source(path.name, data, path.suffix), "t", "auto")
        except TranscriptError as error:
            assert "\n" not in str(error)
