"""Store of answers across runs: the record of each, by the digest of its call."""

import os
import secrets
from pathlib import Path

import structlog

from runner.base.files import TEMP, as_json, make_directory, write_bytes
from runner.base.json import load_json
from runner.base.usage import Usage
from runner.providers.request import Completion
from runner.record.keys import payload_digest

log = structlog.get_logger("colloquy.store")


class Store:
    """The replies under *root*; only valid answers are stored."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def has(self, key: str) -> bool:
        """Return whether *key* has an entry, intact or damaged."""
        return self._path(key).is_file()

    def get(self, key: str) -> Completion | None:
        """Return the reply to the call with *key*, without its usage.

        None for a missing or damaged entry.
        """
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

        The entry is a hard link to the record, a copy on file systems without links, or, with
        *reply_only*, what `get` needs of it.
        """
        path = self._path(key)
        make_directory(path.parent, self.root)
        if reply_only:
            whole = load_json(record)
            self.put_text(key, whole["raw_output"], whole["finish_reason"])
            return
        temp = path.with_name(f"{TEMP}{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        try:
            os.link(record, temp)
        except OSError:
            write_bytes(path, record.read_bytes(), durable=False)
        else:
            temp.replace(path)  # does nothing if both are links to one file
            temp.unlink(missing_ok=True)

    def put_text(self, key: str, text: str, finish_reason: str = "stop") -> None:
        """Store the reply *text* alone; raise OSError."""
        path = self._path(key)
        make_directory(path.parent, self.root)
        entry = {"key": key, "raw_output": text, "finish_reason": finish_reason}
        write_bytes(path, as_json({**entry, "sha256": payload_digest(entry)}), durable=False)

    def _path(self, key: str) -> Path:
        return self.root / key[:2] / f"{key}.json"
