"""Codebook files: CSV or REFI-QDA XML, read and validated."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from runner.answers.codebook import (
    EXCEPT,
    MAX_CODES,
    SLASH,
    Code,
    Codebook,
    codes_in,
    guid_of,
    name_key,
)
from runner.base.errors import ConfigError, TranscriptError, did_you_mean, one_line, readable
from runner.base.regular_files import files_in, kind_of, read_regular
from runner.base.tables import read_table
from runner.transcript.formats.markup import xml_tree

MAX_BYTES = 4_000_000
MAX_NAME, MAX_TEXT = 100, 4_000  # characters of a name; of a definition, or of all examples
MAX_DEPTH = 20  # of codes below codes
# Columns that say more of when a code applies, and when not (MacQueen et al. 1998).
_MORE = re.compile(r"(?:full|detailed) (?:definition|description)|inclu.*|when to use|use when")
_NOT = re.compile(r"exclu.*|when not to use|do(?:n't| not) use.*")
# Columns as NVivo, MAXQDA, ATLAS.ti and Taguette call them.
_ALSO = {
    "code": ("name", "tag", "title"),
    "definition": ("brief definition", "short definition", "description", "memo", "comment"),
    "examples": ("example",),
    "parent": ("parent code",),
}


@dataclass(frozen=True, slots=True)
class _Placed:
    """A code, and its *place*: the file with a line or a number."""

    place: str
    code: Code

    def fault(self, column: str, what: str) -> ConfigError:
        """Return the error about a *column* of it."""
        return ConfigError(f"{self.place}: column {column}: {what}")


def read_codebook(file: Path) -> Codebook:
    """Return the codebook in *file*: CSV (code, definition, examples, parent) or REFI-QDA XML.

    Lines or bars separate the examples in a cell. Raises ConfigError in one line.
    """
    if kind_of(file) is None:
        beside = [p.name for end in (".csv", ".qdc") for p in files_in(file.parent, end)]
        near = did_you_mean(file.name, beside) if beside else ""
        raise ConfigError(f"codebook={file}: no such file{near}")
    with readable(file, "codebook="):
        data = read_regular(file, MAX_BYTES)
    is_xml = data[:100].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t").startswith(b"<")
    placed = list(_from_xml(data, file) if is_xml else _from_table(file))
    if not placed:
        raise ConfigError(f"{file}: it has no codes")
    if len(placed) > MAX_CODES:
        raise ConfigError(f"{file}: {len(placed):,} codes, expected at most {MAX_CODES:,}")
    book = Codebook(tuple(_checked(placed, may_lack=is_xml)))
    if not book.names:
        raise ConfigError(f"{file}: all its codes are isCodable=false: none can be applied")
    return book


def _from_table(file: Path) -> Iterator[_Placed]:
    """Yield each code; equal names below several parents are told apart."""
    needed, most = ("code", "definition"), 100 * MAX_CODES
    rows = list(read_table(file, needed, MAX_BYTES, most, _ALSO))
    spelt = {name_key(row["code"]): " ".join(row["code"].split()) for _, row in reversed(rows)}
    taken = {name_key(row["code"]): "" for _, row in rows if not row.get("parent")}
    for line, row in rows:
        examples = re.split(r"\s*(?:\n|\|)\s*", row.get("examples", ""))
        cleaned = tuple(" ".join(each.split()) for each in examples if each.strip())
        parent, name = " ".join(row.get("parent", "").split()), row["code"]
        if taken.setdefault(name_key(name), name_key(parent)) != name_key(parent):
            name = f"{spelt.get(name_key(parent), parent)}{SLASH}{name}"
        more = (cell for column, cell in row.items() if _MORE.fullmatch(column))
        never = (EXCEPT + cell for column, cell in row.items() if cell and _NOT.fullmatch(column))
        definition = "\n".join(filter(None, (row["definition"], *more, *never)))
        yield _Placed(f"{file}:{line}", Code(name, definition, cleaned, parent or None))


def _from_xml(data: bytes, file: Path) -> Iterator[_Placed]:
    try:
        codes = codes_in(xml_tree(data, str(file), "REFI-QDA XML"), str(file))
    except TranscriptError as error:
        raise ConfigError(str(error)) from error
    return (_Placed(f"{file}: code {number}", code) for number, code in enumerate(codes, 1))


def _checked(placed: Sequence[_Placed], *, may_lack: bool) -> Iterator[Code]:
    """Yield the codes, their parents spelt as these are; raise ConfigError.

    They *may lack* definitions, as in projects of other programs; else only those above others may,
    which then merely group them.
    """
    known = _by_name(placed)
    parents = {key: each.code.parent and name_key(each.code.parent) for key, each in known.items()}
    groups = set(parents.values()) - (known.keys() if may_lack else set())
    used: set[str] = set()
    for key, each in known.items():
        code, above = each.code, parents[key]
        if key in groups and not _says(code.definition):
            code = replace(code, codable=False)
        _check_texts(each, code, may_lack=may_lack)
        if code.parent is not None and above not in known:
            near = did_you_mean(code.parent, [other.code.name for other in known.values()])
            raise each.fault("parent", f"{one_line(code.parent, 60)!r} is not a code{near}")
        _check_parents(key, known, parents)
        guid = code.guid if code.guid and code.guid not in used else guid_of("code", key)
        used.add(guid)
        yield replace(code, guid=guid, parent=None if above is None else known[above].code.name)


def _by_name(placed: Iterable[_Placed]) -> dict[str, _Placed]:
    """Return the codes by the key of their name, white space folded; raise ConfigError."""
    known: dict[str, _Placed] = {}
    for each in placed:
        name = " ".join(each.code.name.split())
        if not 0 < len(name) <= MAX_NAME:
            wanted = f"expected a name of at most {MAX_NAME} characters"
            raise each.fault("code", f"{one_line(name, 60)!r}: {wanted}")
        if first := known.get(name_key(name)):
            raise each.fault("code", f"{name!r} is at {first.place} already")
        known[name_key(name)] = _Placed(each.place, replace(each.code, name=name))
    return known


def _check_parents(
    key: str, known: Mapping[str, _Placed], parents: Mapping[str, str | None]
) -> None:
    """Raise ConfigError if the codes above that with *key* form a cycle, or are too many."""
    chain = [key]
    while (above := parents.get(chain[-1])) is not None:
        is_cycle = above in chain
        chain.append(above)
        if is_cycle or len(chain) > MAX_DEPTH:
            names = " > ".join(known[each].code.name for each in chain[:MAX_DEPTH])
            what = "a cycle" if is_cycle else f"deeper than {MAX_DEPTH}"
            raise known[key].fault("parent", f"{what}: {one_line(names, 200)}")


def _says(text: str) -> bool:
    return any(char.isalnum() for char in text)


def _check_texts(placed: _Placed, code: Code, *, may_lack: bool) -> None:
    if code.codable and not may_lack and not _says(code.definition):
        raise placed.fault("definition", f"{code.name!r} has none: say when it is used")
    lengths = {"definition": len(code.definition), "examples": sum(map(len, code.examples))}
    for column, length in lengths.items():
        if length > MAX_TEXT:
            raise placed.fault(column, f"{length:,} characters, at most {MAX_TEXT:,}")
