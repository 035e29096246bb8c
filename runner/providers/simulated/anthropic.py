"""Anthropic's messages: reading a request as one of the chat API, building its message."""

from collections.abc import Mapping
from typing import Any

import orjson

from runner.base.json import mapping, mappings

_TOOL = "json_tool_call"  # litellm's tool for schemas at models without them


def asked_in(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request in *params* as a body of the chat API; missing fields are empty."""
    system = params.get("system") or ""
    messages = [{"role": "system", "content": system}] if system else []
    tool = next((each for each in mappings(params.get("tools")) if each.get("name") == _TOOL), {})
    formats = (params.get("output_format"), mapping(params.get("output_config")).get("format"))
    schema = next((s for f in formats if (s := mapping(f).get("schema"))), None)
    schema = schema or tool.get("input_schema")
    body = {
        "model": params.get("model", ""),
        "messages": [*messages, *mappings(params.get("messages"))],
        "max_tokens": params.get("max_tokens"),
    }
    if schema:
        body["response_format"] = {"type": "json_schema", "json_schema": {"schema": schema}}
        body["tool"] = bool(tool)
    return body


def message_of(whole: Mapping[str, Any], *, tool: bool = False, tier: str = "batch") -> Any:
    """Return completion *whole* as a message; a reply in a schema is a call of litellm's *tool*."""
    choice, usage = whole["choices"][0] if whole["choices"] else {}, mapping(whole.get("usage"))
    text = str(mapping(choice.get("message")).get("content") or "")
    reason = {"length": "max_tokens", "content_filter": "refusal"}.get(
        str(choice.get("finish_reason")), "end_turn"
    )
    content: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
    if tool and reason == "end_turn":
        try:
            called = {"type": "tool_use", "id": "toolu_1", "name": _TOOL}
            content, reason = [{**called, "input": orjson.loads(text)}], "tool_use"
        except orjson.JSONDecodeError:
            pass  # the model's text in place of an answer
    details = mapping(usage.get("prompt_tokens_details"))
    cached, written = details.get("cached_tokens", 0), details.get("cache_write_tokens", 0)
    return {
        **{"id": "msg_simulated", "type": "message", "role": "assistant"},
        "model": whole.get("model", ""),
        "content": content,
        **{"stop_reason": reason, "stop_sequence": None},
        "usage": {
            "input_tokens": usage.get("prompt_tokens", 0) - cached - written,
            "output_tokens": usage.get("completion_tokens", 0),
            **{"cache_read_input_tokens": cached, "cache_creation_input_tokens": written},
            "service_tier": tier,
        },
    }
