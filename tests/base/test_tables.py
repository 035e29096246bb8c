"""Tables for spreadsheets: nothing in them is computed, and every program reads the same cells."""

from __future__ import annotations

import csv
import io

import pytest

from runner.base.tables import as_rows

FORMULAS = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "\u00a0=1",
    "\u200b=1",
    "\ufeff@x",
    "\x00=1",
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1+1",
    "\uff20x",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_a_spreadsheet_would_compute_gets_an_apostrophe(text: str) -> None:
    (cell,) = next(csv.reader(io.StringIO(as_rows([[text]]))))

    assert cell.startswith("'")


@pytest.mark.parametrize("text", ["a;=1+1", 'a";=1', "a\t=1", "a\r\n=1", "a,=1", "a\u2028b"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_cell_stays_one_whatever_separates_cells(text: str, separator: str) -> None:
    (line,) = as_rows([[text]]).splitlines()
    cells = next(csv.reader([line], delimiter=separator))

    assert 1 == len(cells)


def test_numbers_and_words_stay_as_they_are() -> None:
    rows = [[None, True, -1, -1.5, 2.0, 1e20, "-1", "a - b", 'say "so"', "x, y"]]

    assert ',yes,-1,-1.5,2,1e+20,-1,a - b,"say ""so""","x, y"\r\n' == as_rows(rows)


def test_a_cell_has_no_character_that_hides_or_steers() -> None:
    assert '"ab c]8;;d"\r\n' == as_rows([["a\u202eb\nc\x1b]8;;\x07d"]])
