"""Body of a reply with status 200, converted to the form that litellm's configurations parse."""

import json
from collections.abc import Callable
from typing import Any

import orjson

from runner.providers.litellm.usage import token_count

_MAX_COUNT = 10**15  # tokens; impossible, but small enough for the libraries that parse it
_CODES = {  # of errors by status: their code, type or status in the providers' references
    400: ("context_length_exceeded", "invalid_request_error", "INVALID_ARGUMENT"),
    401: ("authentication_error", "invalid_api_key", "UNAUTHENTICATED"),
    402: ("billing_error",),
    403: ("permission_error", "PERMISSION_DENIED"),
    404: ("model_not_found", "not_found_error", "NOT_FOUND"),
    429: ("insufficient_quota", "rate_limit_error", "rate_limit_exceeded", "RESOURCE_EXHAUSTED"),
    529: ("overloaded_error",),
}
_STATUSES = {code: status for status, codes in _CODES.items() for code in codes}


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


def _converted(
    status: int, raw: bytes, body: Any, dump: Callable[[Any], bytes]
) -> tuple[int, bytes]:
    if not isinstance(body, dict):
        return status, raw
    error = body.get("error")
    if error and not any(body.get(name) for name in ("choices", "content", "candidates")):
        return _status(error), raw
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


def _status(error: Any) -> int:
    """Return the HTTP status for *error*, an error object or text."""
    said = [error.get(key) for key in ("code", "type", "status")] if isinstance(error, dict) else []
    named = [_STATUSES[each] for each in said if isinstance(each, str) and each in _STATUSES]
    numbers = [each for each in said if isinstance(each, int) and 400 <= each < 600]
    return next(iter(numbers + named), 500)


def _choice(choice: Any) -> Any:
    """Return *choice* with the parts of its text joined."""
    message = choice.get("message") if isinstance(choice, dict) else None
    if isinstance(message, dict) and isinstance(message.get("content"), list):
        parts = [p.get("text") if isinstance(p, dict) else p for p in message["content"]]
        message["content"] = "".join(part for part in parts if isinstance(part, str))
    return choice


def _counts(value: Any) -> Any:
    """Return *value* with whole numbers for all token counts in it; 0 for what is no number."""
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
