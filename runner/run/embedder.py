"""Embedder: vectors of texts from a provider, each text once, stored by model and text."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

import structlog

from runner.base.errors import CallError
from runner.base.threads import offload
from runner.calls.admission.limits import Limit
from runner.calls.call_log import CallLog
from runner.calls.client import Client
from runner.config.schema import Settings
from runner.job.graph import Node
from runner.providers.litellm.embedding import vectors_in
from runner.providers.request import Request
from runner.record.recorder import Recorder
from runner.record.store import Store
from runner.record.vectors import Vector, stored_vector, vector_key
from runner.run.nodes.conversation import Messages

MAX_TEXTS = 256  # of one call

log = structlog.get_logger("colloquy.embeddings")


@dataclass
class Embedder:
    """Gets vectors from *client* and keeps them in *store*; after a failure there are none.

    *recorder* logs its calls, which wait for *slots* (by stage) and are passed to *absorb*.
    """

    settings: Settings
    client: Client | None
    store: Store
    recorder: Recorder
    slots: Mapping[str, Limit]
    absorb: Callable[[Node, CallLog], object]

    async def vectors(self, node: Node, part: str, texts: Sequence[str]) -> list[Vector]:
        """Return the vectors of *texts*, *part* of *node*; empty after a failure."""
        if self.client is None:
            return []
        keys = [vector_key(self.settings, text) for text in texts]
        stored = await offload(self._stored, {*keys})
        missing = {k: t for k, t in zip(keys, texts, strict=True) if k not in stored}
        name = f"{node.name}/embeddings{'_' if part else ''}{part}"
        calls = self.recorder.call_log(replace(node, name=name))
        calls.reserve = lambda _, __: None  # only the store keeps the result
        try:
            for start in range(0, len(missing), MAX_TEXTS):
                batch = dict(list(missing.items())[start : start + MAX_TEXTS])
                stored |= await self._asked(self.client, node, name, calls, batch)
        except (CallError, ValueError) as error:
            if self.client is not None:
                log.warning("embeddings.failed", reason=f"{error}; words alone are compared")
            self.client = None
            return []
        finally:
            if calls.attempts:
                self.absorb(node, calls)
        if len({len(vector) for vector in stored.values()}) > 1:
            log.warning("embeddings.failed", reason="stored vectors have another length")
            return []
        return [stored[key] for key in keys]

    async def _asked(
        self, client: Client, node: Node, name: str, calls: CallLog, texts: Mapping[str, str]
    ) -> dict[str, Vector]:
        """Return the vectors of *texts* by their keys, and store them; raise CallError."""
        said = (text.strip() or "-" for text in texts.values())
        messages: Messages = tuple({"role": "user", "content": each} for each in said)
        calls.start_conversation()
        request = Request(name, messages, 0)
        reply = await client.complete(request, self.slots[node.stage], calls)
        lines = dict(zip(texts, reply.text.splitlines(), strict=True))
        await offload(self._keep, lines)
        return {key: vectors_in(line)[0] for key, line in lines.items()}

    def _stored(self, keys: Set[str]) -> dict[str, Vector]:
        return {k: found for k in keys if (found := stored_vector(self.store, k)) is not None}

    def _keep(self, lines: Mapping[str, str]) -> None:
        try:
            for key, line in lines.items():
                self.store.put_text(key, line)
        except OSError as error:
            log.warning("store.failed", error=str(error))
