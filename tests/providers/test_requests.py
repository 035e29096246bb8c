"""How many HTTP requests each fault costs, counted where it matters: at the provider."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from helpers import job

from runner.answers.analyzer import Message
from runner.base.errors import AnswerError, CallError, NotRunError
from runner.calls.admission.budget import Budget
from runner.calls.admission.gate import Gate, Gates
from runner.calls.admission.limits import Admission, Slots
from runner.calls.call_log import CallLog
from runner.calls.client import Client
from runner.calls.client_factory import build_clients
from runner.calls.retry import RetryPolicy
from runner.providers.litellm.route import ModelRoute
from runner.providers.litellm.transport import LiteLLMTransport
from runner.providers.request import Completion, Request, Transport
from runner.providers.simulated.chat import completion
from runner.providers.simulated.faults import KINDS, FaultResponse, find_kind
from runner.providers.simulated.server import SimulatedProvider, send
from runner.record.events import run_log
from runner.record.run_directory import RunDirectory
from runner.run.nodes.conversation import Conversation, cut_error
from runner.run.run import Run, RunResult

pytestmark = pytest.mark.slow

GOOD = '{"x": 1, "why": "the sea is near"}'
NEVER_ENDING = ("hang", "slow_body")
SHOULD_NOT = FaultResponse(503, {"x-should-retry": "false"})
STREAM = FaultResponse(200, {"Content-Type": "text/event-stream"}, 'data: {"choices": []}\n\n')
CREDIT = FaultResponse(400, body='{"error": {"message": "Your credit balance is too low"}}')
CODE = '{"error": {"message": "no", "type": "x", "code": "%s"}}'


@dataclass(frozen=True)
class Row:
    """Of reliability.md, 2.1: what one call gets before good replies, and what must become of
    it."""

    number: str
    script: tuple[str | FaultResponse, ...]
    requests: int
    outcome: str


def rows() -> Iterable[Row]:
    yield Row("0", (), 1, "ok")
    yield Row("1", ("status_429_after_1",), 2, "ok")
    yield Row("2", ("status_429", "status_429"), 3, "ok")
    yield Row("4", ("status_429_after_301",), 1, "unavailable")
    yield Row("5", ("quota",) * 9, 1, "billing")
    yield Row("5", ("status_402",) * 9, 1, "billing")
    yield Row("5", (CREDIT,) * 9, 1, "billing")
    for code in (
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
        "enforced_spend_limit_reached",
    ):
        yield Row("5", (FaultResponse(429, body=CODE % code),) * 9, 1, "billing")
    yield Row("6", ("status_401",) * 9, 1, "auth")
    yield Row("6", ("status_403",) * 9, 1, "auth")
    yield Row("7", ("status_404",) * 9, 1, "not_found")
    for status in (400, 422):
        yield Row("8", (f"status_{status}",) * 9, 1, "bad_request")
    yield Row("8", ("status_413",) * 9, 1, "context_exceeded")
    for failures in (1, 2, 3):
        yield Row("9", ("status_500",) * failures, failures + 1, "ok")
    for status in (409, 500, 502, 520, 529):
        yield Row("9", (f"status_{status}",) * 9, 4, "transient")
    for status in (408, 504):
        yield Row("9", (f"status_{status}",) * 9, 4, "timeout")
    yield Row("10", ("status_503",) * 9, 4, "transient")
    yield Row("10", ("status_503_after_1",), 2, "ok")
    yield Row("10", ("status_529_after_1",), 2, "ok")
    yield Row("10", (SHOULD_NOT,) * 9, 1, "transient")
    yield Row("14", ("reset",) * 9, 4, "connection")
    yield Row("14", ("reset",), 2, "ok")
    yield Row("16", ("cut",) * 9, 4, "connection")
    yield Row("17", ("slow_body",) * 9, 4, "timeout")
    yield Row("18", ("hang",) * 9, 4, "timeout")
    yield Row("19", ("bad_json",) * 9, 3, "bad_response")
    yield Row("19", ("html",) * 9, 3, "bad_response")
    yield Row("20", ("huge_body",) * 9, 3, "bad_response")
    yield Row("21", ("no_choices",) * 9, 2, "empty")
    yield Row("21", ("no_content",) * 9, 2, "empty")
    yield Row("22", ("length",) * 9, 2, "truncated")
    yield Row("23", ("content_filter",) * 9, 1, "refused")
    yield Row("23", ("refusal",) * 9, 1, "refused")
    yield Row("24", (STREAM,) * 9, 3, "bad_response")
    yield Row("25", ("no_usage",), 1, "ok")
    yield Row("26", ("bad_answer",) * 9, 2, "invalid_output")
    yield Row("26", ("bad_text",), 2, "ok")
    yield Row("27", ("nan",) * 9, 2, "invalid_output")
    yield Row("28", ("surrogate",), 1, "ok")
    yield Row("31", ("context",) * 9, 1, "context_exceeded")
    yield Row("2, 9, 26", ("status_429", "status_500", "bad_text"), 4, "ok")


ROWS = {f"{place}, row {row.number}": row for place, row in enumerate(rows())}


@dataclass
class Server:
    """Answers each prompt by its row's script, entry after entry, then well.

    *stuck* is set, by prompt, when an answer begins that never ends.
    """

    seen: dict[str, int] = field(default_factory=dict)
    stuck: dict[str, asyncio.Event] = field(default_factory=dict)
    url: str = ""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = json.loads(await request.read())
        name = body["messages"][0]["content"]
        place = self.seen.get(name, 0)
        self.seen[name] = place + 1
        script = ROWS[name.split("/")[0]].script
        whole = completion(body, GOOD, "stop", (9, 5))
        if place >= len(script):
            return web.json_response(whole)
        entry = script[place]
        if entry in NEVER_ENDING:
            self.stuck[name].set()
        if isinstance(entry, FaultResponse):
            return await send(request, entry)
        kind = find_kind(entry)
        return await send(request, kind.make(whole))


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    server = Server()
    runner = web.ServerRunner(
        web.Server(server.handle, handler_cancellation=True), shutdown_timeout=0.1
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=256).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield server
    finally:
        await runner.cleanup()


@dataclass
class UntilStuck(Transport):
    """A transport that never ends before the server has the request.

    The deadline of a call passes when the server begins an answer that never ends.
    """

    server: Server
    transport: LiteLLMTransport

    async def complete(self, request: Request, timeout_s: float) -> Completion:
        stuck = self.server.stuck[request.messages[0]["content"]] = asyncio.Event()
        call = asyncio.create_task(self.transport.complete(request, timeout_s))
        waiting = asyncio.create_task(stuck.wait())
        await asyncio.wait({call, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if stuck.is_set():
            call.cancel()
            await asyncio.wait({call})
            raise TimeoutError
        waiting.cancel()
        return call.result()


class Mender:
    def repair(self, messages: tuple[Message, ...], reply: str, fault: str) -> tuple[Message, ...]:
        return (*messages, {"role": "user", "content": fault})


def question(name: str) -> Request:
    return Request("say_means", ({"role": "user", "content": name},), 100)


async def read(reply: Completion) -> str:
    try:
        whole = json.loads(reply.text, parse_constant=lambda name: name)
        good = isinstance(whole, dict) and whole.get("x") == 1
    except ValueError:
        good = False
    if reply.finish_reason == "length":
        raise cut_error(reply)
    if not good:
        raise AnswerError("invalid_output", "no x", text=reply.text)
    return "ok"


async def ask(
    name: str,
    transport: Transport,
    slots: Slots,
    gate: Gate | None = None,
    admission: Admission | None = None,
) -> tuple[str, CallLog]:
    """Ask as a node does; return `ok` or the kind of failure, and the log."""
    client = Client(
        transport,
        RetryPolicy(3, delay_s=0.01),
        60.0,
        random.Random(name),
        gate=gate or Gate(1),
        admission=admission or Admission(),
    )
    log = CallLog(unit=name)
    request = question(name)
    talk = Conversation(Mender().repair, request)
    try:
        return await talk.answer(lambda r: client.complete(r, slots, log), read), log
    except NotRunError as error:
        return f"not run: {error.kind}", log
    except CallError as error:
        return error.kind, log


@pytest.fixture(scope="module", params=[1, 32])
def asked(request: pytest.FixtureRequest) -> tuple[dict[str, tuple[str, CallLog]], dict[str, int]]:
    """Ask every row's call, so many at once and each with an account of its own; return what
    became of them and how many requests arrived for each."""

    async def main() -> tuple[dict[str, tuple[str, CallLog]], dict[str, int]]:
        async with serving() as server:
            transport = LiteLLMTransport(ModelRoute("openai/gpt-4o-mini", api_base=server.url))
            await transport.open()
            slots = asyncio.Semaphore(request.param)

            async def one(name: str) -> tuple[str, CallLog]:
                async with slots:
                    return await ask(name, UntilStuck(server, transport), Slots(1))

            try:
                found = await asyncio.gather(*map(one, ROWS))
            finally:
                await transport.close()
            return dict(zip(ROWS, found, strict=True)), server.seen

    return asyncio.run(main())


@pytest.mark.parametrize("name", ROWS)
def test_each_fault_costs_exactly_so_many_requests(
    name: str, asked: tuple[dict[str, tuple[str, CallLog]], dict[str, int]]
) -> None:
    row = ROWS[name]
    outcome, log = asked[0][name]

    assert row.outcome == outcome
    assert row.requests == len(log.attempts)
    assert row.requests == asked[1][name]


def test_what_never_ends_is_ended_at_every_attempts_deadline(
    asked: tuple[dict[str, tuple[str, CallLog]], dict[str, int]],
) -> None:
    for name, row in ROWS.items():
        if any(entry in NEVER_ENDING for entry in row.script):
            assert ["timeout"] * 4 == [a.outcome for a in asked[0][name][1].attempts]


def together(count: int, name: str) -> tuple[list[str], int]:
    """Ask for *name*'s row *count* times at once with one account; return what became of them and
    the requests that arrived."""

    async def main() -> tuple[list[str], int]:
        async with serving() as server:
            transport = LiteLLMTransport(ModelRoute("openai/gpt-4o-mini", api_base=server.url))
            await transport.open()
            shared = Slots(32), Gate(32), Admission()
            calls = (ask(f"{name}/{number}", transport, *shared) for number in range(count))
            try:
                found = await asyncio.gather(*calls)
            finally:
                await transport.close()
            return [outcome for outcome, _ in found], sum(server.seen.values())

    return asyncio.run(main())


def first_of(*numbers: str) -> list[str]:
    """Return the name of the first row with each number."""
    return [next(name for name, row in ROWS.items() if row.number == n) for n in numbers]


@pytest.mark.parametrize("name", first_of("5", "6", "7"))
def test_an_account_that_is_refused_once_is_used_by_no_request_but_those_in_flight(
    name: str,
) -> None:
    outcomes, requests = together(64, name)

    assert requests <= 8
    assert set(outcomes) <= {ROWS[name].outcome, f"not run: {ROWS[name].outcome}"}


@pytest.mark.parametrize("name", first_of("0", "8", "23"))
def test_32_calls_at_once_cost_32_times_as_many_requests_as_one(name: str) -> None:
    outcomes, requests = together(32, name)

    assert outcomes == [ROWS[name].outcome] * 32
    assert requests == 32 * ROWS[name].requests


def test_a_poisoned_call_among_32_costs_four_requests_and_the_others_one_each() -> None:
    async def main() -> tuple[list[str], dict[str, int]]:
        fine, poisoned = "0, row 0", next(n for n, r in ROWS.items() if r.outcome == "transient")
        names = [f"{fine}/{number}" for number in range(31)]
        names.insert(5, poisoned)
        async with serving() as server:
            transport = LiteLLMTransport(ModelRoute("openai/gpt-4o-mini", api_base=server.url))
            await transport.open()
            shared = Slots(32), Gate(32), Admission()
            try:
                found = await asyncio.gather(*(ask(n, transport, *shared) for n in names))
            finally:
                await transport.close()
            return [outcome for outcome, _ in found], server.seen

    outcomes, seen = asyncio.run(main())

    assert outcomes.count("ok") == 31
    assert sorted(seen.values()) == [1] * 31 + [4]


def run_against(kind: str, rate: float = 1.0) -> tuple[RunResult, Path]:
    """Run all eight analyzers against a provider that spoils its replies."""

    async def main() -> RunResult:
        made = job("model=simulated", "model.retry_delay_s=0", "processing.max_concurrent=8")
        assert made.settings.model.simulate is not None
        still = {"latency_s": 0.0, "per_token_s": 0.0, "per_prompt_token_s": 0.0}
        settings = made.settings.model.simulate.model_copy(update={"faults": {kind: rate}, **still})
        async with SimulatedProvider(settings=settings) as server:
            clients = build_clients(made, Gates(), Admission(), {"main": server.url}, Budget())
            client = clients["main"]
            await client.transport.open()
            directory = RunDirectory.create(Path("run"))
            directory.write_job(made)
            try:
                with run_log(directory.events, "quiet"):
                    return await Run(made, clients, directory).execute()
            finally:
                await client.transport.close()
                directory.close()

    return asyncio.run(main()), Path("run")


def records(path: Path) -> list[dict[str, Any]]:
    """Read every record as strict UTF-8 and strict JSON."""
    return [
        json.loads(file.read_bytes().decode("utf-8"), parse_constant=pytest.fail)
        for file in sorted(path.glob("intermediate/*/*.json"))
    ]


@pytest.mark.parametrize(
    ("fault", "kind"), [("no_choices", "empty"), ("bad_answer", "invalid_output")]
)
def test_a_reply_that_looks_like_success_and_is_none_is_never_recorded_as_ok(
    fault: str, kind: str
) -> None:
    result, path = run_against(fault)
    found = records(path)

    assert len(found) == 8
    assert {record["status"] for record in found} == {"error", "skipped"}
    assert {r["error"]["kind"] for r in found if r["stage"] == "stage_a"} == {kind}
    assert all(record["insights"] == [] for record in found)
    assert result.exit_code == 4


def test_of_half_a_reply_what_is_whole_is_kept_and_marked() -> None:
    result, path = run_against("length")
    found = records(path)

    assert {"ok", "error"} >= {record["status"] for record in found}
    for record in (record for record in found if record["status"] == "ok"):
        assert record["cut"]
        assert ["truncated"] == [reply["kind"] for reply in record["rejected"]]
        assert all(insight["evidence"] for insight in record["insights"])
    assert {"truncated"} >= {r["error"]["kind"] for r in found if r["error"]}
    assert result.exit_code in (0, 3)


def test_no_record_holds_a_number_that_is_none() -> None:
    _, path = run_against("nan")

    assert all(
        record["status"] != "ok" or "NaN" not in json.dumps(record["structured_data"])
        for record in records(path)
    )


def test_half_a_character_in_a_reply_harms_no_record() -> None:
    result, path = run_against("surrogate")

    assert result.exit_code == 0
    assert all("\\ud800" not in json.dumps(record) for record in records(path))


def test_tokens_that_a_provider_did_not_count_are_estimated_and_it_is_said() -> None:
    result, path = run_against("no_usage")

    assert result.exit_code == 0
    assert all(record["usage"]["estimated"] for record in records(path))


def test_every_kind_of_fault_that_can_be_simulated_has_its_row() -> None:
    used = {entry for row in ROWS.values() for entry in row.script if isinstance(entry, str)}

    assert set(KINDS) - used == {"echo_key", "no_capacity"}  # of test_secrets.py, test_flex.py
