"""The benchmark runs and prints its table; its figures are read by people, not asserted here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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
