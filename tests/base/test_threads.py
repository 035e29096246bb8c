"""Work in threads, beside the event loop."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

from runner.base.threads import offload

NAME = ContextVar("NAME", default="nobody")


def test_work_is_done_in_another_thread_with_the_tasks_own_context() -> None:
    def work(greeting: str, end: str) -> tuple[str, int]:
        return f"{greeting} {NAME.get()}{end}", threading.get_ident()

    async def call(name: str) -> tuple[str, int]:
        NAME.set(name)
        return await offload(work, "Hello", end="!")

    async def main() -> list[tuple[str, int]]:
        return await asyncio.gather(call("Ann"), call("Bo"))

    done = asyncio.run(main())

    assert ["Hello Ann!", "Hello Bo!"] == [said for said, _ in done]
    assert threading.get_ident() not in {thread for _, thread in done}


def test_the_loop_goes_on_while_a_thread_works() -> None:
    async def main() -> bool:
        served = threading.Event()
        waiting = asyncio.create_task(offload(served.wait))
        await asyncio.sleep(0)
        served.set()  # only a loop that goes on can let it end
        return await waiting

    assert asyncio.run(main())
