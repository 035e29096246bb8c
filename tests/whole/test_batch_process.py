"""Batches as real processes: stopped, killed, finished, planned, compared."""

from __future__ import annotations

import csv
import json
import os
import signal
from pathlib import Path

import pytest
from helpers import job
from helpers.processes import colloquy, provider, start_at, until
from helpers.runs import load

from runner.reports.verify import verify
from runner.run.cli.command_line import expand_arguments

pytestmark = pytest.mark.slow

FILES = 6
CALLS = FILES * 8


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    folder = tmp_path / "talks"
    folder.mkdir()
    for number in range(FILES):
        text = f"Ann: This is talk {number}; we should wait.\n\nBo: The pump failed twice.\n"
        (folder / f"talk_{number}.txt").write_text(text)
    return tmp_path


def rows(batch: Path) -> list[dict[str, str]]:
    with (batch / "results.csv").open() as file:
        return list(csv.DictReader(file))


def batch_of(folder: Path) -> Path:
    (batch,) = (folder / "outputs/batches").iterdir()
    return batch


def stored_in(folder: Path) -> int:
    """Return how many answers the store or a record has."""
    records = [load(file) for file in batch_of(folder).glob("runs/*/*/intermediate/*/*.json")]
    stored = {file.stem for file in (folder / "outputs/store").glob("*/*.json")}
    return len(stored | {record["key"] for record in records if record["status"] == "ok"})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_batch_that_is_stopped_or_killed_is_finished_and_pays_for_no_answer_twice(
    talks: Path, number: signal.Signals
) -> None:
    with provider("patentability") as at:
        arguments = ("model=openai", f"model.api_base={at.url}", "transcript=talks")
        process = start_at(at.url, talks, *arguments, "processing.max_concurrent=3")
        until(lambda: at.asked["patentability"] == 3)  # which take all slots
        until(lambda: stored_in(talks) == at.asked.total() - 3)
        process.send_signal(number)
        if number == signal.SIGINT:
            until(lambda: "finishing 3 calls in flight" in process.errors)
        at.release()
        process.wait()
        stopped, before = batch_of(talks), at.asked.total()
        kept = stored_in(talks)

        assert process.returncode == (130 if number == signal.SIGINT else -number)
        assert before < CALLS
        assert before - kept == (3 if number == signal.SIGKILL else 0)  # those in flight
        assert verify(stopped) == []

        again = start_at(at.url, talks, f"resume={stopped}")
        errors = again.wait().stderr

        assert again.returncode == 0, errors
        assert at.asked.total() == before + CALLS - kept  # what was stored is not asked for again
        assert [row["status"] for row in rows(stopped)] == ["completed"] * FILES
        assert load(stopped / "metadata.json")["totals"]["attempts"] == at.asked.total()
        assert verify(stopped) == []


def test_a_folder_is_named_with_or_without_a_slash(talks: Path) -> None:
    folder = talks / "talks"
    assert ["transcript=file", f"transcript.path='{folder}'"] == expand_arguments(
        [f"transcript={folder}"]
    )
    os.chdir(talks)
    assert ["transcript=file", "transcript.path='talks'"] == expand_arguments(["transcript=talks"])
    (talks / "sample").mkdir()
    assert ["transcript=sample"] == expand_arguments(["transcript=sample"])


def test_a_sweep_over_a_folder_compares_its_batches(talks: Path) -> None:
    done = colloquy("-m", "transcript=talks", "processing.max_concurrent=1,4", cwd=talks)
    (sweep,) = (talks / "outputs/sweeps").iterdir()
    groups = json.loads((sweep / "comparison.json").read_bytes())

    assert done.returncode == 0, done.stderr
    assert len(rows(sweep)) == 2 * FILES
    assert "2 batches, 12 files: 12 completed" in done.stderr
    assert len(groups["settings"]) == 2


def test_a_shard_is_its_part_of_the_folder(talks: Path) -> None:
    os.chdir(talks)
    made = job("transcript=file", "transcript.path=talks", "batch.shards=4", "batch.shard=3")

    assert ["talk_3.txt"] == [given.name for given in made.inputs]
