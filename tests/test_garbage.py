"""What has ended is freed at once: full collections of garbage, which hold all up, stay rare."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from test_answering import simulated
from test_batch import execute, many, write_all
from test_direct import MODELS, PLAIN, Server, answering

from runner.call_log import CallLog
from runner.client import Client
from runner.errors import CallError
from runner.offload import FULL, favour_event_loop
from runner.provider.loading import load_litellm
from runner.provider.request import Request
from runner.provider.route import ModelRoute
from runner.provider.transport import LiteLLMTransport
from runner.retry import RetryPolicy
from runner.schedule import Slots


@contextmanager
def left_in_cycles() -> Iterator[list[object]]:
    """Fill a list with what the block leaves that only a collection can free."""
    found: list[object] = []
    gc.collect()
    gc.disable()
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found += gc.garbage
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


def kinds(left: list[object]) -> set[str]:
    """Return the names of the classes of ours, of exceptions and of tasks among *left*."""
    told = (BaseException, asyncio.Task)
    ours = [o for o in left if isinstance(o, told) or type(o).__module__.startswith("runner.")]
    return {type(one).__name__ for one in ours}


def failing_first() -> Callable[[Request], object]:
    asked: set[str] = set()

    def reply(request: Request) -> object:
        if request.node not in asked:
            asked.add(request.node)
            raise CallError("transient", "not now", status=500)
        return simulated(request)

    return reply


def test_the_check_below_sees_what_is_left_in_cycles() -> None:
    with left_in_cycles() as left:
        error = CallError("transient", "not now")
        error.args = (error,)
        del error

    assert kinds(left) == {"CallError"}


def test_the_runs_of_a_batch_are_freed_without_a_collection() -> None:
    write_all(3)
    made = many()
    with left_in_cycles() as left:
        result, transport = execute(made, failing_first(), {"competing_hypotheses": 1.0})
        assert result.counts == {"ok": 1, "failed": 2, "not_run": 0}
        del result, transport

    assert sorted(kinds(left)) == []


@pytest.mark.parametrize("status", [429, 500])
def test_a_call_that_fails_at_the_provider_is_freed_without_a_collection(status: int) -> None:
    body = {"error": {"message": "not now", "type": "server_error"}}

    async def main() -> set[str]:
        async with Server(answering(body, status)) as server:
            transport = LiteLLMTransport(ModelRoute(MODELS[0], f"{server.url}/v1"))
            client = Client(transport, RetryPolicy(0), 60.0)
            await transport.open([PLAIN])
            try:
                with left_in_cycles() as left, pytest.raises(CallError, match="not now"):
                    await client.complete(PLAIN, Slots(1), CallLog())
                return kinds(left)
            finally:
                await transport.close()

    assert asyncio.run(main()) == set()


def test_what_a_provider_loads_is_left_out_of_collections_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frozen: list[int] = []

    async def open_twice() -> None:
        for _ in range(2):
            transport = LiteLLMTransport(ModelRoute("openai/of-this-test-alone", "http://x/v1"))
            await transport.open([PLAIN])
            await transport.close()

    load_litellm(MODELS[0])
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(1))
    asyncio.run(open_twice())

    assert frozen == [1]


def test_a_session_collects_everything_seldom() -> None:
    favour_event_loop()

    assert gc.get_threshold()[2] == FULL
