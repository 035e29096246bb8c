"""Answers paid for once, by the digest of the call that they answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from runner.base.files import as_json, make_directory, write_bytes
from runner.base.json import load_json
from runner.base.text import now_iso
from runner.record.keys import payload_digest

log = structlog.get_logger("colloquy.store")


@dataclass(frozen=True, slots=True)
class Stored:
    """A reply that was an answer: its text, why it ended, and what it cost at the time."""

    raw_output: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None


class Store:
    """Keeps replies under *root*, one file each; failures never get here."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def has(self, key: str) -> bool:
        """Return whether there is an entry for *key*, whole or not."""
        return self._path(key).is_file()

    def get(self, key: str) -> Stored | None:
        """Return the reply to the call with *key*; a damaged entry counts as none."""
        path = self._path(key)
        try:
            entry = load_json(path)
            whole = entry["key"] == key and entry["sha256"] == payload_digest(entry)
            reply = Stored(**{name: entry[name] for name in Stored.__slots__})
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            whole = False
        if not whole:
            log.warning("store.damaged", key=key)
            return None
        return reply

    def put(self, key: str, model: str, reply: Stored) -> None:
        """Keep *reply*; raise OSError.

        A power cut may lose it: the record in the run directory is the durable one.
        """
        entry: dict[str, Any] = {
            "key": key,
            "model": model,
            "stored_at": now_iso(),
            **{name: getattr(reply, name) for name in Stored.__slots__},
        }
        path = self._path(key)
        make_directory(path.parent)
        data = as_json({**entry, "sha256": payload_digest(entry)})
        write_bytes(path, data, durable=False)

    def _path(self, key: str) -> Path:
        return self.root / key[:2] / f"{key}.json"
