"""Loopback server for benchmarks, in its own process: fixed replies, and the times of requests.

An analyzer's reply is generated once. It calls the speaker FIRST by the name in the request, so
that all calls of all transcripts differ.
"""

from __future__ import annotations

import asyncio
import random
import re
import selectors
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import orjson

from runner.providers.simulated.chat import asked_of
from runner.providers.simulated.replies import reply_to

SPIN_S = 0.002  # how late a selector may return
FIRST = "Okafor"  # a speaker of the sample
RENAMED = re.compile(b"Oka[a-z]{3}")
KEPT = 512  # bodies of requests that `Served` has


def renamed(text: str, number: int) -> str:
    """Return *text* with another name for FIRST; *number* is 0 to 17,575."""
    letters = (chr(ord("a") + number // 26**place % 26) for place in (2, 1, 0))
    return text.replace(FIRST, "Oka" + "".join(letters))


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from a whole request to its reply: of its analyzer, else drawn from *low* to *high*.

    *exact* keeps timers to the tenth of a millisecond by spinning for the last SPIN_S of each.
    """

    low: float = 0.0
    high: float = 0.0
    fixed: Mapping[str, float] = field(default_factory=dict)
    exact: bool = False

    def times(self, factor: float) -> Latency:
        """Return these latencies multiplied by *factor*."""
        fixed = {name: factor * seconds for name, seconds in self.fixed.items()}
        return Latency(factor * self.low, factor * self.high, fixed, self.exact)


@dataclass(frozen=True, slots=True)
class Served:
    """The requests of one measurement: seconds when each was whole and when its reply was sent."""

    times: Sequence[tuple[float, float]]
    bodies: Sequence[bytes]

    @property
    def wall_s(self) -> float:
        """Seconds from the first request to the last reply."""
        return max(end for _, end in self.times) - min(begin for begin, _ in self.times)

    @property
    def in_flight(self) -> float:
        """Requests in flight, averaged over that time."""
        return sum(end - begin for begin, end in self.times) / self.wall_s

    @property
    def peak(self) -> int:
        """The most requests in flight at once."""
        steps = sorted(
            [(begin, 1) for begin, _ in self.times] + [(end, -1) for _, end in self.times]
        )
        most = current = 0
        for _, step in steps:
            current += step
            most = max(most, current)
        return most


class Loopback:
    """The client's end of the server's process."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self.url: str = pipe.recv()

    def begin(self, latency: Latency) -> None:
        """Forget the requests so far and answer further ones after *latency*."""
        self._pipe.send(latency)
        self._pipe.recv()

    def end(self) -> Served:
        """Return the requests since `begin`."""
        self._pipe.send(None)
        served: Served = self._pipe.recv()
        return served


@contextmanager
def loopback(replies: Mapping[str, object] | None = None) -> Iterator[Loopback]:
    """Serve in another process while the block runs.

    *replies* are the JSON of responses by the last word of the request's path; without one, the
    reply fits the requested schema, as the simulated provider's does.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(replies or {}, theirs), daemon=True)
    process.start()
    try:
        yield Loopback(ours)
    finally:
        ours.send("stop")
        process.join()


class _Selector(selectors.DefaultSelector):
    """Waits exactly as long as asked where *exact*: a loop's own timers are a millisecond late."""

    exact = False

    def select(self, timeout: float | None = None) -> Any:
        if not self.exact or timeout is None or timeout <= 0:
            return super().select(timeout)
        ends = time.monotonic() + timeout
        ready = super().select(timeout - SPIN_S) if timeout > SPIN_S else []
        while not ready and time.monotonic() < ends:
            ready = super().select(0)
        return ready


class _Server:
    """The state that all connections share."""

    def __init__(self, replies: Mapping[str, object]) -> None:
        self.replies = {name: _response(reply) for name, reply in replies.items()}
        self.reset(Latency())

    def reset(self, latency: Latency) -> None:
        self.latency, self._random = latency, random.Random(1)
        self.times: list[tuple[float, float]] = []
        self.bodies: list[bytes] = []

    def answer(self, path: str, body: bytes, transport: asyncio.Transport) -> None:
        loop = asyncio.get_running_loop()
        begun, name = loop.time(), re.split("[/:]", path.partition("?")[0])[-1]
        if name not in self.replies:
            name = asked_of(orjson.loads(body))
        if name not in self.replies:
            text = reply_to(orjson.loads(RENAMED.sub(FIRST.encode(), body)))
            named = text.replace('"Simulated', f'"{FIRST} on simulated')
            self.replies[name] = _response(completion(named))
        if len(self.bodies) < KEPT:
            self.bodies.append(body)
        latency_s = self.latency.fixed.get(name)
        if latency_s is None:
            latency_s = self._random.uniform(self.latency.low, self.latency.high)
        speaker = RENAMED.search(body)
        data = self.replies[name]
        if speaker is not None:
            data = data.replace(FIRST.encode(), speaker[0])

        def reply() -> None:
            transport.write(data)
            self.times.append((begun, loop.time()))

        loop.call_at(begun + latency_s, reply)


class _Connection(asyncio.Protocol):
    def __init__(self, server: _Server) -> None:
        self._server, self._read = server, bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, end, body = bytes(self._read).partition(b"\r\n\r\n")
        if end and len(body) >= int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]):
            self._read.clear()
            self._server.answer(head.split(b" ", 2)[1].decode(), body, self._transport)


def completion(text: str) -> dict[str, Any]:
    """Return *text* as a response of OpenAI's chat API."""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": text,
        "refusal": None,
        "annotations": [],
    }
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1790000000,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": 2000,
            "completion_tokens": 500,
            "total_tokens": 2500,
            "prompt_tokens_details": {"cached_tokens": 1024, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        },
        "service_tier": "default",
        "system_fingerprint": "fp_1",
    }


def _response(reply: object) -> bytes:
    body = orjson.dumps(reply)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


def _serve(replies: Mapping[str, object], pipe: Connection) -> None:
    selector = _Selector()

    async def run() -> None:
        server = _Server(replies)
        loop = asyncio.get_running_loop()
        opened = await loop.create_server(lambda: _Connection(server), "127.0.0.1", 0, backlog=1024)
        pipe.send(f"http://127.0.0.1:{opened.sockets[0].getsockname()[1]}/v1")
        while (asked := await asyncio.to_thread(pipe.recv)) != "stop":
            if asked is None:
                pipe.send(Served(server.times, server.bodies))
            else:
                server.reset(asked)
                selector.exact = asked.exact
                pipe.send("ready")

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        runner.run(run())
