"""One schema for several analyzers: its parts, its limits, and the replies to it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers import job

from runner.answers.shape import Strict, answer_shape, json_schema
from runner.answers.shared_schema import part_of, schema_sizes, shared_schema, which_part
from runner.base.errors import AnswerError
from runner.providers.simulated.replies import reply_to


class Item(Strict):
    text: str


class Other(Strict):
    label: str


class Tree(Strict):
    items: list[Item]
    below: list[Tree]


def schema_of(name: str, **fields: Any) -> dict[str, Any]:
    shape = type("Fields", (Strict,), {"__annotations__": fields, "__module__": __name__})
    return json_schema(answer_shape(name, shape))


def test_every_shipped_analyzer_has_a_part_that_its_reply_fills() -> None:
    analyzers = job("pipeline=transcript_analysis").analyzers
    schemas = {name: analyzer.schema for name, analyzer in analyzers.items()}
    shared = shared_schema(schemas)

    assert list(schemas) == [
        next(iter(part["properties"])) for part in shared["properties"]["structured_data"]["anyOf"]
    ]
    for name, analyzer in analyzers.items():
        named = {"name": "answer", "schema": shared}
        body = {
            "messages": [{"role": "user", "content": f"[S0001] Words.\n{which_part(name)}"}],
            "response_format": {"json_schema": named},
        }
        reply = json.loads(reply_to(body))
        assert [name] == list(reply["structured_data"])
        whole = analyzer.read(json.dumps(reply))
        own = {**reply, "structured_data": reply["structured_data"][name]}
        assert whole == analyzer.read(json.dumps(own))
        assert () == whole.notes


def test_definitions_of_one_name_and_different_content_are_kept_apart() -> None:
    same = schema_of("one", items=list[Item])
    class_of_the_same_name = type("Item", (Other,), {"__module__": __name__})
    different = schema_of("two", items=list[class_of_the_same_name])  # type: ignore[valid-type]
    shared = shared_schema({"one": same, "two": different, "three": same})
    definitions = shared["$defs"]

    assert {"Item", "two_Item", "Fields", "two_Fields"} <= set(definitions)
    assert {"$ref": "#/$defs/two_Item"} == definitions["two_Fields"]["properties"]["items"]["items"]
    assert {"$ref": "#/$defs/Item"} == definitions["Fields"]["properties"]["items"]["items"]
    assert part_of(shared, "two")["properties"]["structured_data"]["required"] == ["two"]


def test_a_definition_that_contains_itself_is_shared() -> None:
    tree = schema_of("one", root=Tree)

    shared = shared_schema({"one": tree, "two": tree})
    assert 3 < schema_sizes(shared)["levels"] < 9


def test_answers_that_differ_in_more_than_their_data_are_not_shared() -> None:
    one = schema_of("one", items=list[Item])
    for other in (
        {"type": "object", "properties": {"text": {"type": "string"}}},
        {**one, "properties": {**one["properties"], "more": {"type": "string"}}},
    ):
        with pytest.raises(ValueError, match="structured_data"):
            shared_schema({"one": one, "other": other})


ANSWER = {
    "insights": [{"text": "So.", "confidence": 0.5, "category": "x", "evidence": []}],
    "structured_data": {"gaps": [], "commitments": [], "unsaid": []},
}
FIELDS = ANSWER["structured_data"]


@pytest.mark.parametrize(
    ("reply", "note"),
    [
        (ANSWER, None),
        ({**ANSWER, "structured_data": {"say_means": FIELDS}}, None),
        ({**ANSWER, "structured_data": {"say_means": FIELDS, "decisions": None}}, None),
        ({**ANSWER, "structured_data": {"SayMeans": FIELDS}}, None),
        ({**ANSWER, "structured_data": {"say_means": FIELDS, "needs": {"x": 1}}}, "other parts"),
        ({"insights": ANSWER["insights"], "say_means": FIELDS}, "its part was found beside it"),
        ({"say_means": ANSWER}, "read inside of the key 'say_means'"),
    ],
    ids=["plain", "own part", "others null", "written otherwise", "others", "beside", "around"],
)
def test_a_reply_is_read_from_its_own_part_wherever_that_is(reply: Any, note: str | None) -> None:
    analyzer = job().analyzers["say_means"]
    read = analyzer.read(json.dumps(reply))

    assert ANSWER == read.answer.model_dump(mode="json")
    assert (note is None, True) == (not read.notes, note is None or note in read.notes[-1])


def test_an_answer_in_another_part_is_none() -> None:
    reply = {**ANSWER, "structured_data": {"needs": {"needs": [{"text": "more"}]}}}

    with pytest.raises(AnswerError, match="structured_data"):
        job().analyzers["say_means"].read(json.dumps(reply))


def test_a_field_that_is_named_like_its_analyzer_is_no_part() -> None:
    """`decisions` has a field `decisions`: a list, as its part is not."""
    analyzer = job("pipeline=meeting").analyzers["decisions"]
    fields = {"decisions": []}
    for data in (fields, {"decisions": fields}):
        read = analyzer.read(json.dumps({**ANSWER, "structured_data": data}))

        assert (fields, ()) == (read.answer.model_dump(mode="json")["structured_data"], read.notes)
