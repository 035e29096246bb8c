"""The simulated provider on the wire: HTTP on 127.0.0.1, as OpenAI's chat API speaks it."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage

from runner.config.schema import SimulateSettings
from runner.providers.simulated.behaviour import Behaviour, Verdict
from runner.providers.simulated.chat import arrival_of, completion, schema_name
from runner.providers.simulated.faults import Exchange, Fault, error_body, find_kind
from runner.providers.simulated.replies import Reply, reply_to
from runner.providers.simulated.tokens import cut, load

MODEL = "simulated"
MAX_REQUEST_BYTES = 64 << 20

_JSON = {"Content-Type": "application/json"}
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close by RST


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived: loop time in seconds, its JSON body and its headers."""

    at_s: float
    body: Mapping[str, Any]
    headers: Mapping[str, str]


class Stats:
    """What a provider has done since its start; `/stats` shows it."""

    def __init__(self) -> None:
        self.totals: Counter[str] = Counter()
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

    def judge(self, verdict: Verdict, prompt_tokens: int) -> None:
        """Count what the request gets; tokens only where the model has worked."""
        self.by_status[verdict.status] += 1
        if verdict.fault is not None:
            self.by_fault[verdict.fault] += 1
        else:
            self.totals["ok"] += 1
        if verdict.fault is None or find_kind(verdict.fault).generates:
            self.totals["prompt_tokens"] += prompt_tokens
            self.totals["completion_tokens"] += verdict.reply_tokens
            self.totals["cached_tokens"] += verdict.cached_tokens

    def shown(self) -> dict[str, Any]:
        """Return the counts as JSON; status 0 is no answer."""
        names = ("requests", "ok", "prompt_tokens", "completion_tokens", "cached_tokens")
        return {
            **{name: self.totals[name] for name in names},
            "in_flight": self.in_flight,
            "peak_in_flight": self.peak_in_flight,
            "by_status": {str(status): n for status, n in sorted(self.by_status.items())},
            "by_fault": dict(sorted(self.by_fault.items())),
            "by_analyzer": dict(sorted(self.by_analyzer.items())),
        }


class SimulatedProvider:
    """Serves the chat API on 127.0.0.1; an async context manager.

    *reply* makes the text of a good reply from the request's body. *settings* None answers at
    once or, for the names of response formats in *latency_s*, after that many seconds. *faults*
    are used up one per request, in order, before anything else; None in it means no fault.
    *port* 0 takes a free one. *keep* remembers every request in `received`.
    """

    def __init__(
        self,
        reply: Reply = reply_to,
        *,
        settings: SimulateSettings | None = None,
        latency_s: Mapping[str, float] | None = None,
        faults: list[Fault | None] | None = None,
        finish_reason: str = "stop",
        port: int = 0,
        keep: bool = True,
    ) -> None:
        self._reply = reply
        self._behaviour = Behaviour(settings or _plain(latency_s or {}))
        self._faults = faults or []
        self._finish_reason = finish_reason
        self._keep = keep
        self._runner: web.ServerRunner | None = None
        self._started_s = 0.0
        self.port = port
        self.stats = Stats()
        self.received: list[Received] = []

    @property
    def url(self) -> str:
        """The address to use as `model.api_base`."""
        return f"http://127.0.0.1:{self.port}/v1"

    async def __aenter__(self) -> SimulatedProvider:
        """Listen; raises OSError where the port cannot be had."""
        load()
        # Cancelled handlers: what never ends must not outlive the client that waited for it.
        server = web.Server(
            self._handle, request_factory=_request, handler_cancellation=True, access_log=None
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, backlog=1024)
        try:
            await site.start()
        except OSError:
            await self._runner.cleanup()
            raise
        self.port = self._runner.addresses[0][1]
        self._started_s = asyncio.get_running_loop().time()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        route = (request.method, request.path)
        if route == ("POST", "/v1/chat/completions"):
            return await self._chat(request)
        if route == ("GET", "/v1/models"):
            listed = {"id": MODEL, "object": "model", "created": 0, "owned_by": "colloquy"}
            return _answer({"object": "list", "data": [listed]})
        if route == ("GET", "/stats"):
            return _answer(self.stats.shown())
        return await send(request, error_body(404, f"no such address: {request.path}"))

    async def _chat(self, request: web.BaseRequest) -> web.StreamResponse:
        arrived_s = asyncio.get_running_loop().time()
        try:
            body = orjson.loads(await request.read())
        except orjson.JSONDecodeError:
            return await send(request, error_body(400, "the body is not JSON"))
        if not isinstance(body, dict) or not isinstance(body.get("messages"), list):
            return await send(request, error_body(400, "the body holds no messages"))
        if self._keep:
            self.received.append(Received(arrived_s, body, dict(request.headers)))
        self.stats.begin(schema_name(body))
        try:
            return await self._respond(request, body, arrived_s)
        finally:
            self.stats.in_flight -= 1

    async def _respond(
        self, request: web.BaseRequest, body: Mapping[str, Any], arrived_s: float
    ) -> web.StreamResponse:
        """Decide, wait until the verdict's latency has passed since *arrived_s*, and send."""
        given = self._faults.pop(0) if self._faults else None
        if given is not None:
            self.stats.by_status[given.status] += 1
            self.stats.by_fault["given"] += 1
            return await send(request, given)
        text = self._reply(body)
        arrival = arrival_of(body, text)
        verdict = self._behaviour.decide(arrival, arrived_s - self._started_s)
        self.stats.judge(verdict, len(arrival.prompt_ids))
        finish_reason = self._finish_reason
        if verdict.fault is None and verdict.reply_tokens < arrival.reply_tokens:
            text, finish_reason = cut(text, verdict.reply_tokens), "length"
        whole = completion(
            body,
            text,
            finish_reason,
            tokens=(len(arrival.prompt_ids), verdict.reply_tokens),
            cached_tokens=verdict.cached_tokens,
        )
        if verdict.fault is None:
            response = _answer(whole, verdict.headers)
            await _sleep_until(arrived_s + verdict.latency_s)
            return response
        exchange = Exchange(text, whole, request.headers.get("Authorization", ""))
        fault = find_kind(verdict.fault).make(exchange)
        await _sleep_until(arrived_s + verdict.latency_s)
        return await send(request, fault, verdict.headers)


async def send(
    request: web.BaseRequest, fault: Fault, headers: Mapping[str, str] | None = None
) -> web.StreamResponse:
    """Send *fault* with *headers* besides its own."""
    await asyncio.sleep(fault.delay_s)
    transport = request.transport
    if fault.status == 0 and transport is not None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()
        raise asyncio.CancelledError
    data = fault.body.encode("utf-8", "replace")
    headers = {**_JSON, **(headers or {}), **fault.headers}
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


def _request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: web.RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.BaseRequest:
    """Make the request as aiohttp does, but for its bound of 1 MiB: long transcripts are longer."""
    loop = asyncio.get_running_loop()
    return web.BaseRequest(
        message, payload, protocol, writer, task, loop, client_max_size=MAX_REQUEST_BYTES
    )


async def _sleep_until(when_s: float) -> None:
    left_s = when_s - asyncio.get_running_loop().time()
    if left_s > 0:
        await asyncio.sleep(left_s)


def _answer(value: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> web.Response:
    try:
        data = orjson.dumps(value)
    except TypeError:  # half a character: JSON can escape it, UTF-8 cannot hold it
        data = json.dumps(value).encode()
    return web.Response(body=data, headers={**_JSON, **(headers or {})})


def _plain(by_analyzer_s: Mapping[str, float]) -> SimulateSettings:
    """Return settings without latency, limits and faults, but for these analyzers' latency."""
    return SimulateSettings(
        seed=0,
        latency_s=0.0,
        per_token_s=0.0,
        per_prompt_token_s=0.0,
        jitter=0.0,
        by_analyzer_s=dict(by_analyzer_s),
        rpm=None,
        tpm=None,
        retry_after=True,
        faults={},
        script=[],
        outages_s=[],
        poison=None,
        cache_min_tokens=None,
    )
