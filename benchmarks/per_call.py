"""CPU, wall time and memory of a call, layer by layer, for each provider over both ways.

    python -m benchmarks.per_call [--calls N] [--slots N] [--rounds N] [--models NAME …]
        [--profile WAY]

200 transcripts × 8 questions go to a loopback server (benchmarks/loopback.py) that answers after
50 ms, with 64 calls in flight. Each row is a new process, which makes one call before it measures
its CPU time. Where our client limits the calls in flight, twice as many are started, as in a
batch. Medians of the rounds.
"""

import argparse
import asyncio
import cProfile
import json
import logging
import pstats
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import aiohttp

from benchmarks.common import rss_mib
from benchmarks.loopback import Latency, completion, loopback
from benchmarks.raw_client import through_aiohttp
from runner.base.tokens import tokenizer_for
from runner.calls.admission.budget import Sizer
from runner.calls.admission.gate import Gate
from runner.calls.admission.limits import Slots
from runner.calls.call_log import CallLog
from runner.calls.client import Client
from runner.calls.retry import RetryPolicy
from runner.providers.litellm.route import ModelRoute
from runner.providers.litellm.transport import LiteLLMTransport
from runner.providers.prices import prices_of
from runner.providers.request import Request
from runner.record.events import run_log, set_library_levels
from runner.record.journal import Journal
from runner.run.batch.console import LOG_HOLD_S

LATENCY_S = 0.05
QUESTIONS = 8
MODEL = "openai/gpt-4o-mini"
MODELS = (
    *(MODEL, "anthropic/claude-sonnet-4-6", "gemini/gemini-2.5-flash"),
    *("mistral/mistral-medium-2604", "groq/openai/gpt-oss-120b", "deepseek/deepseek-chat"),
    *("openrouter/openai/gpt-5-mini", "hosted_vllm/openai/gpt-oss-20b", "litellm_proxy/gpt-5-mini"),
)
WAYS = {
    "raw": "aiohttp alone",
    "http": "HTTP",
    "litellm": "acompletion",
    "client": "the whole client over HTTP",
    "logged": "the same with the run's log",
}
TEXT = json.dumps(
    {"insights": [{"text": "They wait, because the pump failed.", "at": "S0001"}] * 4}
)
CLAUDE_REPLY = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-6",
    "content": [{"type": "text", "text": TEXT}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 176, "cache_read_input_tokens": 1024, "output_tokens": 90},
}
GEMINI_REPLY = {
    "candidates": [
        {"content": {"parts": [{"text": TEXT}], "role": "model"}, "finishReason": "STOP"}
    ],
    "usageMetadata": {
        "promptTokenCount": 1200,
        "candidatesTokenCount": 90,
        "totalTokenCount": 1290,
        "cachedContentTokenCount": 1024,
    },
    "modelVersion": "gemini-3.8-flash",
}
REPLIES = {
    "messages": CLAUDE_REPLY,
    "generateContent": GEMINI_REPLY,
    "completions": completion(TEXT),
}
CLIENT = ("client", "logged")  # ways that limit the calls in flight themselves
WAITING = 2  # calls of these that are started for each slot
Call = Callable[[int], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Measured:
    """One way's round: milliseconds of CPU per call, seconds of wall time, MiB grown, calls."""

    cpu_ms: float
    wall_s: float
    grown_mib: float
    calls: int


def request(number: int, chars: int) -> Request:
    """Return call *number*: a transcript that eight calls share, and one of eight questions."""
    transcript, question = divmod(number, QUESTIONS)
    line = f"[S{transcript:04d} Ann Lee] We could wait for the second pump, unless it rains.\n"
    part = {"type": "text", "text": line * (chars // len(line))}
    asked = {"type": "text", "text": f"Question {question}: what does the speaker hold, and why?"}
    text, item = {"type": "string"}, {"type": "number", "title": f"Q{question}"}
    fields = {"text": text, "kind": {"enum": ["claim", "gap"]}, "confidence": item}
    schema = {"type": "object", "properties": fields, "additionalProperties": False}
    system = {"role": "system", "content": "You are a careful analyst of transcripts."}
    messages = (system, {"role": "user", "content": [part, asked]})
    return Request(f"question_{question}", messages, 4000, temperature=0.2, schema=schema)


def raw(url: str, chars: int, session: aiohttp.ClientSession) -> Call:
    """Return a function that makes a call with aiohttp alone."""
    call = through_aiohttp(url, session)

    def asked(number: int) -> Awaitable[object]:
        made = request(number, chars)
        named = {"name": made.node, "schema": made.schema, "strict": True}
        body = {
            "model": MODEL.partition("/")[2],
            "messages": made.messages,
            "max_tokens": made.max_tokens,
            "temperature": made.temperature,
            "response_format": {"type": "json_schema", "json_schema": named},
        }
        return call(body)

    return asked


def through_client(transport: LiteLLMTransport, folder: Path, slots: int, chars: int) -> Call:
    """Return a function that makes a call as a run does, with admission, retries and journal."""
    gate = Gate(slots)
    gate.limit.limit = slots  # as it is after its first second
    sizer = Sizer(tokenizer_for(MODEL), prices_of(transport.route))
    client = Client(transport, RetryPolicy(3), 60.0, gate=gate, sizer=sizer)
    journal, room = Journal(folder / "journal.jsonl"), Slots(slots)

    async def call(number: int) -> object:
        asked = request(number, chars)
        note = partial(journal.note, analyzer=asked.node)
        return await client.complete(asked, room, CallLog(note=note, unit=str(number)))

    return call


async def measure(way: str, url: str, options: argparse.Namespace) -> Measured:
    """Make all calls by one *way*."""
    if way == "raw":
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            return await drive(raw(url, options.chars, session), options)
    spoken: Literal["auto", "litellm"] = "litellm" if way == "litellm" else "auto"
    transport = LiteLLMTransport(ModelRoute(options.models[0], url, transport=spoken))
    await transport.open()
    set_library_levels()
    if way != "logged":
        logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with run_log(folder / "events.jsonl", "quiet", hold_s=LOG_HOLD_S):
            try:
                return await drive(own(way, transport, folder, options), options)
            finally:
                await transport.close()


def own(way: str, transport: LiteLLMTransport, folder: Path, options: argparse.Namespace) -> Call:
    """Return a function that makes a call with our transport, or with the client above it."""
    if way in CLIENT:
        return through_client(transport, folder, options.slots, options.chars)
    return lambda number: transport.complete(request(number, options.chars), 60.0)


async def drive(call: Call, options: argparse.Namespace) -> Measured:
    """Make the calls after one that is not measured."""
    await call(0)
    begun = options.slots * (WAITING if options.way in CLIENT else 1)
    numbers = iter(range(1, options.calls + 1))

    async def work() -> None:
        for number in numbers:
            await call(number)

    profile = cProfile.Profile() if options.profile else None
    memory, cpu_s, wall_s = rss_mib(), time.process_time(), time.perf_counter()
    if profile is not None:
        profile.enable()
    await asyncio.gather(*(work() for _ in range(begun)))
    if profile is not None:
        profile.disable()
        pstats.Stats(profile).sort_stats("tottime").print_stats(45)
    cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
    return Measured(1000 * cpu_s / options.calls, wall_s, rss_mib() - memory, options.calls)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--calls", type=int, default=200 * QUESTIONS)
    parser.add_argument("--slots", type=int, default=64, help="calls in flight")
    parser.add_argument("--chars", type=int, default=4000, help="of a transcript")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--models", nargs="+", default=MODELS, help="litellm's names")
    parser.add_argument("--profile", choices=WAYS, help="show where one way spends its time")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        found = asyncio.run(measure(options.way, options.child, options))
        print(json.dumps([found.cpu_ms, found.wall_s, found.grown_mib, found.calls]))
    else:
        show(*compare(options))


def rows(options: argparse.Namespace) -> list[tuple[str, str]]:
    """Return the rows to measure: ways, each with a model."""
    if options.profile:
        return [(options.profile, options.models[0])]
    spoken = [(way, model) for model in options.models for way in ("http", "litellm")]
    return [("raw", MODEL), *spoken, *((way, MODEL) for way in CLIENT)]


def compare(options: argparse.Namespace) -> tuple[dict[str, list[Measured]], argparse.Namespace]:
    """Measure every row in turn."""
    sizes = [f"--{n}={getattr(options, n)}" for n in ("calls", "slots", "chars")]
    own = [sys.executable, "-m", "benchmarks.per_call"]
    found: dict[str, list[Measured]] = {}
    with loopback(REPLIES) as server:
        server.begin(Latency(low=LATENCY_S, high=LATENCY_S))
        for _ in range(1 if options.profile else options.rounds):
            for way, model in rows(options):
                asked = [*own, f"--child={server.url}", f"--way={way}", f"--models={model}", *sizes]
                asked += [f"--profile={way}"] if options.profile else []
                done = subprocess.run(asked, capture_output=True, text=True, check=True)
                *profile, last = done.stdout.strip().split("\n")
                print(*profile, sep="\n", end="\n" if profile else "")
                name = f"{model}, {WAYS[way]}" if way in ("http", "litellm") else WAYS[way]
                found.setdefault(name, []).append(Measured(*json.loads(last)))
    return found, options


def show(found: dict[str, list[Measured]], options: argparse.Namespace) -> None:
    """Print the table."""
    ideal_s = LATENCY_S * options.calls / options.slots
    print(
        f"{options.calls:,} calls, {options.slots} in flight, {options.chars:,} characters each, "
        f"medians of {options.rounds} rounds; ideal wall {ideal_s:.2f} s"
    )
    print(f"{'way':<44} CPU ms/call  × aiohttp  wall s  wall/ideal  grown MiB")
    base: Any = None
    for way, rounds in found.items():
        cpu_ms, wall_s, grown = (
            statistics.median(getattr(one, name) for one in rounds)
            for name in ("cpu_ms", "wall_s", "grown_mib")
        )
        base = base or cpu_ms
        print(
            f"{way:<43} {cpu_ms:>12.3f}  {cpu_ms / base:>9.1f}  {wall_s:>6.2f}  "
            f"{wall_s / ideal_s:>10.2f}  {grown:>9.1f}"
        )


if __name__ == "__main__":
    main()
