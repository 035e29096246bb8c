from __future__ import annotations

import asyncio

import pytest

from runner.base.event_loops import run_virtually
from runner.calls.prefix_gate import PrefixGate

SECONDS = {"long": 5.0, "short": 2.0, "middle": 3.0}


async def calls(primer: PrefixGate, prefix: str, fail: str = "") -> dict[str, tuple[float, bool]]:
    """Make the three calls at once; return when each was sent and whether it warmed the cache."""
    sent: dict[str, tuple[float, bool]] = {}

    async def call(name: str) -> None:
        async with primer.turn(prefix, SECONDS[name]) as first:
            sent[name] = asyncio.get_running_loop().time(), first is not None
            await asyncio.sleep(SECONDS[name])
            if name == fail:
                raise ValueError(name)

    await asyncio.gather(*map(call, SECONDS), return_exceptions=True)
    return sent


def test_the_shortest_call_goes_first_and_the_others_after_its_reply() -> None:
    assert run_virtually(lambda: calls(PrefixGate(), "p")) == {
        "short": (0.0, True),
        "long": (2.0, False),
        "middle": (2.0, False),
    }


def test_a_warm_prefix_holds_back_no_call() -> None:
    async def main() -> dict[str, tuple[float, bool]]:
        primer = PrefixGate()
        await calls(primer, "p")
        return await calls(primer, "p")

    assert run_virtually(main) == dict.fromkeys(SECONDS, (7.0, False))


def test_other_prefixes_do_not_wait() -> None:
    async def main() -> list[dict[str, tuple[float, bool]]]:
        primer = PrefixGate()
        return await asyncio.gather(calls(primer, "p"), calls(primer, "q"))

    first, second = run_virtually(main)

    assert first == second
    assert first["short"] == (0.0, True)


def test_the_next_goes_first_when_the_first_fails() -> None:
    sent = run_virtually(lambda: calls(PrefixGate(), "p", fail="short"))

    assert sent == {"short": (0.0, True), "middle": (2.0, True), "long": (5.0, False)}


def test_after_two_failures_nobody_waits_any_longer() -> None:
    async def main() -> list[float]:
        primer, sent = PrefixGate(), []

        async def call(seconds: float) -> None:
            async with primer.turn("p", seconds) as lead:
                sent.append(asyncio.get_running_loop().time())
                await asyncio.sleep(1)
                if lead is not None:
                    lead.failed()
                    lead.failed()  # its next attempt; it fails only once for the others
                await asyncio.sleep(100)

        await asyncio.gather(*map(call, (1.0, 2.0, 3.0, 4.0)))
        return sent

    assert run_virtually(main) == [0.0, 1.0, 2.0, 2.0]


def test_a_failed_first_call_that_is_answered_later_releases_the_others() -> None:
    async def main() -> list[float]:
        primer, sent = PrefixGate(), []

        async def call(seconds: float) -> None:
            async with primer.turn("p", seconds) as lead:
                sent.append(asyncio.get_running_loop().time())
                if lead is not None and seconds == 1.0:
                    lead.failed()
                await asyncio.sleep(seconds)

        await asyncio.gather(*map(call, (1.0, 20.0, 30.0)))
        return sent

    assert run_virtually(main) == [0.0, 0.0, 1.0]


def test_a_call_that_comes_after_a_lone_failure_goes_first() -> None:
    async def main() -> list[tuple[float, bool]]:
        primer, sent = PrefixGate(), []

        async def call(at: float) -> None:
            await asyncio.sleep(at)
            async with primer.turn("p", 1.0) as lead:
                sent.append((asyncio.get_running_loop().time(), lead is not None))
                await asyncio.sleep(1)
                if at == 0:
                    raise ValueError

        await asyncio.gather(call(0), call(3), call(3), return_exceptions=True)
        return sent

    assert run_virtually(main) == [(0.0, True), (3.0, True), (4.0, False)]


def test_a_first_call_that_is_cancelled_lets_the_others_go() -> None:
    async def main() -> float:
        primer = PrefixGate()

        async def call(seconds: float) -> float:
            async with primer.turn("p", seconds):
                sent = asyncio.get_running_loop().time()
                await asyncio.sleep(seconds)
                return sent

        doomed = asyncio.create_task(call(1.0))
        other = asyncio.create_task(call(9.0))
        await asyncio.sleep(0.5)
        doomed.cancel()
        with pytest.raises(asyncio.CancelledError):
            await doomed
        return await other

    assert run_virtually(main) == 0.5


def test_the_others_go_as_soon_as_an_attempt_of_the_first_has_failed() -> None:
    async def main() -> list[float]:
        primer, sent = PrefixGate(), []

        async def call(seconds: float) -> None:
            async with primer.turn("p", seconds) as go_on:
                sent.append(asyncio.get_running_loop().time())
                await asyncio.sleep(1)
                if go_on is not None:
                    go_on()
                await asyncio.sleep(100)

        await asyncio.gather(call(1.0), call(2.0), call(3.0))
        return sent

    assert run_virtually(main) == [0.0, 1.0, 1.0]
