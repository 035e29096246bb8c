"""Batch APIs over real HTTP: each provider's addresses, bodies, states and results."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from helpers import KEY
from helpers.batch_wires import (
    ANTHROPIC_SPOKEN,
    CREATED,
    ENDED,
    MARK,
    OPENAI_SPOKEN,
    SINCE,
    SPOKEN,
    Spoken,
    anthropic_batch,
    fake_keys,
    openai_batch,
    openai_result,
    run,
    speaking,
)
from helpers.provider_wire import REPLY, REQUEST

from runner.base.errors import CallError
from runner.providers.batches.endpoint import SubmittedBatch
from runner.providers.prices import cost_usd, prices_of
from runner.providers.request import Completion

EACH = pytest.mark.parametrize("spoken", SPOKEN, ids=lambda spoken: spoken.wire.choice)
KEYS = ("k-1", "k_2")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_keys(monkeypatch)


def lines(*results: Any) -> bytes:
    return b"".join(json.dumps(result).encode() + b"\n" for result in results)


@EACH
def test_a_batch_is_sent_with_the_bodies_of_live_calls(spoken: Spoken) -> None:
    async def main() -> Any:
        async with speaking(spoken) as (endpoint, double):
            made = await endpoint.submit([endpoint.line(key, REQUEST) for key in KEYS], MARK)
            return made, double.met

    made, met = run(main)
    if spoken.made is None:  # the requests are sent with the batch
        requests = met[0].body["requests"]
    else:
        requests = [json.loads(line) for line in met[-2].body.splitlines()]

    assert made.id == spoken.id
    assert made.state in ("waiting", "running")
    assert tuple(each.what for each in met) == spoken.sent
    assert requests == [spoken.line(key, spoken.wire.body) for key in KEYS]
    assert spoken.made is None or met[-1].body == spoken.made
    assert all(each.headers[n] == v for each in met for n, v in spoken.wire.headers.items())
    assert KEY not in str([(each.what, each.body) for each in met])


@EACH
def test_each_state_has_its_meaning_and_times_are_told(spoken: Spoken) -> None:
    async def main() -> Any:
        told = [spoken.told(state) for state in spoken.states]
        async with speaking(spoken, {spoken.at[0]: told}) as (endpoint, _):
            return [await endpoint.status(spoken.id) for _ in spoken.states]

    found = run(main)

    assert [each.state for each in found] == list(spoken.states.values())
    assert {(each.created_at, each.ended_at) for each in found} == {(CREATED, ENDED)}


@EACH
def test_results_become_replies_at_batch_prices_and_failures(spoken: Spoken) -> None:
    answer = {**spoken.wire.answer}
    file = lines(spoken.result("a", answer), spoken.failed("b"), spoken.unexecuted("c"))

    async def main() -> Any:
        ended = next(name for name, state in spoken.states.items() if state == "ended")
        answers = {spoken.at[0]: spoken.told(ended), spoken.at[3]: file}
        async with speaking(spoken, answers) as (endpoint, _):
            raw = [line async for line in endpoint.results(spoken.id)]
            prices = prices_of(endpoint.route)  # type: ignore[attr-defined]
            return prices, {endpoint.key_of(line): endpoint.read(line, REQUEST) for line in raw}

    prices, found = run(main)
    reply, failed, unexecuted = (found[key] for key in "abc")

    assert isinstance(reply, Completion)
    assert reply.text == REPLY
    assert replace(reply.usage, cost_usd=0.0) == spoken.wire.usage
    assert reply.usage.cost_usd == pytest.approx(cost_usd(spoken.wire.usage, prices, "batches"))
    assert reply.usage.cost_usd < 0.65 * cost_usd(spoken.wire.usage, prices, "default")
    assert isinstance(failed, CallError)
    assert isinstance(unexecuted, CallError)
    assert (failed.kind, failed.billed) == ("transient", False)
    assert unexecuted.billed is False


def test_a_refused_request_is_refused_as_a_live_call_is() -> None:
    """Whatever words its provider has for it: one that is wrong itself is not sent again."""
    kinds = {400: "bad_request", 401: "auth", 404: "not_found", 422: "bad_request"}
    kinds |= {429: "throttle", 500: "transient"}
    body = {"error": {"message": "no", "type": "of_a_proxy", "code": None}}

    async def main() -> dict[int, Any]:
        async with speaking(OPENAI_SPOKEN) as (endpoint, _):
            found = {s: lines(openai_result("a", body, s)) for s in kinds}
            return {s: endpoint.read(line, REQUEST) for s, line in found.items()}

    failures = run(main)

    assert kinds == {status: failed.kind for status, failed in failures.items()}
    assert [*kinds] == [failed.status for failed in failures.values()]


@EACH
def test_a_batch_is_found_by_its_mark_or_its_keys_and_by_nothing_else(spoken: Spoken) -> None:
    other = json.loads(json.dumps(spoken.told()).replace(MARK, "run-2"))
    ended = spoken.told(list(spoken.states)[-1])
    file = lines(spoken.result(KEYS[0], {}))

    async def main(listed: list[Any], keys: tuple[str, ...]) -> SubmittedBatch | None:
        answers = {spoken.at[1]: spoken.listed(listed), spoken.at[3]: file}
        async with speaking(spoken, answers) as (endpoint, _):
            return await endpoint.find(MARK, SINCE, keys)

    found = run(lambda: main([ended], KEYS))
    unmarked = [] if spoken is ANTHROPIC_SPOKEN else [other]

    assert found is not None
    assert found.id == spoken.id
    assert run(lambda: main(unmarked, ("x", "y"))) is None
    assert run(lambda: main([], KEYS)) is None


@EACH
def test_a_batch_is_cancelled(spoken: Spoken) -> None:
    async def main() -> list[str]:
        async with speaking(spoken, {spoken.at[2]: spoken.told()}) as (endpoint, double):
            await endpoint.cancel(spoken.id)
            return [each.what for each in double.met]

    assert run(main) == [spoken.at[2]]


@EACH
def test_errors_of_the_provider_are_those_of_live_calls_and_hold_no_key(spoken: Spoken) -> None:
    faults = spoken.wire.failures

    async def main() -> list[CallError]:
        responses = [
            lambda _, f=fault: web.json_response(f.body, status=f.status, headers=f.headers)
            for fault in faults
        ]
        found = []
        async with speaking(spoken, {"*": responses}) as (endpoint, double):
            double.answers = {"*": double.answers["*"]}
            for _ in faults:
                with pytest.raises(CallError) as caught:
                    await endpoint.status(spoken.id)
                found.append(caught.value)
        return found

    found = run(main)

    assert [each.kind for each in found] == [fault.kind for fault in faults]
    assert [each.retry_after_s for each in found] == [fault.retry_after_s for fault in faults]
    assert KEY not in str(found)


def test_a_batch_of_anthropic_that_is_out_is_neither_found_nor_absent() -> None:
    async def main(*listed: Any) -> SubmittedBatch | None:
        answers = {
            ANTHROPIC_SPOKEN.at[1]: ANTHROPIC_SPOKEN.listed(list(listed)),
            ANTHROPIC_SPOKEN.at[3]: lines({"custom_id": "of-another", "result": {}}),
        }
        async with speaking(ANTHROPIC_SPOKEN, answers) as (endpoint, _):
            return await endpoint.find(MARK, SINCE, KEYS)

    more = anthropic_batch(request_counts={"processing": 3})
    old = anthropic_batch(created_at="2026-11-28T20:00:00Z")
    with pytest.raises(CallError, match="msgbatch_1") as caught:
        run(lambda: main(anthropic_batch("in_progress")))

    assert caught.value.kind == "transient"
    assert run(lambda: main(anthropic_batch("ended"), more, old)) is None


def test_a_batch_that_fails_as_a_whole_says_why() -> None:
    error = {"code": "token_limit_exceeded", "message": f"Enqueued token limit\nfor {KEY}"}
    told = openai_batch("failed", errors={"object": "list", "data": [error]})

    async def main() -> SubmittedBatch:
        async with speaking(OPENAI_SPOKEN, {OPENAI_SPOKEN.at[0]: told}) as (endpoint, _):
            return await endpoint.status("batch_1")

    assert run(main).error == "token_limit_exceeded: Enqueued token limit for ***"


def test_a_parameter_that_is_refused_is_left_out_of_every_request_of_the_next_batch() -> None:
    error = {"message": "Unknown parameter: 'prompt_cache_key'.", "param": "prompt_cache_key"}
    refused = {"error": {**error, "type": "invalid_request_error", "code": "unknown_parameter"}}
    files = [json.dumps(openai_result(key, refused, 400)).encode() for key in KEYS]

    async def main() -> Any:
        async with speaking(OPENAI_SPOKEN) as (endpoint, _):
            before = [json.loads(endpoint.line(key, REQUEST))["body"] for key in KEYS]
            found = [endpoint.read(line, REQUEST) for line in files]
            after = json.loads(endpoint.line("again", REQUEST))["body"]
            return before, found, after, endpoint.read(files[0].replace(b"k-1", b"again"), REQUEST)

    before, found, after, once_more = run(main)

    assert all(body.pop("prompt_cache_key") for body in before)
    assert after == before[0] == before[1]
    assert [(each.kind, each.again, each.billed) for each in found] == [
        ("bad_request", True, False)
    ] * 2
    assert once_more.again is False


def test_a_batch_that_failed_as_a_whole_names_the_kind_of_failure() -> None:
    kinds = {
        "token_limit_exceeded: Enqueued token limit reached": "throttle",
        "billing_hard_limit_reached: Billing hard limit has been reached.": "billing",
        "invalid_json_line: a line cannot be read": "transient",
    }
    told = {why: SubmittedBatch("batch_1", "failed", error=why).failure_kind for why in kinds}

    assert kinds == told
    assert "transient" == SubmittedBatch("batch_1", "expired").failure_kind
