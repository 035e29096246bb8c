"""Attributes of files from the command to the tables, and a table that changes between sessions."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from docx import Document
from helpers.batches import execute_batch
from helpers.planted import collection, interviews, planted

from runner.base.errors import ConfigError
from runner.providers.request import Request
from runner.reports.report.write import try_write_report
from runner.reports.verify import verify
from runner.run.batch.plan import plan_batch
from runner.run.last_line import nothing_to_do
from runner.run.resume import read_resumption

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
    try_write_report(Path("batch"))
    before = counts()
    table.write_text("file,role\nann,doctor\nbob,nurse\ncem,doctor\ndee,doctor\n")

    changed = collection(*given)

    assert ("2", "1") == (before["train", "nurse"], before["train", "doctor"])
    assert nothing_to_do(Path("batch"), made)
    assert not nothing_to_do(Path("batch"), changed)
    _, transport = execute_batch(changed, planted, again=True)
    try_write_report(Path("batch"))

    assert [] == transport.requests
    assert ("1", "2") == (counts()["train", "nurse"], counts()["train", "doctor"])
    assert Path("batch/collection/themes.docx").exists()
    execute_batch(collection(), planted, again=True)
    try_write_report(Path("batch"))

    assert {"matrix.csv", "report.html", "themes.csv", "themes.json", "themes.md"} == {
        each.name for each in Path("batch/collection").iterdir()
    }
    assert [] == verify(Path("batch"))


def test_rows_of_a_removed_file_are_left_out_in_every_later_session() -> None:
    interviews(PLAN)
    Path("at.csv").write_text("file,role\nann,nurse\nbob,nurse\ncem,doctor\ndee,doctor\n")
    execute_batch(collection("attributes=at.csv"), planted)
    Path("many/dee.txt").unlink()

    for _ in range(2):
        resumed = read_resumption(["resume=batch"]).job
        execute_batch(resumed, planted, again=True)

    assert {"ann.txt", "bob.txt", "cem.txt"} == resumed.attributes.files.keys()
    Path("many/cem.txt").rename("many/zoe.txt")
    resumed = read_resumption(["resume=batch"]).job
    assert "without a row of attributes: zoe.txt" == resumed.note
    assert resumed.note in plan_batch(resumed).as_text()


def test_a_shard_is_resumed_though_a_file_of_another_shard_is_gone() -> None:
    interviews(PLAN)
    Path("at.csv").write_text("file,role\nann,nurse\nbob,nurse\ncem,doctor\ndee,doctor\n")
    shard = ("attributes=at.csv", "batch.shards=2", "batch.shard=0")
    execute_batch(collection(*shard), planted)
    Path("many/dee.txt").unlink()

    resumed = read_resumption(["resume=batch"])

    assert {"ann.txt", "bob.txt", "cem.txt"} == resumed.job.attributes.files.keys()
    with pytest.raises(ConfigError, match="no file of this batch is called 'dee'"):
        collection(*shard)


def test_final_notes_name_who_said_a_quote_and_in_which_file() -> None:
    interviews(PLAN)

    def quoting(request: Request) -> str:
        answer = json.loads(planted(request))
        if request.node == "synthesis":
            quote = {"segment": "S0001", "quote": "The night train is a joy."}
            answer["insights"][0]["evidence"] = [quote]
        return json.dumps(answer)

    execute_batch(collection("output.pages=docx"), quoting)
    page = Path("batch/final/synthesis.md").read_text()
    told = "\n".join(p.text for p in Document("batch/final/synthesis.docx").paragraphs)

    for said in (page.replace("\\", ""), told):
        assert "(Ann, S0001, ann.txt, and 2 more)" in said
        assert "(S0001)" not in said


def test_a_guide_and_tables_beside_the_transcripts_are_none() -> None:
    interviews({"ann": ["train"]})
    Path("many/gold").mkdir()
    others = {
        "guide": ("guide.txt", "Why?\n"),
        "codebook": ("codes.csv", "code,definition\na,b\n"),
        "attributes": ("at.csv", "file,role\nann,nurse\n"),
        "references": ("gold/ann.json", '[{"question": "Why?", "answer": "So."}]'),
    }
    for name, content in others.values():
        Path("many", name).write_text(content)
    given = [f"{key}=many/{name}" for key, (name, _) in others.items() if key != "references"]
    coding = "+analyzer@analyzers.coding=coding"
    made = collection(coding, *given, "references=many/gold")

    assert (["ann.txt"], "left out: 4 named as another input") == (
        [each.name for each in made.inputs],
        made.inputs.note,
    )
