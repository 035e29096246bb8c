"""HTTP server of the simulated provider: OpenAI's and Anthropic's APIs on 127.0.0.1."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import orjson
from aiohttp import web

from runner.base.json import mapping
from runner.config.simulate import SimulateSettings
from runner.providers.simulated import chat
from runner.providers.simulated.batch_api import BatchApi
from runner.providers.simulated.behaviour import Behaviour, PlannedResponse
from runner.providers.simulated.embeddings import embeddings
from runner.providers.simulated.faults import FaultResponse, error_response, find_kind
from runner.providers.simulated.replies import Reply, reply_to
from runner.providers.simulated.tokens import token_ids, truncate

MODEL = "simulated"
MESSAGES = "/v1/messages"  # Anthropic's chat API
MAX_REQUEST_BYTES = 256 << 20  # a whole batch

_JSON = {"Content-Type": "application/json"}
_TOKENS = ("prompt_tokens", "completion_tokens", "cached_tokens")  # counts of the usage
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close by RST


class Stats:
    """Counts of requests since the provider's start, served at `/stats`."""

    def __init__(self) -> None:
        self.totals = Counter(dict.fromkeys(("requests", "ok", *_TOKENS), 0))
        self.by_status: Counter[int] = Counter()
        self.by_fault: Counter[str] = Counter()
        self.by_analyzer: Counter[str] = Counter()
        self.in_flight = 0
        self.peak_in_flight = 0

    def begin(self, analyzer: str) -> None:
        """Count a request that has arrived."""
        self.totals["requests"] += 1
        self.by_analyzer[analyzer or "unnamed"] += 1
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)

    def count(self, response: PlannedResponse, prompt_tokens: int) -> None:
        """Count the response to a request; tokens only where the model has run."""
        self.by_status[response.status] += 1
        self.totals["ok"] += response.fault is None
        if response.fault is not None:
            self.by_fault[response.fault] += 1
        if response.fault is None or find_kind(response.fault).change:
            used = prompt_tokens, response.reply_tokens, response.cached_tokens
            self.totals.update(dict(zip(_TOKENS, used, strict=True)))

    def as_json(self) -> dict[str, Any]:
        """Return the counts as JSON; status 0 means no response."""
        return {
            **self.totals,
            "in_flight": self.in_flight,
            "peak_in_flight": self.peak_in_flight,
            "by_status": {str(status): n for status, n in sorted(self.by_status.items())},
            "by_fault": dict(sorted(self.by_fault.items())),
            "by_analyzer": dict(sorted(self.by_analyzer.items())),
        }


class SimulatedProvider:
    """Serves the chat API on 127.0.0.1; an async context manager.

    *reply* returns the text of a good reply to a request's body. Without *settings*, replies have
    no latency. *port* 0 takes a free one.
    """

    def __init__(
        self, reply: Reply = reply_to, *, settings: SimulateSettings | None = None, port: int = 0
    ) -> None:
        self._reply = reply
        self._behaviour = Behaviour(settings or SimulateSettings())
        self.batches = BatchApi(settings or SimulateSettings(), reply)
        self._runner: web.ServerRunner | None = None
        self._started_s = 0.0
        self.port = port
        self.stats = Stats()

    @property
    def url(self) -> str:
        """The address to use as `model.api_base`."""
        return f"http://127.0.0.1:{self.port}/v1"

    async def __aenter__(self) -> SimulatedProvider:
        """Listen; raise OSError if the port is taken."""
        token_ids("ready")  # loads the vocabulary (half a second) before the first request
        loop = asyncio.get_running_loop()
        request = partial(web.BaseRequest, loop=loop, client_max_size=MAX_REQUEST_BYTES)
        # Cancelled handlers: a response that never ends must not outlive its client.
        server = web.Server(
            self._handle, request_factory=request, handler_cancellation=True, access_log=None
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", self.port, backlog=1024).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self.port = self._runner.addresses[0][1]
        self._started_s = loop.time()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        route = (request.method, request.path)
        if route in (("POST", "/v1/chat/completions"), ("POST", MESSAGES)):
            return await self._chat(request)
        if route == ("POST", "/v1/embeddings"):
            return await self._embeddings(request)
        if route == ("GET", "/v1/models"):
            listed = {"id": MODEL, "object": "model", "created": 0, "owned_by": "colloquy"}
            return _json_response({"object": "list", "data": [listed]})
        if route == ("GET", "/stats"):
            counts = self.batches.as_json(self._now_s())
            return _json_response({**self.stats.as_json(), "batches": counts})
        answer = await self.batches.respond(request, self._now_s())
        if isinstance(answer, Mapping):
            return _json_response(answer)
        if isinstance(answer, FaultResponse):
            return await send(request, answer)
        if answer is not None:
            return await _download(request, answer)
        return await send(request, error_response(404, f"no such address: {request.path}"))

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time() - self._started_s

    async def _chat(self, request: web.BaseRequest) -> web.StreamResponse:
        arrived_s = asyncio.get_running_loop().time()
        body = await _sent(request)
        if not chat.has_messages(body):
            return await send(request, error_response(400, "the body holds no messages"))
        body = chat.asked_in(body) if request.path == MESSAGES else body
        self.stats.begin(chat.asked_of(body))
        try:
            return await self.respond(request, body, arrived_s)
        finally:
            self.stats.in_flight -= 1

    async def _embeddings(self, request: web.BaseRequest) -> web.StreamResponse:
        if (made := embeddings(await _sent(request))) is None:
            return await send(request, error_response(400, "the body holds no texts"))
        self.stats.begin("embeddings")
        self.stats.in_flight -= 1
        return _json_response(made)

    async def respond(
        self, request: web.BaseRequest, body: Mapping[str, Any], arrived_s: float
    ) -> web.StreamResponse:
        """Respond as the behaviour decides, its latency after *arrived_s*."""
        text = self._reply(body)
        arrival = chat.arrival_of(body, text, self._behaviour.rules)
        planned = self._behaviour.decide(arrival, arrived_s - self._started_s)
        self.stats.count(planned, len(arrival.prompt_ids))
        finish_reason = "stop"
        if planned.fault is None and planned.reply_tokens < arrival.reply_tokens:
            text, finish_reason = truncate(text, planned.reply_tokens), "length"
        tokens = len(arrival.prompt_ids), planned.reply_tokens
        cache = planned.cached_tokens, planned.written_tokens
        whole = chat.completion(body, text, finish_reason, tokens, *cache)
        due_s = arrived_s + planned.latency_s
        streams = body.get("stream") is True and self._behaviour.rules.streams
        if planned.fault is None and streams:
            return await _stream(request, whole, planned, arrived_s)
        shape: Callable[[Any], Any] = dict
        if request.path == MESSAGES:
            shape = partial(chat.message_of, tool=bool(body.get("tool")), tier="standard")
        if planned.fault is None:
            response = _json_response(shape(whole), planned.headers)
            await _sleep_until(due_s)
            return response
        kind = find_kind(planned.fault)
        fault = kind.make(whole, request.headers.get("Authorization", "no key"))
        if kind.change is not None:
            spoilt = json.loads(fault.body)
            data = b"".join(chat.chunks(spoilt)).decode() if streams else json.dumps(shape(spoilt))
            fault = replace(fault, body=data)
        await _sleep_until(due_s)
        return await send(request, fault, planned.headers)


async def _sent(request: web.BaseRequest) -> Mapping[str, Any]:
    """Return the object in a request's body, an empty one for anything else."""
    with suppress(orjson.JSONDecodeError):
        return mapping(orjson.loads(await request.read()))
    return {}


async def send(
    request: web.BaseRequest, fault: FaultResponse, headers: Mapping[str, str] = {}
) -> web.StreamResponse:
    """Send *fault* with *headers* beside its own."""
    await asyncio.sleep(fault.delay_s)
    transport = request.transport
    if fault.status == 0 and transport is not None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()
        raise asyncio.CancelledError
    data = fault.body.encode("utf-8", "replace")
    headers = {**_JSON, **headers, **fault.headers}
    if fault.cut is None and fault.drip_s is None and fault.times == 1:
        return web.Response(status=fault.status, headers=headers, body=data)
    if fault.drip_s is None:
        headers["Content-Length"] = str(len(data) * fault.times)
    response = web.StreamResponse(status=fault.status, headers=headers)
    await response.prepare(request)
    while fault.drip_s is not None:
        await response.write(data[:1])
        await asyncio.sleep(fault.drip_s)
    for _ in range(fault.times):
        await response.write(data[: fault.cut])
    if fault.cut is not None and transport is not None:
        transport.abort()
    return response


async def _stream(
    request: web.BaseRequest, whole: Mapping[str, Any], planned: PlannedResponse, arrived_s: float
) -> web.StreamResponse:
    """Send *whole* as a stream, which begins with its first token."""
    headers = {**planned.headers, "Content-Type": "text/event-stream"}
    response = web.StreamResponse(headers=headers)
    await _sleep_until(arrived_s + planned.first_token_s)
    await response.prepare(request)
    first, *rest = chat.chunks(whole)
    await response.write(first)
    await _sleep_until(arrived_s + planned.latency_s)
    await response.write(b"".join(rest))
    await response.write_eof()
    return response


async def _download(request: web.BaseRequest, lines: Iterator[bytes]) -> web.StreamResponse:
    """Send *lines* as they are made; a ConnectionResetError among them breaks the download off."""
    response = web.StreamResponse(headers={"Content-Type": "application/binary"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    try:
        for line in lines:
            await response.write(line)
            await asyncio.sleep(0)  # other requests go on while replies are made
    except ConnectionResetError:
        if request.transport is not None:
            request.transport.close()
        return response
    await response.write_eof()
    return response


async def _sleep_until(when_s: float) -> None:
    left_s = when_s - asyncio.get_running_loop().time()
    if left_s > 0:
        await asyncio.sleep(left_s)


def _json_response(value: Mapping[str, Any], headers: Mapping[str, str] = {}) -> web.Response:
    return web.Response(body=chat.encoded(value), headers={**_JSON, **headers})
