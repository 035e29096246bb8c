"""The run directory: what each file holds and when it is written."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runner.context import Reduced
from runner.errors import OutputError
from runner.files import append_line, make_directory, write_json, write_text
from runner.settings import ContextSettings
from runner.text import slug
from runner.transcript import Transcript

SCHEMA_VERSION = 1


def now_iso() -> str:
    """Return the time in UTC, ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def new_run_path(root: Path, transcript_name: str) -> Path:
    """Return a fresh `<root>/runs/<utc>_<transcript>_<short id>`."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return root / "runs" / f"{stamp}_{slug(transcript_name)}_{secrets.token_hex(3)}"


@dataclass(frozen=True)
class RunDirectory:
    """One run's files under *path*; every write is atomic and goes through a thread.

    `metadata.json` is written under one lock, at stage boundaries and at the end.
    """

    path: Path
    _metadata_lock: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    _journal_lock: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)  # keeps order

    @classmethod
    def create(cls, path: Path) -> RunDirectory:
        """Make the directory tree; raise OutputError when that is not possible.

        A directory that holds a run already is refused: its files would be mixed with ours.
        """
        if (path / "metadata.json").exists():
            raise OutputError(f"{path} holds a run already: choose another directory")
        try:
            for part in ("config", "intermediate", "context", "logs"):
                make_directory(path / part)
        except OSError as error:
            raise OutputError(f"cannot write the run directory {path}: {error.strerror}") from error
        return cls(path)

    @property
    def events(self) -> Path:
        """Where the run's log goes."""
        return self.path / "logs" / "events.jsonl"

    def write_config(self, resolved: str, overrides: list[str]) -> None:
        """Store the resolved config (YAML) and the overrides that led to it."""
        write_text(self.path / "config" / "resolved.yaml", resolved)
        write_json(self.path / "config" / "overrides.json", overrides)

    async def write_transcript(self, transcript: Transcript) -> None:
        """Store the segments as read."""
        await self._json("transcript.json", asdict(transcript))

    async def write_node(self, stage: str, name: str, record: Any, markdown: str) -> None:
        """Store a node's outcome; the JSON file's rename is what commits it."""

        def write() -> None:
            folder = self.path / "intermediate" / stage
            make_directory(folder)
            write_json(folder / f"{name}.json", record)
            write_text(folder / f"{name}.md", markdown)

        await asyncio.to_thread(write)

    async def write_context(self, name: str, reduced: Reduced, settings: ContextSettings) -> None:
        """Store a reduced context and its ledger."""
        folder = self.path / "context"
        await asyncio.to_thread(write_text, folder / f"{name}.md", reduced.text)
        await asyncio.to_thread(
            write_json, folder / f"{name}_ledger.json", reduced.ledger(settings)
        )

    async def write_metadata(self, metadata: Mapping[str, Any]) -> None:
        """Replace metadata.json."""
        async with self._metadata_lock:
            await self._json("metadata.json", {"schema_version": SCHEMA_VERSION, **metadata})

    async def write_benchmark(self, benchmark: Mapping[str, Any]) -> None:
        """Store the run's timings and tokens."""
        await self._json("logs/benchmark.json", benchmark)

    async def journal(self, event: str, **facts: Any) -> None:
        """Append to the fsynced history."""
        line = {"at": now_iso(), "event": event, **facts}
        async with self._journal_lock:
            await asyncio.to_thread(append_line, self.path / "journal.jsonl", line)

    async def complete(self) -> None:
        """Mark full success."""
        await asyncio.to_thread(write_text, self.path / "COMPLETED", now_iso() + "\n")

    async def _json(self, name: str, value: Any) -> None:
        await asyncio.to_thread(write_json, self.path / name, value)
