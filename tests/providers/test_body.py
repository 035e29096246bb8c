"""Bodies of replies with status 200, as litellm's configurations can read them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from runner.base.errors import CallError
from runner.providers.litellm.body import readable


def read(body: Any) -> Any:
    status, raw = readable(200, json.dumps(body).encode())

    assert status == 200
    return json.loads(raw)


def text_of(content: Any) -> Any:
    return read({"choices": [{"message": {"content": content}}]})["choices"][0]["message"][
        "content"
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("x", "x"),
        (None, None),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "ab"),
        (["a", {"type": "image"}, 7, {"text": None}], "a"),
        ([], ""),
    ],
)
def test_the_parts_of_a_text_are_joined(content: Any, expected: Any) -> None:
    assert expected == text_of(content)


@pytest.mark.parametrize(
    ("said", "expected"),
    [(12, 12), ("12", 12), (11.5, 12), ("many", 0), ([], 0), (None, 0), (1e30, 10**15)],
)
def test_counts_are_whole_numbers(said: Any, expected: Any) -> None:
    usage = {"prompt_tokens": said, "cost": 0.1, "prompt_tokens_details": {"cached_tokens": said}}
    gemini = {"candidates": [], "usageMetadata": {"promptTokenCount": said}}

    read_usage = read({"choices": [], "usage": usage})["usage"]
    assert expected == read_usage["prompt_tokens"]
    assert expected == read_usage["prompt_tokens_details"]["cached_tokens"]
    assert read_usage["cost"] == 0.1
    assert expected == read(gemini)["usageMetadata"]["promptTokenCount"]


@pytest.mark.parametrize("usage", [None, "12", [1], 7])
def test_a_usage_that_is_no_object_is_empty(usage: Any) -> None:
    assert {} == read({"choices": [], "usage": usage})["usage"]


def test_choices_of_null_are_none() -> None:
    assert [] == read({"choices": None})["choices"]


def test_bytes_that_are_no_utf8_are_replaced() -> None:
    raw = json.dumps({"choices": [{"message": {"content": "a?b"}}]}).encode()
    _, mended = readable(200, raw.replace(b"?", b"\xff"))

    assert json.loads(mended)["choices"][0]["message"]["content"] == "a\ufffdb"


@pytest.mark.parametrize("raw", [b"[]", b"7"])
def test_what_is_no_object_is_left_as_it_is(raw: bytes) -> None:
    assert (200, raw) == readable(200, raw)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"\n<html>", "a web page (check the path of model.api_base)"),
        (b" ", "empty"),
        (b"[" * 100_000, "broken JSON of 100,000 bytes"),
        (b'{"a":' * 100_000, "broken JSON of 500,000 bytes"),
        (b"Loading", "plain text of 7 bytes"),
    ],
)
def test_what_is_no_json_is_said_and_charged(raw: bytes, said: str) -> None:
    with pytest.raises(CallError, match=re.escape(f"the reply is {said}, expected JSON")) as caught:
        readable(200, raw)

    assert ("bad_response", True) == (caught.value.kind, caught.value.billed)
    assert (502, raw) == readable(502, raw)


@pytest.mark.parametrize("depth", [300, 900])
def test_deep_nesting_does_not_prevent_reading(depth: int) -> None:
    usage = b'{"a":' * depth + b"1" + b"}" * depth
    raw = b'{"choices": [{"message": {"content": ["x"]}}], "extra": ' + usage + b"}"
    status, mended = readable(200, raw)

    assert status == 200
    assert json.loads(mended)["choices"][0]["message"]["content"] in ("x", ["x"])


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ("upstream failed", 500),
        ({"message": "x"}, 500),
        ({"code": 503}, 503),
        ({"code": 7}, 500),
        ({"code": "insufficient_quota", "type": "insufficient_quota"}, 402),
        ({"code": 429, "type": "insufficient_quota"}, 402),
        ({"code": "503"}, 503),
        ({"code": 400, "details": [{"reason": "API_KEY_INVALID"}]}, 401),
        ({"code": 3, "status": "INVALID_ARGUMENT"}, 400),
        ("insufficient_quota", 402),
        ([{"code": 404}], 404),
        ({"code": None, "type": "invalid_request_error"}, 400),
        ({"code": "invalid_api_key"}, 401),
        ({"type": "overloaded_error"}, 529),
        ({"code": 429, "status": "RESOURCE_EXHAUSTED"}, 429),
        ({"code": "model_not_found"}, 404),
    ],
)
def test_an_error_in_place_of_a_reply_has_the_status_of_its_code(error: Any, status: int) -> None:
    raw = json.dumps({"error": error}).encode()

    assert (status, raw) == readable(200, raw)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ([{"error": {"code": 503}}], 503),
        ({"errors": [{"code": "invalid_api_key"}]}, 401),
        ({"object": "error", "message": "x", "type": "BadRequestError", "code": 400}, 400),
        ({"message": "Unauthorized", "status": 401}, 401),
        ({"code": "rate_limit_exceeded", "message": "x"}, 429),
        ({"type": "error", "error": {"type": "authentication_error"}}, 401),
        ({"type": "message", "content": []}, 200),
        ({"code": 0, "status": "ok"}, 200),
        ({"output": {"message": {}}, "status": 404}, 200),
        ({"detail": "Not Found"}, 500),
        ({"status": "error", "msg": "boom"}, 500),
        ({"choices": [{"message": {"content": ""}}], "error": {"code": 502}}, 502),
    ],
)
def test_an_error_is_known_in_the_forms_that_servers_have_for_it(body: Any, status: int) -> None:
    assert status == readable(200, json.dumps(body).encode())[0]


def test_an_error_beside_a_reply_leaves_the_reply() -> None:
    body = {"error": {"code": 429}, "choices": [{"message": {"content": "x"}}]}

    assert "x" == read(body)["choices"][0]["message"]["content"]


@pytest.mark.parametrize(
    ("usage", "cached"),
    [
        ({"input_tokens": 9, "output_tokens": 5, "input_tokens_details": {"cached_tokens": 4}}, 4),
        ({"prompt_tokens": 9, "completion_tokens": 5, "input_tokens": 0, "cached_tokens": 4}, 4),
        ({"prompt_tokens": 9, "completion_tokens": 5, "num_cached_tokens": 4}, 4),
        ({"prompt_tokens": 9, "completion_tokens": 5, "prompt_tokens_details": None}, None),
    ],
)
def test_counts_are_known_by_the_names_of_other_servers(usage: Any, cached: int | None) -> None:
    found = read({"choices": [], "usage": usage})["usage"]

    assert (9, 5) == (found["prompt_tokens"], found["completion_tokens"])
    assert cached == (found.get("prompt_tokens_details") or {}).get("cached_tokens")
    messages = read({"type": "message", "usage": {"prompt_tokens": 9, "completion_tokens": 5}})
    assert {"input_tokens": 9, "output_tokens": 5}.items() <= messages["usage"].items()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("x", ["x"]),
        (None, []),
        (["x", None, {"text": "y"}, {"type": "text", "text": None}], ["x", "y"]),
    ],
)
def test_the_blocks_of_a_message_are_well_formed(content: Any, expected: list[str]) -> None:
    assert expected == [b["text"] for b in read({"type": "message", "content": content})["content"]]
