from __future__ import annotations

import asyncio

from runner.limits import Slots
from runner.virtual import run_virtually


def test_slots_go_to_the_lowest_rank_whoever_asked_first() -> None:
    async def main() -> list[str]:
        slots, order = Slots(1), []

        async def hold(name: str, rank: float) -> None:
            async with slots.slot(rank):
                order.append(name)
                await asyncio.sleep(1)

        await asyncio.gather(hold("short", -1), hold("long", -9), hold("middle", -5))
        return order

    order = run_virtually(main)

    assert order == ["long", "middle", "short"]


def test_no_more_than_size_are_held_at_once() -> None:
    async def main() -> int:
        slots, held, most = Slots(3), 0, 0

        async def hold() -> None:
            nonlocal held, most
            async with slots.slot():
                held += 1
                most = max(most, held)
                await asyncio.sleep(1)
                held -= 1

        await asyncio.gather(*(hold() for _ in range(10)))
        return most

    most = run_virtually(main)

    assert most == 3


def test_a_cancelled_waiter_loses_no_slot() -> None:
    async def main() -> float:
        slots = Slots(1)

        async def hold() -> None:
            async with slots.slot():
                await asyncio.sleep(1)

        first = asyncio.create_task(hold())
        waiter = asyncio.create_task(hold())
        last = asyncio.create_task(hold())
        await asyncio.sleep(0.5)
        waiter.cancel()
        await asyncio.gather(first, last)
        return asyncio.get_running_loop().time()

    ended = run_virtually(main)

    assert ended == 2.0


def test_a_waiter_cancelled_in_the_turn_of_its_grant_gives_the_slot_back() -> None:
    async def main() -> float:
        slots = Slots(1)

        async def hold() -> None:
            async with slots.slot():
                await asyncio.sleep(1)

        doomed = asyncio.create_task(hold())
        await asyncio.sleep(0)  # it has asked
        asyncio.get_running_loop().call_soon(doomed.cancel)  # runs after the grant
        await asyncio.wait([doomed])
        await asyncio.create_task(hold())
        return asyncio.get_running_loop().time()

    ended = run_virtually(main)

    assert ended == 1.0
