"""Siblings of the kinds that were read wrong: several turns in a line, records, lone names."""

from __future__ import annotations

import pytest
from helpers.reading import spoken, starts

Said = list[tuple[str | None, str]]
SAID: Said = [("Ana", "We lost it."), ("Bo", "Who did?"), ("Ana", "Nobody."), ("Bo", "Fine.")]
UNITS = [
    each.split()
    for each in (
        *("Minuten Sekunden", "minutes secondes", "minutos segundos", "minutter sekunder"),
        *("minuter sekunder", "minuten seconden", "minuti secondi", "minuty sekund", "분 초"),
        *("minuuttia sekuntia", "мин с", "分 秒", "分钟 秒"),
    )
]
P = "This is what we found at the yard when we opened the pump, and it took a while."


@pytest.mark.parametrize(
    "turn",
    ["{}: {}", "**{}:** {}", "[{}] {}", "({}) {}", "[0:01] {}: {}", "{}: {} (laughs)"],
    ids=["colon", "bold", "square", "round", "timed", "aside"],
)
def test_a_line_is_cut_where_another_speaker_s_label_follows_a_sentence(turn: str) -> None:
    lines = [turn.format(*each) for each in SAID]

    for text in (" ".join(lines) + "\n" + "\n".join(lines), "\n".join([*lines, "  ".join(lines)])):
        assert SAID * 2 == [(who, words.replace(" (laughs)", "")) for who, words in spoken(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Interviewer: How was it? Resp: Fine. Interviewer: And then? Resp: We left.",
            ["Interviewer", "Resp", "Interviewer", "Resp"],
        ),
        ("Q. Where? A. Home. Q. Alone?\nA. Yes.\nQ. Why? A. So.", ["Q", "A", "Q", "A", "Q", "A"]),
        (
            ">> ANA: We lost it. >> BO: Who? >> Nobody.\n>> ANA: Well. >>> In other news.",
            ["ANA", "BO", None, "ANA", None],
        ),
        (
            "Ana: hello there Bo: hi\nAna: we lost it Bo: who did\nBo: well",
            ["Ana", "Bo", "Ana", "Bo", "Bo"],
        ),
        (
            "ANA RUIZ, HOST: One.\nBO LI, MAKER: Two.\nRUIZ: Three. LI: Four.",
            ["ANA RUIZ, HOST", "BO LI, MAKER", "RUIZ", "LI"],
        ),
        ("Ana: He said Bo: is it you?\nBo: Yes.\nAna: I asked (Bo: no).\nBo: Ok.",
         ["Ana", "Bo"] * 2),
        ("Ana: Hello all.\nin the yard. Bo: Yes.\nI am here too. Ana: Good.\nBo: So: one.",
         ["Ana", "Bo", "Ana", "Bo"]),
        ("Host: Hi. Ana: a maker. Bo: a driver.\nAna: Hi.\nBo: Yes.", ["Host", "Ana", "Bo"]),
        ("MR. LI: One.\nMR. ITO: Thanks.\nMR. LI: Two.\nMR. ITO: Go.", ["MR. LI", "MR. ITO"] * 2),
        ("Ana: We sell. Peru: ten. Chad: two. Peru: five.\nBo: Ok.\nAna: Yes.",
         ["Ana", "Bo", "Ana"]),
    ],
)  # fmt: skip
def test_only_labels_that_stand_in_a_label_s_place_elsewhere_cut_a_line(
    text: str, expected: list[str | None]
) -> None:
    assert expected == [speaker for speaker, _ in spoken(text)]


def test_a_caption_is_cut_before_the_label_of_another_speaker() -> None:
    cues = ["ANA: We lost it. BO: Who did?", "ANA: Nobody.", "BO: Fine."]
    text = "".join(f"00:00:0{n},000 --> 00:00:0{n},900\n{cue}\n\n" for n, cue in enumerate(cues))

    assert [(who.upper(), words) for who, words in SAID if who] == spoken(text)


@pytest.mark.parametrize(
    "line", ["{}: {}\n", "- **{}:** {}\n", "{}={}\n", "**{}**: {}\n", "> {} : {}\n"]
)
@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (0, 2, 1)])
@pytest.mark.parametrize("between", ["\n", "---\n", "[{}]\n", ""])
def test_a_block_of_fields_is_a_turn(line: str, order: tuple[int, ...], between: str) -> None:
    text = ""
    for number, (who, words) in enumerate(SAID, start=1):
        fields = [("Speaker", who), ("Time", f"0:0{number}"), ("Text", f"{words}\nNote: so")]
        text += between.format(number) + "".join(line.format(*fields[at]) for at in order)

    assert [(who, f"{words} Note: so") for who, words in SAID] == spoken(text)
    assert [1, 2, 3, 4] == starts(text)


@pytest.mark.parametrize(
    "above", ["Speaker: {}\n", "**Speaker:** {}\n\n", "Name: {}\nTime: 0:01\n"]
)
def test_a_field_may_name_the_speaker_of_the_lines_below(above: str) -> None:
    text = "\n\n".join(f"{above.format(who)}{words}\nNote: so" for who, words in SAID)

    assert [(who, f"{words} Note: so") for who, words in SAID] == spoken(text)


def test_speakers_who_are_called_like_fields_are_speakers() -> None:
    text = (
        "Speaker: I open it now.\nText: We read you loud.\nSpeaker: So we vote.\nText: Aye, we do."
    )

    assert ["Speaker", "Text", "Speaker", "Text"] == [speaker for speaker, _ in spoken(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Ana\n\n{P}\n\nBo\n\n{P}\n\nAna\n\n{P}\n\nCy\n\n{P}\n", ["Ana", "Bo", "Ana", "Cy"]),
        (
            f"Ana Ruiz\n\n{P}\n\nBo Li\n\n{P}\n\n{P}\n\nMax\n\n{P}\n\nAna Ruiz\n\n{P}\n",
            ["Ana Ruiz", "Bo Li", "Bo Li", None, None, "Ana Ruiz"],
        ),
        (f"Ana Ruiz:\n{P}\n\nBo Li:\n{P}\n\nMax:\n{P}\n\nAna Ruiz:\n{P}\n",
         ["Ana Ruiz", "Bo Li", "Max", "Ana Ruiz"]),
        (f"Title: Pump\n\nINT. YARD - DAY\n\nANA\n{P}\n\nBO\n{P}\n\nANA\n{P}\n",
         ["ANA", "BO", "ANA"]),
        (f"{P}\n\nGermany\n\n{P}\n\n{P}\n", [None] * 4),
        (f"Ana -- Chief Officer\n\n{P}\n\nBo Li -- Acme Bank -- Analyst\n\n{P}\n\n"
         f"Ana -- Chief Officer\n\n{P}\n",
         ["Ana -- Chief Officer", "Bo Li -- Acme Bank -- Analyst", "Ana -- Chief Officer"]),
        ("Ana Ruiz\n(0:03) One.\nBo Li\n(0:09) Two.\nAna Ruiz\n(0:12) Three.\n",
         ["Ana Ruiz", "Bo Li", "Ana Ruiz"]),
        ("Speaker: Ana | Time: 0:01\nOne.\n\nSpeaker: Bo | Time: 0:05\nTwo.\n\n"
         "Speaker: Ana | Time: 0:09\nThree.\n", ["Ana", "Bo", "Ana"]),
        ("Ana: One.\nBo: Two.\nAna: Three.\n\nAction items:\n- Bo: order it\n- Ana: call\n",
         ["Ana", "Bo", "Ana", None]),
        (
            f"Ana: {P}\n\nBo: {P}\n\nMax\n\n{P}\n\nAna: {P}\n",
            ["Ana", "Bo", None, None, "Ana"],
        ),
        (f"Ana: One.\n\nBo: Two.\n\nAna: Three.\n\n## Summary\n\n{P}\n",
         ["Ana", "Bo", "Ana", None]),
        ("Ana Ruiz (PPE). – One.\n\nBo Li, for the group. – Two.\n\nPresident. – Three.\n\n"
         "Ana Ruiz (PPE). – Four.\n", ["Ana Ruiz", "Bo Li", "President", "Ana Ruiz"]),
        ("[2026-09-18 10:01] Ana: One.\n[2026-09-18 10:02] Bo: Two.\n"
         "[2026-09-18 10:04] Me: Three.\n",
         ["Ana", "Bo", "Me"]),
        (f"Ana: One.\n\nBo: Two.\n\nAna: Three.\n\n---\n\nAna makes pumps. {P}\n",
         ["Ana", "Bo", "Ana", None]),
        ("ana ruiz: One.\nBo Li: Two.\nAna Ruiz: Three.\n", ["ana ruiz", "Bo Li", "Ana Ruiz"]),
        ("[ana ruiz] 0:01\nOne.\n\n[Bo Li] 0:05\nTwo.\n\n[Ana Ruiz] 0:09\nThree.\n",
         ["ana ruiz", "Bo Li", "Ana Ruiz"]),
        (": One.\nAna: Two.\n: Three.\nBo: Four.\nAna: Five.\n", [None, "Ana", None, "Bo", "Ana"]),
        ("From: Ana\nType: received\nSent: Fri, 18 Sep 2026 10:02:03 +0200\n"
         "Received: Fri, 18 Sep 2026 10:02:05 +0200\n\nOne.\n\nFrom: Bo (+4712345678)\n"
         "Type: sent\nSent: Fri, 18 Sep 2026 10:03:03 +0200\n\nTwo.\n",
         ["Ana", "Bo (+4712345678)"]),
        ("'''Ana:''' One.\n\n'''Bo:''' Two.\n\n'''Ana:''' Three.\n", ["Ana", "Bo", "Ana"]),
        ("#+TITLE: Review\nAna: One.\nBo: Two.\nAna: Three.\n", ["Ana", "Bo", "Ana"]),
        ("Ana » One.\nBo » Two.\nAna » Three.\n", ["Ana", "Bo", "Ana"]),
        ("1. Ana: One.\n2. Bo: Two.\n3. Ana: Three.\n", ["Ana", "Bo", "Ana"]),
        ("(1) Ana: One.\n(2) Bo: Two.\n(3) Ana: Three.\n", ["Ana", "Bo", "Ana"]),
        ('"Ana": One.\n"Bo": Two.\n"Ana": Three.\n', ["Ana", "Bo", "Ana"]),
        ("Ana|One.\nBo|Two.\nAna|Three.\n", ["Ana", "Bo", "Ana"]),
        ("**Ana:** One.\n\n**Bo:Acme:** Two.\n\n**Ana:** Three.\n", ["Ana", "Bo:Acme", "Ana"]),
        ("**Ana:** One.\n\n**Title:** Two.\n\n**Ana:** Three.\n", ["Ana", None, "Ana"]),
        ("`0:03` **Ana** One.\n\n`0:09` **Bo** Two.\n\n`0:15` **Ana** Three.\n",
         ["Ana", "Bo", "Ana"]),
        ("=== Ana (0:03) ===\nOne.\n\n=== Bo (0:09) ===\nTwo.\n\n=== Ana (0:15) ===\nThree.\n",
         ["Ana", "Bo", "Ana"]),
        ("Ana  0:03\nOne.\n\n😀  0:09\nTwo.\n\n?!  0:12\nSo.\n\nAna  0:15\nThree.\n",
         ["Ana", "😀", None, "Ana"]),
        ("0:03 Ana\nOne.\n\n0:09 ?!\nTwo.\n\n0:12\nSo.\n\n0:15 Ana\nThree.\n",
         ["Ana", None, None, "Ana"]),
        ("Ana  0:03\nOne.\n\nBo  0:09\nAna: is what he said.\n\nAna  0:15\nThree.\n",
         ["Ana", "Bo", "Ana"]),
        ("10:01 From Ana to Everyone:\n\tOne.\n"
         "10:02 From Bo to Ana(Direct Message):\n\tIs it: so?\n"
         "10:04 From Ana to Everyone:\n\tThree.\n", ["Ana", "Bo", "Ana"]),
        ("10:01:03\t From  Ana Ruiz : One.\n10:01:09\t From  Bo Li : Two: so.\n"
         "10:02:00\t From  Ana Ruiz : See https://x.org/a:b\n", ["Ana Ruiz", "Bo Li", "Ana Ruiz"]),
        ("[9/18/26, 10:01:03] ~\u202fAna: One.\n[9/18/26, 10:02:03] Jose\u0301: Two.\n"
         "[9/18/26, 10:03:03] José: Three.\n", ["Ana", "José", "José"]),
        ("2026년 9월 18일 오전 10:01, 김유리 : 하나.\n2026년 9월 18일 오후 10:02, 박민수 : 둘.\n",
         ["김유리", "박민수"]),
        ("10:01\t田中\t開けました。\n10:02\t鈴木\tどう？\n10:04\t田中\tはい。\n",
         ["田中", "鈴木", "田中"]),
        ("10:01:03\tana\tWe are on.\n10:02:03\t@bo\tIs it: dry?\n10:03:00\tana\tYes.\n",
         ["ana", "@bo", "ana"]),
        ("2026-09-18 10:01:03 UTC Ana: One.\n2026-09-18 10:02:03 GMT+2 Bo: Two.\n", ["Ana", "Bo"]),
        ("".join(f"[0:0{n}] {who}: We had the pump open at the yard, and it took us so very\n"
                 f"       long: all day.\n       Bring it at\n       10:30: the yard is shut.\n"
                 for n, who in enumerate(("Ana", "Bo", "Ana"))), ["Ana", "Bo", "Ana"]),
        ("Ana: One.\u2028Bo: Two.\u2029Ana: Three.", ["Ana", "Bo", "Ana"]),
        ("<+47 22 33 44 55> One.\n<+bo> Two.\n<+47 22 33 44 55> So.\n<+bo> Yes.\n",
         ["+47 22 33 44 55", "bo"] * 2),
        ("00:00:01.0 --> 00:00:02.0\nana_r\nWe are on.\n\n00:00:03.0 --> 00:00:04.0\n"
         "+47 22 33 44 55\nIs it dry?\n\n00:00:05.0 --> 00:00:06.0\nana_r\nYes.\n",
         ["ana_r", "+47 22 33 44 55", "ana_r"]),
        ("说话人1：30分钟。\n说话人2：好。\n说话人1：走。\n", ["说话人1", "说话人2", "说话人1"]),
        ("Ana: One.\n\nBo: Two.\n\nAna: Three.\n\n</details>\n", ["Ana", "Bo", "Ana"]),
        ("Q.  Where?\nA.  Home.\n     MR. LI:  Objection.\nA.  I was.\n(Recess taken.)\n"
         "BY MR. LI:\nQ.  When?\n     DIRECT EXAMINATION\nA.  In May.\n     THE COURT:  Go on.\n",
         ["Q", "A", "MR. LI", "A", None, "Q", None, "A", "THE COURT"]),
        ("Bärbel Bas:\nOne.\n\n(Zuruf von der AfD: Nein!)\n\nThree.\n\nDr. Anna Li (CDU/CSU):\n"
         "Four.\n\nBärbel Bas:\nFive.\n",
         ["Bärbel Bas", None, "Bärbel Bas", "Dr. Anna Li", "Bärbel Bas"]),
        ("M. le président. Un.\n\nMme Anne Roy. Deux.\n\nM. Jean Roux. Trois.\n\n"
         "Mme Anne Roy. Quatre.\n\nM. le président. Cinq.\n",
         ["M. le président", "Mme Anne Roy", "M. Jean Roux", "Mme Anne Roy", "M. le président"]),
        ("  The SPEAKER pro tempore. One.\n  Mr. LI of Ohio. Two.\n  Ms. JACKSON LEE. Three.\n"
         "  The SPEAKER pro tempore. Four.\n",
         ["The SPEAKER pro tempore", "Mr. LI of Ohio", "Ms. JACKSON LEE",
          "The SPEAKER pro tempore"]),
        ("○議長（田中太郎君）　はい。\n○佐藤花子君　質問します。\n○議長（田中太郎君）　はい。\n",
         ["議長", "佐藤花子君", "議長"]),
        (f"Work and Pensions\n\nChild Poverty\n\nSir Julian Li\n\n{P}\n\nAna Ruiz\n\n{P}\n\n{P}\n\n"
         f"House of Commons\n\nSir Julian Li\n\n{P}\n\nAna Ruiz\n\n{P}\n",
         [None, None, "Sir Julian Li", "Ana Ruiz", "Ana Ruiz", None, "Sir Julian Li", "Ana Ruiz"]),
        (f"Operator\n\n{P}\n\nAna Ruiz\nChief Officer, Acme Corp.\n\n{P}\n\nOperator\n\n{P}\n\n"
         f"Bo Li\nAnalyst\n\n{P}\n\nAna Ruiz\nChief Officer, Acme Corp.\n\n{P}\n",
         ["Operator", "Ana Ruiz", "Operator", "Bo Li", "Ana Ruiz"]),
        ("10:01:03 AM - @ana:x.org: One.\n10:01:05 AM - @bo:x.org: Two.\n",
         ["@ana:x.org", "@bo:x.org"]),
        ("Ana: We lost it. Bo: Who? Ana: Nobody.", ["Ana", "Bo", "Ana"]),
        ("Ana: One.\x85Bo: Two.\x85Ana: Three.", ["Ana", "Bo", "Ana"]),
        ("- Who is it?\n- It is me.\n", [None, None]),
        ("\n".join(map(str, range(1, 7))) + "\n\nQ. Where?\n\nA. Home.\n\nQ. When?\n\nA. In May.\n",
         ["Q", "A", "Q", "A"]),
        ("AR\nAna Ruiz\n0:01\nOne.\n\nBL\nBo Li\n0:05\nTwo.\n\nAR\nAna Ruiz\n0:09\nThree.\n",
         ["Ana Ruiz", "Bo Li", "Ana Ruiz"]),
        ("A\n\n10:01\n\nAna\n\nOne.\n\nB\n\n10:02\n\nBo\n\nTwo.\n\nA\n\n10:03\n\nAna\n\nThree.\n",
         ["Ana", "Bo", "Ana"]),
        ("Sep 18, 2026 10:02:03 AM\nAna Ruiz\nOne.\n\nSep 18, 2026 10:03:03 AM (Read by them)\nMe\n"
         "Two.\n\nSep 18, 2026 10:04:03 AM\nAna Ruiz\nThree.\n", ["Ana Ruiz", "Me", "Ana Ruiz"]),
    ],
)  # fmt: skip
def test_who_speaks_is_a_speaker_and_who_cannot_be_told_is_nobody(
    text: str, expected: list[str | None]
) -> None:
    assert expected == [speaker for speaker, _ in spoken(text)]


def test_a_word_that_begins_remarks_and_recurs_as_a_label_takes_no_part_of_another_s_turn() -> None:
    names = ["Ana", "Bo"] * 15
    names[9] = names[20] = "Summary"
    text = "\n".join(f"{name}: These are words {n}." for n, name in enumerate(names))

    found = spoken(text)

    assert len(names) == len(found)
    assert {"Summary", None} >= {found[9][0], found[20][0]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ana  10:01 PM\nOne.\n\nBo  10:02 PM\nTwo.\n10:03\nThree.\n\nAna  10:04 PM\nFour.\n",
         [79260, 79320, 79380, 79440]),
        ("18/9/2026، 10:02 ص - Ana: One.\n18/9/2026، 10:03 م - Bo: Two.\n", [36120, 79380]),
        ("[9/18/2026 10:02:03 AM] Ana: One.\n[9/18/2026 10:02:13 AM | Edited 10:03 AM] Bo: Two.\n",
         [36123, 36133]),
        ("Bo Li\n" + "".join(f"{who}\nSo {n}\nSep 18, 2026, 10:0{n} AM\n" for n, who in
                             enumerate(("Bo Li", "Ana Ruiz", "Bo Li", "Ana Ruiz"))),
         [36000, 36060, 36120, 36180]),
        ("0.51 2.30 A: One.\n2.60 3.20 B: Two.\n", [0.51, 2.6]),
        ("00:00:01:12 00:00:03:00\nOne.\n\n00:00:04:00 00:00:06:23\nTwo.\n", [1, 4]),
        ("**Ana** `00:01` One.\n\n**Bo** `00:05` Two.\n\n**Ana** `00:09` So.\n", [1, 5, 9]),
        ("58:10 Ana: One.\n59:30 Bo: Two.\n1:00:10 Ana: Three.\n", [3490, 3570, 3610]),
        ("1:00 Ana: One.\n1:01 Bo: Two.\n1:02 Ana: Three.\n", [60, 61, 62]),
        ("[18-Sep-26 10:01 AM] ana\nOne.\n\n[19-Sep-26 10:02 AM] bo\nTwo.\n\n"
         "[19-Sep-26 10:04 AM] ana\nThree.\n", [36060, 122520, 122640]),
        ("张三 2026年9月18日 10:01\n一。\n\n李四 2026年9月18日 10:02\n二。\n\n"
         "张三 2026年9月18日 10:03\n三。\n",
         [36060, 36120, 36180]),
        ("Ana Ruiz (0 : 03)\nOne.\n\nBo Li (0 : 09)\nTwo.\n\nAna Ruiz (1 : 00 : 12)\nThree.\n",
         [3, 9, 3612]),
        *(
            (f"Ana Ruiz{gap}0 {m} 3 {s}\nOne.\n\nBo Li{gap}1 {m} 9 {s}\nTwo.\n", [3, 69])
            for gap in ("\n", "   ")
            for m, s in UNITS
        ),
        ("18/9/26 10:01 p. m. - Ana: Uno.\n18/9/26 10:02 p.\u00a0m. - Bo: Dos.\n", [79260, 79320]),
        ("18/9/26, 10:01 م - Ana: One.\n18/9/26, 10:02 م - Bo: Two.\n", [79260, 79320]),
        ("18.9.2026 klo 10.01 - Ana: Yksi.\n18.9.2026 klo 10.02 - Bo: Kaksi.\n", [36060, 36120]),
        ("［００：００：０３］Ana：One.\n［００：０１：０９］Bo：Two.\n", [3, 69]),
        ("Ana（００：００：０３）\nOne.\n\nBo（００：０１：０９）\nTwo.\n", [3, 69]),
        ("{00:00:03} Ana: One.\n{00:01:09} Bo: Two.\n", [3, 69]),
        ("[3000 ms] Ana: One.\n[69000 ms] Bo: Two.\n", [3, 69]),
        ("Ana (0'03\"): One.\nBo (1'09\"): Two.\n", [3, 69]),
        ("Ana Ruiz at 00:00:03\nOne.\n\nBo Li at 00:01:09\nTwo.\n", [3, 69]),
        ("### 00:00:03 {#00:00:03}\n\n**Ana:** One.\n\n### 00:01:09 {#00:01:09}\n\n**Bo:** Two.\n",
         [3, 69]),
        ("00;00;01;00 - 00;00;03;00\nSpeaker 1\nOne.\n\n00;00;03;12 - 00;00;05;00\nSpeaker 2\n"
         "Two.\n",
         [1, 3]),
        ("00:00:01:00 - 00:00:03:00\nSpeaker 1\nWe lost it.\n\n00:00:03:12 - 00:00:05:00\n"
         "Speaker 2\nWho?\n\n"
         "00:00:05:00 - 00:00:06:00\nSpeaker 1\nNobody did.\n", [1, 3, 5]),
    ],
)  # fmt: skip
def test_times_mean_what_all_of_them_can_mean(text: str, expected: list[float]) -> None:
    assert expected == starts(text)


def test_a_remark_in_one_late_cue_is_no_speaker() -> None:
    cues = ["At 10:30 we start.", "It is 3:1.", "Ratio: four to one."]
    text = "".join(f"00:00:0{n} --> 00:00:0{n}.9\n{cue}\n\n" for n, cue in enumerate(cues))

    assert {None} == {speaker for speaker, _ in spoken(text)}


def test_times_of_cues_may_have_spaces_around_their_colons() -> None:
    cues = (f"{n}\n00 : 00 : 0{n},000 --> 00 : 00 : 0{n},900\nAna: So.\n\n" for n in range(2))

    assert [("Ana", "So."), ("Ana", "So.")] == spoken("".join(cues))


@pytest.mark.parametrize("header", ["Zeit;Sprecher;Text", "tiempo;quién;qué", "a;b;c"])
def test_a_table_whose_columns_are_named_in_other_words_is_read_by_what_they_hold(
    header: str,
) -> None:
    text = header + "".join(f"\n00:00:0{n};{who};{text}" for n, (who, text) in enumerate(SAID))

    assert SAID == spoken(text)
    assert [0, 1, 2, 3] == starts(text)


def test_times_with_dropped_frames_are_times_in_tables_too() -> None:
    text = "Speaker\tStart\tText\nAna\t00;00;01;00\tWe lost it.\nBo\t00;01;03;12\tWho did?\n"

    assert [1, 63] == starts(text)


def test_identifiers_of_cues_that_are_names_and_recur_speak() -> None:
    names = ["Ana Ruiz", "Bo Li", "Ana Ruiz"]
    cues = (f"{name}\n00:0{n}.000 --> 00:0{n}.900\nWords {n}.\n\n" for n, name in enumerate(names))

    assert names == [speaker for speaker, _ in spoken("WEBVTT\n\n" + "".join(cues))]


@pytest.mark.parametrize(
    "notice",
    [
        "Ana Ruiz started transcription", "Ana Ruiz hat die Transkription beendet",
        "Ana Ruiz a arrêté la transcription", "Ana Ruiz detuvo la transcripción",
        "Ana Ruiz stoppet transkripsjonen", "Transcription ended after 00:31:04",
        "Die Transkription wurde nach 00:31:04 beendet", "Exported 3 message(s)",
        "ACTION ITEM: Order it. - WATCH: https://fathom.video/share/abc?timestamp=12",
    ],
)  # fmt: skip
def test_what_a_service_notes_below_a_turn_is_not_said(notice: str) -> None:
    said = "Ana Ruiz  0:03\nOne.\n\nBo Li  0:09\n{}\n"

    assert ["One.", "Two."] == [text for _, text in spoken(said.format("Two.") + f"\n{notice}\n")]
    told = "They had stopped the recording"
    assert ["One.", told] == [text for _, text in spoken(said.format(told))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ANA: Infor-\nmation of the com-\nputer on a long-\nterm plan.\nBO: A computer?\nANA: So",
         "Information of the computer on a long-term plan."),
        ("ANA: A well-\nknown one, the Ruiz-\nLi pump.\nBO: Is it well-known?\nANA: Yes.",
         "A well-known one, the Ruiz-Li pump."),
        ("ANA: The co-\noperation.\nBO: The cooperation, or the co-operation?\nANA: So.",
         "The co-operation."),
    ],
)  # fmt: skip
def test_a_word_is_mended_at_the_end_of_a_line_where_the_text_tells_that_it_is_one(
    text: str, expected: str
) -> None:
    assert ("ANA", expected) == spoken(text)[0]


def test_a_line_that_ends_in_a_time_is_a_turn_if_most_do() -> None:
    assert [(None, "One."), (None, "Two.")] == spoken("One. [0:05]\nTwo. [0:09]\n")
