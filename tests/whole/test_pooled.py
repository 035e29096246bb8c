"""A pooled sweep: its jobs side by side in one event loop, under the limits they share."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from helpers import serving
from helpers.processes import colloquy

from runner.config.schema import SimulateSettings
from runner.providers.simulated import reply_to
from runner.reports.verify import verify

pytestmark = pytest.mark.slow


def test_jobs_run_side_by_side_and_each_keeps_its_own_records(tmp_path: Path) -> None:
    """Three jobs of two slots each; one more has a value that is refused."""
    slow = SimulateSettings(by_analyzer_s={"say_means": 0.5, "first_principles": 0.5})
    with serving(reply_to, settings=slow) as url:
        done = colloquy(
            *("-m", "hydra/launcher=pooled", "model=openai", f"model.api_base={url}"),
            *("processing.max_concurrent=2", "repeat=0,1,2,-1"),
            cwd=tmp_path,
            OPENAI_API_KEY="not-a-key",
        )
        with urlopen(f"http://{urlsplit(url).netloc}/stats") as answer:
            stats = json.load(answer)
    (sweep,) = (tmp_path / "outputs/sweeps").iterdir()

    assert done.returncode == 2, done.stderr
    assert "repeat=-1" in done.stderr
    assert stats["requests"] == 24
    assert 2 < stats["peak_in_flight"] <= 6
    assert (sweep / "comparison.json").is_file()
    for number in range(3):
        job = sweep / str(number)
        log = (job / "logs/events.jsonl").read_text().splitlines()
        events = [json.loads(line)["event"] for line in log]

        assert verify(job) == []
        assert (job / "COMPLETED").is_file()
        assert events.count("run.started") == events.count("run.finished") == 1
        assert events.count("call.finished") == 8
