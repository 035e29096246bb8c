"""What holds for any input at all."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from helpers.growth import grows_faster
from helpers.reading import parse_transcript
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.crashes import in_child
from runner.base.errors import TranscriptError
from runner.base.text import to_safe_text
from runner.transcript.model import Transcript
from runner.transcript.read import formats

FRAGMENTS = st.sampled_from(
    ["Ann: ", "**Bob:** ", "[00:01] ", "0:05", "\n", "\n\n", "Q. ", "A. ", ">> ", "{gap}", "word ",
     "Mr. X. ", "    Mr. Watt. ", "---", "# ", "-->", "WEBVTT\n\n", "00:01.000 --> 00:02.000\n",
     "<v Ann>", '{"text": "', '"}', "[", "]", "x-\n", ". ", "“Hi.” ", "Name (Role): ", "\u2028"]
)  # fmt: skip
DOCUMENTS = st.one_of(st.text(), st.lists(FRAGMENTS, max_size=40).map("".join))
STARTS = {
    "auto": "",
    "json": "",
    "vtt": "WEBVTT\n\n00:01.000 --> 00:02.000\n",
    "srt": "00:00:01,000 --> 00:00:02,000\n",
}
ROWS = ("a", "1", "\t", ":", " ", "*", "[", "<", ">", ".", "-", "{", '"', "a: ", "1:", "Mr. ", "**")


def attempt(text: str, format: str) -> Transcript | None:
    try:
        return parse_transcript(text, name="t", format=format)
    except TranscriptError:
        return None


@given(text=DOCUMENTS, format=st.sampled_from(formats()))
def test_any_text_is_read_or_refused_as_no_transcript(text: str, format: str) -> None:
    transcript = attempt(text, format)

    if transcript is not None:
        segments = transcript.segments

        assert [f"S{n:04d}" for n in range(1, len(segments) + 1)] == [each.id for each in segments]
        assert all(each.text and each.text == " ".join(each.text.split()) for each in segments)
        assert all(each.speaker is None or each.speaker.strip() for each in segments)


@given(text=DOCUMENTS.filter(lambda text: ">" not in text))
def test_every_word_of_a_segment_stands_in_the_input(text: str) -> None:
    transcript = attempt(text, "text")
    source = "".join(to_safe_text(text).split())

    found = [
        word for each in (transcript.segments if transcript else ()) for word in each.text.split()
    ]

    assert [] == [word for word in found if word not in source]


@given(text=DOCUMENTS, ending=st.sampled_from(["\r\n", "\r"]))
def test_line_endings_do_not_change_the_result(text: str, ending: str) -> None:
    plain = text.replace("\r", "")

    assert attempt(plain, "auto") == attempt(plain.replace("\n", ending), "auto")


@pytest.mark.parametrize(
    "row",
    [
        "我们今天讨论一下这个项目的进展情况以及下一步的工作安排" * 4,
        "N" + "O" * 60,
        "ACGT" * 30,
        "Mr. " + "a" * 150,
        "http://" * 40 + "!words",
        "https://a.org/202612011234567 " * 12 + "words",
    ],
)
def test_a_long_word_or_many_addresses_are_read_at_once(row: str) -> None:
    begun = time.process_time()

    parse_transcript(f"{row} so\nand more\n" * 5, name="t", format="text")

    assert time.process_time() - begun < 2


@pytest.mark.parametrize("name", ["LaRUE-McCOY", "O'NEILL-McDAID", "SPEAKER_A", "ANNE MARIE McCOY"])
def test_a_name_in_capitals_before_a_full_stop_is_whole(name: str) -> None:
    transcript = parse_transcript(f"{name}. Is it dry?\n\nMR. LI. No.\n\n" * 3, name="t")

    assert {name, "MR. LI"} == {each.speaker for each in transcript.segments}


@given(
    words=st.lists(st.sampled_from(["alpha", "beta.", "Mr.", "gamma?"]), min_size=1, max_size=900)
)
def test_cutting_a_long_turn_loses_nothing(words: list[str]) -> None:
    transcript = parse_transcript("Ann: " + " ".join(words), name="t")

    actual = [word for each in transcript.segments for word in each.text.split()]

    assert words == actual
    assert all(each.speaker == "Ann" for each in transcript.segments)


@pytest.mark.parametrize("format", formats())
def test_a_long_text_of_one_pattern_takes_no_more_than_linear_time(
    format: str, tmp_path: Path
) -> None:
    start = STARTS.get(format, "Ann: ")

    def read(text: str) -> Transcript | None:
        return attempt(start + text, format)

    def read_all() -> int:
        for row in ROWS:
            if grows_faster(read, row):
                print(repr(row))
        return 0

    log = tmp_path / "log"

    assert (0, "") == (in_child(read_all, log), log.read_text())
