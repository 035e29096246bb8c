from __future__ import annotations

import base64
import json
from array import array
from pathlib import Path
from typing import Any

import pytest
from helpers import ScriptedTransport
from helpers.batches import execute_batch
from helpers.planted import collection, interviews, planted

from runner.base.usage import Usage
from runner.providers.request import Completion, Request
from runner.reports.report.write import try_write_report
from runner.reports.verify_collection import collection_faults
from runner.reports.verify_tables import faults_of_rows

FILE = Path("batch/collection/themes.json")


def test_each_change_of_a_count_an_id_or_a_quote_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    interviews({"ann": ["train", "x y z"], "bob": ["-train", "wifi"], "cem": ["train", "wifi"]})
    execute_batch(collection(), planted)
    whole = json.loads(FILE.read_bytes())

    def changed(*path: Any, to: Any) -> list[str]:
        data = json.loads(json.dumps(whole))
        place = data
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to
        FILE.write_text(json.dumps(data))
        return collection_faults(Path("batch"))

    train = ("themes", 0)
    lost = "'runs/x/0' is not a finding with a verified quote"
    others = [[name] for name in whole["themes"][0]["findings"]]
    expected = {
        (*train, "files"): (["ann.txt"], "T01: files are 1, its findings give 3"),
        (*train, "silent"): (["ann.txt"], "T01: silent are 1, its findings give 0"),
        (*train, "against"): ([], "T01: against are 0, its findings give 1"),
        (*train, "speakers"): ([], "T01: speakers are 0, its findings give 3"),
        (*train, "quotes", 0, "quote"): ("No.", "T01: a quote is not one of its findings"),
        (*train, "quotes", 0, "side"): ("against", "T01: a quote is not one of its findings"),
        (*train, "quotes", 1, "side"): ("forx", "T01: a quote is not one of its findings"),
        (*train, "quotes"): ([], "T01: quotes are 0, its findings give 3"),
        (*train, "quotes", 0, "match"): ("near", "T01: a quote is not one of its findings"),
        (*train, "id"): ("T02", "T02 appears twice"),
        ("themes",): (whole["themes"][:1], "unassigned are 1, the runs give 3"),
        ("unassigned",): ([], "unassigned are 0, the runs give 1"),
        ("unused",): (3, "unused is 3, the runs give 0"),
        ("outliers", 0, "text"): ("Never.", "an outlier: its text is not that of"),
        (*train, "findings", 0): ("runs/x/0", f"T01: {lost}"),
        (*train, "against_findings"): (["runs/x/0"], f"T01: {lost}"),
        ("contradictions", 0, "themes"): (["T09"], "C01: there is no theme 'T09'"),
        ("contradictions", 0, "sides", 0, "findings"): (["runs/x/0"], f"C01: {lost}"),
        ("outliers", 0, "quotes", 0, "speaker"): ("Eve", "an outlier: a quote is not one of"),
        ("read", 0, "run"): ("../../x", "'../../x' is not a run of this batch"),
        ("read",): ([], "no file is read or unread, but the batch has 3"),
        ("read", 0): (whole["read"][1], "ann.txt is not among the files that were read"),
        ("read", 0, "speakers"): (["Eve"], "ann.txt: its speakers are not those of its"),
        ("threshold_curve", 3, "groups"): (9, "threshold_curve is not that of the findings"),
        ("threshold",): (0.1, "threshold is 0.1, not collection.threshold"),
        ("ledger", 0, "inputs"): (9, "ledger: themes read 9 findings, the runs give 6"),
        ("ledger", 0, "tokens_in"): (99_999, "ledger: themes read 99999 tokens of"),
        ("ledger", 1, "node"): ("themes", "ledger: 'themes' appears twice"),
        ("ledger", 2, "node"): ("rumours", "ledger: 'rumours' is not a call"),
        ("ledger", 0, "node"): ("themes/../x", "ledger: 'themes/../x' is not a call"),
        ("ledger", 3, "node"): ("themes/leaf_0", "ledger: themes/leaf_0 is ok, but has no answer"),
        (*train, "merged", -1, "by"): ("themes/leaf_1", "T01: 'themes/leaf_1' is not a call"),
        (*train, "merged", -1, "parts", 0): ([], "T01: its last merge is not of its findings"),
        (*train, "merged", 0, "parts"): (others, "T01: findings joined by words are not alike"),
        (*train, "merged"): ([], "T01: its last merge is not of its findings"),
        (*train, "merged", -1, "reason"): ("So it is.", "T01: 'So it is.' is in no answer"),
        (*train, "title"): ("Ships", "T01: 'Ships' is in no answer of a model"),
        (*train, "statement"): ("Ships sail.", "T01: 'Ships sail.' is in no answer"),
        ("contradictions", 0, "sides", 0, "position"): ("Oh", "C01: 'Oh' is in no answer"),
        ("outliers", 0, "why"): ("Odd", "an outlier: 'Odd' is in no answer of a model"),
        ("synthesis", 0, "text"): ("All is well.", "synthesis: 'All is well.' is in no answer"),
        ("version",): (2, "it is not in the format of a collection"),
    }

    assert [] == collection_faults(Path("batch")) == changed("pipeline", to="x")
    for path, (value, fault) in expected.items():
        assert any(fault in line for line in changed(*path, to=value)), path
    small = json.loads(json.dumps(whole))
    small["themes"][0]["quotes"].pop()
    small["ledger"].append({"node": "collection/themes.json", "inputs": 9})  # written by bounds.py
    FILE.write_text(json.dumps(small))
    assert [] == collection_faults(Path("batch"))
    FILE.unlink()
    assert ["is missing, but the batch is complete"] == collection_faults(Path("batch"))
    FILE.write_text(json.dumps(whole))
    try_write_report(Path("batch"))
    matrix = FILE.with_name("matrix.csv")
    matrix.write_text(matrix.read_text().replace("for", "against"))

    assert ["it does not match matrix.csv, which colloquy-report rebuilds"] == collection_faults(
        Path("batch")
    )
    file = Path("batch/metadata.json")
    about = json.loads(file.read_text())
    about["collection"]["themes"] = 9
    file.write_text(json.dumps(about))

    assert "it has 2 themes, but metadata.json says 9" == collection_faults(Path("batch"))[0]
    collection_faults(Path("batch"), notes := [])
    collection_faults(Path(), nothing := [])
    assert (["titles, statements"], []) == ([each[:18] for each in notes], nothing)


@pytest.mark.parametrize("redact", ["off", "names"])
@pytest.mark.parametrize("embeds", [False, True])
def test_groups_and_curve_are_made_again_from_stand_ins_and_stored_vectors(
    redact: str, embeds: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = ["Ann Parker likes the night train.", "Eve Miller likes the night train.", "x y z"]
    interviews({"ann": said, "bob": ["train", "wifi", said[0]]})
    named = ["collection.embeddings=openai/text-embedding-3-small"] * embeds
    made = collection(f"transcript.redact={redact}", "collection.threshold=0.4", *named)
    execute_batch(made, planted, embed=ScriptedTransport(_vectors) if embeds else None)
    whole = json.loads(FILE.read_bytes())

    def checked(data: object) -> tuple[list[str], list[str]]:
        FILE.write_text(json.dumps(data))
        notes: list[str] = []
        faults = collection_faults(Path("batch"), notes)
        return faults, notes[1:]

    curve = json.loads(json.dumps(whole))
    curve["threshold_curve"][0]["groups"] += 1

    assert ([], []) == checked(whole)
    assert (["threshold_curve is not that of the findings"], []) == checked(curve)
    if not embeds:
        return
    stored = sorted(Path("batch/embeddings").rglob("*.json"))
    stored[0].unlink()
    lost = "vectors compared by themes are not stored"
    faults, notes = checked(curve)

    assert [] == faults
    assert ["groups and curve are not made again"] == [each.partition(":")[0] for each in notes]
    assert notes[0].endswith(lost)


def _vectors(request: Request) -> Completion:
    """Give each text a vector of its first letter."""
    letters = [str(message["content"])[0] for message in request.messages]
    rows = [array("f", [float(letter == "N"), float(letter != "N")]) for letter in letters]
    text = "\n".join(base64.b64encode(row.tobytes()).decode() for row in rows)
    return Completion(text, "stop", Usage(7, 0, cost_usd=0.25))


def test_rows_that_the_runs_of_a_batch_contradict_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    interviews({"ann": ["train"], "bob": ["wifi"]})
    execute_batch(collection(), planted)
    rows = Path("batch/results.jsonl")
    first = json.loads(rows.read_text().splitlines()[0])
    table = Path("batch/results.csv")
    table.write_text(table.read_text().replace(",0,1,1,", ",0,1,2,", 1))

    ended = f"results.csv: analyzers of {first['transcript']} is '2', not '1'"
    assert [ended] == list(faults_of_rows(Path("batch")))
    table.write_text("x" * 200_000)  # too long for a cell, unless another test has set the limit
    assert ["results.csv:"] == [line.split()[0] for line in faults_of_rows(Path("batch"))]
    table.unlink()
    more = {**first, "quotes": 9, "status": "degraded"}
    rows.write_text(rows.read_text() + json.dumps(more) + "\n")

    assert [
        f"{first['run']}: status is 'degraded', its metadata.json says 'completed'",
        f"{first['run']}: quotes is 9, its metadata.json says {first['quotes']}",
        "1 completed, but metadata.json says 2",
        "1 degraded, but metadata.json says 0",
    ] == list(faults_of_rows(Path("batch")))
