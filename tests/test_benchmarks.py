"""The benchmark runs and prints its table; its figures are read by people, not asserted here."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.soak import play, scenarios

ROOT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.slow


def test_the_benchmark_prints_a_row_for_every_configuration() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.before_after", "--repeats", "1", "--scale", "0.1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    rows = [line.split() for line in done.stdout.strip().split("\n")[2:]]

    assert done.returncode == 0, done.stderr
    assert [(row[0], row[1]) for row in rows] == [
        ("sequential", "1"),
        *(("concurrent", slots) for slots in ("1", "2", "3", "4", "8")),
    ]
    assert [row[3] for row in rows] == ["0.280", "0.280", "0.140", "0.100", "0.100", "0.100"]
    assert {row[-1] for row in rows} == {"8/8"}


def test_the_recorded_table_is_one_that_the_benchmark_printed() -> None:
    text = (ROOT / "docs/benchmarks.md").read_text(encoding="utf-8")

    assert "python -m benchmarks.before_after" in text or "make bench" in text
    assert "mode        slots  wall s  ideal s  wall/ideal  speed-up  tokens  succeeded" in text


def test_the_soak_loses_no_call_that_another_request_could_bring() -> None:
    """A tenth of its storm and a few replies that have to be asked for again."""
    storm = next(s for s in scenarios(0.1) if s.name.startswith("storm"))
    script = ["bad_answer", "length", "status_500", "no_content"]
    mended = replace(storm, name="mended", calls=12, settings={"latency_s": 0.0, "script": script})
    rows = [asyncio.run(play(scenario)) for scenario in (storm, mended)]

    assert [(row.calls, row.lost) for row in rows] == [(50, 0), (12, 0)]
    assert rows[1].requests == 12 + len(script)
