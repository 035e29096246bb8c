from __future__ import annotations

import json

import pytest

from analyzers.competing_hypotheses import Fields
from runner.answers.shape import Strict, answer_shape, json_schema, parse_answer
from runner.base.errors import AnswerError


class Toy(Strict):
    score: int
    label: str | None


SHAPE = answer_shape("toy", Toy)
GOOD = {
    "insights": [
        {
            "text": "It holds.",
            "confidence": 0.8,
            "category": "claim",
            "evidence": [{"segment": "S0001", "quote": "it holds"}],
        }
    ],
    "structured_data": {"score": 3, "label": None},
}


def test_a_good_reply_is_read_without_repair() -> None:
    answer, repaired = parse_answer(json.dumps(GOOD), SHAPE)

    assert answer.model_dump() == GOOD
    assert repaired is False


@pytest.mark.parametrize("dressing", ["```json\n{}\n```", "```\n{}\n```", "  {}\n"])
def test_a_fence_around_the_json_is_no_fault(dressing: str) -> None:
    answer, repaired = parse_answer(dressing.replace("{}", json.dumps(GOOD)), SHAPE)

    assert answer.model_dump() == GOOD
    assert repaired is False


def test_broken_json_is_repaired_and_said_to_be() -> None:
    broken = json.dumps(GOOD)[:-1] + ",}"
    answer, repaired = parse_answer(f"Here you are: {broken}", SHAPE)

    assert answer.model_dump() == GOOD
    assert repaired is True


def test_what_json_escapes_can_smuggle_in_is_made_safe() -> None:
    hostile = json.dumps(GOOD).replace("It holds.", "a\\ud800b\\u001b]0;x\\u0000c")
    answer, _ = parse_answer(hostile, SHAPE)

    assert answer.insights[0].text == "a\ufffdb]0;xc"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"insights": []}, "insights: List should have at least 1 item"),
        ({"structured_data": {"score": "many", "label": None}}, "structured_data.score"),
        ({"structured_data": {"score": 3}}, "structured_data.label: Field required"),
        ({"extra": 1}, "extra: Extra inputs are not permitted"),
    ],
)
def test_a_reply_of_another_shape_is_refused_by_field(change: dict, message: str) -> None:
    with pytest.raises(AnswerError, match=message) as caught:
        parse_answer(json.dumps({**GOOD, **change}), SHAPE)

    assert caught.value.kind == "invalid_output"
    assert json.loads(caught.value.text) == {**GOOD, **change}


@pytest.mark.parametrize(
    "text",
    [
        "I cannot do that.",
        "",
        "[1, 2]",
        "[" * 100_000,
        '{"insights": [{"text": "x", "confidence": NaN, "category": "c", "evidence": []}], '
        '"structured_data": {"score": 1, "label": null}}',
        '{"structured_data": {"score": ' + "9" * 5000 + "}}",
    ],
)
def test_hostile_replies_are_refused_without_a_crash(text: str) -> None:
    with pytest.raises(AnswerError):
        parse_answer(text, SHAPE)


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
    assert "minimum" not in json.dumps(schema)
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


@pytest.mark.parametrize("text", ["{" * 50_000, "[{]" * 10_000, '["' * 10_000, "{a:b," * 8_000])
def test_a_repair_that_would_take_minutes_ends(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.answers.shape.MAX_REPAIR_S", 0.05)

    with pytest.raises(AnswerError, match=r"is not JSON, and not repaired in 0\.05 s"):
        parse_answer(text, answer_shape("x"))


def test_a_long_reply_that_was_cut_is_still_repaired() -> None:
    insight = {"text": 'a "word" or two ' * 5, "confidence": 0.5, "category": "x", "evidence": []}
    whole = json.dumps({"structured_data": {}, "insights": [insight] * 800})
    answer, repaired = parse_answer(whole[:-1], answer_shape("x"))

    assert (800, True) == (len(answer.insights), repaired)


@pytest.mark.parametrize("item", ["{}", "1", "[]"])
def test_a_reply_of_more_values_than_any_answer_has_is_not_checked_one_by_one(item: str) -> None:
    text = '{"insights": [' + ",".join([item] * 100_000) + '], "structured_data": {}}'

    with pytest.raises(AnswerError, match="more than 50,000 values"):
        parse_answer(text, answer_shape("x"))


def test_a_repeated_key_among_many_is_found_at_once() -> None:
    pairs = [f'"k{number}": 1' for number in range(40_000)]

    with pytest.raises(AnswerError, match="the key 'k39999' twice"):
        parse_answer("{" + ",".join([*pairs, '"k39999": 2']) + "}", answer_shape("x"))
