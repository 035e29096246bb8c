from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.batches import execute_batch
from helpers.planted import collection, interviews, planted

from runner.reports.verify_collection import collection_faults

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
    lost = "'runs/x/0' is no finding with a verified quote"
    expected = {
        (*train, "files"): (["ann.txt"], "T01: files are 1, its findings give 3"),
        (*train, "silent"): (["ann.txt"], "T01: silent are 1, its findings give 0"),
        (*train, "against"): ([], "T01: against are 0, its findings give 1"),
        (*train, "speakers"): ([], "T01: speakers are 0, its findings give 3"),
        (*train, "quotes", 0, "quote"): ("No.", "T01: a quote is not one of its findings"),
        (*train, "quotes", 0, "side"): ("against", "T01: a quote is not one of its findings"),
        (*train, "quotes"): ([], "T01: quotes are 0, its findings give 3"),
        (*train, "quotes", 0, "match"): ("near", "T01: a quote is not one of its findings"),
        (*train, "id"): ("T02", "T02 is there twice"),
        ("themes",): (whole["themes"][:1], "unassigned are 1, the runs give 3"),
        ("unassigned",): ([], "unassigned are 0, the runs give 1"),
        ("unused",): (3, "unused is 3, the runs give 0"),
        ("outliers", 0, "text"): ("Never.", "an outlier: its text is not that of"),
        (*train, "findings", 0): ("runs/x/0", f"T01: {lost}"),
        ("contradictions", 0, "themes"): (["T09"], "C01: there is no theme 'T09'"),
        ("contradictions", 0, "sides", 0, "findings"): (["runs/x/0"], f"C01: {lost}"),
        ("outliers", 0, "quotes", 0, "speaker"): ("Eve", "an outlier: a quote is not one of"),
        ("read", 0, "run"): ("../../x", "'../../x' is not a run of this batch"),
        ("read",): ([], "no file is read or unread, and the batch has 3"),
        ("version",): (2, "it is not what a collection writes"),
    }

    assert [] == collection_faults(Path("batch")) == changed("pipeline", to="x")
    for path, (value, fault) in expected.items():
        assert any(fault in line for line in changed(*path, to=value)), path
    FILE.unlink()
    assert ["is missing, and the batch is complete"] == collection_faults(Path("batch"))
