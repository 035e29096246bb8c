"""Codebook files: CSV or REFI-QDA XML, read and validated."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
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


def _from_table(file: Path) -> Iterator[tuple[str, Code]]:
    """Yield each code with its place; equal names below several parents are told apart."""
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
        yield f"{file}:{line}", Code(name, definition, cleaned, parent or None)


def _from_xml(data: bytes, file: Path) -> Iterator[tuple[str, Code]]:
    try:
        codes = codes_in(xml_tree(data, str(file), "REFI-QDA XML"), str(file))
    except TranscriptError as error:
        raise ConfigError(str(error)) from error
    return ((f"{file}: code {number}", code) for number, code in enumerate(codes, 1))


def _checked(placed: Sequence[tuple[str, Code]], *, may_lack: bool) -> Iterator[Code]:
    """Yield the codes, their parents spelt as these are; raise ConfigError.

    They *may lack* definitions, as in projects of other programs; else only those above others may,
    which then merely group them.
    """
    known: dict[str, tuple[str, Code]] = {}
    for place, code in placed:
        name = " ".join(code.name.split())
        if not 0 < len(name) <= MAX_NAME:
            wanted = f"expected a name of at most {MAX_NAME} characters"
            raise ConfigError(f"{place}: column code: {one_line(name, 60)!r}: {wanted}")
        if name_key(name) in known:
            first = known[name_key(name)][0]
            raise ConfigError(f"{place}: column code: {name!r} is at {first} already")
        known[name_key(name)] = place, replace(code, name=name)
    parents = {key: code.parent and name_key(code.parent) for key, (_, code) in known.items()}
    groups = set(parents.values()) - (known.keys() if may_lack else set())
    used: set[str] = set()
    for key, (place, code) in known.items():
        if key in groups and not _says(code.definition):
            code = replace(code, codable=False)
        _check_texts(place, code, may_lack=may_lack)
        over = parents[key]
        if code.parent is not None and over not in known:
            near = did_you_mean(code.parent, [each.name for _, each in known.values()])
            shown = one_line(code.parent, 60)
            raise ConfigError(f"{place}: column parent: {shown!r} is not a code{near}")
        chain = [key]
        while (above := parents.get(chain[-1])) is not None:
            chain.append(above)
            if above in chain[:-1] or len(chain) > MAX_DEPTH:
                names = " > ".join(known[each][1].name for each in chain[:MAX_DEPTH])
                what = "a cycle" if above in chain[:-1] else f"deeper than {MAX_DEPTH}"
                raise ConfigError(f"{place}: column parent: {what}: {one_line(names, 200)}")
        guid = code.guid if code.guid and code.guid not in used else guid_of("code", key)
        used.add(guid)
        yield replace(code, guid=guid, parent=None if over is None else known[over][1].name)


def _says(text: str) -> bool:
    return any(char.isalnum() for char in text)


def _check_texts(place: str, code: Code, *, may_lack: bool) -> None:
    if code.codable and not may_lack and not _says(code.definition):
        why = f"{code.name!r} has none: say when it is used"
        raise ConfigError(f"{place}: column definition: {why}")
    lengths = {"definition": len(code.definition), "examples": sum(map(len, code.examples))}
    for column, length in lengths.items():
        if length > MAX_TEXT:
            what = f"{length:,} characters, at most {MAX_TEXT:,}"
            raise ConfigError(f"{place}: column {column}: {what}")
