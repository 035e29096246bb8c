"""The command in a process of its own, with a provider that counts its calls."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from helpers import serving
from runner.providers.simulated import reply_to, schema_name


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

    with serving(reply, latency_s=latency_s, port=port) as url:
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


def finish(folder: Path, url: str) -> subprocess.CompletedProcess[str]:
    """Resume the one run in *folder*."""
    process = start(url, folder, f"resume={run_of(folder)}", f"model.api_base={url}")
    _, errors = process.communicate(timeout=60)
    return subprocess.CompletedProcess([], process.returncode, "", errors)
