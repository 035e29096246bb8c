"""What is read of whatever a model says: the answer as it was meant, or one clear reason."""

from __future__ import annotations

import base64
import html
import json
import random
import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pytest
import yaml
from pydantic import Field

from runner.answers.json_repair import loops
from runner.answers.parse import ReadReply, parse_answer
from runner.answers.reply import beside
from runner.answers.shape import Strict, answer_shape, json_schema
from runner.base.errors import AnswerError


class Item(Strict):
    name: str
    owner: str | None
    level: Literal["high", "low", "not_met"]


class Toy(Strict):
    items: list[Item]
    score: int = Field(ge=1, le=5)
    label: str | None


class Points(Strict):
    points: list[str]
    score: int | None = None


SHAPE, LISTS, PLAIN = answer_shape("toy", Toy), answer_shape("lists", Points), answer_shape("plain")
INSIGHT = {
    "text": "It holds, says Ana; no doubt.",
    "confidence": 0.8,
    "category": "claim",
    "evidence": [{"segment": "S0001", "quote": "it holds"}],
}
FIELDS = {
    "items": [{"name": "a", "owner": None, "level": "not_met"}],
    "score": 3,
    "label": "keyPoint {x}",
}
GOOD = {"insights": [INSIGHT], "structured_data": FIELDS}
DRAFT = {**GOOD, "structured_data": {**FIELDS, "score": 1}}
REPLY, OTHER = json.dumps(GOOD), json.dumps(DRAFT)
PYTHON = REPLY.replace('"', "'").replace("null", "None")
CALL = {"name": "toy_answer", "arguments": GOOD}
TOOL = {"id": "c1", "type": "function", "function": {"name": "toy", "arguments": REPLY}}
SCHEMA = json.dumps(json_schema(SHAPE))
TEMPLATE = json.dumps({**GOOD, "insights": [{**INSIGHT, "text": "..."}]})


def changed(old: str, new: str, text: str = REPLY) -> str:
    assert old in text
    return text.replace(old, new, 1)


# Replies that hold GOOD.
ANSWERS = {
    "plain": REPLY,
    "indented": json.dumps(GOOD, indent=2),
    "byte order mark": "\ufeff" + REPLY,
    "fence": f"```\n{REPLY}\n```",
    "fence with language": f"```json\n{REPLY}\n```",
    "fence with another language": f"```json5\n{REPLY}\n```",
    "fence of tildes": f"~~~json\n{REPLY}\n~~~",
    "fence without end": f"```json\n{REPLY}\n",
    "prose around": f"Sure! Here it is:\n\n{REPLY}\n\nLet me know.",
    "prose with braces": f"I fill {{insights}} and [1]:\n{REPLY}\nThe {{label}} is done }}.",
    "prose with an object": f'With {{"a": 1}} in mind: {REPLY} and not {{"b": []}}.',
    "draft, then final": f"First try:\n{OTHER}\nBetter:\n{REPLY}",
    "template, then answer": f"The form is {TEMPLATE}. My answer: {REPLY}",
    "answer, then template": f"{REPLY}\nIt follows {TEMPLATE}",
    "schema, then answer": f"{SCHEMA}\n{REPLY}",
    "answer, then schema": f"{REPLY}\n{SCHEMA}",
    "thought": f"<think>Perhaps {OTHER}</think>\n{REPLY}",
    "thought after the answer": f"{REPLY}\n<think>Or {OTHER}?</think>",
    "thought without a beginning": f"Perhaps {OTHER}\n</think>\n{REPLY}",
    "thinking": f"<thinking>\n{OTHER}\n</thinking>\n{REPLY}",
    "thought with attributes": f'<thought depth="2">{OTHER}</thought>{REPLY}',
    "thought in capitals": f"<THINK>{OTHER}</THINK>{REPLY}",
    "thought with a prefix": f"<thinking>{OTHER}</thinking>{REPLY}",
    "reasoning": f"<reasoning>{OTHER}</reasoning><output>{REPLY}</output>",
    "scratchpad": f"<scratchpad>{OTHER}</scratchpad><answer>{REPLY}</answer>",
    "bracketed thought": f"[THINK]{OTHER}[/THINK]{REPLY}",
    "thought between triangles": f"◁think▷{OTHER}◁/think▷{REPLY}",
    "thought of tokens": f"<|begin_of_thought|>{OTHER}<|end_of_thought|>\n{REPLY}",
    "thought of Cohere's tokens": f"<|START_THINKING|>{OTHER}<|END_THINKING|>{REPLY}",
    "channels": f"<|channel|>analysis<|message|>{OTHER}<|end|><|start|>assistant"
    f"<|channel|>final<|message|>{REPLY}<|return|>",
    "channels without their tokens": f"analysisI could say {OTHER}assistantfinal{REPLY}",
    "line of thought": f"Thought: it may be {OTHER}\nFinal Answer: {REPLY}",
    "bold line of thought": f"**Thought:** I need JSON.\n\n**Answer:**\n{REPLY}",
    "line of thought, no other mark": f"Reasoning: see {OTHER}\n\n{REPLY}",
    "folded thought": f"<details><summary>Thinking</summary>{OTHER}</details>{REPLY}",
    "comment of HTML": f"<!-- {OTHER} -->\n{REPLY}",
    "single quotes": PYTHON,
    "Python's literals": REPLY.replace("null", "None"),
    "trailing commas": REPLY.replace("]", ",]").replace("}}", ",}}"),
    "comments": "// the answer\n" + changed('"score"', '/* 1 to 5 */ "score"'),
    "bare keys": REPLY.replace('"score":', "score:").replace('"label":', "label:"),
    "typographic quotes": re.sub('"([^"]*)"', r"“\1”", REPLY),
    "German quotes": re.sub('"([^"]*)"', r"„\1“", REPLY),
    "missing comma": changed('3, "label"', '3 "label"'),
    "second closing brace": REPLY + "}",
    "entities": html.escape(REPLY),
    "encoded twice": json.dumps(REPLY),
    "encoded twice in a fence": f"```json\n{json.dumps(REPLY)}\n```",
    "escaped without quotes": json.dumps(REPLY)[1:-1],
    "wrapper": json.dumps({"answer": GOOD}),
    "wrapper of wrappers": json.dumps({"result": {"data": GOOD}}),
    "wrapper with a string": json.dumps({"output": REPLY}),
    "wrapper with reasoning": json.dumps({"reasoning": "first, …", "answer": GOOD}),
    "list of one": json.dumps([GOOD]),
    "reasoning beside": json.dumps({"thoughts": ["hm"], **GOOD}),
    "call of a tool": json.dumps(CALL),
    "call of a tool in a tag": f"<tool_call>\n{json.dumps(CALL)}\n</tool_call>",
    "call with a string": json.dumps({"name": "toy_answer", "arguments": REPLY}),
    "call with parameters": json.dumps({"type": "function", "name": "t", "parameters": GOOD}),
    "message": json.dumps({"role": "assistant", "content": REPLY}),
    "calls of tools": json.dumps({"tool_calls": [TOOL]}),
    "call of a tool by Qwen": "<tool_call>\n<function=x>\n"
    + "".join(f"<parameter={k}>\n{json.dumps(v)}\n</parameter>\n" for k, v in GOOD.items())
    + "</function>\n</tool_call>",
    "call of a tool by Claude": '<invoke name="x">'
    + "".join(f'<parameter name="{k}">{json.dumps(v)}</parameter>' for k, v in GOOD.items()),
    "call of a tool by GLM": "<tool_call>x\n"
    + "".join(
        f"<arg_key>{k}</arg_key>\n<arg_value>{json.dumps(v)}</arg_value>\n" for k, v in GOOD.items()
    ),
    "call in the old style": json.dumps({"function_call": {"name": "t", "arguments": REPLY}}),
    "XML around": f"<response><json>{REPLY}</json></response>",
    "CDATA": f"<![CDATA[{REPLY}]]>",
    "its parts as two objects": f'{{"insights": {json.dumps([INSIGHT])}}}\n'
    f'{{"structured_data": {json.dumps(FIELDS)}}}',
    "fields beside insights": json.dumps({"insights": [INSIGHT], **FIELDS}),
    "insights in a string": json.dumps({**GOOD, "insights": json.dumps([INSIGHT])}),
    "fields in a string": json.dumps({**GOOD, "structured_data": json.dumps(FIELDS)}),
    "one insight, no list": json.dumps({**GOOD, "insights": INSIGHT}),
    "evidence, no list": changed(
        json.dumps(INSIGHT["evidence"]), json.dumps(INSIGHT["evidence"][0])
    ),
    "numbers in strings": changed("0.8", '"0.8"').replace("3,", '"3",'),
    "a whole number with a point": changed(": 3", ": 3.0"),
    "percent": changed("0.8", '"80%"'),
    "percent with a space": changed("0.8", '"80.0 %"'),
    "percent without a sign": changed("0.8", "80"),
    "fraction": changed("0.8", '"8 out of 10"'),
    "decimal comma": changed("0.8", '"0,8"'),
    "capital enumeration": changed("not_met", "NOT_MET"),
    "spoken enumeration": changed("not_met", "Not met"),
    "hyphenated enumeration": changed("not_met", "not-met"),
    "enumeration below a parent": changed("not_met", "States > not_met"),
    "camelCase keys": changed("structured_data", "structuredData"),
    "keys with spaces": changed('"score"', '" score "').replace('"items"', '"Items"'),
    "keys of full width": changed('"score"', '"ｓｃｏｒｅ"'),
    "null in words": changed('"owner": null', '"owner": "null"'),
    "reasoning only": beside("", f"I could say {OTHER}. Better: {REPLY}"),
    "reasoning beside prose": beside("Done.", f"So: {REPLY}"),
    "reasoning beside an answer": beside(REPLY, OTHER),
    "brackets before": f"[S0001] says so:\n{REPLY}",
    "blank reply, then answer": f"{{}}\n{REPLY}",
    "NaN in a draft": f"{changed('0.8', 'NaN')}\n{REPLY}",
    "draft that was cut": f"{OTHER[:90]}\nAgain:\n{REPLY}",
    "JSON with a label": f"json\n{REPLY}",
    "words after": f"{REPLY}<|im_end|><|endoftext|>",
    "carriage returns": json.dumps(GOOD, indent=1).replace("\n", "\r\n"),
    "call of a tool on a channel": "<|channel|>commentary to=functions.x <|constrain|>json"
    f"<|message|>{REPLY}<|call|>",
    "channels of another kind": f"<|channel>thought\n{OTHER}<channel|>{REPLY}",
    "heading of thought": f"## Reasoning\nI'd say {OTHER}\n## Answer\n{REPLY}",
    "list of drafts": json.dumps([DRAFT, GOOD]),
    "quotation": "> " + json.dumps(GOOD, indent=1).replace("\n", "\n> "),
    "Markdown's escapes": REPLY.replace("_", "\\_"),
    "first brace missing": REPLY[1:],
    "opening quote missing": REPLY.replace('"insights"', 'insights"'),
    "assignment": f"const answer = {REPLY.replace('null', 'undefined')};",
    "events": f"data: {REPLY}\n\ndata: [DONE]",
    "box of LaTeX": "\\boxed{" + REPLY + "}",
    "code block of HTML": f"<pre><code>{html.escape(REPLY)}</code></pre>",
    "encoded three times": json.dumps(json.dumps(REPLY)),
    "ellipsis": REPLY[:-1] + ", ...}",
    "bracket too many": changed('}], "score"', '}]], "score"'),
    "completion": json.dumps({"choices": [{"message": {"role": "assistant", "content": REPLY}}]}),
    "parts": json.dumps([{"type": "text", "text": REPLY}]),
    "status beside": json.dumps({"status": "ok", "success": True, "data": GOOD}),
    "schema's name": json.dumps({"ToyAnswer": GOOD}),
    "schema's form": json.dumps({"type": "object", "properties": GOOD}),
    "wrapped fields": json.dumps({**GOOD, "structured_data": {"toy": FIELDS}}),
    "fields in a list": json.dumps({**GOOD, "structured_data": [FIELDS]}),
    "wrapped insights": json.dumps({**GOOD, "insights": [{"insight": INSIGHT}]}),
    "insights under their name": json.dumps({**GOOD, "insights": {"insight": [INSIGHT]}}),
    "number in a list": changed("0.8", "[0.8]"),
    "enumeration in a list": changed('"not_met"', '["not_met"]'),
    "wrapper beside others": json.dumps({"status": "ok", "data": GOOD, "usage": {"tokens": 3}}),
    "its parts in a list": json.dumps([{"insights": [INSIGHT]}, {"structured_data": FIELDS}]),
    "list of one call": json.dumps([{"type": "tool_use", "id": "c1", "name": "t", "input": GOOD}]),
    "the same key and value again": changed('"score"', '"score": 3, "score"'),
    "number without its zero": changed("0.8", ".8"),
    "number with two zeros": changed("0.8", "00.8"),
    "percent without quotes": changed("0.8", "80%"),
    "number in an object": changed("0.8", '{"value": 0.8}'),
    "reasoning within": json.dumps({**GOOD, "insights": [{"reasoning": "hm", **INSIGHT}]}),
    "insights by number": json.dumps({**GOOD, "insights": {"1": INSIGHT}}),
    "evidence in a text": changed(json.dumps(INSIGHT["evidence"]), '["S0001: it holds"]'),
    "evidence as in prompts": changed(
        json.dumps(INSIGHT["evidence"]), json.dumps('{S0001 "it holds"}')
    ),
    "evidence with a label": changed(
        json.dumps(INSIGHT["evidence"]), json.dumps("[S0001 Ann Lee] it holds")
    ),
    "number with a word": changed("0.8", '"0.8 (high)"'),
    "number under a name": changed("0.8", '{"score": 0.8}'),
    "keys with a word too many": changed('"segment"', '"segment_id"').replace(
        '"quote"', '"quoteText"'
    ),
    "no-break spaces": json.dumps(GOOD, indent=1).replace(": ", ":\u00a0"),
}
# Replies without an answer that is certain, and the reason.
REFUSED = {
    "prose": ("I cannot do that.", "has no JSON object: I cannot do that."),
    "nothing": ("", "has no JSON object"),
    "Markdown": ("# Insights\n- It holds\n- It does not", "has no JSON object"),
    "YAML": (yaml.safe_dump({"insights": [INSIGHT]}), "has no JSON object"),
    "XML": ("<insights><insight>It holds</insight></insights>", "has no JSON object"),
    "Base64": (base64.b64encode(REPLY.encode()).decode(), "has no JSON object"),
    "brace in prose": ("I can't do that {", "is not a JSON object"),
    "empty object": ("{}", "insights: Field required"),
    "schema only": (SCHEMA, "repeats the schema"),
    "template only": (TEMPLATE, "repeats the template"),
    "thought only": (f"<think>{REPLY}</think>", "has no JSON object"),
    "thought without end": (f"<think>{REPLY}", "ends within its reasoning"),
    "final channel missing": (f"<|channel|>analysis<|message|>{REPLY}<|end|>", "no JSON object"),
    "thought good, answer bad": (
        f"Thought: {REPLY}\nFinal Answer: " + changed("3", '"three"'),
        "structured_data.score: Input should be a valid integer",
    ),
    "keys in another language": (
        json.dumps({"erkenntnisse": [INSIGHT], "daten": FIELDS}),
        "insights: Field required",
    ),
    "another key for one": (changed('"category"', '"topic"'), "category: Field required"),
    "missing fields": (json.dumps({"insights": [INSIGHT]}), "structured_data: Field required"),
    "percent of no share": (changed(": 3", ': "60%"'), "score: Input should be a valid integer"),
    "number with a unit": (changed(": 3", ': "3 of 5"'), "score: Input should be a valid integer"),
    "fraction for a whole number": (changed(": 3", ": 3.5"), "score: Input should be a valid int"),
    "number on another scale": (changed(": 3", ": 100"), "score: Input should be less than"),
    "unknown enumeration": (changed("not_met", "medium"), "level: Input should be 'high', 'low'"),
    "a change of an enumeration": (changed("not_met", "low -> high"), "level: Input should be 'h"),
    "NaN": (changed("0.8", "NaN"), "holds NaN"),
    "a huge number": (changed(": 3", ": " + "9" * 5000), "structured_data.score: Unable"),
    "a repeated key": (changed('"score"', '"label": 1, "score"'), "has the key 'label' twice"),
    "two keys alike": (changed('"score"', '"Score": 4, "score"'), "structured_data.Score: Extra"),
    "list of text": (json.dumps(["It holds", "It does not"]), "the reply is a list, expected"),
    "list of other objects": (json.dumps([{"a": 1}, {"b": 2}]), "the reply is a list, expected"),
    "YAML with empty lists": ("insights:\n- text: It holds\n  evidence: []", "has no JSON object"),
    "words that a repair would lose": (PYTHON.replace("It holds", "It''s so"), "change its words"),
    "semicolons": (REPLY.replace(", ", "; "), "is not JSON, and a repair would"),
    "thought without end, then answer": (f"<think>{OTHER}\n\n{REPLY}", "within its reasoning"),
    "assignments": (REPLY.replace('": ', '" = '), "change its words"),
    "number of a class": (changed('"not_met"', "2"), "level: Input should be 'high', 'low'"),
    "cut in a string": (REPLY[:40], "ends within its object: insights"),
    "cut in a key": (REPLY[: REPLY.index("confidence") + 4], "ends within its object: insights"),
    "cut in a number": (REPLY[: REPLY.index("0.8") + 2], "ends within its object: insights"),
    "cut before a field": (
        REPLY[: REPLY.index('"score"')],
        "structured_data.score: Field required",
    ),
}


# Replies that do not say all of GOOD: what is read of them, and what is worth another request.
UNSAID = {
    "no confidence": (
        '"confidence": 0.8, ',
        "",
        ("confidence", 0.5),
        "Field required, exp",
    ),
    "null for it": ("0.8", "null", ("confidence", 0.5), "got None, expected a number from 0"),
    "a word for it": ("0.8", '"high"', ("confidence", 0.5), "got 'high'"),
    "a truth for it": ("0.8", "true", ("confidence", 0.5), "got 'true'"),
    "more than the whole": ("0.8", '"9/5"', ("confidence", 0.5), "got '9/5'"),
    "about a number": ("0.8", '"~0.8"', ("confidence", 0.5), "got '~0.8'"),
    "no scale": ("0.8", "850", ("confidence", 0.5), "got 850"),
    "infinite": ("0.8", "1e400", ("confidence", 0.5), "got inf"),
    "no category": (
        '"category": "claim", ',
        "",
        ("category", "other"),
        "Field required, expected a",
    ),
    "null for a category": ('"claim"', "null", ("category", "other"), "got None"),
    "an empty category": ('"claim"', '""', ("category", "other"), "got '', expected a short label"),
    "no evidence": (
        f', "evidence": {json.dumps(INSIGHT["evidence"])}',
        "",
        ("evidence", []),
        "list",
    ),
    "no label": (
        ', "label": "keyPoint {x}"',
        "",
        ("label", None),
        "label: Field required",
    ),
    "no owner": ('"owner": null, ', "", ("owner", None), "items.0.owner: Field required"),
    "a key too many": ('"category"', '"mood": 1, "category"', ("mood", None), "mood: Extra inputs"),
    "another key too many": ('"score"', '"mood": 1, "score"', ("mood", None), "data.mood: Extra"),
    "no items": (f'"items": {json.dumps(FIELDS["items"])}, ', "", ("items", []), "expected a list"),
}


@pytest.mark.parametrize("name", UNSAID)
def test_what_a_reply_does_not_say_of_a_usable_answer_is_worth_a_request(name: str) -> None:
    old, new, (field, value), doubt = UNSAID[name]
    reading = parse_answer(changed(old, new), SHAPE)
    answer = reading.answer.model_dump()
    holders = (answer["insights"][0], answer["structured_data"])
    holders += tuple(answer["structured_data"]["items"])

    read = "left out" if field == "mood" else f"was read as {json.dumps(value)}"
    assert [value] * (field != "mood") == [each[field] for each in holders if field in each]
    assert doubt in reading.doubt
    assert read in reading.notes[-1]
    assert GOOD == parse_answer(f"{REPLY}\nor {changed(old, new)}", SHAPE).answer.model_dump()


@pytest.mark.parametrize("name", ANSWERS)
def test_the_answer_is_found_in_whatever_a_model_says(name: str) -> None:
    reading = parse_answer(ANSWERS[name], SHAPE)

    assert GOOD == reading.answer.model_dump()
    assert not reading.cut


@pytest.mark.parametrize("name", REFUSED)
def test_a_reply_without_a_certain_answer_has_one_clear_reason(name: str) -> None:
    text, reason = REFUSED[name]
    with pytest.raises(AnswerError) as caught:
        parse_answer(text, SHAPE)

    assert ("invalid_output", text) == (caught.value.kind, caught.value.text)
    assert reason in str(caught.value)


def test_a_literal_in_curly_quotes_is_a_text() -> None:
    none = {**GOOD, "insights": [{**INSIGHT, "category": "none"}]}

    assert none == parse_answer(json.dumps(none).replace('"', "”"), SHAPE).answer.model_dump()


def notes_of(text: str) -> tuple[bool, tuple[str, ...]]:
    reading = parse_answer(text, SHAPE)
    return reading.repaired, reading.notes


@pytest.mark.parametrize(
    ("name", "repaired", "notes"),
    [
        ("fence with language", False, ()),
        ("thought", False, ()),
        ("single quotes", True, ()),
        ("draft, then final", False, ("the last of 2 valid objects",)),
        ("wrapper", False, ("read inside of the key 'answer'",)),
        ("encoded twice", False, ("JSON in a string was decoded",)),
        ("entities", False, ("entities (&quot;) were read as characters",)),
        (
            "reasoning only",
            False,
            ("the answer is in reasoning_content only", "the last of 2 valid objects"),
        ),
        ("quotation", False, ("the marks of a quotation were left out",)),
        ("Markdown's escapes", False, ("Markdown's escapes were left out",)),
        ("first brace missing", False, ("the first brace was missing",)),
        ("percent", False, ("insights.0.confidence: '80%' was read as 0.8",)),
        ("reasoning beside", False, ("the key 'thoughts' was left out",)),
        ("camelCase keys", False, ("structured_data: the key was written 'structuredData'",)),
    ],
)
def test_how_an_answer_was_read_is_said(name: str, repaired: bool, notes: tuple[str, ...]) -> None:
    assert (repaired, notes) == notes_of(ANSWERS[name])


@pytest.mark.parametrize(
    ("old", "new", "read", "note"),
    [
        ("0.8", "1.4", ("insights", 0, "confidence", 1), "1.4 was clamped to 1"),
        ("0.8", "-0.1", ("insights", 0, "confidence", 0), "-0.1 was clamped to 0"),
        (": 3", ": 7", ("structured_data", "score", 5), "7 was clamped to 5"),
        (": 3", ': "0"', ("structured_data", "score", 1), "0 was clamped to 1"),
    ],
)
def test_a_number_just_outside_of_its_bounds_is_clamped_and_marked(
    old: str, new: str, read: tuple[Any, ...], note: str
) -> None:
    reading = parse_answer(changed(old, new), SHAPE)
    value: Any = reading.answer.model_dump()
    for key in read[:-1]:
        value = value[key]

    assert read[-1] == value
    assert note in reading.notes[-1]


class Shares(Strict):
    likely: float | None = Field(ge=0, le=1, description="0.2 (low), 0.5 (medium) or 0.8 (high)")
    by_name: dict[str, Annotated[float, Field(gt=0, le=1)]]
    effect: int | None = Field(ge=1, le=5, description="1 slight to 5 decisive; null: not told.")
    percent: float = Field(50, ge=0, le=100)


TENTHS, MIXED = "of 10, of 5 or per cent", "shares of 1 or per cent"


@pytest.mark.parametrize(
    ("said", "read", "doubt"),
    [
        ([85, 25, 2, 0], [0.85, 0.25, 0.02, 0], ""),
        ([99.5, "85", "7/10"], [0.995, 0.85, 0.7], ""),
        ([100], [1], ""),
        ([1, 1.0, 0], [1, 1, 0], ""),
        ([1.9, 0.5], [1, 0.5], ""),
        ([7, 8, 10], [0.7, 0.8, 1], TENTHS),
        ([2], [0.2], TENTHS),
        ([0.9, 85, 1], [0.9, 0.85, 1], MIXED),
        ([85, 90, 1], [0.85, 0.9, 0.01], MIXED),
        (["stated outright", "Guess"], [1, 0], ""),
        (["high"], [0.5], "insights.0.confidence: got 'high', expected a number from 0 to 1"),
        ([85, 101], [0.5, 0.5], "insights.0.confidence: got 85, expected a number from 0 to 1"),
    ],
)
def test_the_scale_of_shares_is_that_of_all_in_an_answer(
    said: list[Any], read: list[float], doubt: str
) -> None:
    insights = [{**INSIGHT, "confidence": share} for share in said]
    reading = parse_answer(json.dumps({"insights": insights, "structured_data": {}}), PLAIN)

    assert read == [insight.confidence for insight in reading.answer.insights]
    assert doubt == re.sub(r".*\(|\?.*", "", reading.doubt)


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ((85, {"Ana": 60, "Ben": 5}, "Decisive"), (0.85, {"Ana": 0.6, "Ben": 0.05}, 5)),
        (("High", {"Ana": 0.6}, "slight"), (0.8, {"Ana": 0.6}, 1)),
        (("60 %", {"Ana": "60%"}, "null"), (0.6, {"Ana": 0.6}, None)),
        (("0,625", {"Ana": "3/5"}, 2, "80%"), (0.625, {"Ana": 0.6}, 2, 80)),
        ((0.5, {}, 2, "8 of 10"), (0.5, {}, 2, 80)),
        ((0.5, {}, 2, "62,5"), (0.5, {}, 2, 62.5)),
    ],
)
def test_every_share_and_every_word_that_its_description_explains_is_read(
    said: tuple[Any, ...], read: tuple[Any, ...]
) -> None:
    fields = dict(zip(("likely", "by_name", "effect", "percent"), said, strict=False))
    text = json.dumps({"insights": [INSIGHT], "structured_data": fields})
    found = parse_answer(text, answer_shape("shares", Shares)).answer.structured_data

    assert read == tuple(found.model_dump().values())[: len(read)]


class Grades(Strict):
    grade: Literal["C", "D", "B plus"]
    change: Literal["1", "2"]
    rated: bool


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ({"grade": " c ", "change": 1, "rated": "Yes"}, ("C", "1", True)),
        ({"Grade": "B-Plus", "change": "2", "rated": False}, ("B plus", "2", False)),
        ({"grade": "C++", "change": "1", "rated": True}, None),
        ({"grade": "C#", "change": "1", "rated": True}, None),
        ({"grade": "C", "change": "-1", "rated": True}, None),
        ({"grade": "C or D", "change": "1", "rated": True}, None),
        ({"grade": "C", "change": "1", "rated": "often"}, None),
    ],
)
def test_only_what_can_mean_one_thing_is_read_as_it(said: dict[str, Any], read: Any) -> None:
    text, shape = json.dumps({**GOOD, "structured_data": said}), answer_shape("grades", Grades)
    try:
        fields = parse_answer(text, shape).answer.structured_data
    except AnswerError:
        fields = None

    assert read == (fields and (fields.grade, fields.change, fields.rated))


def test_a_draft_before_an_invalid_object_is_marked() -> None:
    reading = parse_answer(f"{OTHER}\n{changed('0.8', '850')}", SHAPE)

    assert DRAFT == reading.answer.model_dump()
    assert reading.notes[0].startswith("an object after it is not valid: insights.0.confidence")


def test_lists_are_read_where_an_answer_has_only_one() -> None:
    lines = "\n".join(json.dumps(INSIGHT) for _ in range(3))
    read = {
        text: parse_answer(text, PLAIN)
        for text in (lines, json.dumps([INSIGHT] * 3), json.dumps({"result": [INSIGHT] * 3}))
    }

    assert [3] * 3 == [len(reading.answer.insights) for reading in read.values()]
    assert all("a list was read as insights" in reading.notes for reading in read.values())


ONE, TWO = FIELDS["items"][0], {"name": "b", "owner": "Ana", "level": "high"}


@pytest.mark.parametrize(
    ("said", "read"),
    [
        (None, []),
        ("", []),
        (ONE, [ONE]),
        ({"item": [ONE, TWO]}, [ONE, TWO]),
        ({"first": ONE, "second": TWO}, [ONE, TWO]),
        ([{"item": ONE}, [TWO]], [ONE, TWO]),
        ([{**ONE, "name": ["a", "c"]}], [{**ONE, "name": "a; c"}]),
        (7, None),
    ],
)
def test_a_list_is_read_in_whatever_it_is_given(said: Any, read: Any) -> None:
    text = json.dumps({**GOOD, "structured_data": {**FIELDS, "items": said}})
    try:
        found = parse_answer(text, SHAPE).answer.model_dump()["structured_data"]["items"]
    except AnswerError:
        found = None

    assert read == found


WHOLE = {
    "insights": [{**INSIGHT, "text": f"Finding {number}."} for number in range(4)],
    "structured_data": {"points": ["a", "b", "c"]},
}


def prefixes(text: str, step: int = 1) -> Iterator[tuple[int, ReadReply | None]]:
    for at in range(0, len(text), step):
        try:
            yield at, parse_answer(text[:at], LISTS)
        except AnswerError:
            yield at, None


@pytest.mark.parametrize(
    ("said", "read"),
    [
        (r"It \"holds\", says Ana", 'It "holds", says Ana'),
        ('It "really" holds', 'It "really" holds'),
        ("It holds,\nsays Ana", "It holds,\nsays Ana"),
        ("Ana's \\u00e9t\\u00e9", "Ana's été"),
        ("<think> {not} </think>", "<think> {not} </think>"),
        ("```json {", "```json {"),
        ("&quot;so&quot;", "&quot;so&quot;"),
    ],
)
def test_the_words_of_a_finding_stay_as_they_are(said: str, read: str) -> None:
    reading = parse_answer(changed(INSIGHT["text"], said), SHAPE)

    assert read == reading.answer.insights[0].text


@pytest.mark.parametrize("indent", [None, 1])
def test_a_reply_cut_anywhere_gives_whole_items_only(indent: int | None) -> None:
    text, most = json.dumps(WHOLE, indent=indent), 0
    for at, reading in prefixes(text, 5):
        if reading is None:
            assert at < text.index("Finding 1.")
            continue
        kept = reading.answer.model_dump()
        points = kept["structured_data"]["points"]

        assert reading.cut
        assert WHOLE["insights"][: len(kept["insights"])] == kept["insights"]
        assert WHOLE["structured_data"]["points"][: len(points)] == points
        assert len(kept["insights"]) + len(points) >= most
        most = len(kept["insights"]) + len(points)
    assert 7 == most


def words_in(node: Any) -> Iterator[str]:
    """Yield the texts of an answer, as letters and digits."""
    if isinstance(node, str):
        yield re.sub(r"\W+", "", node)
    elif isinstance(node, dict | list):
        for each in node.values() if isinstance(node, dict) else node:
            yield from words_in(each)


def test_whatever_is_broken_in_a_reply_no_word_is_added_or_lost() -> None:
    whole, rng = json.dumps(WHOLE), random.Random(17)
    texts, read = list(words_in(WHOLE)), 0
    for _ in range(200):
        at = rng.randrange(len(whole))
        text = whole[:at] + rng.choice(["", *"{}[]\",:' \nx0"]) + whole[at + rng.randrange(2) :]
        try:
            reading = parse_answer(text, LISTS)
        except AnswerError:
            continue
        found, said = list(words_in(reading.answer.model_dump())), re.sub(r"\W+", "", text)
        read += 1

        assert [] == [words for words in found if words not in said]
        assert reading.cut or abs(len("".join(found)) - len("".join(texts))) <= 2
    assert read > 100


def test_what_a_cut_reply_did_not_reach_is_said() -> None:
    text = json.dumps(WHOLE)
    reading = parse_answer(text[: text.index("Finding 2.")], LISTS)

    assert (
        "insights: cut after 2 whole items",
        "structured_data.points: not reached, read as an empty list",
    ) == reading.notes
    assert (True, True) == (reading.cut, reading.dropped)


def test_a_reply_that_only_lacks_its_last_brackets_loses_nothing() -> None:
    reading = parse_answer(REPLY[:-1], SHAPE)

    assert GOOD == reading.answer.model_dump()
    assert (True, True, False) == (reading.repaired, reading.cut, reading.dropped)


def test_items_that_a_loop_repeats_are_kept_once() -> None:
    text = json.dumps({**WHOLE, "insights": [INSIGHT] * 30})
    reading = parse_answer(text[:2000], LISTS)

    assert [INSIGHT] == reading.answer.model_dump()["insights"]
    assert "insights: 13 repeated items were left out" in reading.notes


def test_an_item_that_says_nothing_is_left_out_and_asked_for_again() -> None:
    empty = {**GOOD, "insights": [INSIGHT, {**INSIGHT, "text": ""}]}
    reading = parse_answer(json.dumps(empty), SHAPE)

    assert GOOD == reading.answer.model_dump()
    assert reading.doubt.startswith("insights.1.text")


LOOPS = {
    "a word": ("so " * 900, True),
    "blank lines": (REPLY + "\n" * 2000, True),
    "an item": ('{"insights": [' + json.dumps(INSIGHT) * 40, True),
    "a paragraph": ("x" + "".join(f"Sentence {n} is said. " for n in range(60)) * 9, True),
    "no spaces": ("これは繰り返しです。" * 300, True),
    "different findings": (
        json.dumps([{**INSIGHT, "text": f"{n * n} holds {n**5}"} for n in range(60)]),
        False,
    ),
    "a short reply": ("so " * 100, False),
    "a matrix": (
        json.dumps(
            [
                {"evidence": f"E{e}", "hypothesis": f"H{h}", "consistency": "N", "reason": "none"}
                for e in range(20)
                for h in range(5)
            ]
        ),
        False,
    ),
}


@pytest.mark.parametrize("name", LOOPS)
def test_a_reply_that_loops_is_told_from_one_that_lists(name: str) -> None:
    text, expected = LOOPS[name]

    assert expected == loops(text)


@pytest.mark.parametrize(
    "text",
    [
        "<think>" * 20_000,
        "<think></think>" * 20_000,
        "Thought: x\n" * 20_000,
        "<!--" * 20_000,
        "</think>" * 20_000,
        '{"a": 1, "a": 2}' * 5_000,
        '{"a":' * 20_000,
        '{"a": "\\"' + '\\"' * 50_000,
        "[[1]," * 10_000,
    ],
)
def test_hostile_replies_are_read_in_time_that_grows_with_their_length(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.answers.json_repair.MAX_REPAIR_S", 0.01)
    with pytest.raises(AnswerError):
        parse_answer(text, SHAPE)


def test_what_json_escapes_can_smuggle_in_is_made_safe() -> None:
    hostile = json.dumps(GOOD).replace(INSIGHT["text"], "a\\ud800b\\u001b]0;x\\u0000c")
    answer = parse_answer(hostile, SHAPE).answer

    assert answer.insights[0].text == "a\ufffdb]0;xc"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"insights": []}, "insights: List should have at least 1 item"),
        ({"structured_data": {**FIELDS, "score": "many"}}, "structured_data.score"),
        (
            {"structured_data": {"label": None, "items": []}},
            "structured_data.score: Field required",
        ),
        ({"structured_data": {}}, "structured_data.items: Field required"),
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


@pytest.mark.parametrize("text", ["{" * 50_000, "[{]" * 10_000, '["' * 10_000, "{a:b," * 8_000])
def test_a_repair_that_would_take_minutes_ends(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.answers.json_repair.MAX_REPAIR_S", 0.05)

    with pytest.raises(
        AnswerError, match=r"is not JSON, and not repaired in 0\.05 s|nested deeper"
    ):
        parse_answer(text, answer_shape("x"))


@pytest.mark.parametrize("item", ["{}", "1", "[]"])
def test_a_reply_of_more_values_than_any_answer_has_is_not_checked_one_by_one(item: str) -> None:
    text = '{"insights": [' + ",".join([item] * 100_000) + '], "structured_data": {}}'

    with pytest.raises(AnswerError, match="more than 50,000 values"):
        parse_answer(text, answer_shape("x"))


def test_a_repeated_key_among_many_is_found_at_once() -> None:
    pairs = [f'"k{number}": 1' for number in range(40_000)]

    with pytest.raises(AnswerError, match="the key 'k39999' twice"):
        parse_answer("{" + ",".join([*pairs, '"k39999": 2']) + "}", answer_shape("x"))
