"""A parameter that a provider refuses: sent again once without it, and never again in the run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import structlog
from aiohttp import web
from helpers.both_ways import PLAIN, Server, opened

from runner.base.errors import CallError
from runner.calls.admission.budget import Budget
from runner.calls.admission.gate import Gate
from runner.calls.admission.limits import Admission, Slots
from runner.calls.call_log import CallLog
from runner.calls.client import Client
from runner.calls.retry import RetryPolicy
from runner.config.model_facts import model_facts
from runner.providers.litellm.parameters import Adaptation, parameters
from runner.providers.litellm.refusals import adapted_to
from runner.providers.litellm.route import ModelRoute
from runner.providers.request import Request
from runner.providers.simulated.chat import completion

SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
WHOLE = replace(PLAIN, schema=SCHEMA, temperature=0.2, max_tokens=9000)


def takes_no_temperature(body: Any) -> str | None:
    return ("temperature" in body and "'temperature' is not supported with this model") or None


def takes_nothing(body: Any) -> str | None:
    """Refuse one thing after the other, as a server does that checks in order."""
    if "max_tokens" in body:
        return "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
    if body.get("max_completion_tokens", 0) > 4096:
        return "max_completion_tokens is too large: it supports at most 4096"
    if "response_format" in body:
        return "Invalid parameter: 'response_format' is not supported"
    return takes_no_temperature(body)


def takes_no_text(body: Any) -> str | None:
    return "'messages' is not supported: temperature of this model"


def takes_no_system(body: Any) -> str | None:
    return ("system" == body["messages"][0]["role"] and "System role not supported") or None


Refusing = Callable[[Any], str | None]


def converse(
    refuse: Refusing, *rounds: int, request: Request = WHOLE, status: int = 400
) -> tuple[list[Any], list[Any], list[Any], Budget]:
    """Make *rounds* of so many calls at once; return bodies, endings, warnings and the budget."""
    budget = Budget(max_tokens=10**9)

    async def handle(asked: web.BaseRequest, _: int) -> web.Response:
        body = json.loads(await asked.read())
        if (fault := refuse(body)) is not None:
            error = {"message": fault, "type": "invalid_request_error"}
            return web.json_response({"error": error}, status=status)
        return web.json_response(completion(body, '{"x": 1}', "stop", (9, 5)))

    async def main() -> tuple[list[Any], list[Any], list[Any], Budget]:
        ends: list[Any] = []
        async with Server(handle) as server:
            route = ModelRoute("openai/mine", f"{server.url}/v1", "MY_KEY")
            async with opened(route) as transport:
                made = Client(transport, RetryPolicy(0), 30.0, gate=Gate(8), budget=budget)
                made = replace(made, admission=Admission())
                for calls in rounds:
                    asked = (made.complete(request, Slots(8), CallLog()) for _ in range(calls))
                    ends += await asyncio.gather(*asked, return_exceptions=True)
            return [sent.body for sent in server.sent], ends, [], budget

    with structlog.testing.capture_logs() as events:
        bodies, ends, _, _ = asyncio.run(main())
    said = [e for e in events if e["log_level"] == "warning" and e["event"] != "limit.lowered"]
    return bodies, ends, said, budget


def test_calls_in_flight_are_sent_again_and_later_ones_right_at_once() -> None:
    bodies, ends, said, budget = converse(takes_no_temperature, 3, 2)

    assert 5 == sum(not isinstance(end, BaseException) for end in ends)
    assert [True] * 3 + [False] * 5 == ["temperature" in body for body in bodies]
    assert ["parameter.refused"] == [event["event"] for event in said]
    assert "temperature is no longer sent" in said[0]["reason"]
    assert 5 * 14 == budget.spent_tokens  # a refusal is not billed


def test_a_gateway_that_refuses_with_a_500_is_understood_too() -> None:
    bodies, ends, said, _ = converse(takes_no_temperature, 1, status=500)

    assert [True, False] == ["temperature" in body for body in bodies]
    assert not isinstance(ends[0], BaseException)
    assert 1 == len(said)


@pytest.mark.parametrize("status", [400, 500])
def test_the_system_message_begins_the_users_where_a_template_has_no_system(status: int) -> None:
    bodies, ends, said, _ = converse(takes_no_system, 1, 1, status=status)

    assert not any(isinstance(end, BaseException) for end in ends)
    assert [2, 1, 1] == [len(body["messages"]) for body in bodies]
    system, user = (message["content"] for message in bodies[0]["messages"])
    merged = {"role": "user", "content": f"{system}\n\n{user}"}
    assert [merged] == bodies[1]["messages"] == bodies[2]["messages"]
    assert "a system message is no longer sent" in said[0]["reason"]


REFUSALS = [  # what a server says, by what is left out
    ("temperature", "`temperature` and `top_p` cannot both be specified for this model."),
    ("temperature", "Argument not supported on this model: temperature"),
    ("reasoning_effort", "reasoning_effort: Input should be 'none', 'medium' or 'high'"),
    ("presence_penalty", "Argument not supported on this model: presencePenalty"),
    ("extra_body", "body.dry_multiplier; Extra inputs are not permitted"),
    ("max_tokens", "The maximum tokens you requested exceeds the model limit of 4096."),
    ("response_format", "Grammar error: Unimplemented keys: ['uniqueItems']"),
    ("response_format", "response_format is enabled only for api versions 2024-08-01 and later"),
    ("response_format", "This model's response_format of json_schema isn't available."),
    ("response_format", "output_config: Extra inputs are not permitted"),
    ("response_format", "Value at 'outputConfig' failed to satisfy constraint"),
    ("response_format", "No endpoints found that support the provided 'response_format' parameter"),
]


@pytest.mark.parametrize(("name", "text"), REFUSALS)
def test_the_refused_parameter_is_found_in_what_a_server_says(name: str, text: str) -> None:
    body = {"dry_multiplier": 0.5, "cache_prompt": True}
    params = {"presence_penalty": 0.1, "extra_body": body}
    route = ModelRoute("openai/mine", params=params, effort="low")
    facts = model_facts(route.map_name)

    now = adapted_to(route, WHOLE, facts, Adaptation(), text)

    before, after = (parameters(route, WHOLE, facts, each) for each in (Adaptation(), now))
    assert {name} == {key for key in before if before[key] != after.get(key)}


@pytest.mark.parametrize(
    "text", ["out of range [0, 0.5]", "should be in (0.0, 0.5]", "must be <= 0.5"]
)
def test_a_temperature_that_is_too_high_is_lowered_to_the_highest(text: str) -> None:
    hot = replace(WHOLE, temperature=0.7)

    now = adapted_to(
        ModelRoute("openai/mine"), hot, model_facts("mine"), Adaptation(), f"temperature {text}"
    )

    assert now is not None
    assert (0.5, frozenset()) == (now.warmest, now.dropped)


def test_a_refused_system_message_is_no_parameter() -> None:
    system = ({"role": "system", "content": "You read."}, *WHOLE.messages)
    asked = replace(WHOLE, messages=system)
    said = "System messages are not supported by this model"

    now = adapted_to(ModelRoute("openai/mine"), asked, model_facts("mine"), Adaptation(), said)

    assert now is not None
    assert {"system"} == now.dropped


def test_one_refusal_after_the_other_is_met_and_the_schema_goes_into_the_prompt() -> None:
    bodies, ends, said, _ = converse(takes_nothing, 1, 1)

    assert 2 == sum(not isinstance(end, BaseException) for end in ends)
    assert 4 + 2 == len(bodies)
    assert 4 == len(said)
    assert 4096 == bodies[-1]["max_completion_tokens"]
    assert json.dumps(SCHEMA) in bodies[-1]["messages"][-1]["content"]
    assert json.dumps(SCHEMA) not in bodies[0]["messages"][-1]["content"]


def test_a_refusal_that_leaving_out_does_not_end_is_the_calls_failure() -> None:
    bodies, ends, _, _ = converse(takes_no_text, 1)

    assert 2 == len(bodies)
    assert isinstance(ends[0], CallError)
    assert ("bad_request", False) == (ends[0].kind, ends[0].again)
