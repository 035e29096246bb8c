"""The real litellm over real HTTP against a loopback server."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import pytest
from helpers import FaultyProvider

from runner.base.errors import CallError, ConfigError
from runner.base.usage import Usage
from runner.calls.admission.limits import Slots
from runner.calls.call_log import CallLog
from runner.calls.client import Client
from runner.calls.retry import RetryPolicy
from runner.providers.litellm import loading
from runner.providers.litellm.loading import check_provider
from runner.providers.litellm.route import ModelRoute
from runner.providers.litellm.transport import LiteLLMTransport
from runner.providers.offline.litellm_provider import MODEL
from runner.providers.request import Completion, Exchange, Request
from runner.providers.simulated.faults import FaultResponse

pytestmark = pytest.mark.slow

SCHEMA = {
    "type": "object",
    "properties": {"x": {"type": "integer"}},
    "required": ["x"],
    "additionalProperties": False,
}
MESSAGES = (
    {"role": "system", "content": "You read."},
    {
        "role": "user",
        "content": [{"type": "text", "text": "MATERIAL"}, {"type": "text", "text": "QUESTION"}],
    },
)
REQUEST = Request("say_means", MESSAGES, max_tokens=123, temperature=0.3, schema=SCHEMA)
PLAIN = Request("say_means", MESSAGES, max_tokens=123)

Outcome = tuple[Completion | CallError, CallLog, FaultyProvider]


def ask(
    *faults: FaultResponse | None,
    request: Request = PLAIN,
    text: str = '{"x": 1}',
    max_retries: int = 2,
    timeout_s: float = 30.0,
    model: str = "openai/gpt-4o-mini",
    **route: Any,
) -> Outcome:
    """Send *request* through the client to a server that first answers with *faults*."""

    async def main() -> Outcome:
        async with FaultyProvider(lambda _: text, faults) as server:
            transport = LiteLLMTransport(ModelRoute(model, api_base=server.url, **route))
            await transport.open()
            retry = RetryPolicy(max_retries, delay_s=0.01)
            client = Client(transport, retry, timeout_s, random.Random(3))
            calls = CallLog()
            try:
                outcome: Completion | CallError = await client.complete(request, Slots(1), calls)
            except CallError as error:
                outcome = error
            finally:
                await transport.close()
            return outcome, calls, server

    return asyncio.run(main())


def test_the_request_carries_what_was_asked_and_the_reply_comes_back() -> None:
    outcome, calls, server = ask(request=REQUEST)
    sent = server.received[0].body

    assert isinstance(outcome, Completion)
    assert outcome.text == '{"x": 1}'
    assert outcome.finish_reason == "stop"
    assert sent["model"] == "gpt-4o-mini"
    assert sent["max_tokens"] == 123
    assert sent["temperature"] == 0.3
    assert sent["messages"] == [
        {"role": "system", "content": "You read."},
        {"role": "user", "content": "MATERIALQUESTION"},
    ]
    assert sent["response_format"]["json_schema"] == {
        "name": "say_means",
        "schema": SCHEMA,
        "strict": True,
    }
    assert outcome.usage == calls.usage
    assert outcome.usage.prompt_tokens > 0


def test_cost_comes_from_the_price_map_or_from_the_settings_or_is_unknown() -> None:
    listed, *_ = ask()
    own, *_ = ask(model="openai/own", input_usd_per_mtok=1.0, output_usd_per_mtok=2.0)
    unknown, *_ = ask(model="openai/own")

    assert isinstance(listed, Completion)
    assert isinstance(own, Completion)
    assert isinstance(unknown, Completion)
    paid = listed.usage.prompt_tokens * 0.15 + listed.usage.completion_tokens * 0.60
    assert listed.usage.cost_usd == pytest.approx(paid / 1e6)
    paid = own.usage.prompt_tokens * 1.0 + own.usage.completion_tokens * 2.0
    assert own.usage.cost_usd == pytest.approx(paid / 1e6)
    assert unknown.usage.cost_usd is None


def test_the_key_is_read_from_the_environment_and_sent_as_a_bearer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MY_KEY", "canary-1234")
    _, _, server = ask(api_key_env="MY_KEY")

    assert server.received[0].headers["Authorization"] == "Bearer canary-1234"


def test_further_parameters_are_passed_on() -> None:
    _, _, server = ask(params={"seed": 7})

    assert server.received[0].body["seed"] == 7


def test_a_provider_that_litellm_has_not_is_refused_with_the_nearest() -> None:
    expected = r"model 'opnai/x': litellm has no provider 'opnai'; did you mean 'openai'\?"
    with pytest.raises(ConfigError, match=expected):
        check_provider("opnai/x", None)


@pytest.mark.parametrize(
    ("name", "package"),
    [("openai/responses/gpt-6-luna", "mcp"), ("vertex_ai/gemini-2.5-pro", "google-auth")],
)
def test_a_model_that_needs_a_missing_package_is_refused_before_the_run(
    name: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=f"model '{name}' is .*: pip install {package}"):
        check_provider(name, None)


def test_usages_add_up_kind_by_kind() -> None:
    total = Usage(10, 1, 4, 3) + Usage(20, 2, 8, 0, estimated=True)

    assert Usage(30, 3, 12, 3, estimated=True) == total


LIMITED = FaultResponse(429, {"Retry-After": "1"})


def test_a_reply_without_choices_is_empty_and_says_why() -> None:
    """It was paid for; the conversation asks again (test_conversation.py)."""
    outcome, _, server = ask(FaultResponse(200, body='{"choices": [], "usage": {}}'))

    assert isinstance(outcome, Completion)
    assert (outcome.text, outcome.finish_reason) == ("", "no choices")
    assert len(server.received) == 1


def test_retry_after_is_waited_for_between_real_requests() -> None:
    _, calls, server = ask(LIMITED)
    first, second = (received.at_s for received in server.received)

    assert calls.attempts[0].wait_s >= 1.0
    assert second - first >= 1.0


@pytest.mark.parametrize("way", ["auto", "litellm"])
def test_a_transport_tells_that_a_server_has_the_request_before_it_has_the_reply(way: Any) -> None:
    """What is late after that is slow, and not down."""
    told: list[bool] = []

    async def main() -> None:
        async with FaultyProvider(lambda _: "{}") as server:
            transport = LiteLLMTransport(
                ModelRoute("openai/gpt-4o-mini", server.url, transport=way)
            )
            await transport.open()
            exchange = Exchange()
            exchange.on_arrival = lambda: told.append(exchange.sent)
            with exchange.begun():
                await transport.complete(PLAIN, 30.0)
            await transport.close()

    asyncio.run(main())

    assert [True] == told


def test_a_lone_surrogate_in_a_reply_can_be_written() -> None:
    outcome, *_ = ask(text="broken \ud800 here")

    assert isinstance(outcome, Completion)
    assert outcome.text == "broken \ufffd here"


def run_offline(
    readings: Mapping[str, Callable[[Any], Mapping[str, Any]]], request: Request
) -> Completion | CallError:
    async def main() -> Completion | CallError:
        transport = LiteLLMTransport(ModelRoute(MODEL), readings)
        await transport.open()
        try:
            return await transport.complete(request, 600.0)
        except CallError as error:
            return error

    return asyncio.run(main())


def test_the_offline_model_answers_through_litellm_at_no_cost() -> None:
    outcome = run_offline({"say_means": lambda document: {"seen": document.question}}, REQUEST)

    assert isinstance(outcome, Completion)
    assert json.loads(outcome.text) == {"seen": "MATERIALQUESTION"}
    assert outcome.usage.cost_usd == 0.0
    assert outcome.usage.prompt_tokens > 0


def test_a_bug_in_a_reading_is_told_without_a_traceback_and_not_tried_again() -> None:
    def broken(document: Any) -> Mapping[str, Any]:
        raise KeyError("lost")

    outcome = run_offline({"say_means": broken}, REQUEST)

    assert isinstance(outcome, CallError)
    assert outcome.kind == "bad_request"
    assert "offline reading of say_means: KeyError: 'lost'" in str(outcome)
    assert "Traceback" not in str(outcome)


def run_many(count: int) -> Coroutine[Any, Any, int]:
    async def main() -> int:
        async with FaultyProvider(lambda _: "ok") as server:
            transport = LiteLLMTransport(ModelRoute("openai/gpt-4o-mini", server.url))
            await transport.open()
            client = Client(transport, RetryPolicy(0), 600.0)
            slots = Slots(16)
            calls = (client.complete(PLAIN, slots, CallLog()) for _ in range(count))
            await asyncio.gather(*calls)
            await transport.close()
            return len(server.received)

    return main()


def test_a_second_event_loop_in_one_process_works_too() -> None:
    """A sweep runs each of its jobs in a loop of its own."""
    assert [asyncio.run(run_many(2)), asyncio.run(run_many(2))] == [2, 2]
