"""Which part of a transcript the findings cite."""

from __future__ import annotations

from typing import Any

import pytest

from runner.answers.coverage import BINS, MAX_STRETCHES, cited_segments, coverage_figures
from runner.transcript.model import Segment

SAID = ["a b", "c d e f", "g h?", "i j", "k", "l m?", "n o p q r"]
SEGMENTS = [Segment(f"S{n:04d}", "Ann", 10.0 * n, None, text) for n, text in enumerate(SAID)]


def quoted(*ids: str, match: str = "exact") -> dict[str, Any]:
    evidence = [{"segment": segment, "quote": "x", "match": match} for segment in ids]
    return {"insights": [{"text": "t", "evidence": evidence}]}


def words(text: str) -> int:
    return len(text.split())


def test_a_segment_is_cited_used_or_silent_and_shares_add_up() -> None:
    answers = {"one": quoted("S0001", "S0001"), "two": quoted("S0003"), "none": {"insights": []}}
    found = coverage_figures(SEGMENTS, answers, {"S0001", "S0004"}, words)

    assert {"segments": 7, "tokens": 18} == {k: found["total"][k] for k in ("segments", "tokens")}
    assert [(2, 6, 0.2857, 0.3333), (1, 1, 0.1429, 0.0556), (4, 11, 0.5714, 0.6111)] == [
        tuple(found["total"][state].values()) for state in ("cited", "used", "silent")
    ]
    assert [4, 2, 0] == [figures["tokens"] for figures in found["analyzers"].values()]


def test_silent_stretches_are_listed_longest_first_with_their_times() -> None:
    found = coverage_figures(SEGMENTS, {"one": quoted("S0001", "S0004")}, (), words)

    assert [
        ("S0005", "S0006", 7, 50.0),
        ("S0002", "S0003", 4, 20.0),
        ("S0000", "S0000", 2, 0.0),
    ] == [(s["first"], s["last"], s["tokens"], s["start_s"]) for s in found["silent_stretches"]]
    assert 0 == found["more_stretches"]


def test_a_question_is_unanswered_where_no_finding_cites_it_or_what_follows() -> None:
    found = coverage_figures(SEGMENTS, {"one": quoted("S0004")}, (), words)

    assert ["S0005"] == [question["segment"] for question in found["unanswered_questions"]]


def test_a_question_at_the_end_of_a_long_segment_is_shown_with_what_leads_to_it() -> None:
    said = "x " * 200 + "Who pays?" + " y" * 200
    (found,) = coverage_figures([Segment("S0001", "Ann", None, None, said)], {}, (), words)[
        "unanswered_questions"
    ]

    assert ("x " * 200 + "Who pays?")[-200:].strip() == found["text"]


def test_the_strip_counts_tokens_in_bins_of_equal_length() -> None:
    sizes = [Segment(f"S{n}", None, None, None, "w " * n) for n in (1, 2, 3)]

    found = coverage_figures(sizes, {"one": quoted("S1", "S3")}, (), words)

    assert [50, 50, 100] == found["strip"]["cited"]


def test_a_quote_that_is_not_there_covers_nothing() -> None:
    assert [] == [*cited_segments(quoted("S0001", match="absent"))]


def test_lists_and_strip_of_a_long_transcript_are_bounded() -> None:
    many = [Segment(f"S{n:05d}", None, None, None, "why?") for n in range(5_000)]
    answers = {"one": quoted(*(each.id for each in many[:2_500:50]), *(s.id for s in many[2_500:]))}
    found = coverage_figures(many, answers, (), words)

    assert (MAX_STRETCHES, 30) == (len(found["silent_stretches"]), found["more_stretches"])
    assert MAX_STRETCHES == len(found["unanswered_questions"])
    assert BINS == len(found["strip"]["cited"])
    assert [100] * (BINS // 2) == found["strip"]["cited"][BINS // 2 :]
    assert 2 == max(found["strip"]["cited"][1 : BINS // 2 - 1]) // 2


def test_an_empty_transcript_has_no_shares() -> None:
    found = coverage_figures([], {}, (), words)

    assert None is found["total"]["cited"]["token_rate"]
    assert [] == found["strip"]["cited"]


@pytest.mark.parametrize(
    ("said", "asks"),
    [("是吗？是的。", True), ("Who?!", True), ("„Was?“ sagte er", True), ("a?b=1 x", False)],
)
def test_a_question_ends_as_in_its_language(said: str, asks: bool) -> None:
    segment = Segment("S0001", None, None, None, said)
    found = coverage_figures([segment], {}, (), len)

    assert asks == bool(found["unanswered_questions"])
