"""The offline reader's text engine and its four readings of a transcript's lines."""

from __future__ import annotations

import time
from types import ModuleType
from typing import Any

import pytest

from analyzers import perspective_perception, postulate_theorem, premises_assertions, say_means
from runner.answers.findings import Finding
from runner.answers.shape import answer_shape
from runner.providers.offline.dialogue.dialogue import read_talk
from runner.providers.offline.dialogue.reasoning import find_reasoning
from runner.providers.offline.document import Document, Line
from runner.providers.offline.language import cues
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
from runner.providers.offline.readings.generic import read_generic

READINGS = (say_means, perspective_perception, premises_assertions, postulate_theorem)

PUMP = (
    ("Ann Lee", "The cooling pump failed twice last week because the inlet filter was clogged."),
    ("Bo Chen", "I disagree that the filter is the cause of the pump failure."),
    ("Ann Lee", "If the inlet filter stays clogged, then the pump will overheat again."),
    ("Bo Chen", "I suppose we could replace the inlet filter. I'm not sure whether it fits."),
    ("Ann Lee", "Bo, could you please order a spare filter this week?"),
    ("Bo Chen", "I'll order a spare filter tomorrow, if the supplier has one."),
    ("Cy Diaz", "We should run the spare pump at half load until the filter arrives."),
    ("Ann Lee", "Agreed. Who pays for the overtime of the night crew?"),
    ("Cy Diaz", "We'll come back to that. The main pump must never run dry."),
)
BUS = (
    (
        "Dee",
        "The night bus carries only nine passengers, therefore the council wants to cancel it.",
    ),
    ("Eli", "Nurses need the night bus to reach the hospital before the early shift."),
    ("Dee", "Perhaps a shared taxi might be cheaper than the night bus."),
    ("Eli", "I will ask the hospital on Monday how many nurses take the bus."),
)


def document(spoken: Any, question: str = "") -> Document:
    lines = tuple(Line(f"S{n:04d}", who, text) for n, (who, text) in enumerate(spoken, start=1))
    return Document(lines, (), (), question)


def evidence_of(data: Any) -> list[dict[str, str]]:
    if isinstance(data, dict) and set(data) == {"segment", "quote"}:
        return [data]
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return [found for value in inner for found in evidence_of(value)]


def structured(module: ModuleType, spoken: Any) -> Any:
    return module.read(document(spoken))["structured_data"]


def test_a_sentence_is_a_verbatim_part_of_its_line() -> None:
    text = "So {gap} we have it . Mr. Volcker paid 2.5 million to the U.S. bank. Right?"
    found = [s.text for s in sentences([Line("S0001", None, text)])]

    expected = ["So", "we have it .", "Mr. Volcker paid 2.5 million to the U.S. bank.", "Right?"]
    assert expected == found
    assert all(part in text for part in found)


def test_speech_without_punctuation_is_cut_into_quotable_parts() -> None:
    text = "and then we looked at the valve because the pressure fell and nobody knew why " * 40
    found = sentences([Line("S0001", None, text)])

    assert max(len(s.text) for s in found) <= MAX_QUOTE_CHARS
    assert all(s.text in text for s in found)


def test_fillers_and_leading_markers_go_but_the_matter_stays() -> None:
    cleaned = strip_fillers("So um , well , I mean the the pump is uh not ea easy to fix .")

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
        Line("S0001", "A", "Thank you, Mr. Chairman, and I yield back the balance of my time."),
        Line("S0002", "B", "Yeah , okay ."),
        Line("S0003", "A", "The inlet filter clogs every second week."),
    ]

    assert [False, False, True] == [is_substantive(s) for s in sentences(lines)]


def test_key_terms_name_the_topic_and_not_the_speakers() -> None:
    terms = key_terms(sentences(document(PUMP).lines), 3)

    assert any("filter" in term for term in terms)
    assert not any(name in " ".join(terms).lower() for name in ("ann", "bo", "cy"))


def test_the_sentence_that_shares_most_terms_is_most_central() -> None:
    found = sentences(document(PUMP).lines)
    central = centrality(found, term_weights(found))

    assert max(central) == 1.0
    assert "pump" in content_words(found[central.index(1.0)].text)


def test_diverse_never_chooses_near_copies() -> None:
    items = ["the pump failed twice", "the pump failed twice", "nurses take the bus"]
    chosen = diverse(items, 3, score=lambda _: 0.5, text=lambda item: item)

    assert ["the pump failed twice", "nurses take the bus"] == chosen


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


def test_a_negation_turns_an_evaluation() -> None:
    assert (1, -1, 0) == tuple(
        cues.polarity(text) for text in ("a good plan", "not a good plan", "a plan")
    )


@pytest.mark.parametrize(
    ("text", "assertion", "premise"),
    [
        ("We must stop the pump because the filter is clogged.", "We must stop", "the filter is"),
        ("The filter is clogged, therefore we must stop the pump.", "we must stop", "The filter"),
        ("If the filter is clogged, then we must stop the pump.", "we must stop", "If the filter"),
    ],
)
def test_a_connective_tells_the_ground_from_the_conclusion(
    text: str, assertion: str, premise: str
) -> None:
    (found,) = find_reasoning(read_talk(document([("Ann", text)])))

    assert found.assertion.startswith(assertion)
    assert found.premise.startswith(premise)


@pytest.mark.parametrize("module", READINGS)
@pytest.mark.parametrize("spoken", [PUMP, BUS])
def test_every_reading_fits_its_shape_and_quotes_verbatim(module: ModuleType, spoken: Any) -> None:
    given = document(spoken)
    answer = module.read(given)
    texts = {line.segment: line.text for line in given.lines}

    answer_shape(module.__name__.split(".")[-1], module.Fields).model_validate(answer)
    assert all(e["quote"] in texts[e["segment"]] for e in evidence_of(answer))
    assert all(insight["evidence"] for insight in answer["insights"])
    assert answer == module.read(given)


@pytest.mark.parametrize("module", READINGS)
def test_two_transcripts_give_different_answers(module: ModuleType) -> None:
    first, second = (module.read(document(spoken))["insights"] for spoken in (PUMP, BUS))

    assert not {i["text"] for i in first} & {i["text"] for i in second}


def test_say_means_finds_requests_hedges_promises_and_what_stays_open() -> None:
    found = structured(say_means, PUMP)
    signals = {(gap["speaker"], gap["signal"]) for gap in found["gaps"]}

    assert {("Ann Lee", "indirect_request"), ("Bo Chen", "hedge")} <= signals
    assert ("Bo Chen", "conditional") in [
        (promise["speaker"], promise["strength"]) for promise in found["commitments"]
    ]
    assert ["Who pays for the overtime of the night crew?"] == [u["topic"] for u in found["unsaid"]]


def test_perspectives_name_holders_tension_and_shared_ground() -> None:
    found = structured(perspective_perception, PUMP)

    assert {"Ann Lee", "Bo Chen"} <= {view["holder"] for view in found["perspectives"]}
    assert ["Ann Lee", "Bo Chen"] in [tension["between"] for tension in found["tensions"]]
    assert ["Cy Diaz", "Ann Lee"] in [ground["holders"] for ground in found["shared_ground"]]


def test_a_denial_is_a_contradiction_and_a_reason_an_argument() -> None:
    found = structured(premises_assertions, PUMP)

    assert any("disagree" in clash["second"] for clash in found["contradictions"])
    assert any("filter was clogged" in a["premises"][0]["text"] for a in found["arguments"])


def test_theorems_follow_only_from_postulates_that_exist() -> None:
    found = structured(postulate_theorem, PUMP)
    known = {postulate["id"] for postulate in found["postulates"]}

    assert found["theorems"]
    assert all(set(theorem["follows_from"]) <= known for theorem in found["theorems"])
    assert all(theorem["follows_from"] for theorem in found["theorems"])


def test_a_guess_gets_a_test() -> None:
    found = structured(postulate_theorem, BUS)

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
    topic = structured(perspective_perception, TRIAL)["topic"]

    assert "whether we run the valve trial in May or in autumn" == topic


def test_consent_under_a_condition_is_a_mixed_stance() -> None:
    views = {v["holder"]: v for v in structured(perspective_perception, TRIAL)["perspectives"]}

    assert "mixed" == views["Kim"]["stance"]
    assert views["Kim"]["position"].startswith("I could live with a valve trial in May")


def test_a_listener_s_reading_of_others_is_a_perception() -> None:
    seen = structured(perspective_perception, TRIAL)["perceptions"]

    assert {("Kim", "Jon"), ("Ida", "the board")} <= {(p["holder"], p["of"]) for p in seen}


def test_an_assumption_named_in_reply_is_an_implied_premise() -> None:
    arguments = structured(premises_assertions, TRIAL)["arguments"]
    implied = [p["text"] for a in arguments for p in a["premises"] if p["kind"] == "implied"]

    assert ["The seals wear at the same rate."] == implied


def test_what_a_listener_hears_is_told_as_what_is_meant() -> None:
    gaps = structured(say_means, TRIAL)["gaps"]

    assert ('Heard by Kim as "no".', "euphemism") in [(g["meant"], g["signal"]) for g in gaps]


def test_sentences_torn_between_segments_carry_no_argument() -> None:
    torn = [
        ("Lee", "We look for more helpers because many of the older helpers are involved in"),
        ("Lee", "Other work that the board gave them. That is known. We asked the board twice."),
    ]

    assert [] == structured(premises_assertions, torn)["arguments"]


def test_a_leading_no_that_belongs_to_the_sentence_stays() -> None:
    assert "No other agency can do this" == strip_fillers("No other agency can do this")
    assert "we cannot do this" == strip_fillers("No, we cannot do this")


@pytest.mark.parametrize("module", READINGS)
@pytest.mark.parametrize(
    "spoken",
    [
        [(None, "Hello")],
        [("A", "Wir müssen den Vertrag bis Freitag unterschreiben.")],
        [(None, "the build failed twice and i am not sure whether the runner is slow")],
        [("TWR", "CLEARED TO LAND RUNWAY 27"), ("AAL1", "CLEARED TO LAND 27")],
    ],
)
def test_a_poor_transcript_still_gets_an_honest_answer(module: ModuleType, spoken: Any) -> None:
    answer = module.read(document(spoken))

    answer_shape(module.__name__.split(".")[-1], module.Fields).model_validate(answer)
    assert all(insight["evidence"] for insight in answer["insights"])


@pytest.mark.parametrize("module", READINGS)
def test_sixty_thousand_words_are_read_in_seconds(module: ModuleType) -> None:
    spoken = [(who, f"{text} Item {n} of lot {n % 97}.") for n in range(400) for who, text in PUMP]
    started = time.perf_counter()
    module.read(document(spoken))

    assert time.perf_counter() - started < 15  # about 2 s on an idle core


def test_a_prompt_only_analyzer_is_answered_by_what_bears_on_its_question() -> None:
    answer = read_generic(document(PUMP, "What is said about the overtime of the night crew?"))
    first: Any = answer["insights"]

    assert "on_question" == first[0]["category"]
    assert {"segment": "S0008", "quote": "Who pays for the overtime of the night crew?"} in [
        e for insight in first for e in insight["evidence"]
    ]


def test_a_prompt_only_analyzer_copies_the_evidence_of_findings() -> None:
    finding = Finding(
        "say_means", "insights", {"text": "Bo doubts it."}, 0.8, "hedge", (("S0004", "I suppose"),)
    )
    answer: Any = read_generic(Document((), (finding,), (), "Who doubts it?"))

    assert [{"segment": "S0004", "quote": "I suppose"}] == answer["insights"][0]["evidence"]
