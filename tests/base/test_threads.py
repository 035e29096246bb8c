"""Work in threads, beside the event loop."""

from __future__ import annotations

import asyncio
import threading

from runner.base.threads import Once, offload


def test_work_is_done_in_a_thread_one_piece_after_the_other() -> None:
    at_once: list[int] = []
    inside = threading.Semaphore(1)

    def work() -> int:
        at_once.append(inside.acquire(blocking=False))
        inside.release()
        return threading.get_ident()

    async def main() -> list[int]:
        return await asyncio.gather(*(offload(work) for _ in range(20)))

    threads = asyncio.run(main())

    assert {True} == set(at_once)
    assert threading.get_ident() not in threads


def test_what_many_ask_for_is_computed_once_and_survives_one_who_gives_up() -> None:
    asked: list[str] = []

    def answer(text: str) -> str:
        asked.append(text)
        return text.upper()

    async def main() -> list[str]:
        once = Once()
        hasty = asyncio.create_task(once.offload(answer, "a"))
        await asyncio.sleep(0)
        others = [asyncio.create_task(once.offload(answer, "a")) for _ in range(3)]
        await asyncio.sleep(0)
        hasty.cancel()
        return await asyncio.gather(*others)

    assert ["A", "A", "A"] == asyncio.run(main())
    assert ["a"] == asked


def test_of_many_results_the_last_are_remembered() -> None:
    asked: list[int] = []

    async def main() -> None:
        once = Once()
        for number in (*range(1000), 999, 0):
            await once.offload(asked.append, number)

    asyncio.run(main())

    assert [*range(1000), 0] == asked
