"""Which bounds of a schema each provider is sent, seen at loopback servers and by name."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web
from helpers import KEY
from helpers.provider_wire import NEEDS, VALUES, build

from runner.base.errors import CallError
from runner.providers.litellm.route import ModelRoute
from runner.providers.litellm.transport import LiteLLMTransport
from runner.providers.request import Request
from runner.providers.schemas import BOUNDS, accepted_bounds, sent_schema

SCHEMA = {
    "type": "object",
    "properties": {
        "list": {
            "type": "array",
            "items": {
                "type": "string",
                "minLength": 1,
                "maxLength": 9,
                "pattern": "^[a-z]+$",
            },
            "minItems": 1,
            "maxItems": 4,
            "uniqueItems": True,
        },
        "share": {"type": "number", "minimum": 0, "maximum": 1, "multipleOf": 0.5},
        "maximum": {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 9},
    },
    "required": ["list", "share", "maximum"],
    "additionalProperties": False,
}
ITEMS, LENGTHS = {"minItems", "maxItems"}, {"minLength", "maxLength"}
INCLUSIVE, EXCLUSIVE = {"minimum", "maximum"}, {"exclusiveMinimum", "exclusiveMaximum"}
GRAMMAR = ITEMS | LENGTHS | INCLUSIVE | EXCLUSIVE | {"pattern"}
SENT = {
    "anthropic": {"pattern"},
    "gemini": ITEMS | INCLUSIVE,
    "groq": set(),
    "litellm_proxy": ITEMS | INCLUSIVE | EXCLUSIVE | {"pattern", "multipleOf"},
    "mistral": set(),
    "ollama": GRAMMAR,
    "openai": GRAMMAR,  # at a loopback address, which is a server with a compatible API
    "openrouter": ITEMS | INCLUSIVE | EXCLUSIVE | {"pattern", "multipleOf"},
    "vllm": GRAMMAR | {"multipleOf"},
}
WAYS = [*((choice, "auto") for choice in SENT), ("anthropic", "litellm")]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in (name for names in NEEDS.values() for name in names):
        monkeypatch.setenv(name, VALUES.get(name, KEY))
    yield


def keywords(node: Any, *, named: bool = False) -> set[str]:
    """Return the bounds in a schema; *named*: its keys are names of fields."""
    if isinstance(node, list):
        return {found for each in node for found in keywords(each)}
    if not isinstance(node, dict):
        return set()
    own = set() if named else BOUNDS & node.keys()
    inner = (keywords(each, named=key == "properties") for key, each in node.items())
    return set(own).union(*inner)


def schemas_in(node: Any) -> Iterator[Any]:
    """Yield the schemas in a request's body: what has the field `share`."""
    if isinstance(node, dict):
        if "share" in node.get("properties", ()):
            yield node
        else:
            for each in node.values():
                yield from schemas_in(each)
    elif isinstance(node, list):
        for each in node:
            yield from schemas_in(each)


def sent_by(choice: str, way: str, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the bodies that the shipped model *choice* sends to a server that refuses them."""
    bodies: list[Any] = []

    async def handle(asked: web.BaseRequest) -> web.Response:
        bodies.append(json.loads(await asked.read()))
        return web.json_response({"error": {"message": "no"}}, status=400)

    async def main() -> None:
        runner = web.ServerRunner(web.Server(handle))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        made = build(choice).settings.model
        monkeypatch.setenv("GEMINI_API_BASE", url)
        base = None if choice == "gemini" else url
        route = ModelRoute(made.name, base, made.api_key_env, params=made.params, transport=way)
        transport = LiteLLMTransport(route)
        await transport.open()
        try:
            asked = ({"role": "user", "content": "?"},)
            await transport.complete(Request("x", asked, 99, schema=SCHEMA), 600.0)
        except CallError:
            pass
        finally:
            await transport.close()
            await runner.cleanup()

    asyncio.run(main())
    return bodies


@pytest.mark.slow
@pytest.mark.parametrize(("choice", "way"), WAYS)
def test_a_provider_is_sent_the_bounds_that_it_accepts(
    choice: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (body,) = sent_by(choice, way, monkeypatch)
    (schema,) = schemas_in(body)

    assert SENT[choice] == keywords(schema)
    assert {"list", "share", "maximum"} == set(schema["properties"])


@pytest.mark.parametrize(
    ("name", "api_base", "expected"),
    [
        ("openai/gpt-5-mini", None, ITEMS | INCLUSIVE | EXCLUSIVE | {"pattern", "multipleOf"}),
        ("openai/gpt-5-mini", "https://eu.api.openai.com/v1", {"minItems"}),
        ("openai/local", "http://127.0.0.1:8080/v1", GRAMMAR),
        ("openai/local", "http://[::1]:8080/v1", GRAMMAR),
        ("hosted_vllm/openai/gpt-oss-20b", "http://127.0.0.1:8000/v1", GRAMMAR),
        ("openrouter/openai/gpt-5-mini", None, ITEMS),
        ("openrouter/google/gemini-3.8-flash", None, ITEMS | INCLUSIVE),
        ("openrouter/anthropic/claude-sonnet-4.6", None, {"pattern"}),
    ],
)
def test_the_bounds_follow_who_answers(name: str, api_base: str | None, expected: set[str]) -> None:
    assert expected <= accepted_bounds(name, api_base)


@pytest.mark.parametrize(
    "name",
    [
        "azure/gpt-5-mini",
        "bedrock/global.anthropic.claude-sonnet-4-6",
        "deepseek/deepseek-chat",
        "openai/ft:gpt-4o-mini:acme",
        "openrouter/qwen/qwen3",
        "litellm_proxy/mine",
        "somebody/new",
    ],
)
def test_who_may_refuse_bounds_is_sent_none(name: str) -> None:
    assert set() == keywords(sent_schema(SCHEMA, name, None))


@pytest.mark.parametrize("pattern", ["[a-z]", "^a", r"^(?=a)b$", r"^\bword$", r"^(a)\1$"])
def test_a_pattern_that_grammars_cannot_express_is_not_sent(pattern: str) -> None:
    schema = {"type": "string", "pattern": pattern, "minLength": 1}

    assert {"type": "string", "minLength": 1} == sent_schema(schema, "ollama/x", None)
