"""OpenAI's Batch API (files and batches), which Groq and the simulated provider have too.

developers.openai.com/api/docs/guides/batch; console.groq.com/docs/batch.
"""

import asyncio
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import aiohttp

from runner.base.errors import CallError
from runner.base.json import mapping, mappings
from runner.providers.batches.chat import BatchedChat, not_executed
from runner.providers.batches.endpoint import State, SubmittedBatch
from runner.providers.batches.wire import PAGE, counts_in, id_in, time_in

_STATES: Mapping[str, State] = {
    "validating": "waiting",
    "completed": "ended",
    "failed": "failed",
    "expired": "expired",
    "cancelled": "cancelled",
}
MARK = "colloquy"  # the name of the mark among a batch's metadata
_CHECKS = 60  # of a file that is being read, one a second


class OpenAIBatches(BatchedChat):
    """Batches of a file of requests; results are a file, those that failed another one."""

    _endpoint = "/v1/chat/completions"
    _more = b',"method":"POST","url":"/v1/chat/completions"'
    _query = ""  # of every address

    async def submit(self, lines: Sequence[bytes], mark: str) -> SubmittedBatch:
        """Send *lines* as a file, and make a batch of it."""
        sent = {
            "input_file_id": await self._upload(lines, mark),
            "endpoint": self._endpoint,
            "completion_window": "24h",
            "metadata": {MARK: mark},
        }
        return self._told(await self._ask("POST", "/batches", sent))

    async def _ask(
        self, method: str, path: str, sent: Any = None, query: str = ""
    ) -> Mapping[str, Any]:
        query = "&".join(filter(None, (self._query, query)))
        return await self._wire.call(method, f"{path}?{query}" if query else path, sent)

    async def _upload(self, lines: Sequence[bytes], mark: str) -> str:
        """Return the id of the file that was made of *lines*, once it has been read."""
        form = aiohttp.FormData({"purpose": "batch"})
        content = io.BytesIO(b"\n".join(lines) + b"\n")
        form.add_field("file", content, filename=f"{mark}.jsonl", content_type="application/jsonl")
        file = await self._ask("POST", "/files", form)
        name = id_in(file.get("id"))
        for _ in range(_CHECKS):
            if file.get("status") not in ("pending", "running"):  # Azure's
                break
            await asyncio.sleep(1.0)
            file = await self._ask("GET", f"/files/{name}")
        if file.get("status") == "error":
            raise CallError("bad_request", "the provider could not read the batch's file")
        return name

    async def status(self, batch: str) -> SubmittedBatch:
        """Return the batch with that id."""
        return self._same(await self._ask("GET", f"/batches/{id_in(batch)}"), batch)

    async def cancel(self, batch: str) -> None:
        """Ask the provider to stop the batch."""
        await self._ask("POST", f"/batches/{id_in(batch)}/cancel")

    async def results(self, batch: str) -> AsyncIterator[bytes]:
        """Yield the lines of both files; there are none before the batch is over."""
        said = await self._ask("GET", f"/batches/{id_in(batch)}")
        self._same(said, batch)
        async for line in self._files(said.get("output_file_id"), said.get("error_file_id")):
            yield line

    async def _files(self, *files: Any) -> AsyncIterator[bytes]:
        """Yield the lines of *files*, ids or None."""
        for file in files:
            if file:
                query = f"?{self._query}" if self._query else ""
                url = f"{self._wire.base}/files/{id_in(file)}/content{query}"
                async for line in self._wire.lines(url):
                    yield line

    def _reply(self, result: Mapping[str, Any]) -> tuple[int, Any]:
        response, error = mapping(result.get("response")), mapping(result.get("error"))
        status = response.get("status_code")
        if response:
            return status if type(status) is int else 500, response.get("body")
        if error.get("code") in ("batch_expired", "batch_cancelled"):
            raise not_executed(str(error.get("code")))
        return 200, {"error": dict(error) or "neither a response nor an error"}

    async def _page(self, cursor: str, since: float) -> tuple[list[Mapping[str, Any]], str]:
        query = f"limit={PAGE}" + (f"&after={cursor}" if cursor else "")
        said = await self._ask("GET", "/batches", query=query)
        page = mappings(said.get("data"))
        more = said.get("has_more") is True and bool(page)
        return page, id_in(said.get("last_id") or page[-1].get("id")) if more else ""

    def _mark(self, said: Mapping[str, Any]) -> Any:
        return mapping(said.get("metadata")).get(MARK)

    def _told(self, said: Mapping[str, Any]) -> SubmittedBatch:
        state = _STATES.get(str(said.get("status")), "running")
        ended = (time_in(said.get(f"{each}_at")) for each in ("completed", *_STATES))
        error = next(iter(mappings(mapping(said.get("errors")).get("data"))), {})
        why = ": ".join(filter(None, (self._wire.shown(error.get(n)) for n in ("code", "message"))))
        return SubmittedBatch(
            id_in(said.get("id")),
            state,
            time_in(said.get("created_at")),
            next(filter(None, ended), None),
            counts_in(said.get("request_counts")),
            why,
        )
