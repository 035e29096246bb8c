"""A pooled sweep: its jobs side by side in one event loop, under the limits they share."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.processes import provider, start_at, until

from runner.reports.verify import verify

pytestmark = pytest.mark.slow


def test_jobs_run_side_by_side_and_each_keeps_its_own_records(tmp_path: Path) -> None:
    """Three jobs of two slots each; one more has a value that is refused."""
    with provider("say_means", "perspective_perception") as at:
        process = start_at(
            *(at.url, tmp_path, "-m", "hydra/launcher=pooled", "model=openai"),
            *(f"model.api_base={at.url}", "processing.max_concurrent=2", "repeat=0,1,2,-1"),
        )
        until(lambda: at.asked.total() == 6)  # which take the slots of all three
        at.release()
        done = process.wait()
    (sweep,) = (tmp_path / "outputs/sweeps").iterdir()

    assert done.returncode == 2, done.stderr
    assert "repeat=-1" in done.stderr
    assert at.asked.total() == 24
    assert (sweep / "comparison.json").is_file()
    for number in range(3):
        job = sweep / str(number)
        log = (job / "logs/events.jsonl").read_text().splitlines()
        events = [json.loads(line)["event"] for line in log]

        assert verify(job) == []
        assert (job / "COMPLETED").is_file()
        assert events.count("run.started") == events.count("run.finished") == 1
        assert events.count("call.finished") == 8
