"""Calls leave first: replies are read, and answers written, after those that need not wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from helpers import ScriptedTransport, job
from helpers.runs import ONLY_TWO, execute_models, simulated

from runner.base.threads import MOST_TURNS, let_all_leave, let_leave, turn
from runner.base.virtual_time import run_virtually
from runner.calls.admission.limits import Ask, Lobby, Slots
from runner.calls.call_log import CallLog
from runner.calls.client import Client
from runner.calls.retry import RetryPolicy
from runner.providers.request import Request
from runner.record.run_directory import RunDirectory
from runner.run.ask import Asker


def noting(events: list[str], word: str, function: Callable[..., Any], at: int) -> Any:
    """Return *function*, which notes the name of its argument *at* first."""

    def noted(*given: Any, **named: Any) -> Any:
        events.append(f"{word} {getattr(given[at], 'name', given[at])}")
        return function(*given, **named)

    return noted


class Asked(dict[str, float]):
    """Latencies of a second, which note who is asked."""

    def __init__(self, events: list[str]) -> None:
        super().__init__(any=1.0)
        self.events = events

    def get(self, name: str, default: Any = None) -> Any:
        self.events.append(f"asked {name}")
        return self["any"]


@pytest.mark.parametrize(("in_order", "held"), [(True, 0), (False, 1)])
def test_room_goes_at_once_to_who_waits_but_in_sequence(in_order: bool, held: int) -> None:
    async def main() -> list[int]:
        lobby, slots, seen = Lobby(), Slots(1), list[int]()

        async def hold() -> None:
            async with lobby.admitted((slots,), Ask(in_order=in_order)):
                await asyncio.sleep(1)
            seen.append(slots.held)

        await asyncio.gather(hold(), hold())
        return seen

    assert run_virtually(main) == [held, 0]


def test_a_reply_is_not_lost_to_a_cancellation_while_another_call_leaves() -> None:
    async def main() -> tuple[list[str], bool]:
        client = Client(ScriptedTransport(lambda _: "paid", {"n": 1.0}), RetryPolicy(0), 60.0)
        slots, kept = Slots(1), list[str]()
        tasks: list[asyncio.Task[None]] = []

        async def ask(note: Callable[..., None] | None) -> None:
            said = await client.complete(Request("n", (), 5), slots, CallLog(note=note))
            kept.append(said.text)
            await asyncio.sleep(1)
            kept.append("not cancelled")

        def cancel(event: str, **_: Any) -> None:
            if event == "call.finished":
                asyncio.get_running_loop().call_soon(tasks[0].cancel)

        tasks += [asyncio.create_task(ask(cancel)), asyncio.create_task(ask(None))]
        await asyncio.wait(tasks[:1])
        tasks[1].cancel()
        return kept, tasks[0].cancelled()

    assert run_virtually(main) == (["paid"], True)


@pytest.mark.parametrize(
    ("mode", "order"),
    [
        ("concurrent", ["asked", "asked", "read", "read"]),
        ("sequential", ["asked", "read", "asked", "read"]),
    ],
)
def test_the_next_call_leaves_before_a_reply_is_read_but_in_sequence(
    monkeypatch: pytest.MonkeyPatch, mode: str, order: list[str]
) -> None:
    events: list[str] = []
    monkeypatch.setattr(Asker, "_validate", noting(events, "read", Asker._validate, 2))
    limits = ["analyzers.say_means.max_tokens=4000", "processing.max_concurrent=1"]
    execute_models(job(*ONLY_TWO, f"processing.mode={mode}", *limits), simulated, Asked(events))

    assert [event.split()[0] for event in events[:4]] == order


def test_an_answer_is_written_after_the_calls_that_it_lets_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    events: list[str] = []
    write = noting(events, "written", RunDirectory.write_node, 2)
    monkeypatch.setattr(RunDirectory, "write_node", write)
    execute_models(job(*ONLY_TWO), simulated, Asked(events))

    assert [event.split()[0] for event in events] == [
        "asked",
        "asked",
        "asked",
        "written",
        "written",
        "written",
    ]


def test_waiting_for_calls_to_leave_ends_soon_when_nothing_is_computed() -> None:
    async def main() -> list[str]:
        events: list[str] = []

        async def compute() -> None:
            for number in range(3):
                async with turn():
                    events.append(f"computed {number}")
                await let_leave()
            await asyncio.sleep(0)
            events.append("later")

        async def wait() -> None:
            await let_all_leave()
            events.append("waited")

        await asyncio.gather(compute(), wait())
        return events

    assert run_virtually(main) == ["computed 0", "computed 1", "computed 2", "later", "waited"]


def test_waiting_for_calls_to_leave_ends_also_where_computing_does_not() -> None:
    async def main() -> int:
        waiting = asyncio.create_task(let_all_leave())
        turns = 0
        while not waiting.done():
            async with turn():
                turns += 1
            await asyncio.sleep(0)
        return turns

    assert MOST_TURNS <= run_virtually(main) <= MOST_TURNS + 2
