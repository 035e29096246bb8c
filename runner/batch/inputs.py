"""The files that a directory or a pattern stands for."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog

from runner.errors import ConfigError
from runner.settings import Settings
from runner.text import digest, slug

SUFFIXES = (".txt", ".md", ".vtt", ".srt", ".json")  # of a directory's files, the others stay

log = structlog.get_logger("colloquy.batch")


@dataclass(frozen=True, slots=True)
class Input:
    """One file; *name* is its path below what was asked for, *run* its run's directory."""

    path: Path
    name: str
    run: str


def is_many(path: str) -> bool:
    """Return whether `transcript.path` names a directory or is a pattern, and no file's name."""
    given = Path(path).expanduser()
    return given.is_dir() or (glob.has_magic(path) and not given.exists())


def find_inputs(settings: Settings) -> tuple[Input, ...]:
    """Return the files of this shard, in order of their names.

    A directory's files are those with one of SUFFIXES, in directories below it too; hidden ones
    and links that lead out of it are left out. Raises ConfigError where there is none.
    """
    asked, batch = settings.transcript.path, settings.batch
    if batch.shard >= batch.shards:
        raise ConfigError(
            f"batch.shard={batch.shard}: expected 0 to {batch.shards - 1}, as batch.shards="
            f"{batch.shards}"
        )
    given = Path(asked).expanduser()
    root = given if given.is_dir() else _fixed(given)
    found = _below(given) if given.is_dir() else _matching(given, root)
    names = {path.relative_to(root).as_posix(): path for path in found}
    if not names:
        wanted = f": expected files that end in {', '.join(SUFFIXES)}" if given.is_dir() else ""
        raise ConfigError(f"transcript.path={asked!r}: there is no transcript{wanted}")
    mine = sorted(names)[batch.shard :: batch.shards]
    return tuple(Input(names[name], name, _run_of(name)) for name in mine)


def _below(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = Path(folder, name)
            plain = path.suffix.lower() in SUFFIXES and not name.startswith(".")
            if plain and _is_inside(path, root) and path.is_file():
                yield path


def _matching(pattern: Path, root: Path) -> Iterator[Path]:
    for path in root.glob(pattern.relative_to(root).as_posix()):
        if path.is_file() and _is_inside(path, root):
            yield path


def _fixed(pattern: Path) -> Path:
    """Return the directory above a pattern's first wildcard."""
    parts = list(pattern.parts)
    first = next(place for place, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:first])


def _is_inside(path: Path, root: Path) -> bool:
    """Return whether *path* is what it looks like, and no link that leads out of *root*."""
    inside = path.resolve().is_relative_to(root.resolve())
    if not inside:
        log.warning("input.skipped", path=str(path), reason="a link that leads elsewhere")
    return inside


def _run_of(name: str) -> str:
    """Return the run's directory: the same for the same name, few in any one directory."""
    key = digest(name, 8)
    return f"runs/{key[:2]}/{slug(Path(name).stem)}-{key}"
