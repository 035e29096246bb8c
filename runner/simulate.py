"""A loopback server that speaks the OpenAI chat protocol, with latencies and faults on demand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Reply = Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True)
class Fault:
    """What one request gets instead of its reply.

    *status* 0 drops the connection without an answer; *body* is sent as it is, *delay_s*
    seconds after the request arrived; *cut* closes the connection after that many bytes.
    """

    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = '{"error": {"message": "simulated fault", "code": "simulated"}}'
    delay_s: float = 0.0
    cut: int | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived: loop time in seconds, its JSON body and its headers."""

    at_s: float
    body: Mapping[str, Any]
    headers: Mapping[str, str]


class SimulatedProvider:
    """Serves `POST /v1/chat/completions` on 127.0.0.1 at a free port; an async context manager.

    *reply* makes the text of a reply from the request's body; *latency_s* maps the name of the
    request's response format to seconds, missing names answer at once. *faults* are used up
    one per request, in order, before any reply; None in it means no fault.
    """

    def __init__(
        self,
        reply: Reply,
        *,
        latency_s: Mapping[str, float] | None = None,
        faults: list[Fault | None] | None = None,
        finish_reason: str = "stop",
    ) -> None:
        self._reply = reply
        self._latency_s = latency_s or {}
        self._faults = faults or []
        self._finish_reason = finish_reason
        self._runner: web.ServerRunner | None = None
        self.port = 0
        self.received: list[Received] = []

    @property
    def url(self) -> str:
        """The address to use as `model.api_base`."""
        return f"http://127.0.0.1:{self.port}/v1"

    async def __aenter__(self) -> SimulatedProvider:
        self._runner = web.ServerRunner(
            web.Server(self._handle),
            shutdown_timeout=0.1,  # a fault that never answers must not hold the end up
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, backlog=1024)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        arrived = asyncio.get_running_loop().time()
        body = json.loads(await request.read() or b"{}")
        self.received.append(Received(arrived, body, dict(request.headers)))
        fault = self._faults.pop(0) if self._faults else None
        if fault is not None:
            return await _fail(request, fault)
        left = arrived + self._latency_s.get(schema_name(body), 0.0)
        payload = json.dumps(completion(body, self._reply(body), self._finish_reason)).encode()
        await asyncio.sleep(max(0.0, left - asyncio.get_running_loop().time()))
        return web.Response(body=payload, content_type="application/json")


async def _fail(request: web.BaseRequest, fault: Fault) -> web.StreamResponse:
    await asyncio.sleep(fault.delay_s)
    transport = request.transport
    if fault.status == 0 and transport is not None:
        transport.abort()
        raise asyncio.CancelledError
    data = fault.body.encode()
    if fault.cut is None:
        return web.Response(
            status=fault.status,
            headers={"Content-Type": "application/json", **fault.headers},
            body=data,
        )
    response = web.StreamResponse(status=fault.status, headers={"Content-Length": str(len(data))})
    await response.prepare(request)
    await response.write(data[: fault.cut])
    if transport is not None:
        transport.abort()
    return response


def completion(body: Mapping[str, Any], text: str, finish_reason: str) -> dict[str, Any]:
    """Return a `chat.completion` object; tokens are counted as characters / 4."""
    prompt_tokens = len(json.dumps(body.get("messages", []))) // 4
    completion_tokens = max(1, len(text) // 4)
    return {
        "id": "chatcmpl-simulated",
        "object": "chat.completion",
        "created": 0,
        "model": body.get("model", ""),
        "choices": [
            {
                "index": 0,
                "finish_reason": finish_reason,
                "message": {"role": "assistant", "content": text},
            }
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }


def schema_name(body: Mapping[str, Any]) -> str:
    """Return the name of the response format that a request asks for, or ""."""
    wanted = body.get("response_format") or {}
    return str(wanted.get("json_schema", {}).get("name", ""))
