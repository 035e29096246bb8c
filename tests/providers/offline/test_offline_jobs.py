"""The readings of the pipelines for meetings, interviews, support calls and hearings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from helpers import job
from helpers.offline import EMPTY, answer, cited, spoken

from runner.providers.offline.document import Document

PIPELINES = ("meeting", "interview", "support_call", "hearing")

CALL = spoken(
    ("Kim", "Good morning, how can I help you today?"),
    ("Lee", "My printer has stopped working since the update on Monday."),
    ("Lee", "I already restarted it twice and I checked the cables."),
    ("Lee", "We lose about an hour of work every day because of this, and I am very frustrated."),
    ("Kim", "Please open the settings page and check the driver."),
    ("Kim", "I'll send you the new driver by Friday."),
    ("Lee", "I have installed the other one. Yes, now it works."),
    ("Lee", "I am really happy that the printer does what it should."),
)
INTERVIEW = spoken(
    ("Ana", "What do you do when the lift is out of order?"),
    ("Bo", "We ended up carrying the wheelchair down the stairs last winter."),
    ("Bo", "I missed two appointments because nobody told me about the repair."),
    ("Bo", "I need a message on my phone when the lift stops."),
    ("Bo", "I would love a map that shows the lifts that work."),
    ("Ana", "Would you use the bus instead?"),
    ("Bo", "I usually take the bus when the weather is dry."),
)
HEARING = spoken(
    ("Chair", "How many inspectors did the agency lose last year?"),
    ("Ms. Reed", "The report shows that the agency lost forty inspectors last year."),
    ("Ms. Reed", "I saw two of the mines myself and nobody had been there since March."),
    ("Chair", "Did anybody warn the ministry about the missing inspectors?"),
    ("Mr. Holt", "I was told that the ministry knew about the missing inspectors."),
    ("Ms. Reed", "I disagree, the ministry did not know about the missing inspectors."),
)
DOCUMENTS = (CALL, INTERVIEW, HEARING, EMPTY)


def found(name: str, key: str, document: Document, *fields: str) -> list[tuple[Any, ...]]:
    items: list[Mapping[str, Any]] = answer(name, document)["structured_data"][key]
    return [tuple(item[field] for field in fields) for item in items]


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_every_quote_stands_word_for_word_in_the_segment_it_names(pipeline: str) -> None:
    for name, document in product(job(f"pipeline={pipeline}").analyzers, DOCUMENTS):
        said = {line.segment: line.text for line in document.lines}

        for segment, quote in cited(answer(name, document)):
            assert quote in said[segment], name


def test_a_call_gives_the_fault_the_steps_the_feelings_and_the_outcome() -> None:
    details = found("customer_problem", "details", CALL, "kind", "who")
    moods = found("customer_mood", "moments", CALL, "mood", "who")
    solved = answer("resolution", CALL)["structured_data"]

    assert [("since", "Lee"), ("tried", "Lee"), ("impact", "Lee")] == details
    assert [("frustrated", "Lee"), ("pleased", "Lee")] == moods
    assert ("solved", 'Lee says: "now it works".') == (solved["status"], solved["why"])
    assert [(None, "Please open"), ("Kim", "I'll send y")] == [
        (by, step[:11]) for by, step in found("resolution", "steps", CALL, "by", "step")
    ]


@pytest.mark.parametrize("document", [INTERVIEW, HEARING])
def test_talk_that_is_no_call_about_a_fault_has_no_problem_of_a_customer(
    document: Document,
) -> None:
    aside = spoken(("Ann", "The old tap of the office didn't work either."))
    for each in (document, replace(document, lines=(*document.lines, *aside.lines))):
        found = answer("customer_problem", each)["structured_data"]
        assert ([], "") == (found["details"], found["problem"])


@pytest.mark.parametrize(
    "last",
    ["It doesn't work.", "Maybe it works.", "Does it work now?", "It works only when I hold it."],
)
def test_a_call_is_not_called_solved_by_words_that_leave_it_open(last: str) -> None:
    call = replace(CALL, lines=(*CALL.lines[:5], *spoken(("Lee", last)).lines))

    assert "unclear" == answer("resolution", call)["structured_data"]["status"]


def test_an_interview_gives_experiences_and_needs_of_who_tells_them() -> None:
    told = found("experiences", "experiences", INTERVIEW, "kind", "who")
    needs = found("needs", "needs", INTERVIEW, "strength", "who")

    assert [("workaround", "Bo"), ("problem", "Bo"), ("habit", "Bo")] == told
    assert [("must", "Bo"), ("wish", "Bo")] == needs


def test_a_hearing_gives_claims_with_their_basis_and_questions_with_their_replies() -> None:
    claims = found("testimony", "claims", HEARING, "basis", "witness")
    exchanges = found("answers_given", "exchanges", HEARING, "asked_by", "answered_by", "verdict")

    assert [("data", "Ms. Reed"), ("own_experience", "Ms. Reed"), ("hearsay", "Mr. Holt")] == claims
    assert [("Chair", "Ms. Reed", "unclear"), ("Chair", "Mr. Holt", "unclear")] == exchanges


@pytest.mark.parametrize(
    ("said", "side"),
    [
        ("I disagree that the buoy is good enough for the trial.", "against"),
        ("I'm not saying that we should drop the harbour trial in April.", "unclear"),
        ("I think we must log every correction of the buoy.", "unclear"),
    ],
)
def test_the_side_of_an_opinion_is_told_only_where_its_words_tell_it(said: str, side: str) -> None:
    document = spoken(("Ana", "The harbour trial in April needs the buoy."), ("Bo", said))

    assert (said, side) in found("opinions", "opinions", document, "opinion", "stance")


def test_objections_become_disagreements_with_both_sides() -> None:
    sides = [
        [side["who"] for side in item["sides"]]
        for item in answer("disagreements", HEARING)["structured_data"]["disagreements"]
    ]

    assert [["Mr. Holt", "Ms. Reed"]] == sides
