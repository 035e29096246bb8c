"""Ask a loopback server over HTTP by litellm's configurations and by `acompletion`, and compare."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web

from helpers.provider_chat import chat_reply
from helpers.provider_own import ANTHROPIC, GEMINI
from runner.base.errors import CallError
from runner.providers.litellm.route import ModelRoute
from runner.providers.litellm.transport import LiteLLMTransport
from runner.providers.request import Completion, Request
from runner.providers.simulated.faults import FaultResponse
from runner.providers.simulated.server import send

Handler = Callable[[web.BaseRequest, int], Any]  # int: which of the calls it is
Ending = Completion | CallError

MODELS = (
    "openai/gpt-4o-mini",
    "openai/gpt-5-mini",
    "openai/own-model",
    "hosted_vllm/openai/gpt-oss-20b",
    "litellm_proxy/gpt-5-mini",
    "groq/openai/gpt-oss-120b",
    "mistral/mistral-medium-2604",
    "openrouter/openai/gpt-5-mini",
    "deepseek/deepseek-chat",
    "anthropic/claude-sonnet-4-6",
    "gemini/gemini-3.8-flash",
)
SYSTEM = {"role": "system", "content": "You read."}
USER = {"role": "user", "content": "MATERIAL\nQUESTION"}
PLAIN = Request("say_means", (SYSTEM, USER), max_tokens=100)
# What HTTP clients add for themselves; httpx and aiohttp, OpenAI's client and litellm's differ.
_CLIENT = re.compile("accept(-encoding)?|connection|content-length|user-agent|x-stainless-.*")


@dataclass
class Sent:
    """One request as it arrived."""

    line: str
    headers: dict[str, str]
    body: Any


@dataclass
class Both:
    """How one call ended over HTTP and by `acompletion`, and what was *sent* by each."""

    http: Ending
    litellm: Ending
    sent: tuple[list[Sent], list[Sent]]


@dataclass
class Server:
    """Answers call number *place* by *handler*, and keeps what it got."""

    handler: Handler
    sent: list[Sent] = field(default_factory=list)
    url: str = ""
    place: int = 0

    async def handle(self, request: web.BaseRequest) -> Any:
        raw = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        kept = {n: v for n, v in headers.items() if not _CLIENT.fullmatch(n)}
        self.sent.append(Sent(f"{request.method} {request.path_qs}", kept, json.loads(raw)))
        return await self.handler(request, self.place)

    async def __aenter__(self) -> Server:
        served = web.Server(self.handle, handler_cancellation=True)
        self.runner = web.ServerRunner(served, shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.runner.cleanup()


@asynccontextmanager
async def opened(route: ModelRoute) -> AsyncIterator[LiteLLMTransport]:
    transport = LiteLLMTransport(route)
    await transport.open()
    try:
        yield transport
    finally:
        await transport.close()


def both(
    handler: Handler,
    *requests: Request,
    model: str = MODELS[0],
    base: str | None = "/v1",
    timeout_s: float = 600.0,
    **route: Any,
) -> list[Both]:
    """Send each of *requests* by both ways to a server that answers by *handler*."""

    async def main() -> list[Both]:
        async with Server(handler) as server:
            return await ask_both(server, requests or (PLAIN,), model, base, timeout_s, **route)

    return asyncio.run(main())


async def ask_both(
    server: Server,
    requests: Iterable[Request],
    model: str = MODELS[0],
    base: str | None = "/v1",
    timeout_s: float = 600.0,
    **route: Any,
) -> list[Both]:
    """Send all of *requests* over HTTP, then all by `acompletion`."""
    route = {"api_key_env": "MY_KEY", **route}
    made = ModelRoute(model, None if base is None else server.url + base, **route)
    ways = (made, replace(made, transport="litellm"))
    https, others = [await ask(server, way, requests, timeout_s) for way in ways]
    return [Both(a[0], b[0], (a[1], b[1])) for a, b in zip(https, others, strict=True)]


async def ask(
    server: Server, route: ModelRoute, requests: Iterable[Request], timeout_s: float
) -> list[tuple[Ending, list[Sent]]]:
    found = []
    async with opened(route) as transport:
        for server.place, request in enumerate(requests):
            before = len(server.sent)
            try:
                end: Ending = await transport.complete(request, timeout_s)
            except CallError as error:
                end = error
            found.append((end, server.sent[before:]))
    return found


def over_http(handler: Handler, model: str, times: int = 1) -> list[Ending]:
    """Send PLAIN over HTTP only."""

    async def main() -> list[Ending]:
        async with Server(handler) as server:
            route = ModelRoute(model, server.url + "/v1", "MY_KEY")
            return [end for end, _ in await ask(server, route, (PLAIN,) * times, 600.0)]

    return asyncio.run(main())


def answering(body: Any = None, status: int = 200, **headers: str) -> Handler:
    """Return a handler that gives *body*, or what the provider that is asked would answer."""

    async def handle(request: web.BaseRequest, _: int) -> web.Response:
        given = reply_for(request.path) if body is None else body
        return web.json_response(given, status=status, headers=headers)

    return handle


def reply_for(path: str) -> Any:
    if path.endswith("/messages"):
        return ANTHROPIC.answer
    return GEMINI.answer if path.endswith(":generateContent") else chat_reply()


def replying(bodies: Iterable[Any]) -> Handler:
    """Return a handler that gives each of *bodies* to the call of its place."""
    given = list(bodies)
    return lambda request, place: answering(given[place])(request, place)


def failing(faults: Iterable[tuple[FaultResponse, Mapping[str, str]]]) -> Handler:
    """Return a handler that gives each of *faults* to the call of its place."""
    given = list(faults)
    return lambda request, place: send(request, *given[place])


def facts(end: Ending) -> Any:
    """Return what the rest of the program decides by."""
    if isinstance(end, Completion):
        return end
    return (end.kind, end.status, end.retry_after_s, end.final, end.billed)
