"""Batches of which their provider says nothing, nothing readable, or not whether it has them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.batch_endpoint import FakeEndpoint, FakeProvider
from helpers.delivered import Kill, Killed, later, one, session
from helpers.runs import simulated

from runner.base.errors import CallError
from runner.record.deliveries import Deliveries
from runner.record.journal import Spent, spent_in
from runner.reports.status import status_of

RUN = Path("run")


def spent() -> Spent:
    return spent_in(RUN / "journal.jsonl")[0]


def failing(*kinds: str, after: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """Return a method that takes a second and fails in one of *kinds* after another, for ever."""
    calls = iter(range(10**6))

    async def fail(*args: Any) -> Any:
        await asyncio.sleep(1.0)
        if after is not None:
            await after(*args)
        raise CallError(kinds[next(calls) % len(kinds)], "no", billed=True)

    return fail


@pytest.mark.parametrize(
    ("method", "kinds", "most_s"),
    [
        ("status", ("bad_response",), 600),
        ("status", ("connection", "transient", "timeout"), 5000),
        ("results", ("bad_response",), 1000),
        ("find", ("bad_response",), 1000),
    ],
)
def test_a_batch_that_cannot_be_read_is_left_to_the_next_session(
    method: str, kinds: tuple[str, ...], most_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run ends as in any outage, and a resumed one collects what was paid for."""
    provider, took = FakeProvider(simulated), list[float]()
    fail = failing(*kinds)

    async def fails(*args: Any) -> Any:
        took.append(asyncio.get_running_loop().time())
        return await fail(*args)

    async def no_results(*_: Any) -> Any:
        await fails()
        yield b""

    with monkeypatch.context() as patch:
        patch.setattr(FakeEndpoint, method, no_results if method == "results" else fails)
        if method == "find":
            patch.setattr(FakeEndpoint, "submit", failing("timeout", after=FakeEndpoint.submit))
        result, _ = session(one(), provider, RUN)

    assert 75 == result.exit_code
    assert {"unavailable"} == {outcome.kind for outcome in result.outcomes.values()}
    assert took[-1] < most_s
    assert 2 == len(spent().out)
    later(provider, 10_000)
    result, _ = session(one(), provider, RUN)

    assert "completed" == result.status
    assert ({1}, []) == (set(provider.paid.values()), spent().out)


def test_a_batch_is_not_sent_again_while_it_may_have_been_received(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its acknowledgement is lost, and the provider does not list its batches."""
    provider = FakeProvider(simulated)
    with monkeypatch.context() as patch:
        patch.setattr(FakeEndpoint, "submit", failing("connection", after=FakeEndpoint.submit))
        patch.setattr(FakeEndpoint, "find", failing("auth"))
        result, _ = session(one(), provider, RUN)

    assert (5, 2) == (result.exit_code, len(spent().out))
    later(provider, 1000)
    result, _ = session(one(), provider, RUN)

    assert "completed" == result.status
    assert {1} == set(provider.paid.values())


def test_a_batch_that_comes_late_to_its_provider_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused for minutes, then its acknowledgement is lost; the list is slow to show it."""
    provider, submit, find = FakeProvider(simulated), FakeEndpoint.submit, FakeEndpoint.find

    async def refused(self: FakeEndpoint, *args: Any) -> Any:
        if asyncio.get_running_loop().time() < 200.0:
            raise CallError("throttle", "later")
        made = await submit(self, *args)
        if len(provider.batches) == 1:
            raise CallError("connection", "no", billed=True)
        return made

    async def slow(self: FakeEndpoint, *args: Any) -> Any:
        age = provider.now() - provider.batches[-1].made_at
        return await find(self, *args) if age > 30.0 else None

    monkeypatch.setattr(FakeEndpoint, "submit", refused)
    monkeypatch.setattr(FakeEndpoint, "find", slow)
    result, _ = session(one(), provider, RUN)

    assert ("completed", {1}) == (result.status, set(provider.paid.values()))


def test_requests_that_reach_no_provider_are_not_sent_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(FakeEndpoint, "submit", failing("connection"))
    provider = FakeProvider(simulated)
    result, _ = session(one(), provider, RUN)

    assert (75, 0) == (result.exit_code, len(provider.batches))


@pytest.mark.parametrize("reached", [False, True])
def test_an_address_that_was_never_reached_is_not_waited_for(
    reached: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Later, what did not leave is sent again without a look for it at the provider."""
    provider, submit, tries = FakeProvider(simulated), FakeEndpoint.submit, list[float]()

    async def absent(self: FakeEndpoint, *args: Any) -> Any:
        tries.append(asyncio.get_running_loop().time())
        if reached and (len(tries) == 1 or tries[-1] > tries[1] + 900.0):
            return await submit(self, *args)
        raise CallError("connection", "no connection")

    monkeypatch.setattr(FakeEndpoint, "submit", absent)
    monkeypatch.setattr(FakeEndpoint, "find", failing("auth"))
    result, _ = session(one(), provider, RUN)

    if reached:
        assert ("completed", {1}) == (result.status, set(provider.paid.values()))
        assert tries[-1] > 900.0
    else:
        assert (75, 4, []) == (result.exit_code, len(tries), spent().out)
        assert tries[-1] < 10.0


@pytest.mark.parametrize(("hours", "received"), [(1, True), (3, True), (1, False)])
def test_a_deadline_holds_while_a_batch_cannot_be_found(
    hours: int, received: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it has cost is found out by a resumed run."""
    after, ended = FakeEndpoint.submit if received else None, list[float]()

    def reply(request: Any) -> str:
        ended.append(asyncio.get_running_loop().time())
        return simulated(request)

    made = one("model.delivery=auto", f"delivery.by={hours}h")
    provider = FakeProvider(simulated)
    with monkeypatch.context() as patch:
        patch.setattr(FakeEndpoint, "submit", failing("connection", after=after))
        patch.setattr(FakeEndpoint, "find", failing("transient"))
        result, live = session(made, provider, RUN, live=reply)

    assert ("completed", 3) == (result.status, len(live.requests))
    assert ended[-1] < hours * 3600.0
    assert 2 <= len(spent().out)
    later(provider, 20_000)
    session(made, provider, RUN)

    assert [] == spent().out
    assert received == (spent().charged_usd > 0)


def interrupted(provider: FakeProvider, at: str) -> None:
    """Stop a run when its first batch comes *at* an operation of the provider."""
    kill = Kill()

    def hook(name: str) -> None:
        kill.at = 0 if name == at else kill.at
        kill.come(name)

    provider.hook = hook
    with pytest.raises(Killed):
        session(one(), provider, RUN, kill=kill)
    provider.hook = lambda _: None
    later(provider, 1000)


@pytest.mark.parametrize("sent", [False, True])
def test_calls_that_reached_no_provider_are_made_live_by_a_run_that_goes_on_live(
    sent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They hold no budget: whether the process died before the batch was to be sent, or then."""
    provider, intend = FakeProvider(simulated), Deliveries.intend

    async def intended(self: Deliveries, *args: Any) -> Any:
        made = await intend(self, *args) if sent else None
        provider.hook("intended")
        return made

    with monkeypatch.context() as patch:
        patch.setattr(Deliveries, "intend", intended)
        interrupted(provider, "intended")
    assert spent().held[1] > 0
    result, live = session(one("model.delivery=live"), provider, RUN)

    assert ("completed", 3, 0) == (result.status, len(live.requests), len(provider.batches))
    assert ([], 0.0) == (spent().out, spent().charged_usd)
    assert ["run: no pending batches"] == list(status_of(RUN))


def test_a_batch_at_a_provider_that_the_run_no_longer_has_counts_as_paid() -> None:
    provider = FakeProvider(simulated)
    interrupted(provider, "ask")
    other = ("model=offline", "model.delivery=live")
    result, live = session(one(*other), provider, RUN)  # it would answer for any model

    assert ("completed", 3, 1) == (result.status, len(live.requests), len(provider.batches))
    assert [] == spent().out
    assert spent().charged_usd > 0.02
