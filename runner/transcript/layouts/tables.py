"""Markdown tables amid text: their rows are turns if their header names speakers or times."""

import re
from collections.abc import Sequence

from runner.transcript.formats.fields import fields_of
from runner.transcript.formats.tables import turns_from_rows
from runner.transcript.layouts.preface import is_speech
from runner.transcript.model import Turn, join_lines
from runner.transcript.reader_notes import Notes

_RULE = re.compile(
    r"\s{0,8}\|?(?:\s{0,40}:?-{2,200}:?\s{0,40}\|){1,30}(?:\s{0,40}:?-{2,200}:?)?\s*$"
)
_CELL_END = re.compile(r"(?<!\\)\|")


def turns_of_table(text: str, name: str, notes: Notes) -> list[Turn] | None:
    """Return the turns of the first Markdown table of *text* that is a transcript, or None.

    Sentences above and below it are turns without speaker; other lines are left out.
    """
    if "--" not in text or "|" not in text:
        return None
    lines = text.split("\n")
    for at, line in enumerate(lines[1:], start=1):
        header = _header(lines[at - 1]) if "--" in line and _RULE.match(line) else None
        if header is not None:
            end = next((n for n in range(at, len(lines)) if "|" not in lines[n]), len(lines))
            rows = [header, *map(_cells, lines[at + 1 : end])]
            above, below = _around(lines[: at - 1], notes), _around(lines[end:], notes)
            return [*above, *turns_from_rows(rows, name, notes, "|"), *below]
    return None


def _header(line: str) -> list[str] | None:
    """Return the columns of a transcript; a column of unknown name holds the words."""
    cells = _cells(line)
    fields = fields_of([dict.fromkeys(cells, "")])
    if not fields.keys["speaker"] and not fields.keys["start"]:
        return None
    others = [cell for cell in cells if cell not in fields.known]
    if not fields.keys["text"] and len(others) == 1:
        return ["text" if cell == others[0] else cell for cell in cells]
    return cells if fields.keys["text"] else None


def _cells(line: str) -> list[str]:
    cells = [cell.replace("\\|", "|").strip(" *") for cell in _CELL_END.split(line.strip())]
    return cells[not cells[0] : len(cells) - (not cells[-1])]


def _around(lines: Sequence[str], notes: Notes) -> list[Turn]:
    turns = []
    for paragraph in re.split(r"\n\s*\n", "\n".join(lines)):
        text = join_lines(paragraph.split("\n"))
        if is_speech(text):
            turns.append(Turn(None, text))
        elif text:
            notes.leave_out("lines outside the table", paragraph)
    return turns
