"""What one call costs the client: CPU, wall time and memory, layer by layer, in one run.

    python -m benchmarks.per_call [--calls N] [--slots N] [--rounds N] [--models NAME …]
        [--profile WAY]

200 transcripts × 8 questions go to a server in a process of its own that answers each after
50 ms, 64 at once, over each way in turn, each in a fresh process. CPU is the client's process
time, without its start: every way makes one call before it is measured. Where our client limits
what is in flight, twice as many calls as that are begun, as in a batch. Medians of the rounds.
"""

from __future__ import annotations

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
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import aiohttp
import orjson

from benchmarks.common import chat_arguments, post, rss_mib
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
REPLY = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1790000000,
    "model": "gpt-4o-mini-2024-07-18",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": TEXT, "refusal": None, "annotations": []},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {
        "prompt_tokens": 1200,
        "completion_tokens": 90,
        "total_tokens": 1290,
        "prompt_tokens_details": {"cached_tokens": 1024, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    },
    "service_tier": "default",
    "system_fingerprint": "fp_1",
}
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
CLIENT = ("client", "logged")  # ways that limit what is in flight by themselves
WAITING = 2  # calls begun of these for each in flight, as a batch has some that wait for a slot
Call = Callable[[int], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Measured:
    """One way's round: milliseconds of CPU per call, seconds of wall time, MiB grown, calls."""

    cpu_ms: float
    wall_s: float
    grown_mib: float
    calls: int


def answer(reply: object) -> bytes:
    """Return the HTTP response that holds *reply*."""
    body = orjson.dumps(reply)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


class Provider(asyncio.Protocol):
    """One connection of a server that answers after LATENCY_S, as the path's provider would."""

    answers: Mapping[bytes, bytes] = {
        b"/messages": answer(CLAUDE_REPLY),
        b":generateContent": answer(GEMINI_REPLY),
        b"/chat/completions": answer(REPLY),
    }

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to read."""
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._read = transport, b""

    def data_received(self, data: bytes) -> None:
        """Answer once the request is whole."""
        self._read += data
        head, end, body = self._read.partition(b"\r\n\r\n")
        if end and len(body) >= int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]):
            self._read = b""
            path = head.split(b" ", 2)[1]
            whole = next(self.answers[end] for end in self.answers if path.endswith(end))
            asyncio.get_running_loop().call_later(LATENCY_S, self._transport.write, whole)


async def serve() -> None:
    """Print the port, then serve until killed."""
    server = await asyncio.get_running_loop().create_server(Provider, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


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
    """Return how aiohttp alone makes a call."""
    model = MODEL.partition("/")[2]
    return lambda number: post(session, url, chat_arguments(model, request(number, chars)))


def through_client(transport: LiteLLMTransport, folder: Path, slots: int, chars: int) -> Call:
    """Return how a run makes a call: admitted, sized, sent, priced, and journalled."""
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
    """Return how our layers make a call: the transport alone, or all above it too."""
    if way in CLIENT:
        return through_client(transport, folder, options.slots, options.chars)
    return lambda number: transport.complete(request(number, options.chars), 60.0)


async def drive(call: Call, options: argparse.Namespace) -> Measured:
    """Make the calls, with as many in flight as there are slots, after one that is not counted."""
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
    if options.child == "serve":
        asyncio.run(serve())
    elif options.child:
        found = asyncio.run(measure(options.way, options.child, options))
        print(json.dumps([found.cpu_ms, found.wall_s, found.grown_mib, found.calls]))
    else:
        show(*compare(options))


def rows(options: argparse.Namespace) -> list[tuple[str, str]]:
    """Return what is measured: ways, each with a model."""
    if options.profile:
        return [(options.profile, options.models[0])]
    spoken = [(way, model) for model in options.models for way in ("http", "litellm")]
    return [("raw", MODEL), *spoken, *((way, MODEL) for way in CLIENT)]


def compare(options: argparse.Namespace) -> tuple[dict[str, list[Measured]], argparse.Namespace]:
    """Measure every row in turn, each in a process of its own."""
    sizes = [f"--{n}={getattr(options, n)}" for n in ("calls", "slots", "chars")]
    own = [sys.executable, "-m", "benchmarks.per_call"]
    found: dict[str, list[Measured]] = {}
    with subprocess.Popen([*own, "--child=serve"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        try:
            for _ in range(1 if options.profile else options.rounds):
                for way, model in rows(options):
                    asked = [*own, f"--child={url}", f"--way={way}", f"--models={model}", *sizes]
                    asked += [f"--profile={way}"] if options.profile else []
                    done = subprocess.run(asked, capture_output=True, text=True, check=True)
                    *profile, last = done.stdout.strip().split("\n")
                    print(*profile, sep="\n", end="\n" if profile else "")
                    name = f"{model}, {WAYS[way]}" if way in ("http", "litellm") else WAYS[way]
                    found.setdefault(name, []).append(Measured(*json.loads(last)))
        finally:
            server.kill()
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
