"""CSV tables (RFC 4180): written without formula injection, read from users' files."""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from types import MappingProxyType
from typing import Any

from runner.base.errors import ConfigError, did_you_mean, one_line, readable
from runner.base.regular_files import read_regular
from runner.base.text import to_safe_text

_FORMULA = re.compile(r"\s*[=+\-@\uff0b\uff0d\uff1d\uff20]")  # also full width
_NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*")  # -1 is not a formula
_QUOTED = re.compile(r'[",;]')  # a spreadsheet may split cells at semicolons
_IN_QUOTES = re.compile(r'"[^"]*"')
_LINE_ENDS = re.compile(r"[\n\t\u2028\u2029]+")
_SEPARATOR = re.compile(r"\Asep=.(?=\r?\n)", re.IGNORECASE)  # in Excel's own first line
_PACKED = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF-")
_MENDED = re.compile(r"'(?=\s*[=+\-@\uff0b\uff0d\uff1d\uff20])")


def as_rows(rows: Iterable[Iterable[Any]]) -> str:
    """Return *rows* as CSV; text that looks like a formula gets an apostrophe before it.

    (OWASP, "CSV Injection".) A cell is one line without invisible characters. None is an empty
    cell, booleans are `yes` and `no`, numbers, even negative ones, stay numbers.
    """
    return "".join(",".join(map(_cell, row)) + "\r\n" for row in rows)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:.9g}"
    text = _LINE_ENDS.sub(" ", to_safe_text(str(value)))
    if _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        text = f"'{text}"
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text


def read_table(
    file: Path,
    needed: Sequence[str],
    limit: int,
    max_rows: int,
    also: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line and cells, by column in lower case, of the rows of a user's table.

    A missing column may have another name: the first in *also* that the table has. Raises
    ConfigError, with the line, as `read_rows`, and for a table that has more than *max_rows* lines
    or lacks one of the columns *needed*.
    """
    rows = read_rows(file, limit)
    _, head = next(rows, (0, None))
    if head is None:
        return
    names = _columns(file, head, needed, also)
    for line, cells in rows:
        if line > max_rows:
            raise ConfigError(f"{file}: more than {max_rows:,} rows")
        if any(cells[len(names) :]):
            raise ConfigError(
                f"{file}:{line}: {len(cells)} cells under {len(names)} columns: "
                f"quote cells that contain the separator"
            )
        row = zip_longest(names, cells[: len(names)], fillvalue="")
        yield line, {name: cell for name, cell in row if name}


def read_rows(file: Path, limit: int) -> Iterator[tuple[int, list[str]]]:
    """Yield line and cells of the rows of a user's table that hold any text.

    Commas, semicolons or tabs separate cells, which lose invisible characters and the apostrophe
    that `as_rows` puts before formulas. Raises ConfigError, with the line, for a file that is no
    such table or has more than *limit* bytes.
    """
    data = _SEPARATOR.sub("", read_text(file, limit), count=1)
    head = _IN_QUOTES.sub("", data.lstrip().partition("\n")[0])
    rows = csv.reader(
        io.StringIO(data, newline=""), delimiter=max(",;\t", key=head.count), strict=True
    )
    try:
        for row in rows:
            cells = [_plain(cell) for cell in row]
            if any(cells):
                yield rows.line_num, cells
    except csv.Error as error:
        raise ConfigError(f"{file}:{rows.line_num + 1}: not a CSV table: {error}") from error


def read_text(file: Path, limit: int) -> str:
    """Return a user's text, UTF-8 or UTF-16 with its mark; raise ConfigError beyond *limit*."""
    with readable(file):
        data = read_regular(file, limit)
    if data.startswith(_PACKED):
        raise ConfigError(
            f"{file}: cannot be read: it is not a text file but one of Word, Excel, PDF or ZIP; "
            f"save it as plain text or as CSV UTF-8"
        )
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ConfigError(
            f"{file}:{line}: cannot be read: it is not UTF-8 (byte {error.start}); save it as "
            f"UTF-8, in Excel as CSV UTF-8"
        ) from error
    if "\0" in text:
        raise ConfigError(f"{file}: cannot be read: it is not a text file")
    return text


def _columns(
    file: Path, head: Iterable[str], needed: Iterable[str], also: Mapping[str, Sequence[str]]
) -> list[str]:
    """Return the columns in *head*, in lower case and by our names; see `read_table`."""
    names = [cell.casefold() for cell in head]
    for column, others in also.items():
        found = [each for each in others if each in names]
        if found and column not in names:
            names[names.index(found[0])] = column
    for column in needed:
        if column not in names:
            near = did_you_mean(column, filter(None, names))
            raise ConfigError(one_line(f"{file}:1: there is no column {column!r}{near}"))
    if twice := next((name for name in names if name and names.count(name) > 1), None):
        raise ConfigError(f"{file}:1: two columns are called {twice!r}")
    return names


def _plain(cell: str) -> str:
    safe = to_safe_text(cell).strip()
    return _MENDED.sub("", safe, count=1) if _MENDED.match(safe) else safe
