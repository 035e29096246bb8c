"""Streams: requested if the first token matters, and read as an ordinary reply.

Server-sent events (HTML standard, 9.2) in the formats of OpenAI, Anthropic and Gemini. The events
are joined to the body that the provider would have sent without a stream, so that later code reads
no streams.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from io import StringIO
from typing import Any

import orjson

from runner.base.json import mapping, mappings

EVENTS = "text/event-stream"
_LAST = re.compile(rb'(?m)^data: ?(?:\[DONE\]|\{"type": ?"message_stop".*\})\s*+(?:^:.*+\s*+)*+\Z')
_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")
_USAGE = {"stream_options": {"include_usage": True}}
_MAX_CALLS = 128  # of tools in one reply, as many as OpenAI allows tools
_OWN_USAGE = ("anthropic", "mistral")  # send it unrequested, and refuse unknown parameters
_JOINED = ("content", "reasoning_content", "reasoning", "refusal")  # texts of OpenAI's deltas
_GROWING = {"text_delta": "text", "thinking_delta": "thinking"}
_SPOKEN = ("text", "thinking", "partial_json")  # of Anthropic's deltas

Event = Mapping[str, Any]


def stream_options(provider: str) -> dict[str, Any]:
    """Return the parameters that make *provider* stream its reply and count its tokens."""
    return {"stream": True} if provider in _OWN_USAGE else {"stream": True, **_USAGE}


def as_stream(provider: str, url: str, body: bytes) -> tuple[str, bytes]:
    """Return address and body of the same request for a stream."""
    if provider == "gemini":
        asked = "&alt=sse" if "?" in url else "?alt=sse"
        return url.replace(":generateContent", ":streamGenerateContent") + asked, body
    return url, orjson.dumps({**orjson.loads(body), **stream_options(provider)})


class FirstToken:
    """Calls *callback* once the chunks of a stream hold the first token of a reply."""

    def __init__(self, callback: Callable[[], object] | None = None) -> None:
        self._callback, self._line = callback, list[bytes]()  # the parts of the last line
        self.seen = False

    def feed(self, chunk: bytes) -> None:
        """Read the next bytes of the stream."""
        if self.seen:
            return
        whole, end, rest = chunk.rpartition(b"\n")
        if not end:
            self._line.append(chunk)
            return
        lines, self._line = b"".join((*self._line, whole, end)), [rest]
        with suppress(ValueError):  # detected again when the stream has ended
            self.seen = any(map(_has_token, _events(lines)))
        if self.seen and self._callback is not None:
            self._callback()


def has_ended(body: bytes | bytearray) -> bool:
    """Return whether *body*, the stream so far, has its last event; Gemini's have no such mark."""
    return _LAST.search(body[-1000:]) is not None


def is_stream(body: bytes) -> bool:
    """Return whether *body* is a stream, whatever its type is said to be."""
    return body.lstrip(b"\xef\xbb\xbf\r\n ").startswith(_FIELDS)


def joined(body: bytes) -> bytes | None:
    """Return the reply in a whole stream as one body; None if the stream ends early.

    For a stream with an error, only the error. Raises ValueError for anything but a stream of
    replies.
    """
    events = list(_events(body))
    error = next((e for e in events if e.get("error") or e.get("type") == "error"), None)
    if error is not None:
        return json.dumps({key: error[key] for key in ("type", "error") if key in error}).encode()
    if any("candidates" in event or "promptFeedback" in event for event in events):
        whole = _gemini(events)
    elif any(event.get("type") == "message_start" for event in events):
        whole = _anthropic(events)
    else:
        whole = _openai(events, done=has_ended(body))
    # Not with orjson, which refuses half a character and long numbers.
    return None if whole is None else json.dumps(whole, default=StringIO.getvalue).encode()


def _events(body: bytes) -> Iterator[Event]:
    """Yield the objects in a stream's events, a line each; raise ValueError for a damaged one."""
    for line in body.removeprefix(b"\xef\xbb\xbf").splitlines(keepends=True):
        data = line[5:].strip()
        if not line.startswith(b"data:") or data in (b"", b"[DONE]"):
            continue
        try:
            event = json.loads(data.decode(errors="replace"))
        except (ValueError, RecursionError) as error:
            if line.endswith((b"\n", b"\r")):
                raise ValueError("the stream has a line that is not JSON") from error
            continue  # cut within the line
        if isinstance(event, dict):
            yield event


def _has_token(event: Event) -> bool:
    delta = mapping(event.get("delta"))
    texts = [delta.get(name) for name in _SPOKEN]
    for choice in mappings(event.get("choices")):
        texts += [mapping(choice.get("delta")).get(name) for name in _JOINED]
    texts += [mapping(each).get("content") for each in mappings(event.get("candidates"))]
    return any(texts)


def _openai(events: list[Event], *, done: bool) -> dict[str, Any] | None:
    """Return the `chat.completion` of OpenAI's chunks, None unless *done* or all choices ended."""
    whole: dict[str, Any] = {}
    choices: dict[int, dict[str, Any]] = {}
    for event in events:
        own = {**event, **mapping(event.get("x_groq"))}  # Groq's usage
        whole |= {name: value for name, value in own.items() if value is not None}
        for part in mappings(event.get("choices")):
            place = _place(part)
            choice = choices.setdefault(place, {"index": place, "message": {"content": ""}})
            for name, value in mapping(part.get("delta") or part.get("message")).items():
                _grow(choice["message"], name, value)
            if part.get("finish_reason"):
                choice["finish_reason"] = part["finish_reason"]
    ended = bool(choices) and all("finish_reason" in choice for choice in choices.values())
    return {**whole, "choices": list(choices.values())} if done or ended else None


def _place(part: Event) -> int:
    index = part.get("index")
    return index if isinstance(index, int) else 0


def _append(holder: dict[str, Any], name: str, text: Any) -> None:
    """Append *text* to that called *name*, in time that does not grow with it."""
    if isinstance(text, str):
        if not isinstance(grown := holder.get(name), StringIO):
            holder[name] = begun = StringIO()
            begun.write(grown if isinstance(grown, str) else "")
        holder[name].write(text)


def _grow(message: dict[str, Any], name: str, value: Any) -> None:
    if isinstance(value, list) and name == "content":  # Mistral's parts; thoughts are not text
        value = "".join(str(part.get("text") or "") for part in mappings(value))
    if name == "function_call":  # the older form of one call
        name, value = "tool_calls", [{"index": 0, "function": value}]
    if name == "tool_calls":
        _add_calls(message.setdefault(name, []), value)
    elif name in _JOINED:
        _append(message, name, value)


def _add_calls(calls: list[dict[str, Any]], pieces: Any) -> None:
    """Append the *pieces* of tools' calls to the first _MAX_CALLS of them, by their index."""
    for piece in mappings(pieces):
        function = mapping(piece.get("function"))
        begun = next((c for c in calls if c.get("index") == piece.get("index") is not None), None)
        if begun is None and len(calls) < _MAX_CALLS:
            calls.append({**piece, "function": dict(function)})
        elif begun is not None:
            _append(begun["function"], "arguments", function.get("arguments"))


def _anthropic(events: list[Event]) -> dict[str, Any] | None:
    """Return the message of Anthropic's events, None if it has not ended."""
    whole: dict[str, Any] = {}
    blocks: dict[int, dict[str, Any]] = {}
    written: dict[int, dict[str, Any]] = {}
    for event in events:
        kind, delta, place = event.get("type"), mapping(event.get("delta")), _place(event)
        if kind == "message_start":
            whole = dict(mapping(event.get("message")))
        elif kind == "content_block_start":
            blocks[place] = dict(mapping(event.get("content_block")))
        elif kind == "content_block_delta":
            block = blocks.setdefault(place, {"type": "text"})
            if name := _GROWING.get(str(delta.get("type"))):
                _append(block, name, delta.get(name))
            _append(written.setdefault(place, {}), "input", delta.get("partial_json"))
        elif kind == "message_delta":
            whole |= delta
            counts = mapping(event.get("usage"))
            known_counts = {name: count for name, count in counts.items() if count is not None}
            whole["usage"] = {**mapping(whole.get("usage")), **known_counts}
    for place, parts in written.items():
        with suppress(ValueError, RecursionError, KeyError):  # none, or the limit cut it
            blocks[place]["input"] = json.loads(parts["input"].getvalue())
    return {**whole, "content": list(blocks.values())} if whole.get("stop_reason") else None


def _gemini(events: list[Event]) -> dict[str, Any] | None:
    """Return the one response of Gemini's responses, None if the reply has not ended."""
    whole: dict[str, Any] = {}
    candidate: dict[str, Any] = {}
    parts: list[Any] = []
    for event in events:
        whole |= event
        for each in mappings(event.get("candidates")):
            parts += mappings(mapping(each.get("content")).get("parts"))
            candidate |= each
    if not candidate:  # the prompt was refused
        return whole
    if "finishReason" not in candidate:
        return None
    content = {**mapping(candidate.get("content")), "parts": parts}
    return {**whole, "candidates": [{**candidate, "content": content}]}
