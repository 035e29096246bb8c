"""Doubts about a transcript: a line each, with a count and an example."""

from __future__ import annotations

import pytest

from runner.transcript.model import Segment
from runner.transcript.read import read_text
from runner.transcript.warnings import doubts, hardly_english

CUE = "00:00:01,000 --> 00:00:02,000\n"


def segment(
    number: int, text: str, speaker: str | None = "Ana", start_s: float | None = None
) -> Segment:
    return Segment(f"S{number:04d}", speaker, start_s, None, text)


@pytest.mark.parametrize(
    ("second", "doubt"),
    [
        (
            segment(2, "Who?", None),
            "1 of 3 segments have no speaker, others have one: S0002 'Who?'",
        ),
        (
            segment(2, "Gr\u00c3\u00bc\u00c3\u0178e!"),
            "1 of 3 segments have characters that were read in a wrong encoding: S0002 'GrÃ¼ÃŸe!'",
        ),
        (
            segment(2, "Bo Li: I did."),
            "1 of 3 segments begin like a label or have one inside, which names no speaker: "
            "S0002 'Bo Li: I did.'",
        ),
        (
            segment(2, "It is. Ana: I did."),
            "1 of 3 segments begin like a label or have one inside, which names no speaker: "
            "S0002 'It is. Ana: I did.'",
        ),
        (
            segment(2, "[Bo Li] I did."),
            "1 of 3 segments begin like a label or have one inside, which names no speaker: "
            "S0002 '[Bo Li] I did.'",
        ),
        (
            segment(2, "[00:12:03]"),
            "1 of 3 segments are only numbers, times, addresses or markup: S0002 '[00:12:03]'",
        ),
        (
            segment(2, "https://example.org/a"),
            "1 of 3 segments are only numbers, times, addresses or markup: "
            "S0002 'https://example.org/a'",
        ),
        (
            segment(2, "The pump was open."),
            "1 of 3 segments repeat the one before: S0002 'The pump was open.'",
        ),
    ],
)
def test_a_doubt_names_count_and_example(second: Segment, doubt: str) -> None:
    first, last = segment(1, "The pump was open."), segment(3, "It was shut.")

    assert [doubt] == list(doubts([first, second, last]))


def test_times_that_run_back_and_times_that_lack_are_doubts() -> None:
    starts = [1.0, 9.0, None, 4.0]
    told = list(doubts([segment(n, f"Word {n} here.", "Ana", s) for n, s in enumerate(starts, 1)]))

    assert [
        "1 of 4 segments have no time, others have one: S0003 'Word 3 here.'",
        "1 of 4 segments start before the one before: S0004 'Word 4 here.'",
    ] == told


def test_the_later_parts_of_a_long_turn_lack_no_time() -> None:
    words = " ".join(f"One more sentence of it, number {n}." for n in range(120))
    text = f"[00:07] Ana: {words}\n[00:09] Bo: Yes."

    assert () == read_text(text, name="t").report.warnings


def test_one_voice_among_several_is_a_doubt() -> None:
    turns = "\n".join(f"Ana: We talked about pump {n} for a very long time." for n in range(40))

    told = read_text(f"{turns}\nBo: Yes.", name="t").report.warnings

    assert ("'Ana' has 100% of the words of 2 speakers",) == told


def test_speakers_who_are_called_alike_are_a_doubt() -> None:
    told = read_text("Ana: One.\nBo: Two.\nANA: Three.\nBo: Four.", name="t").report.warnings

    assert ("'Ana' and 'ANA' may be one speaker; transcript.speakers can merge them",) == told


def test_labels_in_one_paragraph_without_speakers_are_a_doubt() -> None:
    plain = "It goes on here.\n" * 4
    (told,) = read_text(f"A talk.\nAna: Hi.\n{plain}Bo: Well.", name="t").report.warnings

    assert "begin like a label" in told


def test_what_is_left_out_is_told_in_total_and_furniture_is_not() -> None:
    text = "# Yard review\n\nMay 3, 2026\n\n---\n\nAna: One.\n\n## Pumps\n\nBo: Two.\n\nAna: Three."
    report = read_text(text, name="t").report
    (warning,) = report.warnings

    assert warning.startswith("left out: ")
    assert 9 == report.left_out_words


def test_a_heading_that_became_the_title_is_no_doubt() -> None:
    report = read_text("# Yard review\n\nAna: One.\n\nBo: Two.\n\nAna: Three.", name="t").report

    assert ({"title": "Yard review"}, ()) == (report.about, report.warnings)


def test_a_talk_without_doubts_has_none() -> None:
    assert [] == list(doubts([segment(n, f"Said {n} times.", "AB"[n % 2]) for n in range(9)]))


@pytest.mark.parametrize(
    ("said", "doubted"),
    [
        ("We have to wait for the port, and that is not what I was told in May. ", False),
        ("Vi må vente på havnen, og det var ikke det jeg fikk beskjed om i mai. ", True),
        ("Wir müssen auf den Hafen warten, und das hat man mir im Mai nicht gesagt. ", True),
        ("我们必须等待港口的答复，这和五月份告诉我的不一样，所以现在不能做决定。", True),
        ("Roger. Ninety, forty, two hundred. Copy. Pump pressure nominal, valve closed. ", False),
        ("Kort. ", False),  # too little to tell
    ],
)
def test_a_language_that_the_offline_model_cannot_read_is_a_doubt(said: str, doubted: bool) -> None:
    many = 1 if said == "Kort. " else 40
    found = doubts([segment(n, said * 2, "AB"[n % 2]) for n in range(many)])

    assert doubted == any("look like English" in doubt for doubt in found)


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("{}\nWe lost it.\n\n", "may name who speaks below; they are read as words"),
        ("{}\n\nWe lost it.\n\n", "may name who speaks below; they are read as words"),
        (CUE + "{}\nWe lost it.\n\n", "may name who speaks below; they are read as words"),
        (CUE + "{}, we lost it.\n\n", "begin with a word and a comma, which may name who speaks"),
        (CUE + "[{}] So.\n\n" + "".join(f"{CUE}We lost {n}.\n\n" for n in range(9)), "begin like"),
    ],
)
def test_names_that_occur_once_and_are_read_as_words_are_doubted(text: str, doubt: str) -> None:
    report = read_text("".join(map(text.format, ("Ana Ruiz", "Bo Li", "Cy"))), name="t").report

    assert ({}, 1) == (report.speakers, sum(doubt in warning for warning in report.warnings))


@pytest.mark.parametrize(
    ("said", "foreign"),
    [
        ("Ich denke, wir sollten den Preis auf 25 Euro festlegen, und das ist gut.", True),
        ("Das Problem war der Server, wir hatten ein Timeout und den Bug im Ticket.", True),
        ("Je pense que nous devrions fixer le prix à 25 euros, parce que c'est trop.", True),
        ("Creo que deberíamos fijar el precio en 25 euros, porque los clientes no pagan.", True),
        ("Penso che dovremmo fissare il prezzo, perché i clienti non pagano di più.", True),
        ("أعتقد أننا يجب أن نحدد السعر بخمسة وعشرين يورو.", True),
        ("价格应该定在25欧元，因为客户不愿意付更多的钱。", True),
        ("Was it the die? The Los Angeles team said yes.", False),
        ("Ja. Okay. Mm-hmm. Right.", False),
        ("Pump pressure nominal, valve closed.", False),
    ],
)
def test_short_talks_in_other_languages_are_told_from_english(said: str, foreign: bool) -> None:
    assert foreign == hardly_english([said])
