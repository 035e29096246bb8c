"""Body of a reply with status 200, put into the form that litellm's configurations can read."""

import json
from collections.abc import Callable
from typing import Any

import orjson

from runner.providers.litellm.usage import token_count

_UNTRUE = 10**15  # tokens; more than any call takes, and still a number that libraries read
_STATUSES = {  # of errors by their code, type or status, as providers' references list them
    "api_error": 500,
    "authentication_error": 401,
    "billing_error": 402,
    "context_length_exceeded": 400,
    "insufficient_quota": 429,
    "invalid_api_key": 401,
    "invalid_request_error": 400,
    "model_not_found": 404,
    "not_found_error": 404,
    "overloaded_error": 529,
    "permission_error": 403,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "INVALID_ARGUMENT": 400,
    "NOT_FOUND": 404,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    "UNAUTHENTICATED": 401,
}


def readable(status: int, raw: bytes) -> tuple[int, bytes]:
    """Return the status that a reply means, and its body with what litellm cannot read mended.

    Parts of a text are joined, counts of tokens are whole numbers, bytes that are no UTF-8 are
    replaced. An error in place of a reply has the status that its code names, else 500.
    """
    dump: Callable[[Any], bytes] = orjson.dumps
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        try:
            body = json.loads(raw.decode("utf-8-sig", errors="replace"))
        except (ValueError, RecursionError):
            return status, raw
        dump = _dump
    if not isinstance(body, dict):
        return status, raw
    error = body.get("error")
    if error and not any(body.get(name) for name in ("choices", "content", "candidates")):
        return _meant(error), raw
    _mend(body)
    return status, dump(body)


def _mend(body: dict[str, Any]) -> None:
    """Change what litellm cannot read in *body*, of OpenAI's kind, Anthropic's or Gemini's."""
    usage, own = "usage", body.get("type") == "message"
    if "choices" in body:
        choices = body["choices"] if isinstance(body["choices"], list) else []
        body["choices"] = [_choice(each) for each in choices]
    elif own and not isinstance(body.get("content"), list):
        text = body.get("content")
        body["content"] = [{"type": "text", "text": text}] if isinstance(text, str) else []
    elif "candidates" in body:
        usage, own = "usageMetadata", True
    if own or usage in body:
        body[usage] = _counts(body[usage]) if isinstance(body.get(usage), dict) else {}


def _dump(body: Any) -> bytes:
    return json.dumps(body).encode()


def _meant(error: Any) -> int:
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


def _counts(usage: dict[str, Any]) -> dict[str, Any]:
    """Return *usage* with whole numbers for tokens; 0 for what is no number."""
    read: dict[str, Any] = {}
    for name, value in usage.items():
        if name.lower().endswith(("tokens", "tokencount")):
            read[name] = max(-_UNTRUE, min(_UNTRUE, token_count(value) or 0))
        elif isinstance(value, list):  # Gemini's counts by modality
            read[name] = [_counts(each) if isinstance(each, dict) else each for each in value]
        else:
            read[name] = _counts(value) if isinstance(value, dict) else value
    return read
