"""Markdown tables amid text: their rows are turns if their header names speakers or times."""

import re
from collections.abc import Sequence

from runner.transcript.formats.fields import fields_of
from runner.transcript.formats.tables import turns_from_rows
from runner.transcript.layouts.preface import is_speech
from runner.transcript.model import Turn, join_lines
from runner.transcript.report import Notes

_RULE = re.compile(
    r"\s{0,8}\|?(?:\s{0,40}:?-{2,200}:?\s{0,40}\|){1,30}(?:\s{0,40}:?-{2,200}:?)?\s*$"
)
_CELL_END = re.compile(r"(?<!\\)\|")


def turns_of_table(text: str, name: str, notes: Notes) -> list[Turn] | None:
    """Return the turns of the first Markdown table of *text* that is a transcript, or None.

    Sentences above and below it are turns of nobody, other lines are left out.
    """
    if "--" not in text or "|" not in text:
        return None
    lines = text.split("\n")
    for at, line in enumerate(lines[1:], start=1):
        if "--" in line and _RULE.match(line) and _is_transcript(lines[at - 1]):
            end = next((n for n in range(at, len(lines)) if "|" not in lines[n]), len(lines))
            rows = [_cells(row) for row in (lines[at - 1], *lines[at + 1 : end])]
            above, below = _around(lines[: at - 1], notes), _around(lines[end:], notes)
            return [*above, *turns_from_rows(rows, name, notes, "|"), *below]
    return None


def _is_transcript(header: str) -> bool:
    keys = fields_of([dict.fromkeys(_cells(header), "")]).keys
    return bool(keys["text"]) and bool(keys["speaker"] or keys["start"])


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
