"""Kinds of text that were read wrong in silence, each with what it must read as."""

from __future__ import annotations

import pytest
from helpers.reading import spoken, starts

from runner.transcript.read import Reading, read_text

Spoken = list[tuple[str | None, str]]

NAMES: dict[str, Spoken] = {
    "lower case": [
        ("interviewer", "So tell me."),
        ("woman in red", "It was the valve."),
        ("interviewer", "And then?"),
        ("woman in red", "Nothing."),
        ("man", "I saw it."),
    ],
    "devices, numbers, addresses": [
        ("Galaxy S21 (3)", "Hi."),
        ("+47 22 33 44 55", "Hello."),
        ("(415) 555-0188", "Hello."),
        ("bo.li@example.org", "Yes."),
        ("Bo Li | Acme AS", "No."),
        ("@ana_r", "Fine."),
        ("Galaxy S21 (3)", "Late."),
    ],
    "scripts": [
        ("Мария Иванова", "Да."),
        ("김유리", "네."),
        ("محمد علي", "نعم."),
        ("אנה", "כן."),
        ("Мария Иванова", "Нет."),
        ("Ngô Thị Hoa", "Vâng."),
    ],
    "fields of a header": [
        ("Author", "Thanks for having me."),
        ("Host", "What is it about?"),
        ("CC", "I copied it."),
        ("Members", "We read it."),
        ("Author", "It is about bolts."),
        ("CC", "Still here."),
        ("Members", "So are we."),
    ],
    "dots, digits and apostrophes": [
        ("J. R. O’Neill-Day", "One."),
        ("3rd Officer", "Two."),
        ("Dr. D'Arcy III", "Three."),
        ("J. R. O’Neill-Day", "Four."),
        ("van der Berg, Jan", "Five."),
        ("3rd Officer", "Six."),
    ],
    "names with abbreviations": [
        ("Frau Müller-Lüdenscheidt", "Guten Tag."),
        ("Herr Dr. von und zu Berg", "Tag."),
        ("Frau Müller-Lüdenscheidt", "Also gut."),
        ("Some hon. members", "Oh!"),
        ("Prof. de la Cruz", "Sí."),
        ("Some hon. members", "Oh!"),
    ],
    "letters and numbers": [
        ("I", "How are you?"),
        ("P1", "Fine."),
        ("I", "And now?"),
        ("P2", "Now too."),
        ("I", "Good."),
        ("P1", "Yes."),
    ],
    "numbers": [("1", "Hello."), ("2", "Hi."), ("1", "Well?"), ("2", "Fine.")],
    "names that begin like a remark": [
        ("So Young Park", "One."),
        ("Will Young", "Two."),
        ("So Young Park", "Three."),
        ("Will Young", "Four."),
    ],
    "titles of a court": [
        ("THE COURT", "Good morning."),
        ("MR. O'BRIEN", "Good morning."),
        ("THE COURT REPORTER", "Louder, please."),
        ("MR. O'BRIEN", "Yes."),
    ],
}


def read_as(text: str) -> Reading:
    return read_text(text, name="t")


@pytest.mark.parametrize("turns", NAMES.values(), ids=NAMES.keys())
@pytest.mark.parametrize("gap", ["\n", "\n\n"], ids=["close", "spaced"])
def test_what_stands_in_a_label_s_place_is_a_speaker(turns: Spoken, gap: str) -> None:
    assert turns == spoken(gap.join(f"{name}: {text}" for name, text in turns))


@pytest.mark.parametrize(
    "line",
    [
        "https://example.org/a:b is the page.",
        "10:30 works for me.",
        "Note: it is slow.",
        "Warning: hot.",
        "Action items: none.",
        "For example: this one.",
        "The ratio 3:1 is wrong.",
        '"Bo: go away," he said.',
        r"C:\pumps is the folder.",
        "std::move is a call.",
    ],
)
def test_a_colon_in_speech_makes_no_speaker(line: str) -> None:
    text = f"Ana: See this.\n{line}\nBo: I see.\nAna: Good.\nBo: Bye."

    assert [("Ana", f"See this. {line}"), ("Bo", "I see.")] == spoken(text)[:2]


def test_who_cannot_be_told_is_nobody_and_never_the_one_before() -> None:
    text = "Ann: Hi.\nMan near the door: Is it safe?\nAnn: Yes.\nBo: Fine.\nAnn: Good."

    assert ("Ann", "Hi.") == spoken(text)[0]
    assert "Ann" != spoken(text)[1][0]
    assert "Is it safe?" in spoken(text)[1][1]


def test_a_line_with_a_time_and_no_label_is_by_nobody_amid_lines_with_both() -> None:
    text = "[00:01] Ann: One.\n[00:05] Bo: Two.\n[00:09] Unnamed words.\n[00:12] Ann: Three."

    assert (None, "Unnamed words.") == spoken(text)[2]
    assert [1, 5, 9, 12] == starts(text)


@pytest.mark.parametrize(
    "line", ["[{}] [0:0{}] {}", "{} [0:0{}] {}", "{}  0:0{}\n{}", "<{}> {} {}"]
)
def test_a_label_of_odd_shape_takes_no_part_of_another_s_turn(line: str) -> None:
    said = ["Ana Ruiz", "Bo can trill", "Ana Ruiz", "Bo can trill", "Ana Ruiz", "who is this"]
    text = "\n".join(line.format(name, at, f"Words {at}.") for at, name in enumerate(said))

    assert said[:5] == [speaker for speaker, _ in spoken(text)][:5]
    assert spoken(text)[5][0] in {None, "who is this"}


def test_times_within_a_turn_go_on_with_its_speaker() -> None:
    text = "Ann (00:03):\nOne.\n(00:45)\nTwo.\n\nBo (01:09):\nThree.\n\nAnn (01:19):\nFour."

    assert [("Ann", "One."), ("Ann", "Two."), ("Bo", "Three.")] == spoken(text)[:3]
    assert [3, 45, 69, 79] == starts(text)


def test_a_person_who_speaks_once_in_wrapped_text_is_a_speaker_and_emphasis_is_not() -> None:
    text = """\
ANA: We looked at the pump for a long while and then we found that
the seal was worn, which nobody had seen before we opened it up in
May: so it was, and we sent it back to the maker that same day, in a
box.
Max: Is that so?
BO: It is so. We asked the maker twice, and twice they told us that
it takes a week at least, maybe more, since the parts come by sea and
the office there has none either, we checked that too. So we go on.
ANA: Then we wait."""

    assert ["ANA", "Max", "BO", "ANA"] == [speaker for speaker, _ in spoken(text)]
    assert "opened it up in May: so it was" in spoken(text)[0][1]


def test_questions_in_bold_and_answers_without_are_two_people() -> None:
    text = "**Host: How was it?**\n\nAna: Fine.\n\n**Host: And the pump?**\n\nAna: Broken."

    expected = [("Host", "How was it?"), ("Ana", "Fine."), ("Host", "And the pump?")]
    assert expected == spoken(text)[:3]


def test_a_chat_in_another_layout_behind_the_turns_is_read_too() -> None:
    turns = "Ana: One.\nBo: Two.\nAna: Three.\nBo: Four.\n"
    chat = "\n[Cy] 10:02:03\nI heard.\n\n[Ana] 10:02:09\nDid you?\n\n[Cy] 10:02:12\nYes.\n"

    actual = spoken(f"{turns}{chat}\n[Eva] 10:02:15\nNo.\n")

    assert [("Cy", "I heard."), ("Ana", "Did you?"), ("Cy", "Yes."), ("Eva", "No.")] == actual[4:]


def test_a_messenger_s_export_has_days_numbers_and_notices_of_nobody() -> None:
    text = """\
18/09/2026, 22:00 - Messages are encrypted.
18/09/2026, 22:02 - Ana Ruiz: Are you there?
18/09/2026, 22:03 - +47 22 33 44 55: Yes.
So am I.
19/09/2026, 00:04 - Ana Ruiz: <Media omitted>
19/09/2026, 00:05 - Bo left
19/09/2026, 00:06 - Ana Ruiz: Bye: then."""
    expected = [
        (None, "Messages are encrypted."),
        ("Ana Ruiz", "Are you there?"),
        ("+47 22 33 44 55", "Yes. So am I."),
        ("Ana Ruiz", "<Media omitted>"),
        (None, "Bo left"),
        ("Ana Ruiz", "Bye: then."),
    ]

    assert expected == spoken(text)
    assert [79200, 79320, 79380, 86640, 86700, 86760] == starts(text)


@pytest.mark.parametrize("line", ["10:02 <{}> {}", "[10:02] <{}> {}", "10:02 < {}> {}"])
def test_a_chat_log_has_nicknames_and_times_of_day(line: str) -> None:
    said = [("ana", "Recording."), ("@bo_l", "Can you hear?"), ("ana", "Yes: go.")]
    text = "\n".join(line.format(name, words) for name, words in said)

    assert [("ana", "Recording."), ("bo_l", "Can you hear?"), ("ana", "Yes: go.")] == spoken(text)
    assert [36120.0] * 3 == starts(text)


def test_two_numbers_are_hours_and_minutes_where_nobody_speaks_so_fast() -> None:
    words = "many words of one message that somebody wrote at length " * 40
    text = "\n".join(f"[1{n}:00] {'Ana' if n % 2 else 'Bo'}: {words}" for n in range(6))

    assert [3600.0 * hour for hour in range(10, 16)] == [s for s in starts(text) if s is not None]


@pytest.mark.parametrize("stamp", ["#00:00:0{}-4#", "[0:0{}]", "(00:00:0{})"])
def test_times_behind_the_words_end_the_turns(stamp: str) -> None:
    text = "\n\n".join(
        f"{'Ana' if n % 2 else 'Bo'}: Words {n}, yes. {stamp.format(n)}" for n in range(2, 8)
    )
    reading = read_as(text)
    segments = reading.transcript.segments

    assert [f"Words {n}, yes." for n in range(2, 8)] == [each.text for each in segments]
    assert [float(n) for n in range(2, 8)] == [each.end_s for each in segments]
    assert [None, *map(float, range(2, 7))] == [each.start_s for each in segments]
    assert (len(segments), []) == (reading.report.with_time, list(reading.report.warnings))


def test_the_frames_of_a_time_code_are_no_seconds() -> None:
    text = "\n".join(f"00:00:{n:02}:{n} {'Ana' if n % 2 else 'Bo'}: Said." for n in range(10, 24))

    assert [float(n) for n in range(10, 24)] == starts(text)


def test_growing_partials_are_read_once_and_short_answers_stay() -> None:
    text = "Ana: so the\nAna: so the budget\nAna: so the budget is forty\nBo: Yes.\nBo: Yes, it is."
    reading = read_as(text)

    expected = [("Ana", "so the budget is forty"), ("Bo", "Yes."), ("Bo", "Yes, it is.")]
    assert expected == spoken(text)
    assert ["growing partials"] == [each.kind for each in reading.report.left_out]


@pytest.mark.parametrize(
    "label", ["{name}\n{text}", "{name}\n{at}\n{text}\n", "{name} ({at}): {text}"]
)
def test_partials_grow_below_their_label_and_behind_its_time(label: str) -> None:
    said = [("Ana Li", "We should"), ("Ana Li", "We should move"), ("Ana Li", "We should move it.")]
    said += [("Bo Ek", "Is that"), ("Bo Ek", "Is that fine"), ("Bo Ek", "Is that fine with you?")]
    said.append(("Ana Li", "Yes, I asked."))
    lines = [label.format(name=n, text=t, at=f"10:0{at}") for at, (n, t) in enumerate(said)]
    reading = read_as("\n".join(lines))

    assert [said[2], said[5], said[6]] == spoken("\n".join(lines))
    assert [("growing partials", 4)] == [(e.kind, e.lines) for e in reading.report.left_out]


def test_a_date_above_a_time_is_no_speech_where_it_recurs() -> None:
    text = "12 May 2024\n[10:00] Ana: Hi.\n[10:01] Bo: Hello.\n12 May 2024\n[10:05] Ana: Again."

    assert [("Ana", "Hi."), ("Bo", "Hello."), ("Ana", "Again.")] == spoken(text)


def test_pages_have_numbers_and_headers_that_nobody_says() -> None:
    def page(number: int) -> str:
        lines = [f"{'Ana' if n % 2 else 'Bo'}: Line {number}-{n} was said." for n in range(20)]
        return "\n".join(["Yard Review      Confidential", *lines, f"      Page {number} of 4", ""])

    actual = spoken("\n".join(map(page, range(1, 5))))

    assert 80 == len(actual)
    assert not [text for _, text in actual if "Confidential" in text or "Page" in text]


def test_numbered_speakers_alone_on_their_lines_are_no_page_numbers() -> None:
    text = "Speaker 1\nHello there.\n\nSpeaker 2\nHi.\n\nSpeaker 3\nHey.\n\nSpeaker 1\nWell."

    assert ["Speaker 1", "Speaker 2", "Speaker 3", "Speaker 1"] == [who for who, _ in spoken(text)]


def test_a_table_amid_markdown_is_read_by_its_header() -> None:
    text = """\
# Yard review

| Time  | Speaker  | Text |
|-------|----------|------|
| 00:03 | Ana Ruiz | We lost: two bars. |
| 00:09 | Bo Li    | Who checked \\| saw it? |
"""

    assert [("Ana Ruiz", "We lost: two bars."), ("Bo Li", "Who checked | saw it?")] == spoken(text)
    assert [3, 9] == starts(text)


def test_notes_above_the_heading_of_the_transcript_are_left_out() -> None:
    text = """\
# Notes

Invited Ana, Bo

- **Ana:** orders the seal.
- **Risk:** the seal is late.

# Transcript

**Ana:** I order it.

**Bo:** Good.

**Ana:** Today."""
    reading = read_as(text)

    assert [("Ana", "I order it."), ("Bo", "Good."), ("Ana", "Today.")] == spoken(text)
    assert "notes above the transcript" == reading.report.left_out[0].kind


def test_speech_above_the_word_transcript_stays() -> None:
    text = "Ana: One.\nBo: Two.\nAna: Three.\n\nTranscript\n\nAna: Four.\nBo: Five.\nAna: Six."

    assert ["One.", "Two.", "Three."] == [words for _, words in spoken(text)][:3]


@pytest.mark.parametrize("date", ["Sep 18, 2026", "2026/09/18"])
def test_the_header_says_title_date_and_attendees(date: str) -> None:
    top = f"Yard review\n{date}\n\nAttendees\nAna Ruiz, Bo Li\n\n"
    text = f"{top}Ana: One.\nBo: Two.\nAna: Three."

    assert {
        "title": "Yard review",
        "date": date,
        "attendees": "Ana Ruiz, Bo Li",
    } == read_as(text).report.about


def test_the_date_and_length_above_a_meeting_are_no_turns() -> None:
    top = "Yard review-20260918_100103-Meeting Recording\nSeptember 18, 2026, 8:01AM\n31m 4s\n\n"
    said = [("Ana Ruiz", 3, "One."), ("Bo Li (Guest)", 9, "Two."), ("Ana Ruiz", 71, "Three.")]
    turns = "".join(f"{who}   {at // 60}:{at % 60:02}\n{text}\n\n" for who, at, text in said)
    notices = ("Ana Ruiz started transcription\n\n", "Ana Ruiz stopped transcription\n")

    for text in (top + turns, top + notices[0] + turns + notices[1]):
        assert [("Ana Ruiz", "One."), ("Bo Li", "Two."), ("Ana Ruiz", "Three.")] == spoken(text)
        assert [3, 9, 71] == starts(text)
        assert "September 18, 2026" == read_as(text).report.about["date"]


def test_those_present_are_all_listed() -> None:
    text = (
        "Call\n\nParticipants\n\nAna Ruiz - Chair\nBo Li\n\nOther Participants\n\nCy Ito (Bank)\n\n"
        "Operator:\nHi.\n\nAna Ruiz:\nYes.\n\nOperator:\nSo.\n"
    )

    assert "Ana Ruiz - Chair, Bo Li, Cy Ito (Bank)" == read_as(text).report.about["attendees"]


SHAPES: dict[str, tuple[str, Spoken]] = {
    "devices above": (
        "iPhone (2)\n0:03\nHello?\n\nBo Li\n0:09\nYes.\n\n+1 415 555 0123\n0:12\nHi.",
        [("iPhone (2)", "Hello?"), ("Bo Li", "Yes."), ("+1 415 555 0123", "Hi.")],
    ),
    "nicknames above": (
        "ana\nhello there\n\nbo_l\ncan you hear me\n\nana\nyes i can",
        [("ana", "hello there"), ("bo_l", "can you hear me"), ("ana", "yes i can")],
    ),
    "nobody's name": (
        "Ana Ruiz  0:03\nHi.\n\n???  0:09\nYes.\n\nAna Ruiz  0:12\nBye.",
        [("Ana Ruiz", "Hi."), ("???", "Yes."), ("Ana Ruiz", "Bye.")],
    ),
    "a time that is none": (
        "[00:01] Ana: Hi.\n[00:75] Bo: Yes.\n[00:09] Ana: Bye.",
        [("Ana", "Hi."), (None, "[00:75] Bo: Yes."), ("Ana", "Bye.")],
    ),
    "digits of Devanagari": (
        "००:०१ अमित: नमस्ते।\n००:०५ सीता: हाँ।\n००:०९ अमित: ठीक।",
        [("अमित", "नमस्ते।"), ("सीता", "हाँ।"), ("अमित", "ठीक।")],
    ),
    "minutes without seconds": (
        "Ana\n5 minutes\nHi.\n\nBo\n1 hour 2 minutes\nYes.\n\nAna\n1 hour 3 seconds\nBye.",
        [("Ana", "Hi."), ("Bo", "Yes."), ("Ana", "Bye.")],
    ),
    "an end and a length behind the words": (
        "Ana [00:00:01] Hi. [00:00:02][1.1]\n\nBo [00:00:03] Yes. [00:00:05][2.0]\n",
        [("Ana", "Hi."), ("Bo", "Yes.")],
    ),
    "offices before a full stop": (
        "Mme la présidente. Bien.\n\nM. Li. Merci.\n\nMme Ruiz, ministre, garde des sceaux. Oui."
        "\n\nM. Li. Non.\n\nM. le ministre. Si.\n\nMme la présidente. Bon.",
        [("Mme la présidente", "Bien."), ("M. Li", "Merci."), ("Mme Ruiz", "Oui."),
         ("M. Li", "Non."), ("M. le ministre", "Si."), ("Mme la présidente", "Bon.")],
    ),
    "capitals with a party or an office": (
        "PRESIDENTE. Bene.\n\nANNA BO (PD-IDP). Grazie. No.\n\nPRESIDENTE. Sì.\n\n"
        "MARIO LI, Sottosegretario di Stato per la Giustizia. Contrario.\n\nPRESIDENTE. Grazie.",
        [("PRESIDENTE", "Bene."), ("ANNA BO", "Grazie. No."), ("PRESIDENTE", "Sì."),
         ("MARIO LI", "Contrario."), ("PRESIDENTE", "Grazie.")],
    ),
    "a dash within parentheses": (
        "O SR. PRESIDENTE (Ana. PL - SP) - Bem.\n\nO SR. LI (PT - BA. Pela ordem.) - Obrigado.\n\n"
        "O SR. PRESIDENTE (Ana. PL - SP) - Sim.",
        [("O SR. PRESIDENTE", "Bem."), ("O SR. LI", "Obrigado."), ("O SR. PRESIDENTE", "Sim.")],
    ),
    "forms of address in small letters": (
        "La señora PRESIDENTA: Bien.\n\nEl señor LI: Gracias.\n\nLa señora PRESIDENTA: Sí.",
        [("La señora PRESIDENTA", "Bien."), ("El señor LI", "Gracias."),
         ("La señora PRESIDENTA", "Sí.")],
    ),
    "circles and two spaces": (
        "○의장 김진표  네.\n\n○이수진 의원  왜요.\n\n○의장 김진표  네.",
        [("의장 김진표", "네."), ("이수진 의원", "왜요."), ("의장 김진표", "네.")],
    ),
    "numbers of questions": (
        "Q1  Chair: Where?\nAna: Here.\nQ2  Bo: Why?\nAna: So.\nQ3  Chair: Thanks.",
        [("Chair", "Where?"), ("Ana", "Here."), ("Bo", "Why?"), ("Ana", "So."),
         ("Chair", "Thanks.")],
    ),
    "numbers of lines behind times": (
        "10:02:03  1  MR. LI:  Hi.\n10:02:05  2  MS. RAO:  Yes.\n10:02:09  3  MR. LI:  Bye.",
        [("MR. LI", "Hi."), ("MS. RAO", "Yes."), ("MR. LI", "Bye.")],
    ),
    "an odd label in a column": (
        "Ana     Hi.\nBo     Yes.\nwoman in red     Me.\nAna     Bye.\nBo     So.",
        [("Ana", "Hi."), ("Bo", "Yes."), (None, "woman in red Me."), ("Ana", "Bye."),
         ("Bo", "So.")],
    ),
    "somebody's voice": (
        "ANA. Hi.\nBO. Yes.\nA VOICE. No!\nANA. Bye.",
        [("ANA", "Hi."), ("BO", "Yes."), ("A VOICE", "No!"), ("ANA", "Bye.")],
    ),
    "numbers of speeches": (
        "Anf. 1 ANA RUIZ (S):\nJo.\n\nAnf. 2 BO LI (M):\nNej.\n\nAnf. 3 ANA RUIZ (S):\nJo då.",
        [("ANA RUIZ", "Jo."), ("BO LI", "Nej."), ("ANA RUIZ", "Jo då.")],
    ),
    "a footnote behind a label": (
        "CHAIR LI. Good.\nMR. ITO. Thanks.\nMS. RAO.1 We see.\nCHAIR LI. Yes.",
        [("CHAIR LI", "Good."), ("MR. ITO", "Thanks."), ("MS. RAO", "We see."),
         ("CHAIR LI", "Yes.")],
    ),
    "people who are spoken to": (
        "MR. LI. Hi.\nMR. ITO. Yes.\nMr. Li, you are late. We know.\nMR. LI. No.",
        [("MR. LI", "Hi."), ("MR. ITO", "Yes. Mr. Li, you are late. We know."), ("MR. LI", "No.")],
    ),
    "pronouns before a company": (
        "Ana (she/her) | Acme: Hi.\nBo (they/them) - Globex: Yes.\nAna (she/her) | Acme: Bye.",
        [("Ana (she/her) | Acme", "Hi."), ("Bo (they/them) - Globex", "Yes."),
         ("Ana (she/her) | Acme", "Bye.")],
    ),
    "headings of a court, of one word": (
        "Q. Where?\nA. Home.\n\nCROSS-EXAMINATION\nBY MR. LI:\nQ. Sure?\nA. YES.\n",
        [("Q", "Where?"), ("A", "Home."), (None, "CROSS-EXAMINATION"), ("Q", "Sure?"),
         ("A", "YES.")],
    ),
    "days without colons": (
        "[02 07 55 35] CC: Okay.\n[02 07 55 42] LMP: Yes.",
        [("CC", "Okay."), ("LMP", "Yes.")],
    ),
    "nicknames in quotes": (
        "Ana “Dee” Ruiz: Hi.\nBo 'BB' Li: Yes.\nAna “Dee” Ruiz: Bye.",
        [("Ana “Dee” Ruiz", "Hi."), ("Bo 'BB' Li", "Yes."), ("Ana “Dee” Ruiz", "Bye.")],
    ),
    "times with a colon and nobody": (
        "0:03: Okay we go\n0:09: Yes we do\n0:12: Bye",
        [(None, "Okay we go"), (None, "Yes we do"), (None, "Bye")],
    ),
    "a table whose words have a heading of their own": (
        "# T\n\n| Timestamp | Who | What was said |\n|:--|:--|:--|\n| 0:03 | Ana | Hi. |\n",
        [("Ana", "Hi.")],
    ),
    "a notice at both ends": (
        "Made by a tool for sound.\n\nAna: Hi.\n\nBo: Yes.\n\nMade by a tool for sound.",
        [("Ana", "Hi."), ("Bo", "Yes.")],
    ),
    "weekdays below names": (
        "Ana Ruiz\nTue 10:02 AM\nHi.\n\nBo Li\nTue 10:03 AM\nYes.\n\n"
        "Ana Ruiz\nTue 10:04 AM\nBye.",
        [("Ana Ruiz", "Hi."), ("Bo Li", "Yes."), ("Ana Ruiz", "Bye.")],
    ),
    "a date above the first name": (
        "会議\n2026年9月18日 星期五 10:02\n話者 1 00:01\nはい。\n"
        "話者 2 00:05\nいえ。\n話者 1 00:09\nでは。",
        [("話者 1", "はい。"), ("話者 2", "いえ。"), ("話者 1", "では。")],
    ),
    "headings in the middle of a page": (
        "MS. LI: We go on.\n              ARGUMENT OF ANA RUIZ\n"
        "MR. DIAZ: May it please.\nMS. LI: It does.",
        [("MS. LI", "We go on."), (None, "ARGUMENT OF ANA RUIZ"), ("MR. DIAZ", "May it please."),
         ("MS. LI", "It does.")],
    ),
    "a remark in italics": (
        "Ana: Hi.\n\n*[music]*\n\nBo: Yes.", [("Ana", "Hi."), (None, "*[music]*"), ("Bo", "Yes.")],
    ),
    "names with initials": (
        "Председательствующий. Начнём.\nЛи А. Б., фракция «Да». Хорошо.\nПредседательствующий. Да.",
        [("Председательствующий", "Начнём."), ("Ли А. Б.", "Хорошо."),
         ("Председательствующий", "Да.")],
    ),
    "short sentences that recur in another alphabet": (
        "Да. Мы начали утром.\n\nДа. Потом был обед.\n\nДа. А потом ушли.",
        [(None, "Да. Мы начали утром."), (None, "Да. Потом был обед."),
         (None, "Да. А потом ушли.")],
    ),
    "questions and answers in one line": (
        "Q. Where? A. At home.\nQ. Alone? A. Yes.\nMS. LI: No. Q. When?",
        [("Q", "Where?"), ("A", "At home."), ("Q", "Alone?"), ("A", "Yes."), ("MS. LI", "No."),
         ("Q", "When?")],
    ),
    "a call with lists of contents and of people": (
        "Contents:\n\nRemarks\nAnswers\n\nParticipants\n\nAna Ruiz - Chair\nBo Li - Clerk"
        "\n\nRemarks:\n\nOperator\n\nHello.\n\nAna Ruiz\n\nHi."
        "\n\nAnswers:\n\nOperator\n\nGo.\n\nAna Ruiz\n\nBye.\n",
        [("Operator", "Hello."), ("Ana Ruiz", "Hi."), (None, "Answers:"), ("Operator", "Go."),
         ("Ana Ruiz", "Bye.")],
    ),
    "dashes behind bold names": ("**Ana** - Hi.\n**Bo** – Yes.\n**Ana** - So.",
        [("Ana", "Hi."), ("Bo", "Yes."), ("Ana", "So.")]),
    "machines' labels behind times": (
        "[0:01] - SPEAKER_00 Hi.\n[0:03] - SPEAKER_01 Yes.\n[0:05] - SPEAKER_00 So.",
        [("SPEAKER_00", "Hi."), ("SPEAKER_01", "Yes."), ("SPEAKER_00", "So.")],
    ),
    "labels of other shapes among many": (
        "Ana: One.\nBo: Two.\nSomebody from the audience on the left who stood: No.\nAna: Three.\n"
        "[unknown]: Yes.\nBo: Four.\nAna - Five.\nBo; Six.\nAna: Seven.\nBo: Eight.",
        [("Ana", "One."), ("Bo", "Two."),
         (None, "Somebody from the audience on the left who stood: No."), ("Ana", "Three."),
         (None, "[unknown]: Yes."), ("Bo", "Four."), ("Ana", "Five."), ("Bo", "Six."),
         ("Ana", "Seven."), ("Bo", "Eight.")],
    ),
    "colons within turns of another layout": (
        "[Ana] Hi.\n[Bo] She said. Ana: maybe.\n[Ana] No. [Bo] Yes.\n[Bo] So.",
        [("Ana", "Hi."), ("Bo", "She said. Ana: maybe."), ("Ana", "No."), ("Bo", "Yes."),
         ("Bo", "So.")],
    ),
    "quotes in a column": (
        '0:01\tAna\t"No," he said. "Never."\n0:03\tBo\tFine.\n0:05\tAna\tSo.',
        [("Ana", '"No," he said. "Never."'), ("Bo", "Fine."), ("Ana", "So.")],
    ),
    "a clause that recurs where labels have times": (
        "[0:01] Ana: Hi.\nWe will talk about three things: a.\n[0:05] Bo: Yes.\n"
        "We will talk about three things: b.\n[0:09] Ana: So.",
        [("Ana", "Hi."), (None, "We will talk about three things: a."), ("Bo", "Yes."),
         (None, "We will talk about three things: b."), ("Ana", "So.")],
    ),
    "times before abbreviations": (
        "10:02 TV on.\n10:30 OK so I left.\n11:15 TV again.\n12:00 BBC had it.",
        [(None, "TV on."), (None, "OK so I left."), (None, "TV again."), (None, "BBC had it.")],
    ),
    "bold names in lower case": (
        "**ana** hey there\n**bo** hi, all good?\n**ana** yes",
        [("ana", "hey there"), ("bo", "hi, all good?"), ("ana", "yes")],
    ),
    "a heading such as Agenda right above turns": (
        "Agenda\n\nAna: First the pump.\n\nBo: It broke.\n\nAna: When?",
        [("Ana", "First the pump."), ("Bo", "It broke."), ("Ana", "When?")],
    ),
    "a turn that ends in such a word": (
        "Ana: So, participants:\n\nBo: Only Cy.\n\nAna: Good.",
        [("Ana", "So, participants:"), ("Bo", "Only Cy."), ("Ana", "Good.")],
    ),
    "a sentence above the first turn, said again": (
        "Thank you very much.\n\nAna: Hi.\n\nThank you very much.\n\nBo: Yes.",
        [("Ana", "Hi."), ("Ana", "Thank you very much."), ("Bo", "Yes.")],
    ),
    "names in bold in sentences": (
        "**Li** was there.\n\n**Ito** came later.\n\n**Li** then left.",
        [(None, "**Li** was there."), (None, "**Ito** came later."), (None, "**Li** then left.")],
    ),
    "names above the times of cues": (
        "Ana:\n00:00:01,100 --> 00:00:03,000\nHi.\n\nBo:\n00:00:05,100 --> 00:00:07,000\nYes.\n\n"
        "Ana:\n00:00:08,000 --> 00:00:09,000\nSo.",
        [("Ana", "Hi."), ("Bo", "Yes."), ("Ana", "So.")],
    ),
    "times between sentences, and before a note": (
        "Ana: Hi. [00:00:30] We go on.\nBo: Yes [sic 00:00:40] so.\n\n[00:00:45] [END OF AUDIO]",
        [("Ana", "Hi."), ("Ana", "We go on."), ("Bo", "Yes [sic 00:00:40] so."),
         (None, "[END OF AUDIO]")],
    ),
    "a chat of LINE": (
        "2026/09/18(金)\n10:02\tアンナ\tはい\n10:03\tボー\tいえ\n\n2026/09/19(土)\n10:04\tアンナ\tでは",
        [("アンナ", "はい"), ("ボー", "いえ"), ("アンナ", "では")],
    ),
    "call signs": (
        "15:21:03  HOT-1  gear down.\n15:21:05  CAM  [click]\n15:21:09  HOT-1  flaps.",
        [("HOT-1", "gear down."), ("CAM", "[click]"), ("HOT-1", "flaps.")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("mark", ["> ", "/ ", "; "])
def test_a_name_may_have_any_mark_behind_it(mark: str) -> None:
    text = f"ana{mark}hi\nbo{mark}hi there\nana{mark}bye"

    assert [("ana", "hi"), ("bo", "hi there"), ("ana", "bye")] == spoken(text)


def test_times_behind_the_words_of_a_turn_part_it() -> None:
    text = (
        "A: One? #00:00:02-1#\nTwo? #00:00:05-4#\n\nB: Three. #00:00:09-0#\n\nA: So. #00:00:10-0#"
    )

    assert [("A", "One?"), ("A", "Two?"), ("B", "Three."), ("A", "So.")] == spoken(text)


@pytest.mark.parametrize(("text", "expected"), SHAPES.values(), ids=SHAPES.keys())
def test_a_shape_is_read_as_its_turns(text: str, expected: Spoken) -> None:
    assert expected == spoken(text)


def test_a_question_at_the_top_of_many_pages_is_no_header() -> None:
    page = ["Q.  Where were you?", "A.  At home.", "Q.  And then?", "A.  I left.", "Q.  So?"] * 4
    text = "\n".join("\n".join([*page, f"{number:>40}", ""]) for number in range(5, 9))

    assert 4 * len(page) == len(spoken(text))


def test_a_header_of_keys_is_no_turn_and_a_role_below_it_is() -> None:
    text = (
        "Title: Call\nInterviewer: Ana\nDate: today\n\nInterviewer: Hi.\nGuest: Hello.\nGuest: Yes."
    )

    assert [("Interviewer", "Hi."), ("Guest", "Hello."), ("Guest", "Yes.")] == spoken(text)


def test_a_word_that_recurs_in_an_essay_is_no_speaker() -> None:
    prose = "This is a long text on pumps, part {}, and on what they do all day."
    paragraphs = [prose.format(n) for n in range(30)]
    paragraphs[12] = "Germany: it has pumps."
    paragraphs[20] = "Germany: it has seals."

    assert {None} == {speaker for speaker, _ in spoken("\n\n".join(paragraphs))}


def test_links_with_a_title_are_nobody_s_words() -> None:
    text = """\
Slides: https://example.org/slides

Good morning, this is a talk on pumps and seals.

It has two parts, as you will see.

Paper: https://example.org/paper"""

    assert {None} == {speaker for speaker, _ in spoken(text)}


def test_a_play_has_names_above_and_a_deposition_its_counsel() -> None:
    play = "        ANA\n  We lost it.\n\n        BO\n  Who saw?\n\n        ANA\n  Nobody."
    asked = "BY MR. LI:\n\nQ    Where?\n\nA    At home.\n\nQ    Alone?\n\n"
    court = f"{asked}MS. DOE: Objection.\n\nA    Yes."

    assert [("ANA", "We lost it."), ("BO", "Who saw?"), ("ANA", "Nobody.")] == spoken(play)
    assert ["Q", "A", "Q", "MS. DOE", "A"] == [speaker for speaker, _ in spoken(court)]


def test_a_near_tie_of_layouts_is_a_warning_that_names_both() -> None:
    text = "\n".join(f"{'Ana - Bo' if n % 2 else 'Bo - Cy'}: Words {n}." for n in range(6))

    doubts = [line for line in read_as(text).report.warnings if "could also be" in line]

    assert [
        "the layout could also be 'label, dash, text', such as in 'Bo - Cy: Words 0.'; "
        "read as 'label in the line'"
    ] == doubts


@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_a_plain_file_has_no_doubts(gap: str) -> None:
    text = gap.join(f"{'**Ana:**' if n % 2 else '**Bo:**'} Words {n}." for n in range(9))

    assert () == read_as(text).report.warnings
