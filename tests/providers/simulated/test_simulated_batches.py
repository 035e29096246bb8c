"""The simulated provider's batches: their times, their ends, and both APIs over real HTTP."""

from __future__ import annotations

import asyncio
import json
import statistics
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp
import pytest
from helpers.provider_wire import REQUEST

from runner.base.errors import CallError, ConfigError
from runner.config.simulate import SimulateSettings
from runner.providers.batches.endpoint import OVER, BatchEndpoint, SubmittedBatch
from runner.providers.batches.factory import batch_endpoint
from runner.providers.litellm.route import ModelRoute
from runner.providers.litellm.transport import LiteLLMTransport
from runner.providers.request import Completion
from runner.providers.simulated.__main__ import parse
from runner.providers.simulated.batches import SimulatedBatch, SimulatedBatches
from runner.providers.simulated.behaviour import check
from runner.providers.simulated.replies import reply_to
from runner.providers.simulated.server import SimulatedProvider

ASKED = [(f"k{n}", {"messages": [{"role": "user", "content": f"Segment {n}"}]}) for n in range(40)]
KEYS = [f"k{n}" for n in range(12)]


def settings(**batch: Any) -> SimulateSettings:
    return SimulateSettings.model_validate({"batch": batch})


def made(asked: Any = ASKED, **batch: Any) -> SimulatedBatch:
    return SimulatedBatches(settings(**batch), reply_to).make(asked, "b", 0.0, {})


def test_half_of_the_batches_end_within_the_median_and_some_take_long() -> None:
    batches = SimulatedBatches(settings(median_s=100.0, tail=1.0, window_s=1e6), reply_to)
    took = sorted(batches.make(ASKED[:2], "b", 0.0, {}).ended_s for _ in range(1000))

    assert statistics.median(took) == pytest.approx(100.0, rel=0.15)
    assert took[950] == pytest.approx(100.0 * 2.718**1.645, rel=0.25)


def test_requests_end_in_any_order_and_equal_settings_give_equal_batches() -> None:
    batch, again = made(), made()
    keys = [call.key for call in batch.calls]

    assert keys != [key for key, _ in ASKED]
    assert sorted(keys) == sorted(key for key, _ in ASKED)
    assert [(c.key, c.done_s) for c in again.calls] == [(c.key, c.done_s) for c in batch.calls]
    assert made(speed=10.0).ended_s == pytest.approx(batch.ended_s / 10)


def test_a_batch_waits_runs_and_ends_with_a_part_of_its_results_at_each_time() -> None:
    batch = made()
    times = [share * batch.ended_s for share in (0.0, 0.05, 0.5, 0.999, 1.0)]

    assert [batch.state(now) for now in times] == [
        *("validating", "validating", "in_progress", "in_progress", "completed")
    ]
    assert [len(list(batch.outcomes(now))) for now in times] == [0, 0, 18, 39, 40]


def test_what_is_not_done_expires_or_is_cancelled_and_what_is_done_is_kept() -> None:
    ended_s = made().ended_s
    expired, cancelled = made(window_s=ended_s / 2), made()
    cancelled.cancelled_s = ended_s / 2

    for batch, word in ((expired, "expired"), (cancelled, "cancelled")):
        counts = Counter(outcome for _, outcome in batch.outcomes(ended_s))

        assert batch.state(ended_s) == word
        assert batch.ended_s == ended_s / 2
        assert counts == {"answered": 18, word: 22}


def test_a_batch_beyond_a_limit_fails_as_a_whole() -> None:
    many = made(max_requests=39)
    batches = SimulatedBatches(settings(queued_tokens=700), reply_to)
    first = batches.make(ASKED, "b", 0.0, {})
    second = batches.make(ASKED, "b", 1.0, {})
    third = batches.make(ASKED, "b", first.ended_s + 1.0, {})

    assert "at most 39" in many.error
    assert [batch.state(1e5) for batch in (many, first, second, third)] == [
        *("failed", "completed", "failed", "completed")
    ]
    assert list(second.outcomes(1e5)) == []


@pytest.mark.parametrize(
    ("batch", "said"),
    [
        ({"faults": {"reset": 0.1}}, "batch.faults: 'reset' is a fault of a connection"),
        ({"faults": {"status_50": 0.1}}, "batch.faults: unknown kind of fault 'status_50'"),
        ({"faults": {"status_500": 0.6, "length": 0.6}}, "batch.faults: the rates add up to 1.2"),
    ],
)
def test_faults_that_no_request_of_a_batch_can_have_are_refused(batch: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        check(settings(**batch))


Session = Callable[[BatchEndpoint, SimulatedProvider], Coroutine[Any, Any, Any]]


def speak(name: str, session: Session, **batch: Any) -> Any:
    """Run *session* with the endpoint of a simulated `openai` or `anthropic`."""

    async def main() -> Any:
        quick = {"median_s": 1.0, "tail": 0.0, "speed": 50.0, **batch}
        async with SimulatedProvider(settings=settings(**quick)) as server:
            base = server.url if name == "openai" else server.url.removesuffix("/v1")
            endpoint = batch_endpoint(ModelRoute(f"{name}/simulated", base, "MY_KEY"))
            await endpoint.open()
            try:
                return await session(endpoint, server)
            finally:
                await endpoint.close()

    return asyncio.run(main())


async def over(endpoint: BatchEndpoint, batch: SubmittedBatch) -> SubmittedBatch:
    while batch.state not in OVER:
        await asyncio.sleep(0.01)
        batch = await endpoint.status(batch.id)
    return batch


async def submitted(endpoint: BatchEndpoint) -> SubmittedBatch:
    return await endpoint.submit([endpoint.line(key, REQUEST) for key in KEYS], "run-1")


APIS = pytest.mark.parametrize("name", ["openai", "anthropic"])


@APIS
def test_a_batch_is_answered_as_live_calls_are(name: str) -> None:
    async def session(endpoint: BatchEndpoint, server: SimulatedProvider) -> Any:
        batch = await over(endpoint, await submitted(endpoint))
        found = [line async for line in endpoint.results(batch.id)]
        replies = {endpoint.key_of(line): endpoint.read(line, REQUEST) for line in found}
        live = LiteLLMTransport(endpoint.route)  # type: ignore[attr-defined]
        await live.open()
        reply = await live.complete(REQUEST, 600.0)
        await live.close()
        again = await endpoint.find("run-1", 0.0, KEYS)
        return batch, list(replies), replies["k0"], reply, again, server.stats

    batch, keys, batched, live, again, stats = speak(name, session)

    assert isinstance(batched, Completion)
    assert (batched.text, batched.usage, batched.finish_reason) == (
        *(live.text, live.usage, live.finish_reason),
    )
    assert sorted(keys) == sorted(KEYS)
    assert keys != KEYS
    assert again == batch
    assert stats.totals["requests"] == 1  # the live one


@APIS
def test_single_requests_fail_are_lost_or_answered_badly(name: str) -> None:
    faults = {"status_500": 0.3, "bad_answer": 0.3, "surrogate": 0.4}

    async def session(endpoint: BatchEndpoint, _: SimulatedProvider) -> Any:
        batch = await over(endpoint, await submitted(endpoint))
        return [endpoint.read(line, REQUEST) async for line in endpoint.results(batch.id)]

    found = speak(name, session, faults=faults, missing=0.2)
    kinds = Counter(
        each.kind if isinstance(each, CallError) else each.text[:14].replace("\n", "")
        for each in found
    )

    assert kinds["transient"] > 0
    assert kinds['{"simulated": '] > 0
    assert 6 < len(found) < len(KEYS)


@APIS
def test_a_torn_download_fails_and_is_whole_when_asked_for_again(name: str) -> None:
    async def session(endpoint: BatchEndpoint, _: SimulatedProvider) -> Any:
        batch, whole, torn = await over(endpoint, await submitted(endpoint)), 0, 0
        while not (whole and torn):
            keys = set()
            try:
                async for line in endpoint.results(batch.id):
                    keys.add(endpoint.key_of(line))
            except CallError as error:
                torn += 1
                assert error.kind == "connection"
            else:
                whole += 1
                assert keys == set(KEYS)
        return whole, torn

    assert all(speak(name, session, torn=0.5))


@APIS
def test_a_cancelled_batch_keeps_what_was_done(name: str) -> None:
    async def session(endpoint: BatchEndpoint, _: SimulatedProvider) -> Any:
        batch = await submitted(endpoint)
        assert [line async for line in endpoint.results(batch.id)] == []
        await endpoint.cancel(batch.id)
        batch = await over(endpoint, batch)
        return batch, [endpoint.read(x, REQUEST) async for x in endpoint.results(batch.id)]

    batch, found = speak(name, session, speed=0.1)

    assert batch.state == "cancelled"
    assert [str(each) for each in found] == [str(found[0])] * len(KEYS)
    assert "the batch was over before this request" in str(found[0])


@APIS
def test_requests_about_batches_have_a_rate_limit_of_their_own(name: str) -> None:
    async def session(endpoint: BatchEndpoint, server: SimulatedProvider) -> Any:
        for _ in range(9):
            await endpoint.find("none", 0.0, ())

    with pytest.raises(CallError) as caught:
        speak(name, session, rpm=6)

    assert caught.value.kind == "throttle"
    assert caught.value.retry_after_s is not None


def test_all_batches_of_an_account_are_listed_page_by_page() -> None:
    async def session(endpoint: BatchEndpoint, server: SimulatedProvider) -> Any:
        line = endpoint.line("k0", REQUEST)
        first = await endpoint.submit([line], "first")
        for n in range(120):
            server.batches.batches.make([("k0", {"messages": []})], "batch_", float(n), {})
        return first.id, await endpoint.find("first", 0.0, KEYS)

    first, found = speak("openai", session)

    assert found is not None
    assert found.id == first


async def _refusal(session: aiohttp.ClientSession, address: str, body: Any) -> str:
    async with session.post(address, json=body) as response:
        assert response.status == 400
        return str((await response.json())["error"]["message"])


@pytest.mark.parametrize("messages", ["Segment 1", {"role": "user"}, 7, [], ["Segment 1"], None])
def test_a_batch_with_a_request_without_messages_is_refused_as_a_whole(messages: Any) -> None:
    good, bad = ASKED[0][1], {"messages": messages}

    async def main() -> list[str]:
        async with (
            SimulatedProvider(settings=settings()) as server,
            aiohttp.ClientSession() as session,
        ):
            own = [{"custom_id": f"k{n}", "params": each} for n, each in enumerate((good, bad))]
            lines = (
                json.dumps({"custom_id": f"k{n}", "body": b}) for n, b in enumerate((good, bad))
            )
            form = aiohttp.FormData()
            form.add_field("file", "\n".join(lines).encode(), filename="requests.jsonl")
            async with session.post(f"{server.url}/files", data=form) as response:
                named = {"input_file_id": (await response.json())["id"]}
            return [
                await _refusal(session, f"{server.url}/messages/batches", {"requests": own}),
                await _refusal(session, f"{server.url}/batches", named),
            ]

    assert ["a request of the batch holds no messages"] * 2 == asyncio.run(main())


def test_the_command_takes_the_keys_of_batches() -> None:
    found, _ = parse(["batch.speed=600", "batch.faults={length: 0.5}"])

    assert (found.batch.speed, found.batch.faults) == (600.0, {"length": 0.5})
    with pytest.raises(ConfigError, match=r"batch\.sped"):
        parse(["batch.sped=600"])
