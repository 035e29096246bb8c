"""Store of answers across runs: one file for each, by the digest of its call."""

from pathlib import Path

import structlog

from runner.base.files import as_json, make_directory, write_bytes
from runner.base.json import load_json
from runner.base.text import now_iso
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
        """Return the reply to the call with *key*, None for a missing or damaged entry."""
        try:
            entry = load_json(self._path(key))
            if entry["key"] == key and entry["sha256"] == payload_digest(entry):
                tokens = (entry["prompt_tokens"], entry["completion_tokens"])
                usage = Usage(*tokens, cost_usd=entry["cost_usd"])
                return Completion(entry["raw_output"], entry["finish_reason"], usage)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass
        log.warning("store.damaged", key=key)
        return None

    def put(self, key: str, model: str, reply: Completion) -> None:
        """Store *reply*, not durably: the record in the run directory is. Raises OSError."""
        path = self._path(key)
        entry = {
            "key": key,
            "model": model,
            "stored_at": now_iso(),
            "raw_output": reply.text,
            "finish_reason": reply.finish_reason,
            "prompt_tokens": reply.usage.prompt_tokens,
            "completion_tokens": reply.usage.completion_tokens,
            "cost_usd": reply.usage.cost_usd,
        }
        make_directory(path.parent)
        write_bytes(path, as_json({**entry, "sha256": payload_digest(entry)}), durable=False)

    def _path(self, key: str) -> Path:
        return self.root / key[:2] / f"{key}.json"
