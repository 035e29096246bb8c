"""Bodies of replies with status 200, as litellm's configurations can read them."""

from __future__ import annotations

import json
from typing import Any

import pytest

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


@pytest.mark.parametrize("raw", [b"<html>", b"[]", b"7", b"", b"[" * 100_000, b'{"a":' * 100_000])
def test_what_is_no_object_is_left_as_it_is(raw: bytes) -> None:
    assert (200, raw) == readable(200, raw)


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
    ],
)
def test_an_error_is_known_in_the_forms_that_servers_have_for_it(body: Any, status: int) -> None:
    assert status == readable(200, json.dumps(body).encode())[0]


def test_an_error_beside_a_reply_leaves_the_reply() -> None:
    body = {"error": {"code": 429}, "choices": [{"message": {"content": "x"}}]}

    assert body == read(body)
