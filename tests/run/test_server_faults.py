"""Whole runs against `helpers.fault_server`: a key refused mid-run, a server that dies."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from helpers import job
from helpers.fault_server import RESET, Asked, FaultServer, Step, good, http, refused_key, reply

from runner.base.errors import CallError
from runner.calls.client import Client
from runner.calls.client_factory import build_clients
from runner.providers.litellm.transport import LiteLLMTransport
from runner.providers.request import Completion, Request
from runner.providers.simulated.replies import reply_to
from runner.reports.verify import verify
from runner.run.execute import ProcessState, execute_job, resume_job
from runner.run.resume import read_resumption

pytestmark = pytest.mark.slow

RUN = Path("run")
WIRES = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY", "gemini": "GEMINI_API_KEY"}
OLD, NEW = "canary-old-0123456789", "canary-new-0123456789"
ANALYZERS = 8


def found(node: Any, name: str) -> Iterator[Any]:
    """Yield every value under the key *name*."""
    if isinstance(node, Mapping):
        yield from (node[name] for _ in range(name in node))
        node = node.values()
    if isinstance(node, Iterable) and not isinstance(node, str | bytes):
        for each in node:
            yield from found(each, name)


def prompt(asked: Asked) -> str:
    parts = [*found(asked.body, "text"), *found(asked.body, "content")]
    return "\n".join(part for part in parts if isinstance(part, str))


def answer(asked: Asked) -> str:
    """Return a text that fits the schema of a request on any wire."""
    schemas = [s for name in ("schema", "response_json_schema") for s in found(asked.body, name)]
    form = {"json_schema": {"schema": schemas[0]}} if schemas else None
    message = {"role": "user", "content": prompt(asked)}
    return reply_to({"messages": [message], "response_format": form})


def answered(asked: Asked) -> list[Step]:
    return good(asked, answer(asked))


def overrides(wire: str, server: FaultServer) -> list[str]:
    settings = [f"model={wire}", f"model.api_base='{server.url()}/v1'"]
    return [*settings, "model.retry_delay_s=0", "processing.prime_prefix=false"]


def run(shared: ProcessState, *given: str) -> int:
    made = job(*given, "processing.max_concurrent=3", "output.console=quiet")
    return asyncio.run(execute_job(made, shared, run_path=RUN))[0]


def resume() -> int:
    resumption = read_resumption([f"resume={RUN}", "output.console=quiet"])
    return asyncio.run(resume_job(resumption, ProcessState()))[0]


def statuses() -> Counter[str]:
    files = RUN.glob("intermediate/*/*.json")
    return Counter(orjson.loads(file.read_bytes())["status"] for file in files)


@pytest.mark.parametrize("wire", WIRES)
def test_a_key_refused_mid_run_is_not_used_again_and_a_new_one_completes_the_run(
    wire: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WIRES[wire], OLD)
    refused = threading.Event()

    def script(asked: Asked) -> Iterable[Step]:
        if asked.key == NEW:
            return answered(asked)
        # Two are in flight while the third is refused, and answered afterwards.
        held = [refused, *answered(asked)]
        return held if asked.place < 2 else [*refused_key(asked), refused.set]

    with FaultServer(script) as server:
        ended = run(ProcessState(), *overrides(wire, server))
        before = list(server.asked)
        monkeypatch.setenv(WIRES[wire], NEW)
        resumed = resume()

    assert (5, 0) == (ended, resumed)
    assert 3 == len(before)
    assert {OLD: 2, NEW: ANALYZERS - 2} == server.delivered
    assert {NEW} == {asked.key for asked in server.asked[3:]}
    assert {"ok": ANALYZERS} == statuses()
    assert not verify(RUN)


class Watched:
    """A transport that calls *at* after so many failures of connections."""

    def __init__(self, transport: LiteLLMTransport, failures: int, at: Any) -> None:
        self.transport, self.left, self.at = transport, failures, at
        self.open, self.close = transport.open, transport.close

    async def complete(self, request: Request, timeout_s: float) -> Completion:
        try:
            return await self.transport.complete(request, timeout_s)
        except CallError as error:
            assert "connection" == error.kind
            self.left -= 1
            if self.left == 0:
                self.at()
            raise


@pytest.mark.parametrize(
    ("wire", "cut"), [("openai", False), ("anthropic", True), ("gemini", True)]
)
def test_a_server_that_dies_and_comes_back_is_asked_again_only_for_what_it_did_not_deliver(
    wire: str, cut: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WIRES[wire], OLD)
    monkeypatch.setattr("runner.calls.admission.breaker.PROBES_S", (0.01,))
    monkeypatch.setattr("runner.calls.admission.gate.REOPEN_SPREAD_S", 0.01)
    delivered: Counter[str] = Counter()

    def script(asked: Asked) -> Iterable[Step]:
        if asked.place == 0:
            part = http(reply(asked, answer(asked)))[:-30]
            return [*([part] if cut else []), server.stop, RESET]
        return [*answered(asked), lambda: delivered.update([prompt(asked)])]

    def clients(*given: Any) -> dict[str, Client]:
        made = build_clients(*given)
        watched = Watched(made["main"].transport, 9, server.start)  # type: ignore[arg-type]
        object.__setattr__(made["main"], "transport", watched)
        return made

    with FaultServer(script) as server:
        more = "model.max_retries=20"  # of which the first call may need all before the others
        ended = run(ProcessState(clients=clients), *overrides(wire, server), more)

    assert 0 == ended
    assert ANALYZERS == server.delivered[OLD]
    assert [1] * ANALYZERS == list(delivered.values())
    assert {"ok": ANALYZERS} == statuses()
    assert not verify(RUN)
