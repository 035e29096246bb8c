"""report.html of a batch: what its analyst reads first, what is missing, hostile contents."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from helpers.pages import HOSTILE, QUOTE, Seen, batch_by_hand, insight, record_of

from runner.reports.report import batch as batch_module
from runner.reports.report.write import main as report
from runner.reports.report.write import try_write_report, write_report


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return batch_by_hand(tmp_path_factory.mktemp("made") / "b")


@pytest.fixture
def batch(made: Path, tmp_path: Path) -> Path:
    """Return a batch of one's own, to be spoiled."""
    return shutil.copytree(made, tmp_path / "batches" / "b")


def page_of(path: Path) -> Seen:
    text = write_report(path).read_text()
    seen = Seen(text)
    links = [link.partition("#") for link in seen.links]

    assert {here for file, _, here in links if not file} <= set(seen.ids)
    assert all(file.startswith("./") and (path / file).is_file() for file, _, _ in links if file)
    assert all(b <= a + 1 for a, b in zip([0, *seen.headings], seen.headings, strict=False))
    assert len(seen.ids) == len(set(seen.ids))
    assert not {"iframe", "img", "object", "embed", "base"} & set(seen.tags)
    assert not [name for _, name, _ in seen.attributes if name.startswith("on")]
    return seen


def test_it_shows_files_decisions_actions_by_owner_and_the_most_confident_insights(
    batch: Path,
) -> None:
    words = " ".join(page_of(batch).words.split())

    for said in (
        "talks 4 files · 5 speaker names · read on 2026-11-28",
        "All of aDecisions Decided in a",
        "2 more in its report",
        "AnnCall bFridayb.txt S0003 Speaker 3 0:00:03",
        "ZoeCall aFridaya.txt",
        "The most confident insights Seen in b “I say sentence 2”S0003 Speaker 3",
        "b.txt · next step · confidence 0.90 Seen in a",
        "2 of 4",
        "9 of 10 quotes are in the transcripts",
    ):
        assert said in words
    assert words.index("ZoeCall") > words.index("AnnCall")
    assert words.rindex("How it ran") > words.index("confidence")


def test_a_disagreement_of_a_file_tells_who_holds_what(batch: Path) -> None:
    sides = [{"who": "Ann", "position": "Go"}, {"who": "Bo", "position": "Wait"}]
    found = {"disagreements": [{"matter": "An objection.", "sides": sides}]}
    record_of(batch / "runs/00/a-1", "analyzer_002", structured_data=found)

    assert "An objection. Ann: Go · Bo: Wait" in " ".join(page_of(batch).words.split())


def test_a_decision_of_a_file_tells_whether_it_was_only_reported(batch: Path) -> None:
    found = {
        "decisions": [{"what": "We wait.", "basis": "reported", "conditions": ["If it rains"]}]
    }
    record_of(batch / "runs/00/a-1", "analyzer_001", structured_data=found)

    assert "We wait. reported · If it rains" in " ".join(page_of(batch).words.split())


def test_what_cites_nothing_is_among_the_most_confident_insights_only_if_all_is_so(
    batch: Path,
) -> None:
    file = batch / "runs/00/a-1/insights.json"
    none = {**insight("No needs are recognised.", 0.05), "evidence": []}
    file.write_text(json.dumps([*json.loads(file.read_text()), none]))
    among = page_of(batch).words
    for run in ("00/a-1", "01/b-1"):
        (batch / "runs" / run / "insights.json").write_text(json.dumps([none]))

    assert "Seen in a" in among
    assert "No needs are recognised." not in among
    assert "No needs are recognised." in page_of(batch).words


def test_a_doubtful_insight_is_among_the_most_confident_of_no_batch(batch: Path) -> None:
    first, second = (batch / f"runs/{run}/insights.json" for run in ("00/a-1", "01/b-1"))
    first.write_text(json.dumps([insight("Guessed in a", 0.2)]))
    among = " ".join(page_of(batch).words.split())
    second.write_text(json.dumps([insight("Guessed in b", 0.4)]))
    alone = " ".join(page_of(batch).words.split())

    assert "The most confident insights Seen in b" in among
    assert "Guessed in a" not in among
    assert "1 more are in insights.csv" in among
    assert "Insights, none of them confident Guessed in b" in alone
    assert "Guessed in a" in alone


def test_its_quotes_lead_into_the_reports_of_the_runs_once_they_are_there(batch: Path) -> None:
    try_write_report(batch, runs_too=False)
    before = page_of(batch).links
    try_write_report(batch)
    after = page_of(batch).links

    assert not [link for link in before if "runs/" in link]
    assert "./runs/00/a-1/report.html" in after
    assert "./runs/01/b-1/report.html#seg-3" in after


def test_files_come_in_the_order_of_their_numbers_with_doubts_about_their_reading(
    batch: Path,
) -> None:
    file = batch / "results.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    names = {"a.txt": "Talk 10.txt", "b.txt": "talk 9.txt"}
    for row in rows:
        row["transcript"] = names.get(row["transcript"], row["transcript"])
        row["warnings"] = row["cut"] = 2 if row["transcript"] == "Talk 10.txt" else 0
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    words = page_of(batch).words

    assert words.index("talk 9.txt") < words.index("Talk 10.txt")
    assert words.count("2 of its answers cut") == words.count("its answers cut") == 1
    assert words.count("2 doubts about how it was read") == words.count("about how it was") == 1


def test_files_without_answers_are_named_first_with_the_reason(batch: Path) -> None:
    words = " ".join(page_of(batch).words.split())
    fault = "2 of 4 files have no answers, or not all c.txt: unreadable; the file is empty"

    assert words.index(fault) < words.index("Decided in a")
    assert "d.txt: interrupted; the run was stopped before its end" in words
    assert f"Finish it with colloquy resume={batch}" in words


def test_a_report_that_is_up_to_date_is_not_written_again(batch: Path) -> None:
    try_write_report(batch)
    first, second = (batch / run / "report.html" for run in ("runs/00/a-1", "runs/01/b-1"))
    first.write_text("as it was")
    os.utime(second, (0, 0))
    second.write_text("old")
    os.utime(second, (0, 0))
    try_write_report(batch)

    assert first.read_text() == "as it was"
    assert second.read_text() != "old"


def test_of_more_files_than_fit_the_page_says_where_the_others_are(
    batch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_module, "MAX_FILES", 1)
    words = page_of(batch).words

    assert "The first 1 files; all 4 are in results.csv." in words
    assert "Seen in b" not in words


def test_the_command_writes_the_pages_of_the_runs_before_that_of_the_batch(
    batch: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match=r"^0$"):
        report([str(batch)])
    assert capsys.readouterr().out.splitlines() == [
        str(batch / "runs/00/a-1/report.html"),
        str(batch / "runs/01/b-1/report.html"),
        str(batch / "report.html"),
        str(batch.parent.parent / "index.html"),
    ]
    index = Seen((batch.parent.parent / "index.html").read_text())
    assert index.links == ["./batches/b/report.html"]
    assert "talks" in index.words


def test_hostile_words_are_words_on_the_page_of_a_batch(batch: Path) -> None:
    run = batch / "runs/00/a-1"
    harm = {
        "what": HOSTILE,
        "owner": HOSTILE,
        "due": HOSTILE,
        "evidence": [{**QUOTE, "quote": HOSTILE}],
    }
    for name, kind in (("analyzer_000", "action_items"), ("analyzer_001", "decisions")):
        record_of(run, name, structured_data={kind: [harm, 7, None, "x"], "headline": HOSTILE})
    (run / "insights.json").write_text(json.dumps([insight(HOSTILE, 0.9), {}, 3]))
    row = {"event": "e", "transcript": HOSTILE, "run": "../../elsewhere", "status": HOSTILE}
    with (batch / "results.jsonl").open("a") as file:
        for line in ({**row, "error": HOSTILE}, {"event": "e", "transcript": None, "run": {}}):
            file.write(json.dumps(line) + "\n")
    (batch / "config").mkdir()
    (batch / "config/overrides.json").write_text(json.dumps([HOSTILE]))
    words = page_of(batch).words

    assert "<script>alert(1)</script>" in words
    assert "\x1b" not in words
