"""Stored runs, read from their directories; missing or damaged files are never an error."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from runner.answers.outcome import ANSWERED
from runner.base.errors import ConfigError, TranscriptError, did_you_mean, readable
from runner.base.json import MAX_BYTES, amount, at, read_json, read_list, read_yaml, section, text
from runner.base.regular_files import files_in, folders_in, kind_of, open_regular
from runner.base.text import by_number
from runner.record.batch_directory import batch_of
from runner.record.reuse import read_record
from runner.record.run_directory import COMPLETED, check_folders
from runner.record.stored_transcript import read_transcript_file
from runner.transcript.model import Transcript

MAX_DEPTH = 12  # of directories in which runs are searched


@dataclass(frozen=True, eq=False)
class StoredRun:
    """The contents of one run directory; all of it is untrusted.

    *metadata*, *benchmark*, *grounding*, *coverage*, *checks* and *config* are empty if their file
    is missing or damaged; *records* are the nodes' intact records by name, *damaged* names the
    other files; *transcript* is None if it cannot be read.
    """

    path: Path
    metadata: Mapping[str, Any] = field(default_factory=dict)
    benchmark: Mapping[str, Any] = field(default_factory=dict)
    grounding: Mapping[str, Any] = field(default_factory=dict)
    coverage: Mapping[str, Any] = field(default_factory=dict)
    checks: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    overrides: tuple[str, ...] = ()
    records: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    damaged: tuple[str, ...] = ()
    transcript: Transcript | None = None

    @property
    def name(self) -> str:
        """The directory's name, after that of its sweep if it is a job of one."""
        sweep = self.path.parent.name if self.path.parent.parent.name == "sweeps" else ""
        return f"{sweep}/{self.path.name}" if sweep else self.path.name

    @property
    def status(self) -> str:
        """The status in metadata.json, `unknown` without one."""
        return str(self.metadata.get("status", "unknown"))

    def about(self, key: str) -> str:
        """The transcript's `title`, `date` or `attendees`, by the settings or else its file."""
        given = at(self.config, "transcript", "about", key)
        return text(given or at(self.metadata, "reading", "about", key))

    @property
    def completed(self) -> bool:
        """Whether every analyzer answered."""
        return (self.path / COMPLETED).is_file()

    @property
    def is_batch(self) -> bool:
        """Whether this is a batch, not a single run."""
        return self.metadata.get("kind") == "batch"

    @property
    def took(self) -> Mapping[str, Any]:
        """The figures of the whole run in benchmark.json."""
        return section(self.benchmark, "run")

    @property
    def predicted(self) -> Mapping[str, Any]:
        """The comparison of prediction and run in benchmark.json."""
        return section(self.benchmark, "plan")

    @property
    def totals(self) -> Mapping[str, Any]:
        """Calls, tokens and dollars of all sessions."""
        return section(self.metadata, "totals")

    @property
    def grounded(self) -> Mapping[str, Any]:
        """The grounding of all quotes."""
        return section(self.metadata, "grounding") or section(self.grounding, "total")


def read_run(path: Path) -> StoredRun:
    """Return the run in *path*; raise ConfigError if there is none."""
    if not is_run(path):
        raise no_run(path)
    check_folders(path)
    files = [f for stage in folders_in(path / "intermediate") for f in files_in(stage, ".json")]
    read = list(_records(files))
    transcript = None
    with suppress(ConfigError, TranscriptError):
        transcript = read_transcript_file(path)
    return StoredRun(
        path=path,
        metadata=read_json(path / "metadata.json"),
        benchmark=read_json(path / "logs" / "benchmark.json"),
        grounding=read_json(path / "grounding.json"),
        coverage=read_json(path / "coverage.json"),
        checks=read_json(path / "checks.json"),
        config=config_of(path),
        overrides=tuple(map(str, read_list((batch_of(path) or path) / "config/overrides.json"))),
        records={file.stem: record for file, fault, record in read if fault is None},
        damaged=tuple(f"{f.relative_to(path)}: {fault}" for f, fault, _ in read if fault),
        transcript=transcript,
    )


def config_of(run: Path) -> Mapping[str, Any]:
    """Return the configuration of the run, batch or run of a batch in *run*, if it can be read."""
    file = (batch_of(run) or run) / "config/resolved.yaml"  # the runs of a batch share it
    found = file.stat() if kind_of(file) == "file" else None
    return {} if found is None else _parsed(file, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=1)
def _parsed(file: Path, mtime_ns: int, size: int) -> Mapping[str, Any]:  # noqa: ARG001 - in the key
    """Return a configuration, parsed once for all runs of a batch."""
    return read_yaml(file)


def _records(files: Sequence[Path]) -> Iterator[tuple[Path, str | None, Mapping[str, Any]]]:
    """Yield each file with its fault or None, and its record, up to MAX_BYTES of all together."""
    left = MAX_BYTES
    for file in files:
        left -= file.lstat().st_size
        fault = f"the records together have more than {MAX_BYTES:,} bytes" if left < 0 else None
        yield (file, fault, {}) if fault else (file, *read_record(file))


def statuses_of(metadata: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return the stage and the status of each analyzer in metadata.json."""
    return {
        str(name): (str(stage), text(status))
        for stage, about in section(metadata, "stages").items()
        for name, status in section(about, "analyzers").items()
    }


def counts_of(metadata: Mapping[str, Any]) -> dict[str, int]:
    """Return how many analyzers of a run, or files of a batch, are `ok`, `failed` or `not_run`."""
    if files := section(metadata, "files"):
        ok, failed = (
            sum(int(amount(files.get(name))) for name in names)
            for names in (ANSWERED, ("partial", "failed", "unreadable"))
        )
        total = int(amount(files.get("total")))
    else:
        statuses = [status for _, status in statuses_of(metadata).values()]
        ok, total = statuses.count("ok"), len(statuses)
        failed = sum(status in ("error", "skipped", "unsaved") for status in statuses)
    return {"ok": ok, "failed": failed, "not_run": total - ok - failed}


def is_run(path: Path) -> bool:
    """Return whether *path* is a run directory; other programs have a metadata.json, too."""
    metadata, head = path / "metadata.json", b""
    if kind_of(path / "config" / "resolved.yaml") == "file":
        return True
    if kind_of(metadata) != "file":
        return False
    with suppress(OSError), open_regular(metadata, MAX_BYTES) as file:
        head = file.read(200)
    return b'"status"' in head or kind_of(path / "intermediate") == "directory"


def find_runs(
    path: Path, is_one: Callable[[Path], bool] = is_run, depth: int = MAX_DEPTH
) -> list[Path]:
    """Return *path* if it is a run directory, else those up to *depth* below it, in order.

    The inside of a run is not searched. *is_one* decides what counts as a run. Raises OSError.
    """
    if is_one(path):
        return [path]
    below = sorted(folders_in(path), key=lambda each: by_number(each.name)) if depth else []
    return [run for folder in below for run in find_runs(folder, is_one, depth - 1)]


def runs_in(path: Path, is_one: Callable[[Path], bool] = is_run) -> list[Path]:
    """Return `find_runs` of *path*; raise ConfigError if there is none, or it cannot be read."""
    with readable(path):
        found = find_runs(path, is_one)
    if not found:
        raise no_run(path)
    return found


def no_run(path: Path) -> ConfigError:
    """Return the error for a *path* without a run, with the nearest directory that holds some."""
    near = [str(path.parent)] if is_run(path.parent) else []
    with suppress(OSError):
        near = near or [str(p) for p in find_runs(path, depth=2)]
        beside = (p for p in folders_in(path.parent) if p != path and find_runs(p, depth=2))
        near = near or [*map(str, beside)]
    return ConfigError(f"{path}: there is no run{did_you_mean(str(path), near)}")
