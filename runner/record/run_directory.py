"""The run directory: what each file holds and when it is written."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from runner.answers.context import Reduced
from runner.base.errors import ConfigError, OutputError, one_line
from runner.base.files import (
    as_json,
    make_directory,
    remove_temporary_files,
    write_bytes,
    write_if_changed,
    write_in_place,
    write_json,
)
from runner.base.text import now_iso, slug
from runner.base.threads import offload_record, offload_write
from runner.config.schema import ContextSettings
from runner.job.job import Job
from runner.record.journal import Journal, Notes
from runner.record.lock import acquire, release
from runner.transcript import Segment, Transcript

SCHEMA_VERSION = 2
COMPLETED = "COMPLETED"
TRANSCRIPT = "transcript.json"
RESOLVED = "config/resolved.yaml"
PARTS = ("config", "intermediate", "context", "logs")  # of a run's directory
RESERVE = ".reserve"
RESERVE_BYTES = 64 * 1024

Page = Any  # text, JSON-able data, or what returns either when it is written


def new_run_path(root: Path, transcript_name: str, kind: str = "runs") -> Path:
    """Make and return a fresh `<root>/<kind>/<utc>_<transcript>_<short id>`; raise OutputError."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    while True:
        path = root / kind / f"{stamp}_{slug(transcript_name)}_{secrets.token_hex(3)}"
        try:
            make_directory(path.parent)
            path.mkdir(mode=0o700)  # whoever makes it has it
        except FileExistsError:
            if not path.parent.is_dir():
                raise OutputError(
                    f"cannot write the run directory {path}: not a directory"
                ) from None
        except OSError as error:
            raise cannot_write(path, error) from error
        else:
            return path


def _make_own(path: Path) -> None:
    """Make a directory of the run's; raise OutputError where *path* leads out of it."""
    make_directory(path)
    if path.is_symlink():
        raise OutputError(f"{path} is a link, expected a directory of the run's own")


def cannot_write(path: Path, error: OSError) -> OutputError:
    """Return the error for a run directory that cannot be written."""
    return OutputError(f"cannot write the run directory {path}: {error.strerror or error}")


@dataclass
class RunDirectory:
    """One run's files under *path*; every write is atomic and goes through a thread.

    The directory is locked while it is open. `metadata.json` is written under one lock, at
    stage boundaries and at the end. One run of a batch is a *member*: lock, journal, log and
    configuration are the batch's; answers are stored as they come, all else together at its end,
    and only answers are made safe from a power cut. A *fresh* one held no file at first.
    """

    path: Path
    journal: Notes
    _lock: int | None
    batch: RunDirectory | None = None
    fresh: bool = False
    _held: dict[str, Page] = field(default_factory=dict, repr=False)
    _metadata_lock: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    @classmethod
    def create(cls, path: Path, parts: Sequence[str] = PARTS) -> RunDirectory:
        """Make the directory tree and lock it; raise OutputError when that is not possible.

        A directory that holds a run already is refused: its files would be mixed with ours.
        """
        try:
            make_directory(path)
            made = cls._locked(path, parts)
            if any((path / name).exists() for name in ("metadata.json", RESOLVED)):
                made.close()
                raise OutputError(
                    f"{path} holds a run already: choose another directory, or finish that run "
                    f"with resume={path}"
                )
        except OSError as error:
            raise cannot_write(path, error) from error
        return made

    @classmethod
    def reopen(cls, path: Path, parts: Sequence[str] = PARTS) -> RunDirectory:
        """Lock the directory of an earlier run and remove what its writes left half done.

        Its mark of full success goes too, before anything is done anew.
        """
        try:
            made = cls._locked(path, parts)
            try:
                remove_temporary_files(path)
                made.uncomplete()
            except BaseException:
                made.close()
                raise
        except OSError as error:
            raise cannot_write(path, error) from error
        return made

    @classmethod
    def inside(cls, batch: RunDirectory, name: str) -> RunDirectory:
        """Open the directory of a *batch*'s run, new or not.

        Raises OSError, or OutputError where a link leads out of it.
        """
        path = batch.path / name
        fresh = not path.exists()
        _make_own(path / "intermediate")
        for part in ("context", "logs"):
            (path / part).mkdir(mode=0o700, exist_ok=True)
        assert isinstance(batch.journal, Journal)
        made = cls(path, batch.journal.of_run(name), None, batch=batch, fresh=fresh)
        if not fresh:
            made.uncomplete()
        return made

    @classmethod
    def _locked(cls, path: Path, parts: Sequence[str]) -> RunDirectory:
        held = acquire(path)
        try:
            for part in parts:
                _make_own(path / part)
            reserve = path / RESERVE
            if not reserve.exists():
                write_bytes(reserve, bytes(RESERVE_BYTES))
            return cls(path, Journal(path / "journal.jsonl"), held)
        except BaseException:
            release(held)
            raise

    def close(self) -> None:
        """Let go of the directory."""
        if self.batch is None:
            self.release_reserve()
        self.journal.close()
        if self._lock is not None:
            release(self._lock)

    @property
    def member(self) -> bool:
        """Whether this is a run of a batch."""
        return self.batch is not None

    def release_reserve(self) -> None:
        """Give the disk back what was kept so that a run on a full one can still say so."""
        if self.batch is not None:
            self.batch.release_reserve()
            return
        with suppress(OSError):
            (self.path / RESERVE).unlink(missing_ok=True)

    @property
    def events(self) -> Path:
        """Where the run's log goes."""
        return self.path / "logs" / "events.jsonl"

    def write_job(self, job: Job) -> None:
        """Store what the run is to do: transcript, prompts, overrides and, last, the config.

        A directory with a resolved config can be resumed.
        """
        prompts = {name: analyzer.prompt_digest for name, analyzer in job.analyzers.items()}
        config_dirs = [str(folder) for folder in job.config_dirs]
        config = self.path / "config"
        asked = {"config_dirs": config_dirs, "sha256": prompts}
        if job.transcript.segments:
            self._put(TRANSCRIPT, as_json(asdict(job.transcript)))
        write_if_changed(config / "prompts.json", as_json(asked))
        write_if_changed(config / "overrides.json", as_json(list(job.overrides)))
        write_if_changed(config / "composed.yaml", job.composed.encode())
        write_if_changed(config / "resolved.yaml", job.config.encode())

    def _put(self, name: str, data: bytes) -> None:
        """Store what can be made anew from answers and input, unless it is there already."""
        if self.member:
            write_in_place(self.path / name, data)
        else:
            write_if_changed(self.path / name, data)

    async def write_node(self, stage: str, name: str, record: Callable[[], Any], page: str) -> None:
        """Store a node's outcome, as *record* tells it; the JSON file's rename is what commits it.

        *page*, a path in this directory, shows an earlier outcome and goes first: a crash must not
        leave it beside this one.
        """

        def write() -> None:
            file = self.path / "intermediate" / stage / f"{name}.json"
            make_directory(file.parent)
            (self.path / page).unlink(missing_ok=True)
            write_json(file, record())

        if self.member:
            await offload_record(write)
        else:
            await asyncio.to_thread(write)

    async def write_pages(self, pages: Mapping[str, Page]) -> None:
        """Store pages, or data, by their path in this directory; a member's wait for `flush`."""
        if self.member:
            self._held.update(pages)
        else:
            await asyncio.to_thread(self._write, pages)

    async def flush(self) -> None:
        """Store what was held back, in the order in which it came."""
        held, self._held = self._held, {}
        if held:
            await offload_write(self._write, held)

    def _write(self, pages: Mapping[str, Page]) -> None:
        for name, content in pages.items():
            make_directory((self.path / name).parent)
            self._put(name, _as_bytes(content))

    def has(self, name: str) -> bool:
        """Return whether a file is there, or held back."""
        return name in self._held or (not self.fresh and (self.path / name).exists())

    async def write_context(self, name: str, reduced: Reduced, settings: ContextSettings) -> None:
        """Store a reduced context and its ledger."""
        ledger = reduced.ledger(settings)
        await self.write_pages(
            {f"context/{name}.md": reduced.text, f"context/{name}_ledger.json": ledger}
        )

    async def write_metadata(self, metadata: Mapping[str, Any]) -> None:
        """Replace metadata.json."""
        async with self._metadata_lock:
            told = {"schema_version": SCHEMA_VERSION, **metadata}
            await self.write_pages({"metadata.json": told})

    async def write_benchmark(self, benchmark: Mapping[str, Any]) -> None:
        """Store the run's timings and tokens."""
        await self.write_pages({"logs/benchmark.json": benchmark})

    async def complete(self) -> None:
        """Mark full success."""
        await self.write_pages({COMPLETED: now_iso() + "\n"})

    def uncomplete(self) -> None:
        """Take the mark of full success away."""
        (self.path / COMPLETED).unlink(missing_ok=True)


def _as_bytes(content: Page) -> bytes:
    content = content() if callable(content) else content
    return content.encode() if isinstance(content, str) else as_json(content)


def read_transcript_file(run: Path) -> Transcript:
    """Return the transcript as the run in *run* read it; raise ConfigError."""
    file = run / TRANSCRIPT
    try:
        data = orjson.loads(file.read_bytes())
        segments = tuple(Segment(**segment) for segment in data["segments"])
        removed = int(data.get("removed_chars", 0))
        return Transcript(data["name"], data["format"], data["sha256"], segments, removed)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{file} cannot be read: {one_line(str(error))}") from error
