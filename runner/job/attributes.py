"""Attributes of a batch's files and speakers, such as site or role: a table of the user."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any
from unicodedata import normalize

from runner.base.errors import ColloquyError, ConfigError, did_you_mean, one_line
from runner.base.file_names import FileNames, spelt
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
_FILE = {"file", "file name", "filename", "document", "document name", "transcript", "interview"}
_MISSING = ("-", "–", "—", "na", "n/a", "#n/a")  # as people, R and spreadsheets write no value

SpeakersIn = Callable[[str], Collection[str] | None]  # of a file; None if it cannot be read


@dataclass(frozen=True, slots=True)
class Attributes:
    """Attributes of files: *names* in order, and their values by file.

    *speakers* has values of single speakers, by file and speaker. A missing value is empty.
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


def attributes_from(data: Any) -> Attributes:
    """Return the attributes in untrusted *data*, the fields of Attributes as JSON."""
    names = tuple(map(text, listing(mapping(data).get("names"))[:MAX_COLUMNS]))
    speakers = mapping(mapping(data).get("speakers"))

    def rows(of: Any) -> dict[str, tuple[str, ...]]:
        cut = len(names)
        return {str(key): tuple(map(text, listing(v)[:cut])) for key, v in mapping(of).items()}

    return Attributes(
        names, rows(mapping(data).get("files")), {str(f): rows(of) for f, of in speakers.items()}
    )


def attributes_of(
    settings: Settings, inputs: Inputs | None, earlier: Collection[str] | None = ()
) -> Attributes:
    """Return the attributes of a batch's *inputs*, None for a single file, which has none.

    The table may also have the files of other shards, and those of an *earlier* session that were
    removed, or any if these are None. Files of which it names speakers are read. Raises
    ConfigError.
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
    return read_attributes(named, paths, lambda file: _speakers_in(settings, paths[file]), earlier)


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
    inputs: Mapping[str, Path],
    speakers_in: SpeakersIn,
    earlier: Collection[str] | None = (),
) -> Attributes:
    """Return the attributes in the CSV *file* of the files *inputs*, paths by name.

    A column of _FILE or the first, whichever has more of their names, names a file as `FileNames`
    does, or by its path from here or from the root; rows of *earlier* files that are none of these,
    with None of any, are left out. A column `speaker` names one of its speakers, as *speakers_in*
    returns them; if it is the first or the file's cell is empty, that speaker in every file. Raises
    ConfigError, with the line, for a table of another shape and for a name that is nobody's or that
    of several.
    """
    try:
        rows = list(read_rows(file, MAX_BYTES))
    except ConfigError as error:
        raise ConfigError(f"attributes={error}") from error
    header = [_clean(cell) for cell in rows[0][1]] if rows else []
    while header and not header[-1]:  # as spreadsheets add them
        header.pop()
    titles = [name.casefold() for name in header]
    at = titles.index(SPEAKER) if SPEAKER in titles else None
    known = _Known(inputs, speakers_in, earlier)
    may_name = [n for n, title in enumerate(titles) if title in _FILE] + [0] * (at != 0)
    times = {n: sum(bool(known.called(c[n])) for _, c in rows[1:] if len(c) > n) for n in may_name}
    named_at = max(may_name, key=times.__getitem__, default=None)
    columns = [n for n in range(len(header)) if n not in (named_at, at) and (n or header[0])]
    names = tuple(header[n] for n in columns)
    _check_header(f"attributes={file}", names, len(rows))
    if named_at is not None and titles[named_at] not in _FILE and known.called(header[named_at]):
        expected = "expected a header above it, such as file,role"
        where = f"attributes={file}:1: {header[named_at]!r} is a file of this batch"
        raise ConfigError(f"{where}: {expected}")
    files, speakers = dict[str, tuple[str, ...]](), dict[str, dict[str, tuple[str, ...]]]()
    lines: dict[tuple[str, str], int] = {}
    for line, row in rows[1:]:
        where = f"attributes={file}:{line}"
        if any(row[len(header) :]):
            raise ConfigError(f"{where}: {len(row)} cells, expected at most {len(header)}")
        cells = [*row, *[""] * (len(header) - len(row))]
        cleaned = (_clean(cells[n]) for n in columns)
        values = tuple("" if each.casefold() in _MISSING else each for each in cleaned)
        named = ("" if place is None else cells[place] for place in (named_at, at))
        for name, who in known.subjects(where, *named):
            if (other := lines.setdefault((name, who), line)) != line:
                subject = f"{who} in {name}" if who else name
                several = "" if at is not None else "; speakers need a column `speaker`"
                raise ConfigError(f"{where}: {subject} is also in line {other}{several}")
            (speakers.setdefault(name, {}) if who else files)[who or name] = values
    if not any(map(any, chain(files.values(), *(of.values() for of in speakers.values())))):
        raise ConfigError(f"attributes={file}: every row is empty behind its name")
    return Attributes(names, files, speakers)


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


class _Known:
    """The files of a batch with their paths, and the speakers in them, which are read once."""

    def __init__(
        self,
        inputs: Mapping[str, Path],
        speakers_in: SpeakersIn,
        earlier: Collection[str] | None,
    ) -> None:
        self._files = FileNames(inputs)
        self._earlier = None if earlier is None else FileNames(earlier)
        self._by_path = {_absolute(path): name for name, path in inputs.items()}

        @cache
        def heard(file: str) -> dict[str, str] | None:
            names = speakers_in(file)
            return None if names is None else {_key(name): name for name in names}

        self._heard = heard

    def subjects(self, where: str, file: str, speaker: str) -> Iterator[tuple[str, str]]:
        """Yield file and speaker, "" for all of the file, that a row's cells name."""
        files = self._files.files if speaker and not file else self._file(where, file)
        if not speaker or not files:
            yield from ((name, "") for name in files)
            return
        heard = {name: self._heard(name) for name in files}
        key = _key(speaker)
        found = [(name, of[key]) for name, of in heard.items() if of and key in of]
        if file and heard[files[0]] is None:
            found = [(files[0], speaker)]
        if not found:
            every = {who for of in heard.values() if of for who in of.values()}
            near = did_you_mean(speaker, every)
            asked = f"no speaker in {file} is called" if file else "no file has a speaker"
            raise ConfigError(f"{where}: {asked} {one_line(speaker, 100)!r}{near}")
        yield from found

    def called(self, cell: str) -> list[str]:
        """Return the files that *cell* may name."""
        path = self._by_path.get(_absolute(cell)) if cell else None
        return [path] if path else self._files.called(cell)

    def _file(self, where: str, cell: str) -> list[str]:
        """Return the file that *cell* names, nothing for one that was removed."""
        files = self.called(cell)
        removed = not files and (self._earlier is None or self._earlier.called(cell))
        if len(files) == 1 or removed:
            return files
        shown = repr(one_line(cell, 100))
        if files:
            raise ConfigError(f"{where}: {shown} is several files: {', '.join(files[:3])}")
        near = self._files.near(cell)
        raise ConfigError(f"{where}: no file of this batch is called {shown}{near}")


def _absolute(path: str | Path) -> str:
    return spelt(os.path.normpath(Path(path).absolute()))


def _key(speaker: str) -> str:
    return normalize("NFC", speaker).casefold()


def _clean(cell: str) -> str:
    return one_line(" ".join(to_safe_text(cell).split()), MAX_CELL)
