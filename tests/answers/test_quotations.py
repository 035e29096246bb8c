"""Quotations in the text of answers, and fields of verbatim words."""

from __future__ import annotations

from typing import Any

import pytest

from analyzers import premises_assertions
from runner.answers.grounding.grounder import Grounder
from runner.answers.grounding.quotations import quotations
from runner.transcript.model import Segment

SEGMENTS = (
    Segment("S0001", "Ann", None, None, "We buy the new pump in May, if the board agrees."),
    Segment("S0002", "Bo", None, None, "我们五月买新的水泵。 Nobody asked me about it."),
)
GROUNDER = Grounder(SEGMENTS)


def answer(text: str, **fields: Any) -> dict[str, Any]:
    evidence = [{"segment": "S0002", "quote": "Nobody asked me", "match": "exact"}]
    return {"insights": [{"text": text, "evidence": evidence}], "structured_data": fields}


@pytest.mark.parametrize(
    "said",
    [
        'Ann: "We buy the new pump".',
        "Ann: “We buy … if the board agrees”.",
        "Ann: „We buy the new pump“.",
        "Ann: «We buy the new pump».",
        "Bo: 「我们五月买新的水泵」",
        *(
            "Ann: ‘We buy the new pump’.",
            "Ann: ‚We buy the new pump‘.",
            "Ann: ‹We buy the new pump›",
        ),
        *(
            "Ann: ”We buy the new pump”",
            'Ann: „We buy the new pump"',
            "Ann: 'We buy the new pump'.",
        ),
        *(
            "Ann: ״We buy the new pump״",
            "Ann: ``We buy the new pump''",
            "Ann: ＂We buy the new pump＂",
        ),
        *("Ann: »We buy the new pump»", "Ann: ”We buy the new pump”", 'Ann: “We buy the new pump"'),
    ],
)
def test_words_in_any_quotation_marks_are_looked_for(said: str) -> None:
    assert (1, []) == GROUNDER.absent_quotations(answer(said))


@pytest.mark.parametrize(
    "said",
    ['Ann: "We buy the old pump today".', "Bo: 「我们六月卖旧的汽车」", "«Nobody bought it»"],
)
def test_words_that_nobody_said_are_found_out(said: str) -> None:
    total, absent = GROUNDER.absent_quotations(answer(said))

    assert (1, 1) == (total, len(absent))


@pytest.mark.parametrize(
    "text",
    [
        'a "so-called" pump',
        'a 5" pipe and a 7" one',
        "it's Ann's",
        "Ana’s dogs’ new, cats’ old",
        "the '90s and all dogs' bowls",
        "",
    ],
)
def test_terms_inches_and_apostrophes_are_no_quotations(text: str) -> None:
    assert (0, []) == GROUNDER.absent_quotations(answer(text))


def test_fields_of_verbatim_words_are_checked_whole_and_evidence_is_not_counted_again() -> None:
    rows = [{"said": "Nobody asked me", "meant": "hurt"}, {"said": "I was asked", "meant": "x"}]
    found = GROUNDER.absent_quotations(answer("no marks", gaps=rows), {"said"})

    assert (2, ["I was asked"]) == found


def test_a_quotation_has_the_segment_that_is_cited_beside_it() -> None:
    assert [("We buy the pump", "S0002")] == [*quotations(answer('"We buy the pump"'), ())]


def test_words_of_nested_items_are_checked_where_they_have_some() -> None:
    premises = [
        {"text": "Nobody asked.", "kind": "stated", "said": "Nobody asked me"},
        {"text": "They knew.", "kind": "stated", "said": "They knew it"},
        {"text": "One must be asked.", "kind": "implied"},
    ]
    made = premises_assertions.Argument.model_validate(
        {
            **{"speaker": None, "assertion": "x", "premises": premises, "support": "none"},
            **{"warrant": "none", "qualifier": "none", "rebuttal": "none", "evidence": []},
        }
    )
    found = GROUNDER.absent_quotations(
        answer("no marks", arguments=[made.model_dump()]), premises_assertions.VERBATIM
    )

    assert (2, ["They knew it"]) == found
