"""Storms, outages, every fault, a crash at every file operation, a batch of 10,000 transcripts.

    python -m benchmarks.soak [--quick]

The simulated provider runs in a process of its own; its times and rates are scaled so that a
scenario takes seconds, and all of it less than ten minutes. Nothing is sent anywhere else. It
ends with 1 where a batch did not come to what it should.
"""

import argparse
import asyncio
import importlib
import io
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog

from benchmarks import soak_batch
from benchmarks.common import provider
from benchmarks.soak_wires import wire_process
from runner.answers.analyzer import Message
from runner.base.errors import AnswerError, CallError
from runner.base.threads import offload
from runner.calls.admission.gate import Gate
from runner.calls.admission.limits import Admission, Slots
from runner.calls.call_log import CallLog
from runner.calls.client import Client
from runner.calls.retry import RetryPolicy
from runner.providers.litellm.loading import load_litellm
from runner.providers.litellm.route import ModelRoute
from runner.providers.litellm.transport import LiteLLMTransport
from runner.providers.request import Completion, Request
from runner.providers.simulated.faults import KINDS
from runner.providers.simulated.process import simulated_process
from runner.run.nodes.conversation import Conversation

MODEL = "openai/simulated"
WIRES = {"Anthropic": "anthropic/claude-sonnet-4-6", "Gemini": "gemini/gemini-3.8-flash"}
WIRE_SCALE = 0.8  # of the calls; both wires run side by side
CONCURRENCY = 32
SCENARIO_S = 60.0  # most take 20; six of them and the crashes leave time for the batches
WHOLE_S = 540.0  # from the first call to the end of the large batch, less a minute for the small
BATCH = 10_000  # transcripts
KILLED = 200  # transcripts of a batch that is killed
LEAST = 60  # transcripts of either: fewer calls would all be out at once
TIMEOUT_S = 2.0
STATUSES = ("status_429_after_1", "status_500", "status_503", "status_529")
FATAL = ("quota",)  # ends all calls, so that it cannot be one fault among others
SCHEMA = {
    "type": "object",
    "properties": {"kind": {"enum": ["claim", "gap"]}},
    "required": ["kind"],
    "additionalProperties": False,
}
# What a fault does to a call that meets it, when no other attempt may help.
EXPECTED = {"refused", "bad_request", "context_exceeded"}


@dataclass(frozen=True, slots=True)
class Scenario:
    """Calls to *model* at a provider that behaves as *settings* say."""

    name: str
    calls: int
    settings: Mapping[str, Any]
    timeout_s: float = 30.0
    model: str = MODEL


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; None where a figure does not apply."""

    name: str
    calls: int
    requests: int
    lost: int
    ended: str = ""
    twice: int | None = None
    late_s: float | None = None


def scenarios(scale: float) -> Iterator[Scenario]:
    """Yield the scenarios; *scale* multiplies the calls."""
    every = [kind for kind in KINDS if kind not in FATAL]
    rates = {kind: 0.3 / (len(every) + len(STATUSES)) for kind in (*every, *STATUSES)}
    fast = {"latency_s": 0.2, "jitter": 0.4}
    yield Scenario("calm", int(400 * scale), fast)
    storm = {**fast, "rpm": 1200}
    yield Scenario("storm, 1200 rpm", int(500 * scale), storm)
    yield Scenario("storm, no Retry-After", int(500 * scale), {**storm, "retry_after": False})
    yield Scenario("outage of 2 s", int(800 * scale), {**fast, "outages_s": [[1.0, 3.0]]})
    yield Scenario("outage of 20 s", int(800 * scale), {**fast, "outages_s": [[1.0, 21.0]]})
    yield Scenario("every fault, 30 %", int(300 * scale), {**fast, "faults": rates}, TIMEOUT_S)


class Repairer:
    """Puts a reply that does not fit back."""

    def repair(self, messages: tuple[Message, ...], reply: str, fault: str) -> tuple[Message, ...]:
        """See `runner.run.nodes.conversation.Repair`."""
        return (*messages, {"role": "user", "content": f"Answer again: {fault}"})


async def read(reply: Completion) -> str:
    """Accept what fits SCHEMA."""
    try:
        kind = (await offload(json.loads, reply.text))["kind"]
    except (ValueError, KeyError, TypeError) as error:
        raise AnswerError("invalid_output", str(error), text=reply.text) from error
    return str(kind)


async def play(scenario: Scenario) -> Row:
    """Make the scenario's calls; expected failures do not count as lost."""
    logs = [CallLog(unit=f"unit {number}") for number in range(scenario.calls)]
    serving = wire_process if scenario.model.startswith("gemini/") else simulated_process
    async with serving(provider(**scenario.settings)) as url:
        base = url.removesuffix("/v1") if scenario.model.startswith("anthropic/") else url
        transport = LiteLLMTransport(ModelRoute(scenario.model, api_base=base))
        await transport.open()
        rng = random.Random(1)
        client = Client(
            transport,
            RetryPolicy(),
            scenario.timeout_s,
            rng,
            gate=Gate(CONCURRENCY, rng=rng),
            admission=Admission(),
        )
        slots = Slots(CONCURRENCY)
        try:
            ends = await asyncio.gather(*(ask(client, slots, log) for log in logs))
        finally:
            await transport.close()
        requests = await asyncio.to_thread(soak_batch.asked, url)
    bad = Counter(end for end in ends if end != "ok")
    late = [a.latency_s - scenario.timeout_s for log in logs for a in log.attempts]
    lost = sum(number for end, number in bad.items() if end not in EXPECTED)
    ended = ", ".join(f"{number} {end}" for end, number in sorted(bad.items()))
    return Row(scenario.name, scenario.calls, requests, lost, ended, late_s=max(0.0, *late))


async def play_all(scenarios: Sequence[Scenario]) -> None:
    """Play *scenarios* side by side and print their rows."""
    limited = (asyncio.wait_for(play(each), SCENARIO_S) for each in scenarios)
    for scenario, row in zip(
        scenarios, await asyncio.gather(*limited, return_exceptions=True), strict=True
    ):
        if isinstance(row, TimeoutError):
            print(f"{scenario.name}: stopped after {SCENARIO_S:.0f} s", flush=True)
        elif isinstance(row, BaseException):
            raise row
        else:
            show(row)


async def ask(client: Client, slots: Slots, log: CallLog) -> str:
    """Ask as a node does; return `ok` or the kind of failure."""
    message = {"role": "user", "content": f"Is this a claim? Case {log.unit}."}
    talk = Conversation(
        Repairer().repair, Request("soak", (message,), 200, schema=SCHEMA), lambda _: 400
    )
    try:
        await talk.answer(lambda request: client.complete(request, slots, log), read)
    except CallError as error:
        return error.kind
    return "ok"


def crashes(stride: int) -> Row | str:
    """Crash a run at every file operation; return its row, or why there is none."""
    try:
        module = importlib.import_module("benchmarks.crashes")
    except ImportError as error:
        return f"crashes: not measured, {error}"
    with tempfile.TemporaryDirectory() as folder, redirect_stderr(io.StringIO()):
        found: Mapping[str, int] = module.crash_at_every_operation(Path(folder), stride)
    return Row(
        f"{found['crashes']} crashes, resumed",
        found["calls_wanted"],
        found["calls_sent"],
        found["calls_lost"],
        twice=found["called_twice"],
    )


def batches(scale: float, within_s: float) -> list[str]:
    """Run the batches and print their rows; return the faults."""
    faults: list[str] = []
    small, large = (max(LEAST, int(size * scale)) for size in (KILLED, BATCH))
    for made in (soak_batch.killed(small), soak_batch.many(large, within_s)):
        one = asyncio.run(made)
        show(Row(one.name, one.calls, one.requests, one.lost, one.told, one.twice))
        faults += [f"{one.name}: {fault}" for fault in one.faults]
    return faults


def show(row: Row) -> None:
    """Print one line of the table."""
    twice = "-" if row.twice is None else str(row.twice)
    late = "-" if row.late_s is None else f"{row.late_s:.3f}"
    print(
        f"{row.name:<33}{row.calls:>7}{row.requests:>10}{row.requests / row.calls:>10.3f}"
        f"{row.lost:>6}{twice:>7}{late:>8}  {row.ended or '-'}",
        flush=True,
    )


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument(
        "--quick", action="store_true", help="a tenth of the calls, and small batches"
    )
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    load_litellm()  # seconds, which the first outage would not wait for
    began = time.monotonic()
    print(
        f"{'scenario':<33}{'calls':>7}{'requests':>10}{'per call':>10}{'lost':>6}"
        f"{'twice':>7}{'late s':>8}  ended otherwise"
    )
    scale = 0.1 if options.quick else 1.0
    for scenario in scenarios(scale):
        asyncio.run(play_all([scenario]))
    for scenario in scenarios(scale * WIRE_SCALE):
        named = [(f"{scenario.name}, {wire}", model) for wire, model in WIRES.items()]
        asyncio.run(play_all([replace(scenario, name=n, model=m) for n, m in named]))
    crashed = crashes(stride=20 if options.quick else 8)
    print(crashed) if isinstance(crashed, str) else show(crashed)
    left_s = WHOLE_S - (time.monotonic() - began)
    faults = batches(0.01 if options.quick else 1.0, left_s)
    print(f"{time.monotonic() - began:.0f} s in all")
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
