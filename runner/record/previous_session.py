"""Records of a previous session, each validated before it is reused."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import structlog

from runner.base.files import make_directory, sync_directory
from runner.base.json import load_json
from runner.job.graph import Node
from runner.record.keys import payload_digest
from runner.record.run_directory import SCHEMA_VERSION

# Failures that would recur; only `retry_failed=true` repeats their calls.
LASTING = frozenset({"bad_request", "context_exceeded", "refused"})

_KEY = re.compile("[0-9a-f]{64}")

log = structlog.get_logger("colloquy.resume")


@dataclass(frozen=True)
class PreviousSession:
    """The records under *path*; *retry_failed* repeats calls whose failure is LASTING too.

    *unchanged*: configuration, prompts and transcript are those of that session.
    """

    path: Path
    retry_failed: bool = False
    unchanged: bool = True

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
                self._set_aside(file, node, fault)
            elif record["key"] == key and self._is_final(record):
                return record
        return self._restored(file, node, key)

    def _is_final(self, record: Mapping[str, Any]) -> bool:
        if record["status"] == "error":
            return record["error"]["kind"] in LASTING and not self.retry_failed
        return bool(record["status"] == "ok")

    def _set_aside(self, file: Path, node: Node, fault: str) -> None:
        names = (f"{file.name}.corrupt-{number}" for number in count(1))
        make_directory(file.parent, self.path)
        target = next(t for t in map(file.with_name, names) if not t.exists())
        file.rename(target)
        sync_directory(file.parent)
        log.warning("record.damaged", analyzer=node.name, fault=fault, kept_as=target.name)

    def _restored(self, file: Path, node: Node, key: str) -> Mapping[str, Any] | None:
        """Move a superseded answer to the call with *key* back to *file*, and return it."""
        stored = _superseded(self.path, node, key)
        fault, record = read_record(stored) if stored.exists() else ("not there", {})
        if fault is not None or record["status"] != "ok" or record["key"] != key:
            return None
        keep_answer(self.path, node, key)
        make_directory(file.parent, self.path)
        for page in (file.with_suffix(".md"), self.path / "final" / f"{node.name}.md"):
            page.unlink(missing_ok=True)  # shows another outcome
        stored.replace(file)
        sync_directory(file.parent)
        log.info("record.restored", analyzer=node.name)
        return record


def keep_answer(path: Path, node: Node, key: str | None) -> None:
    """Move *node*'s answer to `superseded/` unless it answers the call with *key*."""
    file = _path(path, node)
    fault, record = read_record(file) if file.exists() else ("not there", {})
    if fault is not None or record["status"] != "ok" or record["key"] == key:
        return
    stored = _superseded(path, node, record["key"])
    make_directory(file.parent, path)
    make_directory(stored.parent, path)
    file.replace(stored)
    sync_directory(stored.parent)
    log.info("record.superseded", analyzer=node.name)


def _path(path: Path, node: Node) -> Path:
    return path / "intermediate" / node.stage / f"{node.name}.json"


def _superseded(path: Path, node: Node, key: str) -> Path:
    return path / "superseded" / node.stage / f"{node.name}-{key[:12]}.json"


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
