"""OpenAI's chat protocol: reading a request, building its completion."""

from collections.abc import Mapping
from typing import Any

from runner.providers.simulated.behaviour import Arrival
from runner.providers.simulated.tokens import token_ids


def arrival_of(body: Mapping[str, Any], reply: str) -> Arrival:
    """Return the arrival of request *body*, whose good reply is *reply*."""
    texts = message_texts(body)
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    return Arrival(
        analyzer=schema_name(body),
        prompt="\n".join(texts),
        prompt_ids=[token for text in texts for token in token_ids(text)],
        max_tokens=limit if isinstance(limit, int) else None,
        reply_tokens=len(token_ids(reply)),
    )


def message_texts(body: Mapping[str, Any], *, system: bool = True) -> list[str]:
    """Return the text of each message, its parts joined; *system* includes system messages."""
    messages = body.get("messages") or []
    return [_text(m.get("content")) for m in messages if system or m.get("role") != "system"]


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content)
    return "" if content is None else str(content)


def schema_name(body: Mapping[str, Any]) -> str:
    """Return the name of the requested response format, or ""."""
    return str(_response_format(body).get("name", ""))


def response_schema(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the JSON schema of the requested response format, or None."""
    schema = _response_format(body).get("schema")
    return schema if isinstance(schema, dict) else None


def _response_format(body: Mapping[str, Any]) -> Mapping[str, Any]:
    outer = body.get("response_format")
    inner = outer.get("json_schema") if isinstance(outer, dict) else None
    return inner if isinstance(inner, dict) else {}


def completion(
    body: Mapping[str, Any],
    text: str,
    finish_reason: str,
    tokens: tuple[int, int],
    cached_tokens: int = 0,
) -> dict[str, Any]:
    """Return a `chat.completion`; *text* is the reply, *tokens* are those of prompt and reply."""
    prompt_tokens, completion_tokens = tokens
    message = {"role": "assistant", "content": text}
    return {
        "id": "chatcmpl-simulated",
        "object": "chat.completion",
        "created": 0,
        "model": body.get("model", ""),
        "choices": [{"index": 0, "finish_reason": finish_reason, "message": message}],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
            "prompt_tokens_details": {"cached_tokens": cached_tokens},
        },
    }
