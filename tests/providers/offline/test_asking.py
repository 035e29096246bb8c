"""The offline model's answer to one question, and its refusal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from helpers.offline import spoken

from runner.providers.offline.language.asking import asked_terms, asked_weights, named_in, terms_of
from runner.providers.offline.readings.ask import read

TALK = spoken(
    ("Ann", "The pump in the cellar must be replaced before winter."),
    ("Bob", "A new pump costs four hundred euros at the dealer."),
    *(("Ann", f"The garden wants rain and seed number {n}.") for n in range(12)),
    ("Bob", "Our insurance pays nothing for the cellar."),
)


@pytest.mark.parametrize(
    ("question", "answered", "quoted"),
    [
        ("How much does a new pump cost at the dealer?", "yes", "A new pump costs"),
        ("Summarize what Ann said about the pump in the cellar", "yes", "The pump in the cellar"),
        ("Does a pump at the dealer cost euros or violins?", "partly", "A new pump costs"),
        ("Which violin concerto was rehearsed?", "no", None),
        ("What does Bob say?", "yes", "A new pump costs"),
        ("How much does a new pump cost at the daeler?", "yes", "A new pump costs"),
        ("Who complains about the insurance?", "yes", "Our insurance pays"),
        ("Does the dealer of the insurance sell garden seed?", "no", None),
    ],
)
def test_a_question_is_answered_as_far_as_its_terms_stand_in_one_place(
    question: str, answered: str, quoted: str | None
) -> None:
    fields = read(replace(TALK, question=f"# Question\n\n{question}\n\n# How"))["structured_data"]
    assert isinstance(fields, dict)

    assert answered == fields["answered"]
    assert (answered == "no") == (fields["answer"] is None) == (fields["quotes"] == [])
    if quoted is not None:
        assert fields["quotes"][0]["quote"].startswith(quoted)


def test_a_statement_and_its_denial_are_both_quoted() -> None:
    talk = spoken(
        ("Ann", "The cellar pump has become a real nuisance."),
        ("Bob", "The cellar pump has become a real nuisance, yes."),
        ("Cem", "The cellar pump has not become a real nuisance."),
        *(("Ann", f"The garden wants rain and seed number {n}.") for n in range(12)),
    )
    fields = read(replace(talk, question="# Question\n\nIs the cellar pump a nuisance?\n"))
    said = str(fields["structured_data"])

    assert "has not become" in said
    assert "nuisance, yes" not in said


@pytest.mark.parametrize(
    ("reply", "answered"),
    [("Cem", "yes"), ("Cem (two.txt)", "partly")],
)
def test_a_question_that_was_asked_in_the_talk_answers_only_with_its_reply(
    reply: str, answered: str
) -> None:
    talk = spoken(
        ("Ann", "May I have your account number, please?"),
        (reply, "It's 4471, under Walsh."),
        *(("Bob", f"The garden wants rain and seed number {n}.") for n in range(12)),
    )
    fields = read(replace(talk, question="# Question\n\nWhat is the account number?\n"))
    told = fields["structured_data"]
    assert isinstance(told, dict)

    assert answered == told["answered"]
    assert ("4471" in told["answer"]) == (answered == "yes") == (len(told["quotes"]) == 2)
    found = [str(each) for each in fields["insights"]]  # type: ignore[attr-defined]
    assert [answered == "yes"] == ["4471" in each for each in found]


def test_a_reply_that_only_objects_is_followed_by_what_is_right() -> None:
    talk = spoken(
        ("Ann", "How much was the budget cut?"),
        ("Ben", "That is not correct. It was cut by 12 percent. The garden wants rain."),
        ("Ann", "We meet on Friday."),
    )
    fields = read(replace(talk, question="# Question\n\nBy how much was the budget cut?\n"))
    said = [quote["quote"] for quote in fields["structured_data"]["quotes"]]  # type: ignore[index]

    assert ["That is not correct.", "It was cut by 12 percent."] == said[1:]


def test_a_question_that_somebody_asks_in_these_words_has_the_reply_as_its_answer() -> None:
    talk = spoken(
        ("Q", "What was the application like for you?"),
        ("A", "The form was eleven pages. I gave up twice."),
        ("Q", "What would have helped?"),
        ("A", "Somebody who tells me where my application is."),
    )
    asked = "# Question\n\nWhat was the application like for you?\n"
    fields = read(replace(talk, question=asked))["structured_data"]
    assert isinstance(fields, dict)

    assert "yes" == fields["answered"]
    said = ["The form was eleven pages.", "I gave up twice."]
    assert said == [quote["quote"] for quote in fields["quotes"]]


@pytest.mark.parametrize(("often", "answered"), [(1, "yes"), (2, "no")])
def test_section_and_probes_of_a_guide_are_no_part_of_what_somebody_asks(
    often: int, answered: str
) -> None:
    turns = [("Q", "What would you change first?"), ("A", "The rota.")] * often
    asked = "# Question\n\nClosing: What would you change first? Probe: staffing, paperwork\n"

    fields = read(replace(spoken(*turns), question=asked))["structured_data"]

    assert answered == fields["answered"]  # type: ignore[index]


def test_the_quotes_of_several_conversations_are_from_more_than_one() -> None:
    ways = (
        "needs a licence from the town, which",
        "was chosen by our neighbour, though it",
        "stands idle all winter and still",
        "was painted green last May, so it",
        "arrived without a manual and surely",
    )
    talk = spoken(
        *(("Ann (one.txt)", f"The cellar pump {way} costs us euros.") for way in ways),
        ("Bob (two.txt)", "The cellar pump costs me euros yearly."),
        *(("Ann (one.txt)", f"The garden wants rain and seed number {n}.") for n in range(12)),
    )
    fields = read(replace(talk, question="# Question\n\nWhat does a cellar pump cost in euros?\n"))
    said = str(fields["structured_data"])

    assert {"one.txt", "two.txt"} == {name for name in ("one.txt", "two.txt") if name in said}
    assert "euros yearly" in said


def test_words_that_only_ask_are_no_terms_unless_there_are_no_others() -> None:
    assert {"budget"} == asked_terms("Summarize the discussion about the budget.")
    assert asked_terms("What was the topic?")


def test_a_question_is_about_no_speaker_that_it_names_unless_about_nothing_else() -> None:
    question = "What did the Industrial Designer decide on the cell?"

    assert {"decid", "cell"} == asked_terms(question, ["Industrial Designer"])
    assert asked_terms("What did Ann say?", ["Ann"]) == asked_terms("What did Ann say?") == {"ann"}


def test_words_of_one_family_are_one_term() -> None:
    for one, other in (("decide", "decided"), ("generous", "generously"), ("cities", "city")):
        assert terms_of(one) == terms_of(other), one
    assert terms_of("universe") != terms_of("unit")


def test_scripts_without_spaces_are_matched_by_pairs_of_characters() -> None:
    assert {"港口", "口很"} <= terms_of("港口很大")
    assert asked_terms("港口多少钱?") & terms_of("这个港口很大")


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("What did the User Interface's maker say?", {"User Interface"}),
        ("Did Morgan agree with Grad F?", {"Julie Morgan MS", "Speaker F"}),
        ("What did julie morgan ms think?", {"Julie Morgan MS"}),
        ("Was the interface shown by a speaker?", set()),
        ("Interface or not?", set()),
        ("", set()),
    ],
)
def test_a_speaker_is_named_by_all_words_or_by_one_in_capitals_that_is_nobody_elses(
    question: str, named: set[str]
) -> None:
    speakers = ["User Interface", "Julie Morgan MS", "Ann Morton MS", "Speaker F", "Speaker G", ""]

    assert named == named_in(question, [*speakers, "User Interface"])


def test_what_only_tells_the_occasion_is_worth_less() -> None:
    aside = asked_weights("What did they decide on the cell when discussing the budget, and why?")
    content = asked_weights("When does the ship come, and what happens when the pump fails?")

    assert (1.0, 1.0) == (aside["cell"], aside["decid"])
    assert aside["budget"] < 1.0
    assert {1.0} == {*content.values()}
