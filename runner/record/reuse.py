"""Reuse of answers: records of a previous session, each validated, and the store of all runs."""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import structlog

from runner.answers.outcome import Outcome
from runner.base.errors import AnswerError, NotRunError
from runner.base.files import make_directory, set_aside, sync_directory
from runner.base.json import load_json, read_json
from runner.base.regular_files import files_in, folders_in
from runner.base.usage import Usage
from runner.calls.call_log import CallLog
from runner.job.graph import Node
from runner.providers.request import Completion
from runner.record.run_directory import METADATA, SCHEMA_VERSION
from runner.record.store import Store, payload_digest

# Failures that would recur; only `retry_failed=true` repeats their calls.
LASTING = frozenset({"bad_request", "context_exceeded", "refused"})

_KEY = re.compile("[0-9a-f]{64}")

log = structlog.get_logger("colloquy.resume")


@dataclass(frozen=True)
class PreviousSession:
    """The records under *path*."""

    path: Path
    retry_failed: bool = False  # repeat calls whose failure is LASTING, too
    unchanged: bool = True  # configuration, prompts and transcript are those of that session
    _parts: dict[Path, dict[str, Path]] = field(default_factory=dict, repr=False, compare=False)

    def record(self, node: Node, key: str) -> Mapping[str, Any] | None:
        """Return *node*'s record if it answers the call with *key*, else None.

        A damaged record is renamed to `NAME.json.corrupt-N`. `keep_answer` moves an answer to
        another call to `superseded/` once it is replaced; it is restored from there when its key is
        asked for again. No answer is deleted.
        """
        file = _path(self.path, node)
        if file.exists():
            fault, record = read_record(file)
            if fault is not None:
                kept_as = set_aside(file, self.path).name
                log.warning("record.damaged", analyzer=node.name, fault=fault, kept_as=kept_as)
            elif record["key"] == key and self._is_final(record):
                return record
        return self._restored(file, node, key)

    def elsewhere(self, node: Node, key: str) -> Mapping[str, Any] | None:
        """Return the answer with *key* of another part of the analyzer, whose branch moved."""
        name = node.name.partition("/")[0]
        folder = self.path / "intermediate" / node.stage / name
        if folder not in self._parts:
            files = [*files_in(folder, ".json"), folder.with_name(f"{name}.json")]
            read = ((file, read_record(file)[1]) for file in files)
            self._parts[folder] = {str(each.get("key")): file for file, each in read}
        whole = _superseded(self.path, replace(node, name=name), key)
        old = files_in(whole.parent / name, f"-{key[:12]}.json")
        for file in filter(None, (self._parts[folder].get(key), whole, *old)):
            if (answer := answer_in(file)) and answer["key"] == key:
                return answer
        return None

    def keep_dropped(self, nodes: Iterable[Node]) -> None:
        """Move records of other nodes to `superseded/`, and remove their pages; raise OSError."""
        known = {_path(self.path, node) for node in nodes}
        for stage in folders_in(self.path / "intermediate"):
            for file in (each for each in files_in(stage, ".json") if each not in known):
                for page in (file, self.path / "final" / file.name):
                    page.with_suffix(".md").unlink(missing_ok=True)
                    page.with_suffix(".docx").unlink(missing_ok=True)
                fault, record = read_record(file)
                if fault is None:
                    dropped = Node(file.stem, stage.name, (), None, transcript=False)
                    _supersede(self.path, dropped, record["key"] or "none")

    def _is_final(self, record: Mapping[str, Any]) -> bool:
        if record["status"] == "error":
            return record["error"]["kind"] in LASTING and not self.retry_failed
        return bool(record["status"] == "ok")

    def _restored(self, file: Path, node: Node, key: str) -> Mapping[str, Any] | None:
        """Move a superseded answer to the call with *key* back to *file*, and return it."""
        stored = _superseded(self.path, node, key)
        answer = answer_in(stored)
        if not answer or answer["key"] != key:
            return None
        keep_answer(self.path, node, key)
        make_directory(file.parent, self.path)
        for page in (file.with_suffix(".md"), self.path / "final" / f"{node.name}.md"):
            page.unlink(missing_ok=True)  # shows another outcome
        stored.replace(file)
        sync_directory(file.parent)
        log.info("record.restored", analyzer=node.name)
        return answer


def keep_damaged_metadata(path: Path) -> None:
    """Rename a damaged metadata.json of the run in *path*, which gets another."""
    file = path / METADATA
    if os.path.lexists(file) and not read_json(file):
        log.warning("metadata.damaged", run=path.name, kept_as=set_aside(file, path).name)


def keep_answer(path: Path, node: Node, key: str | None) -> None:
    """Move *node*'s answer to `superseded/` unless it answers the call with *key*."""
    answer = answer_in(_path(path, node))
    if answer and answer["key"] != key:
        _supersede(path, node, answer["key"])


def _supersede(path: Path, node: Node, key: str) -> None:
    file, stored = _path(path, node), _superseded(path, node, key)
    make_directory(file.parent, path)
    make_directory(stored.parent, path)
    file.replace(stored)
    sync_directory(stored.parent)
    log.info("record.superseded", analyzer=node.name)


def _path(path: Path, node: Node) -> Path:
    return path / "intermediate" / node.stage / f"{node.name}.json"


def _superseded(path: Path, node: Node, key: str) -> Path:
    return path / "superseded" / node.stage / f"{node.name}-{key[:12]}.json"


def record_of(node: Node, outcome: Outcome, calls: CallLog, prompt_sha256: str) -> dict[str, Any]:
    """Return the content of intermediate/STAGE/NAME.json."""
    answer = outcome.answer or {"insights": [], "structured_data": {}}
    usage = asdict(calls.usage)
    corrected = usage.pop("corrected")
    record = {
        "schema_version": SCHEMA_VERSION,
        "analyzer": node.name,
        "stage": node.stage,
        "status": outcome.status,
        "error": {"kind": outcome.kind, "message": outcome.error} if outcome.kind else None,
        "degraded": bool(outcome.missing),
        "missing": dict(outcome.missing),
        "key": outcome.key,
        "reused": outcome.reused,
        "model": outcome.model,
        "prompt_sha256": prompt_sha256,
        **answer,
        "raw_output": outcome.raw_output,
        "grounding": outcome.grounding.figures() if outcome.grounding else None,
        **outcome.notes,
        "usage": usage,
        "cost_usd": usage.pop("cost_usd"),
        "charged_tokens": calls.charged_tokens,
        "charged_usd": round(calls.charged_usd, 12),
        **({"usage_corrected": corrected} if corrected else {}),
        "attempts": [asdict(attempt) for attempt in calls.attempts],
        "latency_s": round(calls.latency_s, 6),
    }
    return {**record, "sha256": payload_digest(record)}


def read_record(file: Path) -> tuple[str | None, dict[str, Any]]:
    """Return the fault of a stored record, or None, and the record, empty if it has a fault."""
    try:
        record = load_json(file)
    except (OSError, ValueError) as error:
        return f"not JSON: {error}", {}
    if not isinstance(record, dict) or "sha256" not in record:
        return "not a record", {}
    if record.get("schema_version") != SCHEMA_VERSION:
        return f"schema version {record.get('schema_version')!r}", {}
    if record["sha256"] != payload_digest(record):
        return "its content does not match its checksum", {}
    if not _fits(record):
        return "not the record of a node", {}
    return None, record


def answer_in(file: Path) -> Mapping[str, Any]:
    """Return the intact record of an answer in *file*, empty for anything else."""
    record = read_record(file)[1]
    return record if record.get("status") == "ok" else {}


def _fits(record: Mapping[str, Any]) -> bool:
    """Return whether *record* has the keys and types that readers rely on."""
    strings = ["analyzer", "stage", "status"]
    if record.get("status") == "ok":
        strings += ["key", "raw_output", "finish_reason"]
    elif record.get("status") == "error":
        fault = record.get("error")
        if not isinstance(fault, dict) or not isinstance(fault.get("kind"), str):
            return False
    if record.get("key") is not None and not _KEY.fullmatch(str(record["key"])):
        return False  # the key becomes part of a file's name
    named = all(isinstance(record.get(name), str) for name in strings)
    return named and "key" in record and "raw_output" in record


Read = Callable[[Node, Completion], Outcome]

known_log = structlog.get_logger("colloquy.known")


@dataclass(frozen=True, slots=True)
class StoredAnswers:
    """Looks up answers by the digest of their call; each is validated like a new reply."""

    previous: PreviousSession | None = None  # searched first
    store: Store | None = None  # None: not used

    def __bool__(self) -> bool:
        """Return whether any source is set."""
        return self.previous is not None or self.store is not None

    def may_have(self, key: str) -> bool:
        """Return whether `get` may find an answer to the call with *key*, without reading any."""
        return self.previous is not None or (self.store is not None and self.store.has(key))

    def get(self, node: Node, key: str, read: Read) -> Outcome | None:
        """Return the outcome of the stored answer to *node*'s call, read by *read*, or None.

        Raises NotRunError if an answer cannot be moved: its call would be paid for again.
        """
        try:
            record = self.previous.record(node, key) if self.previous else None
        except OSError as error:
            raise NotRunError("output", f"not called: {error}") from error
        outcome = _from_record(node, record, read) if record else None
        if outcome is not None:
            return replace(outcome, key=key, reused="run")
        reply = self.store.get(key) if self.store else None
        if reply is None and self.previous and (other := self.previous.elsewhere(node, key)):
            reply = _reply_in(other)
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
            known_log.warning("store.failed", error=str(error))


def _from_record(node: Node, record: Mapping[str, Any], read: Read) -> Outcome | None:
    if record["status"] == "ok":
        return _validated(node, _reply_in(record), read)
    error = record["error"]
    return Outcome("error", None, error["kind"], error["message"], record["raw_output"])


def _reply_in(record: Mapping[str, Any]) -> Completion:
    return Completion(record["raw_output"], record["finish_reason"], Usage())


def _validated(node: Node, reply: Completion, read: Read) -> Outcome | None:
    try:
        return read(node, reply)
    except AnswerError as error:  # the answer shape's own checks have changed since
        known_log.warning("answer.outdated", analyzer=node.name, error=str(error))
        return None
