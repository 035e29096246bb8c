"""The offline model's own way beside litellm's: the same replies, counts, costs and failures."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
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
PRICED: dict[str, Any] = {"input_usd_per_mtok": 1.0, "output_usd_per_mtok": 2.0}
Told = tuple[Any, ...]


async def outcomes(transport: Transport) -> dict[str, Completion | Told]:
    """Return what *transport* makes of each of REQUESTS."""
    found: dict[str, Completion | Told] = {}
    await transport.open()
    try:
        for name, request in REQUESTS.items():
            try:
                found[name] = await transport.complete(request, 30.0)
            except CallError as error:
                facts = (error.kind, error.status, error.retry_after_s, error.final, error.billed)
                found[name] = (*facts, str(error))
    finally:
        await transport.close()
    return found


@pytest.mark.parametrize("settings", [{}, PRICED], ids=["free", "priced"])
def test_both_ways_give_the_same_replies_and_failures(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    monkeypatch.setenv("OWN_API_KEY", "canary-12345678")
    route = ModelRoute(MODEL, **settings)
    own = asyncio.run(outcomes(OfflineTransport(route, READINGS)))
    through = asyncio.run(outcomes(LiteLLMTransport(route, READINGS)))

    assert [*own] == [*REQUESTS]
    for name, outcome in own.items():
        assert through[name] == outcome, name


def test_a_reply_is_free_counted_and_ended_and_a_failure_is_final() -> None:
    os.environ.pop("OWN_API_KEY", None)
    found = asyncio.run(outcomes(OfflineTransport(ModelRoute(MODEL), READINGS)))
    reply, failed = found["echo"], found["lost"]

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


@pytest.mark.parametrize("name", ["told", "deep", "closed", "late", "torn", "unserialisable"])
def test_no_fault_of_a_reading_is_taken_for_an_outage(name: str) -> None:
    found = asyncio.run(outcomes(OfflineTransport(ModelRoute(MODEL), READINGS)))

    assert ("bad_request", 400, None, False, False) == found[name][:-1]  # type: ignore[index]


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


# What a process had loaded when it ended, as its last line.
LOADED = """
import atexit, sys
heavy = ("litellm", "openai", "aiohttp", "httpx")
atexit.register(lambda: print("loaded:", *(name for name in heavy if name in sys.modules)))
from runner.run.command import main
sys.argv = ["colloquy", *ARGUMENTS]
main()
"""


def loaded(tmp_path: Path, *arguments: str) -> tuple[int, list[str]]:
    """Return the exit code of the command line and what it had imported of what is heavy."""
    given = [*arguments, f"output.dir={tmp_path}"] if "--help" not in arguments else [*arguments]
    done = subprocess.run(
        [sys.executable, "-c", LOADED.replace("ARGUMENTS", repr(given))],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    *_, last = done.stdout.strip().split("\n")
    assert last.startswith("loaded:"), done.stderr
    return done.returncode, last.split()[1:]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["output.console=quiet"], 0),
        (["--help"], 0),
        (["model=nope"], 2),
        (["model=openai"], 2),
        (["transcript=nowhere.txt"], 7),
    ],
)
def test_nothing_heavy_is_imported_where_no_provider_is_asked(
    tmp_path: Path, arguments: list[str], code: int
) -> None:
    assert (code, []) == loaded(tmp_path, *arguments)


def test_litellm_is_imported_where_it_is_asked_for(tmp_path: Path) -> None:
    code, heavy = loaded(tmp_path, "output.console=quiet", "model.transport=litellm")

    assert code == 0
    assert "litellm" in heavy
