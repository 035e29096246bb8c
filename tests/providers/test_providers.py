"""Each provider's own wire format, spoken by the real litellm to loopback servers that check it."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest
from aiohttp import web
from helpers import KEY
from helpers.provider_chat import (
    AZURE,
    CHAT_WIRES,
    COUNTED,
    EXPLICIT,
    GROQ,
    KEYED,
    LITELLM_PROXY,
    MISTRAL,
    OPENAI,
    OPENROUTER,
    VLLM,
)
from helpers.provider_own import ANTHROPIC, BEDROCK, GEMINI, OLLAMA, OWN_WIRES
from helpers.provider_wire import NEEDS, REPLY, REQUEST, VALUES, Failure, Wire, build

from runner.base.errors import AnswerError, CallError
from runner.base.usage import Usage
from runner.config.model_facts import map_entry
from runner.config.schema import ModelSettings
from runner.providers.litellm.route import ModelRoute
from runner.providers.litellm.transport import LiteLLMTransport
from runner.providers.request import Completion, Request
from runner.run.nodes.conversation import check_complete

pytestmark = pytest.mark.slow

WIRES = (*OWN_WIRES, *CHAT_WIRES)
CALLED = {"name": "f", "arguments": REPLY}
TEXT_PART = {"type": "text", "text": REPLY}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Set every variable, none of them real; yield the hosts that are looked up."""
    for name in (name for names in NEEDS.values() for name in names):
        monkeypatch.setenv(name, VALUES.get(name, KEY))
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "OPENAI_BASE_URL", "OPENAI_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_BEDROCK_RUNTIME_ENDPOINT", "http://127.0.0.1:9")
    looked_up: list[Any] = []
    real = socket.getaddrinfo

    def noting(host: Any, *rest: Any, **named: Any) -> Any:
        looked_up.append(host)
        return real(host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", noting)
    yield looked_up
    assert set(looked_up) <= {"127.0.0.1"}


@dataclass(frozen=True)
class Sent:
    """One request as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: Any


def speak(
    wire: Wire, failure: Failure | None = None, request: Request = REQUEST, **route: Any
) -> tuple[Completion | CallError, list[Sent]]:
    """Send *request* as *wire*'s choice of model says, to a server that answers in its format."""
    sent: list[Sent] = []

    async def handle(asked: web.BaseRequest) -> web.Response:
        sent.append(Sent(asked.path_qs, asked.headers, json.loads(await asked.read())))
        if failure is None:
            return web.json_response(wire.answer)
        return web.json_response(failure.body, status=failure.status, headers=failure.headers)

    async def main() -> Completion | CallError:
        runner = web.ServerRunner(web.Server(handle))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}{wire.base}"
        transport = LiteLLMTransport(replace(route_of(wire, url), **route))
        await transport.open()
        try:
            return await transport.complete(request, 600.0)
        except CallError as error:
            return error
        finally:
            await transport.close()
            await runner.cleanup()

    return asyncio.run(main()), sent


def route_of(wire: Wire, url: str) -> ModelRoute:
    """Return the route of the shipped configuration, with the server's address put in."""
    if wire.address_env:
        os.environ[wire.address_env] = url  # the fixture puts it back
    made = shipped(wire)
    return ModelRoute(
        name=made.name,
        api_base=None if wire.address_env else url,
        api_key_env=made.api_key_env,
        input_usd_per_mtok=made.input_usd_per_mtok,
        output_usd_per_mtok=made.output_usd_per_mtok,
        params=made.params,
        base_model=made.base_model,
        effort=made.effort,
        service_tier=made.service_tier,
        cache=made.cache,
    )


@cache
def shipped(wire: Wire) -> ModelSettings:
    return build(wire.choice, *wire.overrides).settings.model


def by_the_map(model: str, usage: Usage) -> float:
    """Return US dollars, each kind of token at its own price."""
    entry = map_entry(model) or {}
    plain = usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens
    return float(
        plain * entry["input_cost_per_token"]
        + usage.cached_tokens * entry.get("cache_read_input_token_cost", 0.0)
        + usage.cache_write_tokens * entry.get("cache_creation_input_token_cost", 0.0)
        + usage.completion_tokens * entry["output_cost_per_token"]
    )


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: "-".join([wire.choice, *wire.overrides]))
def test_a_provider_is_sent_its_own_format_and_its_answer_is_read(wire: Wire) -> None:
    reply, sent = speak(wire)
    ((path, headers, body),) = ((one.path, one.headers, one.body) for one in sent)

    assert isinstance(reply, Completion), reply
    assert wire.path == path
    assert KEY not in path
    assert dict(wire.headers) == {name: headers.get(name) for name in wire.headers}
    assert wire.body == body
    assert (REPLY, "stop") == (reply.text, reply.finish_reason)
    assert wire.usage == replace(reply.usage, cost_usd=0.0)
    billed = wire.cost_usd
    due = by_the_map(shipped(wire).name, wire.usage) if billed is None else billed
    assert due == pytest.approx(reply.usage.cost_usd)


@pytest.mark.parametrize(
    ("wire", "failure"),
    [
        pytest.param(wire, failure, id=f"{wire.choice}-{failure.status}")
        for wire in WIRES
        for failure in wire.failures
    ],
)
def test_a_providers_own_errors_become_their_kinds_after_one_request(
    wire: Wire, failure: Failure
) -> None:
    error, sent = speak(wire, failure)

    assert isinstance(error, CallError)
    assert failure.kind == error.kind
    assert failure.retry_after_s == error.retry_after_s
    assert len(sent) == 1
    assert KEY not in str(error)


def test_a_wrong_key_is_a_400_from_gemini() -> None:
    details = {"reason": "API_KEY_INVALID", "domain": "googleapis.com"}
    why = "API key not valid. Please pass a valid API key."
    told = {"code": 400, "message": why, "status": "INVALID_ARGUMENT", "details": [details]}
    error, _ = speak(GEMINI, Failure("auth", 400, {"error": told}))

    assert isinstance(error, CallError)
    assert error.kind == "auth"


def test_gemini_says_in_the_body_when_to_come_back() -> None:
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}
    told = {"code": 429, "message": "Quota exceeded.", "status": "RESOURCE_EXHAUSTED"}
    error, _ = speak(GEMINI, Failure("throttle", 429, {"error": {**told, "details": [info]}}))

    assert isinstance(error, CallError)
    assert error.retry_after_s == 7.0


def part(body: Any, *names: str) -> dict[str, Any]:
    """Return those of *names* that *body* or a part of it has."""
    found: dict[str, Any] = {}
    for name, value in body.items() if isinstance(body, dict) else ():
        found |= {name: value} if name in names else part(value, *names)
    return found


THOUGHT = ("reasoning_effort", "reasoning", "thinking", "output_config", "thinkingConfig", "think")
THOUGHT += ("chat_template_kwargs", "temperature")
ADAPTIVE = {"type": "adaptive", "display": "summarized"}


@pytest.mark.parametrize(
    ("wire", "name", "effort", "expected"),
    [
        (OPENAI, "openai/gpt-6-luna", "minimal", {"reasoning_effort": "low"}),
        (OPENAI, "openai/gpt-6-luna", "off", {"reasoning_effort": "none", "temperature": 0.3}),
        (OPENAI, "openai/gpt-4o-mini", "high", {"temperature": 0.3}),
        (AZURE, "azure/gpt-6-luna", "high", {"reasoning_effort": "high"}),
        (MISTRAL, "", "low", {"reasoning_effort": "high", "temperature": 0.3}),
        (GROQ, "", "off", {"reasoning_effort": "low", "temperature": 0.3}),
        (
            GROQ,
            "groq/qwen/qwen3.8-27b",
            "high",
            {"reasoning_effort": "default", "temperature": 0.3},
        ),
        (OPENROUTER, "", "off", {"reasoning": {"effort": "none"}, "temperature": 0.3}),
        (LITELLM_PROXY, "", "medium", {"reasoning_effort": "medium", "temperature": 0.3}),
        (
            VLLM,
            "hosted_vllm/Qwen/Qwen3-8B",
            "off",
            {
                "chat_template_kwargs": {"enable_thinking": False, "thinking": False},
                "temperature": 0.3,
            },
        ),
        (VLLM, "", "minimal", {"reasoning_effort": "low", "temperature": 0.3}),
        (
            ANTHROPIC,
            "anthropic/claude-sonnet-4-6",
            "high",
            {"thinking": ADAPTIVE, "output_config": {"effort": "high"}},
        ),
        (
            ANTHROPIC,
            "anthropic/claude-haiku-4-5",
            "low",
            {"thinking": {"type": "enabled", "budget_tokens": 1600}},
        ),
        (
            ANTHROPIC,
            "anthropic/claude-sonnet-4-6",
            "off",
            {"thinking": {"type": "disabled"}, "temperature": 0.3},
        ),
        (BEDROCK, "", "off", {"thinking": ADAPTIVE, "output_config": {"effort": "low"}}),
        (
            GEMINI,
            "",
            "minimal",
            {
                "thinkingConfig": {"thinkingLevel": "low", "includeThoughts": True},
                "temperature": 0.3,
            },
        ),
        (OLLAMA, "", "off", {"think": False, "temperature": 0.3}),
    ],
)
def test_each_provider_is_asked_for_an_effort_in_its_own_way(
    wire: Wire, name: str, effort: str, expected: dict[str, Any]
) -> None:
    request = replace(REQUEST, max_tokens=8000)
    _, sent = speak(wire, request=request, effort=effort, name=name or shipped(wire).name)

    assert expected == part(sent[0].body, *THOUGHT)


@pytest.mark.parametrize(
    ("wire", "tier", "expected"),
    [
        (OPENAI, "flex", {"service_tier": "flex"}),
        (AZURE, "priority", {"service_tier": "priority"}),
        (ANTHROPIC, "default", {"service_tier": "standard_only"}),
        (BEDROCK, "flex", {"serviceTier": {"type": "flex"}}),
        (GEMINI, "default", {"serviceTier": "standard"}),
        (GROQ, "priority", {"service_tier": "performance"}),
        (OPENROUTER, "flex", {"service_tier": "flex"}),
    ],
)
def test_each_provider_is_asked_for_a_tier_in_its_own_word(
    wire: Wire, tier: str, expected: dict[str, Any]
) -> None:
    _, sent = speak(wire, service_tier=tier)

    assert expected == part(sent[0].body, "service_tier", "serviceTier")


def test_an_hour_in_the_cache_is_marked_and_paid_for() -> None:
    said = {**ANTHROPIC.answer["usage"], "cache_creation_input_tokens": 512}
    split = {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 512}
    costs = []
    for usage in (said, {**said, "cache_creation": split}):
        wire = replace(ANTHROPIC, answer={**ANTHROPIC.answer, "usage": usage})
        reply, sent = speak(wire, cache="1h")
        assert isinstance(reply, Completion)
        assert 2 == json.dumps(sent[0].body).count('{"type": "ephemeral", "ttl": "1h"}')
        costs.append(reply.usage.cost_usd)
    entry = map_entry("anthropic/claude-sonnet-5-5") or {}
    hour = entry["cache_creation_input_token_cost_above_1hr"]
    rest = by_the_map("anthropic/claude-sonnet-5-5", replace(ANTHROPIC.usage, cache_write_tokens=0))
    plain = entry["input_cost_per_token"]

    assert [pytest.approx(rest + 512 * (hour - plain))] * 2 == costs


@pytest.mark.parametrize(
    ("wire", "name", "cache", "expected"),
    [
        (OPENAI, "openai/gpt-5-mini", "1h", {"prompt_cache_retention": "24h", **KEYED}),
        (OPENAI, "openai/gpt-5-mini", "off", {}),
        (OPENAI, "openai/gpt-6-luna", "off", EXPLICIT),
        (BEDROCK, "", "1h", {}),
        (MISTRAL, "", "off", {}),
    ],
)
def test_a_cache_is_asked_for_in_each_providers_own_way(
    wire: Wire, name: str, cache: str, expected: dict[str, Any]
) -> None:
    request = replace(REQUEST, cache=cache != "off")  # as the policy decides
    _, sent = speak(wire, request=request, cache=cache, name=name or shipped(wire).name)
    names = ("prompt_cache_key", "prompt_cache_retention", "prompt_cache_options")

    assert expected == part(sent[0].body, *names)
    assert (2 if wire is BEDROCK else 0) == json.dumps(sent[0].body).count('"ttl": "1h"')


def test_a_deployment_of_any_name_is_sent_what_its_base_model_wants() -> None:
    for wire, name in ((AZURE, "azure/mine"), (OPENAI, "openai/mine")):
        own = replace(wire, path=wire.path.replace("/gpt-6-luna/", "/mine/"))
        reply, sent = speak(own, name=name, base_model="gpt-6-luna", effort="low")
        body = sent[0].body
        assert isinstance(reply, Completion)
        assert (123, "low") == (body["max_completion_tokens"], body["reasoning_effort"])
        assert {"max_tokens", "temperature"}.isdisjoint(body)
        assert reply.usage.cost_usd == pytest.approx(by_the_map("azure/gpt-6-luna", COUNTED))


SILENT = {"role": "assistant", "content": None}


def stopped(wire: Wire, **more: Any) -> Completion:
    """Return the reply of a provider that ends it in another way than by its text."""
    answer = copy.deepcopy(dict(wire.answer))
    first = answer[next(k for k in ("choices", "candidates", "content") if k in answer)][0]
    (answer if wire is ANTHROPIC else first).update(more)
    reply, _ = speak(replace(wire, answer=answer))
    assert isinstance(reply, Completion), reply
    return reply


@pytest.mark.parametrize(
    ("wire", "more", "said"),
    [
        (
            ANTHROPIC,
            {"stop_reason": "refusal", "content": []},
            "the model refuses: it gives no reason",
        ),
        (GEMINI, {"finishReason": "SAFETY", "content": None}, "stopped the reply (SAFETY)"),
        (GEMINI, {"finishReason": "RECITATION"}, "stopped the reply (RECITATION)"),
        (GEMINI, {"finishReason": "PROHIBITED_CONTENT", "content": None}, "(PROHIBITED_CONTENT)"),
        (OPENAI, {"finish_reason": "content_filter", "message": SILENT}, "filter stopped"),
        (OPENROUTER, {"native_finish_reason": "refusal", "message": SILENT}, "refuses"),
        (GEMINI, {"finishReason": "MAX_TOKENS", "content": None}, "or lower model.effort"),
        (GEMINI, {"finishReason": "OTHER_CALL", "content": None}, "empty reply (OTHER_CALL)"),
        (
            ANTHROPIC,
            {"stop_reason": "max_tokens", "content": [{"type": "thinking", "thinking": "hm"}]},
            "reasoning used up the 5 tokens of the reply: raise model.max_tokens",
        ),
    ],
)
def test_a_refusal_and_a_reply_without_room_are_named(
    wire: Wire, more: dict[str, Any], said: str
) -> None:
    reply = stopped(wire, **more)
    with pytest.raises(AnswerError) as caught:
        check_complete(reply)

    assert said in str(caught.value)


def test_an_end_for_want_of_room_is_one_by_any_name() -> None:
    window = stopped(ANTHROPIC, stop_reason="model_context_window_exceeded")
    other = stopped(MISTRAL, finish_reason="model_length")

    assert ["length"] * 2 == [reply.finish_reason for reply in (window, other)]


def test_a_prompt_that_gemini_blocks_is_a_refusal() -> None:
    usage = {"promptTokenCount": 200, "totalTokenCount": 200}
    answer = {"promptFeedback": {"blockReason": "OTHER"}, "usageMetadata": usage}
    reply, _ = speak(replace(GEMINI, answer=answer))

    assert isinstance(reply, Completion)
    assert ("content_filter", "OTHER") == (reply.finish_reason, reply.stopped)


FILTERED: list[dict[str, Any]] = [
    {"candidates": [{"finishReason": "SAFETY", "index": 0}]},
    {"candidates": [{"finishReason": "RECITATION", "content": {"role": "model"}}]},
    {"candidates": [], "promptFeedback": {"blockReason": "OTHER"}},
    {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}},
]


@pytest.mark.parametrize("answer", FILTERED)
def test_what_gemini_filters_is_billed_by_all_of_its_counts(answer: dict[str, Any]) -> None:
    counts = {"promptTokenCount": 200, "cachedContentTokenCount": 150, "thoughtsTokenCount": 40}
    usage = {"usageMetadata": {**counts, "totalTokenCount": 240}}
    reply, _ = speak(replace(GEMINI, answer={**answer, **usage}))

    assert isinstance(reply, Completion)
    assert "content_filter" == reply.finish_reason
    assert Usage(200, 40, 150, reasoning_tokens=40) == replace(reply.usage, cost_usd=0.0)


def test_a_gateway_without_a_host_for_a_parameter_is_asked_without_it() -> None:
    said = "No endpoints found that can handle the requested parameters."
    error, _ = speak(OPENROUTER, Failure("x", 404, {"error": {"message": said, "code": 404}}))

    assert isinstance(error, CallError)
    assert ("bad_request", True) == (error.kind, error.again)


def test_a_prompt_that_azure_filters_is_a_refusal_and_not_sent_again() -> None:
    told = {"code": "content_filter", "message": "The response was filtered", "status": 400}
    error, sent = speak(AZURE, Failure("refused", 400, {"error": told}))

    assert isinstance(error, CallError)
    assert ("refused", 1) == (error.kind, len(sent))


def test_bedrock_is_sent_a_signature_and_never_the_secret() -> None:
    _, sent = speak(BEDROCK)
    authorization = sent[0].headers["Authorization"]

    assert authorization.startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE0123456/")
    assert "/eu-central-1/bedrock/aws4_request" in authorization
    assert KEY not in json.dumps([dict(sent[0].headers), sent[0].body])


@pytest.mark.parametrize("wire", [ANTHROPIC, BEDROCK])
def test_without_the_wish_to_cache_nothing_is_marked(wire: Wire) -> None:
    _, sent = speak(wire, request=replace(REQUEST, cache=False))
    text = json.dumps(sent[0].body)

    assert "SHAREDASKED" in text
    assert "cache" not in text


def test_the_marked_prefix_is_the_same_bytes_whatever_is_asked_next() -> None:
    system, user = REQUEST.messages
    other = {**user, "content": [*user["content"][:1], {"type": "text", "text": "OTHER"}]}
    again = ({"role": "assistant", "content": "no"}, {"role": "user", "content": "mend it"})
    prefixes = []
    for messages in (REQUEST.messages, (system, other), (*REQUEST.messages, *again)):
        _, sent = speak(ANTHROPIC, request=replace(REQUEST, messages=messages))
        body = sent[0].body
        prefixes.append(json.dumps([body["system"], body["messages"][0]["content"][0]]))
        assert json.dumps(body).count("cache_control") == 2

    assert len(set(prefixes)) == 1


def test_own_prices_keep_the_proportion_of_cached_tokens() -> None:
    entry = map_entry("openai/gpt-5-mini") or {}
    reply, _ = speak(OPENAI, input_usd_per_mtok=1.0, output_usd_per_mtok=4.0)

    assert isinstance(reply, Completion)
    read = entry["cache_read_input_token_cost"] / entry["input_cost_per_token"]
    assert (976 * 1.0 + 1024 * read + 5 * 4.0) / 1e6 == pytest.approx(reply.usage.cost_usd)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"reasoning_content": "so {}"}, "<message.reasoning_content>\nso {}\n"),
        ({"content": REPLY, "reasoning_content": "so {}"}, REPLY),
        ({"tool_calls": [{"id": "a", "type": "function", "function": CALLED}]}, REPLY),
        ({"function_call": CALLED}, REPLY),
        ({"content": [{"type": "thinking", "thinking": []}, TEXT_PART]}, REPLY),
        ({"content": json.loads(REPLY)}, REPLY),
        ({"refusal": "No."}, "No."),
    ],
    ids=["reasoning", "both", "tool", "function", "parts", "object", "refusal"],
)
def test_a_reply_is_read_wherever_a_message_has_it(message: Mapping[str, Any], text: str) -> None:
    whole = {"role": "assistant", "content": None, **message}
    choices = [{"index": 0, "finish_reason": "stop", "message": whole}]
    reply, _ = speak(replace(OPENAI, answer={**OPENAI.answer, "choices": choices}))

    assert isinstance(reply, Completion), reply
    assert reply.text.startswith(text)
