"""A streamed reply is read as if it had not been a stream, on each wire, whatever goes wrong."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from helpers.fault_server import CLOSE, LEFT, RESET, Asked, FaultServer, Step, chunked, good, http

from runner.answers.shared_schema import which_part
from runner.base.errors import CallError
from runner.base.usage import Usage
from runner.calls.admission.limits import Slots
from runner.calls.call import Terms
from runner.calls.call_log import CallLog
from runner.calls.client import Client
from runner.calls.retry import RetryPolicy
from runner.providers.litellm import session
from runner.providers.litellm.route import ModelRoute
from runner.providers.litellm.stream import is_stream, joined
from runner.providers.litellm.transport import LiteLLMTransport
from runner.providers.request import Completion, Exchange, Request

MODELS = {
    "openai": "openai/gpt-5-mini",
    "anthropic": "anthropic/claude-sonnet-4-6",
    "gemini": "gemini/gemini-3.8-flash",
    "mistral": "mistral/mistral-medium-2604",
    "azure": "azure/gpt-5-mini",
}
ASKED = Request("say_means", ({"role": "user", "content": "MATERIAL QUESTION"},), max_tokens=100)
HEAD = http(kind="text/event-stream").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
END = b"0\r\n\r\n"
Make = Callable[[Asked], Iterable[Step]]


def openai(*texts: str) -> list[dict[str, Any]]:
    """Return a good stream of OpenAI's: the role, the texts, the end, the usage."""
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": text} for text in texts]
    events = [
        {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}], "usage": None}
        for delta in deltas
    ]
    details = {"cached_tokens": 40}
    usage = {"prompt_tokens": 50, "completion_tokens": 20, "total_tokens": 70}
    ended = {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    last = {**head, "choices": [], "usage": {**usage, "prompt_tokens_details": details}}
    return [*events, ended, last]


def anthropic(*texts: str) -> list[dict[str, Any]]:
    usage = {"input_tokens": 10, "cache_read_input_tokens": 40, "output_tokens": 1}
    message = {"id": "m1", "type": "message", "role": "assistant", "model": "m", "content": []}
    deltas = [{"type": "text_delta", "text": text} for text in texts]
    return [
        {"type": "message_start", "message": {**message, "usage": usage, "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 20},
        },
        {"type": "message_stop"},
    ]


def gemini(*texts: str) -> list[dict[str, Any]]:
    counts = {"promptTokenCount": 50, "cachedContentTokenCount": 40}
    parts: list[dict[str, Any]] = [{"text": text} for text in texts]
    contents = [{"parts": [part], "role": "model"} for part in parts]
    events: list[dict[str, Any]] = [
        {"candidates": [{"content": content, "index": 0}], "usageMetadata": counts}
        for content in contents
    ]
    events[-1]["candidates"][0]["finishReason"] = "STOP"
    total = {"candidatesTokenCount": 20, "totalTokenCount": 70}
    events[-1]["usageMetadata"] = {**counts, **total}
    return events


EVENTS = {"openai": openai, "anthropic": anthropic, "gemini": gemini}
TEXTS = ('{"x":', ' "Größe",', ' "y": 1}')


def lines(events: Iterable[Any], end: str = "\n", done: bool = True) -> list[bytes]:
    """Return each event as it is sent; Anthropic's have names, OpenAI's end with [DONE]."""
    made, named, chunks = [], False, False
    for event in events:
        named, chunks = named or "type" in event, chunks or "choices" in event
        name = f"event: {event['type']}{end}" if "type" in event else ""
        made.append(f"{name}data: {json.dumps(event, ensure_ascii=False)}{end}{end}".encode())
    return [*made, f"data: [DONE]{end}{end}".encode()] if chunks and done and not named else made


def sent(parts: Iterable[bytes]) -> list[Step]:
    return [HEAD, *(chunked(part, len(part) or 1) for part in parts), END]


def events_of(asked: Asked) -> list[dict[str, Any]]:
    return EVENTS[asked.wire](*TEXTS)


def whole(asked: Asked) -> list[bytes]:
    return lines(events_of(asked))


def after_token(asked: Asked, *more: bytes) -> list[bytes]:
    """Return a stream up to and with its second token, and then *more*."""
    return [*lines(events_of(asked)[: 5 if asked.wire == "anthropic" else 2], done=False), *more]


def error(asked: Asked) -> bytes:
    said: dict[str, Any] = {"message": "overloaded", "code": "server_error", "type": "server_error"}
    if asked.wire == "anthropic":
        said = {"type": "overloaded_error", "message": "Overloaded"}
        return lines([{"type": "error", "error": said}])[0]
    if asked.wire == "gemini":
        said = {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}
    return lines([{"error": said}])[0]


def split(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


READ: dict[str, Make] = {
    "an event at a time": lambda asked: sent(whole(asked)),
    "at once": lambda asked: sent([b"".join(whole(asked))]),
    "seven bytes at a time": lambda asked: sent(split(b"".join(whole(asked)), 7)),
    "with CRLF": lambda asked: sent(lines(events_of(asked), "\r\n")),
    "with comments between": lambda asked: sent(
        b": PROCESSING\n\n" + each for each in whole(asked)
    ),
    "with a mark at its start": lambda asked: sent([b"\xef\xbb\xbf", *whole(asked)]),
    "without a last line feed": lambda asked: sent([b"".join(whole(asked)).rstrip(b"\n")]),
    "without [DONE]": lambda asked: sent(lines(events_of(asked), done=False)),
    "until the connection ends": lambda asked: [
        HEAD.replace(b"Transfer-Encoding: chunked\r\n", b""),
        b"".join(whole(asked)),
        CLOSE,
    ],
}
FAULTS: dict[str, tuple[Make, tuple[str, bool]]] = {
    "reset after a token": (
        lambda asked: [*sent(after_token(asked))[:-1], RESET],
        ("connection", True),
    ),
    "closed after a token": (
        lambda asked: [*sent(after_token(asked))[:-1], CLOSE],
        ("connection", True),
    ),
    "an end that is no end": (lambda asked: sent(after_token(asked)), ("connection", True)),
    "cut within a line": (
        lambda asked: sent(after_token(asked, b'data: {"choi')),
        ("connection", True),
    ),
    "a line that is no JSON": (
        lambda asked: sent(after_token(asked, b"data: {oops\n\n", *whole(asked))),
        ("bad_response", True),
    ),
    "an error after a token": (
        lambda asked: sent(after_token(asked, error(asked))),
        ("transient", True),
    ),
    "an error at once": (lambda asked: sent([error(asked)]), ("transient", False)),
    "nothing": (lambda asked: sent([b": keep-alive\n\n"]), ("connection", True)),
    "500": (lambda _: [http(b"{}", "500 No")], ("transient", False)),
    "429": (lambda _: [http(b"{}", "429 No", "Retry-After: 2")], ("throttle", False)),
}


async def ask(transport: LiteLLMTransport, began: Callable[[], object]) -> Completion | CallError:
    try:
        with Exchange(began).begun():
            return await transport.complete(ASKED, 600.0)
    except CallError as failed:  # the client asks again without what was refused
        return await ask(transport, began) if failed.again else failed


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_API_VERSION", "2025-04-01-preview")


def endings(model: str, scripts: dict[str, Make]) -> tuple[dict[str, Any], list[Asked]]:
    """Return how each call ended and how often its first token was reported, and the requests."""

    async def main(server: FaultServer) -> dict[str, Any]:
        found = {}
        transport = LiteLLMTransport(ModelRoute(MODELS[model], f"{server.url()}/v1", "MY_KEY"))
        await transport.open()
        for name, server.script in scripts.items():
            tokens: list[int] = []
            end = await ask(transport, lambda seen=tokens: seen.append(1))  # type: ignore[misc]
            found[name] = end, bool(tokens)
        await transport.close()
        return found

    with FaultServer() as server:
        return asyncio.run(main(server)), server.asked


@pytest.mark.parametrize("model", MODELS)
def test_every_stream_is_asked_for_as_its_provider_wants_and_is_the_reply_that_it_carries(
    model: str,
) -> None:
    found, asked = endings(model, READ)
    body, usage = asked[0].body, {"stream": True, "stream_options": {"include_usage": True}}
    options = {name: body[name] for name in ("stream", "stream_options") if name in body}
    alone = {"anthropic": {"stream": True}, "mistral": {"stream": True}, "gemini": {}}

    assert alone.get(model, usage) == options
    assert ("streamGenerateContent?alt=sse" in asked[0].path) == (model == "gemini")

    for name, (end, began) in found.items():
        assert isinstance(end, Completion), (name, end)
        assert ("".join(TEXTS), "stop", True) == (end.text, end.finish_reason, began), name
        assert Usage(50, 20, 40) == replace(end.usage, cost_usd=Usage().cost_usd), name
    assert len(READ) == len(asked)


@pytest.mark.parametrize("model", [model for model in MODELS if model != "gemini"])
def test_a_stream_ends_with_its_last_event_whatever_its_connection_does(model: str) -> None:
    """Gemini's streams have no such event. Providers' own clients stop reading there, too."""
    scripts: dict[str, Make] = {
        step: lambda asked, step=step: [*sent(whole(asked))[:-1], step]  # type: ignore[misc]
        for step in (CLOSE, RESET, LEFT)
    }
    found, asked = endings(model, scripts)

    for name, (end, _) in found.items():
        assert isinstance(end, Completion), (name, end)
        assert "".join(TEXTS) == end.text, name
    assert len(scripts) == len(asked)


@pytest.mark.parametrize("model", MODELS)
def test_every_fault_of_a_stream_has_its_kind_after_one_request(model: str) -> None:
    found, asked = endings(model, {name: make for name, (make, _) in FAULTS.items()})

    for name, (end, _) in found.items():
        assert isinstance(end, CallError), (name, end)
        assert FAULTS[name][1] == (end.kind, end.billed), (name, end)
    if model != "azure":  # whose client, litellm's, looks at errors again
        assert len(FAULTS) == len(asked)


@pytest.mark.parametrize("model", MODELS)
def test_the_first_token_is_reported_while_the_rest_is_not_yet_sent(model: str) -> None:
    """The server sends the rest only once the client has said that the reply has begun."""
    begun = threading.Event()

    def script(asked: Asked) -> Iterable[Step]:
        parts = whole(asked)
        place = len(after_token(asked))
        return [
            *sent(parts[:place])[:-1],
            begun,
            *sent(parts[place:])[1:],
        ]

    async def main(server: FaultServer) -> Completion | CallError:
        transport = LiteLLMTransport(ModelRoute(MODELS[model], f"{server.url()}/v1", "MY_KEY"))
        await transport.open()
        end = await ask(transport, begun.set)
        await transport.close()
        return end

    with FaultServer(script) as server:
        end = asyncio.run(main(server))

    assert isinstance(end, Completion), end
    assert "".join(TEXTS) == end.text


@pytest.mark.parametrize("model", MODELS)
def test_a_provider_that_does_not_stream_is_read_all_the_same(model: str) -> None:
    found, _ = endings(model, {"good": good})

    end, began = found["good"]
    assert isinstance(end, Completion), end
    assert ('{"x": 1}', True) == (end.text, began)


def test_a_refused_stream_is_asked_for_once() -> None:
    """OpenAI streams some models only to organizations that it has verified."""
    said = {
        "message": "Your organization must be verified to stream this model.",
        "type": "invalid_request_error",
        "param": "stream",
        "code": "unsupported_value",
    }

    def script(asked: Asked) -> list[Step]:
        refused = http(json.dumps({"error": said}).encode(), "400 Bad Request")
        return [refused] if asked.body.get("stream") else good(asked)

    found, asked = endings("openai", {"first": script, "second": script})

    assert all(isinstance(end, Completion) and began for end, began in found.values())
    assert [True, None, None] == [one.body.get("stream") for one in asked]


def test_thoughts_refusals_tools_and_several_choices_are_put_together() -> None:
    thought = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]
    openai_events = [
        {"choices": [{"index": 1, "delta": {"content": "b"}}, {"index": 0, "delta": {}}]},
        {"choices": [{"index": 0, "delta": {"content": thought, "reasoning_content": "h"}}]},
        {"choices": [{"index": 0, "delta": {"refusal": "no", "reasoning_content": "m"}}]},
        *(
            {"choices": [{"index": 1, "delta": {"tool_calls": [{"index": 0, "function": piece}]}}]}
            for piece in ({"name": "f", "arguments": '{"x"'}, {"arguments": ": 1}"}, {})
        ),
        {"choices": [{"index": i, "delta": {}, "finish_reason": "stop"} for i in (0, 1)]},
        {"choices": [], "x_groq": {"usage": {"prompt_tokens": 3}}},
    ]
    block = {"type": "tool_use", "id": "t", "name": "json_tool_call", "input": {}}
    deltas = [{"type": "input_json_delta", "partial_json": text} for text in ('{"x"', ": 1}")]
    anthropic_events = [
        {"type": "message_start", "message": {"usage": {"input_tokens": 3}}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
    ]

    chat = json.loads(joined(b"".join(lines(openai_events))) or b"")
    message = json.loads(joined(b"".join(lines(anthropic_events))) or b"")

    by_index = {choice["index"]: choice["message"] for choice in chat["choices"]}
    assert ("b", "", "no", "hm") == (
        by_index[1]["content"],
        by_index[0]["content"],
        by_index[0]["refusal"],
        by_index[0]["reasoning_content"],
    )
    called = [call["function"] for call in by_index[1]["tool_calls"]]
    assert [{"name": "f", "arguments": '{"x": 1}'}] == called
    assert {"prompt_tokens": 3} == chat["usage"]
    assert [{**block, "input": {"x": 1}}] == message["content"]


def test_a_function_call_is_put_together_as_the_call_of_a_tool() -> None:
    pieces = [{"name": "f", "arguments": ""}, {"arguments": '{"x"'}, {"arguments": ": 1}"}]
    events = [{"choices": [{"delta": {"function_call": piece}}]} for piece in pieces]
    ended = {"choices": [{"delta": {}, "finish_reason": "function_call"}]}
    chat = json.loads(joined(b"".join(lines([*events, ended]))) or b"")
    (called,) = chat["choices"][0]["message"]["tool_calls"]

    assert {"name": "f", "arguments": '{"x": 1}'} == called["function"]


def test_an_empty_reason_in_each_chunk_is_no_end() -> None:
    begun = {"choices": [{"index": 0, "delta": {"content": "ab"}, "finish_reason": ""}]}
    ended = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}

    assert joined(b"".join(lines([begun], done=False))) is None
    assert b'"ab"' in (joined(b"".join([*lines([begun]), b": ping\n\n"])) or b"")
    assert joined(b"".join([*lines([begun]), b": \n" * 300, b"x"])) is None  # without delay
    assert b'"ab"' in (joined(b"".join(lines([begun, ended]))) or b"")


@pytest.mark.parametrize(
    "field", ["data: x", "event: x", "id: 1", "retry: 9", ": x", "\ufeffdata: x"]
)
def test_a_stream_may_begin_with_any_field_of_an_event(field: str) -> None:
    assert is_stream(f"\n{field}\n\n".encode())
    assert not is_stream(b'{"data": 1}')


def test_of_endless_calls_of_tools_the_first_are_kept() -> None:
    """To look for the call of each piece took time quadratic in their number."""
    pieces = [{"index": n, "function": {"arguments": "{}"}} for n in range(200)]
    events = [{"choices": [{"index": 0, "delta": {"tool_calls": [piece]}}]} for piece in pieces]
    events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})

    chat = json.loads(joined(b"".join(lines(events))) or b"")

    kept = chat["choices"][0]["message"]["tool_calls"]
    assert list(range(128)) == [call["index"] for call in kept]


def test_odd_events_lose_nothing_of_the_reply() -> None:
    """Half a character, a long number, deep nesting and indexes that are none were exceptions."""
    odd = {"choices": [{"index": [1], "delta": {"content": "\ud800", "n": 10**30}}]}
    chat = [odd, {"choices": [{"delta": {"content": 7}, "finish_reason": "stop"}]}]
    deltas = [{"type": "text_delta", "text": "a"}, {"type": "text_delta", "text": ["b"]}]
    deltas.append({"type": "input_json_delta", "partial_json": "[" * 5000})
    own = [
        {"type": "message_start", "message": 7},
        *({"type": "content_block_delta", "index": [0], "delta": delta} for delta in deltas),
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
    ]
    gemini = [{"candidates": [{"content": {"parts": 7}}]}]
    gemini.append({"candidates": [{"content": {"parts": [{"text": "a"}]}, "finishReason": "STOP"}]})
    whole = [
        json.loads(joined(b"".join(b"data: %b\n" % json.dumps(e).encode() for e in events)) or b"")
        for events in (chat, own, gemini)
    ]

    assert "\ud800" == whole[0]["choices"][0]["message"]["content"]
    assert [{"type": "text", "text": "a"}] == whole[1]["content"]
    assert [{"text": "a"}] == whole[2]["candidates"][0]["content"]["parts"]


def test_a_refused_shared_schema_leaves_each_analyzer_its_own() -> None:
    """Gemini's words for a schema that is too large; the run's later calls know it."""
    own, shared = ({"type": "object", "title": title} for title in ("own", "shared"))
    said = "The specified schema produces a constraint that has too many states for serving."
    content = [{"type": "text", "text": text} for text in ("MATERIAL", which_part("say_means"))]
    request = replace(
        ASKED,
        messages=({"role": "user", "content": content},),
        schema=shared,
        own_schema=own,
    )

    def script(asked: Asked) -> list[Step]:
        name = asked.body["response_format"]["json_schema"]["name"]
        error = {"message": said, "code": "invalid_request_error"}
        refused = http(json.dumps({"error": error}).encode(), "400 Bad Request")
        return [refused] if name == "answer" else good(asked)

    async def main(server: FaultServer) -> list[bool]:
        transport = LiteLLMTransport(ModelRoute(MODELS["openai"], f"{server.url()}/v1", "MY_KEY"))
        await transport.open()
        with pytest.raises(CallError) as raised:
            await transport.complete(request, 600.0)
        await transport.complete(request, 600.0)
        await transport.complete(replace(request, node="needs"), 600.0)
        await transport.close()
        return [raised.value.again]

    with FaultServer(script) as server:
        assert [True] == asyncio.run(main(server))

    sent = [asked.body["response_format"]["json_schema"] for asked in server.asked]
    texts = [asked.body["messages"][0]["content"] for asked in server.asked]
    assert ["answer", "say_means", "needs"] == [each["name"] for each in sent]
    assert ["shared", "own", "own"] == [each["schema"]["title"] for each in sent]
    assert ["MATERIAL" + which_part("say_means"), "MATERIAL"] == texts[:2]


def test_a_stream_may_be_longer_than_a_body_but_not_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session, "MAX_BODY_BYTES", 2000)
    monkeypatch.setattr(session, "MAX_STREAM_BYTES", 8000)
    texts = [f"word {number} " for number in range(99)]
    long, endless = openai(*texts[:20]), openai(*texts)
    scripts: dict[str, Make] = {
        "long": lambda _: sent(lines(long)),
        "endless": lambda _: sent(lines(endless)),
    }
    found, _ = endings("openai", scripts)

    (read, _), (refused, _) = found["long"], found["endless"]
    assert "".join(texts[:20]).strip() == read.text.strip()
    assert isinstance(refused, CallError)
    assert ("bad_response", True) == (refused.kind, refused.billed)


@pytest.mark.slow
@pytest.mark.parametrize("more", [b"", b": keep-alive\n\n"])
def test_no_deadline_discards_a_stream_after_its_last_event(
    more: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection stays open past the deadline, silent or with comments without end."""
    monkeypatch.setattr(session, "_LINGER_S", 3.0)

    def script(asked: Asked) -> list[Step]:
        later: list[Step] = [partial(time.sleep, 0.2), chunked(more, len(more))] if more else []
        return [*sent(whole(asked))[:-1], *later * 50, LEFT]

    async def main(server: FaultServer) -> Completion:
        transport = LiteLLMTransport(ModelRoute(MODELS["openai"], f"{server.url()}/v1", "MY_KEY"))
        await transport.open()
        client, terms = Client(transport, RetryPolicy(0), 2.0), Terms(on_first_token=lambda: None)
        try:
            return await client.complete(ASKED, Slots(1), CallLog(), terms=terms)
        finally:
            await transport.close()

    with FaultServer(script) as server:
        began = time.monotonic()
        assert "".join(TEXTS) == asyncio.run(main(server)).text

    assert time.monotonic() - began < 9
