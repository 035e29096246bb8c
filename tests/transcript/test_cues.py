"""WebVTT and SRT."""

from __future__ import annotations

import pytest

from runner.base.errors import TranscriptError
from tests.helpers.reading import parse_transcript

Row = tuple[str | None, float | None, float | None, str]


def rows(text: str, format: str = "auto") -> list[Row]:
    segments = parse_transcript(text, name="t", format=format).segments
    return [(each.speaker, each.start_s, each.end_s, each.text) for each in segments]


def vtt(*payloads: str) -> str:
    cues = (f"00:0{n}.000 --> 00:0{n + 1}.000\n{payload}" for n, payload in enumerate(payloads))
    return "WEBVTT\n\n" + "\n\n".join(cues)


def test_voice_tags_name_speakers_and_other_tags_go() -> None:
    text = vtt("<v Ann>Hi <i>there</i> &amp; <c.loud>you</c>.</v>", "<v.loud Bob Lee>Yes.\nIndeed.")

    actual = rows(text)

    assert [("Ann", 0.0, 1.0, "Hi there & you."), ("Bob Lee", 1.0, 2.0, "Yes. Indeed.")] == actual


def test_two_voices_in_one_cue_are_two_segments() -> None:
    actual = rows(vtt("<v Ann>One. <v Bob>Two."))

    assert [("Ann", 0.0, 1.0, "One."), ("Bob", 0.0, 1.0, "Two.")] == actual


def test_notes_styles_regions_settings_and_identifiers_are_not_speech() -> None:
    text = (
        "WEBVTT Kind: captions\nLanguage: en\n\nNOTE\nnot --> speech\n\nSTYLE\n::cue{}\n\n"
        "REGION\nid:x\n\nintro\n00:01.000 --> 00:02.000 align:left\nHello.\n\n"
        "2\n00:02.000 --> 00:03.000\nNOTE this is said.\n"
    )

    actual = [words for _, _, _, words in rows(text)]

    assert ["Hello.", "NOTE this is said."] == actual


def test_a_cue_that_stops_mid_sentence_joins_the_next_of_the_same_voice() -> None:
    text = vtt("<v Ann>I think", "<v Ann>so.", "<v Ann>Well", "<v Bob>No.", "<v Ann>Yes.")

    actual = [(speaker, words) for speaker, _, _, words in rows(text)]

    assert [("Ann", "I think so."), ("Ann", "Well"), ("Bob", "No."), ("Ann", "Yes.")] == actual


def test_cues_far_apart_stay_apart() -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\nI think\n\n00:09.000 --> 00:10.000\nso."

    assert 2 == len(rows(text))


def test_a_name_before_the_words_holds_for_its_cue_alone() -> None:
    actual = rows(vtt("Ann: One.", "Two.", "Bob: Three.\nAnn: Four."))

    assert ["Ann", None, "Bob", "Ann"] == [speaker for speaker, _, _, _ in actual]
    assert ["One.", "Two.", "Three.", "Four."] == [words for _, _, _, words in actual]


def test_rolling_captions_are_said_once() -> None:
    text = (
        "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\n \nand<00:00:01.000><c> so</c>\n\n"
        "00:00:02.000 --> 00:00:02.010\nand so\n \n\n"
        "00:00:02.010 --> 00:00:04.000\nand so\nwe<00:00:03.000><c> go</c>\n"
    )

    actual = rows(text)

    assert [(None, 0.0, 4.0, "and so we go")] == actual


def test_srt_reads_prefixes_numbers_and_styling() -> None:
    text = (
        "1\n00:00:01,000 --> 00:00:02,500\nANN: <i>Hello.</i>\n\n"
        "2\n00:00:03,000 --> 00:00:04,000\n{\\an8}BOB: 42\n\n\n"
        "3\n00:00:05,000 --> 00:00:06,000\nANN: Bye.\n"
    )

    actual = rows(text)

    expected = [("ANN", 1.0, 2.5, "Hello."), ("BOB", 3.0, 4.0, "42"), ("ANN", 5.0, 6.0, "Bye.")]

    assert expected == actual


@pytest.mark.parametrize(
    ("text", "format", "fault"),
    [
        ("WEBVTT\n", "auto", "no cues parsed"),
        ("WEBVTT\n\nhello", "auto", "no cues parsed"),
        ("WEBVTT\n\n99:99 --> 99:99\nhello", "auto", "no cues parsed: line 3"),
        ("WEBVTT\n\n00:99.000 --> 00:99.500\nhello", "auto", "line 3"),
        ("00:01.000 --> 00:02.000\nhello", "vtt", "line 1 is not 'WEBVTT'"),
        ("hello", "srt", "no cues parsed"),
    ],
)
def test_malformed_cues_name_the_line(text: str, format: str, fault: str) -> None:
    with pytest.raises(TranscriptError) as caught:
        rows(text, format)

    assert fault in str(caught.value)
    assert str(caught.value).startswith("t: ")


def test_an_arrow_in_speech_is_speech() -> None:
    actual = rows(vtt("press File --> Save."))

    assert "press File --> Save." == actual[0][3]
