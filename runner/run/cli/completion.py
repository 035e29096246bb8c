"""Tab completion: Hydra's answers, and files, folders and runs where a path is meant."""

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from io import StringIO
from itertools import pairwise
from pathlib import Path

from runner.base.errors import ConfigError
from runner.record.run_directory import COMPLETED, KINDS
from runner.run.cli.arguments import options
from runner.run.cli.command_line import expand_arguments

_FILES = ("transcript", "transcript.path", "transcript.media")
_FOLDERS = ("resume", "output.dir", "--config-dir", "-cd")
# bash expands completions, including commands in them, and splits them at spaces.
_SAFE = re.compile(r"[\w@%+,./:=~-]+")


def is_query(arguments: Sequence[str]) -> bool:
    """Return whether a shell requests completions."""
    return arguments[:1] in (["-sc"], ["--shell-completion"]) and "query=" in arguments[-1]


def complete(ask_hydra: Callable[[], None]) -> None:
    """Print completions of the last word of COMP_LINE; *ask_hydra* prints Hydra's."""
    line = os.environ.get("COMP_LINE", "")
    words = [*line.split(), *([""] if line[-1:].isspace() else [])]
    before, word = words[1:-1], words[-1] if words[1:] else ""
    completions = set(_paths(before, word))
    key, equals, value = word.partition("=")
    choosing = equals and key == "transcript" and "/" not in value and "." not in value
    after_folder = before and before[-1] in _FOLDERS
    if word.startswith("-"):
        completions.update(name for name in options() if name.startswith(word))
    elif choosing or not (after_folder or (equals and key in (*_FILES, *_FOLDERS))):
        completions.update(_asked(ask_hydra, before, word))
    separator = "\n" if sys.argv[-1].endswith("fish") else " "
    print(separator.join(sorted(filter(_SAFE.fullmatch, completions))))


def _asked(ask_hydra: Callable[[], None], before: Sequence[str], word: str) -> list[str]:
    """Return Hydra's completions; it needs the earlier words as overrides."""
    with suppress(ConfigError):
        before = expand_arguments(before)
    os.environ["COMP_LINE"] = " ".join(["colloquy", *before, word])
    for option, folder in pairwise(before):
        if option in _FOLDERS:
            sys.argv[1:1] = [option, folder]
    with redirect_stdout(StringIO()) as output, redirect_stderr(StringIO()), suppress(SystemExit):
        ask_hydra()
    return [each for each in output.getvalue().split() if not each.endswith("=base")]


def _paths(before: Sequence[str], word: str) -> Iterator[str]:
    key, equals, value = word.partition("=")
    if before and before[-1] in _FOLDERS:
        yield from _entries(word, folders=True)
    elif key == "resume" and equals and not value:
        yield from (f"resume={path}" for path in _runs())
    elif equals and key in (*_FILES, *_FOLDERS):
        yield from (f"{key}={path}" for path in _entries(value, folders=key in _FOLDERS))
    elif word and not equals:
        yield from _entries(word)


def _entries(begun: str, *, folders: bool = False) -> Iterator[str]:
    """Yield the files and folders whose path begins with *begun*; hidden ones only if it does."""
    head, slash, start = begun.rpartition("/")
    with suppress(OSError):
        for entry in Path(head + slash).iterdir():
            hidden = entry.name.startswith(".") and not start.startswith(".")
            if entry.name.startswith(start) and not hidden and (entry.is_dir() or not folders):
                yield f"{head}{slash}{entry.name}" + "/" * entry.is_dir()


def _runs() -> list[Path]:
    """Return the runs, batches and sweeps in `outputs`, only incomplete ones if there are any."""
    folders = [path for kind in KINDS for path in Path("outputs", kind).glob("*") if path.is_dir()]
    return [path for path in folders if not (path / COMPLETED).exists()] or folders
