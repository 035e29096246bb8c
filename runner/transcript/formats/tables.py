"""Tables: CSV, TSV and other rows of cells, with or without a header."""

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from runner.transcript.decode import MAX_BYTES, fault
from runner.transcript.formats.fields import fields_named, text_of
from runner.transcript.formats.moments import moment_of
from runner.transcript.formats.records import turns_from
from runner.transcript.layouts.labels import Likeness, likeness
from runner.transcript.model import Turn
from runner.transcript.reader_notes import Notes

Rows = list[list[str]]

_DELIMITERS = "\t,;|"
_SAMPLE_LINES = 200
_SAMPLE_CHARS = 200_000
_MAX_COLUMNS = 200
_MOSTLY = 0.9
_RULE = re.compile(r"[\s|:+=-]{0,400}$")
_EMPHASIS = re.compile(r"^\s{0,40}(\*{1,3}|_{1,3}|`)([^*_`]{1,200})\1\s{0,40}$")
# What is nobody's name, as `speaker 1` may be.
_HEADING = re.compile(r"^(?!.*(?:\d|\s[a-z])$)(?:.*(?:speaker|participant|name|time|start)|who$)")
_LINE_END = re.compile(r"\s?<br ?/?>\s?", re.IGNORECASE)
_NAMED_DELIMITER = re.compile(r"sep=(.)\s*$")
_QUOTES_WORDS = re.compile(r'(?:^|\t)"[^"\t]*"[^"\t]')  # and not a whole cell
_DATE = re.compile(r"\d{4}-\d\d-\d\d$")
_MAX_LINES_ABOVE = 12
_BAR = "\ufdd0"  # for an escaped bar; no text has this character
_MIN_NUMBERS = 5  # that grow, to be times; fewer may be ages
_FEW = 4  # rows in which no speaker needs to recur
_MAX_HEADER_CHARS, _MAX_HEADER_WORDS = 40, 3


class _Dialect(NamedTuple):
    """How cells are written: the *delimiter* between them, and whether quotes enclose them."""

    delimiter: str
    quoted: bool = True


def _rows(lines: Sequence[str], dialect: _Dialect) -> Iterator[list[str]]:
    csv.field_size_limit(MAX_BYTES)
    delimiter = dialect.delimiter
    text = io.StringIO("\n".join(lines).replace("\\|", _BAR))
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if dialect.quoted else csv.QUOTE_NONE
    for row in csv.reader(text, delimiter=delimiter, quoting=quoting):
        row = [cell.replace(_BAR, "|" if delimiter == "|" else "\\|") for cell in row]
        if delimiter == "|" and len(row) > 1:  # of Markdown
            row = row if row[0].strip() else row[1:]  # a bar opens the line
            row = row if row[-1].strip() else row[:-1]  # and ends it
            row = [_EMPHASIS.sub(r"\2", cell) for cell in row]
        if any(map(str.strip, row)):
            yield row


def is_table(text: str) -> bool:
    """Return whether *text* is a table, with a header or with a column of times."""
    _, lines = _lines(text[:_SAMPLE_CHARS], _SAMPLE_LINES)
    if len(text) > _SAMPLE_CHARS and len(lines) < _SAMPLE_LINES:
        lines.pop()  # cut in two
    dialect = _dialect(lines)
    if dialect is None:
        return False
    rows = list(_rows(lines, dialect))
    if not _is_header(rows[0]):
        if sum(map(_labelled, rows)) > len(rows) * 0.5:
            return False  # a chat
        quoted = sum(f'{dialect.delimiter}"' in line for line in lines) > len(lines) * 0.5
        drawn = quoted or all(line.lstrip()[:1] in ("", "|") for line in lines)
        told = _has_times(rows) or _is_foreign(rows) or (drawn and explained(rows, speakers=True))
        return len(rows) > 1 and told
    roles = fields_named(rows[0]).keys
    return bool(roles["speaker"] or roles["start"] or roles["end"]) or _is_foreign(rows)


def parse_table(text: str, source: str, notes: Notes) -> list[Turn]:
    """Return the turns in the rows of *text*; raise TranscriptError if it is not a table."""
    above, lines = _lines(text, None)
    dialect = _dialect(lines[:_SAMPLE_LINES])
    if dialect is None:
        raise fault(source, "no table: expected rows of two or more cells, such as speaker,text")
    rows = list(_rows(lines, dialect))
    if any(line.strip() and not _NAMED_DELIMITER.match(line) for line in above):
        notes.leave_out("lines above the table", "\n".join(filter(str.strip, above)))
    return turns_from_rows(rows, source, notes, dialect.delimiter)


def turns_from_rows(rows: Rows, source: str, notes: Notes, delimiter: str = " ") -> list[Turn]:
    """Return the turns in *rows*; the first may be a header. Raise TranscriptError."""
    rows = [row for row in rows if not all(_RULE.match(cell) and cell.strip() for cell in row)]
    foreign = _is_foreign(rows)
    named = foreign or (bool(rows) and _is_header(rows[0]))
    first = [cell.strip() for cell in rows.pop(0)] if named else []
    header = [cell or f"column {at}" for at, cell in enumerate(first, start=1)]
    if foreign or not named:  # what their names do not say, their content does
        told = fields_named(first)
        guessed = _guessed([[cell.strip() for cell in row] for row in rows])
        header = [
            name if name in told.known or told.keys.get(guess) else guess
            for name, guess in itertools.zip_longest(first, guessed, fillvalue="")
        ]
    if foreign:
        notes.leave_out("names of columns", " ".join(first))
    if not fields_named(header).keys["text"]:
        raise fault(source, f"a table without a column of words ({', '.join(header)[:200]})")
    notes.layout = f"columns {', '.join(header)}"[:200]
    counts = [header[: at + 1].count(name) for at, name in enumerate(header)]
    names = [f"{n} {count}" if count > 1 else n for n, count in zip(header, counts, strict=True)]
    fields = fields_named(names)
    words = names.index(fields.keys["text"][0])
    records = []
    for row in rows:
        # Words without quotes may hold the delimiter.
        more = max(0, len(row) - len(names))
        row[words : words + more + 1] = [delimiter.join(row[words : words + more + 1])]
        values = (_LINE_END.sub("\n", cell).strip() for cell in row)
        records.append(dict(zip(names, values, strict=False)))
    turns = turns_from(records, notes)
    for record in records:
        if not any(record.get(key) for key in fields.keys["text"]):
            notes.leave_out("rows without words", " ".join(record.values()))
    for name in names:
        unread = name not in fields.known
        others = (r for r in records if unread or text_of(r, fields) != r.get(name))
        cells = [cell for r in others if any(map(str.isalpha, cell := r.get(name, "")))]
        if cells and (unread or name in fields.keys["text"]):
            notes.leave_out(f"column '{name[:40]}'", "\n".join(cells))
    return turns


def explained(rows: Rows, *, speakers: bool = False) -> bool:
    """Return whether *rows* have a header, or columns whose content shows their meaning.

    With *speakers*, one of them must hold these.
    """
    told = bool(rows) and bool(fields_named(map(str.strip, rows[0])).keys["speaker"])
    if rows and (_is_header(rows[0]) or (told and _is_foreign(rows))):
        return told or not speakers
    names = _guessed(rows)
    return {"text", *["speaker"] * speakers} <= set(names) and all(
        name in ("text", "speaker", "start", "end")
        or not any(any(map(str.isalpha, row[at])) for row in rows if at < len(row))
        for at, name in enumerate(names)
    )


def _lines(text: str, count: int | None) -> tuple[list[str], list[str]]:
    """Return the lines above the header, if one is near the top, and those from there on."""
    lines = [line.rstrip("\n") for line in itertools.islice(io.StringIO(text, "\n"), count)]
    for at, line in enumerate(lines[:_MAX_LINES_ABOVE]):
        for delimiter in _DELIMITERS[: None if at == 0 else -1]:  # Markdown is for the text reader
            if delimiter in line and (row := next(_rows([line], _Dialect(delimiter)), None)):
                keys = fields_named(map(str.strip, row)).keys
                if _is_header(row) and (keys["speaker"] or keys["start"]):
                    return lines[:at], lines[at:]
    first = next((index for index, line in enumerate(lines) if line.strip()), 0)
    return [], lines[first + bool(lines and _NAMED_DELIMITER.match(lines[first])) :]


def _dialect(lines: Sequence[str]) -> _Dialect | None:
    """Return the dialect that makes most rows equally long, None where nearly none are."""
    best, most = None, 0.0
    for dialect in itertools.starmap(_Dialect, itertools.product(_DELIMITERS, (True, False))):
        if not any(dialect.delimiter in line for line in lines):
            continue
        rows = list(_rows(lines, dialect))
        if len(rows) < 2 and not (rows and _is_header(rows[0])):
            continue
        widths = Counter(map(len, rows))
        header = _is_header(rows[0])
        width = len(rows[0]) if header else widths.most_common(1)[0][0]
        # Words of the last column may hold the delimiter.
        same = sum(number for w, number in widths.items() if w == width or (header and w > width))
        if width < 2 or same < len(rows) * _MOSTLY:
            continue
        # An unclosed quote would join rows.
        whole = len(rows) == sum(1 for line in lines if line.strip())
        exact = widths[width] / len(rows)
        score = 2.0 * header + exact + 0.5 * (whole and exact == 1.0)
        if dialect.quoted:
            of_words = dialect.delimiter == "\t" and any(map(_QUOTES_WORDS.search, lines))
            score += -0.1 if of_words else 0.1
        if score > most:
            best, most = dialect, score
    return best


def _is_header(row: Sequence[str]) -> bool:
    """Return whether *row* names a column of words, and no cell of it is a time."""
    if len(row) > _MAX_COLUMNS:
        return False
    row = [cell.strip() for cell in row]
    short = all(len(cell) <= _MAX_HEADER_CHARS and moment_of(cell) is None for cell in row)
    if len(row) < 2 or not short or len(set(row)) < len([cell for cell in row if cell]):
        return False
    return bool(fields_named(row).keys["text"])


def _is_foreign(rows: Rows) -> bool:
    """Return whether the first row names columns, by no known words for both text and others."""
    if len(rows) < 3 or any(len(cell) > _MAX_HEADER_CHARS for cell in rows[0]):
        return False
    keys = fields_named(map(str.strip, rows[0])).keys
    named = all(map(str.strip, rows[0])) and not any(map(moment_of, rows[0]))
    known = keys["speaker"] or keys["start"] or keys["end"]
    if not named or (keys["text"] and known):
        return False
    short = (each for each in known if len(each.split()) <= _MAX_HEADER_WORDS)
    sure = {each for each in short if _HEADING.match(each.lower())}
    below = {cell.strip() for row in rows[1:] for cell in row}
    above_numbers = any(
        head.strip(" .#").isalpha() and all(each.strip().isdecimal() for each in column)
        for head, *column in zip(*rows, strict=False)
    )
    return _has_times(rows[1:]) or (len(rows[0]) > 1 and (above_numbers or bool(sure - below)))


def _labelled(row: Sequence[str]) -> bool:
    """Return whether a label with words follows the first cell of *row*."""
    label, colon, _ = ",".join(row[1:]).partition(":")
    return bool(colon) and likeness(label.strip(" ,")) == Likeness.NAME


def _has_times(rows: Rows) -> bool:
    return any(_are_times(column) for column in zip(*rows, strict=False))


def _are_times(column: Sequence[str]) -> bool:
    moments = [moment_of(cell) for cell in column if not _DATE.match(cell)]
    values = [moment.value for moment in moments if moment is not None]
    rising = all(before <= after for before, after in itertools.pairwise(values))
    counts = all(after - before == 1 for before, after in itertools.pairwise(values))
    numbers = all(cell.strip().isdecimal() for cell in column)
    clocks = all(":" in cell for cell in column)  # of one speaker after the other
    least = 2 if any(":" in cell or "." in cell for cell in column) else _MIN_NUMBERS
    some = len(values) >= max(least, len(column) * _MOSTLY) and len(set(values)) > 1
    return some and (clocks or rising) and not (counts and numbers)


def _are_later(starts: Sequence[str], ends: Sequence[str]) -> bool:
    pairs = [(moment_of(one), moment_of(other)) for one, other in zip(starts, ends, strict=True)]
    values = [(one.value, other.value) for one, other in pairs if one and other]
    return all(one <= other for one, other in values) and any(a < b for a, b in values)


def _guessed(rows: Rows) -> list[str]:
    """Return a header for *rows* without one: times rise, speakers recur, words are long."""
    width = max(Counter(map(len, rows)).most_common(1)[0][0], 1) if rows else 1
    columns = [[row[at] if at < len(row) else "" for row in rows] for at in range(width)]
    names = [f"column {number}" for number in range(1, width + 1)]
    times = [at for at, column in enumerate(columns) if _are_times(column)]
    if times:
        later = (at for at in times[1:] if _are_later(columns[times[0]], columns[at]))
        names[next(later, times[0])] = "end"
        names[times[0]] = "start"
    rest = [at for at in range(width) if at not in times]
    labels = [at for at in rest if all(cell.endswith(":") for cell in columns[at])]
    if not rest:
        return names
    sizes = {at: (sum(c.count(" ") for c in columns[at]), len("".join(columns[at]))) for at in rest}
    words = max(
        [at for at in rest if at not in labels] or rest,
        key=lambda at: (sizes[at][0] > 0 and not _are_names(columns[at], lone=True), sizes[at]),
    )
    beside = [at for at in rest if at != words]
    who = next((at for at in beside if _are_names(columns[at], lone=len(beside) == 1)), None)
    spaces = sum(cell.count(" ") for cell in columns[words])
    sure = spaces or labels or (times and who is not None and len(rest) == 2)
    if spaces >= len(rows) or (sure and (times or who is not None)):
        names[words] = "text"
        if who is not None:
            names[who] = "speaker"
    return names


def _are_names(column: Sequence[str], *, lone: bool) -> bool:
    """Return whether all cells are names; in a *lone* column most may be, such as `ana`."""
    cells = [cell.rstrip(":").strip() for cell in column if cell]
    enough = len(set(cells)) < len(cells) or 0 < len(cells) < _FEW
    if enough and all(likeness(cell) == Likeness.NAME for cell in set(cells)):
        return True
    names = sum(likeness(cell.strip()) >= Likeness.WORD for cell in column)
    return lone and names >= len(column) * 0.6 and len(set(column)) < len(column)
