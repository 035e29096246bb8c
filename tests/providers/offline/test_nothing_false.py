"""Statements of the offline reader in its own words, where a cue means something else."""

from __future__ import annotations

import re
from typing import Any

import pytest
from helpers.offline import answer, handed_on, spoken

from runner.answers.insights import aggregate
from runner.providers.offline.language.sentences import sentences

SIDE = ("Bo", "The weather is fine today in the valley.")

# Analyzer, the list in its answer, and a sentence that says nothing of the kind.
NOTHING = (
    ("action_items", "action_items", 'She said "I will order the spare filter tomorrow" to all.'),
    ("action_items", "action_items", "I was like, I'll order the spare filter tomorrow."),
    ("action_items", "action_items", "I will beat the dolphin."),
    ("action_items", "action_items", "I'll ask you another question about the filter."),
    ("action_items", "action_items", "Then Python will send the report on Friday."),
    ("action_items", "action_items", "Then April will send us rain on Friday."),
    ("decisions", "decisions", "Then we go to the tracing and all that stuff."),
    ("action_items", "action_items", "I will ask Dana to go into more detail on the filter."),
    ("action_items", "action_items", "I will confirm that the board did write to us."),
    ("action_items", "action_items", "We will proceed today with this hearing on the filter."),
    ("decisions", "decisions", "Yeah, actually it is."),
    ("decisions", "decisions", "We don't anticipate any change to the pump."),
    ("decisions", "decisions", "Yesterday, as a group, we agreed to take concrete action."),
    ("experiences", "experiences", "I managed to crash the server of the neighbour."),
    ("postulate_theorem", "postulates", "It should be made of strong plastic and steel."),
    ("postulate_theorem", "postulates", "I suppose we want almost everyone to be using it."),
    ("postulate_theorem", "postulates", "No, it was two weeks ago on the 28th of October."),
    ("postulate_theorem", "conjectures", "We might have to consider the design of the pump."),
    ("postulate_theorem", "theorems", "I'd be lying if I said that the pump is consistent."),
    ("say_means", "gaps", "I'm not saying that we should cancel the project."),
    ("say_means", "gaps", "All I hope everybody has a great day."),
    ("opinions", "opinions", "What's to do and I believe that for the market."),
    ("opinions", "opinions", "I think we don't have res we don't have results for the pump."),
    ("resolution", "steps", "The filter was dirty, and I'll give you an example of that."),
    ("testimony", "claims", "Get twenty off your next order with the code LEN20 now."),
    ("testimony", "claims", "The answer of the chair is one of the best I've heard."),
    ("customer_mood", "moments", "My mother was angry when the neighbour was frustrated."),
    ("customer_problem", "details", "In some cases it halves the error rate of the model."),
    ("experiences", "experiences", "We won't be late for the meeting of the board."),
    ("needs", "needs", "The first animal I'd like to draw for you is a tiger."),
    ("premises_assertions", "arguments", "I came to the lab, so I had a chat with the chief."),
    ("executive_summary", "risks", "We can also lose one battery from the remote control."),
    ("open_questions", "open_questions", "Is the number of insertions quite high for you?"),
    ("say_means", "gaps", "Mostly ready is doing a lot of work in that sentence."),
    ("open_questions", "open_questions", "Nobody knows better than I do what the filter costs."),
    ("action_items", "action_items", "I'll ask Claire to give you an example of that filter."),
    ("action_items", "action_items", "Would you pay for a filter that speaks to you?"),
    ("decisions", "decisions", "We've d we've decided that it's gonna be the steel tank."),
    (
        "action_items",
        "action_items",
        "I'm Ann, and today I'll be putting your questions to all.",
    ),
    ("action_items", "action_items", "Within a year, we'll chat a year from now about the filter."),
    ("action_items", "action_items", "Today we're going to focus on investing in the filter."),
    ("experiences", "experiences", "I was there, and we ended up running out of money."),
    ("experiences", "experiences", "I lost that argument many years ago when we added it."),
    ("testimony", "claims", "I saw you unmuting your microphone on that one."),
    ("testimony", "claims", "I've heard that in the past from the others."),
    ("needs", "needs", "I want to get to your question on the filter of the pump."),
    ("needs", "needs", "We want to try to stick to the five minutes for each member."),
    ("postulate_theorem", "conjectures", "This might be a good one for you to answer on pumps."),
    ("postulate_theorem", "postulates", "Let's say your kid was starting college soon."),
    ("open_questions", "open_questions", "It doesn't mean we don't know how to mend the pump."),
    ("answers_given", "exchanges", 'Dad always said "Have you thought this through at all?"'),
    ("action_items", "action_items", "We'll return to Mr. Deltell of the valley on Friday."),
    ("action_items", "action_items", "We'll move forward with that vision by the end of the week."),
    ("action_items", "action_items", "Ann will design a better meeting for the next time."),
    ("postulate_theorem", "postulates", "I encourage you to keep them within 60 seconds."),
    ("action_items", "action_items", "A lot of times, I'll print the list and rewrite it again."),
    (
        "action_items",
        "action_items",
        "They get lost in time, or I'll print the list for the archive.",
    ),
    ("action_items", "action_items", "I am going to predict that we print the list by next year."),
    ("needs", "needs", "I want to understand, I suppose, the state of the pump."),
    ("needs", "needs", "I need to respond to this remark on the pump."),
    ("opinions", "opinions", "I would like to talk about the pump of the valley."),
    ("opinions", "opinions", "Our chief thinks we should fire half of the crew."),
    ("opinions", "opinions", 'He goes, "I want the crew to buy a pump".'),
    ("open_questions", "open_questions", "Nobody has the power to stop the pump in the valley."),
    ("customer_mood", "moments", "We're happy to send the list of the parts to you."),
    (
        "premises_assertions",
        "unsupported",
        "We are moving to the lake of the valley, the whole company.",
    ),
    ("premises_assertions", "arguments", "Because we built the pump, the crew, on old ground."),
    ("postulate_theorem", "postulates", "In our case this is a way of us taking it out of play."),
    ("postulate_theorem", "conjectures", "Maybe just to zoom out and share where the crew is now."),
    ("postulate_theorem", "postulates", "I move to award the contract for 410,000 dollars."),
    ("postulate_theorem", "postulates", "Eleven percent is 11% too many to me, by the report."),
    ("postulate_theorem", "postulates", "Retro 1 (Cuts off Bell 7)."),
    ("experiences", "experiences", "I could not agree with you more on the pump."),
    ("experiences", "experiences", "I couldn't have built the pump without the crew."),
    ("opinions", "opinions", "I think it's about fourteen days in the valley."),
    ("opinions", "opinions", "I think I've oiled the pump a fair number of times today."),
    ("opinions", "opinions", "I think I can hear the pump right now."),
    ("premises_assertions", "unsupported", "It's a strange drawing of the pump, but never mind."),
    ("opinions", "opinions", "I am going to talk about how the pump should be built."),
    ("needs", "needs", "I want to address one of the faults of the pump."),
    ("needs", "needs", "I'd like you to do these exercises twice a day."),
    ("opinions", "opinions", "I'd like you to do these exercises twice a day."),
    ("perspective_perception", "perspectives", "It gets worse when I go down the stairs."),
    ("customer_mood", "moments", "That's great."),
    ("perspective_perception", "shared_ground", "So we move to the next item of the list."),
    ("experiences", "experiences", "I forgot."),
    ("customer_problem", "details", "The rates of the bank went down again this year."),
    ("decisions", "decisions", "I was in the valley last week. Everybody okay with that?"),
    ("decisions", "decisions", "It was decided last year that we answer within ten days. Agreed?"),
    ("decisions", "decisions", "A short break then. Everybody okay with that?"),
)


@pytest.mark.parametrize(("name", "key", "text"), NOTHING)
def test_a_cue_that_means_something_else_gives_no_finding(name: str, key: str, text: str) -> None:
    found = answer(name, spoken(SIDE, ("Ann", text), ("Bo", "Yeah.")))["structured_data"]

    assert [] == found[key]


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        ("Bo, could you please order a spare filter by Friday?", "Yes, I'll order it."),
        ("Bo, you'll be ordering the spare filter by Friday.", "Yes, I will."),
    ],
)
def test_a_summary_gives_no_person_the_words_of_who_asks(request_: str, reply: str) -> None:
    said = spoken(SIDE, ("Ann", request_), ("Bo", reply))
    summary = answer("executive_summary", said)["structured_data"]["summary"]

    assert "Bo" in summary
    assert not re.search(r'Bo [\w ]*: "Bo\b', summary), summary


@pytest.mark.parametrize(
    "reply",
    [
        "I support the closing of the plant.",
        "I'm in favour of a new plant in the valley.",
        "I am keeping the list absolutely as simple as possible.",
        "I agree that the cleaning of the hall was done badly.",
    ],
)
def test_support_for_another_matter_is_no_consent_to_what_was_said_before(reply: str) -> None:
    said = spoken(
        ("Ann", "The owner says it is clean, and I simply do not believe it."), ("Bo", reply)
    )
    found = answer("perspective_perception", said)["structured_data"]

    assert [] == found["shared_ground"]


@pytest.mark.parametrize(
    "text",
    [
        "The second paper is a letter with the update we agreed on the plant.",
    ],
)
def test_an_emphasis_and_an_old_agreement_take_no_side(text: str) -> None:
    found = answer("perspective_perception", spoken(SIDE, ("Ann", text)))["structured_data"]

    assert {"unclear"} >= {each["stance"] for each in found["perspectives"]}


def test_a_doubt_before_an_undertaking_does_not_undo_it() -> None:
    said = spoken(SIDE, ("Ann", "I'm not sure, but I will write to the committee by Friday."))

    assert ["Ann"] == [
        each["owner"] for each in answer("action_items", said)["structured_data"]["action_items"]
    ]


def test_a_request_to_speak_and_its_answer_are_no_action() -> None:
    asked = ("Ann", "Can you speak to that loss of goodwill, and how it came about?")
    for reply in ("Absolutely, we were aware of that loss.", "Sure."):
        said = spoken(SIDE, asked, ("Bo", reply))

        assert [] == answer("action_items", said)["structured_data"]["action_items"]


@pytest.mark.parametrize(
    ("result", "decided"),
    [
        ("The library budget is adopted unanimously.", "The library budget is adopted"),
        ("Motion to table carries, three to nothing.", "I move to table the motion on rents"),
        ("If the library budget is adopted, we open.", None),
        ("The bill passes through many hands in the house.", None),
    ],
)
def test_the_result_of_a_vote_is_a_decision(result: str, decided: str | None) -> None:
    moved = ("Bo", "I move to table the motion on rents until the autumn.")
    said = spoken(SIDE, moved, ("Ann", "Second."), ("Chair", result))
    found = answer("decisions", said)
    told = [each["what"] for each in found["structured_data"]["decisions"]]

    assert [bool(decided)] == [bool(told)]
    assert decided is None or told[0].startswith(decided)
    assert 'Chair speaks of a decision: "I move' not in found["insights"][0]["text"]


def test_a_motion_that_carries_is_a_decision() -> None:
    moved = ("Bo", "I move to buy a new pump for the valley.")
    said = spoken(SIDE, moved, ("Ann", "Second."), ("Chair", "Carried."))
    (decided,) = answer("decisions", said)["structured_data"]["decisions"]

    assert decided["what"].startswith("I move to buy a new pump")


def test_an_answer_of_one_word_is_a_sentence_of_its_own() -> None:
    said = spoken(("Ann", "No. We never sold the pump, see No. 4 of the list."))

    assert ["No.", "We never sold the pump, see No. 4 of the list."] == [
        s.text for s in sentences(said.lines)
    ]


def test_an_item_of_the_agenda_is_no_point() -> None:
    said = spoken(("Chair", "Item four, we will vote on the leash ordinance."), SIDE, SIDE)

    assert "Item four" not in str(answer("overview", said))


PLAN = "Let's all chip in for a golden coffee machine, it's decided."


@pytest.mark.parametrize(
    "replies",
    [
        [("Bo", "Ha ha, yes, absolutely! With diamonds.")],
        [("Bo", "Agreed, I'll bring the tent."), ("Cy", "Lol."), ("Ann", "The bill doubled.")],
        [("Bo", "Agreed!"), ("Ann", "[laughs] Good.")],
        [("Bo", "Yes, let's do it. 😂")],
        [("Bo", "Agreed."), ("Ann", "Just kidding.")],
    ],
)
def test_a_joke_is_neither_decided_nor_undertaken(
    replies: list[tuple[str, str]],
) -> None:
    said = spoken(SIDE, ("Ann", PLAN), *replies)
    notes = answer("meeting_notes", said)["structured_data"]

    assert [] == notes["decisions"] + notes["action_items"]
    assert [] == answer("perspective_perception", said)["structured_data"]["shared_ground"]


def test_what_is_said_before_laughter_may_be_quoted() -> None:
    told = "I'm glad for her, but there is no evidence that magnesium cures insomnia."
    more = ("Ann", "The trial had forty people. The report shows what they drank at night.")
    joke = ("Bo", "So we should ban coffee after lunch. (laughs)")
    said = spoken(SIDE, ("Ann", told), joke, more)

    assert "no evidence that magnesium" in str(answer("key_quotes", said))
    assert "ban coffee" not in str(answer("perspective_perception", said))


def test_laughter_elsewhere_takes_nothing_back() -> None:
    said = spoken(
        ("Ann", "Ha ha, what a photo."),
        SIDE,
        ("Ann", "Okay, let's go with the filter pot. I'm not joking."),
        ("Bo", "Yes, let's do it."),
        ("Cy", "The old one has cost us two hundred this year."),
        ("Ann", "Are you kidding?"),
        ("Bo", "Ha ha."),
    )
    (decision,) = answer("decisions", said)["structured_data"]["decisions"]

    assert ["Ann", "Bo"] == decision["decided_by"]


def test_a_support_call_in_plain_english_is_read() -> None:
    said = spoken(
        ("Ann", "My router keeps dropping the connection. It started after the update on Tuesday."),
        ("Bo", "Have you tried restarting it?"),
        (
            "Ann",
            "Twice. But for calls we went back to the landline, because it cut our customers off.",
        ),
        ("Bo", "I'll book the technician for Friday then. Please install the older firmware."),
    )
    problem = answer("customer_problem", said)["structured_data"]["details"]
    steps = answer("resolution", said)["structured_data"]["steps"]
    (action,) = answer("action_items", said)["structured_data"]["action_items"]
    quotes = answer("key_quotes", said)["structured_data"]["quotes"]

    assert ["symptom", "since"] == [each["kind"] for each in problem]
    assert ["Bo", None] == [each["by"] for each in steps]
    assert ("Book the technician for Friday", "Bo") == (action["what"], action["owner"])
    assert any("because it cut our" in each["text"] for each in quotes)


def test_the_result_of_a_vote_that_names_no_motion_decides_the_proposal_before_it() -> None:
    said = spoken(
        SIDE,
        ("Ann", "Then I propose that we get two more quotes for the roof."),
        ("Bo", "Seconded."),
        ("Ann", "All in favour? Four. Carried."),
        ("Bo", "In March we agreed to hire a new coach."),
    )
    (decision,) = answer("decisions", said)["structured_data"]["decisions"]

    assert "two more quotes for the roof" in decision["what"]


@pytest.mark.parametrize(
    "reply", ["I'm not comfortable with that. They have a right to know.", "I disagree."]
)
def test_a_short_objection_needs_no_reason(reply: str) -> None:
    said = spoken(SIDE, ("Ann", "Let's wait until we know the price."), ("Bo", reply))
    (found,) = answer("disagreements", said)["structured_data"]["disagreements"]

    assert ["Ann", "Bo"] == [side["who"] for side in found["sides"]]


def test_work_that_is_started_is_a_task() -> None:
    told = "Yesterday I finished the login page and I'll start on the export today."
    (action,) = answer("action_items", spoken(SIDE, ("Ann", told)))["structured_data"][
        "action_items"
    ]

    assert ("Start on the export today", "Ann") == (action["what"], action["owner"])


def test_irony_spreads_to_the_next_sentence() -> None:
    said = ("Ann", "Great, just great, a meeting about cups. I'll buy a thousand cups tomorrow.")

    assert [] == answer("action_items", spoken(SIDE, said))["structured_data"]["action_items"]


def test_a_decision_that_says_what_is_decided_points_to_no_other() -> None:
    said = spoken(
        SIDE,
        ("Ann", "We should postpone the move to the other provider until June."),
        ("Bo", "So it's decided, we stay with the current provider this year."),
        ("Ann", "Yes."),
    )
    (decision,) = answer("decisions", said)["structured_data"]["decisions"]

    assert ("agreed", ["Bo", "Ann"]) == (decision["basis"], decision["decided_by"])
    assert "we stay with the current provider" in decision["what"]
    assert "postpone" not in decision["what"]


@pytest.mark.parametrize(
    "asked", ["Everyone okay with that?", "Agreed?", "Does that work for you?"]
)
def test_a_plan_put_to_all_is_decided_by_yes(asked: str) -> None:
    plan = f"So we don't renew before we've heard from them. {asked}"
    put, unasked = (
        answer("decisions", spoken(SIDE, ("Ann", text), ("Bo", "Yes.")))["structured_data"]
        for text in (plan, plan.removesuffix(asked))
    )

    assert [["Ann", "Bo"]] == [each["decided_by"] for each in put["decisions"]]
    assert [] == unasked["decisions"]


@pytest.mark.parametrize(
    "text",
    [
        "idk if we should tell the client about the leak",
        "If the bill is under fifty euros we'll pay it, otherwise we buy a filter pot.",
    ],
)
def test_no_condition_is_cut_out_of_a_doubt_or_an_alternative(text: str) -> None:
    assert (
        []
        == answer("postulate_theorem", spoken(SIDE, ("Ann", text)))["structured_data"]["postulates"]
    )


def test_absence_is_no_insight_that_others_could_be_taken_for() -> None:
    said = spoken(SIDE, ("Ann", "The pump has cost us forty thousand euros since May."))
    answers = {
        name: answer(name, said) for name in ("decisions", "disagreements", "open_questions")
    }
    merged = aggregate(answers)

    assert {"discussed"} == {each.category for each in merged}
    assert all(each.evidence for each in merged)


def test_sentences_in_other_languages_are_not_quoted() -> None:
    foreign = (
        "Sí, pero alquilar en julio cuesta noventa euros al día.",
        "Entonces queda decidido que esperamos hasta el viernes.",
    )
    told = [("Ann", "I think renting is cheaper, because we only need the van in summer.")]
    told += [("Bo", text) for text in foreign] + [("Ann", "The insurance costs ninety euros.")]
    for name in ("overview", "key_quotes", "decisions", "premises_assertions"):
        found = str(answer(name, spoken(*told)))

        assert not any(text in found for text in foreign), name


def test_a_summary_denies_no_decision_that_the_minutes_have() -> None:
    plan = "We should use the steel tank for the cold water."
    said = spoken(SIDE, ("Ann", plan), ("Ann", "That was decided."))
    found = answer("executive_summary", said)["structured_data"]

    assert 1 == len(answer("decisions", said)["structured_data"]["decisions"])
    assert "No decision" not in found["headline"] + found["summary"]


def test_a_decision_of_others_and_a_hope_take_no_side() -> None:
    said = [
        ("Cy", "They decided to close the plant in 2019, which I never understood."),
        ("Bo", "I hope your comment that both bills institutionalize failure is not correct."),
        ("Ann", "I agree that the plant should be closed for the summer."),
    ]
    views = answer("perspective_perception", spoken(*said))["structured_data"]["perspectives"]

    assert {"supports"} <= {v["stance"] for v in views if v["holder"] == "Ann"}
    assert not {"supports", "opposes"} & {v["stance"] for v in views if v["holder"] != "Ann"}


def test_where_nothing_is_recognised_amounts_and_reasons_come_first_and_are_no_decisions() -> None:
    story = [
        ("Ann", f"We also had a blue pump number {n} at home by the lake.") for n in "abcdefgh"
    ]
    told = ("Bo", "We have only twelve and a half thousand euros to make it.")
    found = answer("decisions", spoken(*story, told))["insights"]

    assert 'Discussed only: Bo: "We have only twelve' in found[0]["text"]
    assert all(each["evidence"] for each in found)


def test_a_long_statement_of_most_weight_is_one_insight_of_all_analyzers() -> None:
    story = [
        ("Ann", f"We also had a blue pump number {n} at home by the lake.") for n in "abcdefgh"
    ]
    told = (
        "Bo",
        "We have only twelve and a half thousand euros to make it, and I think we should spend "
        "them on a pump that the harbour can keep, because the old one failed in GitHub Bay.",
    )
    names = ("decisions", "overview")
    merged = aggregate({name: answer(name, spoken(*story, told)) for name in names})

    assert 1 == sum("twelve and a half" in each.text for each in merged)


def test_a_task_of_two_analyzers_is_one_insight() -> None:
    said = spoken(("Ann", "I'll order the spare filter tomorrow."), ("Bo", "Thank you."))
    names = ("action_items", "executive_summary")
    merged = aggregate({name: answer(name, said) for name in names})

    assert ['Ann undertakes: "I\'ll order the spare filter tomorrow".'] == [
        each.text for each in merged if "order" in each.text
    ]


def test_an_analyzer_of_interviews_quotes_nothing_where_it_recognises_nothing() -> None:
    found = [answer(name, spoken(SIDE))["insights"] for name in ("needs", "customer_mood")]

    assert [["No needs or wishes are recognised."], ["No feelings are recognised."]] == [
        [insight["text"] for insight in each] for each in found
    ]


@pytest.mark.parametrize(
    "text", ["They have systems that make it work.", "That work is ongoing in the ministry."]
)
def test_work_is_no_solution(text: str) -> None:
    found = answer("resolution", spoken(SIDE, ("Ann", text)))["structured_data"]

    assert "unclear" == found["status"]


def test_a_duty_of_the_moment_is_no_rule() -> None:
    said = spoken(
        ("Ann", "I must admit that the filter sounds unusual to me."),
        ("Ann", "We have to buy a ticket for the lottery of the pump."),
        ("Bo", "Every correction must be visible to the operator of the pump."),
    )
    found = answer("postulate_theorem", said)["structured_data"]["postulates"]

    assert [("Bo", "rule")] == [(each["speaker"], each["kind"]) for each in found]


def test_who_speaks_is_counted_in_turns_of_the_transcript() -> None:
    pump, valve = "The pump ran dry in the night.", "The valve of the pump was shut."
    said = spoken(("Ann", pump), ("Bo", "{laugh}"), ("Ann", valve))
    people = answer("overview", said)["structured_data"]["people"]

    assert ["2 of 3 turns"] == [one["part"] for one in people]


def test_no_subject_is_made_of_frequent_words() -> None:
    said = spoken(("Ann", "The pump is dry."), ("Bo", "The pump is old."), ("Ann", "A new pump."))
    written: Any = [answer(name, said)["structured_data"] for name in ("overview", "meeting_notes")]

    assert "requent terms: pump" in str(written)
    assert "about" not in str([each["summary"] for each in written])


def test_factors_and_principles_state_nothing_that_nobody_said() -> None:
    said = spoken(
        ("Ann", "The pump failed because the filter was clogged for two weeks."),
        ("Bo", "If the filter stays clogged, then the pump will fail again."),
    )
    lines = [f'{{{line.segment} "{line.text}"}}' for line in said.lines]

    given = handed_on(
        "# Findings of stage_a\n\n## premises_assertions\n### arguments\n"
        + "\n".join(f"- speaker: Ann | assertion: It fails {line}" for line in lines)
    )
    factors = answer("determining_factors", given)["structured_data"]
    principles = answer("first_principles", given)["structured_data"]

    keys = ("direction", "strength", "role", "controllable")
    assert {("unclear", None, "unclear", "unknown")} == {
        tuple(each[key] for key in keys) for each in factors["factors"]
    }
    assert ([], [], []) == (
        factors["interactions"],
        factors["leverage"],
        principles["reconstruction"],
    )


@pytest.mark.parametrize(
    ("name", "said", "back"),
    [
        ("action_items", ("I'll order the spare filter.",), "Don't bother, we have one."),
        ("action_items", ("I'll order the spare filter.", "Okay."), "On second thoughts, no."),
        ("decisions", ("So we're going with the steel tank then.", "Yes."), "No, scrap that."),
    ],
)
def test_what_is_taken_back_is_neither_a_task_nor_a_decision(
    name: str, said: tuple[str, ...], back: str
) -> None:
    def found(*texts: str) -> Any:
        talk = spoken(*zip("ABAB", texts, strict=False))
        return answer(name, talk)["structured_data"][name]

    assert found(*said, "Fine.")
    assert not found(*said, back)
