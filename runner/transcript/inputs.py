"""The files that a directory or a pattern stands for."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from runner.base.errors import ConfigError
from runner.base.text import digest, slug
from runner.config.schema import Settings
from runner.transcript import SUFFIXES

# One of these makes a directory one of our own, whose pages are no transcripts.
_OURS = ("results.jsonl", "run.lock", "config/resolved.yaml")


@dataclass(frozen=True, slots=True)
class Input:
    """One file; *name* is its path below what was asked for, *run* its run's directory."""

    path: Path
    name: str
    run: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """The files of a batch in order, and how many were left out, by the reason."""

    files: tuple[Input, ...]
    left_out: tuple[tuple[str, int], ...] = ()

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[Input]:
        return iter(self.files)

    @property
    def note(self) -> str:
        """What was left out, in words; empty for nothing."""
        told = ", ".join(f"{count:,} {why}" for why, count in self.left_out)
        return f"left out: {told}" if told else ""


def is_many(path: str) -> bool:
    """Return whether `transcript.path` names a directory or is a pattern, and no file's name."""
    given = Path(path).expanduser()
    return given.is_dir() or (glob.has_magic(path) and not given.exists())


def root_of(path: str) -> Path:
    """Return the directory that names are counted from: itself, or above the first wildcard."""
    given = Path(path).expanduser()
    if given.is_dir():
        return given
    parts = list(given.parts)
    first = next(place for place, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:first])


def find_inputs(settings: Settings, only: Collection[str] | None = None) -> Inputs:
    """Return the files of this shard, in order of their names.

    A directory's files are those with one of SUFFIXES, in directories below it too; hidden ones,
    what we wrote ourselves and links that lead out of it are left out. *only* are the names of a
    batch that is taken up again, instead of a shard dealt anew. Raises ConfigError where there
    is no file at all.
    """
    asked, batch = settings.transcript.path, settings.batch
    if batch.shard >= batch.shards:
        raise ConfigError(
            f"batch.shard={batch.shard}: expected 0 to {batch.shards - 1}, as batch.shards="
            f"{batch.shards}"
        )
    search = _Search(root_of(asked), Path(settings.output.dir).expanduser().resolve())
    names = search.below() if search.root == Path(asked).expanduser() else search.matching(asked)
    left_out = tuple(sorted(search.left_out.items()))
    if not names:
        wanted = f"expected files that end in {', '.join(SUFFIXES)}"
        left = f"; {Inputs((), left_out).note}" if left_out else ""
        raise ConfigError(f"transcript.path={asked!r}: there is no transcript: {wanted}{left}")
    mine = sorted(names)[batch.shard :: batch.shards] if only is None else sorted(only)
    files = tuple(Input(search.root / name, name, _run_of(name)) for name in mine)
    if len({given.run for given in files}) < len(files):
        raise ConfigError(f"transcript.path={asked!r}: two files have the same digest of a name")
    return Inputs(files, left_out)


class _Search:
    """Finds files below *root*, but not below *outputs*; counts what it leaves out."""

    def __init__(self, root: Path, outputs: Path) -> None:
        self.root = root
        self.left_out: Counter[str] = Counter()
        self._resolved, self._outputs = root.resolve(), outputs

    def below(self) -> list[str]:
        found = []
        for folder, folders, names in os.walk(self.root):
            here = Path(folder)
            folders[:] = [name for name in folders if self._is_entered(here / name)]
            for name in names:
                path = here / name
                if name.startswith("."):
                    continue
                if path.suffix.lower() not in SUFFIXES:
                    self.left_out[f"with the ending {path.suffix or 'none'!r}"] += 1
                elif self._is_taken(path):
                    found.append(path.relative_to(self.root).as_posix())
        return found

    def matching(self, pattern: str) -> list[str]:
        inner = Path(pattern).expanduser().relative_to(self.root).as_posix()
        paths = [path for path in self.root.glob(inner) if path.is_file()]
        ours = {folder: self._lies_in_ours(folder) for folder in {path.parent for path in paths}}
        taken = [path for path in paths if not ours[path.parent] and self._is_taken(path)]
        return [path.relative_to(self.root).as_posix() for path in taken]

    def _is_entered(self, folder: Path) -> bool:
        return not folder.name.startswith(".") and not self._is_ours(folder)

    def _lies_in_ours(self, folder: Path) -> bool:
        above = [folder, *folder.parents]
        inside = above[: above.index(self.root)] if self.root in above else [folder]
        return any(map(self._is_ours, inside))

    def _is_ours(self, folder: Path) -> bool:
        """Return whether *folder* is a directory that holds runs, or a run's or batch's own."""
        outside = not self._resolved.is_relative_to(self._outputs)
        if outside and folder.resolve().is_relative_to(self._outputs):
            return True
        return any((folder / mark).exists() for mark in _OURS)

    def _is_taken(self, path: Path) -> bool:
        try:
            os.fsencode(path.name).decode("utf-8")
        except UnicodeDecodeError:
            self.left_out["with a name that is not UTF-8"] += 1
            return False
        if not path.resolve().is_relative_to(self._resolved):
            self.left_out["that is a link to elsewhere"] += 1
            return False
        return path.is_file()


def _run_of(name: str) -> str:
    """Return the run's directory: the same for the same name, few in any one directory."""
    key = digest(name, 12)
    return f"runs/{key[:2]}/{slug(Path(name).stem)}-{key}"
