"""Interviews, briefings, depositions, debates: who speaks where a label or a mark is missing."""

from __future__ import annotations

import json

import pytest
from helpers.reading import spoken, starts

P = "This is what we found at the yard when we opened the pump, and it took a while."
LINE = "We saw the pump, and what there was of it we gave to them, and to you,"
LABELLED = (
    "<rede>{}<p>One.</p><kommentar>(Applause)</kommentar><name>The Chair:</name><p>Two.</p></rede>"
)
SPEAKER = "<p><redner><vorname>Ana</vorname><nachname>Li</nachname></redner>Ana Li (SPD):</p>"


def who(text: str) -> list[str | None]:
    """Return the speakers of *text*, one for each of its segments."""
    return [speaker for speaker, _ in spoken(text)]


@pytest.mark.parametrize(
    "lines",
    [
        ("Q: What?", "", "A dog.", "", "Q: Why?", "", "It barks.", "", "So.", "", "Q: Fine."),
        ("**Q: What?**", "", "A dog.", "", "**Q: Why?**", "", "It barks.", "So.", "", "**Q: Ok?**"),
        ("Cy Fox: What?", "A dog.", "Cy Fox: Why?", "It barks.", "So.", "Cy Fox: Fine."),
        ("Q. What is it?", "A dog.", "Q. Why?", "It barks.", "Q. Fine?"),
        (
            "[0:01] Q: What?",
            "",
            "A dog.",
            "",
            "[0:09] Q: Why?",
            "",
            "It barks.",
            "",
            "[0:12] Q: So?",
        ),
        (
            "Q",
            "",
            "What?",
            "",
            "A dog.",
            "",
            "Q",
            "",
            "Why?",
            "",
            "It barks.",
            "",
            "Q",
            "",
            "Fine.",
        ),
    ],
)
def test_what_stands_between_turns_of_the_only_label_is_said_by_others(
    lines: tuple[str, ...],
) -> None:
    labelled = [any(name in line for name in ("Q", "Cy Fox")) for line in lines]
    said = who("\n".join(lines))

    assert said[:4] == [said[0], None, said[0], None]
    assert sum(each is not None for each in said) == sum(labelled)


def test_who_speaks_again_at_once_has_not_said_what_stands_between() -> None:
    asked = (
        "Host: What?\n\nA dog.\n\n(Laughter)\n\nHost: Why?\n\nIt barks.\n\nHost: So?\n\nYes.\n\n"
    )

    said = ["Host", None, None, "Host", None, "Host", None, "Caller", "Host", "Caller"]
    assert said == who(f"{asked}Caller: Hello!\n\nHost: Ok.\n\nCaller: And now?\n")


def test_paragraphs_of_several_speakers_are_theirs() -> None:
    text = f"Ana: {P}\n\n{P}\n\nBo: {P}\n\n(Applause)\n\nBo: {P}\n\n{P}\n\nAna: {P}\n\n{P}\n"

    assert ["Ana", "Ana", "Bo", None, "Bo", "Bo", "Ana", "Ana"] == who(text)


@pytest.mark.parametrize(
    "text",
    [
        f"Ana: {P}\n\n{P}\n\n{P}\n",
        f"[0:01] Ana: {P}\n\n{P}\n\n[0:30] Ana: {P}\n\n{P}\n",
        f"Ana: {P}\nIt was\nlate.\nAna: {P}\nSo cold.\nAna: {P}\n",
        f"Ana: {P}\n\n{P}\n\n## Two\n\nAna: {P}\n\n{P}\n\n## Three\n\nAna: {P}\n\n{P}\n",
        f"Ana: {P}\n\nConnecting the dots\n\n{P}\n\nThree things:\n\n{P}\n",
    ],
    ids=["once", "timed", "no question", "in parts", "with titles"],
)
def test_paragraphs_of_a_single_speaker_are_hers(text: str) -> None:
    assert {"Ana"} == set(who(text))


@pytest.mark.parametrize("note", ["[VIDEO PLAYS]", "(Applause)", "## Two"])
def test_who_speaks_on_after_a_note_or_a_heading_has_said_all_paragraphs(note: str) -> None:
    talk = f"Professor Li: {P}\n\n{P}\n\n{note}\n\n" * 3

    said = who(f"Host: Who is next?\n\n{talk}Host: Thanks.\n")
    assert ["Host", *["Professor Li"] * 6, "Host"] == [each for each in said if each]


@pytest.mark.parametrize("line", ["Three things:", "The early years", "Yes, of course"])
def test_a_short_line_amid_a_speech_takes_it_from_nobody(line: str) -> None:
    text = f"Ana: {P}\n\n{line}\n\n{P}\n\nBo: {P}\n\nAna: {P}\n\nBo: {P}\n"

    assert ["Ana", "Ana", "Ana", "Bo", "Ana", "Bo"] == who(text)


@pytest.mark.parametrize("first", ["Yes.", "Right.", "Thank you.", P])
def test_what_is_said_again_below_a_label_is_no_role(first: str) -> None:
    text = f"Ana (00:01):\n{first}\n\n{P}\n\nBo (00:09):\nWhy?\n\n" * 2

    assert [first, P, "Why?"] * 2 == [words for _, words in spoken(text)]


def test_prompts_that_are_no_questions_are_asked_too() -> None:
    asked = ("Please state your name.", "Tell me of the yard.", "Go on.", "And then?")

    said = who("".join(f"Interviewer: {each}\n\nWe lost it.\n\n" for each in asked))
    assert ["Interviewer", None] * 4 == said


@pytest.mark.parametrize("mark", ["Q    ", "Q. ", "Q ", "Q: ", "Q\t"])
@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_questions_without_a_name_are_no_words_of_the_speaker_above(mark: str, gap: str) -> None:
    lines = ("MS. LI: I have one.", "Thank you. First --", "MS. LI: Yes.", "-- the pump.")
    turns = [line if ":" in line else mark + line for line in (*lines, *lines[2:], "MR. ITO: So.")]

    expected = ["MS. LI", "Q", "MS. LI", "Q", "MS. LI", "Q", "MR. ITO"]
    assert expected == who(gap.join(turns))


def test_a_letter_that_begins_a_sentence_is_no_question() -> None:
    text = "Ana: Take it.\nQ Magazine wrote so.\nBo: Q is right.\nAna: A B test, then.\n"

    assert ["Ana", "Bo", "Ana"] == who(text)


def test_a_header_in_columns_makes_no_columns_of_a_deposition() -> None:
    lines = (
        "Q.   Where?",
        "A.   Home, and",
        "then out.",
        "Q.   Alone?",
        "     MR. LI:   Objection.",
    )
    body = [
        *lines,
        "A.   Yes.",
        "     THE WITNESS:  Water?",
        "BY MS. FOX:",
        "Q.   When?",
        "A.   So.",
    ]
    page = [f"{number:>2}       {line}" for number, line in enumerate(body, start=1)]
    text = "\n".join([f"{'DEPOSITION OF ANA RUIZ':>40}                12\n", *page])

    assert ["Q", "A", "Q", "MR. LI", "A", "THE WITNESS", "Q", "A"] == who(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Senator LI (Leeds) (10.02 a.m.)—One.\n\nMr FOX—Two—or three.\n\nSenator LI—So.\n\n"
            "The PRESIDENT—Order!\n\nMr FOX—Hear, hear.\n",
            ["Senator LI", "Mr FOX", "Senator LI", "The PRESIDENT", "Mr FOX"],
        ),
        (
            "Chairman SMITH. Order.\n\nMr. LI. One.\n\nChairman SMITH. Go on.\n\n"
            "Ms. O'NEILL of Ohio. Two.\n\nSenator McCAIN. So.\n",
            ["Chairman SMITH", "Mr. LI", "Chairman SMITH", "Ms. O'NEILL of Ohio", "Senator McCAIN"],
        ),
        (
            "Chairman Smith. Order.\n\nMr. Li. One.\n\nThe Chairman. Go on.\n\nMr. Li. Two.\n",
            ["Chairman Smith", "Mr. Li", "The Chairman", "Mr. Li"],
        ),
        (
            f"Mr. Li. {LINE}\nMr. Fox. {LINE}\nwho is here now.\nMr. Fox. So.\n" * 4,
            ["Mr. Li", "Mr. Fox"] * 4,
        ),
        (
            f"ana ruiz\n\n{P}\n\nbo li\n\n{P}\n\nana ruiz\n\n{P}\n\narchived recording 1\n\n{P}\n",
            ["ana ruiz", "bo li", "ana ruiz", "archived recording 1"],
        ),
    ],
    ids=["dash without spaces", "title and capitals", "title and name", "wrapped", "lower case"],
)
def test_a_label_of_a_debate_is_a_speaker(text: str, expected: list[str]) -> None:
    assert expected == who(text)


def test_a_list_of_the_speakers_below_the_last_turn_is_not_said() -> None:
    people = ["Ana Ruiz -- Acme -- Chief", "Bo Li -- Bank -- Analyst"]
    call = [line for name in ("Operator", *people, "Operator") for line in (name, P)]
    below = ["Duration: 61 minutes", "Call participants:", *people, "More analysis"]
    text = "\n\n".join([*call, *below])

    assert [P] * 4 == [words for _, words in spoken(text)]


@pytest.mark.parametrize("title", ["Episode 12", "Interview 3", "Session 2", "Lecture 1"])
def test_the_number_of_a_recording_is_no_speaker(title: str) -> None:
    assert ["Ana", "Bo", "Ana"] == who(f"{title}: The pump\n\nAna: One.\nBo: Two.\nAna: Three.\n")


def test_notes_end_at_the_heading_right_above_the_first_turn() -> None:
    turns = "0:01 Ana: One.\n0:05 Bo: Two.\n0:09 Ana: Three.\n"
    text = (
        f"Summary\n- The pump is lost.\n\nAction items\nAna: call\nBo: order\n\nTranscript\n{turns}"
    )

    assert spoken(turns) == spoken(text)


@pytest.mark.parametrize(
    "line",
    [
        "end of meeting season",
        "end of the interview",
        "Recording ended after 2 hours",
        "[GRAPHIC] that is what it said",
    ],
)
def test_words_like_a_notice_are_said(line: str) -> None:
    assert f"It was the {line}" == spoken(f"Ana: It was the\n{line}\nBo: Yes.\nAna: So.\n")[0][1]


@pytest.mark.parametrize("notice", ["End of interview", "[END OF TAPE 1]", "End of Side A."])
def test_the_end_of_a_recording_is_not_said(notice: str) -> None:
    assert ("Ana", "So.") == spoken(f"Ana: One.\nBo: Two.\nAna: So.\n{notice}\n")[-1]


@pytest.mark.parametrize(
    "line", ["=== part 2.txt ===", "--- part 2 ---", "== Two ==", "*** Cy joined the chat ***"]
)
def test_a_line_between_rules_is_not_said(line: str) -> None:
    turns = "Ana: One.\nBo: Two.\nAna: Three."

    assert [*spoken(turns), *spoken(turns)] == spoken(f"{turns}\n{line}\n{turns}")


def test_turns_of_another_layout_in_a_part_of_their_own_are_no_words_of_the_last_speaker() -> None:
    first = "Ana: One.\nBo: Two.\nAna: Three.\nBo: So?\n"
    second = "[00:10:01] S_00\nWe go on.\n\n[00:10:09] S_01\nYes.\n\n[00:10:15] S_00\nSo.\n"

    assert ["Ana", "Bo", "Ana", "Bo", "S_00", "S_01", "S_00"] == who(f"{first}\n{second}")


def test_dates_between_days_are_not_said_and_dates_in_answers_are() -> None:
    days = "18 September 2026\nAna: One.\nBo: Two.\n19 September 2026\nAna: Three.\nBo: So.\n"
    answers = "Ana\nWhen?\n\nBo\n18 September 2026\n\nAna\nAnd then?\n\nBo\n19 September 2026\n"

    assert ["One.", "Two.", "Three.", "So."] == [words for _, words in spoken(days)]
    assert ("Bo", "19 September 2026") == spoken(answers)[-1]
    assert ("Bo", "They were 18 May 2026 19 May 2026") == spoken(
        "Ana: When?\nBo: They were\n18 May 2026\n19 May 2026\nAna: Ok.\nBo: Yes.\n"
    )[1]


def test_the_dates_of_a_diary_stay() -> None:
    diary = "".join(f"{day} May 2026\n\n{P}\n\n" for day in (18, 19, 20))

    assert "19 May 2026" in [words for _, words in spoken(diary)]


@pytest.mark.parametrize("mark", ["- ", ". ", ") "])
def test_a_code_with_any_mark_behind_it_is_a_speaker(mark: str) -> None:
    text = "".join(f"{code}{mark}So it is.\n" for code in ("P1", "R12", "P1", "R12"))

    assert ["P1", "R12"] * 2 == who(text)


@pytest.mark.parametrize(
    "heading",
    ["Summary\n\n", "SUMMARY\n\n", "Next steps:\n", "About the speakers\n\n", "Notes:\n\n"],
)
def test_what_stands_below_a_heading_at_the_end_is_said_by_nobody(heading: str) -> None:
    text = f"Ana: One it is.\n\nBo: Two it is.\n\nAna: So.\n\n{heading}They lost the pump.\n"

    assert ["Ana", "Bo", "Ana"] == [name for name in who(text) if name]
    assert spoken(text)[-1][0] is None


def test_short_answers_and_lists_are_said() -> None:
    above = "Ana\n\nDid he?\n\nBo\n\nRight\n\nAna\n\nWell.\n\nBo\n\nHe said:\n\nTake it.\n"

    assert ["Ana", "Bo", "Ana", "Bo", "Bo"] == who(above)


@pytest.mark.parametrize("part", ["SECTION B: THE YARD", "Part 2: the yard", "Topic 12: Yards"])
def test_a_numbered_part_of_a_file_is_no_speaker(part: str) -> None:
    assert ["I", "R", None, "I", "R"] == who(f"I: What?\nR: A dog.\n\n{part}\n\nI: Why?\nR: So.\n")


@pytest.mark.parametrize(
    "above",
    [
        "Participants\nAR - Ana Ruiz\nBL - Bo Li\n\n",
        "Key: [..] = inaudible; // = overlap\nAR = Ana Ruiz\n\n",
        "| Date | Site |\n|---|---|\n| 2026-09-18 | Oslo |\n\n",
    ],
    ids=["people", "key", "table"],
)
def test_facts_above_the_first_turn_are_not_said(above: str) -> None:
    turns = f"AR: {P}\nBL: {P}\nAR: {P}\n"

    assert spoken(turns) == spoken(above + turns)


def test_each_table_of_a_file_is_read_and_a_small_one_of_facts_is_not() -> None:
    table = f"| Time | Speaker | Text |\n|---|---|---|\n| 0:01 | Ana | {P} |\n| 0:09 | Bo | {P} |\n"
    people = "| Speaker | Role |\n|---|---|\n| Ana | Chief |\n\n"

    assert ["Ana", "Bo"] * 5 == who(people + "".join(f"## {part}\n\n{table}\n" for part in "ABCDE"))
    assert ["Ana", "Bo", None, None, None, None] == who(table + f"\n{P}\n" * 4)


@pytest.mark.parametrize("turn", ["[{}] {}", "{} - {}", "{}\n{}", "**{}** {}"])
def test_a_fact_below_the_first_turns_is_no_end_of_a_header(turn: str) -> None:
    said = [turn.format(*each) for each in (("Ana", "One."), ("Bo", "Two."), ("Ana", "So."))] * 2

    text = "\n\n".join([*said[:3], "Date: 18 May 2026", *said[3:]])
    words = [words for _, words in spoken(text) if "Date" not in words]
    assert ["One.", "Two.", "So."] * 2 == words


@pytest.mark.parametrize("form", ["{}", "WEBVTT\n\n{}"])
def test_what_stands_below_the_last_cue_is_not_said_in_it(form: str) -> None:
    times = [f"00:00:0{second}.000 --> 00:00:0{second + 1}.000" for second in (1, 3)]
    cues = f"1\n{times[0]}\nAna: One.\n\n2\n{times[1]}\nBo: Two.\n"

    assert [("Ana", "One."), ("Bo", "Two.")] == spoken(form.format(f"{cues}\nSummary: lost.\n"))
    assert ("Bo", "Two. Three.") == spoken(
        form.format(f"{cues}\nThree.").replace("One.", "One\n\nis.")
    )[1]


def test_lines_of_the_last_cue_that_blank_lines_part_are_said() -> None:
    cues = (
        ("00:00:01,000 --> 00:00:02,000", "Ana: One."),
        ("00:00:03,000 --> 00:00:04,000", "Bo: Two"),
    )
    lines = [line for number, cue in enumerate(cues, start=1) for line in (str(number), *cue)]

    assert ("Bo", "Two and three.") == spoken("\n\n".join([*lines, "and three."]))[-1]


def test_a_file_in_a_fence_is_read_as_that_file() -> None:
    assert [("Ana", "One.")] == spoken('```json\n[{"speaker": "Ana", "text": "One."}]\n```\n')


def test_page_numbers_between_dashes_are_not_said() -> None:
    text = "\n\n".join(f"Ana: One\n\n- {n} -\n\nand two.\nBo: So." for n in range(2, 6))

    assert [("Ana", "One"), ("Ana", "and two."), ("Bo", "So.")] * 4 == spoken(text)


@pytest.mark.parametrize(
    ("lines", "hours"),
    [
        (("Mon 10:00 Ana: hi", "Mon 11:00 Bo: so", "Tue 9:00 Ana: on", "Mon 9:00 Bo: ok"),
         [10, 11, 33, 177]),
        (("[Fri 10:00] Ana: hi", "[Fri 11:00] Bo: so", "[Mon 9:00] Ana: on"), [10, 11, 81]),
        (("Mon 10:00 Ana\nhi\n", "Mon 11:00 Bo\nso\n", "Tue 9:00 Ana\non\n"), [10, 11, 33]),
        (("Monday, 10:00 AM\nAna: hi", "Tuesday, 9:00 AM\nBo: so", "Tuesday, 9:30 PM\nAna: on"),
         [10, 33, 45.5]),
        (("[09/18/2026 10:00] Ana: hi", "[Sun 9:00] Bo: so", "[Mon 9:00] Ana: on"), [10, 57, 81]),
    ],
    ids=["bare", "in brackets", "before names", "on lines of their own", "below a date"],
)  # fmt: skip
def test_times_of_weekdays_are_no_speakers_and_grow(lines: list[str], hours: list[float]) -> None:
    text = "\n".join(lines)

    assert {"Ana", "Bo"} == set(who(text))
    assert [hour * 3600 for hour in hours] == starts(text)


def test_weekdays_and_times_that_begin_sentences_are_words() -> None:
    days = ("Monday 10:30 works for me.", "Tuesday 9:15 is better.", "Wed 9:30 too.")

    assert [*days] == [words for _, words in spoken("\n\n".join(days))]


@pytest.mark.parametrize("speech", ["speech", "question", "answer"])
def test_speeches_questions_and_answers_of_a_debate_are_in_order(speech: str) -> None:
    said = "<{0} by='#{1}'><from>{1} Li</from><p>We have lost {2} of them.</p></{0}>"
    turns = [("speech", "Ana", "one"), (speech, "Bo", "two"), ("speech", "Ana", "three")]
    body = "".join(said.format(*turn) for turn in turns)

    assert [f"We have lost {number} of them." for *_, number in turns] == [
        words for _, words in spoken(f"<?xml version='1.0'?><debate><part>{body}</part></debate>")
    ]


@pytest.mark.parametrize("people", ["", "<rednerliste><vorname>Ana</vorname></rednerliste>"])
def test_a_label_amid_the_paragraphs_of_a_speech_ends_it(people: str) -> None:
    speeches = LABELLED.format(SPEAKER) * 2
    text = f"<?xml version='1.0'?><protokoll><verlauf>{speeches}</verlauf>{people}</protokoll>"

    said = [("Ana Li", "One."), (None, "(Applause)"), ("The Chair", "Two.")]
    assert said * 2 == spoken(text)


def test_labels_beside_elements_that_name_speakers_are_none() -> None:
    turns = f"<turn who='Ana'>{P}</turn><turn who='Bo'>{P}</turn>"

    text = f"<?xml version='1.0'?><talk><p>Agenda:</p><p>Pumps</p>{turns}</talk>"
    assert [("Ana", P), ("Bo", P)] == spoken(text)


def test_lines_that_return_in_a_song_are_no_speakers() -> None:
    lines = ["we lost it", "we found it", "we lost it", "and so on", "we lost it", "and then"]

    assert {None} == set(who("\n\n".join(lines)))


@pytest.mark.parametrize("names", [("Unit 12", "Unit 7", "Unit 9"), ("Session Chair", "Bo", "Bo")])
def test_a_unit_and_who_chairs_a_session_are_speakers(names: tuple[str, ...]) -> None:
    text = "".join(f"{name}: we are at the yard\nDispatch: copy\n" for name in names)

    assert [each for name in names for each in (name, "Dispatch")] == who(text)


def test_short_answers_that_return_in_lower_case_are_no_speakers() -> None:
    lines = ("yeah", "so i think we go", "all right", "yeah", "it is broken", "all right", "right")

    assert {None} == set(who("\n\n".join(lines)))


def test_a_name_like_that_of_a_part_is_a_speaker() -> None:
    assert ["Ms. Block", "Li", "Block", "Li"] == who(
        "Ms. Block: We.\nLi: Who?\nBlock: Us.\nLi: Ok."
    )


def test_labels_in_the_one_text_of_an_element_name_who_speaks() -> None:
    words = "The Chair:\nOne.\n\nAna Li (SPD):\nTwo.\n\nThe Chair:\nThree.\n"

    text = f"<?xml version='1.0'?><DOCUMENT><NR>18/1</NR><TEXT>{words}</TEXT></DOCUMENT>"
    assert ["The Chair", "Ana Li", "The Chair"] == who(text)


@pytest.mark.parametrize(
    ("field", "early", "late"),
    [("status", "interim", "final"), ("status", "partial", "done"), ("end_of_turn", False, True)],
)
def test_a_result_that_a_later_one_replaces_is_read_once(
    field: str, early: object, late: object
) -> None:
    words = [("Ana", "We", early), ("Ana", "We lost it", late), ("Bo", "Who did?", late)]
    records = [{"speaker": name, "text": text, field: value} for name, text, value in words]

    assert [("Ana", "We lost it"), ("Bo", "Who did?")] == spoken(json.dumps(records))


def test_markers_of_an_editor_are_no_speakers() -> None:
    said = ("Ana: One it is.", "Bo: Two it is.", "Ana: Three it is.")
    rows = [f"Marker 0{n}\t0:0{n}.000\t0:01.000\tCue\t{line}" for n, line in enumerate(said)]

    assert ["Ana", "Bo", "Ana"] == who(
        "\n".join(["Name\tStart\tDuration\tType\tDescription", *rows])
    )


@pytest.mark.parametrize("number", ["{},", ""])
def test_quoted_rows_without_a_header_are_a_table(number: str) -> None:
    said = [("Ana", "We lost it, all."), ("Bo", "Who did?"), ("Ana", "Nobody did."), ("Bo", "So.")]
    rows = [f'{number.format(n)}{name},"{words}"' for n, (name, words) in enumerate(said)]

    assert said == spoken("\n".join(rows))


def test_entities_of_letters_and_quotes_are_read() -> None:
    assert [("Bo", "Who’s at the café?")] == spoken("Bo: Who&rsquo;s at the caf&eacute;?")
