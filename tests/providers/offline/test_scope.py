"""What is denied, supposed, asked, reported or joked about is never stated; words stay whole."""

from __future__ import annotations

import re

import pytest
from helpers.offline import answer, spoken
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.providers.offline.language import cues
from runner.providers.offline.language.fragments import is_garbled
from runner.providers.offline.language.scope import is_outright, stands_alone
from runner.providers.offline.language.sentences import strip_fillers
from runner.providers.offline.language.wording import plain


@pytest.mark.parametrize(
    ("sentence", "part"),
    [
        ("I left it, not because I think CMA is a bad school.", "CMA is a bad school"),
        ("The question is whether to buy, sell, or hold.", "sell"),
        ("I don't think that the pump leaks.", "the pump leaks"),
        ("Nobody says that the pump leaks.", "the pump leaks"),
        ("It isn't that the pump leaks.", "the pump leaks"),
        ("If the pump leaks we stop.", "the pump leaks"),
        ("He told me the pump leaks.", "the pump leaks"),
        ("They claim the pump leaks because it is old.", "it is old"),
        ("Suppose the pump leaks.", "the pump leaks"),
        ("Maybe the pump leaks.", "the pump leaks"),
        ("Does it matter that the pump leaks?", "the pump leaks"),
        ("The pump leaks, I doubt.", "The pump leaks"),
        ("The pump leaks, or not.", "The pump leaks"),
        ("The pump leaks, allegedly.", "The pump leaks"),
        ("The pump leaks unless it is closed.", "The pump leaks"),
        ("Oh great, the pump leaks.", "the pump leaks"),
        ("I refuse to believe the pump leaks.", "the pump leaks"),
    ],
)
def test_a_part_that_its_sentence_governs_does_not_stand_alone(sentence: str, part: str) -> None:
    assert part in sentence
    assert not stands_alone(sentence, part)


@pytest.mark.parametrize(
    ("sentence", "part"),
    [
        ("We stop the pump because the filter is clogged.", "We stop the pump"),
        ("We stop the pump because the filter is clogged.", "the filter is clogged"),
        ("No, the filter is clogged.", "the filter is clogged"),
        ("I don't know. The filter is clogged.", "The filter is clogged."),
    ],
)
def test_a_part_that_nothing_governs_stands_alone(sentence: str, part: str) -> None:
    assert stands_alone(sentence, part)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("commitment", "I don't think I'll order it."),
        ("commitment", "If you pay, then I'll order it."),
        ("commitment", "She said I'll order it."),
        ("decision", "Nobody says we have decided that."),
        ("decision", "Have they decided to sell the house?"),
        ("agreement", "I never said I agree with that."),
        ("disagreement", "You might think I disagree with that."),
        ("works_now", "I don't believe that it works."),
        ("obligation", "I wonder whether we should sell."),
        ("told_success", "I wish I managed to repair it."),
    ],
)
def test_a_cue_that_is_denied_supposed_asked_or_reported_does_not_count(
    kind: str, text: str
) -> None:
    assert not cues.has(kind, text)


WHETHER = (
    ("Ann", "So the whole question is whether to buy, sell, or hold the shares of the bank."),
    ("Bo", "I left that school, but not because I think CMA is a bad school for the children."),
    ("Ann", "Nobody in this room says that we should fire the whole team in the harbour."),
    ("Bo", "I don't think we have decided to close the east gate of the harbour."),
    ("Ann", "Oh great, we have decided to paint the harbour gate once more."),
    ("Bo", "If the bank fails, we'll sell the harbour gate to the first bidder."),
    ("Ann", "Yeah, right, and I'll buy the moon for the children of the harbour tomorrow."),
)
CLAIMS = (
    *("decisions", "action_items", "contradictions", "tensions", "shared_ground", "disagreements"),
    *("arguments", "theorems", "unsupported", "conjectures"),
)


TOLD = re.compile(r"CMA|sell|fire|decided|moon")


def claims(name: str) -> list[str]:
    data = answer(name, spoken(*WHETHER))["structured_data"]
    return [str(i) for key in CLAIMS for i in data.get(key, []) if TOLD.search(str(i))]


@pytest.mark.parametrize(
    "name",
    [
        "meeting_notes",
        "premises_assertions",
        "perspective_perception",
        "disagreements",
        "decisions",
    ],
)
def test_what_is_open_denied_or_meant_as_a_joke_is_no_finding(name: str) -> None:
    assert claims(name) == []


@pytest.mark.parametrize(
    "text",
    [
        "plan B is safer than plan A",
        "S&P rated it A in 2 of 3 cases",
        "the X axis of the U.S. map, option c, is 5 mm long",
        "I would say that that had had no effect",
        "We could be wrong, sort of, and it might work",
        "Vitamin C or D, I guess",
    ],
)
def test_no_letter_number_negation_or_hedge_is_cut(text: str) -> None:
    assert plain(text).rstrip(".").lower() == text.lower()


TOKENS = [
    "um",
    "uh",
    "er",
    "the",
    "the",
    "a",
    "A",
    "I",
    "I",
    "we",
    "plan",
    "B",
    "C",
    "S&P",
    "5",
    "mm",
    "not",
    "no",
    "never",
    "could",
    "maybe",
    "it's",
    "U.S.",
    "and",
    "so",
    "well",
    ",",
    ".",
    "?",
    "risk",
    "is",
    "is",
    "very",
    "very",
    "had",
    "had",
    "that",
    "that",
    "pump",
]
SPOKEN = st.lists(st.sampled_from(TOKENS), max_size=25).map(" ".join)
_WORDS = re.compile(r"[\w'.&]*\w")
_MAY_GO = {"um", "uh", "er", "mm", "the", "a", "i", "we", "is", "and", "so", "well"}


@settings(max_examples=50, deadline=None)
@given(SPOKEN)
def test_the_words_of_a_stated_text_are_those_said_less_fillers_and_repeats(text: str) -> None:
    said, kept = _WORDS.findall(text), _WORDS.findall(strip_fillers(text))
    missing, rest = [], iter(said)
    for word in kept:
        for other in rest:
            if other == word:
                break
            missing.append(other)
        else:
            pytest.fail(f"{word} was not said, or not in this place")
    missing += rest

    assert {word.lower() for word in missing} - _MAY_GO == set()


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("We m have to make a new remote control.", True),
        ("That's not really ea easy.", True),
        ("Um the uh thing is, uh, broken.", True),
        ("I want to, I was going to-- the thing.", True),
        ("The pump failed twice last week.", False),
        ("Plan B is safer than plan A in every case we saw.", False),
        ("When you push a but a button, you hear a bleep.", True),
        ("I agree and I agree with you on the proposal.", True),
        ("The thing is that the though I agree, it must be done.", True),
        ("I'll get appreciating every one of Hope everyone has a great day.", True),
        ("We gave the team a report and the council a plan.", False),
        ("Ask Hope and Grace for a pump of their own.", False),
    ],
)
def test_broken_speech_is_told_from_whole_sentences(text: str, broken: bool) -> None:
    assert is_garbled(text) is broken


def test_what_is_said_outright_may_itself_deny() -> None:
    assert is_outright("I will not order it.")
