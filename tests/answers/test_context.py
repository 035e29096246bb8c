from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from helpers import CONTEXT
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.answers.context import (
    OTHER_INSIGHT,
    TOP_INSIGHT,
    ReducedContext,
    answer_items,
    diverse,
    fair_shares,
    reduce_context,
)
from runner.answers.findings import read_findings
from runner.base.tokens import tokenizer_for
from runner.config.schema import ContextSettings
from runner.transcript.model import Segment

count = tokenizer_for("openai/gpt-4o").count


def reduce(
    answers: dict[str, Any],
    missing: dict[str, str],
    wanted: ContextSettings,
    transcript: Sequence[Segment] = (),
) -> ReducedContext:
    items = {name: answer_items(name, answer, count) for name, answer in answers.items()}
    return reduce_context("Findings", items, missing, wanted, count, transcript)


text = st.text(min_size=1, max_size=120)
evidence = st.lists(st.fixed_dictionaries({"segment": st.just("S0001"), "quote": text}), max_size=2)
insight = st.fixed_dictionaries(
    {
        "text": text,
        "confidence": st.floats(0, 1),
        "category": st.text(min_size=1, max_size=12),
        "evidence": evidence,
    }
)
item = st.one_of(
    text,
    st.fixed_dictionaries({"claim": text, "evidence": evidence}),
    st.fixed_dictionaries({"id": st.just("P1"), "parts": st.lists(text, max_size=3)}),
)
answer = st.fixed_dictionaries(
    {
        "insights": st.lists(insight, max_size=6),
        "structured_data": st.dictionaries(
            st.sampled_from(["gaps", "topic", "arguments"]),
            st.one_of(text, st.lists(item, max_size=5)),
        ),
    }
)
answers = st.dictionaries(st.sampled_from(["alpha", "beta", "gamma", "delta"]), answer)
segments = st.lists(
    st.builds(Segment, st.just("S0001"), st.just("Ann"), st.none(), st.none(), text), max_size=5
)


@settings(max_examples=150, deadline=None)
@given(
    answers=answers,
    missing=st.dictionaries(st.sampled_from(["lost", "late"]), st.just("timeout")),
    budget=st.integers(1, 600),
    top=st.integers(0, 5),
    excerpt=st.integers(0, 200),
    transcript=segments,
)
def test_the_rendered_context_never_exceeds_its_budget(
    answers: dict[str, Any],
    missing: dict[str, str],
    budget: int,
    top: int,
    excerpt: int,
    transcript: list[Segment],
) -> None:
    wanted = ContextSettings(
        token_budget=budget,
        top_insights=top,
        include_structured_keys=["gaps"],
        transcript_tokens=excerpt,
    )
    reduced = reduce(answers, missing, wanted, transcript)

    assert count(reduced.text) <= budget
    assert reduced.tokens == count(reduced.text)
    assert sum(map(len, (reduced.kept, reduced.dropped))) == sum(
        len(a["insights"])
        + sum(len(v) if isinstance(v, list) else 1 for v in a["structured_data"].values())
        for a in answers.values()
    )
    for kept in reduced.kept:
        assert kept.line + "\n" in reduced.text  # whole, never half


def made(name: str, insights: int, words: int = 12) -> dict[str, Any]:
    """An answer with *insights* insights of falling confidence and distinct words."""
    return {
        "insights": [
            {
                "text": " ".join(f"{name}{place}w{word}" for word in range(words)),
                "confidence": round(0.95 - 0.05 * place, 2),
                "category": "claim",
                "evidence": [{"segment": f"S{place + 1:04d}", "quote": "as it was said"}],
            }
            for place in range(insights)
        ],
        "structured_data": {
            "gaps": [{"said": f"{name} gap {place}", "evidence": []} for place in range(3)],
            "notes": [f"{name} note {place}" for place in range(3)],
        },
    }


def test_everything_is_kept_when_it_fits() -> None:
    reduced = reduce({"a": made("a", 7)}, {}, CONTEXT)

    assert reduced.dropped == ()
    assert len(reduced.kept) == 13


def test_top_insights_come_before_selected_keys_before_the_rest() -> None:
    tight = CONTEXT.model_copy(
        update={"token_budget": 330, "top_insights": 3, "include_structured_keys": ["gaps"]}
    )
    reduced = reduce({"a": made("a", 8)}, {}, tight)
    worst_kept = max(item.tier for item in reduced.kept)

    assert [i.tier for i in reduced.kept if i.key == "insights"][:3] == [TOP_INSIGHT] * 3
    assert sum(i.key == "gaps" for i in reduced.kept) == 3
    assert worst_kept >= OTHER_INSIGHT
    assert reduced.dropped


def test_a_selected_key_outranks_insights_beyond_the_top() -> None:
    narrow = CONTEXT.model_copy(
        update={"token_budget": 230, "top_insights": 1, "include_structured_keys": ["notes"]}
    )
    reduced = reduce({"a": made("a", 8, words=30)}, {}, narrow)
    kept = {(item.key, item.index) for item in reduced.kept}

    assert {("insights", 0), ("notes", 0), ("notes", 1), ("notes", 2)} <= kept


def test_every_upstream_analyzer_gets_a_part_however_much_the_first_has() -> None:
    big = {"big": made("big", 30, words=40), "small": made("small", 2)}
    tight = CONTEXT.model_copy(update={"token_budget": 700})
    reduced = reduce(big, {}, tight)
    small = [item for item in reduced.kept if item.analyzer == "small"]

    assert len(small) == 8
    assert any(item.analyzer == "big" for item in reduced.kept)


def test_shares_are_equal_until_need_is_met_and_surplus_goes_on() -> None:
    assert fair_shares({"a": 10, "b": 100, "c": 100}, 120) == {"a": 10, "b": 55, "c": 55}
    assert fair_shares({"a": 10, "b": 20}, 100) == {"a": 10, "b": 20}
    assert fair_shares({"a": 10}, -5) == {"a": 0}


def test_what_is_missing_is_said_and_recorded() -> None:
    reduced = reduce({"a": made("a", 1)}, {"b": "timeout"}, CONTEXT)

    assert "Not available: b (timeout)" in reduced.text
    assert reduced.ledger(CONTEXT)["missing"] == {"b": "timeout"}


def test_a_budget_too_small_for_any_item_gives_an_empty_text() -> None:
    tiny = CONTEXT.model_copy(update={"token_budget": 5})
    reduced = reduce({"a": made("a", 3)}, {}, tiny)

    assert reduced.text == ""
    assert len(reduced.dropped) == 9


def test_the_ledger_accounts_for_every_item() -> None:
    tight = CONTEXT.model_copy(update={"token_budget": 200})
    reduced = reduce({"a": made("a", 8)}, {}, tight)
    ledger = reduced.ledger(tight)
    items = ledger["sections"]["a"]["items"]

    assert len(items) == 14
    assert ledger["items_kept"] == sum(i["kept"] for i in items)
    assert ledger["items_dropped"] == sum(not i["kept"] for i in items) > 0
    assert ledger["tokens"] == count(reduced.text)


def test_excerpts_prefer_the_segments_that_kept_items_cite() -> None:
    transcript = [
        Segment(f"S{n:04d}", "Ann", None, None, f"what was said in segment number {n}")
        for n in range(1, 41)
    ]
    cites_late = made("a", 1)
    cites_late["insights"][0]["evidence"][0]["segment"] = "S0039"
    wanted = CONTEXT.model_copy(update={"transcript_tokens": 45})
    reduced = reduce({"a": cites_late}, {}, wanted, transcript)

    assert "S0039" in reduced.excerpts
    assert "[S0039 Ann] what was said in segment number 39" in reduced.text
    assert len(reduced.excerpts) < 40


def test_a_repeated_insight_comes_after_a_new_one_of_lower_confidence() -> None:
    same = {"text": "the date will slip", "confidence": 0.9, "category": "x", "evidence": []}
    other = {"text": "money is short", "confidence": 0.6, "category": "x", "evidence": []}
    ordered = diverse([same, dict(same), other])

    assert [i["text"] for i in ordered] == [same["text"], other["text"], same["text"]]


@pytest.mark.parametrize("value", ["a {brace} | bar", "line\nbreak", 'quote "inside" it'])
def test_what_the_reducer_writes_the_offline_reader_reads_back(value: str) -> None:
    answers = {
        "a": {
            "insights": [
                {
                    "text": value,
                    "confidence": 0.5,
                    "category": "hedge, or so",
                    "evidence": [
                        {"segment": "S0001", "quote": "one"},
                        {"segment": "S0002", "quote": 'two "twice" said'},
                    ],
                }
            ],
            "structured_data": {"gaps": [{"said": value, "meant": "less: much less"}]},
        }
    }
    reduced = reduce(answers, {"b": "timeout"}, CONTEXT)
    findings, missing = read_findings(reduced.text)

    assert missing == ["b"]
    assert [f.key for f in findings] == ["insights", "gaps"]
    assert findings[0].confidence == 0.5
    assert findings[0].category == "hedge, or so"
    assert findings[0].evidence == (("S0001", "one"), ("S0002", 'two "twice" said'))
    assert findings[1].fields["meant"] == "less: much less"


def test_excerpts_have_tokens_of_their_own_and_grow_around_what_is_cited() -> None:
    transcript = [Segment(f"S{n:04d}", None, None, None, "word " * 6) for n in range(1, 41)]
    evidence = [{"segment": "S0020", "quote": "word"}]
    insights = [
        {"text": f"Finding number {n}.", "confidence": 0.9, "category": "c", "evidence": evidence}
        for n in range(60)
    ]
    wanted = CONTEXT.model_copy(update={"token_budget": 400, "transcript_tokens": 200})
    answer = {"insights": insights, "structured_data": {}}
    reduced = reduce({"a": answer}, {}, wanted, transcript)
    places = [int(name[1:]) for name in reduced.excerpts]

    assert reduced.dropped
    assert len(places) > 2
    assert [*range(places[0], places[-1] + 1)] == places
    assert abs((places[0] + places[-1]) / 2 - 20) <= 0.5
