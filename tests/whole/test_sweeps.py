"""The sweeps that ship, in processes of their own: compared at their end, taken up again."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from helpers import processes
from helpers.processes import provider, until

pytestmark = pytest.mark.slow
TALK = "Ann: The buoy reads two degrees too warm.\nBo: Then let us calibrate it in April.\n"


def colloquy(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    (cwd / "talk.txt").write_text(TALK)
    given = () if arguments[0].startswith("resume=") else ("transcript=talk.txt",)
    return processes.colloquy(*arguments, *given, cwd=cwd)


def compared(outputs: Path) -> dict[str, Any]:
    (sweep,) = (outputs / "sweeps").iterdir()
    return json.loads((sweep / "comparison.json").read_text())


def test_the_sweeps_that_ship_run_without_a_key_and_are_compared(tmp_path: Path) -> None:
    expected = {
        "max_concurrent": [f"processing.max_concurrent={n}" for n in (1, 2, 4, 8)],
        "context_budget": [
            f"processing.stage_b_context_token_budget={n}" for n in (1000, 2000, 4000, 8000)
        ],
        "provider": [f"model.name={name}" for name in ("offline/extractive", "openai/simulated")],
        "priming": [f"processing.prime_prefix={value}" for value in ("on", "off", "auto")],
    }
    (tmp_path / "talk.txt").write_text(TALK)
    sweeps = [
        processes.start(f"sweep={name}", f"output.dir={name}", "transcript=talk.txt", cwd=tmp_path)
        for name in expected
    ]
    done = [sweep.wait() for sweep in sweeps]
    told = {name: compared(tmp_path / name) for name in expected}

    assert {name: [s["label"] for s in t["settings"]] for name, t in told.items()} == expected
    assert {r["status"] for t in told.values() for r in t["runs"]} == {"completed"}, done
    assert [one.returncode for one in done] == [0] * len(expected)
    assert all(one.stderr.count("\ncomparison=") == 1 for one in done)


def test_an_interrupted_sweep_is_compared_and_resumed_with_what_is_missing(tmp_path: Path) -> None:
    """One job is refused, the next is stopped by a signal, the last is never begun."""
    with provider("say_means", "perspective_perception") as at:
        process = processes.start_at(
            *(at.url, tmp_path, "-m", "processing.max_concurrent=0,2,3"),
            *("model=openai", f"model.api_base={at.url}"),
        )
        until(lambda: at.asked.total() == 2)
        process.send_signal(signal.SIGINT)
        until(lambda: "finishing 2 calls in flight" in process.errors)
        at.release()
        rest = process.wait().stderr
    told = compared(tmp_path / "outputs")

    (sweep,) = (tmp_path / "outputs/sweeps").iterdir()

    assert process.returncode == 130, rest
    assert f"to finish the sweep: colloquy resume=outputs/sweeps/{sweep.name}\n" in rest
    assert [run["status"] for run in told["runs"]] == ["missing", "interrupted", "missing"]
    assert told["runs"][2]["reason"].startswith("not begun (")


def test_resuming_a_sweep_runs_only_what_is_missing(tmp_path: Path) -> None:
    sweep = tmp_path / "outputs/sweeps/s"
    first = colloquy(
        "-m", "processing.max_concurrent=1,0,4", f"hydra.sweep.dir='{sweep}'", cwd=tmp_path
    )
    before = (sweep / "0/journal.jsonl").read_bytes()
    for file in ("COMPLETED", "intermediate/stage_b/patentability.json"):
        (sweep / "2" / file).unlink()
    again = colloquy(f"resume={sweep}", cwd=tmp_path)
    told = json.loads((sweep / "comparison.json").read_text())

    assert (first.returncode, again.returncode) == (2, 2), again.stderr
    assert (sweep / "0/journal.jsonl").read_bytes() == before
    assert [run["status"] for run in told["runs"]] == ["completed", "missing", "completed"]
    assert again.stderr.count("run.started") == 1
    assert "processing.max_concurrent=0" in again.stderr
    assert "sweeps/s/0/report.html" in (tmp_path / "outputs/index.html").read_text()
