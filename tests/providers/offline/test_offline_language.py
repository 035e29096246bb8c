"""Sentences, words, cues and ranking, and the arguments read from them."""

from __future__ import annotations

import pytest
from helpers.offline import PUMP, spoken

from runner.providers.offline.dialogue.dialogue import read_dialogue
from runner.providers.offline.dialogue.reasoning import find_reasoning
from runner.providers.offline.document import Utterance
from runner.providers.offline.language import cues
from runner.providers.offline.language.fragments import is_garbled
from runner.providers.offline.language.ranking import centrality, diverse, term_weights
from runner.providers.offline.language.sentences import (
    MAX_QUOTE_CHARS,
    content_words,
    is_substantive,
    key_terms,
    sentences,
    similarity,
    stem,
    strip_fillers,
)


def test_a_sentence_is_a_verbatim_part_of_its_line() -> None:
    text = "So {gap} we have it . Mr. Volcker paid 2.5 million to the U.S. bank. Right?"
    found = [s.text for s in sentences([Utterance("S0001", None, text)])]

    expected = ["So", "we have it .", "Mr. Volcker paid 2.5 million to the U.S. bank.", "Right?"]
    assert expected == found
    assert all(part in text for part in found)


def test_speech_without_punctuation_is_cut_into_quotable_parts() -> None:
    text = "and then we looked at the valve because the pressure fell and nobody knew why " * 40
    found = sentences([Utterance("S0001", None, text)])

    assert max(len(s.text) for s in found) <= MAX_QUOTE_CHARS
    assert all(s.text in text for s in found)


def test_fillers_and_leading_markers_go_but_the_matter_stays() -> None:
    cleaned = strip_fillers("So um , well , I mean the the pump is uh not easy to fix .")

    assert "the pump is not easy to fix." == cleaned


@pytest.mark.parametrize(
    ("word", "expected"),
    [("filters", "filter"), ("stopped", "stop"), ("running", "run"), ("policies", "policy")],
)
def test_inflected_forms_share_a_stem(word: str, expected: str) -> None:
    assert expected == stem(word)


def test_similarity_is_one_for_the_same_content_and_zero_for_none() -> None:
    assert similarity("The pump failed.", "A pump fails") == pytest.approx(1.0)
    assert similarity("The pump failed.", "Nurses take buses.") == 0.0
    assert similarity("", "pump") == 0.0


def test_ritual_and_backchannel_are_not_substantive() -> None:
    lines = [
        Utterance(
            "S0001", "A", "Thank you, Mr. Chairman, and I yield back the balance of my time."
        ),
        Utterance("S0002", "B", "Yeah , okay ."),
        Utterance("S0003", "A", "The inlet filter clogs every second week."),
    ]

    assert [False, False, True] == [is_substantive(s) for s in sentences(lines)]


def test_key_terms_name_the_topic_and_not_the_speakers() -> None:
    terms = key_terms(sentences(spoken(*PUMP).lines), 3)

    assert any("filter" in term for term in terms)
    assert not any(name in " ".join(terms).lower() for name in ("ann", "bo", "cy"))


def test_the_sentence_that_shares_most_terms_is_most_central() -> None:
    found = sentences(spoken(*PUMP).lines)
    central = centrality(found, term_weights(found))

    assert max(central) == 1.0
    assert "pump" in content_words(found[central.index(1.0)].text)


def test_diverse_never_chooses_near_copies() -> None:
    items = ["the pump failed twice", "the pump failed twice", "nurses take the bus"]
    chosen = diverse(items, 3, score=lambda _: 0.5, text=lambda item: item)

    assert ["the pump failed twice", "nurses take the bus"] == chosen


def test_diverse_prefers_what_is_far_from_what_is_chosen() -> None:
    worth = {"the pump failed": 0.9, "it leaks oil": 0.8, "nurses take the bus": 0.7}
    chosen = diverse(
        list(worth), 2, score=worth.__getitem__, text=str, place=lambda s: float("bus" in s)
    )

    assert ["the pump failed", "nurses take the bus"] == chosen


@pytest.mark.parametrize(
    ("kind", "text", "phrase"),
    [
        ("hedge", "I suppose we could start.", "I suppose"),
        ("unsure", "I’m not sure whether it fits.", "I’m not sure"),
        ("causal_back", "It fell because the bolt broke.", "because"),
        ("causal_forward", "The bolt broke, therefore it fell.", "therefore"),
        ("commitment", "I'll call her tomorrow.", "I'll"),
        ("disagreement", "I disagree with that.", "I disagree"),
    ],
)
def test_a_cue_is_found_at_its_place(kind: str, text: str, phrase: str) -> None:
    hit = cues.strongest(kind, text)

    assert hit is not None
    assert phrase == text[hit.start : hit.end]


@pytest.mark.parametrize(
    ("text", "assertion", "premise"),
    [
        ("We must stop the pump because the filter is clogged.", "We must stop", "the filter is"),
        ("The filter is clogged, therefore we must stop the pump.", "we must stop", "The filter"),
        ("If the filter is clogged, then we must stop the pump.", "If the filter", "If the filter"),
    ],
)
def test_a_connective_tells_the_ground_from_the_conclusion(
    text: str, assertion: str, premise: str
) -> None:
    (found,) = find_reasoning(read_dialogue(spoken(("Ann", text))))

    assert found.assertion.startswith(assertion)
    assert found.premise.startswith(premise)


def test_a_leading_no_that_belongs_to_the_sentence_stays() -> None:
    assert "No other agency can do this" == strip_fillers("No other agency can do this")
    assert "No, we cannot do this" == strip_fillers("No, we cannot do this")


def test_the_middle_of_a_long_talk_and_where_it_is_argued_weigh_more() -> None:
    plain = "The blue folder has the plans of the garden."
    argued = "But if the wall is not dry, we should not paint it, because the risk is bad."
    said = [argued if 90 <= n < 110 else plain for n in range(240)]
    dialogue = read_dialogue(spoken(*((f"P{n % 4}", text) for n, text in enumerate(said))))
    weights = dialogue.weight

    assert 90 <= max(range(240), key=weights.__getitem__) < 110
    assert weights[120] > weights[10] > weights[239]
    assert 239 not in dialogue.focus
    assert set(range(90, 110)) <= dialogue.focus


@pytest.mark.parametrize(
    ("text", "garbled"),
    [
        ("Okay , that's settled .", False),
        ("Um , so the handle is made of rubber .", False),
        ("I'll uh find out what the steel costs .", False),
        ("we m have to to see the s settled one .", True),
    ],
)
def test_one_filler_or_a_clitic_does_not_make_a_sentence_garbled(text: str, garbled: bool) -> None:
    assert garbled == is_garbled(text)
