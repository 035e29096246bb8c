"""Inspection of an untrusted directory: its files and their faults."""

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from runner.answers.labels import LABELS
from runner.base.errors import reason
from runner.base.files import TEMP
from runner.base.json import MAX_BYTES, parse_json
from runner.base.regular_files import listed, read_lines, read_regular
from runner.base.secrets import Secrets
from runner.base.text import to_terminal
from runner.record.journal import Spent
from runner.record.journal_calls import SESSIONS
from runner.record.run_directory import COMPLETED

MAX_FAULTS = 1000  # of a run


@dataclass
class Inspection:
    """The contents of a directory: faults as lines, records by node name."""

    root: Path
    secrets: Secrets
    spent: Spent | None = None  # in its batch's journal, None with its own journal
    locked: bool = False  # a process works in that batch
    faults: list[str] = field(default_factory=list)
    files: dict[str, Path] = field(default_factory=dict)
    records: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def fault(self, name: str, text: str) -> None:
        """Add a fault of the file called *name*, up to MAX_FAULTS."""
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(f"{to_terminal(name, 200)}: {to_terminal(text)}")


def walk(inspection: Inspection) -> Iterator[tuple[str, Path]]:
    """Yield the regular files by their name below the root; links are not followed."""
    folders = [inspection.root]
    while folders:
        folder = folders.pop(0)
        try:
            entries = listed(folder)
        except OSError as error:
            inspection.fault(_name(inspection, folder), f"cannot be read: {reason(error, folder)}")
            continue
        for entry in entries:
            path = Path(entry.path)
            name = _name(inspection, path)
            if inspection.secrets.found_in(os.fsencode(entry.name)):
                inspection.fault("a name in it", "holds the value of a key")
                continue
            try:
                about = entry.stat(follow_symlinks=False)
            except OSError as error:
                inspection.fault(name, f"cannot be read: {error.strerror}")
                continue
            if stat.S_ISLNK(about.st_mode):
                inspection.fault(name, "a symbolic link")
                continue
            check_mode(inspection, name, about)
            if stat.S_ISDIR(about.st_mode):
                if folder != inspection.root or entry.name != "runs":  # verified one by one
                    folders.append(path)
            elif stat.S_ISREG(about.st_mode):
                yield name, path
            else:
                inspection.fault(name, "neither a file nor a directory")


def _name(inspection: Inspection, path: Path) -> str:
    return os.fsencode(path.relative_to(inspection.root)).decode("utf-8", "backslashreplace")


def check_mode(inspection: Inspection, name: str, about: os.stat_result) -> None:
    """Report a mode that gives other users access."""
    mode, wanted = stat.S_IMODE(about.st_mode), "700" if stat.S_ISDIR(about.st_mode) else "600"
    if mode & 0o077 and name != LABELS:  # which people edit
        inspection.fault(name, f"mode {mode:o}, expected {wanted}")


def check_file(inspection: Inspection, name: str, path: Path) -> None:
    """Report a file that is unreadable, holds a key, or is not of the format of its name."""
    try:
        if path.suffix == ".jsonl" and not path.name.startswith(TEMP):
            _check_lines(inspection, name, read_lines(path))
            return
        data = read_regular(path, MAX_BYTES)
    except OSError as error:
        inspection.fault(name, f"cannot be read: {reason(error, path)}")
        return
    if inspection.secrets.found_in(data):
        inspection.fault(name, "holds the value of a key")
    unfinished = inspection.spent is not None and not (inspection.root / COMPLETED).exists()
    if path.name.startswith(TEMP) or (unfinished and not is_record(name)):
        return  # a crash may have cut it; a resumed batch writes it again
    if path.suffix == ".json" and not is_record(name):
        try:
            parse_json(data)
        except orjson.JSONDecodeError as error:
            inspection.fault(name, f"not JSON from line {error.lineno}, column {error.colno}")
        except ValueError as error:
            inspection.fault(name, f"not in the format of a run: {error}")


def _check_lines(inspection: Inspection, name: str, lines: Iterable[bytes]) -> None:
    """Report lines that hold a key, or are not JSON and not a session's last, torn by a crash."""
    torn: list[int] = []
    holds_key = False
    for number, raw in enumerate(lines, 1):
        holds_key = holds_key or inspection.secrets.found_in(raw)
        try:
            line = orjson.loads(raw)
        except ValueError:
            torn = [*torn, number][:MAX_FAULTS]
            continue
        if not isinstance(line, dict) or line.get("event") not in SESSIONS:
            for last in torn:
                inspection.fault(name, f"line {last} is not JSON")
        torn = []
    if holds_key:
        inspection.fault(name, "holds the value of a key")


def is_record(name: str) -> bool:
    """Return whether a file called *name* holds an analyzer's answer."""
    parts = name.split("/")
    deep = len(parts) in (3, 4, 5)  # parts have a folder, and so have answers beside one
    return deep and parts[0] in ("intermediate", "superseded") and parts[-1][0] != "."
