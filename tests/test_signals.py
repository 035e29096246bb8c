"""Signals and kills sent to a real process that talks to a real loopback server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from helpers import serving

from runner.config.schema import SimulateSettings
from runner.providers.simulated import reply_to, schema_name
from runner.reports.verify import verify

pytestmark = pytest.mark.slow

STAGE_A = ("say_means", "perspective_perception", "premises_assertions", "postulate_theorem")


class Provider:
    """Counts the calls of each analyzer; *latency_s* by analyzer, 0 where not named."""

    def __init__(self, url: str, asked: Counter[str]) -> None:
        self.url = url
        self.asked = asked


@contextmanager
def provider(latency_s: Mapping[str, float], port: int = 0) -> Iterator[Provider]:
    asked: Counter[str] = Counter()

    def reply(body: Mapping[str, Any]) -> str:
        asked[schema_name(body)] += 1
        return reply_to(body)

    with serving(reply, settings=SimulateSettings(by_analyzer_s=dict(latency_s)), port=port) as url:
        yield Provider(url, asked)


def start(url: str, cwd: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "runner"]
    if not arguments:
        arguments = ("model=openai", f"model.api_base={url}", "processing.max_concurrent=4")
    return subprocess.Popen(
        [*command, *arguments],
        cwd=cwd,
        env={**os.environ, "OPENAI_API_KEY": "not-a-real-key"},
        stderr=subprocess.PIPE,
        text=True,
    )


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def run_of(folder: Path) -> Path:
    (run,) = (folder / "outputs/runs").iterdir()
    return run


def load(path: Path) -> Any:
    return json.loads(path.read_bytes())


def finish(folder: Path, url: str) -> subprocess.CompletedProcess[str]:
    """Resume the one run in *folder*."""
    process = start(url, folder, f"resume={run_of(folder)}", f"model.api_base={url}")
    _, errors = process.communicate(timeout=60)
    return subprocess.CompletedProcess([], process.returncode, "", errors)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_lets_calls_in_flight_finish_and_sends_no_more(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    with provider(dict.fromkeys(STAGE_A, 1.5)) as at:
        process = start(at.url, tmp_path)
        until(lambda: at.asked.total() == 4)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        run = run_of(tmp_path)
        statuses = load(run / "metadata.json")["stages"]

        assert process.returncode == code, errors
        assert at.asked.total() == 4
        assert "finishing 4 calls in flight" in errors
        assert set(statuses["stage_a"]["analyzers"].values()) == {"ok"}
        assert set(statuses["stage_b"]["analyzers"].values()) == {"not_run"}
        assert load(run / "metadata.json")["status"] == "interrupted"
        assert verify(run) == []

        done = finish(tmp_path, at.url)

        assert done.returncode == 0, done.stderr
        assert set(at.asked.values()) == {1}
        assert verify(run) == []


def test_the_second_signal_cancels_at_once_and_nothing_is_torn(tmp_path: Path) -> None:
    with provider({**dict.fromkeys(STAGE_A, 300.0), "say_means": 0.0}) as at:
        process = start(at.url, tmp_path)
        until(lambda: (tmp_path / "outputs").exists() and committed(tmp_path) == {"say_means"})
        process.send_signal(signal.SIGINT)
        until(lambda: "interrupted" in (run_of(tmp_path) / "logs/events.jsonl").read_text())
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        run = run_of(tmp_path)

        assert process.returncode == 130, errors
        assert load(run / "metadata.json")["status"] == "interrupted"
        assert "Traceback" not in errors
        assert f'resume="colloquy resume={run.relative_to(tmp_path)}"' in errors
        assert verify(run) == []


def committed(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("outputs/runs/*/intermediate/*/*.json")}


def test_a_killed_run_is_finished_without_a_second_call_for_what_was_committed(
    tmp_path: Path,
) -> None:
    slow = {"postulate_theorem": 300.0}
    with provider(slow) as at:
        process = start(at.url, tmp_path)
        until(lambda: len(committed(tmp_path)) == 3)
        process.kill()
        process.communicate(timeout=60)
    before = committed(tmp_path)
    with provider({}, port=urlsplit(at.url).port or 0) as at:
        done = finish(tmp_path, at.url)
        run = run_of(tmp_path)

        assert done.returncode == 0, done.stderr
        assert before.isdisjoint(at.asked)
        assert at.asked.total() == 5
        assert load(run / "metadata.json")["totals"]["unsettled"] == 1
        assert verify(run) == []


def test_two_runs_never_share_a_directory(tmp_path: Path) -> None:
    with provider(dict.fromkeys(STAGE_A, 300.0)) as at:
        first = start(at.url, tmp_path)
        until(lambda: at.asked.total() == 4)
        before = at.asked.total()
        second = finish(tmp_path, at.url)
        first.kill()
        first.communicate(timeout=60)

        assert second.returncode == 9, second.stderr
        assert f"is in use by process {first.pid} on" in second.stderr
        assert at.asked.total() == before


def test_a_signal_ends_a_sweep_and_its_other_jobs_are_not_begun(tmp_path: Path) -> None:
    with provider(dict.fromkeys(STAGE_A, 1.0)) as at:
        process = start(
            at.url,
            tmp_path,
            "-m",
            "model=openai",
            f"model.api_base={at.url}",
            "processing.max_concurrent=4,3,2",
        )
        until(lambda: at.asked.total() == 4)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)

    assert process.returncode == 130, errors
    assert len(list(tmp_path.glob("outputs/sweeps/*/*/metadata.json"))) == 1
