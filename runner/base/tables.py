"""CSV for spreadsheets (RFC 4180), safe from formula injection; and tables of users, read."""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from runner.base.errors import ConfigError, did_you_mean, reason
from runner.base.regular_files import open_regular
from runner.base.text import to_safe_text

_FORMULA = re.compile(r"\s*[=+\-@\uff0b\uff0d\uff1d\uff20]")  # also full width
_QUOTED = re.compile(r'[",;]')  # also where a semicolon ends a cell
_SEPARATOR = re.compile(r"\Asep=[,;\t](?=[\r\n])", re.IGNORECASE)
_LINE_ENDS = re.compile(r"[\n\t\u2028\u2029]+")
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
    if _FORMULA.match(text) and not _is_number(text):
        text = f"'{text}"
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text


def _is_number(text: str) -> bool:
    """Return whether *text* is a number: -1 is no formula."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def read_table(
    file: Path, needed: Sequence[str], limit: int, most: int
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line and cells, by column in lower case, of the rows of a user's table with any text.

    Commas, semicolons or tabs separate cells, which lose invisible characters and the apostrophe
    that `as_rows` puts before formulas. Raises ConfigError, with the line, for a file that is no
    such table, has more than *limit* bytes or *most* lines, or lacks one of the columns *needed*.
    """
    rows = rows_in(read_text(file, limit))
    names: list[str] | None = None
    try:
        for row in rows:
            cells = [_plain(cell) for cell in row]
            if rows.line_num > most:
                raise ConfigError(f"{file}: more than {most:,} rows")
            if not any(cells):
                continue
            if names is None:
                names = [cell.casefold() for cell in cells]
                _check_head(file, names, needed)
            elif any(cells[len(names) :]):
                raise ConfigError(
                    f"{file}:{rows.line_num}: {len(cells)} cells under {len(names)} columns: put "
                    f"a cell that holds the separator in quotes"
                )
            else:
                yield rows.line_num, {k: v for k, v in zip(names, cells, strict=False) if k}
    except csv.Error as error:
        raise ConfigError(f"{file}:{rows.line_num + 1}: not a CSV table: {error}") from error


def rows_in(data: str) -> Any:
    """Return a strict reader of the CSV *data*, whose delimiter is that of its first line."""
    head = data.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    return csv.reader(io.StringIO(data, newline=""), delimiter=delimiter, strict=True)


def read_text(file: Path, limit: int, of: str = "") -> str:
    """Return a user's text of at most *limit* bytes, UTF-8 or UTF-16 with its mark.

    A first line such as `sep=;`, which Excel reads, is left empty. Raises ConfigError, whose
    message begins with *of*, the key of the setting, and the file.
    """
    try:
        with open_regular(file, limit) as opened:
            data = opened.read(limit)
    except (OSError, ValueError) as error:
        why = reason(error, file) if isinstance(error, OSError) else str(error)
        raise ConfigError(f"{of}{file} cannot be read: {why}") from error
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ConfigError(
            f"{of}{file}:{line}: cannot be read: it is not UTF-8 (byte {error.start}); save it as "
            f"UTF-8, in Excel as CSV UTF-8"
        ) from error
    if "\0" in text:
        raise ConfigError(f"{of}{file}: cannot be read: it is no text, but of another program")
    return _SEPARATOR.sub("", text, count=1)


def _check_head(file: Path, names: Sequence[str], needed: Sequence[str]) -> None:
    for column in needed:
        if column not in names:
            near = did_you_mean(column, filter(None, names))
            raise ConfigError(f"{file}:1: there is no column {column!r}{near}")
    if twice := next((name for name in names if name and names.count(name) > 1), None):
        raise ConfigError(f"{file}:1: the column {twice!r} stands there twice")


def _plain(cell: str) -> str:
    safe = to_safe_text(cell).strip()
    return _MENDED.sub("", safe, count=1) if _MENDED.match(safe) else safe
