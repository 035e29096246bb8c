from __future__ import annotations

import pytest

from analyzers.competing_hypotheses import Fields
from runner.answers.shape import answer_shape, json_schema, limited


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


def ach(matrix: list[tuple[str, str, str]]) -> dict:
    return {
        "question": "Which?",
        "hypotheses": [{"id": f"H{n}", "statement": f"h{n}"} for n in (1, 2)],
        "evidence": [
            {"id": "E1", "text": "e1", "source": "s", "credibility": "high", "evidence": []},
            {"id": "E2", "text": "e2", "source": "s", "credibility": "low", "evidence": []},
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
    schema = limited(json_schema(answer_shape("ach", Fields)), 7)
    insights = schema["properties"]["insights"]
    hypotheses = schema["$defs"]["Fields"]["properties"]["hypotheses"]

    assert (1, 7) == (insights["minItems"], insights["maxItems"])
    assert 2 == hypotheses["minItems"]
    assert (0, 1) == tuple(
        schema["$defs"]["Insight"]["properties"]["confidence"][key]
        for key in ("minimum", "maximum")
    )
