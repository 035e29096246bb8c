"""JSON as services write it: the same two turns in many shapes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runner.base.errors import TranscriptError
from runner.transcript.formats import json_names
from runner.transcript.read import read_text

SAID = ["The seal was dry.", "Not by noon."]
TEXT = " ".join(SAID)
SPANS = [(61.0, 63.0), (63.5, 64.5)]
WORDS = [(w, 61.0 + n * 0.5, int(n > 3)) for n, w in enumerate(" ".join(SAID).split())]
Row = tuple[str | None, float | None, str]


def rows(data: object) -> list[Row]:
    text = data if isinstance(data, str) else json.dumps(data)
    segments = read_text(text, name="t").transcript.segments
    return [(each.speaker, each.start_s, each.text) for each in segments]


def turns(*speakers: str | None, times: bool = True) -> list[Row]:
    starts = [start if times else None for start, _ in SPANS]
    return list(zip(speakers, starts, SAID, strict=True))


def records(scale: float = 1.0, **names: str) -> list[dict[str, Any]]:
    """Return the turns as objects; *names* has the key for speaker, text, start and end."""
    values = {"speaker": ["Ana", "Ben"], "text": SAID}
    values["start"], values["end"] = (
        [type(scale)(v * scale) for v in s] for s in zip(*SPANS, strict=True)
    )
    return [{names[role]: values[role][n] for role in names} for n in range(2)]


def words(**names: str) -> list[dict[str, Any]]:
    return [
        {names["word"]: word, names["start"]: start, names["speaker"]: f"S{who}"}
        for word, start, who in WORDS
    ]


KEYS = {
    "plain": ("speaker", "text", "start", "end"),
    "camel": ("speakerName", "text", "startTime", "endTime"),
    "snake": ("speaker_name", "transcript", "start_time", "end_time"),
    "podcast": ("speaker", "body", "startTime", "endTime"),
    "teams": ("speakerDisplayName", "text", "startOffset", "endOffset"),
    "message": ("author", "message", "time", "end"),
    "graph": ("speakerName", "spokenText", "startDateTime", "endDateTime"),
    "sentence": ("participant", "sentence", "begin", "finish"),
    "caption": ("who", "caption", "start_s", "end_s"),
    "unheard of": ("activeSpeakerOfCall", "captionTextRaw", "startSec", "endSec"),
}


SCALES = {"s": 1.0, "ms": 1000, "ticks": 10_000_000}
SCALED = [
    pytest.param(keys, scale, id=f"{name}-{unit}")
    for name, keys in KEYS.items()
    for unit, scale in SCALES.items()
    if unit == "s" or not keys[2].lower().endswith(("_s", "sec"))  # they name their unit
]


@pytest.mark.parametrize(("keys", "scale"), SCALED)
def test_fields_are_found_by_meaning_and_units_by_the_pace_of_speech(
    keys: tuple[str, str, str, str], scale: float
) -> None:
    names = dict(zip(("speaker", "text", "start", "end"), keys, strict=True))

    assert turns("Ana", "Ben") == rows(records(scale, **names))
    assert turns("Ana", "Ben") == rows({"a": {"b": [{"c": records(scale, **names)}]}})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("61", "63.5"), ("61s", "63.5s"), ("61000ms", "63500 ms"), ("PT61S", "PT1M3.5S"),
        ("00:01:01", "00:01:03.500"), ("1:01,0", "1:03,5"), ("00:01:01.0000000", "00:01:03.5000"),
        ({"seconds": "61"}, {"seconds": 63, "nanos": 500_000_000}),
        ({"relative": 61}, {"relative": 63.5}),
        ("1m1s", "1m3.5s"), ("1 min 1 s", "1 min 3.5 s"), ("61,0", "63,5"),
        ([61, 63], [63.5, 64.5]), ({"from": 61, "to": 63}, {"from": 63.5}),
    ],
)  # fmt: skip
def test_a_time_is_read_in_any_notation(one: object, other: object) -> None:
    data = [
        {"speaker": who, "text": text, "timestamp": time}
        for who, text, time in zip(("Ana", "Ben"), SAID, (one, other), strict=True)
    ]

    assert turns("Ana", "Ben") == rows(data)


def test_dates_count_from_the_first() -> None:
    for one, other in (
        ("2026-03-01T10:00:00Z", "2026-03-01T10:00:02.5Z"),
        ("1772359200.0", "1772359202.5"),
        (1772359200000, 1772359202500),
    ):
        data = [
            {"user": "U", "text": text, "ts": ts}
            for text, ts in zip(SAID, (one, other), strict=True)
        ]

        assert [0.0, 2.5] == [start for _, start, _ in rows(data)]


@pytest.mark.parametrize("starts", [(3, 9, 3732), (0, 600, 1200), (0, 35, 70), (5000, 5003, 5007)])
def test_long_silence_between_seconds_is_no_other_unit(starts: tuple[int, ...]) -> None:
    data = [{"speaker": "A", "text": f"{TEXT} {n}", "start": at} for n, at in enumerate(starts)]

    assert list(starts) == [start for _, start, _ in rows(data)]


def test_slow_speech_in_milliseconds_is_no_day_long() -> None:
    data = [{"text": "Well yes.", "start": start} for start in (61_000, 69_000, 80_000)]

    assert [61, 69, 80] == [start for _, start, _ in rows(data)]


def test_a_turn_that_grows_is_read_once() -> None:
    data = [{"speaker": "A", "text": text, "start": 1} for text in ("The", "The seal", SAID[0])]

    assert [("A", 1, SAID[0]), ("B", 1, SAID[0])] == rows(
        [*data, {"speaker": "B", "text": SAID[0], "start": 1}]
    )


def alternatives(word: str, start: str, who: str, brought: str = "") -> list[dict[str, Any]]:
    return [
        {
            "alternatives": [
                {
                    "transcript": brought + text,
                    "words": [
                        {word: w, start: f"{s}s", who: n + 1} for w, s, n in WORDS if n == turn
                    ],
                },
                {"transcript": "something else"},
            ]
        }
        for turn, text in enumerate(SAID)
    ]


SHAPES: dict[str, tuple[object, list[Row]]] = {
    "whisper.cpp": (
        {
            "transcription": [
                {"offsets": {"from": int(a * 1000), "to": int(b * 1000)}, "text": " " + text}
                for (a, b), text in zip(SPANS, SAID, strict=True)
            ]
        },
        turns(None, None),
    ),
    "hugging face": (
        {
            "text": TEXT,
            "chunks": [{"timestamp": [*s], "text": t} for s, t in zip(SPANS, SAID, strict=True)],
        },
        turns(None, None),
    ),
    "speakers beside chunks": (
        {
            "speakers": [
                {"speaker": "Ana", "text": SAID[0], "timestamp": [61, 63]},
                {"speaker": "Ben", "text": SAID[1], "timestamp": [63.5, 64.5]},
            ],
            "chunks": [{"text": TEXT, "timestamp": [61, 64.5]}],
            "text": TEXT,
        },
        turns("Ana", "Ben"),
    ),
    **{
        f"names in order, numbers from {first}, {form}": (
            {
                "speakers": names,
                "segments": [{"speaker": first + n, "text": SAID[n]} for n in range(2)],
            },
            turns("Ana", "Ben", times=False),
        )
        for first in (0, 1)
        for form, names in (
            ("texts", ["Ana", "Ben"]),
            ("objects", [{"name": "Ana", "role": "host"}, {"name": "Ben", "role": "guest"}]),
        )
    },
    "names by key, in objects": (
        {
            "speakers": {"s0": {"name": "Ana"}, "s1": {"name": "Ben"}},
            "segments": [{"speaker": f"s{n}", "text": SAID[n]} for n in range(2)],
        },
        turns("Ana", "Ben", times=False),
    ),
    "words with speakers inside segments": (
        {
            "segments": [
                {
                    "start": 61,
                    "end": 64.5,
                    "text": TEXT,
                    "speaker": "S0",
                    "words": words(word="word", start="start", speaker="speaker"),
                }
            ]
        },
        [("S0", 61.0, SAID[0]), ("S1", 63.0, SAID[1])],
    ),
    "words beside the whole text": (
        {
            "text": TEXT,
            "utterances": None,
            "words": words(word="text", start="start", speaker="speaker"),
        },
        [("S0", 61.0, SAID[0]), ("S1", 63.0, SAID[1])],
    ),
    "words with their spaces": (
        {
            "text": TEXT,
            "words": [
                each
                for w, s, n in WORDS
                for each in (
                    {"text": w, "start": s, "type": "word", "speaker_id": f"S{n}"},
                    {"text": " ", "start": s, "type": "spacing", "speaker_id": f"S{n}"},
                )
            ],
        },
        [("S0", 61.0, SAID[0]), ("S1", 63.0, SAID[1])],
    ),
    "utterances beside chapters": (
        {
            "utterances": records(1000, speaker="speaker", text="text", start="start", end="end"),
            "chapters": [
                {"headline": "Of seals", "start": 0, "summary": "They speak of dry seals."}
            ],
            "sentiment_analysis_results": records(1000, text="text", start="start", end="end"),
            "words": [{"text": w, "start": int(s * 1000), "speaker": "A"} for w, s, _ in WORDS],
        },
        turns("Ana", "Ben"),
    ),
    "best of alternatives, with words": (
        {"results": alternatives("word", "startTime", "speakerTag")},
        [("Speaker 1", 61.0, SAID[0]), ("Speaker 2", 63.0, SAID[1])],
    ),
    "words again with speakers in a last result": (
        {
            "results": [
                {
                    "alternatives": [
                        {"transcript": TEXT, "words": [{"word": w} for w, _, _ in WORDS]}
                    ]
                },
                {
                    "alternatives": [
                        {
                            "words": [
                                {"word": w, "startTime": f"{s}s", "speakerTag": n + 1}
                                for w, s, n in WORDS
                            ]
                        }
                    ]
                },
            ]
        },
        [("Speaker 1", 61.0, SAID[0]), ("Speaker 2", 63.0, SAID[1])],
    ),
    "words and punctuation as results": (
        {
            "results": [
                {
                    "type": kind,
                    "start_time": 61 + n * 0.5,
                    "alternatives": [{"content": w, "speaker": who}],
                }
                for n, (w, kind, who) in enumerate(
                    [
                        ("The", "word", "S0"),
                        ("seal", "word", "S0"),
                        (",", "punctuation", "S0"),
                        ("dry", "word", "S0"),
                        (".", "punctuation", "S0"),
                        ("No", "word", "S1"),
                    ]
                )
            ]
        },
        [("S0", 61.0, "The seal, dry."), ("S1", 63.5, "No")],
    ),
    "items with labels beside them": (
        {
            "results": {
                "transcripts": [{"transcript": "The seal. No"}],
                "speaker_labels": {
                    "segments": [
                        {
                            "speaker_label": "spk_0",
                            "items": [
                                {"start_time": "1.0", "speaker_label": "spk_0"},
                                {"start_time": "1.5", "speaker_label": "spk_0"},
                            ],
                        },
                        {
                            "speaker_label": "spk_1",
                            "items": [{"start_time": "2.5", "speaker_label": "spk_1"}],
                        },
                    ]
                },
                "items": [
                    {
                        "start_time": "1.0",
                        "type": "pronunciation",
                        "alternatives": [{"content": "The"}],
                    },
                    {
                        "start_time": "1.5",
                        "type": "pronunciation",
                        "alternatives": [{"content": "seal"}],
                    },
                    {"type": "punctuation", "alternatives": [{"content": "."}]},
                    {
                        "start_time": "2.5",
                        "type": "pronunciation",
                        "alternatives": [{"content": "No"}],
                    },
                ],
            }
        },
        [("spk_0", 1.0, "The seal."), ("spk_1", 2.5, "No")],
    ),
    "names listed beside their number as a speaker": (
        {
            "transcript": [
                {"speakerId": "55", "sentences": [{"start": 61000, "end": 62000, "text": "Dry."}]},
                {
                    "speakerId": "77",
                    "sentences": [{"start": 63500, "end": 64000, "text": "Is it?"}],
                },
            ],
            "parties": [
                {"id": "77", "speakerId": "55", "name": "Ana"},
                {"id": "55", "speakerId": "77", "name": "Ben"},
            ],
        },
        [("Ana", 61.0, "Dry."), ("Ben", 63.5, "Is it?")],
    ),
    "segments with the starts of a list of who speaks": (
        {
            "segments": [{"start": 61.0, "text": SAID[0]}, {"start": 63.0, "text": SAID[1]}],
            "diarization": [{"start": 61.0, "speaker": "A"}, {"start": 63.0, "speaker": "B"}],
        },
        [("A", 61.0, SAID[0]), ("B", 63.0, SAID[1])],
    ),
    "the transcripts of several calls": (
        [
            {"id": n, "transcript": [{"speaker": who, "start": 61.0, "text": text}]}
            for n, (who, text) in enumerate(zip("AB", SAID, strict=True))
        ],
        [("A", 61.0, SAID[0]), ("B", 61.0, SAID[1])],
    ),
    "monologues and names of speakers": (
        {
            "speakers": [{"id": 0, "name": "Ana"}, {"id": 1, "name": "Ben"}],
            "monologues": [
                {
                    "speaker": 0,
                    "elements": [
                        {"type": "text", "value": "Dry", "ts": 61.0},
                        {"type": "punct", "value": "."},
                    ],
                },
                {
                    "speaker": 1,
                    "elements": [
                        {"type": "text", "value": "Is", "ts": 63.5},
                        {"type": "punct", "value": " "},
                        {"type": "text", "value": "it", "ts": 64.0},
                        {"type": "punct", "value": "?"},
                    ],
                },
            ],
        },
        [("Ana", 61.0, "Dry."), ("Ben", 63.5, "Is it?")],
    ),
    "phrases with an offset in ticks": (
        {
            "recognizedPhrases": [
                {
                    "speaker": n + 1,
                    "offsetInTicks": int(SPANS[n][0] * 1e7),
                    "durationInTicks": 2e7,
                    "nBest": [{"display": SAID[n]}, {"display": "else"}],
                }
                for n in range(2)
            ]
        },
        turns("Speaker 1", "Speaker 2"),
    ),
    "participants with words": (
        [
            {
                "participant": {"id": n, "name": name},
                "words": [
                    {"text": w, "start_timestamp": {"relative": s}}
                    for w, s, who in WORDS
                    if who == n
                ],
            }
            for n, name in enumerate(("Ana", "Ben"))
        ],
        [("Ana", 61.0, SAID[0]), ("Ben", 63.0, SAID[1])],
    ),
    "chat": (
        {
            "messages": [
                {"role": "user", "content": SAID[0]},
                {"role": "assistant", "content": [{"type": "text", "text": SAID[1]}]},
            ]
        },
        turns("user", "assistant", times=False),
    ),
    "events of captions": (
        {
            "events": [
                {
                    "tStartMs": int(start * 1000),
                    "dDurationMs": 2000,
                    "segs": [{"utf8": w} for w in (text[:3], text[3:], "\n")],
                }
                for (start, _), text in zip(SPANS, SAID, strict=True)
            ]
        },
        turns(None, None),
    ),
    "questions about a meeting": (
        {
            "general_query_list": [
                {"query": "What of it all?", "answer": "They spoke at great length."}
            ],
            "meeting_transcripts": [
                {"speaker": "Ana", "content": SAID[0]},
                {"speaker": "Ben", "content": SAID[1]},
            ],
        },
        turns("Ana", "Ben", times=False),
    ),
    "columns": (
        {"speaker": ["Ana", "Ben"], "text": SAID, "start": [61, 63.5]},
        turns("Ana", "Ben"),
    ),
    "rows": (
        [["start", "speaker", "text"], [61, "Ana", SAID[0]], [63.5, "Ben", SAID[1]]],
        turns("Ana", "Ben"),
    ),
    "objects by number": (
        {"0": {"speaker": "Ana", "text": SAID[0]}, "1": {"speaker": "Ben", "text": SAID[1]}},
        turns("Ana", "Ben", times=False),
    ),
    "one text with names": (
        {"id": 7, "transcript": f"Ana: {SAID[0]}\nBen: {SAID[1]}\nAna: {SAID[0]}"},
        [*turns("Ana", "Ben", times=False), ("Ana", None, SAID[0])],
    ),
    "names in the text": (
        [
            {"text": f"{who}: {text}", "start": start}
            for who, text, start in zip(("Ana", "Ben"), SAID, (61, 63.5), strict=True)
        ],
        turns("Ana", "Ben"),
    ),
    "lines": (
        "\n".join(map(json.dumps, records(speaker="speaker", text="text", start="start"))),
        turns("Ana", "Ben"),
    ),
    "events of a stream, with the whole text at the end": (
        "\n".join(
            map(
                json.dumps,
                [
                    {"type": "delta", "delta": "The"},
                    *records(speaker="speaker", text="text", start="start"),
                    {"type": "done", "text": TEXT},
                ],
            )
        ),
        turns("Ana", "Ben"),
    ),
    "values one after another": (
        "\n".join(json.dumps(each, indent=1) for each in records(speaker="who", text="text"))
        + '\n{"partial": ""}\n',
        turns("Ana", "Ben", times=False),
    ),
    "labels of a machine": (
        [{"text": text, "label": f"spk{n}", "offset": SPANS[n][0]} for n, text in enumerate(SAID)],
        turns("spk0", "spk1"),
    ),
    "sentences of speakers": (
        {
            "callTranscripts": [
                {
                    "transcript": [
                        {
                            "speakerId": who,
                            "sentences": [{"start": int(start * 1000), "text": text}],
                        }
                        for who, (start, _), text in zip(("A", "B"), SPANS, SAID, strict=True)
                    ]
                }
            ]
        },
        turns("A", "B"),
    ),
    "channels": (
        {
            "results": {
                "channels": [
                    {
                        "alternatives": [
                            {
                                "transcript": SAID[channel],
                                "words": [
                                    {"word": w, "start": s} for w, s, n in WORDS if n == channel
                                ],
                            }
                        ]
                    }
                    for channel in (1, 0)
                ]
            }
        },
        [("Channel 1", 61.0, SAID[0]), ("Channel 0", 63.0, SAID[1])],
    ),
    "cues in a text": (
        {"language": "en", "transcript": "WEBVTT\n\n01:01.000 --> 01:03.000\n<v Ana>" + SAID[0]},
        turns("Ana", "Ben")[:1],
    ),
    "triples of word and times, with labels beside them": (
        {
            "results": [
                {
                    "alternatives": [
                        {"transcript": TEXT, "timestamps": [[w, s, s + 0.4] for w, s, _ in WORDS]}
                    ]
                }
            ],
            "speaker_labels": [{"from": s, "to": s + 0.4, "speaker": n} for _, s, n in WORDS],
        },
        [("Speaker 0", 61.0, SAID[0]), ("Speaker 1", 63.0, SAID[1])],
    ),
    "parts of words that bring their spaces along": (
        {
            "tokens": [
                {"text": part, "start_ms": int(start * 1000), "speaker": str(who)}
                for n, (w, start, who) in enumerate(WORDS)
                for part in (f"{' ' if n not in (0, 4) else ''}{w[:2]}", w[2:])
                if part
            ]
        },
        [("Speaker 0", 61.0, SAID[0]), ("Speaker 1", 63.0, SAID[1])],
    ),
    "all words again in the last result": (
        {
            "results": [
                *({"alternatives": [{"transcript": text}]} for text in SAID),
                {"alternatives": [{"words": words(word="word", start="start", speaker="tag")}]},
            ]
        },
        [("S0", 61.0, SAID[0]), ("S1", 63.0, SAID[1])],
    ),
    "times in a list of instances": (
        {
            "videos": [
                {
                    "insights": {
                        "transcript": [
                            {"text": text, "speakerId": n, "instances": [{"start": f"0:01:0{n}"}]}
                            for n, text in enumerate(SAID, 1)
                        ],
                        "speakers": [{"id": 1, "name": "Ana"}, {"id": 2, "name": "Ben"}],
                    }
                }
            ]
        },
        [("Ana", 61.0, SAID[0]), ("Ben", 62.0, SAID[1])],
    ),
    "commas in numbers": (
        [
            {"speaker": who, "start": f"{start:.1f}".replace(".", ","), "text": text}
            for who, (start, _), text in zip(("A", "B"), SPANS, SAID, strict=True)
        ],
        turns("A", "B"),
    ),
    "persons, and profiles of users": (
        [
            {"text": SAID[0], "offset": 61.0, "user": "U1", "user_profile": {"real_name": "Ana"}},
            {"text": SAID[1], "offset": 63.5, "personName": "Ben", "personEmail": "b@x.org"},
        ],
        turns("Ana", "Ben"),
    ),
    "lists of lists of objects": (
        [[each] for each in records(speaker="speaker", text="text", start="start")],
        turns("Ana", "Ben"),
    ),
    "labels inside the texts": (
        [{"text": f"[0:01:0{n}] {who}: {SAID[n - 1]}"} for n, who in ((1, "Ana"), (2, "Ben"))],
        [("Ana", 61.0, SAID[0]), ("Ben", 62.0, SAID[1])],
    ),
    "contents in parts, some of which are no text": (
        {
            "messages": [
                {"role": who, "content": [{"type": "text", "text": text}, {"type": "image"}]}
                for who, text in zip(("user", "assistant"), SAID, strict=True)
            ]
        },
        turns("user", "assistant", times=False),
    ),
    "messages with their authors": (
        {
            "mapping": {
                f"id{n}": {
                    "id": f"id{n}",
                    "message": {
                        "author": {"role": who},
                        "create_time": SPANS[n][0],
                        "content": {"content_type": "text", "parts": [SAID[n]]},
                    },
                }
                for n, who in enumerate(("user", "assistant"))
            }
        },
        turns("user", "assistant"),
    ),
    "sources of sound": (
        [
            {"text": text, "start": start, "source": source}
            for text, (start, _), source in zip(SAID, SPANS, ("microphone", "system"), strict=True)
        ],
        turns("Channel microphone", "Channel system"),
    ),
    "an unknown speaker with punctuation": (
        [
            {
                "type": kind,
                "start_time": start,
                "alternatives": [{"content": text, "speaker": who}],
            }
            for kind, start, text, who in (
                ("word", 61.0, "Dry", "S1"),
                ("word", 62.0, "Wet", "UU"),
                ("punctuation", 62.5, "?", "UU"),
            )
        ],
        [("S1", 61.0, "Dry"), (None, 62.0, "Wet?")],
    ),
    "lines with partial results": (
        "\n".join(
            map(
                json.dumps,
                [
                    {
                        "is_final": False,
                        "channel": {"alternatives": [{"transcript": "the sea"}]},
                        "start": 61,
                    },
                    {
                        "is_final": True,
                        "channel": {"alternatives": [{"transcript": SAID[0]}]},
                        "start": 61,
                    },
                    {
                        "is_final": True,
                        "channel": {"alternatives": [{"transcript": SAID[1]}]},
                        "start": 63.5,
                    },
                ],
            )
        ),
        turns(None, None),
    ),
}


@pytest.mark.parametrize(("data", "expected"), SHAPES.values(), ids=SHAPES.keys())
def test_a_shape_is_read_by_its_structure(data: object, expected: list[Row]) -> None:
    assert expected == rows(data)


def test_words_that_cannot_be_told_apart_have_no_speaker() -> None:
    heard = [{"word": "The", "speaker": "A"}, {"word": "noon.", "speaker": "B"}]
    unknown = [{"word": "One", "speaker": "A"}, {"word": "or"}, {"word": "two", "speaker": "B"}]

    partly = [{"word": "Not", "speaker": "A"}, {"word": "by"}, {"word": "noon."}]
    late = [{"word": str(n)} for n in range(30)] + [{"word": "noon.", "speaker": "B"}]
    whole = " ".join(each["word"] for each in late)

    assert [(None, None, TEXT)] == rows([{"text": TEXT, "speaker": "A", "words": heard}])
    assert ["A", None] == [who for who, *_ in rows([{"text": SAID[1], "words": partly}])]
    assert ["A"] == [who for who, *_ in rows([{"text": SAID[1], "speaker": "A", "words": partly}])]
    assert [None, "B"] == [who for who, *_ in rows([{"text": whole, "words": late}])]
    assert ["A", None, "B"] == [who for who, *_ in rows([{"text": "One or two", "words": unknown}])]


def test_a_repeated_sentence_stays() -> None:
    data = {"segments": [{"start": n * 2, "end": n * 2 + 2, "text": " Thanks!"} for n in range(3)]}

    assert ["Thanks!"] * 3 == [text for *_, text in rows(data)]


def test_a_second_transcript_beside_the_first_is_noted() -> None:
    data = {
        "a": {"segments": [{"text": SAID[0], "speaker": "A"}]},
        "b": {"segments": [{"text": SAID[1], "speaker": "B"}]},
    }

    reading = read_text(json.dumps(data), name="t")

    assert ("A", SAID[0]) == (*{(s.speaker, s.text) for s in reading.transcript.segments},)[0]
    assert [("fields 'text'", 3)] == [(e.kind, e.words) for e in reading.report.left_out]


def test_names_in_order_are_doubted_if_the_numbers_do_not_tell_whose_they_are() -> None:
    said = [{"speaker": 1, "text": SAID[0]}, {"speaker": 2, "text": SAID[1]}]
    reading = read_text(json.dumps({"speakers": ["Ana", "Ben", "Cy"], "turns": said}), name="t")

    (warning,) = reading.report.warnings

    assert ["Speaker 1", "Speaker 2"] == list(reading.report.speakers)
    assert "not clear whose the numbers of speakers are" in warning


@pytest.mark.parametrize(
    ("times", "who"),
    [
        (((61, 63), (63.5, 64.5)), ["A", "B"]),
        (((61.1, 63.1), (63.2, 99)), ["A", "B"]),
        (((61, 62), (62, 64.5)), [None, "B"]),  # of two people
        (((61, 64), (62, 64.5)), [None, None]),
        (((61000, 63000), (63500, 64500)), [None, None]),
    ],
    ids=["same", "near", "across", "together", "other unit"],
)
def test_speakers_by_time_have_what_is_said_then(
    times: tuple[tuple[float, float], ...], who: list[str | None]
) -> None:
    spans = [{"speaker": s, "start": a, "end": b} for s, (a, b) in zip("AB", times, strict=True)]
    data = {"segments": records(text="text", start="start", end="end"), "diarization": spans}
    reading = read_text(json.dumps(data), name="t")

    assert who == [each.speaker for each in reading.transcript.segments]
    assert (who[0] is None) == bool(reading.report.warnings)


def test_speakers_of_words_by_time_are_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read_times: list[object] = []
    span_in = json_names.span_in
    monkeypatch.setattr(
        json_names, "span_in", lambda *each: (read_times.append(each), span_in(*each))[1]
    )
    times = [{"start": at * 2.0, "end": at * 2 + 1.9} for at in range(40)]
    said = [
        {**each, "text": "Two words.", "words": [{**each, "word": w} for w in ("Two", "words.")]}
        for each in times
    ]
    spans = [{**each, "speaker": "AB"[at % 2]} for at, each in enumerate(times)]

    assert ["A", "B"] * 20 == [who for who, *_ in rows({"segments": said, "diarization": spans})]
    assert len(times) * 5 == len(read_times)


def test_an_editor_s_words_and_paragraphs_have_their_speakers() -> None:
    said = {"words": [{"text": word, "start": start} for word, start, _ in WORDS]}
    spans = [{"start": 61, "end": 63, "speaker": {"@id": "Ana"}}, {"start": 63, "speaker": "Ben"}]
    blocks = [
        {"text": text, "data": {"speaker": who, "start": start}, "depth": 0}
        for who, text, (start, _) in zip(("Ana", "Ben"), SAID, SPANS, strict=True)
    ]

    for data in ({**said, "paragraphs": spans}, {"blocks": blocks, "entityMap": {}}):
        assert ["Ana", "Ben"] == [who for who, _, _ in rows(data)]


def test_messages_have_no_markup_and_a_text_of_labels_repeats_them() -> None:
    data = {
        "messages": [
            {"id": at, "from": {"user": {"displayName": who}}, "body": {"content": text}}
            for at, (who, text) in enumerate(
                (("Ana", f"<p>{SAID[0]}</p>"), ("Ben", f"{SAID[1]}<br>No."))
            )
        ],
        "transcript": f"Ana: {SAID[0]}\n\nBen: {SAID[1]}",
    }
    reading = read_text(json.dumps(data), name="t")

    assert [("Ana", SAID[0]), ("Ben", f"{SAID[1]} No.")] == [
        (each.speaker, each.text) for each in reading.transcript.segments
    ]
    assert not reading.report.left_out


def test_signs_of_comparison_are_no_markup() -> None:
    text = "If a<b and c>d, use <i>x</i>."

    assert [("Ana", None, text)] == rows([{"speaker": "Ana", "text": text}])


def test_a_text_in_html_is_read_without_it() -> None:
    stamped = '<p><span class="timestamp" data-timestamp="{0}">0:0{0}</span> {1}: {2}</p>'
    text = "".join(map(stamped.format, (1, 3, 5), ("Ana", "Ben", "Ana"), (*SAID, "So.")))

    assert [("Ana", 1.0, SAID[0]), ("Ben", 3.0, SAID[1]), ("Ana", 5.0, "So.")] == rows(
        {"text": text, "media": "call.mp3", "media-time": 7.5}
    )


def test_a_record_is_cut_where_the_time_of_another_speaker_begins() -> None:
    words = [{"word": f" {word}", "start": start, "end": start + 0.4} for word, start, _ in WORDS]
    data = {
        "segments": [{"text": TEXT, "start": 61, "end": 65, "words": words}],
        "diarization": [
            {"start": 60.9, "end": 62.9, "label": "SPEAKER_00"},
            {"start": 63, "end": 65, "label": "SPEAKER_01"},
        ],
    }

    assert [("SPEAKER_00", SAID[0]), ("SPEAKER_01", SAID[1])] == [
        (who, text) for who, _, text in rows(data)
    ]


def test_messages_from_the_newest_to_the_oldest_are_read_in_their_order() -> None:
    said = [
        {"sender_name": who, "timestamp_ms": 1709632800000 + at * 1000, "content": text}
        for at, (who, text) in enumerate((("Ana", SAID[0]), ("Ben", SAID[1]), ("Ana", "So.")))
    ]

    assert [("Ana", 0.0, SAID[0]), ("Ben", 1.0, SAID[1]), ("Ana", 2.0, "So.")] == rows(said[::-1])


def test_a_name_inside_a_record_is_no_speaker_unless_it_says_so() -> None:
    said = [{"text": text, "model": {"name": "large-v3", "role": "asr"}} for text in SAID]

    assert {None} == {who for who, _, _ in rows({"segments": said})}


def test_of_the_same_text_in_several_formats_the_one_with_times_is_read() -> None:
    cues = f"00:01.000 --> 00:03.000\n<v Ana>{SAID[0]}\n\n00:03.000 --> 00:05.000\n<v Ben>{SAID[1]}"
    plain = f"Ana: {SAID[0]}\nBen: {SAID[1]}\nAna:"
    vtt = f"WEBVTT\n\n{cues}"

    for text in (" ".join(SAID), plain):
        expected = [("Ana", 1.0, SAID[0]), ("Ben", 3.0, SAID[1])]
        assert expected == rows({"text": text, "vtt": vtt, "subtitles": vtt})
    with pytest.raises(TranscriptError, match="2 texts"):
        rows({"text": "Something else was said.", "vtt": vtt})


def test_texts_beside_the_transcript_are_noted() -> None:
    data = {
        "summary": "They spoke of many dry seals.",
        "segments": [{"text": "Hi."}, {"text": "Ho."}],
    }

    (left,) = read_text(json.dumps(data), name="t").report.left_out

    assert ("fields 'summary'", 6) == (left.kind, left.words)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        ({"status": "error", "error": "Audio too short.", "text": None}, "'Audio too short.'"),
        ({"error": {"message": "Invalid key", "code": 401}}, "'Invalid key'"),
        ({"err_code": "X", "err_msg": "no audio"}, "error message of a service"),
        ({"id": "x", "status": "queued", "text": None, "words": None}, "status 'queued'"),
        ({"summary": "They met."}, "holds no transcript"),
        (
            {"a": {"text": "One talk."}, "n": 1, "b": {"c": {"transcript": "Another talk."}}},
            "2 texts",
        ),
        ('{"text": "a"}\n{"text": ', "malformed JSON at line 2 column"),
        ([["price", "amount"], [3, 4], [5, 6]], "without a column of words"),
    ],
)
def test_json_without_a_transcript_is_refused(data: object, fault: str) -> None:
    with pytest.raises(TranscriptError) as caught:
        rows(data)

    assert fault in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_summary_is_noted_beside_sentences_that_are_in_the_file_twice() -> None:
    said = [f"Pump {n} was dry by noon." for n in range(2001)]
    turns = [{"speaker": n % 2, "start": n, "text": each} for n, each in enumerate(said)]
    again = [{"sentences": [{"text": each, "start": n}]} for n, each in enumerate(said)]
    data = {"summary": "Nobody said any of this.", "utterances": turns, "paragraphs": again}
    (left,) = read_text(json.dumps(data), name="t").report.left_out

    assert ("fields 'summary'", 5) == (left.kind, left.words)
