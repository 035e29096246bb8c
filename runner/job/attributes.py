"""Attributes of a batch's files, such as role or site: a table of the user, by file name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from unicodedata import normalize

from runner.base.errors import ConfigError, did_you_mean, one_line
from runner.base.json import listing, mapping, text
from runner.base.regular_files import user_path
from runner.base.tables import read_rows
from runner.base.text import to_safe_text
from runner.config.schema import BatchSettings, Settings
from runner.transcript.inputs import Inputs, find_inputs

FILE = "config/attributes.json"  # in the directory of a batch
MAX_BYTES = 16_000_000
MAX_COLUMNS = 50
MAX_CELL = 200  # characters
_MAX_NEAR = 5_000  # names among which the nearest is looked for


@dataclass(frozen=True, slots=True)
class Attributes:
    """What is known of files beside their text: *names* in order, and their values by file.

    A value that was not given is empty.
    """

    names: tuple[str, ...] = ()
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Return whether anything is known."""
        return bool(self.names)

    def of(self, file: str) -> dict[str, str]:
        """Return the values of *file* by name."""
        return dict(zip(self.names, self.files.get(file, ()), strict=False))

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-able data."""
        return {"names": self.names, "files": self.files}


def attributes_from(data: Any) -> Attributes:
    """Return the attributes in untrusted *data*, as `as_dict` returns them."""
    names = tuple(map(text, listing(mapping(data).get("names"))[:MAX_COLUMNS]))
    files = mapping(mapping(data).get("files"))
    return Attributes(names, {str(f): tuple(map(text, listing(v))) for f, v in files.items()})


def attributes_of(settings: Settings, inputs: Inputs | None) -> Attributes:
    """Return the attributes of a batch's *inputs*, None for a single file, which has none.

    The table may also have the files of other shards. Raises ConfigError.
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
    if settings.batch.shards > 1:
        inputs = find_inputs(settings.model_copy(update={"batch": BatchSettings()}))
    return read_attributes(user_path(settings.attributes), [file.name for file in inputs])


def read_attributes(file: Path, inputs: Iterable[str]) -> Attributes:
    """Return the attributes in the CSV *file* of the files called *inputs*.

    The first column names a file: its path below the folder, or its name, with or without ending.
    Raises ConfigError, with the line, for a table of another shape and for a name that is none or
    several of the inputs.
    """
    try:
        rows = [(line, _trimmed(cells)) for line, cells in read_rows(file, MAX_BYTES)]
    except ConfigError as error:
        raise ConfigError(f"attributes={error}") from error
    names = tuple(_clean(cell) for cell in rows[0][1][1:]) if rows else ()
    if not any(names) or len(names) > MAX_COLUMNS:
        raise ConfigError(
            f"attributes={file}: expected a table with a header: the file in the first column, "
            f"then 1 to {MAX_COLUMNS} attributes such as role or site; found {len(names)}"
        )
    if len({name.casefold() for name in names}) < len(names) or not all(names):
        raise ConfigError(f"attributes={file}:1: two columns have one name, or one has none")
    known = _by_key(inputs)
    lines: dict[str, int] = {}
    found: dict[str, tuple[str, ...]] = {}
    for line, row in rows[1:]:
        if len(row) > len(names) + 1:
            raise ConfigError(
                f"attributes={file}:{line}: {len(row)} cells, expected at most {len(names) + 1}"
            )
        name = _file_of(f"attributes={file}:{line}", row[0], known)
        if name in lines:
            raise ConfigError(f"attributes={file}:{line}: {name} is in line {lines[name]}, too")
        lines[name] = line
        found[name] = tuple(map(_clean, [*row[1:], *[""] * (len(names) + 1 - len(row))]))
    return Attributes(names, found)


def _trimmed(row: list[str]) -> list[str]:
    """Return *row* without empty cells at its end, as spreadsheets add them."""
    while not row[-1]:
        row.pop()
    return row


def _clean(cell: str) -> str:
    return one_line(" ".join(to_safe_text(cell).split()), MAX_CELL)


def _by_key(inputs: Iterable[str]) -> dict[str, list[str]]:
    """Return the inputs by all that may name them: path or name, with and without ending."""
    known: dict[str, list[str]] = {}
    for name in inputs:
        path = PurePosixPath(name)
        for key in {name, str(path.with_suffix("")), path.name, path.stem}:
            known.setdefault(_key(key), []).append(name)
    return known


def _key(name: str) -> str:
    return normalize("NFC", name.strip()).replace("\\", "/").removeprefix("./")


def _file_of(where: str, cell: str, known: Mapping[str, Sequence[str]]) -> str:
    key = _key(cell)
    found = known.get(key, ())
    exact = [name for name in found if _key(name) == key]
    if len(exact or found) == 1:
        return (exact or found)[0]
    shown = repr(one_line(cell, 100))
    if found:
        raise ConfigError(f"{where}: {shown} is several files: {', '.join(found[:3])}")
    near = did_you_mean(key, sorted(known)[:_MAX_NEAR])
    if "did you mean" not in near:
        names = sorted({name for each in known.values() for name in each})
        near = f"; known: {', '.join(names[:5])}"
    raise ConfigError(f"{where}: no file of this batch is called {shown}{near}")
