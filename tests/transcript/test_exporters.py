"""Transcripts as tools of 2025 and 2026 export them, with the names and words that mislead."""

from __future__ import annotations

import json
import textwrap

import pytest
from helpers.reading import spoken, starts

Spoken = list[tuple[str | None, str]]
SAID: Spoken = [("Ana Ruiz", "We lost it."), ("A. J.", "Who did?"), ("Ana Ruiz", "Nobody.")]
LONG = "so it is as we go on to do it " * 8

SHAPES: dict[str, tuple[str, Spoken]] = {
    "an editor that writes times at some turns only": (
        "**Ana:** \\[00:00:03\\] Hi.\n\n**Bo:** Yes.\n\n"
        "**Ana:** \\[00:00:09\\] So. \\[00:00:12\\] Ok.",
        [("Ana", "Hi."), ("Bo", "Yes."), ("Ana", "So."), ("Ana", "Ok.")],
    ),
    "a clock that opens a line of a message with a date": (
        "3/4/26, 9:15 AM - Ana: Up?\n3/4/26, 9:16 AM - Bo: Yes.\n10:30 is fine.\n"
        "3/4/26, 9:17 AM - Ana: Good.\n3/4/26, 9:18 AM - Bo: Bye.",
        [("Ana", "Up?"), ("Bo", "Yes. 10:30 is fine."), ("Ana", "Good."), ("Bo", "Bye.")],
    ),
    "messages of a telephone": (
        "Mar 04, 2026  9:15:00 AM\n+15558675309\nUp?\n\n"
        "Mar 04, 2026  9:16:00 AM (Read by them after 2 seconds)\nMe\nYes.\n\n"
        "Mar 04, 2026  9:17:00 AM\n+15558675309\nGood.",
        [("+15558675309", "Up?"), ("Me", "Yes."), ("+15558675309", "Good.")],
    ),
    "a heading between paragraphs below names": (
        "Ana Ruiz\n\nIt is nine.\n\nBo Li\n\nSo it is.\n\nAna Ruiz\n\nWe begin.\n\n"
        "Act One: The Pump\n\nAna Ruiz\n\nIt broke.",
        [("Ana Ruiz", "It is nine."), ("Bo Li", "So it is."), ("Ana Ruiz", "We begin."),
         (None, "Act One: The Pump"), ("Ana Ruiz", "It broke.")],
    ),
    "an item of an agenda between turns": (
        "Ana: Begin.\nBo: We do.\nAna: None.\nItem 2: Pumps\nBo: Go on.\nAna: Yes.",
        [("Ana", "Begin."), ("Bo", "We do."), ("Ana", "None."), (None, "Item 2: Pumps"),
         ("Bo", "Go on."), ("Ana", "Yes.")],
    ),
    "an office that is addressed": (
        "Mrs. Li: Why?\nThe Speaker: Order.\nMrs. Li: Mr. Speaker: I ask.\nThe Speaker: Go on.",
        [("Mrs. Li", "Why?"), ("The Speaker", "Order."), ("Mrs. Li", "Mr. Speaker: I ask."),
         ("The Speaker", "Go on.")],
    ),
    "a host, above whose words stands a time": (
        "Host  43:59\nHi.\n\nBo Li  44:58\nYes.\n\nHost  47:09\nSo.\n\nBo Li  48:00\nOk.",
        [("Host", "Hi."), ("Bo Li", "Yes."), ("Host", "So."), ("Bo Li", "Ok.")],
    ),
    "words on senders in the first turn": (
        "Ana Ruiz  0:03\nI wrote to them in May: they know\n\n"
        "Bo Li  0:09\nYes.\n\nAna Ruiz  0:12\nOk.",
        [("Ana Ruiz", "I wrote to them in May: they know"), ("Bo Li", "Yes."), ("Ana Ruiz", "Ok.")],
    ),
    "numbered lines, of which one goes on": (
        "1  [0:01] Ana: One.\n2  [0:03] Bo: Two\nand more.\n3  [0:05] Ana: Three.\n"
        "4  [0:07] Bo: Four.\n5  [0:09] Ana: Five.",
        [("Ana", "One."), ("Bo", "Two and more."), ("Ana", "Three."), ("Bo", "Four."),
         ("Ana", "Five.")],
    ),
    "a laugh behind a label in wide brackets": (
        "［Ana］(laughs) Hi.\n［Bo］Yes.\n［Ana］So.",
        [("Ana", "(laughs) Hi."), ("Bo", "Yes."), ("Ana", "So.")],
    ),
    "a time close to initials": (
        "JR[00:01:01]: Hi.\nA.J.[00:01:03]: Yes.\nJR[00:01:05]: So.\nA.J.[00:01:09]: Ok.",
        [("JR", "Hi."), ("A.J.", "Yes."), ("JR", "So."), ("A.J.", "Ok.")],
    ),
    "a dash behind initials": (
        "JR -- Hi.\nA.J. -- Yes.\nJR -- So.\nA.J. -- Ok.",
        [("JR", "Hi."), ("A.J.", "Yes."), ("JR", "So."), ("A.J.", "Ok.")],
    ),
    "brackets before a time": (
        "Ana (she/her) [00:26:36] Hi.\nBo Li [00:28:36] Yes.\nAna (she/her) [00:31:43] So.\n"
        "Bo Li [00:33:01] Ok.",
        [("Ana", "Hi."), ("Bo Li", "Yes."), ("Ana", "So."), ("Bo Li", "Ok.")],
    ),
    "two words below a label and a time on two lines": (
        "[00:39:32]\nAna Ruiz\nWell, so it is. And then we left.\n\n"
        "[00:41:01]\nBo Li\nit was fine.\n\n[00:43:33]\nBo Li\nyes it was\n\n"
        "[00:46:02]\nAna Ruiz\nit was fine.\n\n[00:49:16]\nBo Li\nPage four\n\n"
        "[00:49:24]\nAna Ruiz\n10:30 works for me.",
        [("Ana Ruiz", "Well, so it is. And then we left."), ("Bo Li", "it was fine."),
         ("Bo Li", "yes it was"), ("Ana Ruiz", "it was fine."), ("Bo Li", "Page four"),
         ("Ana Ruiz", "10:30 works for me.")],
    ),
    "objects in the cues of Graph": (
        "WEBVTT\n\n" + "\n\n".join(
            f"00:00:0{n}.000 --> 00:00:0{n}.900\n"
            + json.dumps({"speakerName": who, "spokenText": words, "spokenLanguage": "en-us"})
            for n, (who, words) in enumerate(SAID)
        ),
        SAID,
    ),
    "sources with a name": (
        '{"source": "+471", "sourceName": "Ana", "body": "Hi."}\n'
        '{"source": "+472", "sourceName": "Bo", "body": "Yes."}',
        [("Ana", "Hi."), ("Bo", "Yes.")],
    ),
    "a cue of nobody that has a label inside": (
        "\n\n".join(
            f"00:00:0{n},000 --> 00:00:0{n},900\n{cue}" for n, cue in enumerate(
                ["Bo Li: Hi.", "Ana Ruiz: Yes.", "Max left. Eva Ek: so he said.", "Bo Li: Ok."]
            )
        ),
        [("Bo Li", "Hi."), ("Ana Ruiz", "Yes."), (None, "Max left. Eva Ek: so he said."),
         ("Bo Li", "Ok.")],
    ),
    "callouts of Obsidian": (
        "> [!quote] Ana\n> Hi.\n\n> [!quote]+ Bo\n> Yes.\n\n> [!quote] Ana\n> So.\n> And so.\n\n"
        "> [!quote]- Bo\n> Ok.",
        [("Ana", "Hi."), ("Bo", "Yes."), ("Ana", "So. And so."), ("Bo", "Ok.")],
    ),
    "slashes before who speaks at the same time": (
        "S00: Hi.\n//S01: Yes.//\nS00: So.\nS01: Ok.",
        [("S00", "Hi."), ("S01", "Yes.//"), ("S00", "So."), ("S01", "Ok.")],
    ),
    "headings between bullets": (
        "- Ana: Hi.\n- Bo: Yes.\nPart 2: The Pump\n- Ana: So.\nItem 3: Seals\n- Bo: Ok.",
        [("Ana", "Hi."), ("Bo", "Yes."), (None, "Part 2: The Pump"), ("Ana", "So."),
         (None, "Item 3: Seals"), ("Bo", "Ok.")],
    ),
    "an item that is announced right below a name": (
        "Ana Ruiz\n\nItem 3: pumps.\n\nBo Li\n\nVitamin A.\n\nAna Ruiz\n\nSo.\n\n"
        "Item 4: Seals\n\nBo Li\n\nVitamin C.\nAnd zinc.",
        [("Ana Ruiz", "Item 3: pumps."), ("Bo Li", "Vitamin A."), ("Ana Ruiz", "So."),
         (None, "Item 4: Seals"), ("Bo Li", "Vitamin C. And zinc.")],
    ),
    "words that are said again and end in a letter": (
        "Ana Ruiz\n\nWhich?\n\nBo Li\n\nVitamin C.\n\nAna Ruiz\n\nWhy?\n\nBo Li\n\nVitamin C.",
        [("Ana Ruiz", "Which?"), ("Bo Li", "Vitamin C."), ("Ana Ruiz", "Why?"),
         ("Bo Li", "Vitamin C.")],
    ),
    "a title before a name that is addressed": (
        "Ana Ruiz: We met him.\nBo Li: So?\nAna Ruiz: Mr. Li: I ask.\nBo Li: Fine.",
        [("Ana Ruiz", "We met him."), ("Bo Li", "So?"), ("Ana Ruiz", "Mr. Li: I ask."),
         ("Bo Li", "Fine.")],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SHAPES.values(), ids=SHAPES.keys())
def test_an_export_is_read_as_its_turns(text: str, expected: Spoken) -> None:
    assert expected == spoken(text)


@pytest.mark.parametrize(
    "turn", ["{}\n{}\n\n", "{}\n\n{}\n\n", "### {}\n{}\n\n", "{}\n0:0{n}\n{}\n", "0:0{n}\n{}\n{}\n"]
)
@pytest.mark.parametrize("name", ["A. J.", "Sam Li Jr.", "Eva Ek, Ph.D."])
def test_a_name_above_the_words_may_end_in_a_full_stop(turn: str, name: str) -> None:
    said = [(name if who == "A. J." else who, words) for who, words in SAID]
    text = "".join(turn.format(*each, n=n) for n, each in enumerate(said, start=1))

    assert said == spoken(text)


@pytest.mark.parametrize(
    "turn", ["[{}] {}\n", "<{}> {}\n", "{} (0:0{n}): {}\n", "[0:0{n}] {}: {}\n", "**{}:** {}\n"]
)
def test_who_speaks_once_below_a_full_line_is_a_speaker(turn: str) -> None:
    names = ["Ana", "Bo", "Man by the door", "Ana", "Bo", "Ana"]
    turns = [turn.format(who, LONG, n=n) for n, who in enumerate(names, start=1)]
    text = "\n".join("\n".join(textwrap.wrap(each, 60)[:3]) for each in turns)

    assert names == [who for who, _ in spoken(text)]


def test_words_before_a_colon_at_the_end_of_a_line_do_not_hide_the_label_below() -> None:
    text = "Ana:\nWe lost it:\nBo:\nWho did?\nAna:\nNobody.\nBo:\nFine.\n"

    assert [("Bo", "Who did?"), ("Ana", "Nobody."), ("Bo", "Fine.")] == spoken(text)[-3:]


@pytest.mark.parametrize("part", ["\t", " | ", ","])
@pytest.mark.parametrize(
    "names", [("Room 4B North", "+47 22 33 44 55"), ("Note Taker", "Read Bot")]
)
def test_the_column_whose_cells_recur_and_are_names_has_the_speakers(
    part: str, names: tuple[str, str]
) -> None:
    words = ["Hi there.", "Yes.", "So it is.", "Ok then."]
    said = list(zip(names * 2, words, strict=True))
    text = "\n".join(
        f"00:00:0{n}{part}{who}{part}{each}" for n, (who, each) in enumerate(said, start=1)
    )

    assert said == spoken(text)
    assert [1, 2, 3, 4] == starts(text)


@pytest.mark.parametrize("first", ["Well, so it is.", "Speaker 1, are you there?"])
def test_the_first_row_of_a_numbered_speaker_is_no_header(first: str) -> None:
    rows = [
        ("Speaker 2", first),
        ("Speaker 10", "Yes."),
        ("Speaker 10", "So."),
        ("Speaker 1", "Ok."),
    ]
    text = "\n".join(" | ".join(row) for row in rows)

    assert rows == spoken(text)


def test_a_line_amid_a_wrapped_sentence_is_no_fact_on_the_recording() -> None:
    lines = textwrap.wrap(f"[Ana] {LONG}", 60)[:5]
    lines[2] = "from Oslo: " + lines[2][:48]
    text = "\n\n".join(["\n".join(lines), "[Bo] So.", "[Ana] Yes.", "[Bo] Ok."])

    assert ["Ana", "Bo", "Ana", "Bo"] == [who for who, _ in spoken(text)]


@pytest.mark.parametrize("head", ["{} 0 hours 0 minutes {n} seconds", "{} 0:0{n}"])
def test_a_clock_that_ends_a_line_of_a_wrapped_sentence_opens_no_turn(head: str) -> None:
    full, names = LONG[:62], ["Ana", "Bo"] * 3
    bodies = [f"{full}\n{full}\nso it is."] * 6
    bodies[2] = f"{full}\nyesterday. It was a great strength of the board. At 10:30\n{full}\nend."
    turns = zip(names, bodies, strict=True)
    text = "\n".join(
        f"{head.format(who, n=n)}\n{body}\n" for n, (who, body) in enumerate(turns, start=1)
    )

    assert names == [who for who, _ in spoken(text)]


@pytest.mark.parametrize("turn", ["{}: {}\n", "{}\n{}\n\n", "{}  0:0{n}\n{}\n\n", "{}\t{}\n"])
def test_an_answer_that_is_a_length_of_time_is_words(turn: str) -> None:
    said = [("Ana", "How long?"), ("Bo", "5 minutes."), ("Ana", "So."), ("Bo", "10 min.")]

    assert said == spoken("".join(turn.format(*each, n=n) for n, each in enumerate(said, start=1)))
