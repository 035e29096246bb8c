"""What litellm makes of a request, learned once per shape and filled in for each call."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from multidict import CIMultiDict
from yarl import URL

# Stands for a value while litellm is asked what it would send; nobody can have written it.
_MARK = f"colloquy-{secrets.token_hex(8)}"
_SCHEMA_TITLE = f"{_MARK}-schema-"
_MARKS = re.compile(
    rf'{_MARK}-text-(\d+)-|\{{"type":"object","title":"{_SCHEMA_TITLE}(\d+)-"\}}'.encode()
)
_OF_THE_CONNECTION = ("Host", "Content-Length", "Transfer-Encoding")
_READ_TIMEOUT = "X-Stainless-Read-Timeout"  # the OpenAI client tells its timeout, in seconds


@dataclass(frozen=True, slots=True)
class Hollow:
    """Arguments of a call with marks for its texts and its schema, and these *values* as JSON.

    *shape* is the same for calls that differ in nothing else, but for the timeout. A text has
    no quotes: its mark stands within a string.
    """

    arguments: dict[str, Any]
    values: tuple[bytes, ...]
    shape: bytes


@dataclass(frozen=True, slots=True)
class Template:
    """The HTTP request of one shape: the values stand, in *order*, between its body's *pieces*."""

    url: URL
    headers: CIMultiDict[str]
    ssl: Any
    pieces: tuple[bytes, ...]
    order: tuple[int, ...]

    @property
    def by_sdk(self) -> bool:
        """Whether the OpenAI client, and not litellm's own, makes this request."""
        return "X-Stainless-Lang" in self.headers

    def body(self, values: tuple[bytes, ...]) -> bytes:
        """Return the JSON that is sent with *values* in their places."""
        parts = [self.pieces[0]]
        for place, piece in zip(self.order, self.pieces[1:], strict=True):
            parts += (values[place], piece)
        return b"".join(parts)

    def headers_for(self, timeout_s: float) -> CIMultiDict[str]:
        """Return the headers of a call that waits *timeout_s* at most."""
        if _READ_TIMEOUT not in self.headers:
            return self.headers
        headers = self.headers.copy()
        headers[_READ_TIMEOUT] = str(timeout_s)
        return headers


def hollow(arguments: Mapping[str, Any]) -> Hollow | None:
    """Return litellm's *arguments* with marks; None where they hold what JSON cannot."""
    values: list[bytes] = []
    marked = {name: value for name, value in arguments.items() if name != "timeout"}
    try:
        marked["messages"] = [_hollow_message(one, values) for one in arguments["messages"]]
        named = arguments.get("response_format", {}).get("json_schema")
        if named is not None:
            marked["response_format"] = {
                **arguments["response_format"],
                "json_schema": _hollow_schema(named, values),
            }
        shape = orjson.dumps(marked)
    except TypeError:  # half a character, or a parameter that only Python knows
        return None
    return Hollow({**marked, "timeout": arguments["timeout"]}, tuple(values), shape)


def _hollow_message(message: Mapping[str, Any], values: list[bytes]) -> dict[str, Any]:
    content = message["content"]
    if isinstance(content, str):
        return {**message, "content": _hollow_text(content, values)}
    parts = [{**part, "text": _hollow_text(part["text"], values)} for part in content]
    return {**message, "content": parts}


def _hollow_text(text: str, values: list[bytes]) -> str:
    if not text.strip():
        return text  # litellm may treat an empty one in a way of its own
    values.append(orjson.dumps(text)[1:-1])
    return f"{_MARK}-text-{len(values) - 1}-"


def _hollow_schema(named: Mapping[str, Any], values: list[bytes]) -> dict[str, Any]:
    values.append(orjson.dumps(named["schema"]))
    schema = {"type": "object", "title": f"{_SCHEMA_TITLE}{len(values) - 1}-"}
    return {**named, "name": _hollow_text(named["name"], values), "schema": schema}


async def template_of(request: aiohttp.ClientRequest, count: int) -> Template | None:
    """Return the template of which *request* is an instance with *count* marks for values.

    None where it is not what we know how to send and to read: a chat completion at once and
    without a proxy, with every mark once, whole, and in the body only.
    """
    chat = request.method == "POST" and request.url.path.endswith("/chat/completions")
    headers = CIMultiDict(request.headers)
    for name in _OF_THE_CONNECTION:
        headers.popall(name, None)
    if not chat or request.proxy is not None or _MARK in str(headers):
        return None
    assert isinstance(request.body, aiohttp.Payload)
    try:
        body = orjson.loads(await request.body.as_bytes())
    except ValueError:
        return None
    if not isinstance(body, dict) or body.get("stream"):
        return None
    return _cut(request, headers, orjson.dumps(body), count)


def _cut(
    request: aiohttp.ClientRequest, headers: CIMultiDict[str], body: bytes, count: int
) -> Template | None:
    pieces, order, end = list[bytes](), list[int](), 0
    for mark in _MARKS.finditer(body):
        pieces.append(body[end : mark.start()])
        order.append(int(mark[1] or mark[2]))
        end = mark.end()
    pieces.append(body[end:])
    if sorted(order) != list(range(count)) or _MARK.encode() in b"".join(pieces):
        return None
    return Template(request.url, headers, request.ssl, tuple(pieces), tuple(order))
