"""The three readings that write up the transcript and what all earlier analyzers found."""

# ruff: noqa: E501 - a finding line is as long as in a prompt
from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from helpers.offline import EMPTY, answer, cited, handed_on, spoken
from helpers.reading import read_transcript

from runner.answers.context import Item, answer_items, reduce_context
from runner.answers.markdown import answer_markdown
from runner.config.schema import ContextSettings
from runner.providers.offline.document import Document, Utterance
from runner.providers.offline.language.cues import is_question
from runner.providers.offline.language.due_dates import due_in
from runner.providers.offline.synthesis.minutes import take_minutes

ANALYZERS = ("meeting_notes", "composite_note", "executive_summary")
STAGE_A = ("say_means", "perspective_perception", "premises_assertions", "postulate_theorem")
STAGE_B = ("competing_hypotheses", "first_principles", "determining_factors", "patentability")
SAMPLE = Path(__file__).parents[3] / "samples" / "sample1.md"
SHARED = (
    "short_ami_TS3010a.md",
    "medium_akash_support_021.md",
    "cues_mercury_mr4.vtt",
)

OPPOSED = """# Findings of stage_a, stage_b
Not available: patentability (timeout)

## postulate_theorem
### postulates
- id: P1 | statement: The pump runs dry at night | kind: fact | speaker: Ann {S0001 "The pump runs dry at night because the valve closes."}

## premises_assertions
### arguments
- speaker: Ann | assertion: The pump runs dry at night | premises: The valve closes., stated | support: strong {S0001 "The pump runs dry at night because the valve closes."}

## first_principles
### assumptions
- text: The valve closes (Ann). | kind: belief | challenge: How does Ann know? | survives: untested {S0001 "The pump runs dry at night because the valve closes."}
"""


@cache
def lines_of(path: Path) -> tuple[Utterance, ...]:
    segments = read_transcript(path).segments
    return tuple(Utterance(s.id, s.speaker, s.text) for s in segments)


def reduced(analyzers: Sequence[str], document: Document, tokens: int) -> str:
    def count(text: str) -> int:
        return len(text) // 4

    settings = ContextSettings(
        token_budget=tokens, top_insights=5, include_structured_keys=[], transcript_tokens=0
    )
    items: dict[str, tuple[Item, ...]] = {
        name: answer_items(name, answer(name, document), count) for name in analyzers
    }
    return reduce_context("Findings", items, {}, settings, count).text


@pytest.fixture(scope="module")
def both() -> Document:
    """The sample with the findings of the eight analyzers, as the final stage gets them."""
    whole = replace(EMPTY, lines=lines_of(SAMPLE))
    first = reduced(STAGE_A, whole, 8000)
    second = reduced(STAGE_B, handed_on(first), 8000)
    return replace(handed_on(f"{first}\n{second}"), lines=whole.lines)


@pytest.fixture(params=["both", "transcript", "context"])
def sample(request: pytest.FixtureRequest, both: Document) -> Document:
    if request.param == "transcript":
        return replace(both, findings=())
    return replace(both, lines=()) if request.param == "context" else both


def not_verbatim(document: Document, data: Any) -> list[tuple[str, str]]:
    """Return the quotes that stand neither in the segment they name nor in a finding's quote."""
    given = [(line.segment, line.text) for line in document.lines]
    given += [citation for f in document.findings for citation in f.evidence]
    return [(s, q) for s, q in cited(data) if not any(s == t and q in text for t, text in given)]


def actions(document: Document) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer("meeting_notes", document)["structured_data"][
        "action_items"
    ]
    return found


def decisions(document: Document) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer("meeting_notes", document)["structured_data"]["decisions"]
    return found


def questions(document: Document) -> list[str]:
    found = answer("meeting_notes", document)["structured_data"]["open_questions"]
    return [item["question"] for item in found]


@pytest.mark.parametrize("analyzer", ANALYZERS)
def test_every_quote_is_verbatim_with_transcript_with_context_and_with_both(
    analyzer: str, sample: Document
) -> None:
    data = answer(analyzer, sample)

    assert [] == not_verbatim(sample, data)
    assert list(cited(data))


@pytest.mark.parametrize("analyzer", ANALYZERS)
def test_every_insight_on_the_sample_cites_something(analyzer: str, sample: Document) -> None:
    insights = answer(analyzer, sample)["insights"]

    assert [] == [i["text"] for i in insights if not i["evidence"]]
    assert 1 <= len(insights) <= 10


@pytest.mark.parametrize("analyzer", ANALYZERS)
def test_a_reading_is_deterministic(analyzer: str, both: Document) -> None:
    assert answer(analyzer, both) == answer(analyzer, both)


@pytest.mark.parametrize("analyzer", ANALYZERS)
@pytest.mark.parametrize("name", SHARED)
def test_quotes_of_real_talk_are_verbatim(
    analyzer: str, name: str, shared_transcripts: Path
) -> None:
    document = replace(EMPTY, lines=lines_of(shared_transcripts / name))

    assert [] == not_verbatim(document, answer(analyzer, document))


@pytest.mark.parametrize("name", SHARED)
def test_no_decision_and_no_action_of_real_talk_is_a_question(
    name: str, shared_transcripts: Path
) -> None:
    document = replace(EMPTY, lines=lines_of(shared_transcripts / name))
    made = [d["what"] for d in decisions(document)] + [a["what"] for a in actions(document)]

    assert [] == [text for text in made if is_question(text)]


@pytest.mark.parametrize("analyzer", ANALYZERS)
def test_without_anything_to_read_the_answer_says_so(analyzer: str) -> None:
    data = answer(analyzer, EMPTY)

    assert ["no_cue"] == [insight["category"] for insight in data["insights"]]
    assert [] == list(cited(data))


@pytest.mark.parametrize("analyzer", ANALYZERS)
@pytest.mark.parametrize(
    "said",
    [
        (("Ann", "Hello."),),
        ((None, "I will send the report to the board tomorrow."),),
        (("Ann", "Um, well."), ("Bo", "Yes."), ("Ann", "Right.")),
    ],
)
def test_short_transcripts_are_read(analyzer: str, said: Any) -> None:
    document = spoken(*said)

    assert [] == not_verbatim(document, answer(analyzer, document))


@pytest.mark.parametrize("analyzer", ANALYZERS)
def test_a_page_shows_every_segment_that_is_cited(analyzer: str, both: Document) -> None:
    data = answer(analyzer, both)
    module = importlib.import_module(f"analyzers.{analyzer}")
    page = answer_markdown(analyzer, data, module.markdown)

    assert [] == [segment for segment, _ in cited(data) if f"({segment})" not in page]


def test_owner_and_date_of_an_undertaking_are_found_where_they_are_said(both: Document) -> None:
    found = {(a["owner"], a["due"]) for a in actions(both)}
    expected = {
        ("Jonas Weber", "tomorrow"),
        ("Maren Okafor", "this afternoon"),
    }

    assert expected <= found


def test_an_undertaking_names_the_request_it_answers(both: Document) -> None:
    call = next(a for a in actions(both) if a["owner"] == "Jonas Weber")

    assert (
        'Maren Okafor: "Jonas, will you speak to the patent attorney this week?"' == call["about"]
    )


def test_the_decision_of_the_sample_has_its_holders_and_condition(both: Document) -> None:
    first = decisions(both)[0]
    holders = ["Maren Okafor", "Priya Raman", "Tomas Lindqvist", "Jonas Weber"]

    assert ("agreed", holders) == (first["basis"], first["decided_by"])
    assert 'Tomas Lindqvist: "Agreed, if I get Sana"' == first["conditions"][0]


def test_a_decision_made_elsewhere_is_reported_and_not_ascribed_to_the_speaker(
    both: Document,
) -> None:
    other = decisions(both)[1]

    assert ("reported", []) == (other["basis"], other["decided_by"])
    assert "diver contract" in other["what"]
    assert [] == other["conditions"]  # the words of the decision itself are none


def test_the_unanswered_question_is_open_and_the_answered_ones_are_not(both: Document) -> None:
    found = questions(both)

    assert "Who tells the board what happens if we fail?" in found
    assert "How many resets have we actually logged?" not in found


@pytest.mark.parametrize("reply", ["I disagree, the fence is far too old for that.", "Why?"])
def test_a_plan_that_nobody_accepts_is_no_decision(reply: str) -> None:
    said = spoken(("Ann", "We will paint the fence green before the fair."), ("Bo", reply))

    assert [] == decisions(said)


def test_a_plan_that_another_accepts_is_a_decision_with_the_condition() -> None:
    said = spoken(
        ("Ann", "We go with the green paint for the fence."),
        ("Bo", "Agreed, provided that the shop has enough of it."),
    )
    found = decisions(said)

    assert [["Ann", "Bo"]] == [d["decided_by"] for d in found]
    assert ['Bo: "Agreed, provided that the shop has enough of it"'] == found[0]["conditions"]


@pytest.mark.parametrize(
    ("stated", "reply", "found"),
    [
        ("Right . So we're going with rubber then .", "Okay .", True),
        ("Okay um let's go for the steel lid .", "Fine .", True),
        ("So we're going for rubber on the handle ?", "Yes .", True),
        ("Rubber it is then .", "Yep .", True),
        ("Then let's leave it out of the first release .", "Agreed .", True),
        ("So then we'll use the tin roof .", "Yeah , okay .", True),
        ("Okay , decided , we fence the pond .", "Mm .", True),
        ("If we're going with rubber it gets hot .", "Okay .", False),
        ("Are we going with rubber on the handle ?", "Yeah .", False),
        ("So we're going with rubber then .", "Why rubber ?", False),
        ("Let's go for the three presentations .", "Okay .", False),
        ("We're going to the depot after this .", "Okay .", False),
        ("We will go to Mr. Kelly of the board .", "Yes .", False),
        ("We'll use the roof as a place for plants .", "Yeah .", False),
        ("Let's take the stairs over there .", "Okay .", False),
        ("Let's go for it today .", "Okay .", False),
        ("We'll go with you to the station .", "Okay .", False),
    ],
)
def test_a_choice_is_a_decision_where_it_is_closed_and_accepted(
    stated: str, reply: str, found: bool
) -> None:
    assert found == bool(decisions(spoken(("Ann", stated), ("Bo", reply))))


@pytest.mark.parametrize(
    ("between", "what"),
    [
        ((), ["I think we should drop the headphones."]),
        ((("Bo", "Yeah , they always break ."),), ["I think we should drop the headphones."]),
        ((("Bo", "But who tells the museum shop about it ?"),), []),
        ((("Bo", "I disagree , visitors like the headphones ."),), []),
    ],
)
def test_a_word_that_settles_points_back_to_what_nobody_has_questioned(
    between: tuple[tuple[str, str], ...], what: list[str]
) -> None:
    said = [("Ann", "I think we should drop the headphones ."), *between]

    assert what == [d["what"] for d in decisions(spoken(*said, ("Cy", "Okay that's settled .")))]


_HANDLE = ("Ann", "A wooden handle is nicer to hold .")


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ((_HANDLE, ("Bo", "Yeah but wood gets stains on the handle .")), True),
        ((_HANDLE, ("Bo", "Yeah . But wood gets stains quickly .")), True),
        ((_HANDLE, ("Cy", "Yeah ."), ("Bo", "No , it gets stains after some winters .")), True),
        (
            (("Ann", "The net is too light ."), ("Bo", "No , the net is strong , I tried it .")),
            True,
        ),
        ((_HANDLE, ("Bo", "But we still have ten minutes for lunch .")), False),
        (
            (
                _HANDLE,
                ("Cy", "Who can paint it ?"),
                ("Bo", "No , it gets stains after some winters ."),
            ),
            False,
        ),
        ((_HANDLE, ("Bo", "Hm ."), ("Bo", "But rubber keeps its colour .")), False),
        ((("Ann", "I don't like dark colours ."), ("Bo", "No , dark colours are ugly .")), False),
        (
            (("Ann", "Is the handle nicer ?"), ("Bo", "No , the handle of wood gets stains .")),
            False,
        ),
    ],
)
def test_an_objection_turns_against_what_was_last_said(
    said: tuple[tuple[str, str], ...], found: bool
) -> None:
    sides = [
        item["sides"]
        for item in answer("disagreements", spoken(*said))["structured_data"]["disagreements"]
    ]

    assert found == bool(sides)
    assert all(side["said"] == side["position"] for pair in sides for side in pair)


@pytest.mark.parametrize(
    ("reply", "after", "found"),
    [
        ("I agree, let's postpone it.", "Who pays for the paint?", True),
        ("Yes. Then we'll do that.", "Good.", True),
        ("Yes, let's do that. [laughs]", "Good.", False),
        ("Yes, I think so, too.", "Good.", False),
        ("Yes, shall we do that?", "Good.", False),
        ("Yes, but we'll lose that money.", "Good.", False),
        ("Yes, let's do that.", "No, I am against it.", False),
        ("I disagree, let's paint it now.", "Good.", False),
    ],
)
def test_a_proposal_that_another_takes_up_is_a_decision(
    reply: str, after: str, found: bool
) -> None:
    said = spoken(
        ("Ann", "We should postpone the painting of the fence to March."),
        ("Bo", reply),
        ("Cy", after),
    )

    assert found == bool(decisions(said))


@pytest.mark.parametrize(
    ("plan", "reply", "found"),
    [
        ("Then let's decide: we postpone the launch to May.", "Fine with me.", True),
        ("Let's postpone the launch to May.", "Agreed.", True),
        ("Let's postpone the launch to May.", "I disagree.", False),
        ("Let's decide whether we postpone the launch to May.", "Agreed.", False),
    ],
)
def test_a_plan_put_to_all_is_a_decision_if_they_accept_it(
    plan: str, reply: str, found: bool
) -> None:
    said = spoken(("Ann", f"{plan} Everybody fine with that?"), ("Bo", reply))

    assert found == bool(decisions(said))


@pytest.mark.parametrize(
    ("plan", "reply", "found"),
    [
        ("Let's decide: intranet pages in January, the rest in March.", "No objection.", True),
        ("Then we move the intranet pages in January.", "None from me.", True),
        ("I propose we move the intranet pages in January.", "No.", True),
        ("Let's go with the intranet pages in January.", "No objection, but minute it.", True),
        ("Let's go with the intranet pages in January.", "No, but March is better.", False),
        ("Let's go with the intranet pages in January.", "Yes.", False),
        ("We talked about the intranet pages in January.", "No.", False),
    ],
)
def test_a_plan_to_which_nobody_objects_is_a_decision(plan: str, reply: str, found: bool) -> None:
    said = spoken(("Ann", f"{plan} Any objections?"), ("Bo", reply))

    assert found == bool(decisions(said))


@pytest.mark.parametrize(("reply", "is_open"), [("No objection.", False), ("Yes, I object.", True)])
def test_what_is_to_be_decided_today_is_open_until_it_is_decided(reply: str, is_open: bool) -> None:
    said = spoken(
        ("Ann", "Today we need to decide whether the portal moves to the new hosting in January."),
        ("Bo", "The load test failed twice last week."),
        ("Ann", "Let's decide: intranet pages in January, the rest in March. Any objections?"),
        ("Bo", reply),
    )

    assert is_open == any("whether" in q.text for q in take_minutes(said).questions)


def test_a_question_that_another_leaves_open_is_open() -> None:
    said = spoken(
        ("Ann", "Who takes the night duty in the week of Christmas?"),
        ("Bo", "I could, but only with a swap. Let's leave it open."),
    )
    (found,) = answer("open_questions", said)["structured_data"]["open_questions"]

    assert "Let's leave it open" in str(found)


def test_a_shared_opinion_is_no_decision() -> None:
    said = spoken(("Ann", "The green paint looks better on the fence."), ("Bo", "I agree."))

    assert [] == decisions(said)


def test_a_plan_without_an_owner_is_not_laid_at_the_speakers_door() -> None:
    said = spoken(("Ann", "We will deliver the repaired garden fence to the school by Friday."))
    found = actions(said)

    assert [(None, "by Friday")] == [(a["owner"], a["due"]) for a in found]


@pytest.mark.parametrize(
    ("reply", "what"),
    [
        ("Yes, I'll do it by Thursday.", "Check the pump in the cellar"),
        ("Sure, I'll look into it tomorrow.", "Check the pump in the cellar"),
        ("Yes, I'll call the plumber tomorrow.", "Call the plumber tomorrow"),
    ],
)
def test_an_undertaking_to_do_it_is_named_by_the_request(reply: str, what: str) -> None:
    (found,) = actions(spoken(("Ann", "Can you check the pump in the cellar?"), ("Bo", reply)))
    (later,) = actions(
        spoken(("Ann", "Can you check it by Monday?"), ("Bo", "Yes, I'll do it by Thursday."))
    )

    assert what == found["what"]
    assert ("Do it by Thursday", "by Thursday") == (later["what"], later["due"])
    assert "Bo" == found["owner"]
    assert found["due"]


def test_an_offer_becomes_an_action_when_another_asks_for_it() -> None:
    offer = ("Bo", "I could repair the broken garden fence behind the school.")
    asked = spoken(offer, ("Ann", "Please do."))
    ignored = spoken(offer, ("Ann", "The weather is fine today in the valley."))

    assert [("Bo", "firm")] == [(a["owner"], a["firmness"]) for a in actions(asked)]
    assert [] == actions(ignored)


def test_a_request_that_is_accepted_falls_to_the_one_who_accepts() -> None:
    said = spoken(
        ("Ann", "Bo, could you please order the spare filter by next Monday?"),
        ("Bo", "Sure, no problem."),
    )
    found = actions(said)

    assert [("Bo", "by next Monday")] == [(a["owner"], a["due"]) for a in found]


def test_somebody_absent_who_is_named_with_a_date_is_the_owner() -> None:
    said = spoken(("Ann", "Then Dana will send the customer mail on Friday."))
    found = actions(said)

    assert [("Dana", "on Friday", "requested")] == [
        (a["owner"], a["due"], a["firmness"]) for a in found
    ]


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("I'll call her tomorrow and send it", "tomorrow"),
        ("we'll have it by the twenty-fifth of March, I hope", "by the twenty-fifth of March"),
        ("I'll send it by 3 May 2026", "by 3 May 2026"),
        ("I'll know within twenty days", "within twenty days"),
        ("finish before the end of the week", "before the end of the week"),
        ("make those changes around one PM eastern time", "around one PM eastern time"),
        ("we weigh it every week for two months", None),
        ("since Monday the pump is off", None),
        ("it failed last week, two days ago", None),
        ("I need Sana for two weeks", None),
        ("we may go on", None),
    ],
)
def test_a_due_date_is_a_time_to_come_and_no_rhythm_or_length(text: str, due: str | None) -> None:
    assert due == due_in(text)


def test_the_note_quotes_speakers_and_names_the_analyzers_that_bear_on_a_thread(
    both: Document,
) -> None:
    threads = answer("composite_note", both)["structured_data"]["threads"]
    sources = {b["source"] for thread in threads for b in thread["bearings"]}

    assert [t["title"] for t in threads if not t["said"] or not t["evidence"]] == []
    assert {"determining_factors"} == sources
    said = " ".join(each for t in threads for each in (*t["agreement"], *t["premises"]))
    assert "perspective perception" in said
    assert ", stated" not in said


def test_the_note_names_the_analyzers_that_gave_nothing() -> None:
    data = answer("composite_note", handed_on(OPPOSED))["structured_data"]

    assert ["patentability"] == data["not_available"]
    assert "patentability" in data["opening"]


def test_without_context_the_note_is_taken_from_the_transcript(both: Document) -> None:
    data = answer("composite_note", replace(both, findings=()))["structured_data"]
    sources = {b["source"] for t in data["threads"] for b in t["bearings"]}

    assert 3 <= len(data["threads"])
    assert set() == sources
    assert all(t["said"] and t["evidence"] for t in data["threads"])


def test_the_headline_states_the_decision_or_that_there_is_none(both: Document) -> None:
    settled = answer("executive_summary", both)["structured_data"]["headline"]
    quiet = spoken(("Ann", "The question is whether we sell the old pump or keep it running."))
    unsettled = answer("executive_summary", quiet)["structured_data"]["headline"]

    assert settled.startswith("Agreed under conditions: We go in April")
    assert unsettled.startswith("No decision recognised: whether we sell the old pump")


def test_key_points_begin_with_what_was_decided(both: Document) -> None:
    points = answer("executive_summary", both)["structured_data"]["key_points"]

    assert "agree" in points[0]["text"]
    assert any(point["source"] != "transcript" for point in points)


def test_risks_are_outright_warnings(both: Document) -> None:
    risks = answer("executive_summary", both)["structured_data"]["risks"]
    told = " ".join(risk["text"] for risk in risks)

    assert "destroy the novelty" in told


def test_next_steps_have_a_reason_and_a_date_where_one_is_said(both: Document) -> None:
    steps = answer("executive_summary", both)["structured_data"]["next_steps"]

    assert [] == [step["step"] for step in steps if not step["reason"]]
    assert "tomorrow" in [step["due"] for step in steps]
