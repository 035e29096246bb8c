"""HTTP by litellm's provider configurations reads, prices and fails as `acompletion` does.

Exceptions: a reply of success that cannot be read is always a bad response that is billed, where
litellm may call it a lost connection or a server's error; some that litellm cannot read are put
into its form first; and an error's words may differ.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from aiohttp import web
from helpers import KEY
from helpers.both_ways import (
    MODELS,
    PLAIN,
    Both,
    Server,
    answering,
    ask_both,
    both,
    facts,
    failing,
    over_http,
    replying,
)
from helpers.provider_chat import chat_reply
from helpers.provider_own import ANTHROPIC, GEMINI

from runner.base.errors import CallError
from runner.providers.request import Completion
from runner.providers.simulated.faults import INTERNAL, KINDS, FaultResponse, find_kind

pytestmark = pytest.mark.slow

WHOLE = (MODELS[0], *MODELS[-2:])  # OpenAI, Anthropic and Gemini
UNREADABLE = ("bad_response", None, None, False, True)
MENDED = {"counts that are text", "content in parts", "choices of null", "content missing"}
MENDED |= {"no usage", "usage of null"}


def reply(message: Mapping[str, Any] | None = None, finish: Any = "stop", **more: Any) -> Any:
    """Return a good reply with another *message*, end or usage."""
    made = chat_reply()
    made["choices"][0]["message"] |= message or {}
    made["choices"][0]["finish_reason"] = finish
    return {**made, **more}


def counted(**usage: Any) -> Any:
    return reply(usage={"prompt_tokens": 2000, "completion_tokens": 50, **usage})


CHAT: dict[str, Any] = {
    "as it should be": chat_reply(),
    "cached tokens": chat_reply(1024, 512),
    "cached tokens as DeepSeek tells them": counted(
        prompt_cache_hit_tokens=640, prompt_cache_miss_tokens=1360
    ),
    "cached tokens as Anthropic tells them": counted(
        cache_read_input_tokens=640, cache_creation_input_tokens=100
    ),
    "no details": counted(total_tokens=2050),
    "details of null": counted(prompt_tokens_details=None, completion_tokens_details=None),
    "reasoning tokens": counted(completion_tokens_details={"reasoning_tokens": 30}),
    "reasoning tokens beside": counted(reasoning_tokens=30),
    "audio tokens": counted(prompt_tokens_details={"audio_tokens": 30, "cached_tokens": 5}),
    "a cost": counted(cost=0.0123, cost_details={"upstream_inference_cost": None}),
    "a cost of nothing": counted(cost=0, is_byok=True),
    "counts of zero": reply(usage={"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}),
    "counts that are text": counted(prompt_tokens="many"),
    "no usage": {k: v for k, v in chat_reply().items() if k != "usage"},
    "usage of null": reply(usage=None),
    "an empty usage": reply(usage={}),
    "another model": reply(model="gpt-4o-2024-08-06"),
    "no model": {k: v for k, v in chat_reply().items() if k != "model"},
    "a tier": reply(service_tier="priority"),
    "another tier": reply(service_tier="flex"),
    "a tier of null": reply(service_tier=None),
    "no tier": {k: v for k, v in chat_reply().items() if k != "service_tier"},
    "an id of null": reply(id=None, system_fingerprint="fp", created=1.5),
    "a refusal": reply({"content": None, "refusal": "No."}),
    "a refusal beside a text": reply({"refusal": "No."}),
    "length": reply(finish="length"),
    "content_filter": reply({"content": ""}, "content_filter"),
    "an end of its own": reply(finish="eos_token"),
    "an end that nobody knows": reply(finish="because"),
    "an end of null": reply(finish=None),
    "null": reply({"content": None}),
    "an empty text": reply({"content": ""}),
    "content in parts": reply({"content": [{"type": "text", "text": "x"}]}),
    "no role": reply({"role": None}),
    "reasoning_content": reply({"reasoning_content": "First I think."}),
    "reasoning": reply({"reasoning": "First I think.", "reasoning_details": [{"type": "x"}]}),
    "thinking in the text": reply({"content": "<think>First.</think>Then."}),
    "thinking_blocks": reply({"thinking_blocks": [{"type": "thinking", "thinking": "x"}]}),
    "a call of a tool": reply(
        {
            "content": None,
            "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            ],
        },
        "tool_calls",
    ),
    "tool_calls of null": reply({"tool_calls": None, "function_call": None, "audio": None}),
    "annotations": reply({"annotations": []}),
    "logprobs": {
        **chat_reply(),
        "choices": [{**chat_reply()["choices"][0], "logprobs": {"content": []}}],
    },
    "no choices": reply(choices=[]),
    "choices of null": reply(choices=None),
    "two choices": reply(choices=chat_reply()["choices"] * 2),
    "an error inside": {"error": {"message": "upstream failed", "code": 502}},
    "an empty error beside": reply(error={"message": "", "code": None}),
    "an error beside": reply(error={"message": "half", "code": 429}),
    "half a character": reply({"content": "x \ud800 y"}),
    "not a number": reply({"content": "x"}, extra=float("nan")),
    "a list": [],
    "a text": "no",
    "nothing": {},
}


def claude(**more: Any) -> Any:
    return {**ANTHROPIC.answer, **more}


THOUGHT = {"type": "thinking", "thinking": "First.", "signature": "s"}
TOOL = {"type": "tool_use", "id": "1", "name": "f", "input": {}}
CLAUDE_USAGE = ANTHROPIC.answer["usage"]
CLAUDE: dict[str, Any] = {
    "as it should be": claude(),
    "no content": claude(content=[]),
    "content missing": {k: v for k, v in claude().items() if k != "content"},
    "two texts": claude(content=[{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]),
    "thinking": claude(content=[THOUGHT, {"type": "text", "text": "b"}]),
    "a refusal": claude(stop_reason="refusal", content=[]),
    "max_tokens": claude(stop_reason="max_tokens"),
    "stop_sequence": claude(stop_reason="stop_sequence"),
    "an end that nobody knows": claude(stop_reason="because"),
    "an end of null": claude(stop_reason=None),
    "a call of a tool": claude(content=[TOOL], stop_reason="tool_use"),
    "no usage": {k: v for k, v in claude().items() if k != "usage"},
    "usage of null": claude(usage=None),
    "counts of zero": claude(usage={"input_tokens": 0, "output_tokens": 0}),
    "a cache of an hour": claude(
        usage={**CLAUDE_USAGE, "cache_creation": {"ephemeral_1h_input_tokens": 512}}
    ),
    "a tier": claude(usage={**CLAUDE_USAGE, "service_tier": "priority"}),
    "another model": claude(model="claude-3-haiku-20240307"),
    "half a character": claude(content=[{"type": "text", "text": "x \ud800 y"}]),
    "an error inside": {"type": "error", "error": {"type": "overloaded_error", "message": "x"}},
    "a list": [],
    "nothing": {},
}


def gemini(**more: Any) -> Any:
    return {**GEMINI.answer, **more}


def candidate(**more: Any) -> Any:
    return gemini(candidates=[{**GEMINI.answer["candidates"][0], **more}])


GEMINIS: dict[str, Any] = {
    "as it should be": gemini(),
    "no candidates": gemini(candidates=[]),
    "a blocked prompt": {"promptFeedback": {"blockReason": "SAFETY"}},
    "SAFETY": candidate(finishReason="SAFETY", content={}),
    "RECITATION": gemini(candidates=[{"finishReason": "RECITATION", "index": 0}]),
    "MAX_TOKENS": candidate(finishReason="MAX_TOKENS"),
    "MAX_TOKENS and no text": candidate(finishReason="MAX_TOKENS", content={"role": "model"}),
    "an end that nobody knows": candidate(finishReason="BECAUSE"),
    "thinking": candidate(content={"parts": [{"text": "hm", "thought": True}, {"text": "b"}]}),
    "two parts": candidate(content={"parts": [{"text": "a"}, {"text": "b"}]}),
    "no usage": {k: v for k, v in gemini().items() if k != "usageMetadata"},
    "a tier": gemini(usageMetadata={**GEMINI.answer["usageMetadata"], "trafficType": "FLEX"}),
    "another model": gemini(modelVersion="gemini-2.5-pro"),
    "an error inside": {"error": {"code": 503, "message": "x", "status": "UNAVAILABLE"}},
    "a list": [],
    "nothing": {},
}


def bodies_for(model: str) -> dict[str, Any]:
    own = {"anthropic": CLAUDE, "gemini": GEMINIS}
    return own.get(model.split("/")[0], CHAT)


def share(model: str, names: Iterable[str]) -> list[str]:
    """Return all of *names* for WHOLE, and for each other model a third of them, in turn."""
    return [*names] if model in WHOLE else [*names][MODELS.index(model) % 3 :: 3]


def assert_equal(pair: Both, name: str) -> None:
    assert [len(sent) for sent in pair.sent] == [1, 1], name
    if facts(pair.http) == UNREADABLE:
        assert isinstance(pair.litellm, CallError) or name == "an error beside", name
    elif name in MENDED:
        assert isinstance(pair.http, Completion), name
    elif name == "an error inside":
        assert isinstance(pair.http, CallError)
        assert (pair.http.kind, pair.http.billed) == ("transient", False), name
    else:
        assert facts(pair.http) == facts(pair.litellm), name


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # the OpenAI client's models
@pytest.mark.parametrize("model", MODELS)
def test_a_reply_is_read_as_litellm_reads_it(model: str) -> None:
    bodies = bodies_for(model)
    bodies = {name: bodies[name] for name in share(model, bodies)}
    pairs = both(replying(bodies.values()), *[PLAIN] * len(bodies), model=model)

    for name, pair in zip(bodies, pairs, strict=True):
        assert_equal(pair, name)


@pytest.mark.parametrize("model", WHOLE)
@pytest.mark.parametrize("prices", [{}, {"input_usd_per_mtok": 1.0, "output_usd_per_mtok": 2.0}])
def test_a_compressed_reply_is_read(model: str, prices: dict[str, float]) -> None:
    async def handle(_: web.BaseRequest, __: int) -> web.Response:
        raw = gzip.compress(json.dumps(bodies_for(model)["as it should be"]).encode())
        return web.Response(body=raw, headers={"Content-Encoding": "gzip"})

    (pair,) = both(handle, model=model, **prices)

    assert isinstance(pair.http, Completion)
    assert pair.http == pair.litellm


def test_the_cost_that_a_proxy_reports_is_taken_over() -> None:
    (pair,) = both(
        answering(None, 200, **{"x-litellm-response-cost": "0.5"}), model="litellm_proxy/gpt-5-mini"
    )

    assert isinstance(pair.http, Completion)
    assert pair.http.usage.cost_usd == 0.5
    assert pair.http == pair.litellm


def test_a_tier_that_gemini_serves_in_place_of_the_requested_one_has_its_price() -> None:
    (pair,) = both(
        answering(None, 200, **{"x-gemini-service-tier": "standard"}),
        model="gemini/gemini-3.8-flash",
        service_tier="priority",
    )
    (asked,) = both(answering(), model="gemini/gemini-3.8-flash", service_tier="priority")

    assert isinstance(pair.http, Completion) and isinstance(asked.http, Completion)
    assert pair.http == pair.litellm
    assert pair.http.tier == "default"
    assert asked.http.usage.cost_usd == pytest.approx(1.8 * (pair.http.usage.cost_usd or 0))


@pytest.mark.parametrize("status", [200, 400])  # 200: in a stream
@pytest.mark.parametrize(
    ("said", "why", "reason"),
    [
        ('Sure: {"x": 1}' + " " * 20_000, "Failed to generate JSON.", "stop"),
        ('{"x": [1, 2', "max completion tokens reached before generating a document", "length"),
        ("", "Failed to generate JSON.", "stop"),
    ],
)
def test_a_reply_that_the_provider_rejects_by_its_schema_is_read_all_the_same(
    status: int, said: str, why: str, reason: str
) -> None:
    error = {"message": why, "type": "invalid_request_error", "code": "json_validate_failed"}
    body = {"error": {**error, "failed_generation": said}}
    (pair,) = both(answering(body, status), model="groq/openai/gpt-oss-120b")

    assert isinstance(pair.http, Completion)
    assert pair.http == pair.litellm
    assert (said, reason) == (pair.http.text, pair.http.finish_reason)
    assert pair.http.usage.estimated


SHORT_S = 0.3
STATUSES = [400, 401, 402, 403, 404, 408, 409, 413, 415, 422, 429, 500, 502, 503, 504, 520, 529]
FAULTS = [
    *KINDS,
    *INTERNAL,
    *(f"status_{status}" for status in STATUSES),
    "status_429_after_3",
    "status_503_after_1",
    "status_529_after_1",
]
OTHERS = {
    "should not": FaultResponse(503, {"x-should-retry": "false"}),
    "reset": FaultResponse(
        429, {"x-ratelimit-reset-requests": "6s", "x-ratelimit-reset-tokens": "1s"}
    ),
    "credit": FaultResponse(400, body='{"error": {"message": "Your credit balance is too low"}}'),
    "text": FaultResponse(500, {"Content-Type": "text/plain"}, "upstream connect error"),
    "list": FaultResponse(429, body="[1]"),
    "null": FaultResponse(400, body='{"error": null}'),
    "empty": FaultResponse(503, body=""),
    "empty 200": FaultResponse(200, body=""),
    "stream": FaultResponse(
        200, {"Content-Type": "text/event-stream"}, 'data: {"choices": []}\n\n'
    ),
    "created": FaultResponse(201, body=json.dumps(chat_reply())),
    "no content": FaultResponse(204, body=""),
}


def faults() -> dict[str, tuple[FaultResponse, Mapping[str, str]]]:
    made = {name: (find_kind(name).make(chat_reply(), f"Bearer {KEY}"), {}) for name in FAULTS}
    return made | {f"of ours: {name}": (fault, {}) for name, fault in OTHERS.items()}


NEVER_ENDING = ("hang", "slow_body")


@pytest.mark.parametrize("model", {model.split("/")[0]: model for model in MODELS}.values())
def test_a_failure_is_the_failure_that_litellm_raises(model: str) -> None:
    found = {name: fault for name, fault in faults().items() if name not in NEVER_ENDING}
    found = {name: found[name] for name in share(model, found)}
    if model.startswith(("anthropic", "gemini")):
        del found["huge_body"]  # by `acompletion` it is read to its end: litellm's own session
    pairs = both(failing(found.values()), *[PLAIN] * len(found), model=model)

    for name, pair in zip(found, pairs, strict=True):
        assert_equal(pair, name)


@pytest.mark.parametrize("model", WHOLE)
def test_what_never_ends_is_a_timeout(model: str) -> None:
    found = {name: fault for name, fault in faults().items() if name in NEVER_ENDING}
    pairs = both(failing(found.values()), PLAIN, PLAIN, model=model, timeout_s=SHORT_S)

    for pair in pairs:
        assert isinstance(pair.http, CallError)
        assert pair.http.kind == "timeout"
        assert facts(pair.http) == facts(pair.litellm)


@pytest.mark.parametrize("model", {model.split("/")[0]: model for model in MODELS}.values())
def test_an_error_says_what_the_provider_says(model: str) -> None:
    body = {"error": {"message": "the model is resting", "code": "x", "status": "INVALID"}}
    (pair,) = both(answering(body, 400), model=model)

    assert str(pair.http) == str(pair.litellm) == "the model is resting"


@pytest.mark.parametrize("model", WHOLE)
def test_an_error_as_long_as_a_book_is_cut(model: str) -> None:
    """litellm searches errors for keys with patterns that take minutes for some megabytes."""
    (end,) = over_http(answering("private_key:" + " " * (4 << 20), 500), model)

    assert isinstance(end, CallError)
    assert (end.kind, end.status) == ("transient", 500)


def test_where_nobody_listens_the_failure_is_the_same() -> None:
    async def main() -> list[Both]:
        server = Server(answering())
        async with server:
            pass
        return await ask_both(server, (PLAIN,))

    (pair,) = asyncio.run(main())

    assert isinstance(pair.http, CallError)
    assert (pair.http.kind, pair.http.billed) == ("connection", False)
    assert facts(pair.http) == facts(pair.litellm)
    assert str(pair.http) == str(pair.litellm)


COHERE = {
    "id": "c1",
    "message": {"role": "assistant", "content": [{"type": "text", "text": "yes"}]},
    "finish_reason": "MAX_TOKENS",
    "usage": {
        "billed_units": {"input_tokens": 9, "output_tokens": 2},
        "tokens": {"input_tokens": 2000, "output_tokens": 50},
    },
}


@pytest.mark.parametrize(
    ("model", "answer", "finish"),
    [
        ("cohere_chat/command-r-08-2024", COHERE, "length"),
        ("databricks/databricks-claude", reply({"content": "yes"}), "stop"),
    ],
)
def test_replies_of_providers_with_a_format_of_their_own_are_read(
    model: str, answer: Any, finish: str
) -> None:
    (found,) = both(answering(answer), model=model, base="")

    assert isinstance(found.http, Completion), found.http
    assert ("yes", finish) == (found.http.text, found.http.finish_reason)
    assert 2000 == found.http.usage.prompt_tokens
