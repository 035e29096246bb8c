"""A chat completion server for benchmarks: fixed replies, and when each request came and went.

Replies name the speaker FIRST as their request does, so that transcripts differ in all calls.
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

from runner.providers.simulated.chat import schema_name

LATE_S = 0.002
FIRST = "Okafor"  # a speaker of the sample
RENAMED = re.compile(b"Oka[a-z]{3}")
KEPT = 512  # bodies of requests, for clients that are to send the same


def renamed(text: str, number: int) -> str:
    """Return *text* with another name for FIRST; *number* is 0 to 17,575."""
    letters = (chr(ord("a") + number // 26**place % 26) for place in (2, 1, 0))
    return text.replace(FIRST, "Oka" + "".join(letters))


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from a whole request to its reply: of its analyzer, else drawn from *low* to *high*.

    *exact* keeps timers to the tenth of a millisecond by spinning, which takes most of a core.
    """

    low: float = 0.0
    high: float = 0.0
    fixed: Mapping[str, float] = field(default_factory=dict)
    exact: bool = False


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
def loopback(replies: Mapping[str, str]) -> Iterator[Loopback]:
    """Serve *replies*, by analyzer, in a process of its own while the block runs."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(replies, theirs), daemon=True)
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
        ready = super().select(timeout - LATE_S) if timeout > LATE_S else []
        while not ready and time.monotonic() < ends:
            ready = super().select(0)
        return ready


class _Server:
    """The state that all connections share."""

    def __init__(self, replies: Mapping[str, str]) -> None:
        self.replies = {name: _response(text) for name, text in replies.items()}
        self.reset(Latency())

    def reset(self, latency: Latency) -> None:
        self.latency, self._random = latency, random.Random(1)
        self.times: list[tuple[float, float]] = []
        self.bodies: list[bytes] = []

    def answer(self, body: bytes, transport: asyncio.Transport) -> None:
        loop = asyncio.get_running_loop()
        begun, name = loop.time(), schema_name(orjson.loads(body))
        if len(self.bodies) < KEPT:
            self.bodies.append(body)
        latency_s = self.latency.fixed.get(name)
        if latency_s is None:
            latency_s = self._random.uniform(self.latency.low, self.latency.high)

        found = RENAMED.search(body)
        data = self.replies[name]
        if found is not None:
            data = data.replace(FIRST.encode(), found[0])

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
            self._server.answer(body, self._transport)


def _response(text: str) -> bytes:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": text,
        "refusal": None,
        "annotations": [],
    }
    usage = {"prompt_tokens": 2000, "completion_tokens": 500, "total_tokens": 2500}
    body = orjson.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1790000000,
            "model": "gpt-4o-mini-2024-07-18",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": usage,
        }
    )
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


def _serve(replies: Mapping[str, str], pipe: Connection) -> None:
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
