"""The offline model's own way beside litellm's: the same replies, counts, costs and failures."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers import job

from runner.base.errors import CallError
from runner.base.threads import WORKERS
from runner.calls.admission.budget import Budget
from runner.calls.admission.gate import Gates
from runner.calls.admission.limits import Admission
from runner.calls.client_factory import build_clients
from runner.providers.litellm.route import ModelRoute
from runner.providers.litellm.transport import LiteLLMTransport
from runner.providers.offline.transport import MODEL, OfflineTransport
from runner.providers.request import MAX_REPLY_CHARS, Completion, Request, Transport

ROOT = Path(__file__).resolve().parents[3]
SAID = "[S0001 Ann Lee] I doubt that the launch holds, naïve as 日本 \ud800 sounds."
MESSAGES = (
    {"role": "system", "content": "You read."},
    {
        "role": "user",
        "content": [{"type": "text", "text": SAID}, {"type": "text", "text": "QUESTION"}],
    },
    {"role": "assistant", "content": "What?"},
    {"role": "user", "content": "Once more."},
)
REQUEST = Request("echo", MESSAGES, max_tokens=123, temperature=0.3, schema={"type": "object"})

pytestmark = pytest.mark.slow


def failing(error: BaseException) -> Any:
    def read(document: Any) -> Mapping[str, Any]:
        raise error

    return read


READINGS = {
    "echo": lambda document: {"seen": document.question, "by": "Ann \ud800"},
    "empty": lambda document: {},
    "key": lambda document: {"key": os.environ["OWN_API_KEY"]},
    "endless": lambda document: {"text": "x" * MAX_REPLY_CHARS},
    "lost": failing(KeyError("lost")),
    "told": failing(
        ValueError("two\nlines and canary-12345678\nTraceback (most recent call last)")
    ),
    "deep": failing(RecursionError("maximum recursion depth exceeded")),
    "closed": failing(OSError(5, "Input/output error")),
    "late": failing(TimeoutError("timed out")),
    "torn": failing(json.JSONDecodeError("Expecting value", "", 0)),
    "unserialisable": lambda document: {"set": {1, 2}},
}
REQUESTS = {
    **{name: replace(REQUEST, node=name) for name in READINGS},
    "nobody": replace(REQUEST, node="nobody"),
    "free text": replace(REQUEST, schema=None),
    "cached": replace(REQUEST, cache=True),
    "silence": replace(REQUEST, messages=({"role": "user", "content": ""},)),
}
Told = tuple[Any, ...]


async def outcomes(
    transport: Transport, names: Iterable[str] = tuple(REQUESTS)
) -> dict[str, Completion | Told]:
    """Return what *transport* makes of each of REQUESTS, or of *names*."""
    found: dict[str, Completion | Told] = {}
    await transport.open()
    try:
        for name in names:
            try:
                found[name] = await transport.complete(REQUESTS[name], 600.0)
            except CallError as error:
                facts = (error.kind, error.status, error.retry_after_s, error.final, error.billed)
                found[name] = (*facts, str(error))
    finally:
        await transport.close()
    return found


@pytest.fixture(scope="module")
def free() -> Iterator[dict[str, Completion | Told]]:
    """What the offline model's own way makes of REQUESTS; OWN_API_KEY has a value."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("OWN_API_KEY", "canary-12345678")
        yield asyncio.run(outcomes(OfflineTransport(ModelRoute(MODEL), READINGS)))


def test_both_ways_give_the_same_replies_and_failures(free: dict[str, Completion | Told]) -> None:
    through = asyncio.run(outcomes(LiteLLMTransport(ModelRoute(MODEL), READINGS)))

    assert [*free] == [*REQUESTS]
    for name, outcome in free.items():
        assert through[name] == outcome, name


def test_both_ways_give_the_same_costs_where_the_model_has_prices() -> None:
    route = ModelRoute(MODEL, input_usd_per_mtok=1.0, output_usd_per_mtok=2.0)
    told = ("echo", "empty", "cached", "silence")
    own, through = (
        asyncio.run(outcomes(way(route, READINGS), told))
        for way in (OfflineTransport, LiteLLMTransport)
    )

    assert own == through
    assert all(isinstance(each, Completion) and each.usage.cost_usd for each in own.values())


def test_a_reply_is_free_counted_and_ended_and_a_failure_is_final(
    free: dict[str, Completion | Told],
) -> None:
    reply, failed = free["echo"], free["lost"]

    assert isinstance(reply, Completion)
    assert isinstance(failed, tuple)
    assert (reply.finish_reason, reply.usage.cost_usd, reply.usage.estimated) == (
        "stop",
        0.0,
        False,
    )
    assert reply.usage.prompt_tokens > 0
    assert reply.usage.completion_tokens > 0
    assert failed[:2] == ("bad_request", 400)
    assert failed[-1] == "offline reading of lost: KeyError: 'lost'"


def test_no_fault_of_a_reading_is_taken_for_an_outage(free: dict[str, Completion | Told]) -> None:
    for name in ("told", "deep", "closed", "late", "torn", "unserialisable"):
        fault = free[name]

        assert isinstance(fault, tuple), name
        assert ("bad_request", 400, None, False, False) == fault[:-1], name


@pytest.mark.parametrize(
    ("wanted", "made"), [("auto", OfflineTransport), ("litellm", LiteLLMTransport)]
)
def test_the_settings_choose_the_way(wanted: str, made: type[Transport]) -> None:
    """Either way nothing is tried again, and no more readings compute than there are threads."""
    settings = (f"model.transport={wanted}", "processing.max_concurrent=16")
    clients = build_clients(job(*settings), Gates(), Admission(), {}, Budget(None, None))
    (client,) = clients.values()
    client.gate.register(64)

    assert made is type(client.transport)
    assert client.local
    assert 0 == client.retry.max_retries
    assert WORKERS == client.gate.limit.ceiling


COMMANDS = {
    "output.console=quiet": 0,
    "--help": 0,
    "model=nope": 2,
    "+typo=1": 2,
    "model=openai": 2,
    "transcript=nowhere.txt": 7,
}
# One process for all commands, because starting one costs more than any of them.
DRIVER = """
import sys
from importlib.util import find_spec
from hydra.core.global_hydra import GlobalHydra
from runner.run.command import main
HEAVY = ("litellm", "openai", "aiohttp", "httpx")
assert all(map(find_spec, HEAVY))
for argument in COMMANDS:
    GlobalHydra.instance().clear()
    sys.argv = ["colloquy", argument]
    try:
        main()
    except SystemExit as end:
        print("loaded:", argument, end.code, *(name for name in HEAVY if name in sys.modules))
"""


def test_nothing_heavy_is_imported_where_no_provider_is_asked(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DRIVER.replace("COMMANDS", repr([*COMMANDS]))],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    told = [line.split() for line in done.stdout.splitlines() if line.startswith("loaded: ")]

    assert COMMANDS == {argument: int(code) for _, argument, code, *_ in told}, done.stderr
    assert [] == [line for line in told if line[3:]]
