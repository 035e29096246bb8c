"""False usage: a provider's count is used only if it can be true."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runner.base.usage import Usage
from runner.providers.litellm.response import (
    ADDED_PROMPT,
    ADDED_REPLY,
    CallSize,
    reported_cost,
    usage_of,
)
from runner.providers.litellm.route import ModelRoute
from runner.providers.prices import cost_usd, prices_of, upper_bound_usd

ASKED, SAID = 1000, 20  # tokens that we count in the prompt and in the reply
SIZE = CallSize(
    prompt=lambda: ASKED,
    reply=lambda: SAID,
    reply_limit=500,
    max_prompt=4 * ASKED + ADDED_PROMPT,
    max_reply=500 + ADDED_REPLY,
)
PRICES = prices_of(ModelRoute("openai/gpt-6-luna"))


def said(prompt: Any = 1010, reply: Any = 30, **more: Any) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": reply, **more}


def details(**counts: Any) -> dict[str, Any]:
    return said(prompt_tokens_details=counts)


def hidden(reasoning: Any, total: Any = None) -> dict[str, Any]:
    return said(completion_tokens_details={"reasoning_tokens": reasoning}, total_tokens=total)


ACCEPTED = {
    "plain": (said(), Usage(1010, 30)),
    "a total": (said(total_tokens=1040), Usage(1010, 30)),
    "digits as text": (said("1010", "30"), Usage(1010, 30)),
    "floats": (said(1010.0, 29.5), Usage(1010, 30)),
    "cached": (details(cached_tokens=1010), Usage(1010, 30, 1010)),
    "written": (
        details(cached_tokens=10, cache_write_tokens=1000),
        Usage(1010, 30, 10, 1000),
    ),
    "written for an hour": (
        details(
            cache_creation_tokens=1000,
            cache_creation_token_details={"ephemeral_1h_input_tokens": 400},
        ),
        Usage(1010, 30, 0, 1000, cache_write_1h_tokens=400),
    ),
    "reasoning inside": (hidden(30, 1040), Usage(1010, 30, reasoning_tokens=30)),
    "details of null": (said(prompt_tokens_details=None), Usage(1010, 30)),
    "nothing": ({}, Usage(ASKED, SAID, estimated=True)),
    "no object": (None, Usage(ASKED, SAID, estimated=True)),
    "zeros": (said(0, 0), Usage(ASKED, SAID, estimated=True)),
}
CORRECTED = {
    "more cached than asked": (
        details(cached_tokens=5000),
        Usage(1010, 30, estimated=True),
        "cached_tokens=5000 + 0 exceed prompt_tokens=1010",
    ),
    "cached and written overlap": (
        details(cached_tokens=600, cache_write_tokens=600),
        Usage(1010, 30, 0, 600, estimated=True),
        "cached_tokens=600 + 600 exceed prompt_tokens=1010",
    ),
    "a short prompt beside its cache": (
        said(10, prompt_tokens_details={"cached_tokens": 990}),
        Usage(1000, 30, estimated=True),
        "cached_tokens=990 + 0 exceed prompt_tokens=10",
    ),
    "negative cached": (
        details(cached_tokens=-7),
        Usage(1010, 30, estimated=True),
        "cached_tokens=-7 cannot be true",
    ),
    "a negative prompt": (
        said(-5000),
        Usage(ASKED, 30, estimated=True),
        "prompt_tokens=-5000 cannot be true; prompt_tokens estimated as 1000",
    ),
    "a negative reply": (
        said(reply=-1),
        Usage(1010, SAID, estimated=True),
        "completion_tokens=-1 cannot be true; completion_tokens estimated as 20",
    ),
    "both negative": (
        said(-1, -1),
        Usage(ASKED, SAID, estimated=True),
        "prompt_tokens=-1 cannot be true; completion_tokens=-1 cannot be true; "
        "prompt_tokens estimated as 1000; completion_tokens estimated as 20",
    ),
    "a number beyond all windows": (
        said(1e30),
        Usage(ASKED, 30, estimated=True),
        "prompt_tokens=1e+30 cannot be true; prompt_tokens estimated as 1000",
    ),
    "a reply beyond its limit": (
        said(reply=10**15),
        Usage(1010, 500, estimated=True),
        "completion_tokens=1000000000000000 cannot be true",
    ),
    "not a number": (
        said(float("nan")),
        Usage(ASKED, 30, estimated=True),
        "prompt_tokens=nan cannot be true; prompt_tokens estimated as 1000",
    ),
    "infinity": (
        said(reply=float("inf")),
        Usage(1010, SAID, estimated=True),
        "completion_tokens=inf cannot be true; completion_tokens estimated as 20",
    ),
    "words": (
        said("many"),
        Usage(ASKED, 30, estimated=True),
        "prompt_tokens=many cannot be true; prompt_tokens estimated as 1000",
    ),
    "a truth value": (
        said(True),
        Usage(ASKED, 30, estimated=True),
        "prompt_tokens=True cannot be true; prompt_tokens estimated as 1000",
    ),
    "only a prompt": (
        {"prompt_tokens": 1010},
        Usage(1010, SAID, estimated=True),
        "completion_tokens estimated as 20",
    ),
    "only a reply": (
        {"completion_tokens": 30},
        Usage(ASKED, 30, estimated=True),
        "prompt_tokens estimated as 1000",
    ),
    "only a prompt and a total": (
        {"prompt_tokens": 1010, "total_tokens": 1090},
        Usage(1010, 80, estimated=True),
        "completion_tokens estimated as 80",
    ),
    "only a total": (
        {"total_tokens": 5000},
        Usage(5000, SAID, estimated=True),
        "prompt_tokens estimated as 5000; completion_tokens estimated as 20",
    ),
    "a total beyond its parts": (
        said(total_tokens=1440),
        Usage(1010, 430, estimated=True),
        "total_tokens=1440 exceed 1010 + completion_tokens=30",
    ),
    "reasoning beside the reply": (
        hidden(400, 1010 + 30 + 400),
        Usage(1010, 430, reasoning_tokens=400, estimated=True),
        "reasoning_tokens=400 are not in completion_tokens=30",
    ),
    "more reasoning than reply": (
        hidden(400),
        Usage(1010, 430, reasoning_tokens=400, estimated=True),
        "reasoning_tokens=400 are not in completion_tokens=30",
    ),
    "negative reasoning": (
        hidden(-4),
        Usage(1010, 30, estimated=True),
        "reasoning_tokens=-4 cannot be true",
    ),
    "more written to the cache than a prompt can have": (
        said(prompt_tokens_details={"cached_tokens": 10, "cache_creation_tokens": 1e9}),
        Usage(1010, 30, cache_write_tokens=1010, estimated=True),
        "cache_creation_tokens=1000000000.0 cannot be true; "
        "cached_tokens=10 + 1010 exceed prompt_tokens=1010",
    ),
    "more written for an hour than at all": (
        said(
            prompt_tokens_details={
                "cache_creation_tokens": 100,
                "cache_creation_token_details": {"ephemeral_1h_input_tokens": 500},
            }
        ),
        Usage(1010, 30, cache_write_tokens=100, cache_write_1h_tokens=100, estimated=True),
        "ephemeral_1h_input_tokens=500 cannot be true",
    ),
    "a false total": (
        said(total_tokens=1e30),
        Usage(1010, 30, estimated=True),
        "total_tokens=1e+30 cannot be true",
    ),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_usage_that_can_be_true_is_accepted(name: str) -> None:
    raw, expected = ACCEPTED[name]

    assert usage_of(raw, SIZE) == expected


@pytest.mark.parametrize("name", CORRECTED)
def test_usage_that_cannot_be_true_is_corrected_with_a_reason(name: str) -> None:
    raw, expected, why = CORRECTED[name]

    assert usage_of(raw, SIZE) == replace(expected, corrected=why)


@pytest.mark.parametrize("name", [*ACCEPTED, *CORRECTED])
def test_no_usage_credits_the_budget_or_exceeds_what_the_call_can_cost(name: str) -> None:
    usage = usage_of({**ACCEPTED, **CORRECTED}[name][0], SIZE)

    assert PRICES is not None
    bound = upper_bound_usd(SIZE.max_prompt, 2 * SIZE.max_reply, PRICES)
    assert 0 < cost_usd(usage, PRICES) <= bound
    assert cost_usd(usage, PRICES) >= 1000 * 1e-8  # all of the prompt, at least from the cache


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (0.25, (0.25, "")),
        (0, (0.0, "")),
        (None, (None, "")),
        (-1.0, (None, "cost=-1.0 cannot be true")),
        (1e30, (None, "cost=1e+30 cannot be true")),
        (float("nan"), (None, "cost=nan cannot be true")),
        (float("inf"), (None, "cost=inf cannot be true")),
        ("free", (None, "cost=free cannot be true")),
        ({"input_tokens_cost": 0.25, "total_cost": 0.5}, (0.5, "")),  # Perplexity's
    ],
)
def test_a_reported_cost_is_checked(said: Any, expected: Any) -> None:
    class Response:
        usage = type("Usage", (), {"cost": said})

    assert expected == reported_cost(Response(), 1000)


def test_a_key_of_ones_own_at_openrouter_costs_what_its_host_takes_too() -> None:
    class Response:
        usage = type("Usage", (), {"cost": 0.01, "is_byok": True})

    assert None is reported_cost(Response(), 1000)[0]
    Response.usage.cost_details = {"upstream_inference_cost": 0.2}
    assert (0.01 + 0.2, "") == reported_cost(Response(), 1000)
