"""Embedder: vectors of findings from a provider, each text once, stored by model and text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from runner.answers.analyzer import Message
from runner.base.errors import CallError
from runner.base.text import digest
from runner.base.threads import offload
from runner.calls.call_log import CallLog
from runner.calls.client import Client
from runner.job.graph import Node
from runner.providers.litellm.embedding import DIMENSIONS, vectors_in
from runner.providers.request import Request
from runner.record.store import Store
from runner.run.collection.caller import Caller

MOST_TEXTS = 256  # of one call
FOLDER = "embeddings"  # in a batch that has no store

log = structlog.get_logger("colloquy.collection")
Vector = list[float]


@dataclass
class Embedder:
    """Asks *client* for vectors as calls of *caller*; None: there are none.

    After a failure findings are compared by their words alone.
    """

    caller: Caller
    client: Client | None
    store: Store = field(init=False)

    def __post_init__(self) -> None:
        own = self.caller.directory.path / FOLDER
        self.store = self.caller.stored.store or Store(own)

    async def vectors(self, node: Node, part: str, texts: Sequence[str]) -> list[Vector]:
        """Return the vectors of *texts*, which are *part* of *node*; empty without them."""
        if self.client is None:
            return []
        settings = self.caller.job.settings
        of = f"{settings.collection.embeddings}\0{DIMENSIONS}\0{settings.model.api_base}"
        keys = [digest(f"embedding\0{of}\0{text}") for text in texts]
        known = await offload(self._stored, dict.fromkeys(keys))
        missing = {k: t for k, t in zip(keys, texts, strict=True) if k not in known}
        name = f"{node.name}/embeddings{'_' if part else ''}{part}"
        calls = self.caller.recorder.call_log(replace(node, name=name))
        calls.secure = lambda _, __: None  # nothing is recorded but in the store
        try:
            for start in range(0, len(missing), MOST_TEXTS):
                batch = dict(list(missing.items())[start : start + MOST_TEXTS])
                known |= await self._asked(self.client, node, name, calls, batch)
        except (CallError, ValueError) as error:
            if self.client is not None:
                log.warning("embeddings.failed", reason=f"{error}; words alone are compared")
            self.client = None
            return []
        finally:
            if calls.attempts:
                self.caller.absorb(node, calls)
        if len({len(vector) for vector in known.values()}) > 1:
            log.warning("embeddings.failed", reason="stored vectors have another length")
            return []
        return [known[key] for key in keys]

    async def _asked(
        self, client: Client, node: Node, name: str, calls: CallLog, texts: Mapping[str, str]
    ) -> dict[str, Vector]:
        """Return the vectors of *texts* by their keys, and store them; raise CallError."""
        messages: tuple[Message, ...] = tuple(
            {"role": "user", "content": text.strip() or "-"} for text in texts.values()
        )
        calls.start_conversation()
        slots = self.caller.slots[node.stage]
        reply = await client.complete(Request(name, messages, 0), slots, calls)
        lines = dict(zip(texts, reply.text.splitlines(), strict=True))
        await offload(self._keep, lines)
        return {key: vectors_in(line)[0] for key, line in lines.items()}

    def _stored(self, keys: Mapping[str, None]) -> dict[str, Vector]:
        known = {}
        for key in keys:
            if self.store.has(key) and (reply := self.store.get(key)) is not None:
                try:
                    (known[key],) = vectors_in(reply.text)
                except ValueError:
                    log.warning("store.damaged", key=key)
        return known

    def _keep(self, lines: Mapping[str, str]) -> None:
        try:
            for key, line in lines.items():
                self.store.put_text(key, line)
        except OSError as error:
            log.warning("store.failed", error=str(error))
