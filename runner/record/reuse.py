"""Answers that need not be asked for: this run's own from before, and those of other runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog

from runner.answers.outcome import Outcome
from runner.base.errors import AnswerError
from runner.job.graph import Node
from runner.providers.request import Completion, Usage
from runner.record.previous_session import Earlier
from runner.record.store import Store, Stored

Read = Callable[[Node, Completion], Outcome]

log = structlog.get_logger("colloquy.known")


@dataclass(frozen=True, slots=True)
class Known:
    """Looks answers up by the digest of their call.

    *earlier* are the records of this run's earlier sessions, *store* the answers of other
    runs; None where there are none to be used. What is found is read and validated like a new
    reply.
    """

    earlier: Earlier | None = None
    store: Store | None = None

    def __bool__(self) -> bool:
        """Return whether there is anywhere to look."""
        return self.earlier is not None or self.store is not None

    def may_have(self, key: str) -> bool:
        """Return whether `get` can find an answer to the call with *key*; cheap."""
        return self.earlier is not None or (self.store is not None and self.store.has(key))

    def get(self, node: Node, key: str, read: Read) -> Outcome | None:
        """Return what *read* makes of the stored answer to *node*'s call, or None."""
        record = None if self.earlier is None else self.earlier.record(node, key)
        found = None if record is None else _recorded(node, record, read)
        if found is not None:
            return replace(found, key=key, reused="run")
        stored = None if self.store is None else self.store.get(key)
        if stored is None:
            return None
        found = _read_again(node, stored.raw_output, stored.finish_reason, read)
        return None if found is None else replace(found, key=key, reused="store")

    def keep(self, key: str, model: str, reply: Completion) -> None:
        """Store an answer for other runs; if it is lost, one of them pays for the call again."""
        if self.store is None:
            return
        usage = reply.usage
        stored = Stored(
            reply.text,
            reply.finish_reason,
            usage.prompt_tokens,
            usage.completion_tokens,
            reply.cost_usd,
        )
        try:
            self.store.put(key, model, stored)
        except OSError as error:
            log.warning("store.failed", error=str(error))


def _recorded(node: Node, record: Mapping[str, Any], read: Read) -> Outcome | None:
    if record["status"] == "ok":
        return _read_again(node, record["raw_output"], record["finish_reason"], read)
    fault = record["error"]
    return Outcome("error", None, fault["kind"], fault["message"], record["raw_output"])


def _read_again(node: Node, text: str, finish_reason: str, read: Read) -> Outcome | None:
    try:
        return read(node, Completion(text, finish_reason, Usage(), 0.0))
    except AnswerError as error:  # the shape's own checks have changed since
        log.warning("answer.outdated", analyzer=node.name, error=str(error))
        return None
