"""Body of a reply with status 200, converted to the form that litellm's configurations parse."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from runner.base.errors import CallError
from runner.base.json import mapping, mappings
from runner.providers.litellm.errors import error_in
from runner.providers.litellm.response import token_count
from runner.providers.litellm.words import WORDS

_MAX_COUNT = 10**15  # tokens; impossible, but small enough for the libraries that parse it
_STATUSES = {code: int(status) for status, codes in WORDS["errors"].items() for code in codes}
_STATUSES |= dict.fromkeys(WORDS["codes"]["billing"], 402)
_REASONS = (  # why a model stopped, its provider's own word first
    *("native_finish_reason", "finish_reason", "finishReason", "blockReason"),
    *("stop_reason", "stopReason"),
)
_SAID = ("message", "msg", "detail")  # of an error that has no field of its own
_NAMES = (  # of counts in OpenAI's first API and in its later one; Anthropic has the later two
    ("prompt_tokens", "input_tokens"),
    ("completion_tokens", "output_tokens"),
    ("prompt_tokens_details", "input_tokens_details"),
    ("completion_tokens_details", "output_tokens_details"),
)
_PARTS = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")  # of a prompt
_SPOKEN = ("refusal", "reasoning_content", "reasoning")  # texts beside the content
# At OpenRouter, DeepSeek, Zhipu, and SGLang.
_BROKEN_OFF = ("error", "insufficient_system_resource", "network_error", "abort")
REPEATED_REPLY = "failed_generation"  # in Groq's error about a reply that breaks its schema
_REPLY = ("choices", "content", "candidates", "output")  # what a reply has in its provider's format


class Readable(NamedTuple):
    """A reply: its *status*, *body*, and the provider's reason why it *stopped*, "" for none.

    litellm has one word, `content_filter`, for a model's refusal and for every kind of filter.
    """

    status: int
    body: bytes
    stopped: str = ""


def readable(status: int, raw: bytes) -> Readable:
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
            return Readable(status, raw)
        message = f"the reply is {_described(raw)}, expected JSON"
        raise CallError("bad_response", message, billed=True) from error


def _described(raw: bytes) -> str:
    """Return what a reply is that is not JSON, for a message."""
    text = raw.strip()
    if text.startswith(b"<"):
        return "a web page (check the path of model.api_base)"
    kind = "broken JSON" if text[:1] in b"{[" else "plain text"
    return f"{kind} of {len(text):,} bytes" if text else "empty"


def _stopped(reply: Mapping[str, Any]) -> str:
    first = next(iter(mappings(reply.get("choices") or reply.get("candidates"))), {})
    places = (first, mapping(reply.get("promptFeedback")), reply)
    reasons = (place.get(name) for place in places for name in _REASONS)
    return next((reason for reason in reasons if isinstance(reason, str)), "")


def _converted(status: int, raw: bytes, body: Any, dump: Callable[[Any], bytes]) -> Readable:
    if isinstance(body, list) and len(body) == 1:
        body = body[0]  # Gemini's errors
    if not isinstance(body, dict):
        return Readable(status, raw)
    if isinstance(said := (error := error_in(body)).get(REPEATED_REPLY), str):
        ended = "length" if "tokens reached" in str(error.get("message")) else "stop"
        status, body = 200, {"choices": [{"finish_reason": ended, "message": {"content": said}}]}
    if "choices" in body:
        body["choices"] = [_choice(each) for each in mappings(body["choices"])]
        if any(choice["message"]["content"] for choice in body["choices"]):
            body.pop("error", None)  # which litellm would raise; a reply is worth more
    if body.get("error") or not any(body.get(name) for name in _REPLY):
        said = any(body.get(name) and isinstance(body[name], str | list) for name in _SAID)
        failed = said or body.get("error") or body.get("errors")
        meant = _status(error_in(body)) or 500 * bool(failed)
        if meant:
            return Readable(meant, raw)
    reply: dict[str, Any]
    if body.get("type") == "message":  # Anthropic's
        counted = _summed(_named(mapping(body.get("usage")), chat=False))
        reply = {"content": list(_blocks(body.get("content"))), "usage": counted}
        reply |= {"type": "message", "model": "", "stop_reason": None}
        reply |= _texts(body, "model", "stop_reason")
    elif "candidates" in body:  # Gemini's
        reply = {
            "candidates": [_candidate(each) for each in mappings(body["candidates"])],
            "promptFeedback": _texts(mapping(body.get("promptFeedback")), "blockReason"),
            "usageMetadata": _counts(mapping(body.get("usageMetadata"))),
        }
    else:
        reply, chat = body, "choices" in body
        if chat:
            reply = {"id": "", "created": 0, "choices": body["choices"], "service_tier": None}
            reply |= _texts(body, "model", "service_tier")
        if "usage" in body:
            reply["usage"] = _counts(_named(mapping(body["usage"]), chat=chat))
    return Readable(status, dump(reply), _stopped(reply))


def _texts(part: Mapping[str, Any], *names: str) -> dict[str, str]:
    """Return those of *names* in *part* whose value is a text."""
    return {name: part[name] for name in names if isinstance(part.get(name), str)}


def _named(counted: Mapping[str, Any], *, chat: bool) -> dict[str, Any]:
    """Return the counts of a *chat*, or of one of Anthropic's messages, by the names we read."""
    names = dict(_NAMES) if chat else {later: first for first, later in _NAMES[:2]}
    found = {mine: counted.get(mine) or counted.get(names[mine]) for mine in names}
    named = {**counted, **{name: value for name, value in found.items() if value is not None}}
    cached = counted.get("cached_tokens") or counted.get("num_cached_tokens")
    if chat and cached:  # Moonshot's and Mistral's
        details = mapping(named.get("prompt_tokens_details"))
        named["prompt_tokens_details"] = {"cached_tokens": cached, **details}
    return named


def _summed(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return Anthropic's counts, whose parts litellm adds up: one that is impossible spoils all.

    The tokens written to the cache are at least those of its lifetimes.
    """
    counted: dict[str, Any] = _counts({**given, "server_tool_use": None})
    lifetimes = mapping(counted.get("cache_creation")).values()
    written = sum(max(0, tokens) for tokens in lifetimes if isinstance(tokens, int))
    if written > (counted.get(_PARTS[-1]) or 0):
        counted[_PARTS[-1]] = written
    known = [token_count(given[name]) for name in _PARTS if given.get(name) is not None]
    missing = given.get(_PARTS[0]) is None and any(counted.get(name) for name in _PARTS)
    if missing or any(tokens is None or tokens < 0 for tokens in known):
        counted[_PARTS[0]] = -_MAX_COUNT  # so that no sum is believed
    return counted


def _status(error: Mapping[str, Any]) -> int | None:
    """Return the HTTP status that *error* names by number or code."""
    parts = (error, *mappings(error.get("details")))
    codes = [part.get(key) for part in parts for key in ("code", "type", "status", "reason")]
    named = [_STATUSES[each] for each in codes if isinstance(each, str) and each in _STATUSES]
    numbers = [number for each in codes if 400 <= (number := token_count(each) or 0) < 600]
    return next((s for s in (401, 402) if s in named), next(iter(numbers + named), None))


def _choice(choice: Mapping[str, Any]) -> dict[str, Any]:
    """Return *choice* in litellm's form; raise CallError if its provider broke it off."""
    reason = choice.get("finish_reason")
    if reason in _BROKEN_OFF:
        why = mapping(choice.get("error")).get("message") or reason
        broken = f"the provider broke the reply off: {why}"
        raise CallError("bad_response", broken, billed=True)
    message = {**mapping(choice.get("delta")), **mapping(choice.get("message"))}
    content = message.get("content", choice.get("text"))
    if isinstance(content, list):
        parts = [p.get("text") if isinstance(p, dict) else p for p in content]
        content = "".join(part for part in parts if isinstance(part, str))
    elif not isinstance(content, str | None):
        content = json.dumps(content)  # a reply that was parsed already
    kept: dict[str, Any] = {"role": "assistant", "content": content, **_texts(message, *_SPOKEN)}
    calls = [*mappings(message.get("tool_calls")), {"function": message.get("function_call")}]
    if called := [call for each in calls for call in _called(each.get("function"))]:
        kept["tool_calls"] = called
    reasons = _texts(choice, "finish_reason", "native_finish_reason")
    return {"finish_reason": None, **reasons, "index": 0, "message": kept}


def _called(function: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the call of a tool, if its *function* is well-formed."""
    if isinstance(function, dict) and (arguments := function.get("arguments")):
        text = arguments if isinstance(arguments, str) else json.dumps(arguments)
        named = {"name": str(function.get("name") or ""), "arguments": text}
        yield {"id": "", "type": "function", "function": named}


def _blocks(content: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the blocks of one of Anthropic's messages; a text may stand for itself."""
    for block in content if isinstance(content, list) else [content]:
        kind = mapping(block).get("type", "text")
        text = block if isinstance(block, str) else mapping(block).get(str(kind))
        if isinstance(text, str) and kind in ("text", "thinking"):
            yield {"type": kind, kind: text, **({} if kind == "text" else {"signature": ""})}
        elif kind == "tool_use":
            name, given = str(block.get("name") or ""), block.get("input") or {}
            yield {"type": kind, "id": "", "name": name, "input": given}


def _candidate(candidate: Mapping[str, Any]) -> dict[str, Any]:
    """Return one of Gemini's candidates with its texts and calls of functions."""
    parts = list[dict[str, Any]]()
    for part in mappings(mapping(candidate.get("content")).get("parts")):
        called = mapping(part.get("functionCall"))
        if isinstance(part.get("text"), str):
            parts.append({"text": part["text"], "thought": part.get("thought") is True})
        elif isinstance(called.get("name"), str):
            parts.append({"functionCall": {"name": called["name"], "args": called.get("args")}})
    return {"content": {"role": "model", "parts": parts}, **_texts(candidate, "finishReason")}


def _counts(value: Any) -> Any:
    """Return *value* with all token counts as whole numbers; 0 for a non-number."""
    if isinstance(value, list):  # Gemini's counts by modality, in fields called TokensDetails
        return [_counts(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: max(-_MAX_COUNT, min(_MAX_COUNT, token_count(each) or 0))
        if name.lower().endswith(("tokens", "tokencount")) and not isinstance(each, dict)
        else _counts(mappings(each) if name.endswith("TokensDetails") else each)
        for name, each in value.items()
    }
