"""What plain talk says in few words: choices, votes, opinions, complaints, "no idea", chat."""

from __future__ import annotations

import pytest
from helpers.offline import answer, spoken

from runner.providers.offline.language.cues import has

SIDE = ("Cy", "The weather is fine today in the valley.")
MOTION = "I move that we approve the lane as drawn."


def found(name: str, key: str, *said: tuple[str, str]) -> list[dict[str, object]]:
    """Return the list *key* of what analyzer *name* answers to *said*."""
    rows: list[dict[str, object]] = answer(name, spoken(SIDE, *said))["structured_data"][key]
    return rows


@pytest.mark.parametrize(
    ("said", "reply", "what", "basis"),
    [
        ("Okay. So the 19th then. Everyone fine with that?", "Fine by me.", "19th", "agreed"),
        ("Okay, we move the login to the top.", "Agreed.", "login to the top", "agreed"),
        ("Three tiers it is, but the names must change.", "Can we vote?", "tiers", "announced"),
        ("Three tiers it is, but the names must change.", "No, wait, I disagree.", None, None),
        ("April 28 it is.", "Good.", "April 28", "agreed"),
        ("That's just the way it is.", "Good.", None, None),
        ("Difficult as it is.", "Good.", None, None),
        ("lets go w/ 85 percent then?", "works for me", "85", "agreed"),
        ("Then we cut the reports from the release.", "I'm fine with that.", "cut", "agreed"),
        ("Then we cut the reports from the release.", "I'm not fine with that.", None, None),
    ],
)
def test_a_choice_in_few_words_is_a_decision(
    said: str, reply: str, what: str | None, basis: str | None
) -> None:
    rows = found("decisions", "decisions", ("Ann", said), ("Bo", reply))

    assert [basis] * bool(what) == [row["basis"] for row in rows]
    assert what is None or what in str(rows[0]["what"])


@pytest.mark.parametrize(
    ("between", "result", "what"),
    [
        ((), "The motion passes four to one.", MOTION),
        ((), "The motion fails.", f"{MOTION} The motion fails."),
        (("I move to table it until July.", "The motion to table fails."), "Carried.", MOTION),
        (("I'd amend the motion by a bay.", "I accept that as friendly."), "Carried.", MOTION),
        (("I withdraw my motion.",), "The motion carries.", None),
        (("I move to amend it so that it ends in May.",), "The motion carries.", None),
        (("I move to amend it so that it ends in May.", "It dies."), "The motion carries.", MOTION),
        (("I move to amend it.", "The amendment fails."), "The motion carries.", MOTION),
        (("If the motion passes, we build it in May.",), "The motion carries.", MOTION),
        (("I move to Berlin in May, by the way.",), "The motion carries.", MOTION),
    ],
)
def test_a_vote_decides_the_last_pending_motion_however_long_the_debate(
    between: tuple[str, ...], result: str, what: str | None
) -> None:
    debate = ["Shops will lose trade.", "The road is narrow.", "We counted bicycles.", "Roll."]
    said = [MOTION, *between, *debate, result]
    pairs = [("Bo" if n % 2 else "Ann", text) for n, text in enumerate(said)]
    told = [row["what"] for row in found("decisions", "decisions", *pairs)]

    assert what in told if what else not any(MOTION in str(each) for each in told)


def test_a_summary_gives_the_result_of_a_lost_vote() -> None:
    said = spoken(SIDE, ("Ann", MOTION), ("Bo", "Second."), ("Cy", "The motion fails."))

    assert "The motion fails" in answer("executive_summary", said)["structured_data"]["headline"]


@pytest.mark.parametrize(
    "said",
    [
        "I think paper is faster than the tablet.",
        "In my opinion the tablet was bought without asking anyone.",
        "From my point of view that is a keyboard for the night shift.",
        "I love that the chart warns me about interactions.",
        "imo paging at eighty percent of the disk is noisy",
        "btw imo the green looks worse than the blue",
        "I find the new form of the ward a waste of time.",
    ],
)
def test_a_judgement_of_the_speaker_is_an_opinion(said: str) -> None:
    assert [said] == [row["opinion"] for row in found("opinions", "opinions", ("Ann", said))]


@pytest.mark.parametrize(
    ("after", "is_open"),
    [
        ("Let's park that.", True),
        ("We should ask next time.", True),
        ("The city does.", False),
    ],
)
@pytest.mark.parametrize("reply", ["No idea.", "Dunno."])
def test_a_short_question_is_open_if_nobody_knows(reply: str, after: str, is_open: bool) -> None:
    said = (("Ann", "Who deploys?"), ("Bo", reply), ("Cy", after))

    assert ["Who deploys?"] * is_open == [
        row["question"] for row in found("open_questions", "open_questions", *said)
    ]


def test_an_undertaking_ends_where_others_begin() -> None:
    said = ("Ann", "I'll order the paint, and they will bring it on Friday.")
    (action,) = found("action_items", "action_items", said)

    assert ("Order the paint", None) == (action["what"], action["due"])


def test_a_day_without_a_preposition_is_a_date() -> None:
    said = ("Ann", "I'll send the tenders to all of you Wednesday morning.")

    assert ["Wednesday morning"] == [r["due"] for r in found("action_items", "action_items", said)]


@pytest.mark.parametrize(
    "said", ["I'll ask the Lisbon team.", "I'll raise it with Karen.", "ill send the list tmrw"]
)
def test_a_word_with_people_outside_the_talk_is_an_action(said: str) -> None:
    assert ["Bo"] == [
        row["owner"] for row in found("action_items", "action_items", ("Ann", "ok"), ("Bo", said))
    ]


def test_a_customer_complains_in_two_words() -> None:
    said = (
        ("Ann", "My internet has been down since Saturday morning."),
        ("Bo", "Could you unplug the box for thirty seconds?"),
        ("Ann", "I've already restarted the router. That's ridiculous."),
    )
    problem = answer("customer_problem", spoken(*said))["structured_data"]["problem"]

    assert ["angry"] == [row["mood"] for row in found("customer_mood", "moments", *said)]
    assert "down since Saturday" in problem


def test_a_roll_call_is_not_quoted() -> None:
    said = spoken(SIDE, ("Cy", "Hale aye, Lim aye, Ortiz aye, Stone no, Webb aye."))

    assert "Hale" not in str(answer("decisions", said)["insights"])


def test_a_long_list_like_a_roll_call_is_read_at_once() -> None:
    assert not has("procedural", "Hale aye, " * 500 + "and so on")


def test_what_cannot_be_supported_is_a_motion_and_no_report() -> None:
    against = ("Bo", "I cannot support this. The shops will lose trade.")
    report, motion = (
        found("disagreements", "disagreements", ("Ann", text), against)
        for text in ("We counted 340 cyclists on a weekday in May.", MOTION)
    )

    assert [0, 1] == [len(report), len(motion)]


def test_a_need_of_others_is_not_the_speakers() -> None:
    told = ("They want green by noon.", "I want a badge for the login of the ward.")
    rows = found("needs", "needs", *(("Ann", text) for text in told))

    assert [None, "Ann"] == [row["who"] for row in rows]


def test_a_short_judgement_can_be_objected_to() -> None:
    said = (("Ann", "I think three tiers is too many."), ("Bo", "I disagree."))

    assert 1 == len(found("disagreements", "disagreements", *said))


def test_an_agreement_of_last_time_takes_no_side() -> None:
    said = ("Ann", "I think that last time we agreed that those are the three pumps to mend.")

    assert {"for"}.isdisjoint(row["stance"] for row in found("opinions", "opinions", said))
