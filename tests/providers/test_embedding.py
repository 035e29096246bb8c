"""The real litellm's embeddings over real HTTP against a loopback server."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from helpers import job

from runner.base.errors import CallError, ConfigError
from runner.base.tokens import tokenizer_for
from runner.calls.admission.budget import Budget, Sizer
from runner.calls.admission.limits import Slots
from runner.calls.call_log import CallLog
from runner.calls.client import Client
from runner.calls.retry import RetryPolicy
from runner.providers.litellm.embedding import embedding_route, vectors_in
from runner.providers.litellm.embedding_transport import EmbeddingTransport
from runner.providers.litellm.route import ModelRoute
from runner.providers.prices import prices_of
from runner.providers.request import Completion, Request
from runner.providers.simulated.server import SimulatedProvider

MODEL = "openai/text-embedding-3-small"
TEXTS = ("The fares are too high.", "The fares are too dear.", "A lamp was broken.", "中文")
REQUEST = Request("themes", tuple({"role": "user", "content": text} for text in TEXTS), 0)


class Server(SimulatedProvider):
    """Answers the first requests with *first*, a status and a body, and keeps all of them."""

    def __init__(self, *first: tuple[int, Any]) -> None:
        super().__init__(lambda _: "")
        self.first, self.received = list(first), list[Mapping[str, Any]]()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.received.append({"path": request.path, **json.loads(await request.read())})
        if not self.first:
            return await super()._handle(request)
        status, body = self.first.pop(0)
        return web.json_response(body, status=status)


def embedded(
    *first: tuple[int, Any], budget: Budget | None = None
) -> tuple[Completion | CallError, CallLog, Server]:
    async def main() -> tuple[Completion | CallError, CallLog, Server]:
        async with Server(*first) as server:
            route, calls = ModelRoute(MODEL, api_base=server.url), CallLog()
            transport = EmbeddingTransport(route)
            await transport.open()
            sizer = Sizer(tokenizer_for(MODEL), prices_of(route))
            client = Client(transport, RetryPolicy(2, 0.001), 20.0, sizer=sizer)
            client = replace(client, budget=budget or Budget())
            try:
                return await client.complete(REQUEST, Slots(1), calls), calls, server
            except CallError as error:
                return error, calls, server
            finally:
                await transport.close()

    return asyncio.run(main())


def test_like_texts_have_like_vectors_and_the_maps_price() -> None:
    budget = Budget(max_cost_usd=1.0)

    reply, calls, server = embedded(budget=budget)

    assert isinstance(reply, Completion)
    vectors = vectors_in(reply.text)
    cosine = [round(sum(map(float.__mul__, vectors[0], each)), 1) for each in vectors]
    assert [256] * 4 == [len(each) for each in vectors]
    assert all(math.isclose(1.0, math.hypot(*each), abs_tol=1e-6) for each in vectors)
    assert cosine[0] == 1.0 > cosine[1] > 0.5 > cosine[2]
    assert ["/v1/embeddings"] == [each["path"] for each in server.received]
    assert [*TEXTS] == server.received[0]["input"]
    assert 256 == server.received[0]["dimensions"]
    assert reply.usage.prompt_tokens * 2e-8 == pytest.approx(reply.usage.cost_usd)
    assert (["ok"], reply.usage.cost_usd) == ([a.outcome for a in calls.attempts], budget.spent_usd)


def vector(index: int, *values: Any) -> dict[str, Any]:
    return {"object": "embedding", "index": index, "embedding": list(values)}


@pytest.mark.parametrize(
    ("first", "outcomes"),
    [
        ([(500, {"error": {"message": "down"}})], ["transient", "ok"]),
        ([(401, {"error": {"message": "no"}})], ["auth"]),
        ([(200, {"object": "list", "data": [vector(0, 1.0)]})], ["bad_response", "ok"]),
        ([(200, [1])], None),
        ([(200, {"object": "list", "data": [vector(n, 1, None) for n in range(4)]})], None),
        ([(200, {"object": "list", "data": [vector(n, 0.0) for n in range(4)]})], None),
        ([(200, {"object": "list", "data": [vector(0, 1.0) for _ in range(4)]})], None),
        ([(200, {"object": "list", "data": [vector(n, *[1] * (n + 1)) for n in range(4)]})], None),
    ],
)
def test_a_failed_or_damaged_reply_is_asked_for_again_by_our_policy(
    first: list[tuple[int, Any]], outcomes: list[str] | None
) -> None:
    _, calls, server = embedded(*first)

    assert (outcomes or ["bad_response", "ok"]) == [each.outcome for each in calls.attempts]
    assert len(calls.attempts) == len(server.received)


def test_a_model_that_cannot_shorten_its_vectors_is_asked_for_whole_ones() -> None:
    message = 'Model "x" does not support matryoshka representation'
    _, calls, server = embedded((400, {"error": {"message": message}}))

    assert ["bad_request", "ok"] == [each.outcome for each in calls.attempts]
    assert [256, None] == [each.get("dimensions") for each in server.received]


def test_nothing_is_sent_for_which_the_budget_has_no_room() -> None:
    reply, _, server = embedded(budget=Budget(max_cost_usd=1e-8))

    assert "budget.max_cost_usd=1e-08 has no room" in str(reply)
    assert [] == server.received


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (("offline/extractive",), "offline model has none; expected null or PROVIDER/MODEL"),
        (("mistral/mistral-embed",), "needs MISTRAL_API_KEY, which is not set"),
        (("jina_ai/unknown", "budget.max_cost_usd=1"), "the price of .*jina_ai/unknown is unknown"),
        (("large",), "collection.embeddings"),
    ],
)
def test_a_model_that_cannot_be_asked_or_capped_is_refused_before_the_run(
    overrides: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MISTRAL_API_KEY", raising=False)
    name, *more = overrides
    with pytest.raises(ConfigError, match=said):
        job("model=offline", f"collection.embeddings={name}", *more)


def test_address_and_key_go_to_the_provider_of_the_runs_model_only() -> None:
    simulated = job("model=simulated").settings.model
    own = {"simulate": None, "api_base": "http://127.0.0.1:9/v1", "api_key_env": "OWN_KEY"}
    model = simulated.model_copy(update=own)

    same, other = (embedding_route(name, model) for name in (MODEL, "mistral/mistral-embed"))

    assert ("http://127.0.0.1:9/v1", model.api_key_env) == (same.api_base, same.api_key_env)
    assert (None, "MISTRAL_API_KEY") == (other.api_base, other.api_key_env)
    assert "http://local/v1" == embedding_route(MODEL, simulated, "http://local/v1").api_base
