"""Anthropic's Message Batches, which keep no mark: a batch is told by the keys of its results.

platform.claude.com/docs/en/build-with-claude/batch-processing, and the reference of
/v1/messages/batches.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from runner.base.errors import CallError
from runner.base.json import mapping
from runner.providers.batches.chat import BatchedChat, not_executed
from runner.providers.batches.endpoint import State, SubmittedBatch
from runner.providers.batches.wire import counts_in, id_in, time_in

_WAIT_S = 60.0  # until a batch that may be the one sought is looked at again


class AnthropicBatches(BatchedChat):
    """Batches whose requests are sent with them, and whose results come at the end."""

    _path, _value = "/messages", "params"
    _batches, _after = "/messages/batches", "after_id"

    async def submit(self, lines: Sequence[bytes], mark: str) -> SubmittedBatch:
        """Send *lines* as one batch; *mark* is not kept."""
        sent = b'{"requests":[' + b",".join(lines) + b"]}"
        kind = {"Content-Type": "application/json"}
        url = self._url(self._batches)
        return self._parse((await self._wire.exchange("POST", url, sent, kind))[0])

    def _files(self, said: Mapping[str, Any]) -> Iterable[str]:
        told = self._parse(said)
        return () if told.state == "running" else (self._results(told.id),)

    def _results(self, batch: str) -> str:
        return self._url(f"{self._batches}/{batch}/results")

    async def find(self, mark: str, since: float, keys: Collection[str]) -> SubmittedBatch | None:
        """Return the batch of requests with *keys* that was made after *since*, if any.

        Raises CallError while a batch with as many requests is out, whose keys nobody tells yet.
        """
        unknown = ""
        async with aclosing(self._since(since)) as batches:
            async for said, told in batches:
                counts = {n: c for n, c in told.counts.items() if n != "total"}
                if sum(counts.values()) != len(keys):
                    continue
                if said.get("processing_status") != "ended":
                    unknown = told.id
                elif await self._has(told.id, keys):
                    return told
        if unknown:
            why = f"whether {unknown} is the batch that was sent is known when it has ended"
            raise CallError("transient", f"Anthropic keeps no mark: {why}", retry_after_s=_WAIT_S)
        return None

    async def _has(self, batch: str, keys: Collection[str]) -> bool:
        """Return whether the first result of *batch* is that of one of *keys*."""
        async with aclosing(self._wire.lines(self._results(batch))) as lines:
            async for line in lines:
                try:
                    return self.key_of(line) in keys
                except ValueError:
                    return False
        return False

    def _reply(self, result: Mapping[str, Any]) -> tuple[int, Any]:
        told = mapping(result.get("result"))
        kind = told.get("type")
        if kind in ("canceled", "expired"):
            raise not_executed(str(kind))
        if kind == "succeeded":
            return 200, told.get("message")
        error = mapping(told.get("error"))
        return 200, error if error.get("error") else {"error": dict(error) or "no result"}

    def _parse(self, said: Mapping[str, Any]) -> SubmittedBatch:
        counts = counts_in(said.get("request_counts"))
        return SubmittedBatch(
            id_in(said.get("id")),
            self._state(said, counts),
            time_in(said.get("created_at")),
            time_in(said.get("ended_at")),
            counts,
        )

    def _state(self, said: Mapping[str, Any], counts: Mapping[str, int]) -> State:
        if said.get("processing_status") != "ended":
            return "running"
        if said.get("cancel_initiated_at") and counts.get("canceled"):
            return "cancelled"
        return "expired" if counts.get("expired") else "ended"
