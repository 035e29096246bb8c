"""What has ended is freed at once: full collections of garbage, which hold all up, stay rare."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
from helpers import ScriptedTransport
from hydra import compose, initialize_config_module
from test_answering import simulated
from test_batch import execute, many, write_all
from test_direct import MODELS, PLAIN, Server, answering

from runner.base.errors import CallError, NotRunError
from runner.base.threads import FULL, favour_event_loop, leave_out
from runner.base.tokens import tokenizer_for
from runner.base.virtual_time import run_virtually
from runner.calls.admission.budget import Budget, Sizer
from runner.calls.admission.gate import Gate
from runner.calls.admission.limits import Lobby
from runner.calls.call_log import CallLog
from runner.calls.client import Client
from runner.calls.retry import RetryPolicy
from runner.calls.schedule import Slots
from runner.providers.litellm.route import ModelRoute
from runner.providers.litellm.transport import LiteLLMTransport
from runner.providers.request import Request
from runner.run import execute as execute_module
from runner.run.execute import Shared


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


@pytest.mark.parametrize("spoken", ["auto", "litellm"])
@pytest.mark.parametrize("status", [302, 429, 500])
def test_nothing_of_ours_is_left_of_a_call_that_fails_at_the_provider(
    status: int, spoken: Literal["auto", "litellm"]
) -> None:
    body = {"error": {"message": "not now", "type": "server_error"}}

    async def main() -> set[str]:
        async with Server(answering(body, status, Location="http://127.0.0.1:1/")) as server:
            transport = LiteLLMTransport(
                ModelRoute(MODELS[0], f"{server.url}/v1", transport=spoken)
            )
            client = Client(transport, RetryPolicy(0), 60.0)
            await transport.open([PLAIN])
            try:
                with left_in_cycles() as left, pytest.raises(CallError):
                    await client.complete(PLAIN, Slots(1), CallLog())
                return kinds(left)
            finally:
                await transport.close()

    assert asyncio.run(main()) == set()


def refusing(limit: str) -> dict[str, Any]:
    """Return what a client is made of whose calls are refused by *limit*."""
    if limit == "budget":
        return {"budget": Budget(max_tokens=10), "sizer": Sizer(tokenizer_for(""), 0.0, 0.0)}
    gate = Gate(8)
    gate._fault = CallError("unavailable", "down") if limit == "gate" else None
    return {"gate": gate}


@pytest.mark.parametrize("limit", ["budget", "gate", "lobby"])
def test_nothing_is_left_of_a_call_that_is_refused(limit: str) -> None:
    async def main() -> tuple[list[str], set[str]]:
        transport = ScriptedTransport(simulated, {"n": 1.0})
        client = Client(transport, RetryPolicy(0), 60.0, **refusing(limit))
        request, slots = replace(PLAIN, node="n"), Slots(1)
        if limit == "lobby":
            reason = NotRunError("interrupted", "stopped")
            asyncio.get_running_loop().call_later(0.5, client.lobby.close, reason)

        async def ask() -> str:
            try:
                await client.complete(request, slots, CallLog())
            except NotRunError as error:
                return error.kind
            return "answered"

        with left_in_cycles() as left:
            ended = await asyncio.gather(ask(), ask(), ask())
        return ended, kinds(left)

    ended, left = run_virtually(main)

    assert ended[-1] == {"budget": "budget", "gate": "unavailable", "lobby": "interrupted"}[limit]
    assert left == set()


def test_what_ended_all_calls_does_not_hold_on_to_those_it_ended() -> None:
    async def main() -> list[CallError]:
        reason = NotRunError("interrupted", "stopped")
        lobby, budget, gate = Lobby(), Budget(max_tokens=10), Gate(8)
        gate._fault = CallError("unavailable", "down", status=503)
        lobby.close(reason)
        for client in (
            Client(ScriptedTransport(simulated), RetryPolicy(0), 60.0, lobby=lobby),
            Client(
                ScriptedTransport(simulated),
                RetryPolicy(0),
                60.0,
                budget=budget,
                sizer=Sizer(tokenizer_for(""), 0.0, 0.0),
            ),
            Client(ScriptedTransport(simulated), RetryPolicy(0), 60.0, gate=gate),
        ):
            with pytest.raises(NotRunError):
                await client.complete(PLAIN, Slots(1), CallLog())
        assert budget._fault is not None
        return [reason, budget._fault, gate._fault]

    faults = run_virtually(main)

    assert [fault.__traceback__ for fault in faults] == [None, None, None]
    assert [fault.again().kind for fault in faults] == ["interrupted", "budget", "unavailable"]
    assert faults[-1].again().status == 503


def test_what_litellm_loads_is_left_out_of_collections_unless_calls_are_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left_out: list[tuple[str, ...]] = []
    monkeypatch.setattr(execute_module, "leave_out", lambda *names: left_out.append(names))

    def run(path: str, *overrides: str, inside: int = 0) -> None:
        with initialize_config_module("conf", version_base="1.3"):
            cfg = compose("config", overrides=["output.console=quiet", *overrides])
        shared = Shared()
        shared.lobby.inside = inside
        asyncio.run(execute_module.execute_job(cfg, run_path=Path(path), shared=shared))

    run("offline")
    run("litellm", "model.transport=litellm")
    run("busy", "model.transport=litellm", inside=1)

    assert left_out == [(), ("offline/extractive",)]


def test_leaving_out_works_once(monkeypatch: pytest.MonkeyPatch) -> None:
    frozen: list[int] = []
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(1))
    for names in ((), ("of-this-test-alone",), ("of-this-test-alone",)):
        leave_out(*names)

    assert frozen == [1]


def test_a_session_collects_everything_seldom() -> None:
    favour_event_loop()

    assert gc.get_threshold()[2] == FULL
