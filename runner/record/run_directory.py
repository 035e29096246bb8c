"""Run directories: creation, locking, and writes of every file."""

import asyncio
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from runner.answers.codebook import as_qdc
from runner.base.errors import ConfigError, OutputError, reason, writable
from runner.base.files import Draft, as_json, make_directory, write_bytes, write_if_changed
from runner.base.regular_files import refuse_links
from runner.base.text import now_iso, slug
from runner.base.threads import offload
from runner.job.attributes import FILE as ATTRIBUTES
from runner.job.job import BatchJob, Job, Setup
from runner.record.journal import Journal, MemberJournal
from runner.record.lock import acquire, release
from runner.record.reply_buffer import ReplyBuffer
from runner.record.signature import sign
from runner.record.stored_transcript import TRANSCRIPT, transcript_as_json

SCHEMA_VERSION = 2
COMPLETED, METADATA = "COMPLETED", "metadata.json"
RESOLVED = "config/resolved.yaml"
CODEBOOK = "codebook.qdc"  # of a run or batch that applies one
INPUTS = "config/inputs.json"  # of a batch: whether each file was found
PARTS = ("config", "intermediate", "context", "logs")  # subdirectories
FOLDERS = (*PARTS, "delivery", "final", "superseded")  # every folder of a run
ROOM = 300  # characters of the longest path in a run or batch
RESERVE, RESERVE_BYTES = ".reserve", 64 * 1024
KINDS = ("runs", "batches", "sweeps")  # folders of an `output.dir`

Page = Any  # text, bytes, data or dataclasses for JSON, or a function that returns either
Pages = Mapping[str, Page] | Callable[[], Mapping[str, Page]]  # by path in the run directory


def new_run_path(root: Path, transcript_name: str, kind: str = "runs") -> Path:
    """Make and return a fresh `<root>/<kind>/<utc>_<transcript>_<short id>`; raise OutputError."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    while True:
        path = root / kind / f"{stamp}_{slug(transcript_name)}_{secrets.token_hex(3)}"
        with writable(path, "the run directory "):
            make_directory(path.parent)
            with suppress(FileExistsError):  # another process made it
                path.mkdir(mode=0o700)
                return path


def root_above(path: Path) -> Path | None:
    """Return the `output.dir` of the run, batch, sweep or job in *path*, None if unknown."""
    if path.parent.name in KINDS:
        return path.parent.parent
    return path.parents[2] if path.parent.parent.name == "sweeps" else None


def check_folders(run: Path) -> None:
    """Raise ConfigError if a directory of *run* is a link."""
    try:
        refuse_links(*(run / name for name in FOLDERS))
    except OSError as error:
        raise ConfigError(reason(error)) from error


class RunDirectory:
    """The files of one run, or of a batch, under *path*; it is locked while it is open.

    Every write is atomic and runs in a thread. *journal* records calls and answers.
    """

    durable = True  # if not, pages, which can be made again, wait in memory for `flush`
    _put = staticmethod(write_if_changed)

    def __init__(
        self, path: Path, journal: Journal | MemberJournal, lock: int | None = None
    ) -> None:
        self.path, self.journal = path, journal
        self._lock = lock
        self._metadata_lock = asyncio.Lock()
        self._made: set[Path] = set()  # directories that exist
        self._pages: list[Pages] = []
        self._drafts: dict[Path, Draft] = {}  # of the records of calls in flight
        self.fault: OSError | None = None  # the first failure to make or to fill one
        self.replies = ReplyBuffer(path)

    @classmethod
    def create(cls, path: Path, parts: Sequence[str] = PARTS) -> Self:
        """Make and lock the directory tree; raise OutputError if that fails or it holds a run."""
        if path.is_symlink():
            raise OutputError(f"{path} is a link, expected the name of a new directory")
        directory = cls._open(path, parts)
        if any((path / name).exists() for name in (METADATA, RESOLVED)):
            directory.close()
            raise OutputError(
                f"{path} holds a run already: choose another directory, or finish that run "
                f"with resume={path}"
            )
        return directory

    @classmethod
    def reopen(cls, path: Path, parts: Sequence[str] = PARTS) -> Self:
        """Lock a session's directory; remove temp files and COMPLETED; raise OutputError."""
        directory = cls._open(path, parts)
        with writable(path, "the run directory "), ExitStack() as stack:
            stack.callback(directory.close)
            directory.replies.take_over(path)
            directory.uncomplete()
            stack.pop_all()
        return directory

    @classmethod
    def _open(cls, path: Path, parts: Sequence[str]) -> Self:
        with writable(path, "the run directory "), ExitStack() as stack:
            if len(os.fsencode(path)) + ROOM > os.pathconf("/", "PC_PATH_MAX"):
                raise OSError("its files would have names that are too long")
            make_directory(path)
            lock = acquire(path)
            stack.callback(release, lock)
            for part in parts:
                make_directory(path / part, path)
            stack.callback((journal := Journal(path / "journal.jsonl")).close)
            if not (path / RESERVE).exists():
                write_bytes(path / RESERVE, bytes(RESERVE_BYTES))
            stack.pop_all()
        return cls(path, journal, lock)

    def close(self) -> None:
        """Release the lock and the journal."""
        self.release_reserve()
        self.journal.close()
        with suppress(OSError):
            self.replies.close()
        if self._lock is not None:
            release(self._lock)

    def release_reserve(self) -> None:
        """Free the disk space that was reserved for the last writes on a full disk."""
        with suppress(OSError):
            (self.path / RESERVE).unlink(missing_ok=True)

    @property
    def events(self) -> Path:
        """The run's log."""
        return self.path / "logs" / "events.jsonl"

    def write_job(self, job: Setup) -> None:
        """Store the job: transcript or inputs, prompts, overrides and, last, the configuration.

        A directory with a resolved config can be resumed. The files that resume trusts are signed.
        """
        digests = {name: analyzer.prompt_digest for name, analyzer in job.analyzers.items()}
        prompts = {"config_dirs": [str(folder) for folder in job.config_dirs], "sha256": digests}
        files = {TRANSCRIPT: transcript_as_json(job.transcript)} if isinstance(job, Job) else {}
        if isinstance(job, BatchJob):
            found = {file.name: True for file in job.inputs}
            files[INPUTS] = as_json({**found, **dict.fromkeys(job.inputs.gone, False)})
        files["config/prompts.json"] = as_json(prompts)
        files["config/overrides.json"] = as_json(list(job.overrides))
        files["config/composed.yaml"] = job.composed.encode()
        files[RESOLVED] = job.config.encode()
        self._make_parent(self.path / RESOLVED)
        sign(self.path, files)
        if job.codebook is not None:
            files = {CODEBOOK: as_qdc(job.codebook).encode(), **files}
        if isinstance(job, BatchJob) and (job.attributes or self.has(ATTRIBUTES)):
            files[ATTRIBUTES] = as_json(job.attributes)  # changes no call
        for name, data in files.items():
            write_if_changed(self.path / name, data)

    def reserve(self, stage: str, name: str, size: int) -> None:
        """Make room for a node's record of *size* bytes before its call goes out; raise OSError.

        This takes space, an inode and an open file, and a directory for a replaced record.
        """
        file = self._record(stage, name)
        try:
            if (draft := self._drafts.get(file)) is not None:
                draft.reserve(size)
                return
            self._make_parent(file)
            if self.has(f"intermediate/{stage}/{name}.json"):
                self._make_parent(self.path / "superseded" / stage / name)
            self._drafts[file] = Draft(file, size)
        except OSError as error:
            self.fault = self.fault or error
            raise

    def drop_drafts(self) -> None:
        """Release the room for calls without an outcome."""
        while self._drafts:
            self._drafts.popitem()[1].discard()

    async def write_node(
        self,
        stage: str,
        name: str,
        record: Callable[[], Any],
        pages: Sequence[str],
        keep: Callable[[Path], None],
    ) -> None:
        """Store the result of *record* as a node's outcome; the JSON file's rename commits it.

        *pages*, paths in this directory, show an earlier outcome. They are removed first, so that a
        crash can't leave them beside the new record. *keep* gets the written file.
        """
        file = self._record(stage, name)
        secured = self._drafts.pop(file, None)

        def write() -> None:
            if secured is None:
                self._make_parent(file)
            with secured or Draft(file) as draft:
                content = record()
                try:
                    store(draft, as_json(content))
                except OSError as error:
                    self.fault = self.fault or error
                    self.release_reserve()
                    store(draft, as_json(content, short=True))
            keep(file)

        def store(draft: Draft, data: bytes) -> None:
            for page in pages:
                self._make_parent(self.path / page)
                (self.path / page).unlink(missing_ok=True)
            draft.commit(data)

        await offload(write)

    def _record(self, stage: str, name: str) -> Path:
        return self.path / "intermediate" / stage / f"{name}.json"

    async def write_pages(self, pages: Pages) -> None:
        """Store pages, or data, by their path in this directory."""
        self._pages.append(pages)
        if self.durable:
            await self.flush()

    async def flush(self) -> None:
        """Store the pages in memory, in the order of `write_pages`."""
        pages, self._pages = self._pages, []
        await offload(self._write, *pages)

    def drop_pages(self) -> None:
        """Drop the pages in memory, for which there is no room; a resumed run makes them again."""
        self._pages.clear()

    def _write(self, *groups: Pages) -> None:
        for pages in groups:
            for name, content in (pages() if callable(pages) else pages).items():
                path = self.path / name
                self._make_parent(path)
                self._put(path, _as_bytes(content))

    def _make_parent(self, path: Path) -> None:
        if path.parent not in self._made:
            make_directory(path.parent, self.path)
            self._made.add(path.parent)

    def has(self, name: str) -> bool:
        """Return whether a file exists."""
        return (self.path / name).exists()

    async def note(self, event: str, **facts: Any) -> None:
        """Append *event* to the journal."""
        self.journal.note(event, **facts)
        if self.durable:
            await self.journal.sync()

    async def write_metadata(self, metadata: Mapping[str, Any]) -> None:
        """Replace metadata.json."""
        async with self._metadata_lock:
            versioned = {"schema_version": SCHEMA_VERSION, **metadata}
            await self.write_pages({METADATA: versioned})

    async def complete(self) -> None:
        """Write COMPLETED, the mark of full success."""
        self.replies.close(whole=True)
        await self.write_pages({COMPLETED: now_iso() + "\n"})

    def uncomplete(self) -> None:
        """Remove COMPLETED."""
        (self.path / COMPLETED).unlink(missing_ok=True)


def _as_bytes(content: Page) -> bytes:
    content = content() if callable(content) else content
    if isinstance(content, bytes):
        return content
    return content.encode() if isinstance(content, str) else as_json(content)
