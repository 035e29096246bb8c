"""Work in threads, beside the event loop."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

import pytest

from runner.base import threads
from runner.base.errors import exit_code_of
from runner.base.threads import offload, start_threads

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


def test_a_system_without_threads_is_told_before_anything_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    threads._pool.cache_clear()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError) as caught:
        start_threads()
    threads._pool.cache_clear()

    assert 75 == exit_code_of(caught.value)


def test_threads_that_are_started_early_do_all_the_work() -> None:
    start_threads()
    before = threading.active_count()
    asyncio.run(asyncio.wait_for(offload(threading.get_ident), None))

    assert before == threading.active_count()
