"""Providers that speak OpenAI's chat API, each with its own additions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from helpers import KEY
from helpers.provider_wire import (
    BEARER,
    EPHEMERAL,
    KEYLESS,
    NODE,
    REPLY,
    SCHEMA,
    Failure,
    Wire,
    marked,
)
from runner.base.text import digest
from runner.base.usage import Usage

BREAKPOINT = {"prompt_cache_breakpoint": {"mode": "explicit"}}
COUNTED = Usage(2000, 5, 1024)


def chat(model: str, limit: str = "max_tokens", **more: Any) -> dict[str, Any]:
    """Return the body of OpenAI's chat API for REQUEST."""
    named = {"name": NODE, "schema": SCHEMA, "strict": True}
    return {
        "model": model,
        "messages": [
            {"role": "system", "content": "You read."},
            {"role": "user", "content": "SHAREDASKED"},
        ],
        limit: 123,
        "response_format": {"type": "json_schema", "json_schema": named},
        **more,
    }


def chat_reply(cached: int = 1024, written: int = 0, **more: Any) -> dict[str, Any]:
    details = {"cached_tokens": cached, "audio_tokens": 0}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1790000000,
        "model": "served",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": REPLY, "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 2000,
            "completion_tokens": 5,
            "total_tokens": 2005,
            "prompt_tokens_details": {**details, "cache_write_tokens": written},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
            **more.pop("usage", {}),
        },
        "service_tier": "default",
        **more,
    }


def chat_fault(message: str, code: str | int | None, type_: str = "invalid_request_error") -> Any:
    return {"error": {"message": message, "type": type_, "param": None, "code": code}}


CHAT_FAILURES = (
    Failure("auth", 401, chat_fault(f"Incorrect API key provided: {KEY}.", "invalid_api_key")),
    Failure(
        "throttle",
        429,
        chat_fault("Rate limit reached.", "rate_limit_exceeded", "requests"),
        {"Retry-After": "7", "x-ratelimit-reset-requests": "6m0s"},
        7.0,
    ),
    Failure("transient", 503, chat_fault("Overloaded.", None, "service_unavailable_error")),
)


def split(mark: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"role": "system", "content": [marked("You read.", mark)]},
        {"role": "user", "content": [marked("SHARED", mark), marked("ASKED", {})]},
    ]


KEYED = {"prompt_cache_key": f"colloquy-{digest('You read.' + chr(0) + 'SHARED', 32)}"}
EXPLICIT = {"prompt_cache_options": {"mode": "explicit"}}
OPENAI = Wire(
    "openai",
    "/v1/chat/completions",
    BEARER,
    chat("gpt-5-mini", "max_completion_tokens", **KEYED),
    chat_reply(),
    COUNTED,
    CHAT_FAILURES,
    base="/v1",
    overrides=("model.name=openai/gpt-5-mini",),
)
OPENAI_MARKED = Wire(
    "openai",
    "/v1/chat/completions",
    BEARER,
    chat("gpt-6-luna", "max_completion_tokens", messages=split(BREAKPOINT), **KEYED, **EXPLICIT),
    chat_reply(1024, 512),
    Usage(2000, 5, 1024, 512),
    (),
    base="/v1",
)


AZURE = Wire(
    "azure",
    "/openai/deployments/gpt-6-luna/chat/completions?api-version=2025-04-01-preview",
    {"api-key": KEY},
    chat("gpt-6-luna", "max_completion_tokens", **KEYED),
    chat_reply(),
    COUNTED,
    (
        Failure("auth", 401, {"error": {"code": "401", "message": f"Access denied: {KEY}"}}),
        Failure(
            "throttle", 429, {"error": {"code": "429", "message": "?"}}, {"Retry-After": "7"}, 7.0
        ),
        Failure("transient", 503, {"error": {"code": "503", "message": "?"}}),
    ),
    address_env="AZURE_API_BASE",
)

MISTRAL = Wire(
    "mistral",
    "/v1/chat/completions",
    BEARER,
    chat("mistral-medium-2604", temperature=0.3, **KEYED),
    chat_reply(),
    COUNTED,
    (
        Failure("auth", 401, {"message": "Unauthorized", "request_id": "r"}),
        Failure(
            "throttle", 429, {"object": "error", "message": "Rate limit exceeded", "code": "1300"}
        ),
        Failure("transient", 503, {"object": "error", "message": "unreachable", "code": "1100"}),
    ),
    base="/v1",
)
GROQ = Wire(
    "groq",
    "/openai/v1/chat/completions",
    BEARER,
    chat("openai/gpt-oss-120b", temperature=0.3),
    chat_reply(service_tier="on_demand", x_groq={"id": "req_1"}),
    COUNTED,
    CHAT_FAILURES,
    base="/openai/v1",
)
OPENROUTER = Wire(
    "openrouter",
    "/api/v1/chat/completions",
    BEARER,
    chat(
        "openai/gpt-6-luna",
        messages=split(BREAKPOINT),
        temperature=0.3,
        usage={"include": True},
        provider={"require_parameters": True},
    ),
    chat_reply(provider="OpenAI", usage={"cost": 0.0123}),
    COUNTED,
    (
        Failure("auth", 401, {"error": {"code": 401, "message": "No auth credentials found"}}),
        Failure("billing", 402, {"error": {"code": 402, "message": "Insufficient credits"}}),
        Failure("throttle", 429, {"error": {"code": 429, "message": "Rate limited"}}),
        Failure("transient", 503, {"error": {"code": 503, "message": "No provider"}}),
    ),
    base="/api/v1",
    cost_usd=0.0123,
)
VLLM = Wire(
    "vllm",
    "/v1/chat/completions",
    KEYLESS,
    chat("openai/gpt-oss-20b", temperature=0.3),
    chat_reply(),
    COUNTED,
    (
        Failure("auth", 401, {"error": "Unauthorized"}),
        Failure("not_found", 404, chat_fault("The model does not exist.", 404, "NotFoundError")),
        Failure("transient", 503, chat_fault("Overloaded.", 503, "x")),
    ),
    base="/v1",
    cost_usd=0.0,
)
LITELLM_PROXY = Wire(
    "litellm_proxy",
    "/chat/completions",
    BEARER,
    chat("gpt-6-luna", temperature=0.3, messages=split(BREAKPOINT)),
    chat_reply(),
    COUNTED,
    CHAT_FAILURES,
)
PROXY_MARKED = Wire(
    "litellm_proxy",
    "/chat/completions",
    BEARER,
    chat("claude-sonnet-4-6", messages=split(EPHEMERAL), temperature=0.3),
    chat_reply(1024, 512),
    Usage(2000, 5, 1024, 512),
    (),
    overrides=("model.name=litellm_proxy/claude-sonnet-4-6",),
)
ROUTER_MARKED = Wire(
    "openrouter",
    "/api/v1/chat/completions",
    BEARER,
    chat(
        "anthropic/claude-sonnet-4-6",
        messages=split(EPHEMERAL),
        temperature=0.3,
        usage={"include": True},
        provider={"require_parameters": True},
    ),
    chat_reply(1024, 512, usage={"cost": 0.5}),
    Usage(2000, 5, 1024, 512),
    (),
    base="/api/v1",
    overrides=("model.name=openrouter/anthropic/claude-sonnet-4-6",),
    cost_usd=0.5,
)

CHAT_WIRES = (
    *(OPENAI, OPENAI_MARKED, AZURE, MISTRAL, GROQ, OPENROUTER, ROUTER_MARKED),
    *(VLLM, LITELLM_PROXY, PROXY_MARKED),
)
