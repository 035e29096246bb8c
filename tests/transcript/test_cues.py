"""WebVTT and SRT."""

from __future__ import annotations

import pytest
from helpers.reading import parse_transcript, spoken

from runner.base.errors import TranscriptError
from runner.transcript.read import read_text

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


def srt(*payloads: str, length: float = 2.0) -> str:
    """Return an SRT file of cues that follow one another without a gap."""
    cues = []
    for number, payload in enumerate(payloads, start=1):
        start, end = (f"00:00:{(number + n) * length:06.3f}".replace(".", ",") for n in (0, 1))
        cues.append(f"{number}\n{start} --> {end}\n{payload}\n")
    return "\n".join(cues)


def said(text: str) -> list[tuple[str | None, str]]:
    return [(speaker, words) for speaker, _, _, words in rows(text)]


NAMED = [("Ana", "We open the yard."), ("Ben", "Why now?"), ("Ana", "It is dry.")]
WAYS = {
    "before a colon": "{}: {}",
    "tight": "{}:{}",
    "fullwidth colon": "{}：{}",
    "above the words, with a colon": "{}:\n{}",
    "above the words": "{}\n{}",
    "square brackets": "[{}] {}",
    "square brackets and a colon": "[{}]: {}",
    "brackets above the words": "[{}]\n{}",
    "round brackets": "({}) {}",
    "angle brackets": "<{}> {}",
    "angle brackets and a colon": "<{}>: {}",
    "corner brackets": "【{}】{}",
    "dash": "- {}: {}",
    "chevrons": ">> {}: {}",
    "bold": "<b>{}:</b> {}",
    "a time behind the name": "{} (00:05):\n{}",
    "a time above the words": "{} 00:00:05\n{}",
    "a burnt-in time": "[00:00:05] {}: {}",
    "quotes": '"{}": {}',
    "asterisks": "**{}:** {}",
    "a time behind the name in brackets": "[{} (00:05)]: {}",
    "double brackets": "[[{}]] {}",
    "position": "{{\\an8}}<i>{}: {}</i>",
}


@pytest.mark.parametrize("name", ["Ana", "유리 김", "O'Neill, Séan", "SPEAKER_01", "MAN 1"])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_a_name_is_read_wherever_it_stands(way: str, name: str) -> None:
    expected = [(name if speaker == "Ana" else speaker, words) for speaker, words in NAMED]

    assert expected == said(srt(*(way.format(*each) for each in expected)))


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_a_cue_without_a_name_between_named_ones_has_no_speaker(way: str) -> None:
    one, other, last = (way.format(*each) for each in NAMED)

    actual = said(srt(one, other, "nobody knows\nwho", last, one))

    assert [*NAMED[:2], (None, "nobody knows who"), NAMED[2], NAMED[0]] == actual


def test_names_of_unusual_shape_count_where_every_cue_has_one() -> None:
    text = srt("jo_k: Yes.", "dr. o'neill: No.", "iPhone (2): 10:30 then.", "jo_k: So: pumps.")

    expected = [
        ("jo_k", "Yes."), ("dr. o'neill", "No."), ("iPhone (2)", "10:30 then."),
        ("jo_k", "So: pumps."),
    ]  # fmt: skip

    assert expected == said(text)


@pytest.mark.parametrize(
    "payloads",
    [
        ("[door slams]\nWhat was that?", "[MUSIC]", "[laughs] Nothing.", "[MUSIC] Fine."),
        ("(sighs) So.", "(sighs) Yes.", "(Laughs) No."),
        ("The Budget Is\nforty thousand.", "The Pump Is\nbroken.", "The End Is\nnear."),
        ("Note: it is cold.", "Bring tools.", "And water.", "Then go."),
        ("See https://example.org/a", "and 10:30: done.", "Then go.", "We left."),
    ],
)
def test_what_is_no_name_stays_in_the_words(payloads: tuple[str, ...]) -> None:
    actual = rows(srt(*payloads))

    assert {None} == {speaker for speaker, _, _, _ in actual}
    assert " ".join(payloads).split() == " ".join(words for *_, words in actual).split()


@pytest.mark.parametrize("way", ["{} - {}", "{}> {}", "{} | {}"])
def test_a_name_before_a_dash_in_every_cue_is_a_speaker(way: str) -> None:
    expected = [("Ana", "I see."), ("Ben", "Do you?"), ("Ana", "Now - yes.")]

    assert expected == said(srt(*(way.format(*each) for each in expected)))
    assert {None} == {who for who, _ in said(srt("Ana - I see.", "It is", "broken", "again."))}


@pytest.mark.parametrize("number", ["{}.", "{})", "[{}]", "#{}", "Cue {}"])
def test_numbers_of_cues_are_not_said_however_they_are_written(number: str) -> None:
    cues = (f"{number.format(n)}\n00:00:0{n},000 → 00:00:0{n},900\nAna: So.\n" for n in (1, 2, 3))

    assert [("Ana", "So.")] * 3 == said("\n".join(cues))
    assert [("Ana", "So.")] == said('WEBVTT\n\n00:01.000 --> 00:02.000\n<v "Ana">Ana: So.</v>\n')


def test_cues_in_a_line_each_stay_cues() -> None:
    lines = (
        f"{n} 00:00:0{n},000 --> 00:00:0{n},900 {who}: So." for n, who in ((1, "Ana"), (2, "Bo"))
    )

    assert [("Ana", "So."), ("Bo", "So.")] == said("\n".join(lines))


def test_a_dash_opens_another_voice() -> None:
    actual = said(srt("- Have some tea.\n- It is cold.", "Ana: I see\n- No.", "Ben: -5 degrees."))

    expected = [
        (None, "Have some tea."), (None, "It is cold."),
        ("Ana", "I see"), (None, "- No."), ("Ben", "-5 degrees."),
    ]  # fmt: skip

    assert expected == actual


ROLLING = {
    "two lines": (
        srt("a b c d", "a b c d\ne f g h", "e f g h\ni j k l", "i j k l\nm n o p"),
        "a b c d e f g h i j k l m n o p",
    ),
    "three lines": (
        srt("a b", "a b\nc d", "a b\nc d\ne f", "c d\ne f\ng h"), "a b c d e f g h",
    ),
    "two lines with gaps": (
        "1\n00:00:01,000 --> 00:00:02,000\na b c\n\n"
        "2\n00:00:02,500 --> 00:00:03,000\na b c\nd e f\n\n"
        "3\n00:00:04,000 --> 00:00:05,000\nd e f\ng h i\n",
        "a b c d e f g h i",
    ),
    "held for a moment": (
        "1\n00:00:01,000 --> 00:00:02,990\na b c\n\n2\n00:00:02,990 --> 00:00:03,000\na b c\n\n"
        "3\n00:00:03,000 --> 00:00:04,990\na b c\nd e f\n\n"
        "4\n00:00:04,990 --> 00:00:05,000\nd e f\n\n"
        "5\n00:00:05,000 --> 00:00:07,000\nd e f\ng h i\n",
        "a b c d e f g h i",
    ),
    "words of single lines": (
        srt("we have the numbers", "the numbers for the pump", "the pump and they", "and they go"),
        "we have the numbers for the pump and they go",
    ),
    "growing from one start": (
        "WEBVTT\n\n00:01.000 --> 00:01.400\n<v Ana>So the\n\n"
        "00:01.000 --> 00:02.000\n<v Ana>so the pump\n\n00:01.000 --> 00:03.000\n"
        "<v Ana>So the pump is off.\n",
        "So the pump is off.",
    ),
    "growing one after another": (
        srt("so the", "so the pump", "so the pump is", "So the pump is off.", "Next."),
        "So the pump is off. Next.",
    ),
    "the same cue twice": (
        "00:01.000 --> 00:02.000\nHello there.\n\n00:01.000 --> 00:02.000\nHello there.\n",
        "Hello there.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), ROLLING.values(), ids=ROLLING.keys())
def test_what_is_shown_again_is_said_once_with_a_warning(text: str, expected: str) -> None:
    reading = read_text(text, name="t")

    assert expected == " ".join(each.text for each in reading.transcript.segments)
    assert ["captions"] == [warning.split()[0] for warning in reading.report.warnings]


@pytest.mark.parametrize(
    "payloads",
    [
        ("Thanks for watching!", "Thanks for watching!", "Thanks for watching!"),
        ("No.", "No, no.", "No, no, no."),
        ("Row the boat\nGently down", "Row the boat\nGently down", "Merrily"),
        ("- Yes.\n- No.", "- No.\n- Yes.", "- Yes.\n- No."),
        ("I know\nyou do", "you do\nnot know", "so I\nask you"),
    ],
)
def test_what_is_said_again_stays(payloads: tuple[str, ...]) -> None:
    words = " ".join(payloads).replace("- ", "").split()

    assert words == " ".join(text for *_, text in rows(srt(*payloads))).split()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00:00:20 --> 00:00:24\nOne.\n\n00:00:24 --> 00:00:27\nTwo.", [20, 24]),
        ("0:0:1,5 --> 0:0:2,5\nOne.\n\n100:00:01,000 --> 100:00:02,000\nTwo.", [1.5, 360001]),
        ("01:00:00:01.5 --> 01:00:00:02.5\nOne.", [86401.5]),
        ("00:00:01:05 --> 00:00:01:59\nOne.", [65]),
        ("00:00:01:05 --> 00:00:02:24\nOne.", [1]),
        ("00:00:01.250 -> 00:00:02.0\nOne.", [1.25]),
        ("00:01.000 --> 00:02.000 align:start position:0%\nOne.", [1]),
        ("00:01.000 --> 00:02.000 One.\n", [1]),
        ("1\r\r\n00:00:01,000 --> 00:00:02,000\r\r\nOne.\r\r\n\r\r\n", [1]),
        ("0:00:01.250,0:00:02.500\nOne.\n\n0:00:03.000,0:00:04.000\nTwo.", [1.25, 3]),
        ("1 00:01,250 --> 00:02,000\nOne.\n\n2 00:02,000 --> 00:03,000\nTwo.", [1.25, 2]),
        ("#1\n00:01,250 --> 00:02,000\nOne.\n\n#2\n00:02,000 --> 00:03,000\n.5.", [1.25, 2]),
        ("[SUBTITLE]\n00:00:01.25,00:00:02.50\nOne[br]two.\n", [1.25]),
    ],
)
def test_times_are_read_in_any_notation(text: str, expected: list[float]) -> None:
    assert expected == [start for _, start, _, _ in rows(text, "srt")]


def test_a_cue_without_an_end_is_a_cue_and_tags_may_be_in_capitals() -> None:
    without = "1\n00:00:03,000 -->\nAna: One.\n\n2\n00:00:09,000 -->\nBo: Two.\n"
    assert [("Ana", 3.0, "One."), ("Bo", 9.0, "Two.")] == [
        row[:2] + row[3:] for row in rows(without)
    ]
    capitals = "WEBVTT\n\n62:01.000 --> 62:02.000\n<V Ana Ruiz>One.</V>\n"
    assert [("Ana Ruiz", 3721.0, "One.")] == [row[:2] + row[3:] for row in rows(capitals)]


def test_one_odd_time_is_unknown_and_a_warning_names_its_line() -> None:
    text = srt("One.", "Two.") + "\n3\n00:00:75,000 --> 00:00:80,000\nThree.\n"

    reading = read_text(text, name="t")

    assert [2, 4, None] == [each.start_s for each in reading.transcript.segments]
    assert "line 10: '00:00:75,000" in reading.report.warnings[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1\n00:01.000 --> 00:02.000\nTen\n2\n00:02.000 --> 00:03.000\n4\n", "Ten 4"),
        ("1\n\n00:01.000 --> 00:02.000\n\nTen\n\n2\n\n00:02.000 --> 00:03.000\n\n4", "Ten 4"),
        ("1\n00:01.000 --> 00:02.000\n\n500\n\n2\n00:02.000 --> 00:03.000\nI fold", "500 I fold"),
        ("00:01.000 --> 00:02.000\n3\n\n00:02.000 --> 00:03.000\n2\n", "3 2"),
        ("9\n00:01.000 --> 00:02.000\na\n\nb\n\n17\n00:02.000 --> 00:03.000\nc", "a b c"),
        ("1\n00:01.000 --> 00:02.000\n2\n00:02.000 --> 00:03.000\nc", "c"),
    ],
)
def test_cue_numbers_are_told_from_numbers_that_are_said(text: str, expected: str) -> None:
    assert expected == " ".join(words for *_, words in rows(text))


def test_names_of_cues_are_speakers_where_they_recur_or_are_quoted() -> None:
    body = "{}\n00:0{}.000 --> 00:0{}.900\nHi {}.\n"
    names = ("Ana Ruiz", "Ben", "Ana Ruiz", "Ben")
    recurring = "\n".join(body.format(f"{n} {name}", n, n, n) for n, name in enumerate(names, 1))
    quoted = "\n".join(
        body.format(f'{n} "{name}" (12)', n, n, n) for n, name in enumerate(names, 1)
    )

    for cues in (recurring, quoted):
        assert [*names] == [speaker for speaker, *_ in rows("WEBVTT\n\n" + cues)]


def test_what_is_left_out_of_vtt_is_noted() -> None:
    text = (
        "WEBVTT - made by hand\nKind: captions\n\nNOTE one\ntwo\n\nSTYLE\n::cue {}\n\n"
        "intro part\n00:01.000 --> 00:02.000\nHi.\n\nNOTE bye\n\n00:02.000 --> 00:03.000\nHo."
    )

    left = {each.kind: each.words for each in read_text(text, name="t").report.left_out}

    expected = {
        "comments": 5, "display settings": 3, "lines above the first cue": 5,
        "cue identifiers": 2,
    }  # fmt: skip

    assert expected == left


def test_the_end_of_a_voice_ends_it() -> None:
    assert [("Ana", "Hi."), (None, "and noise")] == said(vtt("<v Ana>Hi.</v> and noise"))


def test_identifiers_that_count_name_people() -> None:
    def who(*names: str) -> list[str | None]:
        cues = (f"{name}\n00:0{n}.000 --> 00:0{n}.900\nSo.\n" for n, name in enumerate(names))
        return [speaker for speaker, _ in spoken("WEBVTT\n\n" + "\n".join(cues))]

    assert ["Ana", "Bo", "Ana"] == who("Ana-0", "Bo-1", "Ana-2")
    assert [None] * 3 == who("Speaker 1", "Speaker 2", "Speaker 3")


def test_nothing_parts_lines_of_chinese_and_japanese() -> None:
    cues = (
        "1\n00:01,0 --> 00:02,0\n田中：おはよう\nございます\n\n"
        "2\n00:03,0 --> 00:04,0\n佐藤：はい A社の\nBさん\n"
    )

    assert [("田中", "おはようございます"), ("佐藤", "はい A社の Bさん")] == spoken(cues)
    assert ["会議を始めます。では。"] == [text for _, text in spoken("会議を\n始めます。\nでは。")]


def test_a_sound_before_a_label_is_no_part_of_the_name() -> None:
    said = ("ANA: One.", "(laughs) BO: Two.", "[BO] Three.", "(sighs) Remember: Four.")
    cues = (f"{n}\n00:0{n},0 --> 00:0{n},9\n{words}\n\n" for n, words in enumerate(said, 1))

    assert [
        ("ANA", "One."), ("BO", "(laughs) Two."), ("BO", "Three."), (None, said[3])
    ] == spoken("".join(cues))  # fmt: skip


def test_a_name_alone_in_a_cue_speaks_in_the_next() -> None:
    said = ("ANA: One.", "BO:", "Two.", "ANA: Three.", "BO:", "ANA: Four. BO: Five.", "BO:")
    cues = (f"{n}\n00:0{n},0 --> 00:0{n},9\n{words}\n\n" for n, words in enumerate(said, 1))

    assert [
        ("ANA", "One."), ("BO", "Two."), ("ANA", "Three."), (None, "BO:"), ("ANA", "Four."),
        ("BO", "Five."), (None, "BO:")
    ] == spoken("".join(cues))  # fmt: skip


@pytest.mark.parametrize(
    "said",
    [
        ("He said: go home.", "I said: no.", "We have: one, two."),
        ("[whispering] Come here.", "[whispering] No.", "[softly] Why?", "[SHOUTING] Go!"),
    ],
    ids=["clauses", "manners"],
)
def test_what_somebody_says_in_a_caption_is_no_label(said: tuple[str, ...]) -> None:
    cues = (f"{n}\n00:0{n},0 --> 00:0{n},9\n{words}\n\n" for n, words in enumerate(said, 1))

    assert [(None, words) for words in said] == spoken("".join(cues))
