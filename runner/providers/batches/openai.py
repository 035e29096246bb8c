"""OpenAI's Batch API (files and batches), which Groq, Azure and Mistral have in their ways, too.

developers.openai.com/api/docs/guides/batch; console.groq.com/docs/batch;
learn.microsoft.com/azure/foundry/openai/how-to/batch; docs.mistral.ai, "Batch inference" and the
reference of /v1/batch/jobs.
"""

import asyncio
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import aiohttp

from runner.base.errors import CallError, ConfigError
from runner.base.json import mapping, mappings
from runner.providers.batches.endpoint import PAGE, BatchEndpoint, State, SubmittedBatch
from runner.providers.batches.payload import id_in, not_executed, time_in
from runner.providers.litellm.http import BuiltRequest
from runner.providers.request import Request

MARK = "colloquy"  # the name of the mark among a batch's metadata
_CHECKS = 60  # of a file that is being processed, one a second
_UNDATED = ("v1", "latest", "preview")  # Azure's versions whose addresses have no `api-version`


class OpenAIBatches(BatchEndpoint):
    """Batches of a file of requests; results are one file, failures another."""

    _endpoint = "/v1/chat/completions"
    _more = b',"method":"POST","url":"/v1/chat/completions"'
    _results = ("output_file_id", "error_file_id")
    _states: Mapping[str, State] = {
        **{"validating": "waiting", "completed": "ended", "failed": "failed"},
        **{"expired": "expired", "cancelled": "cancelled"},
    }

    async def submit(self, lines: Sequence[bytes], mark: str) -> SubmittedBatch:
        """Send *lines* as a file, and make a batch of it."""
        own = self._order(await self._upload(lines, mark))
        sent = {**own, "endpoint": self._endpoint, "metadata": {MARK: mark}}
        return self._parse(await self._ask("POST", self._batches, sent))

    def _order(self, file: str) -> dict[str, Any]:
        """Return the fields of a batch's request that differ between providers."""
        return {"input_file_id": file, "completion_window": "24h"}

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
        state = self._states.get(str(payload.get("status")), "running")
        ended = (time_in(payload.get(f"{each}_at")) for each in ("completed", *self._states))
        error = next(iter(mappings(mapping(payload.get("errors")).get("data"))), {})
        why = ": ".join(filter(None, (self._wire.shown(error.get(n)) for n in ("code", "message"))))
        return SubmittedBatch(
            id_in(payload.get("id")),
            state,
            time_in(payload.get("created_at")),
            next(filter(None, ended), None),
            why,
        )


class AzureBatches(OpenAIBatches):
    """OpenAI's batches with Azure's addresses and key."""

    _endpoint = "/chat/completions"
    _more = b',"method":"POST","url":"/chat/completions"'

    def _built(self, request: Request) -> BuiltRequest:
        """Return the request with the address of the resource's batches in place of OpenAI's."""
        base = self.route.api_base or os.environ.get("AZURE_API_BASE")
        version = os.environ.get("AZURE_API_VERSION") or "v1"
        if not base:
            raise ConfigError(f"{self.route.name}: set AZURE_API_BASE or model.api_base")
        undated = version in _UNDATED
        self._query = "" if undated else f"api-version={version}"
        address = f"{base.rstrip('/')}/openai{'/v1' if undated else ''}{self._path}"
        key = os.environ.get(self.route.api_key_env or "", "")
        return BuiltRequest(address, super()._built(request).body, {"api-key": key})


class MistralBatches(OpenAIBatches):
    """Jobs; a job names the model, and its results are files as at OpenAI."""

    _more = b""
    _batches = "/batch/jobs"
    _results = ("output_file", "error_file")
    _states: Mapping[str, State] = {
        **{"QUEUED": "waiting", "SUCCESS": "ended", "FAILED": "failed"},
        **{"TIMEOUT_EXCEEDED": "expired", "CANCELLED": "cancelled"},
    }

    def _order(self, file: str) -> dict[str, Any]:
        model = self.route.name.partition("/")[2]
        return {"input_files": [file], "model": model, "timeout_hours": 24}

    async def _page(self, cursor: str, since: float) -> tuple[list[Mapping[str, Any]], str]:
        after = datetime.fromtimestamp(since, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        number = int(cursor or 0)
        query = f"page={number}&page_size={PAGE}&created_after={after}"
        payload = await self._ask("GET", self._batches, query=query)
        page = mappings(payload.get("data"))
        return page, str(number + 1) if len(page) >= PAGE else ""

    def _parse(self, payload: Mapping[str, Any]) -> SubmittedBatch:
        error = next(iter(mappings(payload.get("errors"))), {})
        return SubmittedBatch(
            id_in(payload.get("id")),
            self._states.get(str(payload.get("status")), "running"),
            time_in(payload.get("created_at")),
            time_in(payload.get("completed_at")),
            self._wire.shown(mapping(error).get("message")),
        )
