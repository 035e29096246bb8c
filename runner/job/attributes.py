"""Attributes of a batch's files and speakers, such as site or role: a table of the user."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path, PurePosixPath
from typing import Any
from unicodedata import normalize

from runner.base.errors import ColloquyError, ConfigError, did_you_mean, one_line
from runner.base.json import listing, mapping, read_json, text
from runner.base.regular_files import user_path
from runner.base.tables import read_rows
from runner.base.text import to_safe_text
from runner.config.schema import BatchSettings, Settings
from runner.transcript.inputs import Inputs, find_inputs
from runner.transcript.model import renamed
from runner.transcript.read import read

FILE = "config/attributes.json"  # in the directory of a batch
MAX_BYTES = 16_000_000
MAX_COLUMNS = 50
MAX_CELL = 200  # characters
SPEAKER = "speaker"  # header of the column of speakers
_MAX_NEAR = 5_000  # names that are compared to find the nearest


@dataclass(frozen=True, slots=True)
class Attributes:
    """Attributes of files: *names* in order, and their values by file.

    *speakers* has values of single speakers, by file and speaker. A missing value is
    empty.
    """

    names: tuple[str, ...] = ()
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    speakers: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Return whether anything is known."""
        return bool(self.names)

    def of(self, file: str, speaker: str = "") -> dict[str, str]:
        """Return the values of *file* by name, or those of a *speaker*, whose own come first."""
        mine = self.speakers.get(file, {}).get(speaker, ())
        rows = zip_longest(self.names, mine, self.files.get(file, ()), fillvalue="")
        return {name: own or shared for name, own, shared in rows if own or shared}

    @property
    def of_speakers(self) -> frozenset[str]:
        """The attributes for which a speaker has their own value."""
        rows = (row for file in self.speakers.values() for row in file.values())
        return frozenset(n for row in rows for n, v in zip(self.names, row, strict=False) if v)

    def as_dict(self) -> dict[str, Any]:
        """Return them as JSON-able data."""
        return {"names": self.names, "files": self.files, "speakers": self.speakers}


def attributes_from(data: Any) -> Attributes:
    """Return the attributes in untrusted *data*, as `as_dict` returns them."""
    names = tuple(map(text, listing(mapping(data).get("names"))[:MAX_COLUMNS]))
    speakers = mapping(mapping(data).get("speakers"))

    def rows(of: Any) -> dict[str, tuple[str, ...]]:
        cut = len(names)
        return {str(key): tuple(map(text, listing(v)[:cut])) for key, v in mapping(of).items()}

    return Attributes(
        names, rows(mapping(data).get("files")), {str(f): rows(of) for f, of in speakers.items()}
    )


def attributes_of(settings: Settings, inputs: Inputs | None) -> Attributes:
    """Return the attributes of a batch's *inputs*, None for a single file, which has none.

    The table may also have the files of other shards. Files of which it names speakers are read.
    Raises ConfigError.
    """
    if settings.attributes is None:
        return Attributes()
    if inputs is None:
        raise ConfigError(
            f"attributes={settings.attributes} describes the files of a batch: expected "
            f"transcript=FOLDER or a pattern, got {settings.transcript.path!r}"
        )
    if all(stage.scope != "collection" for stage in settings.stages.values()):
        raise ConfigError(
            f"attributes={settings.attributes} splits the counts of themes, and no stage of this "
            f"pipeline has scope: collection; expected one such as pipeline=interviews"
        )
    if (named := user_path(settings.attributes)).parts[-2:] == Path(FILE).parts:  # of a batch
        return attributes_from(read_json(named))
    if settings.batch.shards > 1:
        inputs = find_inputs(settings.model_copy(update={"batch": BatchSettings()}))
    paths = {file.name: file.path for file in inputs}
    return read_attributes(named, paths, lambda file: _speakers_in(settings, paths[file]))


def _speakers_in(settings: Settings, file: Path) -> Collection[str] | None:
    """Return the speakers of *file*, None if it cannot be read; its run reports the error."""
    of = settings.transcript
    try:
        transcript = read(file, format=of.format, encoding=of.encoding).transcript
    except ColloquyError:
        return None
    segments = renamed(transcript, of.speakers or {}).segments
    return {segment.speaker for segment in segments if segment.speaker}


def read_attributes(
    file: Path,
    inputs: Iterable[str] | Mapping[str, Path],
    speakers_in: Callable[[str], Collection[str] | None] = lambda _: None,
) -> Attributes:
    """Return the attributes in the CSV *file* of the files called *inputs*.

    The first column names a file: its path below the folder, or its name, with or without ending,
    or, if *inputs* have paths, its path from here or from the root.
    A column `speaker` names one of its speakers, as *speakers_in* returns them; if it is the first
    or the file's cell is empty, that speaker in every file. Raises ConfigError, with the line, for
    a table of another shape and for a name that is nobody's or that of several.
    """
    rows = _rows(file)
    header = [_clean(cell) for cell in rows[0][1]] if rows else []
    at = next((n for n, name in enumerate(header) if name.casefold() == SPEAKER), None)
    names = tuple(name for n, name in enumerate(header) if n not in (0, at))
    _check_header(f"attributes={file}", names, len(rows))
    table = _TableRows(names, _by_key(inputs), speakers_in)
    for line, row in rows[1:]:
        where = f"attributes={file}:{line}"
        if len(row) > len(header):
            raise ConfigError(f"{where}: {len(row)} cells, expected at most {len(header)}")
        cells = [*row, *[""] * (len(header) - len(row))]
        values = tuple(_clean(cell) for n, cell in enumerate(cells) if n not in (0, at))
        table.add(where, line, "" if at == 0 else cells[0], "" if at is None else cells[at], values)
    if not any(value for row in table.values() for value in row):
        raise ConfigError(f"attributes={file}: every row is empty behind its name")
    return Attributes(names, table.files, table.speakers)


def _check_header(where: str, names: Sequence[str], rows: int) -> None:
    if not any(names) or len(names) > MAX_COLUMNS:
        raise ConfigError(
            f"{where}: expected a table with a header: the file in the first column, then 1 to "
            f"{MAX_COLUMNS} attributes such as role or site; found {len(names)}"
        )
    if len({name.casefold() for name in names}) < len(names) or not all(names):
        raise ConfigError(f"{where}:1: column names must be unique and not empty")
    if rows < 2:
        raise ConfigError(f"{where}: only a header: expected a row for each file")


@dataclass
class _TableRows:
    """The rows of a table so far, for files and speakers; *lines* are their line numbers."""

    names: Sequence[str]
    known: Mapping[str, Sequence[str]]
    speakers_in: Callable[[str], Collection[str] | None]
    files: dict[str, tuple[str, ...]] = field(default_factory=dict)
    speakers: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    lines: dict[tuple[str, str], int] = field(default_factory=dict)
    heard: dict[str, dict[str, str] | None] = field(default_factory=dict)  # by file and key

    def values(self) -> Iterator[tuple[str, ...]]:
        """Yield all rows."""
        yield from self.files.values()
        for file in self.speakers.values():
            yield from file.values()

    def add(self, where: str, line: int, file: str, speaker: str, values: tuple[str, ...]) -> None:
        """Add a row of *file*, or of a *speaker* in it or in every file that has them."""
        own = _key(speaker)
        if file.strip() or not own:
            files, asked = [_file_of(where, file, self.known)], f"no speaker in {file} is called"
        else:
            files = sorted({name for names in self.known.values() for name in names})
            asked = "no file has a speaker"
        heard = {name: self._speakers_of(name) for name in files} if own else {}
        if own:
            single = len(files) == 1
            files = [f for f, of in heard.items() if own in (of or {}) or (single and of is None)]
        if not files:
            near = did_you_mean(speaker, {n for of in heard.values() for n in (of or {}).values()})
            raise ConfigError(f"{where}: {asked} {one_line(speaker, 100)!r}{near}")
        for name in files:
            who = (heard[name] or {}).get(own, speaker.strip()) if own else ""
            if (other := self.lines.setdefault((name, who), line)) != line:
                subject = f"{who} in {name}" if who else name
                raise ConfigError(f"{where}: {subject} is also in line {other}")
            if who:
                self.speakers.setdefault(name, {})[who] = values
            else:
                self.files[name] = values

    def _speakers_of(self, file: str) -> dict[str, str] | None:
        """Return the speakers of *file* by their keys, None if it cannot be read."""
        if file not in self.heard:
            names = self.speakers_in(file)
            self.heard[file] = None if names is None else {_key(name): name for name in names}
        return self.heard[file]


def _rows(file: Path) -> list[tuple[int, list[str]]]:
    """Return the rows that are not empty, each with its line; raise ConfigError."""
    try:
        return [(line, _trimmed(cells)) for line, cells in read_rows(file, MAX_BYTES)]
    except ConfigError as error:
        raise ConfigError(f"attributes={error}") from error


def _trimmed(row: list[str]) -> list[str]:
    """Return *row* without empty cells at its end, as spreadsheets add them."""
    while not row[-1]:
        row.pop()
    return row


def _clean(cell: str) -> str:
    return one_line(" ".join(to_safe_text(cell).split()), MAX_CELL)


def _by_key(inputs: Iterable[str] | Mapping[str, Path]) -> dict[str, list[str]]:
    """Return the inputs by path and by name, each with and without suffix."""
    by_key: dict[str, list[str]] = {}
    paths = inputs if isinstance(inputs, Mapping) else {}
    for name in inputs:
        path = PurePosixPath(name)
        at = str(paths[name].absolute()) if name in paths else name
        for key in {name, str(path.with_suffix("")), path.name, path.stem, at, os.path.relpath(at)}:
            by_key.setdefault(_key(key), []).append(name)
    return by_key


def _key(name: str) -> str:
    return _spelled(name).casefold()


def _spelled(name: str) -> str:
    return normalize("NFC", name.strip()).replace("\\", "/").removeprefix("./")


def _file_of(where: str, cell: str, known: Mapping[str, Sequence[str]]) -> str:
    key = _key(cell)
    files = known.get(key, ())
    same = [name for name in files if _key(name) == key]
    exact = [name for name in same if _spelled(name) == _spelled(cell)]
    if len(exact or same or files) == 1:
        return (exact or same or files)[0]
    shown = repr(one_line(cell, 100))
    if files:
        raise ConfigError(f"{where}: {shown} is several files: {', '.join(files[:3])}")
    near = did_you_mean(key, sorted(known)[:_MAX_NEAR])
    if "did you mean" not in near:
        names = sorted({name for each in known.values() for name in each})
        near = f"; known: {', '.join(names[:5])}"
    raise ConfigError(f"{where}: no file of this batch is called {shown}{near}")
