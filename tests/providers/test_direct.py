"""The short way sends, reads, prices and fails exactly as `acompletion` does."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import pytest
from aiohttp import web
from helpers import job
from helpers.provider_chat import chat_reply

from runner.base.errors import CallError
from runner.providers.litellm import direct
from runner.providers.litellm.direct import may_go_directly
from runner.providers.litellm.loading import load_litellm
from runner.providers.litellm.route import ModelRoute
from runner.providers.litellm.transport import LiteLLMTransport
from runner.providers.request import Completion, Request, arrival_told
from runner.providers.simulated.faults import INTERNAL, KINDS, FaultResponse, GoodReply, find_kind
from runner.providers.simulated.server import send

pytestmark = pytest.mark.slow

Handler = Callable[[web.BaseRequest], Any]
Outcome = Completion | CallError

KEY = "canary-0123456789abcdef"
MODELS = (
    "openai/gpt-4o-mini",
    "openai/gpt-5-mini",
    "openai/own-model",
    "hosted_vllm/openai/gpt-oss-20b",
    "litellm_proxy/gpt-5-mini",
    "groq/openai/gpt-oss-120b",
    "mistral/mistral-medium-2604",
    "openrouter/openai/gpt-5-mini",
    "deepseek/deepseek-chat",
)
SYSTEM = {"role": "system", "content": "You read."}
USER = {"role": "user", "content": "MATERIAL\nQUESTION"}
PARTS = {
    "role": "user",
    "content": [{"type": "text", "text": "MATERIAL"}, {"type": "text", "text": "QUESTION"}],
}
REPAIR = ({"role": "assistant", "content": "no {json}"}, {"role": "user", "content": "mend it"})
SCHEMA = {
    "$defs": {"one": {"enum": ["a", "b"], "title": "One"}},
    "type": "object",
    "title": "Answer",
    "description": 'says "ä\u2028"',
    "properties": {
        "x": {"type": ["integer", "null"], "minimum": 0, "default": 0},
        "y": {"type": "array", "items": {"$ref": "#/$defs/one"}, "uniqueItems": True},
        "z": {"anyOf": [{"type": "string", "pattern": "^S\\d+$"}, {"type": "null"}]},
    },
    "required": ["x", "y", "z"],
    "additionalProperties": False,
}
PLAIN = Request("say_means", (SYSTEM, USER), max_tokens=100)


@dataclass
class Sent:
    """One request as it arrived."""

    line: str
    headers: dict[str, str]
    body: Any


@dataclass
class Both:
    """What one request to each way was, and how it ended; *learned* says that the way was found."""

    direct: Outcome
    litellm: Outcome
    sent: tuple[list[Sent], list[Sent]]
    learned: bool


@dataclass
class Server:
    """Answers by *handler*, and keeps what it got."""

    handler: Handler
    sent: list[Sent] = field(default_factory=list)
    url: str = ""

    async def handle(self, request: web.BaseRequest) -> Any:
        raw = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        del headers["content-length"]  # litellm's own client puts spaces into its JSON
        self.sent.append(Sent(f"{request.method} {request.path_qs}", headers, json.loads(raw)))
        return await self.handler(request)

    async def __aenter__(self) -> Server:
        served = web.Server(self.handle, handler_cancellation=True)
        self.runner = web.ServerRunner(served, shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.runner.cleanup()


async def ask_both(
    server: Server,
    request: Request = PLAIN,
    model: str = "openai/gpt-4o-mini",
    base: str | None = "/v1",
    timeout_s: float = 30.0,
    **route: Any,
) -> Both:
    """Send *request* by the short way and by `acompletion`."""
    url = None if base is None else server.url + base
    outcomes, arrived, learned = [], [], False
    ways: tuple[Literal["auto", "litellm"], ...] = ("auto", "litellm")
    for way in ways:
        made = ModelRoute(model, url, transport=way, **route)
        transport = LiteLLMTransport(made)
        await transport.open()
        before = len(server.sent)
        try:
            outcomes.append(await transport.complete(request, timeout_s))
        except CallError as error:
            outcomes.append(error)
        finally:
            await transport.close()
        arrived.append(server.sent[before:])
        if transport._direct is not None:
            learned = any(transport._direct._templates.values())
    return Both(outcomes[0], outcomes[1], (arrived[0], arrived[1]), learned)


def both(handler: Handler, *requests: Request, **options: Any) -> list[Both]:
    async def main() -> list[Both]:
        async with Server(handler) as server:
            return [await ask_both(server, one, **options) for one in requests or (PLAIN,)]

    return asyncio.run(main())


def answering(body: Any = None, status: int = 200, **headers: str) -> Handler:
    async def handle(_: web.BaseRequest) -> web.Response:
        return web.json_response(
            chat_reply() if body is None else body, status=status, headers=headers
        )

    return handle


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE", "OPENAI_ORGANIZATION"):
        monkeypatch.delenv(name, raising=False)


def shown(outcome: Outcome) -> Any:
    """Return all of *outcome* that anybody can see."""
    if isinstance(outcome, Completion):
        return outcome
    told = (outcome.kind, outcome.status, outcome.retry_after_s, outcome.final, outcome.billed)
    return (*told, re.sub(r"taken=[\d.]+", "taken", str(outcome)))


REQUESTS = {
    "plain": PLAIN,
    "without a system message": replace(PLAIN, messages=(USER,)),
    "in parts": replace(PLAIN, messages=(SYSTEM, PARTS)),
    "with marks for the cache": replace(PLAIN, messages=(SYSTEM, PARTS), cache=True),
    "a repair turn": replace(PLAIN, messages=(SYSTEM, USER, *REPAIR)),
    "a schema": replace(PLAIN, schema=SCHEMA),
    "temperature 0": replace(PLAIN, temperature=0.0),
    "temperature 0.7": replace(PLAIN, temperature=0.7),
    "another limit": replace(PLAIN, max_tokens=7),
    "an empty text": replace(PLAIN, messages=(SYSTEM, {"role": "user", "content": " "})),
    "unicode": replace(
        PLAIN, messages=(SYSTEM, {"role": "user", "content": 'ä "😀" \\u00e4 \x00\x1f\u2028 \\'})
    ),
    "half a character": replace(PLAIN, messages=({"role": "user", "content": "x \ud800 y"},)),
    "a text like markup": replace(
        PLAIN, messages=({"role": "user", "content": "<think>no</think> data:image/png;base64,"},)
    ),
}


@pytest.mark.parametrize("model", MODELS)
def test_a_request_goes_out_as_litellm_sends_it(model: str) -> None:
    found = both(answering(), *REQUESTS.values(), model=model, api_key_env="MY_KEY")

    for name, pair in zip(REQUESTS, found, strict=True):
        assert pair.sent[0] == pair.sent[1], name
        assert shown(pair.direct) == shown(pair.litellm), name
        assert pair.learned == (name != "half a character"), name


@pytest.mark.parametrize(
    "params",
    [
        {"seed": 7},
        {"top_p": 0.5, "user": "me"},
        {"n": 1},
        {"extra_body": {"provider": {"require_parameters": True}}},
        {"extra_headers": {"X-My": "1"}},
        {"service_tier": "flex"},
        {"reasoning_effort": "low"},
        {"prompt_cache_key": "colloquy"},
        {"max_completion_tokens": 9},
        {"stop": ["x"]},
        {"response_format": {"type": "json_object"}},
    ],
)
@pytest.mark.parametrize("model", MODELS[:2] + MODELS[-4:])
def test_parameters_are_mapped_as_litellm_maps_them(model: str, params: dict[str, Any]) -> None:
    (pair,) = both(answering(), model=model, params=params)

    assert pair.sent[0] == pair.sent[1]
    assert shown(pair.direct) == shown(pair.litellm)


@pytest.mark.parametrize("base", ["", "/", "/v1", "/v1/", "/a/b/v1", "/v1/chat/completions"])
@pytest.mark.parametrize("model", MODELS[1:5])
def test_the_address_is_made_as_litellm_makes_it(model: str, base: str) -> None:
    (pair,) = both(answering(), model=model, base=base)

    assert pair.sent[0] == pair.sent[1]
    assert shown(pair.direct) == shown(pair.litellm)


def reply(message: Mapping[str, Any] | None = None, finish: Any = "stop", **more: Any) -> Any:
    """Return a good reply with another *message*, end or usage."""
    made = chat_reply()
    made["choices"][0]["message"] |= message or {}
    made["choices"][0]["finish_reason"] = finish
    return {**made, **more}


def counted(**usage: Any) -> Any:
    return reply(usage={"prompt_tokens": 2000, "completion_tokens": 50, **usage})


RESPONSES: dict[str, Any] = {
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


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # the OpenAI client's models
@pytest.mark.parametrize("model", MODELS)
def test_a_reply_is_read_as_litellm_reads_it(model: str) -> None:
    given: list[Any] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return await answering(given[0])(request)

    async def main() -> None:
        async with Server(handle) as server:
            for name, body in RESPONSES.items():
                given[:] = [body]
                pair = await ask_both(server, model=model)

                assert shown(pair.direct) == shown(pair.litellm), name
                assert len(pair.sent[0]) == 1, name
                assert pair.learned, name

    asyncio.run(main())


@pytest.mark.parametrize("model", MODELS[:2])
@pytest.mark.parametrize("prices", [{}, {"input_usd_per_mtok": 1.0, "output_usd_per_mtok": 2.0}])
def test_a_compressed_reply_is_read(model: str, prices: dict[str, float]) -> None:
    async def handle(_: web.BaseRequest) -> web.Response:
        raw = gzip.compress(json.dumps(chat_reply()).encode())
        return web.Response(body=raw, headers={"Content-Encoding": "gzip"})

    (pair,) = both(handle, model=model, **prices)

    assert isinstance(pair.direct, Completion)
    assert pair.direct == pair.litellm


def test_what_a_proxy_says_that_a_call_has_cost_is_believed() -> None:
    (pair,) = both(
        answering(None, 200, **{"x-litellm-response-cost": "0.5"}), model="litellm_proxy/gpt-5-mini"
    )

    assert pair.direct == pair.litellm


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


@pytest.mark.parametrize("model", [MODELS[0], *MODELS[3:]])
def test_a_failure_is_the_failure_that_litellm_raises(model: str) -> None:
    given: list[tuple[FaultResponse, Mapping[str, str]]] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return await send(request, *given[0])

    async def main() -> None:
        async with Server(handle) as server:
            for name, (fault, headers) in faults().items():
                given[:] = [(fault, headers)]
                timeout_s = SHORT_S if name in ("hang", "slow_body") else 30.0
                pair = await ask_both(
                    server, model=model, timeout_s=timeout_s, api_key_env="MY_KEY"
                )

                assert shown(pair.direct) == shown(pair.litellm), name
                assert [len(sent) for sent in pair.sent] == [1, 1], name

    asyncio.run(main())


def faults() -> dict[str, tuple[FaultResponse, Mapping[str, str]]]:
    exchange = GoodReply('{"x": 1}', chat_reply(), f"Bearer {KEY}")
    kinds = {name: find_kind(name) for name in FAULTS}
    made = {name: (kind.make(exchange), kind.headers) for name, kind in kinds.items()}
    return made | {f"of ours: {name}": (fault, {}) for name, fault in OTHERS.items()}


def numbered(number: int) -> Request:
    user = {"role": "user", "content": f"text {number}"}
    schema = {**SCHEMA, "title": f"{number}"}
    return replace(PLAIN, node=f"node_{number}", schema=schema, messages=(user,))


def learned(transport: LiteLLMTransport) -> int:
    assert transport._direct is not None
    return len(transport._direct._templates)


def test_many_first_calls_at_once_learn_one_way_and_are_sent_once_each() -> None:
    async def main() -> tuple[int, list[Any]]:
        async with Server(answering()) as server:
            transport = LiteLLMTransport(ModelRoute(MODELS[0], server.url))
            await transport.open()
            asked = [
                replace(
                    PLAIN, node=f"node_{n}", schema={**SCHEMA, "title": f"{n}"}, messages=(user,)
                )
                for n, user in ((n, {"role": "user", "content": f"text {n}"}) for n in range(16))
            ]
            try:
                await asyncio.gather(*(transport.complete(one, 30.0) for one in asked))
                return learned(transport), [sent.body for sent in server.sent]
            finally:
                await transport.close()

    ways, bodies = asyncio.run(main())
    named = [body["response_format"]["json_schema"] for body in bodies]

    assert ways == 1
    assert sorted(body["messages"][0]["content"] for body in bodies) == sorted(
        f"text {n}" for n in range(16)
    )
    assert all(one["schema"]["title"] == one["name"].split("_")[1] for one in named)


def test_it_says_that_a_reply_has_arrived_before_it_is_read() -> None:
    async def main() -> list[str]:
        happened: list[str] = []
        async with Server(answering()) as server:
            transport = LiteLLMTransport(ModelRoute(MODELS[0], server.url))
            await transport.open()
            assert transport._direct is not None
            read = transport._direct._reader.read
            vars(transport._direct._reader)["read"] = lambda *given, **named: (
                happened.append("read") or read(*given, **named)
            )
            try:
                with arrival_told(lambda: happened.append("arrived")):
                    await transport.complete(PLAIN, 30.0)
            finally:
                await transport.close()
        return happened

    assert asyncio.run(main()) == ["arrived", "read"]


def test_what_a_job_will_ask_is_learned_before_its_first_call() -> None:
    made = job()
    asked = [
        made.request(
            node.name, made.main, f"text {n}", made.fit(node, made.main).reply, cache=False
        )
        for n, node in enumerate(made.pipeline.nodes)
    ]

    async def main() -> tuple[int, int, int]:
        async with Server(answering()) as server:
            transport = LiteLLMTransport(ModelRoute(MODELS[0], server.url))
            await transport.open(made.samples(made.main))
            before, sent = learned(transport), len(server.sent)
            try:
                for request in asked:
                    await transport.complete(request, 30.0)
                return before, sent, learned(transport)
            finally:
                await transport.close()

    before, sent, after = asyncio.run(main())

    assert before == after > 0
    assert sent == 0


def test_who_wants_litellm_or_a_provider_of_another_protocol_goes_through_litellm() -> None:
    async def way(route: ModelRoute) -> bool:
        transport = LiteLLMTransport(route)
        await transport.open()
        await transport.close()
        return transport._direct is None

    anthropic = ModelRoute("anthropic/claude-sonnet-4-6", "http://127.0.0.1:9")

    assert asyncio.run(way(ModelRoute(MODELS[0], "http://127.0.0.1:9", transport="litellm")))
    assert asyncio.run(way(anthropic))
    assert asyncio.run(way(ModelRoute("no-such-provider/x", "http://127.0.0.1:9")))
    assert not asyncio.run(way(ModelRoute(MODELS[0], "http://127.0.0.1:9")))


def test_who_listens_to_litellms_calls_hears_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    litellm = load_litellm(MODELS[0])
    before = may_go_directly(litellm, MODELS[0])
    monkeypatch.setattr(litellm, "success_callback", [print])
    after = may_go_directly(litellm, MODELS[0])

    assert (before, after) == (True, False)


def test_more_shapes_than_are_remembered_go_through_litellm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(direct, "MAX_TEMPLATES", 1)

    async def main() -> tuple[int, int]:
        async with Server(answering()) as server:
            transport = LiteLLMTransport(ModelRoute(MODELS[0], server.url))
            await transport.open()
            try:
                for limit in (1, 2, 3):
                    await transport.complete(replace(PLAIN, max_tokens=limit), 30.0)
                return learned(transport), len(server.sent)
            finally:
                await transport.close()

    assert asyncio.run(main()) == (1, 3)


def test_a_request_that_was_only_learned_from_is_not_sent() -> None:
    """The first call of a shape is made twice, and sent once, with the texts and not the marks."""
    (pair,) = both(answering())

    assert [len(sent) for sent in pair.sent] == [1, 1]
    assert pair.sent[0][0].body["messages"] == [SYSTEM, USER]


@pytest.mark.parametrize("model", MODELS)
def test_each_request_is_in_the_log_as_httpx_puts_it(
    model: str, caplog: pytest.LogCaptureFixture
) -> None:
    load_litellm(model)  # which sets that level, too
    caplog.set_level(logging.INFO, "httpx")
    both(answering(), model=model)
    both(answering({"error": {"message": "no"}}, 500), model=model)
    told = [r for r in caplog.records if r.name == "httpx" and r.levelno == logging.INFO]
    texts = [re.sub(r":\d+/", "/", record.getMessage()) for record in told]

    assert len(texts) == 4
    assert texts[0] == texts[1]
    assert texts[2] == texts[3]


def test_a_key_and_an_address_of_the_environment_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> Both:
        async with Server(answering()) as server:
            monkeypatch.setenv("OPENAI_BASE_URL", server.url + "/v1")
            monkeypatch.setenv("OPENAI_API_KEY", KEY)
            return await ask_both(server, base=None)

    pair = asyncio.run(main())

    assert pair.sent[0][0].headers["authorization"] == f"Bearer {KEY}"
    assert pair.sent[0] == pair.sent[1]
    assert pair.learned


def test_a_call_without_any_key_is_refused_by_litellm_itself() -> None:
    (pair,) = both(answering(), base=None)

    assert isinstance(pair.direct, CallError)
    assert shown(pair.direct) == shown(pair.litellm)
    assert pair.sent == ([], [])


def test_where_nobody_listens_the_failure_is_the_same() -> None:
    async def main() -> Both:
        server = Server(answering())
        async with server:
            pass
        return await ask_both(server)

    pair = asyncio.run(main())

    assert isinstance(pair.direct, CallError)
    assert pair.direct.kind == "connection"
    assert not pair.direct.billed
    assert shown(pair.direct) == shown(pair.litellm)


def test_a_body_without_a_length_is_read_no_further_than_any_reply_goes() -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):
            for _ in range(20):
                await response.write(b" " * (1 << 20))
        return response

    async def main() -> CallError:
        async with Server(handle) as server:
            transport = LiteLLMTransport(ModelRoute(MODELS[0], server.url))
            await transport.open()
            try:
                with pytest.raises(CallError) as caught:
                    await transport.complete(PLAIN, 30.0)
                return caught.value
            finally:
                await transport.close()

    error = asyncio.run(main())

    assert (error.kind, error.billed) == ("bad_response", True)
    assert "expected at most" in str(error)


def test_a_cancelled_call_takes_no_template_and_no_lock_with_it() -> None:
    async def main() -> Completion:
        async with Server(answering()) as server:
            transport = LiteLLMTransport(ModelRoute(MODELS[0], server.url))
            await transport.open()
            try:
                first = asyncio.create_task(transport.complete(PLAIN, 30.0))
                await asyncio.sleep(0)
                first.cancel()
                await asyncio.wait([first])
                return await transport.complete(PLAIN, 30.0)
            finally:
                await transport.close()

    assert asyncio.run(main()).finish_reason == "stop"
