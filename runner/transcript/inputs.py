"""Input files of a batch: those in a directory, or those that match a pattern."""

import glob
import itertools
import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from runner.base.errors import ConfigError
from runner.base.regular_files import kind_of, user_path
from runner.base.text import digest, slug
from runner.config.schema import Settings
from runner.transcript.read import suffixes

# Two of these mark a run or batch, one of the others another directory of results.
_RUN_MARKS = ("run.lock", "config/resolved.yaml", "journal.jsonl")
_OUTPUT_MARKS = ("multirun.yaml", "comparison.html")
_TRANSCRIPT = "transcript.json"  # of a run, which can be read again
_KINDS = ("runs", "batches", "sweeps")  # in an `output.dir`, beside index.html
MAX_INPUTS = 200_000  # files of a batch


@dataclass(frozen=True, slots=True)
class Input:
    """One file; *name* is its path below `transcript.path`, *run* the directory of its run."""

    path: Path
    name: str
    run: str

    def fault(self, error: Exception) -> str:
        """Return why it cannot be read, without its path."""
        return str(error).removeprefix(f"{self.path}: ")


@dataclass(frozen=True, slots=True)
class Inputs:
    """The files of a batch in order, how many were skipped for each reason, and names now gone."""

    files: tuple[Input, ...]
    left_out: tuple[tuple[str, int], ...] = ()
    gone: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[Input]:
        return iter(self.files)

    def longest_first(self) -> list[Input]:
        """Return the files by size, each to a power of two, the largest first, then in order.

        Long transcripts take longest: started last, they would run alone at the end (longest
        processing time first, Graham 1969).
        """
        return sorted(self.files, key=lambda file: -size_of(file.path).bit_length())

    @property
    def note(self) -> str:
        """The skipped files in one line, empty for none."""
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in self.left_out)
        return f"left out: {reasons}" if reasons else ""


def is_many(path: str) -> bool:
    """Return whether `transcript.path` is a directory, or a pattern that names no file."""
    kind = kind_of(user_path(path))
    return kind == "directory" or (kind is None and glob.has_magic(path))


def root_of(path: str) -> Path:
    """Return the directory that names are relative to: *path*, or the part before a wildcard."""
    expanded = user_path(path)
    if kind_of(expanded) == "directory":
        return expanded
    return Path(*itertools.takewhile(lambda part: not glob.has_magic(part), expanded.parts))


def find_inputs(settings: Settings, known: Collection[str] = ()) -> Inputs:
    """Return the files of this shard in order of their names.

    A directory is searched recursively for files with one of `suffixes()`; hidden files, output of
    this program and links that lead out of it are skipped. *known* are the names that a resumed
    batch had: of several shards, it reads those that are still found, and no others. Raises
    ConfigError if there is no file at all.
    """
    path, batch = settings.transcript.path, settings.batch
    if batch.shard >= batch.shards:
        expected = f"expected 0 to {batch.shards - 1}, as batch.shards={batch.shards}"
        raise ConfigError(f"batch.shard={batch.shard}: {expected}")
    search = _Search(root_of(path), user_path(settings.output.dir).resolve(), _others(settings))
    if _is_result(search.root):
        raise _no_transcripts(path, path)
    refuse_results(path, search.root)
    paths = search.below() if search.root == user_path(path) else search.matching(path)
    found = itertools.islice(paths, MAX_INPUTS + 1)
    names = sorted(path.relative_to(search.root).as_posix() for path in found)
    left_out = tuple(sorted(search.left_out.items()))
    if not names:
        expected = f"expected files that end in {', '.join(suffixes())}"
        left = f" ({Inputs((), left_out).note})" if left_out else ""
        raise ConfigError(f"transcript.path={path!r}: there is no transcript{left}: {expected}")
    if len(names) > MAX_INPUTS:
        raise ConfigError(f"transcript.path={path!r}: there are more than {MAX_INPUTS:,} files")
    resumed = known and batch.shards > 1  # others read new files too
    shard = sorted({*names} & {*known}) if resumed else names[batch.shard :: batch.shards]
    files = tuple(Input(search.root / name, name, _run_of(name)) for name in shard)
    if len({file.run for file in files}) < len(files):
        raise ConfigError(f"transcript.path={path!r}: the names of two files have the same digest")
    return Inputs(files, left_out, tuple(sorted({*known} - {*names})))


def refuse_results(path: str, file: Path) -> None:
    """Raise ConfigError if *file*, that of `transcript.path`, is a run's but no _TRANSCRIPT."""
    run = next(filter(_is_run, file.absolute().parents), None)
    if run is not None and file.name != _TRANSCRIPT:
        raise _no_transcripts(path, run)


def _no_transcripts(path: str, run: Path | str) -> ConfigError:
    return ConfigError(
        f"transcript.path={path!r}: results of Colloquy, not transcripts; "
        f"to finish a run: resume={run}"
    )


def _others(settings: Settings) -> Iterator[Path]:
    """Yield the files of *settings* that are no transcripts, though they may lie beside them."""
    own = (settings.guide, settings.codebook, settings.attributes, settings.references)
    checks = settings.checks and settings.checks.file
    examples = (each.examples for each in settings.analyzers.values())
    yield from (user_path(each).resolve() for each in (*own, checks, *examples) if each)


class _Search:
    """Finds files below *root* but not in *outputs* or *others*; counts those that it skips."""

    def __init__(self, root: Path, outputs: Path, others: Iterable[Path]) -> None:
        self.root = root
        self.left_out: Counter[str] = Counter()
        self._resolved, self._outputs = root.resolve(), outputs
        self._others = {each for each in others if not self._resolved.is_relative_to(each)}
        self._suffixes = suffixes()

    def below(self) -> Iterator[Path]:
        def leave_out(_: OSError) -> None:
            self.left_out["folder without permission to read"] += 1

        for folder, folders, names in os.walk(self.root, onerror=leave_out):
            shown = [Path(folder, name) for name in folders if not name.startswith(".")]
            folders[:] = [path.name for path in shown if not self._is_output(path)]
            for path in (Path(folder, name) for name in names if not name.startswith(".")):
                if path.suffix.lower() not in self._suffixes:
                    ending = f"with the ending {path.suffix!r}"
                    self.left_out[ending if path.suffix else "without an ending"] += 1
                elif self._is_input(path):
                    yield path

    def matching(self, pattern: str) -> list[Path]:
        inner = user_path(pattern).relative_to(self.root).as_posix()
        paths = [path for path in self.root.glob(inner) if path.is_file()]
        outputs = {folder for folder in {p.parent for p in paths} if self._is_in_output(folder)}
        return [p for p in paths if p.parent not in outputs and self._is_input(p)]

    def _is_in_output(self, folder: Path) -> bool:
        inside = itertools.takewhile(lambda each: each != self.root, (folder, *folder.parents))
        return any(map(self._is_output, inside))

    def _is_output(self, folder: Path) -> bool:
        outside = not self._resolved.is_relative_to(self._outputs)
        return (outside and folder.resolve().is_relative_to(self._outputs)) or _is_result(folder)

    def _is_input(self, path: Path) -> bool:
        if reason := self._fault_of(path):
            self.left_out[reason] += 1
        return not reason

    def _fault_of(self, path: Path) -> str:
        try:
            os.fsencode(path.name).decode("utf-8")
        except UnicodeDecodeError:
            return "with a name that is not UTF-8"
        real = Path(os.path.realpath(path))  # which takes links in a circle as they are
        if not real.is_relative_to(self._resolved):
            return "that link outside the folder"
        if not self._others.isdisjoint((real, *real.parents)):
            return "named as another input"
        return "" if path.is_file() else "that are not regular files"  # as pipes


def _is_result(folder: Path) -> bool:
    """Return whether *folder* is a run, batch, sweep or comparison, or holds all of them."""
    kinds = [kind for kind in _KINDS if kind_of(folder / kind) == "directory"]
    marks = (*_OUTPUT_MARKS, *(["index.html"] if kinds else ()))
    return _is_run(folder) or any(kind_of(folder / mark) for mark in marks)


def _is_run(folder: Path) -> bool:
    """Return whether *folder* is a run or batch; other programs have a `run.lock`, too."""
    return sum(kind_of(folder / mark) == "file" for mark in _RUN_MARKS) > 1


def _run_of(name: str) -> str:
    """Return the run's directory: fixed for a name, and spread over folders of few entries."""
    key = digest(name, 12)
    return f"runs/{key[:2]}/{slug(Path(name).stem)}-{key}"


def size_of(path: Path) -> int:
    """Return the size of a file in bytes, 0 if unknown."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
