"""A batch's journal and table, read by run and within limits."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from runner.record import batch_directory, journal, journal_calls
from runner.record.batch_directory import RESULTS, journal_of, rows_of, runs_of
from runner.record.journal import read_journal, spent_in


def line(run: int, **facts: object) -> bytes:
    event = {"event": "call.started", "run": f"runs/00/r{run}", "analyzer": "a", "attempt": 1}
    return orjson.dumps({**event, **facts}, option=orjson.OPT_APPEND_NEWLINE)


@pytest.fixture
def batch(tmp_path: Path) -> Path:
    for run in range(3):
        (tmp_path / f"runs/00/r{run}").mkdir(parents=True)
    (tmp_path / RESULTS).touch()
    return tmp_path


def test_the_lines_of_each_run_are_found_among_those_of_all(batch: Path) -> None:
    lines = [line(number % 3, attempt=number) for number in range(9)]
    (batch / "journal.jsonl").write_bytes(b"torn\n".join(lines) + b"{")

    assert [[0, 3, 6], [1, 4, 7], [2, 5, 8]] == [
        [each["attempt"] for each in journal_of(run)] for run in runs_of(batch)
    ]


def test_a_journal_of_too_much_is_refused_and_not_held_in_memory(
    batch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = batch / "journal.jsonl"
    file.write_bytes(line(0) * 4)
    for module in (journal, batch_directory):
        monkeypatch.setattr(module, "MAX_LISTED", 3)
    with pytest.raises(OSError, match="more than 3 lines of runs/00/r0"):
        journal_of(batch / "runs/00/r0")
    with pytest.raises(OSError, match=r"more than 3 lines$"):
        read_journal(file)

    file.write_bytes(b"".join(line(run) for run in range(5)))
    with pytest.raises(OSError, match="names more than 3 runs"):
        journal_of(batch / "runs/00/r0")
    with pytest.raises(OSError, match="names more than 3 runs"):
        spent_in(file)

    monkeypatch.setattr(journal, "MAX_LISTED", 9)
    monkeypatch.setattr(journal_calls, "MAX_OPEN", 4)
    with pytest.raises(OSError, match="more than 4 calls without an end"):
        spent_in(file)


def test_a_table_of_too_many_rows_is_refused(batch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [orjson.dumps({"event": "run.ended", "transcript": f"t{n}"}) for n in range(4)]
    (batch / RESULTS).write_bytes(b"\n".join(rows))

    assert ["t0", "t1", "t2", "t3"] == [row["transcript"] for row in rows_of(batch)]

    monkeypatch.setattr(batch_directory, "MAX_LISTED", 3)
    with pytest.raises(OSError, match="has more than 3 rows"):
        rows_of(batch)


def test_rows_of_earlier_sessions_do_not_count(
    batch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    statuses = ["failed"] * 6 + ["completed"] * 3
    rows = [
        orjson.dumps({"event": "run.ended", "transcript": f"t{n % 3}", "status": status})
        for n, status in enumerate(statuses)
    ]
    (batch / RESULTS).write_bytes(b"\n".join(rows))
    monkeypatch.setattr(batch_directory, "MAX_LISTED", 3)

    assert ["completed"] * 3 == [row["status"] for row in rows_of(batch)]
