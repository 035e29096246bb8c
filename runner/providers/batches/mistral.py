"""Mistral's Batch API: jobs over files, whose lines are those of OpenAI.

docs.mistral.ai, "Batch inference" and the reference of /v1/batch/jobs.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from runner.base.json import mapping, mappings
from runner.providers.batches.endpoint import State, SubmittedBatch
from runner.providers.batches.openai import MARK, OpenAIBatches
from runner.providers.batches.wire import PAGE, counts_in, id_in, time_in

_STATES: Mapping[str, State] = {
    "QUEUED": "waiting",
    "SUCCESS": "ended",
    "FAILED": "failed",
    "TIMEOUT_EXCEEDED": "expired",
    "CANCELLED": "cancelled",
}
_COUNTS = ("total_requests", "completed_requests", "succeeded_requests", "failed_requests")


class MistralBatches(OpenAIBatches):
    """Jobs; a job names the model, and its results are files as at OpenAI."""

    _more = b""
    _batches = "/batch/jobs"
    _results = ("output_file", "error_file")

    async def submit(self, lines: Sequence[bytes], mark: str) -> SubmittedBatch:
        """Send *lines* as a file, and make a job of it."""
        sent = {
            "input_files": [await self._upload(lines, mark)],
            "model": self.route.name.partition("/")[2],
            "endpoint": self._endpoint,
            "timeout_hours": 24,
            "metadata": {MARK: mark},
        }
        return self._parse(await self._ask("POST", self._batches, sent))

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
            _STATES.get(str(payload.get("status")), "running"),
            time_in(payload.get("created_at")),
            time_in(payload.get("completed_at")),
            counts_in({name: payload.get(name) for name in _COUNTS}),
            self._wire.shown(mapping(error).get("message")),
        )
