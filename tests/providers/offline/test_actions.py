"""Actions have people for owners, real dates, and are done outside the talk."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.offline import answer, spoken

from benchmarks.minutes import counts, read_meetings

LABELLED = Path(__file__).parents[3] / "benchmarks" / "minutes.txt"


def actions(*said: tuple[str | None, str]) -> list[tuple[str | None, str | None]]:
    found = answer("action_items", spoken(*said))["structured_data"]["action_items"]
    return [(item["owner"], item["due"]) for item in found]


@pytest.mark.parametrize(
    "text",
    [
        "I'll present myself first, I am the new engineer here.",
        "Let me introduce myself, I'm the new engineer.",
        "I'll share my screen so that you see the plan.",
        "I'm going to move on to the next point of the list.",
        "I'll give you an example of the kind of thing.",
        "I don't think I'll order the filter tomorrow.",
        "I'll never understand this pump and its filter.",
        "He said I'll order the filter tomorrow.",
        "For will send the customer mail on Friday.",
        "You will send the customer mail on Friday.",
        "Someone will send the customer mail on Friday.",
        "The team will send the customer mail on Friday.",
        "Marketing will send the customer mail on Friday.",
        "Monday will bring the customer mail by Friday.",
        "Um I'll just review the list of the parts.",
        "I'll write down the three points of the list.",
        "I will ask him again about the list of parts.",
        "I'm gonna buy one buy one for the office.",
        "The driver will order the red button by Friday.",
        "You'll buy the red one because it looks better.",
    ],
)
def test_talk_about_the_talk_and_owners_who_are_no_persons_make_no_action(text: str) -> None:
    assert actions(("Ann", text), ("Bo", "Okay.")) == []


@pytest.mark.parametrize(
    ("asked", "reply"),
    [
        ("Can you hear me at the back?", "Yes, I can."),
        ("Can it read the old format?", "Yes, it can."),
        ("Could you export the list to a file with this tool?", "Yes, you can do that."),
        ("Could you order the spare filter today?", "No, I can't."),
        ("Could you order the spare filter today?", "Sure, if I were you I'd ask Cy?"),
    ],
)
def test_a_question_whether_it_can_be_done_is_no_request(asked: str, reply: str) -> None:
    assert actions(("Ann", asked), ("Bo", reply)) == []


def test_a_label_that_is_a_role_can_be_an_owner() -> None:
    said = [
        ("Marketing", "Good idea about the new shop."),
        ("Ann", "Marketing will print the new posters by Friday."),
    ]

    assert actions(*said) == [("Marketing", "by Friday")]


@pytest.mark.parametrize(
    ("told", "reply", "owner"),
    [
        ("Um then uh Bo you'll be doing the drawing of the spout .", "Mm-hmm .", "Bo"),
        ("Bo, you're going to work on the map of the tour.", "Okay.", "Bo"),
        ("You will test the login of the page.", "Okay, will do.", "Bo"),
        ("For the next meeting um Bo will ask the shops what they pay .", "Yeah .", "Bo"),
        ("Bo will be doing the slides by Friday.", "Sure.", "Bo"),
        ("I'll uh find out what the steel costs .", "Okay .", "Ann"),
        ("I'll be writing the import this week.", "Okay.", "Ann"),
        ("Nobody asks you to. I'm going to call the agency today.", "Fine.", "Ann"),
        ("I can cut the hedge on Saturday.", "Please do.", "Ann"),
        ("Would you send me the pump report by Friday?", "Sure, will do.", "Bo"),
    ],
)
def test_a_task_falls_to_who_takes_it_on_or_is_called_by_name(
    told: str, reply: str, owner: str
) -> None:
    assert [owner] == [who for who, _ in actions(("Ann", told), ("Bo", reply))]


def test_without_speakers_nobody_owns_an_action() -> None:
    assert actions((None, "I will send the report to the board tomorrow.")) == [(None, "tomorrow")]


def test_an_absence_is_no_due_date() -> None:
    said = ("Ann", "I'll order the spare filter, and I am away from Monday.")

    assert actions(said) == [("Ann", None)]


def test_the_labelled_meetings_are_read_without_a_false_finding() -> None:
    figures = [counts(m) for m in read_meetings(LABELLED.read_text(encoding="utf-8"))]
    right, found, labelled = (
        {kind: sum(row[kind][n] for row in figures) for kind in figures[0]} for n in range(3)
    )

    assert found == right
    assert [kind for kind in right if right[kind] < 0.93 * labelled[kind]] == []
