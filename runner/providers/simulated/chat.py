"""Chat protocols of OpenAI and Anthropic: reading a request, building its reply."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from runner.answers.shared_schema import ASKED_PART
from runner.base.json import mapping, mappings
from runner.config.provider_facts import UNNAMED, CacheRules
from runner.providers.simulated.behaviour import Arrival
from runner.providers.simulated.tokens import token_ids


def arrival_of(body: Mapping[str, Any], reply: str, rules: CacheRules = UNNAMED) -> Arrival:
    """Return the arrival of request *body*, whose good reply is *reply*.

    The answer's schema precedes the prompt if the provider's *rules* say so.
    """
    texts = message_texts(body)
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    schema = response_schema(body) if rules.schema else None
    ids, ends = token_ids(json.dumps(schema)) if schema else [], list[int]()
    for text, marked in _parts(body):
        ids += token_ids(text)
        ends += [len(ids)] if marked else []
    return Arrival(
        analyzer=asked_of(body),
        prompt="\n".join(texts),
        prompt_ids=ids,
        max_tokens=limit if isinstance(limit, int) and limit > 0 else None,
        reply_tokens=len(token_ids(reply)),
        ends=tuple(ends),
        flex=body.get("service_tier") == "flex",
    )


def _parts(body: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Yield the texts of all messages, cut where a cached prefix is marked to end."""
    for message in body.get("messages") or []:
        text, content = "", message.get("content")
        for part in content if isinstance(content, list) else [{"text": _text(content)}]:
            text += str(part.get("text", ""))
            if "cache_control" in part or "prompt_cache_breakpoint" in part:
                yield text, True
                text = ""
        if text:
            yield text, False


def asked_of(body: Mapping[str, Any]) -> str:
    """Return the analyzer that asks: the one whose part of a shared schema is asked for."""
    parts = ASKED_PART.findall("\n".join(message_texts(body, system=False)))
    return str(parts[-1] if parts else _response_format(body).get("name", ""))


def message_texts(body: Mapping[str, Any], *, system: bool = True) -> list[str]:
    """Return the text of each message, its parts joined; *system* includes system messages."""
    messages = body.get("messages") or []
    return [_text(m.get("content")) for m in messages if system or m.get("role") != "system"]


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content)
    return "" if content is None else str(content)


def response_schema(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the JSON schema of the requested response format, or None."""
    schema = _response_format(body).get("schema")
    return schema if isinstance(schema, dict) else None


def _response_format(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(mapping(body.get("response_format")).get("json_schema"))


def completion(
    body: Mapping[str, Any],
    text: str,
    finish_reason: str,
    tokens: tuple[int, int],
    cached_tokens: int = 0,
    written_tokens: int = 0,
) -> dict[str, Any]:
    """Return a `chat.completion`; *text* is the reply, *tokens* are those of prompt and reply."""
    details = {"cached_tokens": cached_tokens}
    details |= {"cache_write_tokens": written_tokens} if written_tokens else {}
    prompt_tokens, completion_tokens = tokens
    message = {"role": "assistant", "content": text}
    tier = {"service_tier": body["service_tier"]} if "service_tier" in body else {}
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
            "prompt_tokens_details": details,
        },
        **tier,
    }


def encoded(value: Mapping[str, Any]) -> bytes:
    """Return *value* as JSON."""
    try:
        return orjson.dumps(value)
    except TypeError:  # a lone surrogate: JSON can escape it, UTF-8 cannot hold it
        return json.dumps(value).encode()


def chunks(whole: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield the events of completion *whole* as a stream: its first word, the rest, the usage."""
    for choice in whole["choices"]:
        message = choice["message"]
        first, space, rest = str(message.get("content") or "").partition(" ")
        yield _chunk(whole, [{"index": 0, "delta": {"role": "assistant", "content": first}}])
        delta = {**message, "content": space + rest}
        ended = {"finish_reason": choice["finish_reason"]}
        yield _chunk(whole, [{"index": 0, "delta": delta, **ended}])
    yield _chunk(whole, [], usage=whole.get("usage"))
    yield b"data: [DONE]\n\n"


def _chunk(whole: Mapping[str, Any], choices: list[Any], **more: Any) -> bytes:
    kept = {name: value for name, value in whole.items() if name not in ("choices", "usage")}
    chunk = {**kept, "object": "chat.completion.chunk", "choices": choices, **more}
    return f"data: {json.dumps(chunk)}\n\n".encode()


_TOOL = "json_tool_call"  # litellm's tool, by which a model without schemas answers in one


def has_messages(body: Mapping[str, Any]) -> bool:
    """Return whether a request of either chat API has messages, and nothing else among them."""
    sent = body.get("messages")
    return bool(sent) and sent == mappings(sent)


def asked_in(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request in *params* as a body of the chat API; what it lacks is empty."""
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
            pass  # what the model said instead of an answer
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
