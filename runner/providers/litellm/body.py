"""Body of a reply with status 200, converted to the form that litellm's configurations parse."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from runner.base.errors import CallError, one_line
from runner.base.json import mapping, mappings
from runner.providers.litellm.errors import error_in
from runner.providers.litellm.usage import token_count
from runner.providers.litellm.words import WORDS

_MAX_COUNT = 10**15  # tokens; impossible, but small enough for the libraries that parse it
_STATUSES = {code: int(status) for status, codes in WORDS["errors"].items() for code in codes}
_STATUSES |= dict.fromkeys(WORDS["billing"], 402)
_MAX_REASON_CHARS = 60
_SAID = ("message", "msg", "detail")  # of an error that has no field of its own
_NAMES = (  # of counts in OpenAI's first API and in its later one; Anthropic has the later two
    ("prompt_tokens", "input_tokens"),
    ("completion_tokens", "output_tokens"),
    ("prompt_tokens_details", "input_tokens_details"),
    ("completion_tokens_details", "output_tokens_details"),
)
_BROKEN_OFF = ("error", "insufficient_system_resource")  # at OpenRouter, and at DeepSeek
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
        body = json.loads(raw.decode(json.detect_encoding(raw), errors="replace"))
        return _converted(status, raw, body, lambda body: json.dumps(body).encode())
    except (ValueError, RecursionError) as error:
        if not 200 <= status < 300:
            return status, raw
        message = f"the reply is {_described(raw)}, expected JSON"
        raise CallError("bad_response", message, billed=True) from error


def _described(raw: bytes) -> str:
    """Return what a reply is that is not JSON, for a message."""
    text = raw.strip()
    if not text:
        return "empty"
    if text.startswith(b"<"):
        return "a web page (check the path of model.api_base)"
    return f"{'broken JSON' if text[:1] in b'{[' else 'plain text'} of {len(text):,} bytes"


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
    usage, own = "usage", body.get("type") == "message"  # OpenAI's format, or Anthropic's
    if "choices" in body:
        body["choices"] = [_choice(each) for each in mappings(body["choices"])]
        if any(choice["message"]["content"] for choice in body["choices"]):
            body.pop("error", None)  # which litellm would raise; a reply is worth more
    if body.get("error") or not any(body.get(name) for name in _REPLY):
        said = any(body.get(name) and isinstance(body[name], str | list) for name in _SAID)
        failed = said or body.get("error") or body.get("errors")
        meant = _status(error_in(body)) or 500 * bool(failed)
        if meant:
            return meant, raw
    if own:
        body["content"] = list(_blocks(body.get("content")))
        body = {"model": "", "stop_reason": None, **body}
    elif "candidates" in body:  # Gemini's
        usage, own = "usageMetadata", True
    if own or usage in body:
        body[usage] = _counts(_named(mapping(body.get(usage)), "choices" in body))
    return status, dump(body)


def _named(counted: Mapping[str, Any], chat: bool) -> dict[str, Any]:
    """Return the counts of a *chat*, or of one of Anthropic's messages, by the names we read."""
    names = dict(_NAMES) if chat else {later: first for first, later in _NAMES[:2]}
    found = {mine: counted.get(mine) or counted.get(names[mine]) for mine in names}
    named = {**counted, **{name: value for name, value in found.items() if value is not None}}
    cached = counted.get("cached_tokens") or counted.get("num_cached_tokens")
    if chat and cached:  # Moonshot's and Mistral's
        details = mapping(named.get("prompt_tokens_details"))
        named["prompt_tokens_details"] = {"cached_tokens": cached, **details}
    return named


def _status(error: Mapping[str, Any]) -> int | None:
    """Return the HTTP status that *error* names by number or code."""
    parts = (error, *mappings(error.get("details")))
    codes = [part.get(key) for part in parts for key in ("code", "type", "status", "reason")]
    named = [_STATUSES[each] for each in codes if isinstance(each, str) and each in _STATUSES]
    numbers = [number for each in codes if 400 <= (number := token_count(each) or 0) < 600]
    return next((s for s in (401, 402) if s in named), next(iter(numbers + named), None))


def _choice(choice: Mapping[str, Any]) -> dict[str, Any]:
    """Return *choice* with a message that has text, and with well-formed calls of tools.

    Raises CallError for a reply that its provider broke off.
    """
    reason = choice.get("finish_reason")
    if reason in _BROKEN_OFF:
        why = mapping(choice.get("error")).get("message") or reason
        broken = one_line(f"the provider broke the reply off: {why}")
        raise CallError("bad_response", broken, billed=True)
    message = {
        "role": "assistant",
        **mapping(choice.get("delta")),
        **mapping(choice.get("message")),
    }
    content = message.get("content", choice.get("text"))
    if isinstance(content, list):
        parts = [p.get("text") if isinstance(p, dict) else p for p in content]
        content = "".join(part for part in parts if isinstance(part, str))
    elif not isinstance(content, str | None):
        content = json.dumps(content)  # a reply that was parsed already
    calls = message.pop("tool_calls", None)
    called = [each for each in mappings(calls) if isinstance(each.get("function"), dict)]
    message |= {"content": content, **({"tool_calls": called} if called else {})}
    reason = reason if isinstance(reason, str) else None
    return {**choice, "message": message, "finish_reason": reason}


def _blocks(content: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the blocks of one of Anthropic's messages; a text may stand for itself."""
    for block in content if isinstance(content, list) else [content]:
        kind = mapping(block).get("type", "text")
        text = block if isinstance(block, str) else mapping(block).get("text")
        if isinstance(text, str) and kind == "text":
            yield {**mapping(block), "type": "text", "text": text}
        elif isinstance(kind, str) and kind != "text":
            yield block


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
