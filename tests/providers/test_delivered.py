"""Replies with status 200 that lie about usage, or that litellm cannot read, are charged."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import web
from helpers.both_ways import KEY, PLAIN, Ending, Handler, over_http
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


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)


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
    max_tokens, max_usd = asyncio.run(sizer.size(PLAIN))
    for body, end in zip(LIES[model], endings(model, LIES[model]), strict=True):
        assert isinstance(end, Completion), (body, end)
        assert end.usage.cost_usd is not None
        assert 0 < end.usage.cost_usd <= max_usd, (body, end)
        assert 0 < end.usage.tokens <= max_tokens, (body, end)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (chat([{"type": "text", "text": "fi"}, {"type": "text", "text": "ne"}]), "fine"),
        (json.dumps(chat("fine?")).encode().replace(b"?", b"\xff"), "fine\ufffd"),
        (chat(choices=None), ""),
        (chat(usage={"prompt_tokens": "7", "completion_tokens": "5"}), "fine"),
        (chat(usage={"prompt_tokens": 7.0, "completion_tokens": 4.5}), "fine"),
    ],
)
def test_what_can_be_read_is_read(body: Any, text: str) -> None:
    (end,) = endings(OPENAI, [body])

    assert isinstance(end, Completion)
    assert text == end.text
    assert end.usage.cost_usd


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (OPENAI, b"<html>sign in</html>"),
        (OPENAI, chat(choices=["x"])),
        (OPENAI, chat(choices=[{"message": "x"}])),
        (OPENAI, chat(7)),
        (OPENAI, []),
        (OPENAI, {}),
        (OPENAI, chat(error={"message": "half", "code": 429})),
        (CLAUDE, {}),
        (GOOGLE, {}),
        (GOOGLE, b"["),
    ],
)
def test_what_cannot_be_read_is_charged_and_no_outage(model: str, body: Any) -> None:
    (end,) = endings(model, [body])

    assert isinstance(end, CallError), end
    assert ("bad_response", True) == (end.kind, end.billed)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "x", "code": "insufficient_quota", "type": "insufficient_quota"}, "billing"),
        ({"message": "x", "code": "invalid_api_key", "type": "invalid_request_error"}, "auth"),
        ({"message": "x", "code": "rate_limit_exceeded"}, "throttle"),
        ({"message": "x", "code": "model_not_found"}, "not_found"),
        ({"message": "x", "code": "context_length_exceeded"}, "context_exceeded"),
        ({"message": "x", "type": "invalid_request_error"}, "bad_request"),
        ({"message": "x", "type": "overloaded_error"}, "transient"),
        ({"message": "x", "code": 503}, "transient"),
        ("upstream failed", "transient"),
    ],
)
@pytest.mark.parametrize("model", [OPENAI, CLAUDE, GOOGLE])
def test_an_error_with_status_200_has_the_kind_of_its_meaning(
    model: str, error: Any, kind: str
) -> None:
    (end,) = endings(model, [{"error": error}])

    assert isinstance(end, CallError)
    assert (kind, False) == (end.kind, end.billed)
