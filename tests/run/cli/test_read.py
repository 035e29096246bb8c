"""Command `colloquy-read`, and the report's way into plan, log, metadata and table."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from helpers import job
from helpers.runs import execute, load

from runner.base.files import write_json
from runner.job.job import BatchJob
from runner.record.stored_transcript import read_transcript_file
from runner.reports.report.write import write_report
from runner.run.batch.plan import plan_batch
from runner.run.cli.read import main

DOUBT = "1 of 4 segments repeat the one before: S0004 'One bar lost.'"
CALL = "# Yard review\n\nAna: One bar lost.\nBo: Two bars.\nAna: One bar lost.\nAna: One bar lost."


def colloquy_read(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["colloquy-read", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(str(ended.value.code))


def test_the_command_shows_report_and_first_segments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "call.md"
    file.write_text(CALL)

    code = colloquy_read(monkeypatch, str(file), "--segments", "2")
    lines = capsys.readouterr().out.splitlines()

    assert 0 == code
    assert "read as: text, label in the line; 2 speakers; 4 segments" in lines[0]
    assert f"doubt: {DOUBT}" in lines
    assert "title: Yard review" in lines
    assert ["Ana", "3"] in [line.split() for line in lines]
    assert ["[S0001 Ana] One bar lost.", "[S0002 Bo] Two bars.", "and 2 more"] == lines[-3:]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["none.txt"], 7, "none.txt: no such file"),
        (["call.md", "transcript.formt=text"], 2, "did you mean 'transcript.format'?"),
        (["call.md", "transcript.format=txt"], 2, "did you mean 'text'?"),
        (["call.md", "format=txt"], 2, "did you mean 'text'?"),
        (["call.md", "model=offline"], 2, "expected transcript.KEY=VALUE"),
        (["call.md", "--segments", "few"], 2, "expected a whole number"),
        ([], 2, "too few arguments"),
    ],
)
def test_a_wrong_command_is_one_line_and_its_exit_code(
    arguments: list[str],
    code: int,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("call.md").write_text(CALL)

    assert code == colloquy_read(monkeypatch, *arguments)
    error = capsys.readouterr().err
    assert told in error
    assert 1 == error.count("\n")


def test_a_run_carries_the_report_to_every_place_that_shows_it(tmp_path: Path) -> None:
    file = tmp_path / "call.md"
    file.write_text(CALL)
    made = job("transcript=file", f"transcript.path={file}")

    _, path, _ = execute(made)
    stored = read_transcript_file(path)
    events = (path / "logs" / "events.jsonl").read_text()
    write_report(path)

    assert made.transcript.reading == stored.reading
    assert {"Ana": 3, "Bo": 1} == load("metadata.json")["reading"]["speakers"]
    assert DOUBT in load("metadata.json")["reading"]["warnings"]
    assert DOUBT in events
    assert "text, label in the line; 2 speakers; 4 segments" in events
    assert "1 of 4 segments repeat the one before" in (path / "report.html").read_text()


def test_a_transcript_file_of_an_older_run_has_no_report(tmp_path: Path) -> None:
    file = tmp_path / "call.md"
    file.write_text(CALL)
    _, path, _ = execute(job("transcript=file", f"transcript.path={file}"))
    data = load("transcript.json")
    del data["reading"]
    write_json(path / "transcript.json", data)

    assert read_transcript_file(path).reading is None


def test_the_plan_of_a_batch_counts_the_files_in_doubt(tmp_path: Path) -> None:
    (tmp_path / "doubtful.md").write_text(CALL)
    (tmp_path / "plain.md").write_text("Ana: One.\nBo: Two.\nAna: Three.\n")
    made = job("transcript=file", f"transcript.path={tmp_path}")
    assert isinstance(made, BatchJob)

    lines = plan_batch(made).as_text().splitlines()

    assert "doubts   about 1 file; colloquy-read FILE shows them" in lines


def test_what_would_be_masked_is_shown_with_the_segments_as_they_would_be_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (file := tmp_path / "talk.txt").write_text("Ana Silva: Ana here, a@b.org.\nBo: PRJ-7, Ana.\n")
    words = ["transcript.redact=all", "transcript.redact_patterns=['PRJ-[0-9]+']"]
    code, told = colloquy_read(monkeypatch, str(file), *words), capsys.readouterr().out

    assert 0 == code
    assert ["PERSON_1_2", "Ana", "2"] in [line.split() for line in told.splitlines()]
    assert "[S0001 PERSON_1] PERSON_1_2 here, EMAIL_1." in told
    assert "[S0002 PERSON_2] OWN_1, PERSON_1_2." in told
