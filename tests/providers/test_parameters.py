"""Parameters of a call: what is left out after a provider's own words of refusal."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from runner.config.model_facts import model_facts
from runner.providers.litellm.errors import RefusedError, refusal_text
from runner.providers.litellm.parameters import Adaptation, parameters
from runner.providers.litellm.refusals import adapted_to
from runner.providers.litellm.route import ModelRoute
from runner.providers.request import Request

SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
TEXT = "Ann: temperature is not supported, nor is response_format. max_tokens: 5 > 4"
REQUEST = Request("say_means", ({"role": "user", "content": TEXT},), 8000, 0.2, SCHEMA, cache=True)
OPENAI = ModelRoute("openai/mine", params={"seed": 7})
LUNA = ModelRoute("openai/gpt-6-luna", effort="low", service_tier="flex")
CLAUDE = ModelRoute("anthropic/claude-haiku-4-5", effort="high")
GEMINI = ModelRoute("gemini/gemini-2.5-flash", effort="low", service_tier="flex")
MISTRAL = ModelRoute("mistral/mistral-medium-2604", effort="high")
ROUTER = ModelRoute("openrouter/openai/gpt-6-luna", effort="low")


def openai(message: str, param: str | None = None, code: str | None = None) -> Any:
    kind = "invalid_request_error"
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def anthropic(message: str) -> Any:
    return {"type": "error", "error": {"type": "invalid_request_error", "message": message}}


def extra(*loc: str) -> Any:
    faults = [{"type": "extra_forbidden", "loc": loc, "msg": "Extra inputs are not permitted"}]
    return {"detail": [{**faults[0], "input": TEXT}]}


def drops(*names: str) -> Adaptation:
    return Adaptation(frozenset(names))


USE = "Unsupported parameter: 'max_tokens' is not supported with this model. "
USE += "Use 'max_completion_tokens' instead."
ONLY = "Unsupported value: 'temperature' does not support 0.2 with this model. "
ONLY += "Only the default (1) value is supported."
RANGE = "but the supported range is from 1 (inclusive) to 4097 (exclusive)."
RAW = json.dumps(openai("Unsupported parameter: 'temperature' is not supported with this model."))
REFUSALS: list[tuple[ModelRoute, Any, Adaptation]] = [
    (
        OPENAI,
        openai(USE, "max_tokens", "unsupported_parameter"),
        Adaptation(limit="max_completion_tokens"),
    ),
    (OPENAI, openai(ONLY, "temperature", "unsupported_value"), drops("temperature")),
    (OPENAI, openai("Unrecognized request argument supplied: seed"), drops("seed")),
    (OPENAI, openai("Unknown parameter: 'seed'.", "seed", "unknown_parameter"), drops("seed")),
    (
        ModelRoute("hosted_vllm/mine", params={"extra_body": None, "seed": 7}),
        openai("Unknown parameter: 'seed'.", "seed", "unknown_parameter"),
        drops("seed"),
    ),
    (
        OPENAI,
        openai("max_tokens is too large: 8000. This model supports at most 4,096 tokens."),
        Adaptation(most=4096),
    ),
    (
        OPENAI,
        openai(
            "Invalid parameter: 'response_format' of type 'json_schema' is not supported with "
            "this model. Learn more about supported models",
            "response_format",
        ),
        drops("response_format"),
    ),
    (LUNA, openai("Invalid service_tier argument", "service_tier"), drops("service_tier")),
    (LUNA, openai("Unrecognized request argument supplied: prompt_cache_key"), drops("cache_key")),
    (LUNA, openai("Unknown parameter: 'prompt_cache_options'."), drops("cache_key")),
    (LUNA, openai("Unsupported value: 'reasoning_effort' does not support 'low'"), drops("effort")),
    (
        LUNA,
        openai("Unknown parameter: 'messages[1].content[0].prompt_cache_breakpoint'."),
        drops("cache"),
    ),
    (CLAUDE, anthropic("thinking: Extra inputs are not permitted"), drops("effort")),
    (
        CLAUDE,
        anthropic("`temperature` may only be set to 1 when thinking is enabled"),
        drops("effort"),
    ),
    (
        CLAUDE,
        anthropic("`max_tokens` must be greater than `thinking.budget_tokens`"),
        drops("effort"),
    ),
    (CLAUDE, anthropic("output_format: Extra inputs are not permitted"), drops("response_format")),
    (CLAUDE, anthropic("system.0.cache_control: Extra inputs are not permitted"), drops("cache")),
    (
        CLAUDE,
        anthropic("max_tokens: 8000 > 4096, which is the maximum for claude-3-haiku-20240307"),
        Adaptation(most=4096),
    ),
    (
        GEMINI,
        {
            "error": {
                "code": 400,
                "message": "Thinking is not supported",
                "status": "INVALID_ARGUMENT",
            }
        },
        drops("effort"),
    ),
    (
        GEMINI,
        {
            "error": {
                "message": 'Invalid JSON payload received. Unknown name "responseJsonSchema" at '
                "'generation_config': Cannot find field."
            }
        },
        drops("response_format"),
    ),
    (
        GEMINI,
        [{"error": {"message": f"it has a maxOutputTokens value of 8000 {RANGE}"}}],
        Adaptation(most=4096),
    ),
    (MISTRAL, extra("body", "prompt_cache_key"), drops("cache_key")),
    (MISTRAL, {"object": "error", "message": extra("body", "reasoning_effort")}, drops("effort")),
    (
        MISTRAL,
        {"message": "Input should be less than or equal to 0.1", "param": "temperature"},
        Adaptation(warmest=0.1),
    ),
    (OPENAI, {"object": "error", "message": f"{extra('body', 'seed')['detail']}"}, drops("seed")),
    (
        OPENAI,
        {"error": {"message": "property 'seed' is unsupported", "type": "invalid_request_error"}},
        drops("seed"),
    ),
    (
        OPENAI,
        openai("This model does not support response format `json_schema`."),
        drops("response_format"),
    ),
    (OPENAI, openai("`max_tokens` must be less than or equal to `1024`"), Adaptation(most=1024)),
    (
        OPENAI,
        openai("Invalid max_tokens value, the valid range of max_tokens is [1, 4096]"),
        Adaptation(most=4096),
    ),
    (
        OPENAI,
        openai("Unrecognized request argument supplied: max_tokens"),
        Adaptation(limit="max_completion_tokens"),
    ),
    (
        OPENAI,
        "openai does not support parameters: ['temperature'], for model=mine.",
        drops("temperature"),
    ),
    (OPENAI, "failed to parse grammar", drops("response_format")),
    (
        ROUTER,
        {"error": {"message": "Provider returned error", "metadata": {"raw": RAW}}},
        drops("temperature"),
    ),
    (
        ROUTER,
        openai("No endpoints found that can handle the requested parameters."),
        drops("temperature"),
    ),
    (
        ROUTER,
        {"error": {"message": "Reasoning is mandatory: effort cannot be low"}},
        drops("effort"),
    ),
]


def adapted(route: ModelRoute, body: Any, sent: Adaptation = Adaptation()) -> Adaptation | None:  # noqa: B008
    raw = body if isinstance(body, str) else json.dumps(body)
    facts = replace(model_facts(route.name), cache_marks=True)
    said = refusal_text(RefusedError(400, {}, raw.encode()))
    return adapted_to(route, REQUEST, facts, sent, said)


@pytest.mark.parametrize(("route", "body", "expected"), REFUSALS)
def test_a_refused_parameter_is_recognised_and_given_up_once(
    route: ModelRoute, body: Any, expected: Adaptation
) -> None:
    first = adapted(route, body)
    assert first is not None
    again = adapted(route, body, first)

    assert expected == first
    assert first.change_since(Adaptation(), REQUEST)
    assert again is None or again.dropped > first.dropped


@pytest.mark.parametrize(
    "message",
    [
        "Invalid 'messages[1].content': string too long.",
        "Invalid value: 'usr'. Supported values are: 'system', 'user'.",
        "The temperature outside is rising",  # refuses nothing
        "top_p is not supported with this model",  # was not sent
        "",
    ],
)
def test_what_refuses_nothing_that_was_sent_changes_nothing(message: str) -> None:
    assert adapted(OPENAI, openai(message)) is None


def test_a_text_that_a_provider_repeats_is_not_taken_for_its_own_words() -> None:
    body = {"detail": [{"type": "missing", "loc": ["body", "model"], "msg": "?", "input": TEXT}]}

    assert adapted(OPENAI, body) is None
    assert "temperature" not in refusal_text(RefusedError(422, {}, json.dumps(body).encode()))


def test_each_refusal_is_added_to_those_before() -> None:
    known = Adaptation()
    for body in (openai(ONLY), openai(USE), openai("'seed' is not supported")):
        known = adapted(OPENAI, body, known) or known
    sent = parameters(OPENAI, REQUEST, model_facts(OPENAI.name), known)

    assert Adaptation(frozenset({"temperature", "seed"}), "max_completion_tokens") == known
    assert {"max_completion_tokens", "response_format"} == sent.keys()


def test_a_deployment_is_asked_as_its_base_model_is() -> None:
    mine = ModelRoute("openai/mine", base_model="gpt-6-luna")
    plain = parameters(mine, REQUEST, model_facts(mine.map_name), Adaptation())
    still = parameters(
        replace(mine, effort="off"), REQUEST, model_facts(mine.map_name), Adaptation()
    )

    assert 8000 == plain["max_completion_tokens"]
    assert {"temperature", "max_tokens"}.isdisjoint(plain)
    assert (0.2, "none") == (still["temperature"], still["reasoning_effort"])


def test_a_budget_for_thinking_stays_below_the_replys_limit() -> None:
    facts = model_facts(CLAUDE.name)
    sent = {
        n: parameters(CLAUDE, replace(REQUEST, max_tokens=n), facts, Adaptation())
        for n in (900, 1500, 8000)
    }
    budgets = {n: one.get("thinking", {}).get("budget_tokens") for n, one in sent.items()}

    assert {900: None, 1500: 1200, 8000: 6400} == budgets
    assert [True, False, False] == ["temperature" in one for one in sent.values()]


def test_calls_with_one_prefix_have_one_cache_key_whatever_is_asked() -> None:
    def key(shared: str, asked: str, **route: Any) -> Any:
        parts = [{"type": "text", "text": shared}, {"type": "text", "text": asked}]
        request = replace(REQUEST, messages=({"role": "user", "content": parts},))
        facts = model_facts(LUNA.name)
        return parameters(replace(LUNA, **route), request, facts, Adaptation()).get(
            "prompt_cache_key"
        )

    assert key("one", "a") == key("one", "b") != key("two", "a")
    assert key("one", "a", cache="off") is None
