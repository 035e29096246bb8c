"""How many requests a second the simulated provider answers on one core.

    python -m benchmarks.simulator [--seconds S] [--connections N] [--distinct N]

The server runs as it ships, in a process of its own with no latency and no limits; this process
sends prepared requests over kept connections, reads what a header says and no more. Every
request differs from the others, in its question at least. Medians of three rounds, in turn.
"""

import argparse
import asyncio
import json
import os
import statistics
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from benchmarks.common import provider
from runner.providers.simulated.process import simulated_process

ROUNDS = 3
DISTINCT = 4096  # requests per load, sent in turn; more lines than the server's memory holds
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Load:
    """One kind of request: bytes of its prompt, and its answer's schema or None for plain text.

    *shared* prompts differ in their question alone; the others in every line.
    """

    name: str
    prompt_bytes: int
    schema: dict[str, Any] | None
    shared: bool = True


@dataclass(frozen=True, slots=True)
class Measured:
    """One load; rates per second, the server's processor time per request in milliseconds."""

    load: Load
    requests_per_s: float
    server_ms: float
    failed: int


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=3.0, help="per load and round")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--distinct", type=int, default=DISTINCT, help="requests per load")
    options = parser.parse_args()
    rows = asyncio.run(measure(options.seconds, options.connections, options.distinct))
    show(rows, options.connections)


def loads() -> list[Load]:
    """Return the loads: small prompts by shape of the answer, and a long transcript."""
    text = {"type": "string"}
    cited = {"type": "object", "properties": {"segment": text, "quote": text}}
    flat = {"text": text, "confidence": {"type": "number"}, "kind": {"enum": ["claim", "gap"]}}
    item = {"type": "object", "properties": {**flat, "evidence": array_of(cited)}}
    listed = {"type": "object", "properties": {"insights": array_of(item)}}
    return [
        Load("small, plain text", 2_000, None),
        Load("small, an object", 2_000, {"type": "object", "properties": flat}),
        Load("small, a list with quotes", 2_000, listed),
        Load("small, nothing shared", 2_000, listed, shared=False),
        Load("transcript, a list with quotes", 32_000, listed),
    ]


def array_of(items: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a list of *items*."""
    return {"type": "array", "items": items}


def request_bytes(load: Load, number: int) -> bytes:
    """Return request *number* as it goes over the wire."""
    own = "" if load.shared else f", case {number}"
    line = "[S{:04d} Ann Lee] We could wait for the second pump{}, unless the port says no.\n"
    lines = (line.format(i, own) for i in range(1, load.prompt_bytes // len(line) + 1))
    question = f"Question {number}: what does speaker {number % 7} hold, and why?"
    body: dict[str, Any] = {
        "model": "simulated",
        "max_tokens": 4000,
        "messages": [
            {"role": "system", "content": "You are a careful analyst of transcripts."},
            {"role": "user", "content": "".join(lines) + question},
        ],
    }
    if load.schema is not None:
        named = {"name": "benchmark", "schema": load.schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": named}
    data = json.dumps(body).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


class Counting(asyncio.Protocol):
    """One connection that sends the next request as soon as the last is answered."""

    def __init__(self, prepared: list[bytes]) -> None:
        self._prepared = prepared
        self._sent = 0
        self._left = -1  # bytes of the body still to come; -1 while the head is read
        self._head = b""
        self.answered = 0
        self.failed = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start."""
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        """Count the answers."""
        if self._left < 0:
            self._head += data
            head, end, data = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            self.failed += not head.startswith(b"HTTP/1.1 200")
            self._left = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            self._head = b""
        self._left -= len(data)
        if self._left <= 0:
            self._left = -1
            self.answered += 1
            self._next()

    def _next(self) -> None:
        assert isinstance(self._transport, asyncio.Transport)
        self._transport.write(self._prepared[self._sent % len(self._prepared)])
        self._sent += 1


async def measure(seconds: float, connections: int, distinct: int) -> list[Measured]:
    """Measure every load in turn, *ROUNDS* times, after one short warm-up each."""
    found: dict[str, list[Measured]] = {}
    prepared = [(load, [request_bytes(load, i) for i in range(distinct)]) for load in loads()]
    async with simulated_process(provider(latency_s=0.0)) as url:
        port = urlsplit(url).port or 0
        for load, requests in prepared:
            await drive(load, requests, port, min(0.3, seconds), connections)
        for _ in range(ROUNDS):
            for load, requests in prepared:
                measured = await drive(load, requests, port, seconds, connections)
                found.setdefault(load.name, []).append(measured)
    return [
        Measured(
            rounds[0].load,
            statistics.median(one.requests_per_s for one in rounds),
            statistics.median(one.server_ms for one in rounds),
            sum(one.failed for one in rounds),
        )
        for rounds in found.values()
    ]


async def drive(
    load: Load, requests: list[bytes], port: int, seconds: float, connections: int
) -> Measured:
    """Keep *connections* busy for *seconds*; no two of them send the same of *requests*."""
    loop = asyncio.get_running_loop()
    clients = [Counting(requests[place::connections]) for place in range(connections)]
    cpu_s, start = server_cpu_s(), loop.time()
    opened = [
        (await loop.create_connection(lambda client=client: client, "127.0.0.1", port))[0]  # type: ignore[misc]
        for client in clients
    ]
    await asyncio.sleep(seconds)
    elapsed, cpu_s = loop.time() - start, server_cpu_s() - cpu_s
    answered = sum(client.answered for client in clients)
    for transport in opened:
        transport.abort()
    failed = sum(client.failed for client in clients)
    return Measured(load, answered / elapsed, 1000 * cpu_s / max(1, answered), failed)


def server_cpu_s() -> float:
    """Return the processor time of the process that listens, our only child, in seconds."""
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:  # noqa: PTH123
        child = file.read().split()[0]
    with open(f"/proc/{child}/stat", encoding="ascii") as file:  # noqa: PTH123
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def show(rows: list[Measured], connections: int) -> None:
    """Print the table."""
    print(f"simulated provider, one core, {connections} connections, medians of {ROUNDS} rounds")
    print("request                          prompt bytes  requests/s  server ms  failed")
    for row in rows:
        print(
            f"{row.load.name:<31} {row.load.prompt_bytes:>13,}  {row.requests_per_s:>10,.0f}  "
            f"{row.server_ms:>9.3f}  {row.failed:>6}"
        )


if __name__ == "__main__":
    main()
