"""Anthropic's Message Batches. They store no label, so results' keys identify a batch.

platform.claude.com/docs/en/build-with-claude/batch-processing, and the reference of
/v1/messages/batches.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from runner.base.json import mapping
from runner.providers.batches.endpoint import BatchEndpoint, NotKnownYetError, State, SubmittedBatch
from runner.providers.batches.payload import counts_in, id_in, not_executed, time_in

_WAIT_S = 60.0  # between checks of a batch that may be the right one


class AnthropicBatches(BatchEndpoint):
    """Batches that contain their requests, with results at their end."""

    _path, _value = "/messages", "params"
    _batches, _after = "/messages/batches", "after_id"

    async def submit(self, lines: Sequence[bytes], mark: str) -> SubmittedBatch:
        """Send *lines* as one batch; *mark* is not stored."""
        sent = b'{"requests":[' + b",".join(lines) + b"]}"
        kind = {"Content-Type": "application/json"}
        url = self._url(self._batches)
        return self._parse((await self._wire.exchange("POST", url, sent, kind))[0])

    def _files(self, payload: Mapping[str, Any]) -> Iterable[str]:
        parsed = self._parse(payload)
        return () if parsed.state == "running" else (self._results(parsed.id),)

    def _results(self, batch: str) -> str:
        return self._url(f"{self._batches}/{batch}/results")

    async def find(self, mark: str, since: float, keys: Collection[str]) -> SubmittedBatch | None:
        """Return the batch of requests with *keys* that was made after *since*, if any.

        Raises NotKnownYetError while one of equal size is pending, because its keys are unknown.
        """
        unknown = ""
        async with aclosing(self._since(since)) as batches:
            async for payload, batch in batches:
                counts = counts_in(payload.get("request_counts"))
                if sum(counts.values()) - counts.get("total", 0) != len(keys):
                    continue
                if payload.get("processing_status") != "ended":
                    unknown = batch.id
                elif await self._has(batch.id, keys):
                    return batch
        if unknown:
            why = f"only the results of {unknown} show whether it is the batch that was sent"
            raise NotKnownYetError(
                "transient", f"Anthropic stores no label of a batch: {why}", retry_after_s=_WAIT_S
            )
        return None

    async def _has(self, batch: str, keys: Collection[str]) -> bool:
        """Return whether the first result of *batch* has one of *keys*."""
        async with aclosing(self._wire.lines(self._results(batch))) as lines:
            async for line in lines:
                try:
                    return self.key_of(line) in keys
                except ValueError:
                    return False
        return False

    def _reply(self, result: Mapping[str, Any]) -> tuple[int, Any]:
        result_body = mapping(result.get("result"))
        kind = result_body.get("type")
        if kind in ("canceled", "expired"):
            raise not_executed(str(kind))
        if kind == "succeeded":
            return 200, result_body.get("message")
        error = mapping(result_body.get("error"))
        return 200, error if error.get("error") else {"error": dict(error) or "no result"}

    def _parse(self, payload: Mapping[str, Any]) -> SubmittedBatch:
        counts = counts_in(payload.get("request_counts"))
        state: State = "running"
        if payload.get("processing_status") == "ended":
            state = "expired" if counts.get("expired") else "ended"
            if payload.get("cancel_initiated_at") and counts.get("canceled"):
                state = "cancelled"
        made, ended = (time_in(payload.get(name)) for name in ("created_at", "ended_at"))
        return SubmittedBatch(id_in(payload.get("id")), state, made, ended)
