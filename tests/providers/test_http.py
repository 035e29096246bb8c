"""HTTP by litellm's provider configurations sends and reads as `acompletion` does."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from helpers.both_ways import (
    MODELS,
    PLAIN,
    SYSTEM,
    USER,
    Both,
    Server,
    answering,
    ask_both,
    both,
    facts,
    opened,
)

from runner.base.errors import CallError
from runner.providers.litellm.choice import http_calls
from runner.providers.litellm.loading import load_litellm
from runner.providers.litellm.route import ModelRoute
from runner.providers.litellm.session import open_session
from runner.providers.request import Completion
from runner.record.events import run_log, set_library_levels

pytestmark = pytest.mark.slow

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
REQUESTS = {
    "plain": PLAIN,
    "without a system message": replace(PLAIN, messages=(USER,)),
    "in parts": replace(PLAIN, messages=(SYSTEM, PARTS)),
    "with marks for the cache": replace(PLAIN, messages=(SYSTEM, PARTS), cache=True),
    "a repair turn": replace(PLAIN, messages=(SYSTEM, USER, *REPAIR)),
    "a schema": replace(PLAIN, schema=SCHEMA),
    "temperature 0": replace(PLAIN, temperature=0.0),
    "temperature 0.7": replace(PLAIN, temperature=0.7),
    "a long text": replace(PLAIN, messages=(SYSTEM, {"role": "user", "content": "word " * 40_000})),
    "another limit": replace(PLAIN, max_tokens=7),
    "an empty text": replace(PLAIN, messages=(SYSTEM, {"role": "user", "content": " "})),
    "unicode": replace(
        PLAIN, messages=(SYSTEM, {"role": "user", "content": 'ä "😀" \\u00e4 \x00\x1f\u2028 \\'})
    ),
    "a text like markup": replace(
        PLAIN, messages=({"role": "user", "content": "<think>no</think> data:image/png;base64,"},)
    ),
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE", "OPENAI_ORGANIZATION"):
        monkeypatch.delenv(name, raising=False)


def assert_equal(pair: Both, name: object = "") -> None:
    assert [len(sent) for sent in pair.sent] == [1, 1], name
    assert pair.sent[0] == pair.sent[1], name
    assert isinstance(pair.http, Completion), name
    assert pair.http == pair.litellm, name


OF_OWN_RULES = ("openai/gpt-5.6-luna", "openai/o3", "gemini/gemini-2.0-flash")


@pytest.mark.parametrize("model", [*MODELS, *OF_OWN_RULES])
def test_a_request_goes_out_as_litellm_sends_it(model: str) -> None:
    pairs = both(answering(), *REQUESTS.values(), model=model)

    for name, pair in zip(REQUESTS, pairs, strict=True):
        assert_equal(pair, name)


PARAMS: list[dict[str, Any]] = [
    {"seed": 7, "top_p": 0.5, "user": "me", "n": 1},
    {"top_k": 3, "stop": ["x"], "frequency_penalty": 0.1, "presence_penalty": 0.2},
    {
        "extra_body": {"provider": {"require_parameters": True}},
        "extra_headers": {"X-My": "1"},
    },
    {"service_tier": "flex", "verbosity": "low"},
    {"reasoning_effort": "low"},
    {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    {"prompt_cache_key": "colloquy", "max_completion_tokens": 9},
    {"temperature": 1.0, "response_format": {"type": "json_object"}},
]


@pytest.mark.parametrize("model", MODELS)
def test_parameters_are_mapped_as_litellm_maps_them(model: str) -> None:
    for params in PARAMS:
        (pair,) = both(answering(), model=model, params=params)

        assert_equal(pair, params)


@pytest.mark.parametrize("model", MODELS[1:])
def test_the_address_is_made_as_litellm_makes_it(model: str) -> None:
    bases = ["", "/", "/v1/", "/a/b/v1", "/v1/messages"]
    if not model.startswith(("openai", "litellm_proxy")):  # OpenAI's client would append it again
        bases.append("/v1/chat/completions")
    for base in bases:
        (pair,) = both(answering(), model=model, base=base)

        assert_equal(pair, base)


@pytest.mark.parametrize(
    ("model", "variable"),
    [
        ("openai/gpt-5-mini", "OPENAI_BASE_URL"),
        ("openai/gpt-5-mini", "OPENAI_API_BASE"),
        ("anthropic/claude-sonnet-4-6", "ANTHROPIC_API_BASE"),
        ("anthropic/claude-sonnet-4-6", "ANTHROPIC_BASE_URL"),
        ("gemini/gemini-3.8-flash", "GEMINI_API_BASE"),
        ("openrouter/openai/gpt-5-mini", "OPENROUTER_API_BASE"),
        ("groq/openai/gpt-oss-120b", "GROQ_API_BASE"),
        ("deepseek/deepseek-chat", "DEEPSEEK_API_BASE"),
        ("hosted_vllm/openai/gpt-oss-20b", "HOSTED_VLLM_API_BASE"),
        ("litellm_proxy/gpt-5-mini", "LITELLM_PROXY_API_BASE"),
    ],
)
def test_an_address_of_the_environment_is_used(
    model: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> list[Both]:
        async with Server(answering()) as server:
            monkeypatch.setenv(variable, server.url + "/v1")
            return await ask_both(server, (PLAIN,), model, base=None)

    (pair,) = asyncio.run(main())

    assert_equal(pair)


@pytest.mark.parametrize(
    "model", [m for m in MODELS if not m.startswith(("hosted_vllm", "litellm_proxy"))]
)
def test_without_an_address_the_providers_own_host_is_asked(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, int]] = []

    def refuse(host: str, port: int, *_: Any, **__: Any) -> Any:
        asked.append((host, port))
        raise OSError("no network in tests")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    (pair,) = both(answering(), model=model, base=None)

    assert len(asked) == 2
    assert asked[0] == asked[1]
    assert facts(pair.http) == facts(pair.litellm)


def chosen(model: str, **route: Any) -> bool:
    """Return whether *model*'s calls are made over HTTP."""

    async def main() -> bool:
        async with open_session() as session:
            made = ModelRoute(model, route.pop("api_base", "http://127.0.0.1:9"), **route)
            return http_calls(load_litellm(), made, session) is not None

    return asyncio.run(main())


@pytest.mark.parametrize("model", MODELS)
def test_calls_of_the_shown_providers_are_made_over_http(model: str) -> None:
    assert chosen(model)


@pytest.mark.parametrize(
    "model",
    [
        "azure/gpt-5-mini",
        "bedrock/global.anthropic.claude-sonnet-4-6",
        "vertex_ai/gemini-3.8-flash",
        "ollama_chat/llama3.1",
        "openai/o1-pro",  # behind the Responses API
        "openai/responses/gpt-5-mini",
        "no-such-provider/x",
    ],
)
def test_calls_of_other_models_are_left_to_acompletion(model: str) -> None:
    assert not chosen(model)


def test_a_parameter_that_is_not_known_to_be_plain_is_left_to_acompletion() -> None:
    assert not chosen(MODELS[0], params={"mock_response": "x"})


@pytest.mark.parametrize("name", ["success_callback", "callbacks", "model_alias_map"])
def test_settings_of_litellm_that_ask_for_more_leave_calls_to_acompletion(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_litellm(), name, {"a": "b"})

    assert not chosen(MODELS[0])


def test_variables_of_openais_client_leave_calls_to_acompletion(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_PROJECT_ID", "mine")

    assert not chosen(MODELS[0])


def test_a_call_without_any_key_is_refused_by_litellm_itself() -> None:
    (pair,) = both(answering(), base=None, api_key_env=None)

    assert isinstance(pair.http, CallError)
    assert facts(pair.http) == facts(pair.litellm)
    assert pair.sent == ([], [])


def test_schemas_that_differ_only_within_are_told_apart() -> None:
    """Mapped parameters are remembered by all that they were mapped from."""
    asked = [replace(PLAIN, node=f"n{n}", schema={**SCHEMA, "title": f"T{n}"}) for n in range(300)]

    async def main() -> list[Any]:
        async with Server(answering()) as server:
            async with opened(ModelRoute(MODELS[0], server.url, "MY_KEY")) as transport:
                await asyncio.gather(*(transport.complete(one, 30.0) for one in asked))
            return [sent.body["response_format"]["json_schema"] for sent in server.sent]

    named = asyncio.run(main())

    assert sorted(one["schema"]["title"] for one in named) == sorted(f"T{n}" for n in range(300))
    assert all(one["schema"]["title"][1:] == one["name"][1:] for one in named)


@pytest.mark.parametrize("model", [MODELS[0], *MODELS[-2:]])
def test_each_request_is_in_the_log_as_httpx_puts_it(model: str) -> None:
    load_litellm()
    with run_log(Path("log.jsonl"), "quiet"):
        set_library_levels()
        both(answering(), model=model)
        both(answering({"error": {"message": "no"}}, 500), model=model)
    events = map(orjson.loads, Path("log.jsonl").read_bytes().splitlines())
    texts = [e["event"].partition("/v1")[2] for e in events if e["logger"] == "httpx"]

    assert len(texts) == 4
    assert texts[0] == texts[1]
    assert texts[2] == texts[3]


def test_openai_client_is_imported_before_the_first_call_and_only_if_it_asks() -> None:
    code = (
        "import asyncio, gc, sys\n"
        "from runner.providers.litellm.route import ModelRoute\n"
        "from runner.providers.litellm.transport import LiteLLMTransport\n"
        "async def loaded(variable):\n"
        "    transport = LiteLLMTransport(ModelRoute('openai/gpt-5-mini', None, variable))\n"
        "    await transport.open()\n"
        "    await transport.close()\n"
        "    return 'openai.resources' in sys.modules\n"
        "print(*(asyncio.run(loaded(variable)) for variable in ('MY_KEY', 'NO_KEY')))\n"
        "print(gc.isenabled())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert done.stdout.split() == ["False", "True", "True"]
