"""The graph of a run through aiohttp alone and through `litellm.acompletion`, for comparison.

Nothing but the calls is made, with the same prompts under the same scheduler: no reply is read
but for its text, no context reduced, nothing written, logged or counted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from benchmarks.common import chat_arguments, post
from runner.calls.admission.limits import Admission, Ticket
from runner.calls.schedule import make_slots, ranks, run_graph
from runner.job.graph import Node
from runner.job.job import Job, wrap
from runner.providers.litellm.loading import load_litellm
from runner.providers.request import Request

WAYS = ("aiohttp", "acompletion")
Call = Callable[[Request], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Bare:
    """The calls of *job* to *url*; *recorded* is a run whose contexts they show.

    *latency_s*, by node, is what the scheduler expects of them.
    """

    job: Job
    url: str
    recorded: Path
    latency_s: Mapping[str, float]

    def wall_s(self, way: str, mode: str, slots: int) -> float:
        """Return the seconds that they take by one of WAYS, after one that opens a connection."""
        return asyncio.run(self._measure(way, mode, slots))

    async def _measure(self, way: str, mode: str, slots: int) -> float:
        requests = {node.name: self._request(node) for node in self.job.pipeline.nodes}
        pools, admission = make_slots(self.job.pipeline, slots, mode), Admission()
        rank = ranks(self.job.pipeline, self.latency_s, mode)
        opened = self._aiohttp() if way == "aiohttp" else self._acompletion()
        async with opened as call:

            async def work(node: Node, _: Mapping[str, None]) -> None:
                async with admission.admit(
                    (pools[node.stage],), Ticket(node.name, rank[node.name])
                ):
                    await call(requests[node.name])

            await call(next(iter(requests.values())))
            begun = time.perf_counter()
            await run_graph(self.job.pipeline, work)
            return time.perf_counter() - begun

    def _request(self, node: Node) -> Request:
        text = self.job.transcript_material() if node.transcript else ""
        if node.context is not None:
            context = self.recorded / f"context/{node.stage}.md"
            text += wrap("context", context.read_text(encoding="utf-8"))
        reply = self.job.fit(node, self.job.main).reply
        return self.job.request(node.name, self.job.main, text, reply, cache=False)

    @asynccontextmanager
    async def _aiohttp(self) -> AsyncIterator[Call]:
        model = self.job.main.settings.name.partition("/")[2]
        async with aiohttp.ClientSession() as session:
            yield lambda request: post(session, self.url, chat_arguments(model, request))

    @asynccontextmanager
    async def _acompletion(self) -> AsyncIterator[Call]:
        model = self.job.main.settings.name
        litellm = load_litellm(model)
        fixed = {"api_base": self.url, "num_retries": 0, "max_retries": 0}
        try:
            yield lambda request: litellm.acompletion(
                **fixed, timeout=60.0, **chat_arguments(model, request)
            )
        finally:
            await litellm.close_litellm_async_clients()
            litellm.in_memory_llm_clients_cache.flush_cache()
