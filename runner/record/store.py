"""Store of answers across runs: the record of each, by the digest of its call."""

import os
from pathlib import Path
from typing import Any

import orjson
import structlog

from runner.base.files import as_json, make_directory, write_bytes
from runner.base.json import load_json
from runner.base.text import digest, own_version
from runner.base.usage import Usage
from runner.config.model_facts import OFFLINE
from runner.config.schema import ModelSettings
from runner.providers.request import Completion, Request

KEY_VERSION = 1


def request_key(
    request: Request, model: ModelSettings, repeat: int, *, grounded: bool = False
) -> str:
    """Return the SHA-256 hex of *request* as it is sent to *model*.

    Concurrency, timeouts, retries and budgets are not part of it: they do not change an
    answer. *repeat* numbers samples of the same call; *grounded* answers may have been repaired
    after absent quotes.
    """
    own = request.own_schema or request.schema
    sent: dict[str, Any] = {
        "version": KEY_VERSION,
        "messages": request.messages,
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "schema": None if request.schema is None else [request.node, own],
        "model": model.name,
        "api_base": None if model.simulate else model.api_base,
        "params": model.params,
        "repeat": repeat,
    }
    if request.own_schema is not None:
        sent["shared"] = True  # the analyzers that share change no answer
    named = {"effort": model.effort, "base_model": model.base_model}  # which decide what is sent
    sent |= {key: value for key, value in named.items() if value is not None}
    if grounded:
        sent["grounded"] = True
    if model.name.startswith(OFFLINE):
        sent["reader"] = own_version()  # the answer comes from our code
    return digest(orjson.dumps(sent, option=orjson.OPT_SORT_KEYS).decode())


def payload_digest(record: Any) -> str:
    """Return the SHA-256 hex of a stored record without its own `sha256`."""
    body = {name: value for name, value in record.items() if name != "sha256"}
    return digest(orjson.dumps(body, option=orjson.OPT_SORT_KEYS).decode())


log = structlog.get_logger("colloquy.store")


class Store:
    """The replies under *root*; only valid answers are stored."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def has(self, key: str) -> bool:
        """Return whether *key* has an entry, intact or damaged."""
        return self._path(key).is_file()

    def get(self, key: str) -> Completion | None:
        """Return the reply to the call with *key*, without usage, None without an intact entry."""
        path = self._path(key)
        try:
            entry = {} if path.parent.is_symlink() else load_json(path)
            if entry["key"] == key and entry["sha256"] == payload_digest(entry):
                return Completion(entry["raw_output"], entry["finish_reason"], Usage())
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass
        log.warning("store.damaged", key=key)
        return None

    def put(self, key: str, record: Path, *, reply_only: bool = False) -> None:
        """Store the file *record*, the answer to the call with *key*; raise OSError.

        The entry is a hard link to it, else a copy, or, with *reply_only*, what `get` needs of it.
        """
        if reply_only:
            whole = load_json(record)
            self.put_text(key, whole["raw_output"], whole["finish_reason"])
            return
        path = self._new_path(key)
        path.unlink(missing_ok=True)  # a damaged one
        try:
            os.link(record, path)
        except OSError:
            write_bytes(path, record.read_bytes(), durable=False)

    def put_text(self, key: str, text: str, finish_reason: str = "stop") -> None:
        """Store the reply *text* alone; raise OSError."""
        path = self._new_path(key)
        entry = {"key": key, "raw_output": text, "finish_reason": finish_reason}
        write_bytes(path, as_json({**entry, "sha256": payload_digest(entry)}), durable=False)

    def _new_path(self, key: str) -> Path:
        path = self._path(key)
        make_directory(self.root)
        make_directory(path.parent, self.root)
        return path

    def _path(self, key: str) -> Path:
        return self.root / key[:2] / f"{key}.json"
