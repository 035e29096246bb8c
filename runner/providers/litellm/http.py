"""HTTP calls: litellm's provider configurations over our session, without `acompletion`.

litellm's handlers build the request (address, headers, body), parse the reply and map errors by
the provider's configuration. They post through a client passed as an argument.
"""

import importlib
import os
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import lru_cache, partial
from json import dumps
from typing import Any, NamedTuple, NoReturn

import aiohttp
import httpx
import orjson

from runner.providers.litellm.route import ADDRESSES, ModelRoute
from runner.providers.litellm.stream import as_stream
from runner.providers.request import current_exchange

_NOT_MAPPED = (
    *("messages", "timeout", "model", "api_key", "api_base"),
    *("num_retries", "max_retries", "extra_headers"),
)
_CACHE_KEY = "prompt_cache_key"
_KEYED = ("openai", "mistral")  # with the key at the top of the body
_FILLED = ("anthropic", "gemini")  # whose replies are put into a choice that must be there
_NAMED = ("api_key", "headers")
_BILLING = re.compile("litellm|x-gemini-service-tier", re.IGNORECASE)  # headers about costs
_BASE = ("custom_httpx.llm_http_handler", "BaseLLMHTTPHandler")
_HANDLERS = {  # litellm's classes with calls of their own, below litellm.llms
    "anthropic": ("anthropic.chat.handler", "AnthropicChatCompletion"),
    "gemini": ("vertex_ai.gemini.vertex_and_google_ai_studio_gemini", "VertexLLM"),
}
_VERTEX = ("vertex_project", "vertex_location", "vertex_credentials", "logger_fn")

Handler = Callable[..., Awaitable[Any]]
Send = Callable[[str, bytes, Any], Awaitable[httpx.Response]]


class BuiltRequest(NamedTuple):
    """A request as it is sent to the provider."""

    url: str
    body: bytes
    headers: Mapping[str, str]


class HttpCalls:
    """Makes the calls of one model, each with one request.

    *base* is litellm's address for *provider*, None for the default; *mapped* is the provider by
    whose rules parameters are mapped, if it is another one. Each set of parameters is mapped once,
    since the mapping does not depend on the messages.
    """

    def __init__(
        self,
        litellm: Any,
        route: ModelRoute,
        session: aiohttp.ClientSession,
        provider: str,
        base: str | None,
        mapped: str | None = None,
    ) -> None:
        self._litellm, self._route, self._session = litellm, route, session
        self._provider, self._model = provider, route.name.partition("/")[2]
        self._params = litellm.get_litellm_params(
            acompletion=True,
            api_base=base,
            custom_llm_provider=provider,
            drop_params=True,
            max_retries=0,
        )
        self._complete, self._more = _handler(provider, base)
        http = importlib.import_module("litellm.llms.custom_httpx.http_handler")
        self._ssl, self._headers = http.get_ssl_configuration(), http.get_default_headers()
        self._client = type("Client", (_Client, http.AsyncHTTPHandler), {})
        names = {"model": self._model, "custom_llm_provider": mapped or provider}
        self._mapped = lru_cache(partial(_mapped, litellm.get_optional_params, names))
        self._empty = litellm.ModelResponse()  # copied, since to make one takes long

    async def ask(self, arguments: Mapping[str, Any]) -> Any:
        """Make one attempt with `acompletion`'s *arguments*; return its ModelResponse.

        Raises litellm's exceptions; the session's are among their causes.
        """
        return await self._ask(arguments, partial(self._send, arguments["timeout"]))

    def built(self, arguments: Mapping[str, Any]) -> BuiltRequest:
        """Return the request that `ask` would send."""
        kept: list[BuiltRequest] = []

        async def keep(*parts: Any) -> NoReturn:
            kept.append(BuiltRequest(*parts))
            raise OSError  # ends the call

        try:
            _result(self._ask(arguments, keep))
        except Exception:
            if not kept:
                raise
        return kept[0]

    def parsed(self, arguments: Mapping[str, Any], body: bytes) -> Any:
        """Return the ModelResponse in *body*, the reply to *arguments*; raise as `ask` does."""

        async def give(url: str, *_: Any) -> httpx.Response:
            return httpx.Response(200, content=body, request=_request(url))

        return _result(self._ask(arguments, give))

    async def _ask(self, arguments: Mapping[str, Any], send: Send) -> Any:
        return await self._complete(
            client=self._client(send),
            optional_params=self._optional(arguments),
            **self._handler_arguments(arguments),
        )

    def _optional(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters in *arguments*, mapped once but for the key of each prefix."""
        given = {name: value for name, value in arguments.items() if name not in _NOT_MAPPED}
        cached: dict[str, Any] = {}
        if self._provider in _KEYED:
            body = dict(given.get("extra_body") or {})
            given |= {"extra_body": body} if "extra_body" in given else {}
            for holder in (body, given):
                if _CACHE_KEY in holder:
                    cached[_CACHE_KEY] = holder.pop(_CACHE_KEY)
        mapped: dict[str, Any] = orjson.loads(self._mapped(orjson.dumps(given)))
        return mapped | cached

    def _handler_arguments(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        key, headers = arguments["api_key"], dict(arguments.get("extra_headers") or {})
        choices = [self._litellm.Choices()] if self._provider in _FILLED else []
        made = self._empty.model_copy(update={"choices": choices})
        made._hidden_params = {"custom_llm_provider": self._provider, "region_name": None}
        if self._provider == "litellm_proxy":
            made.model = self._route.name
        if self._provider == "openrouter":
            site, name = os.environ.get("OR_SITE_URL"), os.environ.get("OR_APP_NAME")
            named = {"HTTP-Referer": site or "https://litellm.ai", "X-Title": name or "liteLLM"}
            headers = named | headers
        keys = ("gemini_api_key", "extra_headers") if self._provider == "gemini" else _NAMED
        return {
            **self._more,
            **dict(zip(keys, (key, headers), strict=True)),
            "acompletion": True,
            "custom_llm_provider": self._provider,
            "encoding": None,
            "litellm_params": {**self._params, "api_key": key},
            "logging_obj": _NoLog(),
            "messages": arguments["messages"],
            "model": self._model,
            "model_response": made,
            "timeout": arguments["timeout"],
        }

    async def _send(
        self, timeout_s: float, url: str, body: bytes, headers: Mapping[str, str]
    ) -> httpx.Response:
        """Return the successful response."""
        if current_exchange().streams:
            url, body = as_stream(self._provider, url, body)
        timeout = aiohttp.ClientTimeout(
            connect=timeout_s, sock_connect=timeout_s, sock_read=timeout_s
        )
        async with self._session.post(
            url,
            data=body,
            headers={**self._headers, **headers},
            allow_redirects=False,
            timeout=timeout,
            ssl=self._ssl,
        ) as reply:
            raw = await reply.read()
        billing = {k: v for k, v in reply.headers.items() if _BILLING.search(k)}
        return httpx.Response(200, content=raw, headers=billing, request=_request(url))


def _mapped(mapping: Callable[..., Any], names: Mapping[str, Any], given: bytes) -> bytes:
    """Return litellm's *mapping* of the parameters *given*, both as JSON."""
    return orjson.dumps(mapping(stream=None, **names, **orjson.loads(given)))


@lru_cache
def _request(url: str) -> httpx.Request:
    """Return the request that litellm's errors name; to parse its address takes long."""
    return httpx.Request("POST", url)


def _result(call: Coroutine[Any, Any, Any]) -> Any:
    """Return the result of *call*, which never waits and so needs no event loop."""
    try:
        call.send(None)
    except StopIteration as ended:
        return ended.value
    call.close()
    raise RuntimeError("the call waits")


def _handler(provider: str, base: str | None) -> tuple[Handler, dict[str, Any]]:
    """Return litellm's handler of *provider*'s calls and its constant arguments."""
    own = ADDRESSES[provider]
    base = base or next(filter(None, map(os.environ.get, own.variables)), own.default)
    more: dict[str, Any] = {"print_verbose": _ignore} if provider in _HANDLERS else {}
    if provider == "anthropic":
        base = base if str(base).endswith("/v1/messages") else f"{base}/v1/messages"
        more["custom_prompt_dict"] = {}
    elif provider == "gemini":
        more |= dict.fromkeys(_VERTEX)
    module, name = _HANDLERS.get(provider, _BASE)
    handler = getattr(importlib.import_module(f"litellm.llms.{module}"), name)()
    return handler.completion, {"api_base": base, **more}


def _ignore(*_: Any, **__: Any) -> None:
    """Do nothing, in place of a callback."""


class _NoLog:
    """Discards the log entries that litellm's handlers write."""

    dynamic_success_callbacks = None
    post_call = pre_call = staticmethod(_ignore)

    def __init__(self) -> None:
        self.model_call_details: dict[str, Any] = {}
        self.optional_params: dict[str, Any] = {}


class _Client:
    """Posts one call's request with *send*; mixed into litellm's AsyncHTTPHandler."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def __del__(self) -> None:
        """Skip litellm's destructor, which closes a client that does not exist here."""

    async def post(
        self, url: str, data: str | None = None, json: Any = None, headers: Any = None, **_: Any
    ) -> httpx.Response:
        """Return the response."""
        return await self._send(url, (dumps(json) if data is None else data).encode(), headers)
