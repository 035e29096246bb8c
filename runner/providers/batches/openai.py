"""OpenAI's Batch API (files and batches), which Groq and the simulated provider have too.

developers.openai.com/api/docs/guides/batch; console.groq.com/docs/batch.
"""

import asyncio
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import aiohttp

from runner.base.errors import CallError
from runner.base.json import mapping, mappings
from runner.providers.batches.chat import BatchedChat, not_executed
from runner.providers.batches.endpoint import State, SubmittedBatch
from runner.providers.batches.wire import counts_in, id_in, time_in

_STATES: Mapping[str, State] = {
    "validating": "waiting",
    "completed": "ended",
    "failed": "failed",
    "expired": "expired",
    "cancelled": "cancelled",
}
MARK = "colloquy"  # the name of the mark among a batch's metadata
_CHECKS = 60  # of a file that is being processed, one a second


class OpenAIBatches(BatchedChat):
    """Batches of a file of requests; results are one file, failures another."""

    _endpoint = "/v1/chat/completions"
    _more = b',"method":"POST","url":"/v1/chat/completions"'
    _results = ("output_file_id", "error_file_id")

    async def submit(self, lines: Sequence[bytes], mark: str) -> SubmittedBatch:
        """Send *lines* as a file, and make a batch of it."""
        sent = {
            "input_file_id": await self._upload(lines, mark),
            "endpoint": self._endpoint,
            "completion_window": "24h",
            "metadata": {MARK: mark},
        }
        return self._parse(await self._ask("POST", self._batches, sent))

    async def _upload(self, lines: Sequence[bytes], mark: str) -> str:
        """Return the id of the file with *lines*, once it has been processed."""
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

    def _files(self, payload: Mapping[str, Any]) -> Iterable[str]:
        files = filter(None, map(payload.get, self._results))
        return (self._url(f"/files/{id_in(file)}/content") for file in files)

    def _reply(self, result: Mapping[str, Any]) -> tuple[int, Any]:
        response, error = mapping(result.get("response")), mapping(result.get("error"))
        status = response.get("status_code")
        if response:
            return status if type(status) is int else 500, response.get("body")
        if error.get("code") in ("batch_expired", "batch_cancelled"):
            raise not_executed(str(error.get("code")))
        return 200, {"error": dict(error) or "neither a response nor an error"}

    def _mark(self, payload: Mapping[str, Any]) -> Any:
        return mapping(payload.get("metadata")).get(MARK)

    def _parse(self, payload: Mapping[str, Any]) -> SubmittedBatch:
        state = _STATES.get(str(payload.get("status")), "running")
        ended = (time_in(payload.get(f"{each}_at")) for each in ("completed", *_STATES))
        error = next(iter(mappings(mapping(payload.get("errors")).get("data"))), {})
        why = ": ".join(filter(None, (self._wire.shown(error.get(n)) for n in ("code", "message"))))
        return SubmittedBatch(
            id_in(payload.get("id")),
            state,
            time_in(payload.get("created_at")),
            next(filter(None, ended), None),
            counts_in(payload.get("request_counts")),
            why,
        )
