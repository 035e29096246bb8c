"""JSON of transcription services."""

from __future__ import annotations

import json

import pytest
from helpers.reading import parse_transcript, spoken

from runner.base.errors import TranscriptError
from runner.transcript.read import read_text

Row = tuple[str | None, float | None, float | None, str]


def rows(data: object) -> list[Row]:
    text = data if isinstance(data, str) else json.dumps(data)
    transcript = parse_transcript(text, name="t", format="json")
    return [(each.speaker, each.start_s, each.end_s, each.text) for each in transcript.segments]


SEGMENTS = [
    {"start": 0, "end": 1.5, "text": " Hello.", "avg_logprob": float("nan")},
    {"start": 1.5, "end": 2, "text": " Yes."},
]
HELLO_YES = [(None, 0.0, 1.5, "Hello."), (None, 1.5, 2.0, "Yes.")]
NUMBERED = [("Speaker 0", 0.0, 1.5, "Hello."), ("Speaker 1", 1.5, 2.0, "Yes.")]
WORDS = [
    {"word": "hello", "punctuated_word": "Hello.", "start": 0, "end": 1.5, "speaker": 0},
    {"word": "yes", "punctuated_word": "Yes.", "start": 1.5, "end": 2, "speaker": 1},
]


def deepgram(**alternative: object) -> dict[str, object]:
    return {"results": {"channels": [{"alternatives": [alternative]}]}}


def paragraph(speaker: int, start: float, end: float, text: str) -> dict[str, object]:
    sentence = {"text": text, "start": start, "end": end}
    return {"speaker": speaker, "start": start, "end": end, "sentences": [sentence]}


SHAPES: dict[str, tuple[object, list[Row]]] = {
    "whisper": ({"text": "x", "segments": SEGMENTS}, HELLO_YES),
    "whisper without segments": ({"text": "Hello."}, [(None, None, None, "Hello.")]),
    "deepgram paragraphs": (
        deepgram(
            transcript="x",
            words=WORDS,
            paragraphs={
                "paragraphs": [paragraph(0, 0, 1.5, "Hello."), paragraph(1, 1.5, 2, "Yes.")]
            },
        ),
        NUMBERED,
    ),
    "deepgram words": (deepgram(transcript="hello yes", words=WORDS), NUMBERED),
    "deepgram text alone": (deepgram(transcript="Hello."), [(None, None, None, "Hello.")]),
    "plain list": (
        [{"speaker": "A", "text": "Hello.", "start": "00:00:00", "end": 1.5}, {"text": "Yes."}],
        [("A", 0.0, 1.5, "Hello."), (None, None, None, "Yes.")],
    ),
    "colloquy": (
        {
            "segments": [
                {"id": "S0001", "speaker": "A", "start_s": 0, "end_s": 1.5, "text": "Hello."},
                {"id": "S0002", "speaker": None, "start_s": None, "end_s": None, "text": "Yes."},
            ]
        },
        [("A", 0.0, 1.5, "Hello."), (None, None, None, "Yes.")],
    ),
}


@pytest.mark.parametrize(("data", "expected"), SHAPES.values(), ids=SHAPES.keys())
def test_known_shapes_are_read(data: object, expected: list[Row]) -> None:
    actual = rows(data)

    assert expected == actual


@pytest.mark.parametrize("time", ["1" * 5000, "NaN", "-5", "Infinity", '"soon"', "true", "[]"])
def test_impossible_times_are_unknown(time: str) -> None:
    actual = rows(f'[{{"speaker": "A", "text": "Hello.", "start": {time}}}]')

    assert [("A", None, None, "Hello.")] == actual


def test_an_end_before_its_start_is_unknown() -> None:
    actual = rows([{"text": "Hello.", "start": 9, "end": 3}])

    assert [(None, 9.0, None, "Hello.")] == actual


def test_escapes_cannot_smuggle_controls() -> None:
    actual = rows('[{"speaker": "A\\u0000", "text": "He\\u202ello \\ud800."}]')

    assert [("A", None, None, "Hello \ufffd.")] == actual


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"a":', "malformed JSON at line 1"),
        ('[{"text": "x"},\n {"text" "y"}]', "malformed JSON at line 2 column 10"),
        ("[" * 100 + "]" * 100, "nested deeper than 64"),
        ('{"a":' * 100_000, "nested deeper than 64"),
        ('{"a": 1}', "expected a list of objects with a text"),
        ("42", "holds no transcript"),
        ("[1]", "holds no transcript"),
        ('[{"text": 5}]', "holds no transcript"),
        ("[]", "holds no transcript"),
        ('[{"text": " "}]', "holds no transcript"),
        ('{"results": {}}', "holds no transcript"),
    ],
)
def test_bad_json_says_what_is_wrong(text: str, fault: str) -> None:
    with pytest.raises(TranscriptError) as caught:
        parse_transcript(text, name="t", format="json")

    assert fault in str(caught.value)
    assert "\n" not in str(caught.value)


def test_brackets_inside_strings_are_not_nesting() -> None:
    actual = rows([{"text": 'a[[" \\' * 100}])

    assert 1 == len(actual)


def channel(speaker: int, *words: str) -> dict[str, object]:
    spoken_words = [{"word": word, "start": n, "speaker": speaker} for n, word in enumerate(words)]
    return {"alternatives": [{"transcript": " ".join(words), "words": spoken_words}]}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"channels": [channel(0, "So", "we"), channel(0, "Yes", "we")]},
         [("Channel 0, Speaker 0", "So we"), ("Channel 1, Speaker 0", "Yes we")]),
        ([{"channel": n % 2, "speaker": 0, "text": f"{n} of it.", "start": n} for n in range(2)],
         [("Channel 0, Speaker 0", "0 of it."), ("Channel 1, Speaker 0", "1 of it.")]),
        ({"tokens": [{"text": text, "speaker": who, "start_ms": 900 * n} for n, (who, text)
                     in enumerate(zip("11122", ["Hel", "lo", " you", " Fi", "ne"], strict=True))]},
         [("Speaker 1", "Hello you"), ("Speaker 2", "Fine")]),
        ([{"Ana": "We lost it."}, {"Bo": "Who did?"}, {"Ana": "Nobody."}],
         [("Ana", "We lost it."), ("Bo", "Who did?"), ("Ana", "Nobody.")]),
        ([{"user": "-->", "text": "bo has joined"}, {"user": "bo", "text": "Hi."}],
         [(None, "bo has joined"), ("bo", "Hi.")]),
        ({"transcript": "Ana: We lost it. Bo: Who? Ana: Nobody."},
         [("Ana", "We lost it."), ("Bo", "Who?"), ("Ana", "Nobody.")]),
    ],
)  # fmt: skip
def test_who_speaks_in_records_is_told_by_all_of_them(data: object, expected: object) -> None:
    assert expected == spoken(json.dumps(data))


def test_xml_keeps_the_words_of_elements_with_and_without_attributes() -> None:
    text = (
        '<d><u who="A">We <w id="1">lost</w> it <i>now</i>.</u>'
        '<u who="B"><seg id="1">One.</seg><seg>Two.</seg></u><u who="A">Ok.</u></d>'
    )

    assert [("A", "We lost it now."), ("B", "One. Two."), ("A", "Ok.")] == spoken(text)


def test_json_with_text_that_does_not_end_is_refused_in_linear_time() -> None:
    for text in ('{"a": "' + '\\"' * 100_000, "[" * 100_000, "[{}" * 100_000):
        with pytest.raises(TranscriptError):
            parse_transcript(text, name="t", format="json")


def test_words_give_their_speaker_to_a_text_that_is_written_otherwise() -> None:
    words = [{"word": word, "speaker": "Ana"} for word in ("twenty", "dry", "seals")]
    data = [{"text": "20 dry seals", "words": words}, {"text": "so okay", "speaker": "Ben"}]

    read = read_text(json.dumps(data), name="t")

    assert ["Ana", "Ben"] == [segment.speaker for segment in read.transcript.segments]
