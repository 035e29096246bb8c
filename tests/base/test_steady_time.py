"""A process that is stopped, or blocked, for longer than a timeout loses nothing that arrived."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from helpers import completion

from runner.base.errors import CallError
from runner.base.event_loops import SteadyTimeLoop
from runner.base.loop_lag import LagProbe
from runner.calls.admission.limits import Slots
from runner.calls.call_log import CallLog
from runner.calls.client import Client
from runner.calls.retry import RetryPolicy
from runner.providers.request import Completion, Request, Transport

REQUEST = Request("say_means", ({"role": "user", "content": "?"},), 100)
STOPPED_S = 9.0


class Clock:
    """The machine's clock, which can go on while the process stands still."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead_s


class Wire(Transport):
    """A transport whose replies come through a socket; the process stops before the first."""

    def __init__(self, stop: Callable[[], None], text: bytes) -> None:
        self.stop, self.text = stop, text
        self.sent = 0

    async def complete(self, request: Request, timeout_s: float) -> Completion:
        self.sent += 1
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=ours)
        loop = asyncio.get_running_loop()

        def arrive_in_a_gap() -> None:
            theirs.sendall(self.text)
            theirs.close()
            self.stop()

        loop.call_soon(arrive_in_a_gap)
        read = await reader.read(-1)
        writer.close()
        return completion(read.decode())


def run(main: Callable[[], Awaitable[Any]], clock: Clock) -> Any:
    with asyncio.Runner(loop_factory=lambda: SteadyTimeLoop(clock)) as runner:
        return runner.run(main())  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [10, 200_000])
def test_a_reply_that_arrived_while_the_process_was_stopped_is_not_asked_for_again(
    size: int,
) -> None:
    clock = Clock()

    def stop() -> None:
        clock.ahead_s += STOPPED_S

    async def main() -> tuple[Completion, Wire, CallLog]:
        wire, calls = Wire(stop, b"x" * size), CallLog()
        client = Client(wire, RetryPolicy(0), timeout_s=3.0)
        return await client.complete(REQUEST, Slots(1), calls), wire, calls

    reply, wire, calls = run(main, clock)

    assert "x" * size == reply.text
    assert 1 == wire.sent
    assert ["ok"] == [attempt.outcome for attempt in calls.attempts]


def test_no_deadline_of_a_node_passes_while_the_process_is_stopped() -> None:
    clock, faults = Clock(), [CallError("transient", "reset", status=500)]

    class Failing(Wire):
        async def complete(self, request: Request, timeout_s: float) -> Completion:
            if faults:
                asyncio.get_running_loop().call_soon(self.stop)
                await asyncio.sleep(0.001)
                raise faults.pop()
            return completion("fine")

    def stop() -> None:
        clock.ahead_s += 10_000.0

    async def main() -> Completion:
        client = Client(Failing(stop, b""), RetryPolicy(1, 0.001), 3.0, deadline_s=60.0)
        return await client.complete(REQUEST, Slots(1), CallLog())

    assert "fine" == run(main, clock).text


def test_time_that_passes_while_the_loop_waits_counts() -> None:
    async def main() -> float:
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(0.01)
        return asyncio.get_running_loop().time() - began

    assert 0.009 < run(main, Clock()) < 600.0


def test_a_gap_is_a_lag_of_the_loop() -> None:
    clock = Clock()

    def stop() -> None:
        clock.ahead_s += STOPPED_S

    async def main() -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        with LagProbe(loop).watch() as lag:
            loop.call_soon(stop)
            while not lag.samples:
                await asyncio.sleep(0.001)
            return lag.figures()

    assert 1e3 * (STOPPED_S - 0.01) < run(main, clock)["max_ms"]


def test_the_attempt_of_a_silent_provider_still_ends_at_its_deadline() -> None:
    class Silent(Wire):
        async def complete(self, request: Request, timeout_s: float) -> Completion:
            await asyncio.sleep(3600.0)
            raise AssertionError

    async def main() -> str:
        client = Client(Silent(lambda: None, b""), RetryPolicy(0), timeout_s=0.01)
        with pytest.raises(CallError) as caught:
            await client.complete(REQUEST, Slots(1), CallLog())
        return caught.value.kind

    assert "timeout" == run(main, Clock())
