"""Bodies of replies with status 200, as litellm's configurations can read them."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest

from runner.base.errors import CallError
from runner.providers.litellm.body import readable
from runner.providers.litellm.parameters import Adaptation
from runner.providers.litellm.route import ModelRoute
from runner.providers.litellm.transport import LiteLLMTransport
from runner.providers.request import Request

ASKED = Request("n", ({"role": "user", "content": "x"},), max_tokens=9)
MODELS = ("openai/gpt-4o-mini", "anthropic/claude-sonnet-4-5", "gemini/gemini-2.5-flash")


def read(body: Any) -> Any:
    status, raw, _ = readable(200, json.dumps(body).encode())

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
    [
        (12, 12),
        ("12", 12),
        (11.5, 12),
        ("many", 0),
        ([], 0),
        ({"a": 1}, 0),
        (None, 0),
        (1e30, 10**15),
    ],
)
def test_counts_are_whole_numbers(said: Any, expected: Any) -> None:
    usage = {"prompt_tokens": said, "cost": 0.1, "prompt_tokens_details": {"cached_tokens": said}}
    gemini = {"candidates": [], "usageMetadata": {"promptTokenCount": said}}

    read_usage = read({"choices": [], "usage": usage})["usage"]
    assert expected == read_usage["prompt_tokens"]
    assert expected == read_usage["prompt_tokens_details"]["cached_tokens"]
    assert read_usage["cost"] == 0.1
    assert expected == read(gemini)["usageMetadata"]["promptTokenCount"]
    assert expected == read({"output": {}, "usage": {"inputTokens": said}})["usage"]["inputTokens"]


@pytest.mark.parametrize("usage", [None, "12", [1], 7])
def test_a_usage_that_is_no_object_is_empty(usage: Any) -> None:
    assert {} == read({"choices": [], "usage": usage})["usage"]


def test_choices_of_null_are_none() -> None:
    assert [] == read({"choices": None})["choices"]


@pytest.mark.parametrize("odd", [None, -1, 1e30, True, "x", [], [1], {}, {"a": 1}])
def test_what_is_not_read_cannot_make_a_reply_unreadable(
    odd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """litellm refused replies for these values, which cost two more requests."""
    monkeypatch.setenv("KEY", "sk-1234567890")
    fields = ("refusal", "reasoning_content", "audio", "annotations", "function_call", "role")
    message = {**dict.fromkeys(fields, odd), "content": "hi"}
    chat = {
        **{"created": odd, "id": odd, "service_tier": odd},
        "choices": [{"logprobs": odd, "index": odd, "finish_reason": odd, "message": message}],
    }
    thought = {"type": "thinking", "thinking": "x", "signature": odd}
    said = {"type": "text", "text": "hi", "citations": odd}
    own = {"type": "message", "content": [thought, said], "stop_reason": odd, "container": odd}
    own["usage"] = {"output_tokens": 1, "input_tokens": 3, "server_tool_use": odd}
    candidate = {"content": {"parts": [{"text": "hi", "thoughtSignature": odd}]}, "index": odd}
    candidate |= {"finishReason": odd, "groundingMetadata": odd, "logprobsResult": odd}
    counts = {"promptTokenCount": 3, "promptTokensDetails": odd}
    gemini = {"candidates": [candidate], "promptFeedback": odd, "usageMetadata": counts}
    models = dict(zip(MODELS, (chat, own, gemini), strict=True))

    async def main() -> list[str]:
        found = []
        for name, body in models.items():
            transport = LiteLLMTransport(ModelRoute(name, api_key_env="KEY"))
            await transport.open()
            data = json.dumps(body).encode()
            found.append(transport.read(ASKED, Adaptation(), 200, data, "").text)
            await transport.close()
        return found

    refused = isinstance(odd, str)  # a refusal is the reply
    assert ["x" if refused else "hi", "hi", "hi"] == asyncio.run(main())


def test_no_part_of_a_key_is_left_where_a_text_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    key = "sk-proj-" + "0123456789abcdef" * 8
    monkeypatch.setenv("KEY", key)
    message = {"content": "hi"}
    stops = {"message": message, "finish_reason": f"{'x' * 40} {key}"}
    breaks = {"finish_reason": "error", "error": {"message": f"{'x ' * 235}{key}"}}

    async def main() -> list[str]:
        transport = LiteLLMTransport(ModelRoute(MODELS[0], api_key_env="KEY"))
        await transport.open()
        found = []
        for choice, tier in ((stops, f"{'x' * 90} {key}"), (breaks, "")):
            body = json.dumps({"choices": [choice], "service_tier": tier}).encode()
            try:
                found.append(str(transport.read(ASKED, Adaptation(), 200, body, "")))
            except CallError as error:
                found.append(str(error))
        await transport.close()
        return found

    assert [False, False] == ["sk-proj" in text for text in asyncio.run(main())]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"input_tokens": 3}, 3),
        ({"input_tokens": "3", "cache_read_input_tokens": None}, 3),
        ({"input_tokens": "many"}, -(10**15)),
        ({"input_tokens": 3, "cache_read_input_tokens": -1}, -(10**15)),
        ({"cache_read_input_tokens": 100}, -(10**15)),
        ({}, None),
    ],
)
def test_a_sum_of_anthropic_counts_is_impossible_if_one_of_them_is(
    counts: dict[str, Any], expected: int | None
) -> None:
    """Without it, the cached tokens were taken for the whole prompt."""
    found = read({"type": "message", "content": [], "usage": {**counts, "output_tokens": 5}})

    assert expected == found["usage"].get("input_tokens")


def test_tokens_are_written_to_the_cache_for_one_lifetime_or_another() -> None:
    lifetimes = {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 7}
    usage = {"input_tokens": 3, "cache_creation_input_tokens": None, "cache_creation": lifetimes}

    found = read({"type": "message", "content": [], "usage": usage})
    assert 12 == found["usage"]["cache_creation_input_tokens"]


def test_bytes_that_are_no_utf8_are_replaced() -> None:
    raw = json.dumps({"choices": [{"message": {"content": "a?b"}}]}).encode()
    _, mended, _ = readable(200, raw.replace(b"?", b"\xff"))

    assert json.loads(mended)["choices"][0]["message"]["content"] == "a\ufffdb"


@pytest.mark.parametrize("raw", [b"[]", b"7"])
def test_what_is_no_object_is_left_as_it_is(raw: bytes) -> None:
    assert (200, raw) == readable(200, raw)[:2]


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
    assert (502, raw) == readable(502, raw)[:2]


@pytest.mark.parametrize("depth", [300, 900])
def test_deep_nesting_does_not_prevent_reading(depth: int) -> None:
    usage = b'{"a":' * depth + b"1" + b"}" * depth
    raw = b'{"choices": [{"message": {"content": ["x"]}}], "extra": ' + usage + b"}"
    status, mended, _ = readable(200, raw)

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

    assert (status, raw) == readable(200, raw)[:2]


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
