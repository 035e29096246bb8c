"""Attributes of files from the command to the tables, and a table that changes between sessions."""

from __future__ import annotations

import csv
from pathlib import Path

from helpers.batches import execute_batch
from helpers.planted import collection, interviews, planted

from runner.reports.report.write import leave_report
from runner.reports.verify import verify
from runner.run.ending import nothing_to_do

PLAN = {"ann": ["train"], "bob": ["train", "-price"], "cem": ["price"], "dee": ["train"]}


def counts() -> dict[tuple[str, str], str]:
    """Return files of each theme and group."""
    with Path("batch/collection/groups.csv").open() as file:
        return {(row["title"], row["value"]): row["files"] for row in csv.DictReader(file)}


def test_a_table_that_changed_splits_the_counts_anew_and_asks_nothing() -> None:
    interviews(PLAN)
    table = Path("at.csv")
    table.write_text("file,role\nann,nurse\nbob,nurse\ncem,doctor\ndee,doctor\n")
    given = ("attributes=at.csv", "output.pages=docx")
    execute_batch(made := collection(*given), planted)
    leave_report(Path("batch"))
    before = counts()
    table.write_text("file,role\nann,doctor\nbob,nurse\ncem,doctor\ndee,doctor\n")

    changed = collection(*given)

    assert ("2", "1") == (before["train", "nurse"], before["train", "doctor"])
    assert nothing_to_do(Path("batch"), made)
    assert not nothing_to_do(Path("batch"), changed)
    _, transport = execute_batch(changed, planted, again=True)
    leave_report(Path("batch"))

    assert [] == transport.requests
    assert ("1", "2") == (counts()["train", "nurse"], counts()["train", "doctor"])
    assert Path("batch/collection/themes.docx").exists()
    execute_batch(collection(), planted, again=True)
    leave_report(Path("batch"))

    assert {"matrix.csv", "report.html", "themes.csv", "themes.json", "themes.md"} == {
        each.name for each in Path("batch/collection").iterdir()
    }
    assert [] == verify(Path("batch"))
