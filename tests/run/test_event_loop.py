"""The event loop talks to the network: what grows with a transcript is computed beside it."""

from __future__ import annotations

import asyncio
import selectors
import sys
from pathlib import Path
from typing import Any

from helpers import ScriptedTransport, job
from helpers.runs import ONLY_TWO, simulated

from runner.calls.client import Client
from runner.calls.retry import RetryPolicy
from runner.providers.request import Request
from runner.record.run_directory import RunDirectory
from runner.run.run import Run

MOST = 60_000  # calls in a turn, which take some 10 ms; the index of quotes alone takes 500,000


class Turns(selectors.DefaultSelector):
    """Counts what this thread calls between two looks of the event loop at its sockets."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = self.most = 0

    def count(self, *_: Any) -> None:
        self.calls += 1

    def select(self, timeout: float | None = None) -> Any:
        self.most, self.calls = max(self.most, self.calls), 0
        return super().select(timeout)


def longest_turn(segments: int, transport: ScriptedTransport) -> int:
    """Return how much the longest turn calls in a run over a transcript of so many segments."""
    file = Path(f"talk{segments}.txt")
    said = (f"Ann: We should wait for pump number {n}, says the log.\n\n" for n in range(segments))
    file.write_text("".join(said))
    made = job(*ONLY_TWO, "transcript=file", f"transcript.path={file}", "model.max_tokens=500")
    turns = Turns()

    async def main() -> int:
        directory = RunDirectory.create(Path(f"run{segments}"))
        client = Client(transport, RetryPolicy(0), 600.0)
        sys.setprofile(turns.count)
        try:
            result = await Run(made, {"main": client}, directory).execute()
        finally:
            sys.setprofile(None)
            directory.close()
        return result.exit_code

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(turns)) as runner:
        assert 0 == runner.run(main())
    return turns.most


def test_no_turn_of_the_loop_does_much_however_long_the_transcript() -> None:
    replies: dict[str, str] = {}

    def reply(request: Request) -> str:
        if request.node not in replies:
            replies[request.node] = simulated(request)
        return replies[request.node]

    transport = ScriptedTransport(reply)
    longest_turn(50, transport)  # makes the replies and compiles the templates
    short, long = (longest_turn(segments, transport) for segments in (100, 5_000))

    assert short <= MOST
    assert long <= MOST
