"""Providers with a protocol of their own: Anthropic, Gemini, Bedrock, Ollama."""

from __future__ import annotations

import json
from typing import Any

from helpers import KEY
from helpers.provider_wire import (
    EPHEMERAL,
    KEYLESS,
    NODE,
    REPLY,
    SCHEMA,
    Failure,
    Wire,
    marked,
)
from runner.base.usage import Usage


def anthropic_fault(kind: str) -> Any:
    error = {"type": kind, "message": f"told of {KEY}"}
    return {"type": "error", "error": error, "request_id": "req_1"}


ANTHROPIC = Wire(
    "anthropic",
    "/v1/messages",
    {"x-api-key": KEY, "anthropic-version": "2023-06-01"},
    {
        "model": "claude-sonnet-5-5",
        "system": [marked("You read.", EPHEMERAL)],
        "messages": [
            {"role": "user", "content": [marked("SHARED", EPHEMERAL), marked("ASKED", {})]}
        ],
        "max_tokens": 123,
        "thinking": {"type": "adaptive", "display": "summarized"},
        "output_config": {"effort": "low"},
        "output_format": {"type": "json_schema", "schema": SCHEMA},
    },
    {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5-5",
        "content": [{"type": "text", "text": REPLY}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 464,
            "cache_creation_input_tokens": 512,
            "cache_read_input_tokens": 1024,
            "output_tokens": 5,
            "service_tier": "standard",
        },
    },
    Usage(2000, 5, 1024, 512),
    (
        Failure("auth", 401, anthropic_fault("authentication_error")),
        Failure(
            "throttle",
            429,
            anthropic_fault("rate_limit_error"),
            {"retry-after": "7", "anthropic-ratelimit-requests-reset": "2020-01-01T00:00:00Z"},
            7.0,
        ),
        Failure("transient", 529, anthropic_fault("overloaded_error")),
    ),
)


def gemini_fault(code: int, status: str, *details: Any) -> Any:
    told = {"code": code, "message": f"told of {KEY}", "status": status}
    return {"error": {**told, "details": [*details]}}


GEMINI = Wire(
    "gemini",
    "/v1beta/models/gemini-3.8-flash:generateContent",
    {"x-goog-api-key": KEY},
    {
        "system_instruction": {"parts": [{"text": "You read."}]},
        "contents": [{"role": "user", "parts": [{"text": "SHAREDASKED"}]}],
        "generationConfig": {
            "temperature": 0.3,
            "max_output_tokens": 123,
            "response_mime_type": "application/json",
            "response_json_schema": SCHEMA,
        },
    },
    {
        "candidates": [
            {
                "content": {"parts": [{"text": REPLY}], "role": "model"},
                "finishReason": "STOP",
                "index": 0,
            }
        ],
        "usageMetadata": {
            "promptTokenCount": 2000,
            "candidatesTokenCount": 5,
            "thoughtsTokenCount": 7,
            "totalTokenCount": 2012,
            "cachedContentTokenCount": 1024,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 2000}],
            "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 1024}],
        },
        "modelVersion": "gemini-3.8-flash",
        "responseId": "r",
    },
    Usage(2000, 12, 1024, reasoning_tokens=7),
    (
        Failure("auth", 401, gemini_fault(401, "UNAUTHENTICATED")),
        Failure("throttle", 429, gemini_fault(429, "RESOURCE_EXHAUSTED")),
        Failure("transient", 503, gemini_fault(503, "UNAVAILABLE")),
    ),
    base="/v1beta",
)

BEDROCK = Wire(
    "bedrock",
    "/model/global.anthropic.claude-sonnet-5-5/converse",
    {},
    {
        "system": [{"text": "You read."}, {"cachePoint": {"type": "default"}}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"text": "SHARED"},
                    {"cachePoint": {"type": "default"}},
                    {"text": "ASKED"},
                ],
            }
        ],
        "inferenceConfig": {"maxTokens": 123},
        "additionalModelResponseFieldPaths": ["/usage/output_tokens_details"],
        "additionalModelRequestFields": {
            "thinking": {"type": "adaptive", "display": "summarized"},
            "output_config": {"effort": "low"},
        },
        "outputConfig": {
            "textFormat": {
                "type": "json_schema",
                "structure": {"jsonSchema": {"name": NODE, "schema": json.dumps(SCHEMA)}},
            }
        },
    },
    {
        "output": {"message": {"role": "assistant", "content": [{"text": REPLY}]}},
        "stopReason": "end_turn",
        "usage": {
            "inputTokens": 464,
            "outputTokens": 5,
            "totalTokens": 2005,
            "cacheReadInputTokens": 1024,
            "cacheWriteInputTokens": 512,
        },
        "metrics": {"latencyMs": 1},
    },
    Usage(2000, 5, 1024, 512),
    (
        Failure("auth", 403, {"message": f"invalid token {KEY}"}),
        Failure("throttle", 429, {"message": "Too many requests"}),
        Failure("transient", 503, {"message": "not able to process"}),
    ),
    address_env="AWS_BEDROCK_RUNTIME_ENDPOINT",
)

OLLAMA = Wire(
    "ollama",
    "/api/chat",
    KEYLESS,
    {
        "model": "llama3.1",
        "messages": [
            {"role": "system", "content": "You read.", "images": []},
            {"role": "user", "content": "SHAREDASKED", "images": []},
        ],
        "options": {
            "num_predict": 123,
            "temperature": 0.3,
            "num_ctx": 32768,
        },
        "format": SCHEMA,
        "stream": False,
    },
    {
        "model": "llama3.1",
        "created_at": "2026-11-24T00:00:00Z",
        "message": {"role": "assistant", "content": REPLY},
        "done_reason": "stop",
        "done": True,
        "total_duration": 5,
        "prompt_eval_count": 2000,
        "eval_count": 5,
    },
    Usage(2000, 5),
    (
        Failure("not_found", 404, {"error": "model 'llama3.1' not found"}),
        Failure("transient", 503, {"error": "server busy, maximum pending requests exceeded"}),
    ),
    cost_usd=0.0,
)

OWN_WIRES = (ANTHROPIC, GEMINI, BEDROCK, OLLAMA)
