"""Body of a reply with status 200, converted to the form that litellm's configurations parse."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from runner.base.json import mapping, mappings
from runner.providers.litellm.errors import error_in
from runner.providers.litellm.usage import token_count
from runner.providers.litellm.words import WORDS

_MAX_COUNT = 10**15  # tokens; impossible, but small enough for the libraries that parse it
_STATUSES = {code: int(status) for status, codes in WORDS["errors"].items() for code in codes}
_STATUSES |= dict.fromkeys(WORDS["billing"], 402)
_MAX_REASON_CHARS = 60
_REPLY = ("choices", "content", "candidates", "output")  # what a reply has in its provider's format


def readable(status: int, raw: bytes) -> tuple[int, bytes]:
    """Return the status that a reply means, and its body in a form that litellm can parse.

    Parts of a text are joined, token counts become whole numbers, invalid UTF-8 is replaced. An
    error in place of a reply gets the status that its code names, else 500.
    """
    try:
        return _converted(status, raw, orjson.loads(raw), orjson.dumps)
    except (ValueError, RecursionError, orjson.JSONEncodeError):
        pass  # invalid UTF-8, numbers beyond JSON's, or deep nesting
    try:
        body = json.loads(raw.decode("utf-8-sig", errors="replace"))
        return _converted(status, raw, body, lambda body: json.dumps(body).encode())
    except (ValueError, RecursionError):
        return status, raw


def stop_reason(body: bytes) -> str:
    """Return the provider's stop reason, "" if the body has none.

    litellm has one word, `content_filter`, for a model's refusal and for every kind of filter.
    """
    try:
        reply = mapping(orjson.loads(body))
    except ValueError:
        return ""
    first = next(iter(mappings(reply.get("choices") or reply.get("candidates"))), {})
    feedback = mapping(reply.get("promptFeedback"))
    reasons = (
        *(first.get(name) for name in ("native_finish_reason", "finish_reason", "finishReason")),
        *(feedback.get("blockReason"), reply.get("stop_reason"), reply.get("stopReason")),
    )
    return next((reason for reason in reasons if isinstance(reason, str)), "")[:_MAX_REASON_CHARS]


def _converted(
    status: int, raw: bytes, body: Any, dump: Callable[[Any], bytes]
) -> tuple[int, bytes]:
    if isinstance(body, list) and len(body) == 1:
        body = body[0]  # Gemini's errors
    if not isinstance(body, dict):
        return status, raw
    if not any(body.get(name) for name in _REPLY):
        meant = _status(error_in(body)) or 500 * bool(body.get("error") or body.get("errors"))
        if meant:
            return meant, raw
    usage, own = "usage", body.get("type") == "message"  # OpenAI's format, or Anthropic's
    if "choices" in body:
        choices = body["choices"] if isinstance(body["choices"], list) else []
        body["choices"] = [_choice(each) for each in choices]
    elif own and not isinstance(body.get("content"), list):
        text = body.get("content")
        body["content"] = [{"type": "text", "text": text}] if isinstance(text, str) else []
    elif "candidates" in body:  # Gemini's
        usage, own = "usageMetadata", True
    if own or usage in body:
        body[usage] = _counts(body[usage]) if isinstance(body.get(usage), dict) else {}
    return status, dump(body)


def _status(error: Mapping[str, Any]) -> int | None:
    """Return the HTTP status that *error* names by number or code."""
    parts = (error, *mappings(error.get("details")))
    codes = [part.get(key) for part in parts for key in ("code", "type", "status", "reason")]
    named = [_STATUSES[each] for each in codes if isinstance(each, str) and each in _STATUSES]
    numbers = [number for each in codes if 400 <= (number := token_count(each) or 0) < 600]
    return next((s for s in (401, 402) if s in named), next(iter(numbers + named), None))


def _choice(choice: Any) -> Any:
    message = choice.get("message") if isinstance(choice, dict) else None
    if isinstance(message, dict) and isinstance(message.get("content"), list):
        parts = [p.get("text") if isinstance(p, dict) else p for p in message["content"]]
        message["content"] = "".join(part for part in parts if isinstance(part, str))
    elif isinstance(message, dict) and isinstance(message.get("content"), dict):
        message["content"] = json.dumps(message["content"])  # a reply that was parsed already
    return choice


def _counts(value: Any) -> Any:
    """Return *value* with all token counts as whole numbers; 0 for a non-number."""
    if isinstance(value, list):  # Gemini's counts by modality
        return [_counts(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: max(-_MAX_COUNT, min(_MAX_COUNT, token_count(each) or 0))
        if name.lower().endswith(("tokens", "tokencount"))
        else _counts(each)
        for name, each in value.items()
    }
