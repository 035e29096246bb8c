from __future__ import annotations

import json
from importlib import import_module

import pytest
from helpers import job

from analyzers import find
from analyzers._analyzer import PACKAGED
from analyzers.competing_hypotheses import Fields
from runner.answers.shape import answer_shape, json_schema, limit_insights


def test_the_schema_is_closed_and_asks_for_everything() -> None:
    schema = json_schema(answer_shape("ach", Fields))

    def objects(node: object) -> list[dict]:
        if isinstance(node, list):
            return [o for element in node for o in objects(element)]
        if not isinstance(node, dict):
            return []
        own = [node] if node.get("type") == "object" else []
        return own + [o for value in node.values() for o in objects(value)]

    found = objects(schema)

    assert len(found) >= 6
    for body in found:
        assert body["additionalProperties"] is False
        assert body["required"] == list(body["properties"])
    assert "ranking" not in schema["$defs"]["Fields"]["properties"]  # computed, not asked for


def ach(
    matrix: list[tuple[str, str, str]],
    relevance: str = "high",
    quotes: tuple[str, str] = ("we go", "they stay"),
) -> dict:
    return {
        "question": "Which?",
        "hypotheses": [{"id": f"H{n}", "statement": f"h{n}"} for n in (1, 2)],
        "evidence": [
            {
                "id": name,
                "text": name,
                "source": "s",
                "kind": "fact",
                "credibility": credibility,
                "relevance": relevance,
                "evidence": [{"segment": "S0001", "quote": quote}],
            }
            for name, credibility, relevance, quote in (
                ("E1", "high", "high", quotes[0]),
                ("E2", "low", relevance, quotes[1]),
            )
        ],
        "matrix": [
            {"evidence": e, "hypothesis": h, "consistency": c, "reason": "r"} for e, h, c in matrix
        ],
        "milestones": [],
    }


def test_hypotheses_rank_by_weighted_disconfirmation_not_by_support() -> None:
    fields = Fields.model_validate(
        ach([("E1", "H1", "CC"), ("E2", "H1", "II"), ("E1", "H2", "N"), ("E2", "H2", "N")])
    )

    assert [(r.hypothesis, r.inconsistency) for r in fields.ranking] == [("H2", 0.0), ("H1", 0.8)]
    assert [(d.evidence, d.spread) for d in fields.diagnosticity] == [("E1", 2), ("E2", 2)]


SPLIT = [("E1", "H1", "I"), ("E2", "H1", "N"), ("E1", "H2", "N"), ("E2", "H2", "II")]


@pytest.mark.parametrize(("relevance", "score"), [("high", 0.8), ("medium", 0.56), ("low", 0.32)])
def test_an_inconsistency_weighs_as_much_as_its_evidence_is_relevant(
    relevance: str, score: float
) -> None:
    ranking = Fields.model_validate(ach(SPLIT, relevance)).ranking

    assert {"H1": 1.0, "H2": score} == {row.hypothesis: row.inconsistency for row in ranking}


def test_a_linchpin_is_what_the_ranking_hangs_on() -> None:
    fields = Fields.model_validate(ach(SPLIT))
    same = Fields.model_validate(ach([(e, h, "N") for e in ("E1", "E2") for h in ("H1", "H2")]))

    assert ["H2", "H1"] == [row.hypothesis for row in fields.ranking]
    assert [("E1", ["H1", "H2"], True)] == [
        (one.evidence, one.ranking, one.changes_first) for one in fields.linchpins
    ]
    assert [] == same.linchpins


def test_of_two_equal_hypotheses_either_is_first_without_the_evidence_against_it() -> None:
    marks = [("E1", "H1", "C"), ("E1", "H2", "I"), ("E2", "H1", "I"), ("E2", "H2", "C")]
    data = ach(marks)
    data["evidence"][1]["credibility"] = "high"
    fields = Fields.model_validate(data)

    assert [("E1", ["H2", "H1"], False), ("E2", ["H1", "H2"], False)] == [
        (one.evidence, one.ranking, one.changes_first) for one in fields.linchpins
    ]


def test_equal_hypotheses_are_one_place_of_the_order() -> None:
    marks = [("E1", "H1", "C"), ("E1", "H2", "I"), ("E2", "H1", "N"), ("E2", "H2", "N")]
    fields = Fields.model_validate(ach(marks))

    assert [["H1 = H2"]] == [one.ranking for one in fields.linchpins]


@pytest.mark.parametrize(
    ("quotes", "warned"),
    [
        (("we go", "we go"), True),
        (("We  go", "then we go in April"), True),
        (("we go", "they stay"), False),
        (("", "they stay"), False),
    ],
)
def test_evidence_that_shares_a_quote_is_warned_about(
    quotes: tuple[str, str], warned: bool
) -> None:
    warnings = Fields.model_validate(ach(SPLIT, quotes=quotes)).warnings

    assert warned == bool(warnings)
    assert all(w.startswith("E1 and E2 rest on the same quote (S0001)") for w in warnings)


# What states nothing about the talk: what evidence is weighed on, names of analyzers, and what
# names findings, whose quotes are theirs.
OF_NO_TALK = {"hypotheses", "not_available", "themes", "outliers", "agreements", "contradictions"}


def test_every_list_of_an_answer_cites_evidence() -> None:
    bare = set()
    for path in PACKAGED.glob("[a-z]*.py"):
        schema = json_schema(
            answer_shape(path.stem, import_module(f"analyzers.{path.stem}").Fields)
        )
        fields = schema["$defs"]["Fields"]["properties"]
        for key, body in fields.items():
            item = body.get("items", {"$ref": "#/$defs/Insight"})
            shape = schema["$defs"].get(item.get("$ref", "").rpartition("/")[2], {})
            if not {"evidence", "quote"} & shape.get("properties", {}).keys():
                bare.add(key)

    assert OF_NO_TALK == bare


def test_nothing_technical_means_no_findings_on_patentability() -> None:
    analyzer = find("patentability", job().settings.analyzers["patentability"], ())
    assert analyzer is not None
    insight = {"text": "Nothing.", "confidence": 0.5, "category": "none", "evidence": []}
    fields = {"summary": "No.", "candidates": [], "risks": [], "next_steps": []}
    names = ("subject_matter", "novelty", "inventive_step", "industrial_application", "disclosure")
    criteria = [{"name": name, "verdict": "unknown", "reason": "r"} for name in names]
    idea = {"title": "t", "description": "d", "criteria": criteria, "overall": "needs_work"}

    def insights(**more: object) -> int:
        reply = {"insights": [insight], "structured_data": {**fields, **more}}
        return len(analyzer.read(json.dumps(reply)).answer.insights)

    ideas = ([{**idea, "technical": each, "evidence": []}] for each in (False, True))
    assert [0, 0, 1] == [insights(), *(insights(candidates=each) for each in ideas)]


@pytest.mark.parametrize(
    "matrix",
    [
        [("E1", "H1", "C"), ("E2", "H1", "C"), ("E1", "H2", "C")],
        [("E1", "H1", "C"), ("E2", "H1", "C"), ("E1", "H2", "C"), ("E9", "H2", "C")],
        [
            ("E1", "H1", "C"),
            ("E1", "H1", "I"),
            ("E2", "H1", "C"),
            ("E1", "H2", "C"),
            ("E2", "H2", "C"),
        ],
    ],
)
def test_an_incomplete_matrix_is_refused(matrix: list[tuple[str, str, str]]) -> None:
    with pytest.raises(ValueError, match="matrix needs exactly one cell"):
        Fields.model_validate(ach(matrix))


def test_the_schema_keeps_bounds_and_the_number_of_insights() -> None:
    schema = limit_insights(json_schema(answer_shape("ach", Fields)), 7)
    insights = schema["properties"]["insights"]
    hypotheses = schema["$defs"]["Fields"]["properties"]["hypotheses"]

    assert (1, 7) == (insights["minItems"], insights["maxItems"])
    assert 2 == hypotheses["minItems"]
    assert (0, 1) == tuple(
        schema["$defs"]["Insight"]["properties"]["confidence"][key]
        for key in ("minimum", "maximum")
    )
