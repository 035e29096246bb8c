"""The OpenAI chat protocol: what a request says, and the completion that answers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runner.providers.simulated.behaviour import Arrival
from runner.providers.simulated.tokens import token_ids


def arrival_of(body: Mapping[str, Any], reply: str) -> Arrival:
    """Return what decides about request *body* whose good answer is *reply*."""
    texts = message_texts(body)
    bound = body.get("max_completion_tokens") or body.get("max_tokens")
    return Arrival(
        analyzer=schema_name(body),
        prompt="\n".join(texts),
        prompt_ids=[token for text in texts for token in token_ids(text)],
        max_tokens=bound if isinstance(bound, int) else None,
        reply_tokens=len(token_ids(reply)),
    )


def message_texts(body: Mapping[str, Any], *, system: bool = True) -> list[str]:
    """Return the text of each message, parts joined; without *system* messages if so wanted."""
    messages = body.get("messages") or []
    return [_text(m.get("content")) for m in messages if system or m.get("role") != "system"]


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content)
    return "" if content is None else str(content)


def schema_name(body: Mapping[str, Any]) -> str:
    """Return the name of the response format that a request asks for, or ""."""
    return str(_wanted(body).get("name", ""))


def schema_beside(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the JSON schema of the response format, or None."""
    schema = _wanted(body).get("schema")
    return schema if isinstance(schema, dict) else None


def _wanted(body: Mapping[str, Any]) -> Mapping[str, Any]:
    wanted = body.get("response_format")
    named = wanted.get("json_schema") if isinstance(wanted, dict) else None
    return named if isinstance(named, dict) else {}


def completion(
    body: Mapping[str, Any],
    text: str,
    finish_reason: str,
    *,
    tokens: tuple[int, int] | None = None,
    cached_tokens: int = 0,
) -> dict[str, Any]:
    """Return a `chat.completion` object.

    *tokens* are those of prompt and reply where they have been counted already.
    """
    prompt_tokens, completion_tokens = tokens or (
        _count(message_texts(body)),
        _count([text]),
    )
    return {
        "id": "chatcmpl-simulated",
        "object": "chat.completion",
        "created": 0,
        "model": body.get("model", ""),
        "choices": [
            {
                "index": 0,
                "finish_reason": finish_reason,
                "message": {"role": "assistant", "content": text},
            }
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
            "prompt_tokens_details": {"cached_tokens": cached_tokens},
        },
    }


def _count(texts: Sequence[str]) -> int:
    return sum(len(token_ids(text)) for text in texts)
