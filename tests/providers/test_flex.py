"""The flex tier on the wire: what is sent, what lack of capacity is, and what replies cost."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from helpers import FaultyProvider, job

from runner.base.errors import CallError, ConfigError
from runner.providers.litellm.errors import RefusedError, classify
from runner.providers.litellm.route import ModelRoute
from runner.providers.litellm.transport import LiteLLMTransport
from runner.providers.prices import prices_of
from runner.providers.request import Request
from runner.providers.simulated.faults import error_response

ASKED = Request("say_means", ({"role": "user", "content": "What was decided?"},), 100)
NONE_LEFT = error_response(429, "Resource unavailable, try again later", "resource_unavailable")
GOOGLE = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
REASON = {"code": 429, "details": [{"reason": "MODEL_CAPACITY_EXHAUSTED"}], "message": "No"}


def test_flex_is_asked_for_and_live_is_not_and_the_reply_has_the_price_of_its_tier() -> None:
    async def main() -> tuple[list[str], list[float | None], list[object]]:
        async with FaultyProvider(lambda _: "It was.", [NONE_LEFT]) as server:
            prices = {"input_usd_per_mtok": 10.0, "output_usd_per_mtok": 40.0}
            live = ModelRoute("openai/mine", api_base=server.url, **prices)  # type: ignore[arg-type]
            flex, found, costs = replace(live, delivery="flex"), list[str](), list[float | None]()
            for route in (flex, flex, live):
                transport = LiteLLMTransport(route)
                await transport.open()
                try:
                    reply = await transport.complete(ASKED, 600.0)
                    found.append(reply.tier)
                    costs.append(reply.usage.cost_usd)
                except CallError as error:
                    found.append(error.kind)
                await transport.close()
            return found, costs, [each.body.get("service_tier") for each in server.received]

    found, costs, sent = asyncio.run(main())

    assert ["flex", "flex", None] == sent
    assert ["no_capacity", "flex", ""] == found
    assert costs[0]
    assert costs[1] == pytest.approx(2 * costs[0])


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, {"error": {"message": "x", "code": "resource_unavailable"}}, "no_capacity"),
        (429, {"error": {"message": "Resource Unavailable"}}, "no_capacity"),
        (429, {"error": REASON}, "no_capacity"),
        (498, {"error": {"message": "full", "code": "capacity_exceeded"}}, "no_capacity"),
        (503, GOOGLE, "no_capacity"),
        (503, {"message": "Bedrock is unable to process your request."}, "no_capacity"),
        (429, {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, "throttle"),
        (429, {"error": {"message": "pay", "code": "insufficient_quota"}}, "billing"),
        (500, {"error": {"message": "broken"}}, "transient"),
    ],
)
def test_lack_of_capacity_is_told_from_limits_by_provider(
    status: int, body: object, kind: str
) -> None:
    refused = RefusedError(status, {}, json.dumps(body).encode())
    routes = (ModelRoute("x", delivery=delivery) for delivery in ("flex", "live"))
    at_flex, at_live = (classify(refused, route).kind for route in routes)

    assert kind == at_flex
    assert "no_capacity" != at_live


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["model.name=anthropic/x"], "model.delivery=flex: anthropic has no flex tier"),
        (["model.name=mistral/x"], "mistral has no flex tier, expected another delivery"),
        (["model.service_tier=priority"], "delivery=flex contradicts model.service_tier=priority"),
        (["+model.params.service_tier=auto"], "contradicts model.params.service_tier=auto"),
        (["model.service_tier=flex", "model.delivery=batch"], "delivery=batch contradicts"),
        (["model.service_tier=default", "model.delivery=auto"], "delivery=auto contradicts"),
    ],
)
def test_what_contradicts_flex_is_refused_in_one_line_before_anything_is_sent(
    overrides: list[str], said: str
) -> None:
    with pytest.raises(ConfigError, match="delivery") as caught:
        job("plan=true", "model.name=openai/gpt-5-mini", "model.delivery=flex", *overrides)

    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_tier_costs_what_the_map_has_or_the_provider_publishes() -> None:
    def share(name: str, delivery: str, **own: float) -> float:
        live = prices_of(ModelRoute(name, **own))  # type: ignore[arg-type]
        other = prices_of(ModelRoute(name, delivery=delivery, **own))  # type: ignore[arg-type]
        assert live
        assert other
        return other.levels[0][1].output / live.levels[0][1].output

    own = {"input_usd_per_mtok": 3.0, "output_usd_per_mtok": 9.0}

    assert 0.5 == share("openai/gpt-5-mini", "flex")
    assert 1.0 == share("openai/gpt-4.1-mini", "flex")  # which has no flex
    assert 0.5 == share("openai/mine", "flex", **own)
    assert 1.0 == share("groq/mine", "flex", **own)  # more calls, at the same price
    assert 0.5 == share("mistral/mistral-small-latest", "batch")
    assert 1.0 == share("hosted_vllm/mine", "batch", **own)
