"""The short way to a provider: litellm says what to send once, and not anew for every call."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any, Protocol, TypeVar

import aiohttp
from aiohttp.base_protocol import BaseProtocol

from runner.providers.litellm.launch import (
    MAX_BODY_BYTES,
    STAND_IN,
    Network,
    open_beside,
    too_large,
)
from runner.providers.litellm.replies import Reader
from runner.providers.litellm.templates import Hollow, Template, hollow, template_of
from runner.providers.request import arrived

# Whose requests and replies were compared with `acompletion`'s, one by one (test_direct.py).
PROVIDERS = frozenset(
    {"openai", "hosted_vllm", "litellm_proxy", "groq", "mistral", "openrouter", "deepseek"}
)
MAX_TEMPLATES = 256  # shapes remembered; others go through litellm
_HOOKS = ("callbacks", "input_callback", "success_callback", "failure_callback")
_PARTS = (
    "LlmProviders",
    "ModelResponse",
    "ProviderConfigManager",
    "Timeout",
    "Usage",
    "response_cost_calculator",
)

T = TypeVar("T")
Through = Callable[[Mapping[str, Any]], Awaitable[Any]]
_TAKEN = re.compile(r"time taken=[\d.]+ seconds")
_httpx = logging.getLogger("httpx")


class Route(Protocol):
    """Which model is asked, and whether its price is set, so that litellm's is not asked for."""

    @property
    def name(self) -> str:
        """litellm's name of the model."""

    @property
    def priced(self) -> bool:
        """Whether the settings say what tokens cost."""


class DirectWay:
    """Sends chat completions itself where litellm has shown how, once for each shape of call.

    Only a reply of the plain form is read here, by litellm's own transformation and prices.
    Any other reply, and every failure, is handed to `acompletion` in place of the network, so
    that its exceptions and its readings are litellm's own; nothing is sent twice. *through* makes
    a call by `acompletion` over the same *session*.
    """

    def __init__(
        self, litellm: Any, route: Route, session: aiohttp.ClientSession, through: Through
    ) -> None:
        self._litellm = litellm
        self._session = open_beside(session)
        self._through = through
        self._route = route
        self._reader = Reader(litellm, route.name)
        self._templates: dict[bytes, Template | None] = {}
        self._learning = asyncio.Lock()
        self._begun: set[asyncio.Task[Any]] = set()

    async def plan(self, arguments: Mapping[str, Any]) -> tuple[Template, Hollow] | None:
        """Return how to send what `acompletion` would for *arguments*; None: let it do so."""
        call = hollow(arguments)
        if call is None:
            return None
        if call.shape not in self._templates:
            async with self._learning:
                if call.shape not in self._templates and len(self._templates) < MAX_TEMPLATES:
                    self._templates[call.shape] = await self._to_the_end(self._learn(call))
        template = self._templates.get(call.shape)
        return None if template is None else (template, call)

    async def ask(self, arguments: Mapping[str, Any], template: Template, call: Hollow) -> Any:
        """Make one attempt; return litellm's response or raise litellm's exception."""
        begun = time.monotonic()
        try:
            response, raw = await self._send(template, call, arguments["timeout"])
        except (aiohttp.ClientError, OSError) as error:
            failure = error
        else:
            arrived()
            read = self._reader.read(response, raw, by_sdk=template.by_sdk)
            if read is not None:
                self._finish(read, template, response, arguments.get("service_tier"))
                return read
            return await self._instead(arguments, _again(response, raw))
        taken_s = time.monotonic() - begun
        try:
            return await self._instead(arguments, _failing(failure))
        except self._litellm.Timeout as late:  # who has not waited for what we have waited for
            late.message = _TAKEN.sub(f"time taken={taken_s:.3f} seconds", late.message)
            raise

    def _finish(
        self, read: Any, template: Template, response: aiohttp.ClientResponse, tier: Any
    ) -> None:
        """Log a reply that has been *read*, and put its price to it."""
        _log(template, response)
        if not self._route.priced:
            read._hidden_params["response_cost"] = self._reader.cost(read, tier)

    async def close(self) -> None:
        """Give up our half of the session."""
        if self._begun:
            await asyncio.wait(self._begun)
        await self._session.close()

    async def _to_the_end(self, learning: Coroutine[Any, Any, T]) -> T:
        """Await what litellm does not take well to be cancelled: it goes on where we are."""
        task = asyncio.create_task(learning)
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)
        return await asyncio.shield(task)

    async def _learn(self, call: Hollow) -> Template | None:
        """Let litellm make the request of *call*'s shape, and keep it from being sent."""
        caught: list[aiohttp.ClientRequest] = []

        async def catch(request: aiohttp.ClientRequest) -> aiohttp.ClientResponse:
            caught.append(request)
            raise _CaughtError

        with suppress(Exception, _CaughtError):  # what litellm raises now, it will raise again
            await self._instead(call.arguments, catch)
        return await template_of(caught[0], len(call.values)) if len(caught) == 1 else None

    async def _instead(self, arguments: Mapping[str, Any], network: Network) -> Any:
        """Let `acompletion` make the call, with *network* in the place of the real one."""
        token = STAND_IN.set(network)
        try:
            return await self._through(arguments)
        finally:
            STAND_IN.reset(token)

    async def _send(
        self, template: Template, call: Hollow, timeout_s: float
    ) -> tuple[aiohttp.ClientResponse, bytes]:
        async with self._session.post(
            template.url,
            data=template.body(call.values),
            headers=template.headers_for(timeout_s),
            allow_redirects=False,
            auto_decompress=False,  # left to httpx, whose decoders the request has promised
            timeout=aiohttp.ClientTimeout(
                connect=timeout_s, sock_connect=timeout_s, sock_read=timeout_s
            ),
            ssl=template.ssl,
        ) as response:
            if response.content_length is not None:
                return response, await response.read()
            raw = bytearray()
            async for chunk in response.content.iter_any():
                raw += chunk
                if len(raw) > MAX_BODY_BYTES:
                    raise too_large(len(raw))
            return response, bytes(raw)


class _CaughtError(BaseException):
    """A request is not to be sent; no `Exception`, which litellm would map and log at length."""


def may_go_directly(litellm: Any, model: str) -> bool:
    """Return whether *model*'s provider is one of ours, and nobody hooks into litellm's calls.

    Nor a litellm that lacks a part we use, which another version may have moved.
    """
    hooked = any(getattr(litellm, name, None) for name in _HOOKS)
    whole = all(hasattr(litellm, name) for name in _PARTS)
    try:
        provider = litellm.get_llm_provider(model)[1]
    except Exception:  # noqa: BLE001 - litellm's own word on it comes with the first call
        return False
    return provider in PROVIDERS and whole and not hooked


def _log(template: Template, response: aiohttp.ClientResponse) -> None:
    """Log a request as httpx does, to the run's own handlers, which mask keys.

    What litellm has put before httpx's would take as long as all else.
    """
    if _httpx.isEnabledFor(logging.INFO):
        said = (template.url, response.status, response.reason)
        text = 'HTTP Request: POST %s "HTTP/1.1 %d %s"'
        record = _httpx.makeRecord(_httpx.name, logging.INFO, "", 0, text, said, None)
        logging.getLogger().handle(record)


def _again(response: aiohttp.ClientResponse, raw: bytes) -> Network:
    """Return a network that answers with *response*, whose body was *raw*, however often."""

    async def network(_: aiohttp.ClientRequest) -> aiohttp.ClientResponse:
        loop = asyncio.get_running_loop()
        body = aiohttp.StreamReader(BaseProtocol(loop), 1 << 16, loop=loop)
        body.feed_data(raw)
        body.feed_eof()
        response.content = body
        return response

    return network


def _failing(error: Exception) -> Network:
    """Return a network that fails with *error*."""

    async def network(_: aiohttp.ClientRequest) -> aiohttp.ClientResponse:
        raise error

    return network
