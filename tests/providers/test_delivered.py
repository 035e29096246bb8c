"""Replies with status 200 that lie about usage, or that litellm cannot read, are charged."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import web
from helpers.both_ways import PLAIN, Ending, Handler, over_http
from helpers.provider_chat import chat_reply
from helpers.provider_own import ANTHROPIC, GEMINI

from runner.base.errors import CallError
from runner.base.tokens import tokenizer_for
from runner.calls.admission.budget import Sizer
from runner.providers.litellm.route import ModelRoute
from runner.providers.prices import prices_of
from runner.providers.request import Completion

pytestmark = pytest.mark.slow

OPENAI, CLAUDE, GOOGLE = (
    "openai/gpt-6-luna",
    "anthropic/claude-sonnet-4-6",
    "gemini/gemini-3.8-flash",
)
UNTRUE = (-5, "7", 7.0, "many", 1e30, float("nan"), float("inf"), None, [], True)


def raw(bodies: list[bytes]) -> Handler:
    async def handle(_: web.BaseRequest, place: int) -> web.Response:
        return web.Response(body=bodies[place], content_type="application/json")

    return handle


def endings(model: str, bodies: list[Any]) -> list[Ending]:
    sent = [body if isinstance(body, bytes) else json.dumps(body).encode() for body in bodies]
    return over_http(raw(sent), model, len(sent))


def chat(content: Any = "fine", **more: Any) -> dict[str, Any]:
    made = chat_reply()
    made["choices"][0]["message"]["content"] = content
    return {**made, **more}


def lies(name: str, usage: Mapping[str, Any], body: Mapping[str, Any]) -> list[Any]:
    """Return *body* with each count of *usage* replaced by each of UNTRUE, and without it."""
    made = [{**body, name: {**usage, key: value}} for key in usage for value in UNTRUE]
    made += [{**body, name: {k: v for k, v in usage.items() if k != key}} for key in usage]
    return [*made, *({**body, name: value} for value in (None, "x", [], 7))]


COUNTS = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
LIES = {
    OPENAI: lies("usage", COUNTS, chat()),
    CLAUDE: lies("usage", {"input_tokens": 7, "output_tokens": 5}, ANTHROPIC.answer),
    GOOGLE: lies(
        "usageMetadata",
        {"promptTokenCount": 7, "candidatesTokenCount": 5, "totalTokenCount": 12},
        GEMINI.answer,
    ),
}


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize("model", LIES)
def test_no_lie_about_usage_makes_a_reply_free_or_exceeds_its_reservation(
    model: str,
) -> None:
    sizer = Sizer(tokenizer_for(model), prices_of(ModelRoute(model)))
    most = asyncio.run(sizer.size(PLAIN))
    for body, end in zip(LIES[model], endings(model, LIES[model]), strict=True):
        assert isinstance(end, Completion), (body, end)
        assert end.usage.cost_usd is not None
        assert 0 < end.usage.cost_usd <= most.usd, (body, end)
        assert 0 < end.usage.tokens <= most.tokens, (body, end)


def test_what_can_be_read_is_read() -> None:
    bodies = {
        "fine": chat([{"type": "text", "text": "fi"}, {"type": "text", "text": "ne"}]),
        "fine\ufffd": json.dumps(chat("fine?")).encode().replace(b"?", b"\xff"),
        "": chat(choices=None),
        "beside an error": chat("beside an error", error={"message": "half", "code": 429}),
        "7": chat(7),
        "old": chat(choices=[{"text": "old", "finish_reason": ["stop"]}]),
        "in a delta": chat(choices=["x", {"delta": {"content": "in a delta"}}]),
        "as a text": chat("as a text", choices=[{"message": {"content": "as a text"}}]),
        "no tool": chat(
            choices=[{"message": {"content": "no tool", "tool_calls": [{"function": None}]}}]
        ),
        "in texts": chat("in texts", usage={"prompt_tokens": "7", "completion_tokens": "5"}),
        "in parts": chat("in parts", usage={"prompt_tokens": 7.0, "completion_tokens": 4.5}),
    }
    for text, end in zip(bodies, endings(OPENAI, list(bodies.values())), strict=True):
        assert isinstance(end, Completion), text
        assert text == end.text
        assert end.usage.cost_usd, text


@pytest.mark.parametrize(
    ("model", "bodies"),
    [
        (
            OPENAI,
            [
                b"<html>sign in</html>",
                b"",
                [],
                {},
                *(
                    chat(choices=[{"message": {"content": "ha"}, "finish_reason": broken_off}])
                    for broken_off in ("error", "abort", "network_error")
                ),
            ],
        ),
        (CLAUDE, [{}]),
        (GOOGLE, [{}, b"["]),
    ],
)
def test_what_cannot_be_read_is_charged_and_no_outage(model: str, bodies: list[Any]) -> None:
    for body, end in zip(bodies, endings(model, bodies), strict=True):
        assert isinstance(end, CallError), (body, end)
        assert ("bad_response", True) == (end.kind, end.billed), body
