"""answers.csv: what each interview says to each question of the guide."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from helpers.batches import execute_batch
from helpers.pages import batch_by_hand
from helpers.planted import collection, interviews, planted, prompt_of
from helpers.themes_by_hand import collection as themes
from helpers.themes_by_hand import with_collection

from runner.providers.request import Request
from runner.reports.report.write import try_write_report
from runner.reports.verify_collection import collection_faults
from runner.run.resume import read_resumption

TABLE = Path("batch/collection/answers.csv")
QUESTIONS = ["What is hard, and why?", "What would help?"]


def answering(request: Request) -> str:
    """Answer a question in the words of a file's second turn; `never` is no answer to it."""
    if not request.node.startswith("what_"):
        return planted(request)
    said = re.findall(r"^\[(S\d+) [^\]]+\] (.*)$", prompt_of(request), re.MULTILINE)
    segment, words = said[len(said) > 1]
    if words == "broken":
        return "I cannot say."
    kind = {"never": "no", "maybe": "partly"}.get(words, "yes")
    quotes = [] if kind == "no" else [{"segment": segment, "quote": words}]
    quotes += [{"segment": segment, "quote": "Nobody said such words here."}] * (kind == "yes")
    insight = {"text": "i", "confidence": 0.9, "category": "answer", "evidence": quotes[:1]}
    fields: dict[str, Any] = {"answered": kind, "answer": words if quotes else None}
    return json.dumps({"insights": [insight], "structured_data": {**fields, "quotes": quotes}})


def rows() -> list[list[str]]:
    """Write the pages of the batch and return its table."""
    try_write_report(Path("batch"))
    with TABLE.open(newline="") as file:
        return list(csv.reader(file))


@pytest.fixture(autouse=True)
def guided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("guide.txt").write_text("\n".join(QUESTIONS) + "\n")


def test_each_file_has_its_attributes_and_an_answer_to_each_question() -> None:
    told = {"ann": "=1+2", "bob": "never", "cem": "maybe", "dee": "broken", "eva": "=1+2"}
    interviews({name: ["train", words] for name, words in told.items()})
    Path("many/eva.txt").write_bytes(Path("many/ann.txt").read_bytes())  # not read by themes
    Path("many/zed.txt").write_text("")
    with Path("many/bob.txt").open("a") as file:
        file.write("\n\nIvo: Thank you.\n")
    Path("at.csv").write_text(
        "file,speaker,site,role\nann,Ann,North,nurse\nbob,Bob,South,cook\nbob,Ivo,South,asks\n"
        "eva,,West,\n"
    )

    execute_batch(collection("guide=guide.txt", "attributes=at.csv"), answering)

    assert [
        ["transcript", "site", "role", *QUESTIONS],
        ["ann.txt", "North", "Ann: nurse", *["'=1+2 (S0002)"] * 2],
        ["bob.txt", "South", "Bob: cook; Ivo: asks", *["no answer found"] * 2],
        ["cem.txt", "not given", "Cem: not given", *["partly: maybe (S0002)"] * 2],
        ["dee.txt", "not given", "Dee: not given", *["not analyzed"] * 2],
        ["eva.txt", "West", "", *["'=1+2 (S0002)"] * 2],
        ["zed.txt", "", "", *["not analyzed"] * 2],
    ] == rows()
    assert "./collection/answers.csv" in Path("batch/report.html").read_text()


def test_an_answer_without_a_verified_quote_names_no_segment() -> None:
    interviews({"ann": ["train", "wifi"], "bob": ["train"]})

    def inventing(request: Request) -> str:
        return answering(request).replace("Reading mail on board", "Whales sing far below")

    execute_batch(collection("guide=guide.txt"), inventing)

    (_, *ann), (_, *bob) = rows()[1:]
    assert ["Whales sing far below works."] * 2 == ann
    assert ["The night train is a joy. (S0001)"] * 2 == bob


def test_a_resumed_batch_has_the_files_and_questions_of_its_last_session() -> None:
    interviews({"ann": ["train", "wifi"], "bob": ["train", "never"], "cem": ["train", "price"]})
    execute_batch(collection("guide=guide.txt"), answering)
    assert 4 == len(rows())
    Path("many/bob.txt").unlink()
    Path("guide.txt").write_text(f"What else?\n{QUESTIONS[1]}\n")

    job = read_resumption(["resume=batch", "allow_changed=true"]).job
    _, transport = execute_batch(job, answering, again=True, whole=False)

    assert ["what_else"] * 2 == [r.node for r in transport.requests if r.node[:5] == "what_"]
    assert [
        ["transcript", "What else?", QUESTIONS[1]],
        ["ann.txt", *["Reading mail on board works. (S0002)"] * 2],
        ["cem.txt", *["Tickets are too dear. (S0002)"] * 2],
    ] == rows()
    assert [] == collection_faults(Path("batch"))
    TABLE.write_text(TABLE.read_text().replace("too dear", "cheap"))
    assert ["it does not match answers.csv, which colloquy-report rebuilds"] == collection_faults(
        Path("batch")
    )


def test_without_a_guide_there_is_no_table() -> None:
    interviews({"ann": ["train"], "bob": ["train"]})
    execute_batch(collection("guide=guide.txt"), answering)
    assert 3 == len(rows())

    execute_batch(collection(), answering, again=True, whole=False)
    try_write_report(Path("batch"))

    assert not TABLE.exists()
    assert "answers.csv" not in Path("batch/report.html").read_text()


def test_answers_have_their_names_back() -> None:
    said = "Eve Miller says the rota is hard."
    interviews({"ann": ["train", said], "bob": ["train", "price"]})

    _, transport = execute_batch(
        collection("guide=guide.txt", "transcript.redact=names"), answering
    )

    assert not any("Miller" in prompt_of(request) for request in transport.requests)
    assert [f"{said} (S0002)"] * 2 == rows()[1][1:]


@pytest.mark.parametrize(("name", "stage"), [("../x", "a"), ("x", "../../x"), ("x", "joint")])
def test_only_answers_about_a_transcript_in_its_run_are_read(name: str, stage: str) -> None:
    batch = with_collection(batch_by_hand(Path("batch")), themes())
    asked = {"stage": stage, "variables": {"question": "Why?"}}
    stages = {"joint": {"scope": "collection"}}
    settings = json.dumps({"analyzers": {name: asked}, "stages": stages})
    (batch / "config/resolved.yaml").write_text(settings)

    try_write_report(batch, runs_too=False)

    assert (TABLE.with_name("matrix.csv").exists(), TABLE.exists()) == (True, False)


@pytest.mark.parametrize("folder", ["intermediate", "intermediate/stage_a"])
def test_a_link_to_the_answers_of_another_run_is_not_followed(folder: str) -> None:
    interviews({"ann": ["train"], "bob": ["wifi"]})
    execute_batch(collection("guide=guide.txt"), answering)
    ann, bob = (next(Path("batch/runs").glob(f"*/{name}-*")) for name in ("ann", "bob"))
    shutil.rmtree(bob / folder)
    (bob / folder).symlink_to((ann / folder).resolve())

    assert ["bob.txt", "not analyzed", "not analyzed"] == rows()[2]
