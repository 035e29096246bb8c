"""Replies that fit the asked schema, quote the prompt, and are counted as o200k counts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from helpers import job
from helpers.runs import STAGE_A, STAGE_B
from hypothesis import given
from hypothesis import strategies as st

from runner.answers.analyzer import Material
from runner.answers.findings import read_findings
from runner.answers.prompt_text import wrap
from runner.base.tokens import tokenizer_for
from runner.providers.simulated.chat import arrival_of
from runner.providers.simulated.replies import reply_to
from runner.providers.simulated.tokens import token_ids, truncate

NAMES = STAGE_A + STAGE_B
made = cache(job)
FINDINGS = """# Findings of stage_a

## say_means
### insights
- (0.82, hedge) Ann doubts the date. {S0012 "I suppose we could"} {S0040 "if it holds"}
### gaps
- speaker: Ann | said: I suppose {S0012 "he said "maybe" twice"}
"""


def request(name: str, material: str, *, with_schema: bool) -> dict[str, Any]:
    """Return analyzer *name*'s request, its schema in the prompt or beside it."""
    analyzer = made().analyzers[name]
    node = next(node for node in made().pipeline.nodes if node.name == name)
    asked = Material(material, made().variables[node.name])
    body: dict[str, Any] = {"messages": list(analyzer.messages(asked, with_schema=with_schema))}
    if not with_schema:
        named = {"name": name, "schema": analyzer.schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": named}
    return body


def asked(schema: Mapping[str, Any], prompt: str = "What?") -> Any:
    """Return what is replied to *prompt* for *schema*, read back."""
    named = {"name": "test", "schema": schema}
    body = {
        "messages": [{"role": "user", "content": prompt}],
        "response_format": {"type": "json_schema", "json_schema": named},
    }
    return json.loads(reply_to(body))


def citations(node: Any) -> list[tuple[str, str]]:
    if isinstance(node, dict):
        if set(node) == {"segment", "quote"}:
            return [(node["segment"], node["quote"])]
        return [found for value in node.values() for found in citations(value)]
    return [found for value in node for found in citations(value)] if isinstance(node, list) else []


@pytest.mark.parametrize("with_schema", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_analyzer_accepts_its_reply(name: str, with_schema: bool) -> None:
    for variant in range(4):
        body = request(name, f"{made().transcript_material()}{variant}", with_schema=with_schema)
        reading = made().analyzers[name].read(reply_to(body))

        assert (False, ()) == (reading.repaired, reading.notes)


@pytest.mark.parametrize("name", NAMES)
def test_quotes_of_a_transcript_stand_in_the_segment_they_name(name: str) -> None:
    reply = json.loads(reply_to(request(name, made().transcript_material(), with_schema=False)))
    texts = {segment.id: segment.text for segment in made().transcript.segments}
    found = citations(reply)

    assert len(found) > 1
    assert [quote for segment, quote in found if quote not in texts[segment]] == []


def test_quotes_of_findings_are_citations_as_given() -> None:
    reply = reply_to(request("patentability", wrap("context", FINDINGS), with_schema=False))
    given_ones = {c for finding in read_findings(FINDINGS)[0] for c in finding.evidence}
    found = set(citations(json.loads(reply)))

    assert found
    assert found <= given_ones


def test_no_quote_is_made_up_where_there_is_none() -> None:
    reply = reply_to(request("say_means", "nothing to quote", with_schema=False))

    assert citations(json.loads(reply)) == []


def test_equal_requests_get_equal_replies_and_others_do_not() -> None:
    first, second, other = (
        reply_to(request("say_means", material, with_schema=False)) for material in ("a", "a", "b")
    )

    assert first == second
    assert first != other


def test_texts_say_that_they_are_simulated() -> None:
    reply = asked({"type": "object", "properties": {"why_now": {"type": "string"}}})

    assert reply == {"why_now": "Simulated why now 1, written by no model."}


def test_a_list_that_names_two_sibling_lists_combines_them_completely() -> None:
    text = {"type": "string"}
    row = {"type": "object", "properties": {"id": text, "text": text}}
    cell = {"type": "object", "properties": {"city": text, "box": text, "fits": text}}
    lists = {"cities": row, "boxes": row, "grid": cell}
    schema = {
        "type": "object",
        "properties": {name: {"type": "array", "items": item} for name, item in lists.items()},
    }
    reply = asked(schema)
    wanted = [(city["id"], box["id"]) for city in reply["cities"] for box in reply["boxes"]]

    assert len(wanted) >= 4
    assert [(cell["city"], cell["box"]) for cell in reply["grid"]] == wanted


def test_elements_that_begin_with_an_enumeration_come_once_per_value() -> None:
    item = {"type": "object", "properties": {"name": {"enum": ["a", "b", "c"]}}}
    reply = asked({"type": "object", "properties": {"list": {"type": "array", "items": item}}})

    assert reply == {"list": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}


def test_a_schema_that_contains_itself_ends() -> None:
    node = {
        "type": "object",
        "properties": {"nodes": {"type": "array", "items": {"$ref": "#/$defs/N"}}},
    }
    narrow = {"$defs": {"N": node}, "$ref": "#/$defs/N"}

    assert asked(narrow)["nodes"]


def test_numbers_keep_to_bounds_that_the_schema_states() -> None:
    reply = asked(
        {
            "type": "object",
            "properties": {
                "whole": {"type": "integer", "minimum": 7, "maximum": 8},
                "part": {"type": "number", "minimum": 10, "maximum": 20},
            },
        }
    )

    assert reply["whole"] in {7, 8}
    assert 10 <= reply["part"] <= 20


def test_a_request_without_a_schema_gets_a_sentence() -> None:
    reply = reply_to({"messages": [{"role": "user", "content": "hello"}]})

    assert reply == "This is a simulated reply; no model has read the prompt."


def test_prompt_and_reply_are_counted_as_the_runner_counts_them() -> None:
    body = request("say_means", made().transcript_material(), with_schema=True)
    reply = reply_to(body)
    arrival = arrival_of(body, reply)
    count = tokenizer_for("openai/gpt-4o").count
    system, user = body["messages"]
    prompt = count(system["content"]) + count("".join(part["text"] for part in user["content"]))

    assert len(arrival.prompt_ids) == prompt
    assert arrival.reply_tokens == count(reply)
    assert arrival.analyzer == ""


@given(st.text(alphabet=st.sampled_from("aZ9 .,;:/\\\n\r\t\"'{}[]<>|é漢🙂"), max_size=200))
def test_counting_line_by_line_changes_no_count(text: str) -> None:
    assert len(token_ids(text)) == tokenizer_for("openai/gpt-4o").count(text)


def test_a_text_is_cut_at_a_token() -> None:
    text = "We could wait for the second pump, unless the port says no."

    assert truncate(text, 4) == "We could wait for"
    assert truncate("𝒜", 1) == ""  # its first token is half a character
