from __future__ import annotations

import asyncio

import pytest

from runner.base.virtual_time import run_virtually
from runner.providers.litellm.launch import MAX_HOLD_S, LaunchGate, _release


def test_turns_come_in_order_and_one_at_a_time_until_the_request_has_left() -> None:
    async def main() -> list[str]:
        gate, seen = LaunchGate(), list[str]()

        async def call(name: str) -> None:
            async with gate.turn():
                seen.append(f"{name} prepares")
                await asyncio.sleep(MAX_HOLD_S / 4)
                seen.append(f"{name} leaves")
                release = _release.get()
                assert release is not None
                release()
                await asyncio.sleep(10)  # the answer takes its time; the next has its turn

        await asyncio.gather(call("long"), call("short"))
        return seen

    assert run_virtually(main) == [
        "long prepares",
        "long leaves",
        "short prepares",
        "short leaves",
    ]


def test_a_client_that_never_tells_holds_the_others_up_only_briefly() -> None:
    async def main() -> float:
        gate = LaunchGate()

        async def call(seconds: float) -> float:
            async with gate.turn():
                begun = asyncio.get_running_loop().time()
                await asyncio.sleep(seconds)
                return begun

        _, second = await asyncio.gather(call(60), call(0))
        return second

    assert run_virtually(main) == MAX_HOLD_S


def test_a_failed_or_cancelled_call_gives_its_turn_back() -> None:
    async def main() -> bool:
        gate = LaunchGate()
        with pytest.raises(ValueError, match="lost"):
            async with gate.turn():
                raise ValueError("lost")
        waiting = asyncio.create_task(_hold(gate))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        async with gate.turn():
            return asyncio.get_running_loop().time() == 0.0

    assert run_virtually(main)


async def _hold(gate: LaunchGate) -> None:
    async with gate.turn():
        await asyncio.sleep(60)
