"""Reuse of answers from earlier sessions of a run and from the store of all runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog

from runner.answers.outcome import Outcome
from runner.base.errors import AnswerError
from runner.base.usage import Usage
from runner.job.graph import Node
from runner.providers.request import Completion
from runner.record.previous_session import PreviousSession
from runner.record.store import Store

Read = Callable[[Node, Completion], Outcome]

log = structlog.get_logger("colloquy.known")


@dataclass(frozen=True, slots=True)
class StoredAnswers:
    """Looks up answers by the digest of their call, first in *previous*, then in *store*.

    Each is None if it is not used. A stored answer is validated like a new reply.
    """

    previous: PreviousSession | None = None
    store: Store | None = None

    def __bool__(self) -> bool:
        """Return whether any source is set."""
        return self.previous is not None or self.store is not None

    def may_have(self, key: str) -> bool:
        """Return whether `get` may find an answer to the call with *key*, without reading any."""
        return self.previous is not None or (self.store is not None and self.store.has(key))

    def get(self, node: Node, key: str, read: Read) -> Outcome | None:
        """Return the outcome of the stored answer to *node*'s call, read by *read*, or None."""
        record = self.previous.record(node, key) if self.previous else None
        outcome = _from_record(node, record, read) if record else None
        if outcome is not None:
            return replace(outcome, key=key, reused="run")
        reply = self.store.get(key) if self.store else None
        outcome = _validated(node, reply, read) if reply else None
        return outcome and replace(outcome, key=key, reused="store")

    def keep(self, key: str, record: Path, *, reply_only: bool = False) -> None:
        """Store the answer in the file *record* for other runs; a failed write is logged only.

        *reply_only* omits results of the reply, which contain the names behind stand-ins.
        """
        if self.store is None:
            return
        try:
            self.store.put(key, record, reply_only=reply_only)
        except OSError as error:
            log.warning("store.failed", error=str(error))


def _from_record(node: Node, record: Mapping[str, Any], read: Read) -> Outcome | None:
    if record["status"] == "ok":
        reply = Completion(record["raw_output"], record["finish_reason"], Usage())
        return _validated(node, reply, read)
    error = record["error"]
    return Outcome("error", None, error["kind"], error["message"], record["raw_output"])


def _validated(node: Node, reply: Completion, read: Read) -> Outcome | None:
    try:
        return read(node, reply)
    except AnswerError as error:  # the answer shape's own checks have changed since
        log.warning("answer.outdated", analyzer=node.name, error=str(error))
        return None
