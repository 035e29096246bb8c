"""What a server can do on the wire has one kind, on three wires and by both ways of a call.

The server is `helpers.fault_server`: raw sockets, independent of the simulated provider.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import resource
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from helpers import KEY
from helpers.fault_server import (
    CLOSE,
    RESET,
    Asked,
    FaultServer,
    Step,
    bomb,
    chunked,
    compressed,
    good,
    http,
    reply,
)

from runner.base.errors import CallError
from runner.providers.litellm.route import ModelRoute
from runner.providers.litellm.transport import LiteLLMTransport
from runner.providers.request import Completion, Request

pytestmark = pytest.mark.slow

MODELS = {
    "openai": "openai/gpt-5-mini",
    "anthropic": "anthropic/claude-sonnet-4-6",
    "gemini": "gemini/gemini-3.8-flash",
}
ASKED = Request("say_means", ({"role": "user", "content": "MATERIAL QUESTION"},), max_tokens=100)
MIB = 1 << 20
OK, LOST, UNREADABLE = ("ok", True), ("connection", True), ("bad_response", True)
# Headers without a length: the body ends with its last chunk, or with the connection.
CHUNKED = http().replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
ENDLESS = http().replace(b"Content-Length: 0\r\n", b"")

Ending = tuple[str, bool]
Make = Callable[[Asked], Iterable[Step]]


def whole(**more: Any) -> Make:
    """Return the script of a good reply, sent as *more* says."""
    return lambda asked: [http(reply(asked), **more)]


def packed(coding: str, named: str = "", change: Callable[[bytes], bytes] = bytes) -> Make:
    """Return the script of a good reply, compressed, then changed."""
    return lambda asked: [
        http(change(compressed(reply(asked), coding)), coding=named or coding.replace("raw", ""))
    ]


def halves(body: bytes) -> tuple[bytes, bytes]:
    return body[: len(body) // 2], body[len(body) // 2 :]


def sent(*steps: Step) -> Make:
    return lambda _: steps


def cut(step: str, length: int = 20, **more: Any) -> Make:
    return lambda asked: [http(reply(asked), **more)[:-length], step]


def status(line: str, body: bytes = b"{}", *headers: str, **more: Any) -> Make:
    return sent(http(body, line, *headers, **more))


READABLE: dict[str, Make] = {
    "as it is": good,
    "gzip": packed("gzip"),
    "gzip by its old name": packed("gzip", "x-gzip"),
    "deflate": packed("deflate"),
    "deflate without a header": packed("raw", "deflate"),
    "identity": whole(coding="identity"),
    "a chunk for every byte": whole(chunk=1),
    "another type": whole(kind="text/plain"),
    "a charset that nobody knows": whole(kind="application/json; charset=nope"),
    "UTF-8 with a mark": lambda asked: [http(b"\xef\xbb\xbf" + reply(asked))],
    "until the connection ends": lambda asked: [ENDLESS, reply(asked), CLOSE],
    "100 before": lambda asked: [b"HTTP/1.1 100 Continue\r\n\r\n" * 100, *good(asked)],
    "103 before": lambda asked: [b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", *good(asked)],
    "201": lambda asked: [http(reply(asked), "201 Created")],
    "206": lambda asked: [http(reply(asked), "206 Partial Content")],
    "gzip that is none": whole(coding="gzip"),
    "deflate that is none": whole(coding="deflate"),
    "brotli that is none": whole(coding="br"),
    "a coding that nobody knows": whole(coding="rot13"),
    "gzip in two members": lambda asked: [
        http(b"".join(compressed(p, "gzip") for p in halves(reply(asked))), coding="gzip")
    ],
    "gzip with a line behind it": packed("gzip", change=lambda body: body + b"\r\n"),
    "UTF-16": lambda asked: [http(reply(asked).decode().encode("utf-16"))],
    "a stream that was not asked for": lambda asked: [
        http(b"data: " + reply(asked) + b"\n\ndata: [DONE]\n\n", kind="text/event-stream")
    ],
}
BROKEN: dict[str, Make] = {
    "reset before the headers": sent(RESET),
    "closed before the headers": sent(CLOSE),
    "reset after the status line": sent(b"HTTP/1.1 200 OK\r\n", RESET),
    "closed within the headers": sent(b"HTTP/1.1 200 OK\r\nContent-Ty", CLOSE),
    "reset after the headers": lambda asked: [http(length=99), RESET],
    "reset within the body": cut(RESET),
    "closed within the body": cut(CLOSE),
    "closed within a chunk": cut(CLOSE, chunk=50),
    "closed before the last chunk": cut(CLOSE, 5, chunk=50),
}
UNREAD: dict[str, Make] = {
    "brotli, which was not asked for": status("200 OK", b"\x0b\x02\x80x", coding="br"),
    "corrupt gzip": packed("gzip", change=lambda body: body[:30] + b"\x55" * 40 + body[70:]),
    "gzip that is cut": packed("gzip", change=lambda body: body[:-20]),
    "gzip with a wrong sum": packed("gzip", change=lambda body: body[:-8] + bytes(8)),
    "gzip of nothing but its header": sent(http(compressed(b"", "gzip")[:10], coding="gzip")),
    "gzip of 100 members": lambda asked: [
        http(compressed(reply(asked), "gzip") + 99 * compressed(b"", "gzip"), coding="gzip")
    ],
    "gzip within gzip": lambda asked: [
        http(compressed(compressed(reply(asked), "gzip"), "gzip"), coding="gzip, gzip")
    ],
    "a bomb of gzip": lambda _: [http(bomb(256 * MIB), coding="gzip")],
    "a bomb of gzip in chunks": lambda _: [http(bomb(256 * MIB), coding="gzip", chunk=1000)],
    "a bomb of deflate": lambda _: [http(bomb(256 * MIB, "deflate"), coding="deflate")],
    "a bomb within gzip": lambda _: [
        http(compressed(bomb(256 * MIB), "gzip"), coding="gzip, gzip")
    ],
    "chunks without end": lambda _: itertools.chain(
        [CHUNKED], itertools.repeat(chunked(b" " * MIB, MIB), 100)
    ),
    "a body without end": lambda _: itertools.chain([ENDLESS], itertools.repeat(b" " * MIB, 100)),
    "a length of a petabyte": sent(http(b"{", length=10**15)),
    "a length that is no number": sent(http(b"{}").replace(b": 2", b": two"), CLOSE),
    "a negative length": sent(http(b"{}", length=-5), CLOSE),
    "two lengths": lambda asked: [http(reply(asked), "200 OK", "Content-Length: 3"), CLOSE],
    "a chunk of no size": sent(CHUNKED, b"zz\r\nhello\r\n", CLOSE),
    "garbage": sent(b"\x00\xff\x80garbage\r\n\r\n", CLOSE),
    "a page without headers": sent(b"<html>hi</html>", CLOSE),
    "a header of 100 kB": lambda asked: [http(reply(asked), "200 OK", "X: " + "x" * 100_000)],
    "20,000 headers": lambda asked: [http(reply(asked), "200 OK", *["X: 1"] * 20_000)],
    "a header with a null": lambda asked: [http(reply(asked), "200 OK", "X: \x00")],
    "204": sent(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "202": status("202 Accepted"),
    "nothing": status("200 OK", b""),
    "null": status("200 OK", b"null"),
    "a web page": status("200 OK", b"<html>sign in</html>", kind="text/html"),
    "100,000 lists": status("200 OK", b"[" * 100_000),
}
STATUSES: dict[str, tuple[Make, Ending]] = {
    "101": (status("101 Switching Protocols", b"", "Upgrade: h2c"), ("transient", False)),
    "202 without a reply": (status("202 Accepted", b""), ("timeout", True)),
    "304": (sent(b"HTTP/1.1 304 Not Modified\r\n\r\n"), ("bad_request", False)),
    "307": (status("307 Moved", b"", "Location: http://127.0.0.1:1/"), ("bad_request", False)),
    "401 without a word": (status("401 Unauthorized", b""), ("auth", False)),
    "401 in brotli": (status("401 Unauthorized", b"junk", coding="br"), ("auth", False)),
    "407": (status("407 Proxy Authentication Required"), ("auth", False)),
    "500 in corrupt gzip": (status("500 No", b"junk", coding="gzip"), ("transient", False)),
    "500 that is a bomb": (
        lambda _: [http(bomb(256 * MIB), "500 No", coding="gzip")],
        ("transient", False),
    ),
    "500 that breaks off": (sent(http(b"x", "500 No", length=99), RESET), ("transient", False)),
    "503 of 20 MiB": (status("503 No", b"x" * 20 * MIB, "Retry-After: 3"), ("throttle", False)),
    "429 that breaks off": (
        sent(http(b"x", "429 No", "Retry-After: 2", length=99), RESET),
        ("throttle", False),
    ),
    "504": (status("504 Gateway Timeout"), ("timeout", True)),
    "599": (status("599 Odd"), ("transient", False)),
    "600": (status("600 Odd"), ("transient", False)),
}
CASES: dict[str, tuple[Make, Ending]] = {
    **{name: (make, OK) for name, make in READABLE.items()},
    **{name: (make, LOST) for name, make in BROKEN.items()},
    **{name: (make, UNREADABLE) for name, make in UNREAD.items()},
    **STATUSES,
}
Found = Mapping[tuple[str, str], tuple[Completion | CallError, int]]


async def ask(transport: LiteLLMTransport) -> Completion | CallError:
    try:
        return await transport.complete(ASKED, 600.0)
    except CallError as error:
        return error


async def ask_all(
    wire: str, scripts: Mapping[str, Make], ways: Iterable[str] = ("auto", "litellm")
) -> Found:
    """Ask once per script and way; return the endings, and the requests that arrived."""
    found = {}
    with FaultServer() as server:
        for way in ways:
            route = ModelRoute(MODELS[wire], f"{server.url()}/v1", "MY_KEY", transport=way)  # type: ignore[arg-type]
            transport = LiteLLMTransport(route)
            await transport.open()
            for name, server.script in scripts.items():
                before = len(server.asked)
                found[name, way] = await ask(transport), len(server.asked) - before
            await transport.close()
    return found


@pytest.fixture(scope="module", params=MODELS)
def found(request: pytest.FixtureRequest) -> tuple[Found, int]:
    """Return what became of all cases on one wire, and the KiB by which memory grew."""
    asyncio.run(ask_all(request.param, {"first": good}))  # imports
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ends = asyncio.run(ask_all(request.param, {name: make for name, (make, _) in CASES.items()}))
    return ends, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before


def test_each_fault_has_its_kind_after_one_request(found: tuple[Found, int]) -> None:
    def told(end: Completion | CallError) -> Ending:
        return ("ok", True) if isinstance(end, Completion) else (end.kind, end.billed)

    ends = found[0]

    assert {(name, way) for name in CASES for way in ("auto", "litellm")} == {*ends}
    assert {key: (CASES[key[0]][1], 1) for key in ends} == {
        key: (told(end), requests) for key, (end, requests) in ends.items()
    }


def test_no_reply_takes_more_memory_than_its_limits(found: tuple[Found, int]) -> None:
    """Each bomb is 256 MiB unpacked, and twenty of them arrive."""
    assert found[1] < 120 * 1024


def test_no_connection_is_said_of_none_that_there_was(found: tuple[Found, int]) -> None:
    texts = [str(end) for end, _ in found[0].values() if isinstance(end, CallError)]

    assert [] == [text for text in texts if re.search("no connection|redirects.*200", text)]
    assert all(KEY not in text and "\n" not in text for text in texts)


OTHERS = ["azure/gpt-5-mini", "huggingface/x", "nvidia_nim/x", "ollama_chat/llama3.1"]
TRIED = [n for n in BROKEN if "within" in n] + [
    "corrupt gzip",
    "a bomb of gzip",
    "429 that breaks off",
]


@pytest.mark.parametrize("model", OTHERS)
def test_a_provider_that_only_litellm_calls_has_the_same_limits_and_one_request(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client of nvidia_nim, for one, ignores that it shall not retry."""
    monkeypatch.setenv("AZURE_API_VERSION", "2025-04-01-preview")
    monkeypatch.setitem(MODELS, "other", model)
    ends = asyncio.run(ask_all("other", {name: CASES[name][0] for name in TRIED}, ["auto"]))

    for (name, _), (end, requests) in ends.items():
        assert isinstance(end, CallError)
        assert (CASES[name][1], 1) == ((end.kind, end.billed), requests), (name, end)


ERRORS: list[tuple[Any, str]] = [
    ({"message": "x", "code": "insufficient_quota", "type": "insufficient_quota"}, "billing"),
    ({"message": "x", "code": "billing_not_active"}, "billing"),
    ({"message": "x", "type": "billing_error"}, "billing"),
    ({"message": "x", "code": "invalid_api_key", "type": "invalid_request_error"}, "auth"),
    ({"message": "x", "type": "authentication_error"}, "auth"),
    ({"message": "x", "code": 401}, "auth"),
    ({"message": "x", "code": 403, "status": "PERMISSION_DENIED"}, "auth"),
    (
        {
            "message": "x",
            "code": 400,
            "status": "INVALID_ARGUMENT",
            "details": [{"reason": "API_KEY_INVALID"}],
        },
        "auth",
    ),
    ({"message": "x", "code": "rate_limit_exceeded", "type": "requests"}, "throttle"),
    ({"message": "x", "type": "rate_limit_error"}, "throttle"),
    ({"message": "x", "code": 429, "status": "RESOURCE_EXHAUSTED"}, "throttle"),
    ({"message": "x", "code": "context_length_exceeded"}, "context_exceeded"),
    ({"message": "prompt is too long", "type": "invalid_request_error"}, "context_exceeded"),
    ({"message": "x", "code": "model_not_found"}, "not_found"),
    ({"message": "x", "type": "not_found_error"}, "not_found"),
    ({"message": "x", "type": "invalid_request_error"}, "bad_request"),
    ({"message": "x", "type": "overloaded_error"}, "transient"),
    ({"message": "x", "code": "502"}, "transient"),
    ("insufficient_quota", "billing"),
    ("upstream failed", "transient"),
]
FORMS: dict[str, Callable[[Any], Any]] = {
    "alone": lambda error: {"error": error},
    "with its type": lambda error: {"type": "error", "error": error, "request_id": "r"},
    "in a list": lambda error: [{"error": error}],
    "beside choices of null": lambda error: {"choices": None, "error": error, "id": "x"},
    "in a list of errors": lambda error: {"errors": [error]},
}


@pytest.mark.parametrize("wire", MODELS)
def test_an_error_with_status_200_has_the_kind_of_its_meaning(wire: str) -> None:
    scripts, expected = {}, {}
    for (place, (error, kind)), form in itertools.product(enumerate(ERRORS), FORMS):
        if place > 3 and form != "alone":
            continue
        body = json.dumps(FORMS[form](error)).encode()
        scripts[f"{place} {form}"], expected[f"{place} {form}"] = status("200 OK", body), kind
    ends = asyncio.run(ask_all(wire, scripts))

    for (name, way), (end, requests) in ends.items():
        assert isinstance(end, CallError), (name, way, end)
        assert (expected[name], False, 1) == (end.kind, end.billed, requests), (name, way, end)


@pytest.mark.parametrize("wire", MODELS)
def test_a_server_is_asked_by_its_address_of_ipv6(wire: str) -> None:

    async def main() -> list[Completion | CallError]:
        ends = []
        with FaultServer() as server:
            if not server.has_ipv6:
                pytest.skip("this machine has no ::1")
            for way in ("auto", "litellm"):
                base = f"{server.url('[::1]')}/v1"
                transport = LiteLLMTransport(
                    ModelRoute(MODELS[wire], base, "MY_KEY", transport=way)  # type: ignore[arg-type]
                )
                await transport.open()
                ends.append(await ask(transport))
                await transport.close()
            assert {f"[::1]:{server.port}"} == {asked.headers["host"] for asked in server.asked}
        assert 2 == server.delivered[KEY]
        return ends

    assert all(isinstance(end, Completion) for end in asyncio.run(main()))
