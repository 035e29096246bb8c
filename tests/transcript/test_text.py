"""Plain text and Markdown in common layouts."""

from __future__ import annotations

import pytest
from helpers.reading import parse_transcript, spoken, starts

from runner.transcript.model import MAX_SEGMENT_CHARS
from runner.transcript.read import read_text

TWO_SPEAKERS = {
    "name and colon": "Alice: Hi there.\nBob: Yes.",
    "bold with the colon inside": "**Alice:** Hi there.\n\n**Bob:** Yes.",
    "bold with the colon outside": "**Alice**: Hi there.\n\n**Bob**: Yes.",
    "bracketed time first": "[00:00:01] Alice: Hi there.\n[00:00:05] Bob: Yes.",
    "bare time first": "00:00:01 Alice: Hi there.\n00:00:05 Bob: Yes.",
    "bracketed time last": "Alice [00:00:01]: Hi there.\nBob [00:00:05]: Yes.",
    "parenthesised time last": "Alice (00:01): Hi there.\nBob (00:05): Yes.",
    "time after the colon": "Alice: [00:01] Hi there.\nBob: [00:05] Yes.",
    "name and time on their own line": "Alice  0:01\nHi there.\n\nBob  0:05\nYes.",
    "bold name and time on their own line": "**Alice** 0:01\n\nHi there.\n\n**Bob** 0:05\n\nYes.",
    "bold around time, name and role": "**[00:01] Alice (Host):** Hi there.\n**[00:05] Bob:** Yes.",
    "bold time": "**[00:01]** Alice: Hi there.\n**[00:05]** Bob: Yes.",
    "role in parentheses": "Alice (Chief of Staff): Hi there.\nBob (CTO): Yes.",
    "brackets around the name": "[Alice]: Hi there.\n[Bob]: Yes.",
    "bullets": "- Alice: Hi there.\n- Bob: Yes.",
    "quote marks": "> Alice: Hi there.\n> Bob: Yes.",
    "text below the name": "Alice:\nHi there.\n\nBob:\nYes.",
    "wrapped lines": "Alice: Hi\nthere.\nBob: Yes.",
    "bare span of time": "0:01.000 --> 0:04.000 Alice: Hi there.\n0:05.0 --> 0:06.0 Bob: Yes.",
    "span of time": "[00:00:01.000 --> 00:00:04.000] Alice: Hi there.\n[00:05 - 00:06] Bob: Yes.",
}


@pytest.mark.parametrize("text", TWO_SPEAKERS.values(), ids=TWO_SPEAKERS.keys())
def test_common_layouts_give_the_same_two_turns(text: str) -> None:
    actual = spoken(text)

    assert [("Alice", "Hi there."), ("Bob", "Yes.")] == actual


@pytest.mark.parametrize(
    "label",
    [
        "SPEAKER_00",
        "Speaker 1",
        "spk_0",
        "MR. O'BRIEN",
        "Dr. Jane von Neumann",
        "José María",
        "田中",
    ],
)
def test_labels_of_many_shapes_are_speakers(label: str) -> None:
    actual = spoken(f"{label}: one two\nBob: three\n{label}: four")

    assert [label, "Bob", label] == [speaker for speaker, _ in actual]


@pytest.mark.parametrize(
    "line",
    [
        "So here's the thing: we go.",
        "Question: what is next?",
        "Note: this is recorded.",
        "https://example.org: the page",
        "10:30 was the time.",
        "It's simple: do it.",
        "Here's The Plan: do it.",
    ],
)
def test_a_clause_with_a_colon_inside_a_turn_is_not_a_speaker(line: str) -> None:
    actual = spoken(f"Alice: I think so.\n{line}\nBob: Fine.\nAlice: Right.\nBob: Good.")

    assert ("Alice", f"I think so. {line}") == actual[0]
    assert {"Alice", "Bob"} == {speaker for speaker, _ in actual}


def test_a_bold_label_rules_out_unbolded_ones() -> None:
    text = "**Ann:** One.\n\n**Bo:** Two.\n\nPlan: three.\n\n**Ann:** Four.\n\n**Bo:** Five.\n"

    actual = spoken(text)

    assert [("Ann", "One."), ("Bo", "Two."), ("Bo", "Plan: three.")] == actual[:3]


@pytest.mark.parametrize("aside", ["- Milk: two", "**Important:** do it"])
def test_a_lone_label_dressed_unlike_the_turns_is_not_a_speaker(aside: str) -> None:
    actual = spoken(
        f"Ann: We need:\n\n{aside}\n\nBob: Fine.\n\nAnn: Good.\n\nBob: Bye.\n\nAnn: Bye."
    )

    assert [("Ann", "We need:"), ("Ann", aside), ("Bob", "Fine.")] == actual[:3]


def test_a_person_who_speaks_once_is_still_a_speaker() -> None:
    actual = spoken("Alice: Hi.\n\nMax: Yes.\n\nAlice: Good.\n\nBob: Fine.\n\nBob: Bye.")

    assert ("Max", "Yes.") == actual[1]


def test_roles_stay_only_where_they_tell_two_speakers_apart() -> None:
    actual = spoken("Speaker (Host): a\nSpeaker (Guest): b\nAnn (CEO): c\nAnn (CEO): d")

    assert ["Speaker (Host)", "Speaker (Guest)", "Ann", "Ann"] == [name for name, _ in actual]


def test_depositions_read_question_and_answer() -> None:
    text = "BY MR. SMITH:\nQ. Where were you?\nA. At home,\n  alone.\nMS. DOE: Objection.\nA. Yes."

    actual = spoken(text)
    expected = [
        ("Q", "Where were you?"),
        ("A", "At home, alone."),
        ("MS. DOE", "Objection."),
        ("A", "Yes."),
    ]

    assert expected == actual


def test_line_numbers_of_a_deposition_are_not_text() -> None:
    lines = ["Q. Where were you?", "A. At home, on the", "couch.", "Q. And then?", "A. I left."] * 5
    text = "\n".join(f"{index % 25 + 1:>3}   {line}" for index, line in enumerate(lines))

    actual = spoken(text)

    assert [("Q", "Where were you?"), ("A", "At home, on the couch.")] == actual[:2]


def test_broadcast_chevrons_open_turns_of_unknown_or_named_speakers() -> None:
    actual = spoken(">> Good evening.\n>> JOHN DOE: Thanks.\nMore.\n>> And now: the weather.")

    expected = [
        (None, "Good evening."),
        ("JOHN DOE", "Thanks. More."),
        (None, "And now: the weather."),
    ]

    assert expected == actual


def test_lone_time_lines_start_what_follows_and_are_not_text() -> None:
    text = "Ann: One.\n\n00:05:00\n\nBob: Two.\n\nAnn: Three.\n\nMeeting ended after 00:06:00 👋\n"

    assert [None, 300.0, None] == starts(text)
    assert ["One.", "Two.", "Three."] == [words for _, words in spoken(text)]


@pytest.mark.parametrize(
    ("stamp", "seconds"),
    [
        ("[00:00:01]", 1.0),
        ("[01:02:03]", 3723.0),
        ("(12:34)", 754.0),
        ("[00:00:01.500]", 1.5),
        ("1:02:03", 3723.0),
        ("[75:00]", 4500.0),
        ("01:02:03 PM", 46923.0),
    ],
)
def test_stamps_are_seconds(stamp: str, seconds: float) -> None:
    actual = starts(f"{stamp} Ann: One.\n{stamp} Bob: Two.")

    assert [seconds, seconds] == actual


def test_spans_give_an_end() -> None:
    segment = parse_transcript("[00:01 --> 00:04] Ann: One.", name="t").segments[0]

    assert (1.0, 4.0) == (segment.start_s, segment.end_s)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("[00:09] Second: we go.", "Second: we go."),
        ("**[00:09]** Second: we go.", "Said. Second: we go."),
        ("Monday 10:30", "Monday 10:30"),
        (">> Second (so to say): we go.", "Second (so to say): we go."),
        ("[00:09] No name at all.", "No name at all."),
    ],
)
def test_a_label_that_names_nobody_stays_in_the_text(line: str, expected: str) -> None:
    turns = "\n".join(f"[00:0{n}] {'Ann' if n % 2 else 'Bob'}: Said." for n in range(8))

    actual = " ".join(words for _, words in spoken(f"{turns}\n{line}"))

    assert actual.endswith(expected)


def test_text_without_speakers_is_read_by_paragraph() -> None:
    actual = spoken("# Title\n\nFirst line\nsecond line.\n\nAnother one. Third: a thing.\n\n---\n")

    assert [(None, "First line second line."), (None, "Another one. Third: a thing.")] == actual


@pytest.mark.parametrize(
    "front",
    [
        "---\ntitle: Call\ndate: 2024-01-01\n---\n",
        "# Call\n\n",
        "WEEKLY CALL\nMarch 3, 2024\n\n",
        "Date: today\nAttendees: Ann, Bob\n\n",
        "_This transcript was made by a machine and may contain errors._\n\n",
        "Opening........................ 3\nClosing........................ 9\n\n",
        "[GRAPHIC] [TIFF OMITTED] T6776.001\n\n",
    ],
)
def test_front_matter_is_nobodys_speech(front: str) -> None:
    actual = spoken(f"{front}Ann: One.\n\nBob: Two.\n\nAnn: Three.")

    assert [("Ann", "One."), ("Bob", "Two."), ("Ann", "Three.")] == actual


def test_the_rules_of_front_matter_may_be_indented() -> None:
    text = " ---\ntitle: Call\ndate: 2024-01-01\n ---\nWe met at noon."

    assert [(None, "We met at noon.")] == spoken(text)


def test_sentences_before_the_first_turn_are_kept_without_speaker() -> None:
    actual = spoken("We recorded this in the kitchen on a rainy day.\n\nAnn: One.\n\nAnn: Two.")

    assert (None, "We recorded this in the kitchen on a rainy day.") == actual[0]


@pytest.mark.parametrize("last", ["Ann: Three.\n---\nBob: Four.", "---\nBob: Three.\nAnn: Four."])
def test_speech_between_two_rules_is_not_yaml(last: str) -> None:
    assert 4 == len(spoken(f"---\nAnn: One.\nBob: Two.\n{last}"))


def test_facts_of_a_yaml_block_are_kept() -> None:
    text = "---\ntitle: 'Call'\nDate: 2024-01-01\nlist: [a]\n---\nAnn: One.\nBob: Two.\n"

    assert {"title": "Call", "date": "2024-01-01"} == read_text(text, name="t").report.about


def test_recognition_marks_go_and_turns_of_nothing_else_with_them() -> None:
    actual = spoken("Ann: {vocalsound}\nBob: So {disfmarker} we [inaudible] go .\nAnn: {gap} .")

    assert [("Bob", "So we [inaudible] go .")] == actual


def test_paragraphs_of_one_turn_are_segments_of_one_speaker() -> None:
    actual = spoken("Ann: One.\n\nTwo.\n\nBob: Three.\n\nAnn: Four.")

    assert ["Ann", "Ann", "Bob", "Ann"] == [speaker for speaker, _ in actual]


def test_long_turns_are_cut_at_sentence_ends() -> None:
    sentence = "Dr. Smith and Mr. Jones said that the plan is sound. "

    segments = parse_transcript(f"[00:07] Ann: {sentence * 60}", name="t").segments

    assert all(segment.text.endswith("sound.") for segment in segments)
    assert all(len(segment.text) <= MAX_SEGMENT_CHARS for segment in segments)
    assert (sentence * 60).split() == " ".join(segment.text for segment in segments).split()
    assert [7.0, *[None] * (len(segments) - 1)] == [segment.start_s for segment in segments]


def test_segments_are_numbered_from_one() -> None:
    transcript = parse_transcript("Ann: One.\nBob: Two.", name="call")

    assert ("call", "text") == (transcript.name, transcript.format)
    assert ["S0001", "S0002"] == [segment.id for segment in transcript.segments]
