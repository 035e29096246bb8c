"""Columns on the pages of a PDF, whose lines are laid out with spaces as they are printed."""

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from runner.transcript.formats.moments import moment_of
from runner.transcript.formats.tables import explained
from runner.transcript.model import ends_sentence

_START = re.compile(r"(?<=\s\s)\S")
_EMPTY = 0.95  # of the lines, in a gutter
_SHARE = 0.1  # of the lines, with a cell in a column
_MIN_LINES = 3
_MIN_WIDTH = 3
_MIN_WORDS = 3.0  # in the lines of a column of prose

Cells = list[str]


def columns_in(lines: Sequence[str]) -> list[int]:
    """Return where the columns of *lines* start, behind gutters; none for text in one column."""
    written = [line for line in lines if line.strip()]
    found = Counter(match.start() for line in written for match in _START.finditer(line))
    least = max(_MIN_LINES, len(written) * _SHARE)
    starts = [0]
    for at in sorted(at for at, count in found.items() if count >= least):
        if at - starts[-1] >= _MIN_WIDTH and _has_gutter(written, at):
            starts.append(at)
    return starts if len(starts) > 1 else []


def _has_gutter(lines: Sequence[str], at: int) -> bool:
    return sum(not line[at - 2 : at].strip() for line in lines) >= len(lines) * _EMPTY


def _cells(lines: Sequence[str], starts: Sequence[int]) -> list[Cells]:
    ends = [*starts[1:], None]
    return [[line[a:b].strip() for a, b in zip(starts, ends, strict=True)] for line in lines]


def in_columns(lines: Sequence[str], laid_out: Sequence[str]) -> list[str]:
    """Return the lines of two columns of text one after the other; no line for other pages.

    *lines* are those of the page in the order of the file, which may be that already.
    """
    starts = columns_in(laid_out)
    if len(starts) != 2:
        return []
    cells = _cells(laid_out, starts)
    sides = [[row[side] for row in cells if row[side]] for side in (0, 1)]
    wide = all(sum(len(cell.split()) for cell in side) >= _MIN_WORDS * len(side) for side in sides)
    across = {"".join("".join(row).split()) for row in cells if all(row)}
    mixed = across & {"".join(line.split()) for line in lines}
    return sides[0] + sides[1] if wide and len(mixed) * 2 > len(across) else []


def table_in(pages: Iterable[Sequence[str]]) -> list[Cells]:
    """Return the rows of a table with speakers that takes all *pages*; none for other pages."""
    cells: list[Cells] = []
    starts: list[int] = []
    for lines in pages:
        own = columns_in(lines) or [at for at in starts if not at or _has_gutter(lines, at)]
        if not own or len(own) != len(starts or own):
            return []
        starts = own
        cells += _cells(lines, starts)
    columns = list(zip(*cells, strict=True))
    if len(columns) < 2 or any(all(map(str.isdigit, filter(None, each))) for each in columns):
        return []  # numbers of lines
    rows = _rows_in(cells)
    return rows if explained(rows, speakers=True) else []


def _rows_in(cells: Sequence[Cells]) -> list[Cells]:
    """Join wrapped cells; a row begins at a time, or without any, where the words above end."""
    columns = list(zip(*cells, strict=True))
    words = max(range(len(columns)), key=lambda at: sum(len(cell) for cell in columns[at]))
    clocks = [at for at, column in enumerate(columns) if at != words and _are_clocks(column)]
    rows: list[Cells] = []
    for above, cell in itertools.pairwise([[], *cells]):
        keys = [cell[at] for at in (clocks or range(len(cell))) if at != words]
        ended = clocks or not any(above) or not rows or ends_sentence(rows[-1][words])
        if any(cell) and (not rows or (any(keys) and ended)):
            rows.append(list(cell))
        elif any(cell):
            rows[-1] = [" ".join(filter(None, pair)) for pair in zip(rows[-1], cell, strict=True)]
    return rows


def _are_clocks(column: Sequence[str]) -> bool:
    times = [moment_of(cell) for cell in column if cell and ":" in cell]
    return len(times) > 1 and all(times) and len(times) >= sum(map(bool, column)) - 1
