"""The four readings that work from a transcript's lines, and the generic one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from helpers.offline import EMPTY, PUMP, answer, cited, spoken

from runner.answers.findings import Finding
from runner.providers.offline.readings import generic

NAMES = ("say_means", "perspective_perception", "premises_assertions", "postulate_theorem")

BUS = (
    (
        "Dee",
        "The night bus carries only nine passengers, therefore the council wants to cancel it.",
    ),
    ("Eli", "Nurses need the night bus to reach the hospital before the early shift."),
    ("Dee", "Perhaps a shared taxi might be cheaper than the night bus."),
    ("Eli", "I will ask the hospital on Monday how many nurses take the bus."),
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("said", [PUMP, BUS])
def test_every_reading_fits_its_shape_and_quotes_verbatim(name: str, said: Any) -> None:
    given = spoken(*said)
    found = answer(name, given)
    texts = {line.segment: line.text for line in given.lines}

    assert all(quote in texts[segment] for segment, quote in cited(found))
    assert all(insight["evidence"] for insight in found["insights"])
    assert answer(name, given) == found


@pytest.mark.parametrize("name", NAMES)
def test_two_transcripts_give_different_answers(name: str) -> None:
    first, second = (answer(name, spoken(*said))["insights"] for said in (PUMP, BUS))

    assert not {i["text"] for i in first} & {i["text"] for i in second}


def test_say_means_finds_hedges_promises_and_what_stays_open() -> None:
    found = answer("say_means", spoken(*PUMP))["structured_data"]

    assert ("Bo Chen", "hedge") in [(gap["speaker"], gap["signal"]) for gap in found["gaps"]]
    assert ("Bo Chen", "conditional") in [
        (commitment["speaker"], commitment["strength"]) for commitment in found["commitments"]
    ]
    assert ["Who pays for the overtime of the night crew?"] == [u["topic"] for u in found["unsaid"]]


def test_perspectives_name_holders_tension_and_shared_ground() -> None:
    found = answer("perspective_perception", spoken(*PUMP))["structured_data"]

    assert {"Ann Lee", "Bo Chen"} <= {view["holder"] for view in found["perspectives"]}
    assert ["Ann Lee", "Bo Chen"] in [tension["between"] for tension in found["tensions"]]
    assert ["Cy Diaz", "Ann Lee"] in [ground["holders"] for ground in found["shared_ground"]]


def test_a_reason_is_an_argument_whose_support_is_not_judged() -> None:
    found = answer("premises_assertions", spoken(*PUMP))["structured_data"]

    assert {"unclear"} == {argument["support"] for argument in found["arguments"]}
    assert any("filter was clogged" in a["premises"][0]["text"] for a in found["arguments"])


def test_theorems_follow_only_from_postulates_that_exist() -> None:
    found = answer("postulate_theorem", spoken(*PUMP))["structured_data"]
    known = {postulate["id"] for postulate in found["postulates"]}

    assert found["theorems"]
    assert all(set(theorem["follows_from"]) <= known for theorem in found["theorems"])
    assert all(theorem["follows_from"] for theorem in found["theorems"])


def test_a_guess_gets_a_test() -> None:
    found = answer("postulate_theorem", spoken(*BUS))["structured_data"]

    assert ["Perhaps a shared taxi might be cheaper than the night bus."] == [
        guess["statement"] for guess in found["conjectures"]
    ]
    assert all(guess["test"] for guess in found["conjectures"])


TRIAL = (
    ("Ida", "The question for today is whether we run the valve trial in May or in autumn."),
    ("Jon", "Both seals wear together, therefore the gap between the seals should stay constant."),
    ("Kim", "It assumes the seals wear at the same rate, and nobody has measured that."),
    ("Jon", "Explaining the leak by the first of May is, let's say, ambitious."),
    ("Kim", "You mean no."),
    ("Kim", "I could live with a valve trial in May, provided that every leak is logged."),
    (
        "Ida",
        "The board will say we learned nothing from the valve trial. We should weigh the seals.",
    ),
)


def test_the_topic_is_the_question_a_first_speaker_frames() -> None:
    topic = answer("perspective_perception", spoken(*TRIAL))["structured_data"]["topic"]

    assert "whether we run the valve trial in May or in autumn" == topic


def test_consent_under_a_condition_is_a_mixed_stance() -> None:
    views = {
        v["holder"]: v
        for v in answer("perspective_perception", spoken(*TRIAL))["structured_data"]["perspectives"]
    }

    assert "mixed" == views["Kim"]["stance"]
    assert views["Kim"]["position"].startswith("I could live with a valve trial in May")


def test_sentences_torn_between_segments_carry_no_argument() -> None:
    torn = [
        ("Lee", "We look for more helpers because many of the older helpers are involved in"),
        ("Lee", "Other work that the board gave them. That is known. We asked the board twice."),
    ]

    assert [] == answer("premises_assertions", spoken(*torn))["structured_data"]["arguments"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "said",
    [
        [(None, "Hello")],
        [("A", "Wir müssen den Vertrag bis Freitag unterschreiben.")],
        [(None, "the build failed twice and i am not sure whether the runner is slow")],
        [("TWR", "CLEARED TO LAND RUNWAY 27"), ("AAL1", "CLEARED TO LAND 27")],
    ],
)
def test_a_poor_transcript_still_gets_an_honest_answer(name: str, said: Any) -> None:
    insights = answer(name, spoken(*said))["insights"]

    assert all(insight["evidence"] or insight["category"] == "no_cue" for insight in insights)


def test_a_prompt_only_analyzer_is_answered_by_what_bears_on_its_question() -> None:
    question = "What is said about the overtime of the night crew?"
    first: Any = generic.read(spoken(*PUMP, question=question))["insights"]

    assert "on_question" == first[0]["category"]
    assert {"segment": "S0008", "quote": "Who pays for the overtime of the night crew?"} in [
        e for insight in first for e in insight["evidence"]
    ]


def test_a_prompt_only_analyzer_copies_the_evidence_of_findings() -> None:
    finding = Finding(
        "say_means", "insights", {"text": "Bo doubts it."}, 0.8, "hedge", (("S0004", "I suppose"),)
    )
    found: Any = generic.read(replace(EMPTY, findings=(finding,), question="Who doubts it?"))

    assert [{"segment": "S0004", "quote": "I suppose"}] == found["insights"][0]["evidence"]
