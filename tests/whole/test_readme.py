"""Every command of the README and of the pages in docs/ runs as printed."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from helpers import job, serving, warm
from helpers.documentation import PAGES, PROJECT, ROOT, TARGETS, blocks
from helpers.processes import warm_server

import colloquy
from runner.providers.offline.document import read_document
from runner.providers.offline.readings import find_reading
from runner.providers.simulated.chat import asked_of

pytestmark = pytest.mark.slow

Shell = Callable[..., subprocess.CompletedProcess[str]]


def program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/bash\n{text}\n")
    path.chmod(0o755)


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the commands that the documentation uses.

    Those of the project are forked from a process that has imported everything. python, make
    and litellm only check what they are given.
    """
    folder = tmp_path_factory.mktemp("bin")
    call = shlex.join([sys.executable, "-SE", warm.__file__, "call", warm_server().door])
    for name in PROJECT["scripts"]:
        program(folder / name, f'exec {call} {name} "$@"')
    for name in ("colloquy-simulate", "colloquy-review"):  # which serve until they are stopped
        module = PROJECT["scripts"][name].partition(":")[0]
        program(folder / name, f'exec {sys.executable} -m {module} "$@"')
    extras = (f"{PROJECT['name']}[{extra}]" for extra in PROJECT["optional-dependencies"])
    wanted = "|".join(f"'-m pip install {extra}'" for extra in extras)
    program(folder / "python", f'case "$*" in {wanted}) ;; *) exit 1 ;; esac')
    program(folder / "make", f'case "$*" in {"|".join(TARGETS)}) ;; *) exit 1 ;; esac')
    program(folder / "litellm", 'test "$1" = --config && test -f "$2"')
    (folder / "activate").write_text(f'PATH="{folder}:$PATH"\n')
    return folder


@pytest.fixture(scope="module")
def shell(tools: Path) -> Shell:
    """Return what runs a text as a bash script in a folder."""

    # The shell's own kill, since a minimal Debian has no other; a job may have ended.
    stop_servers = "trap 'for job in $(jobs -p); do kill $job || :; done' EXIT\n"

    def run(folder: Path, script: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-eo", "pipefail", "-c", stop_servers + script],
            cwd=folder,
            env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", **more},
            capture_output=True,
            text=True,
        )

    return run


@pytest.fixture(scope="module")
def finished(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the run RUN, the batch BATCH and the sweep SWEEP."""
    folder = tmp_path_factory.mktemp("finished")
    write_transcripts(folder)
    done = shell(
        folder,
        "colloquy transcript=meeting.vtt\ncolloquy transcript=talks\n"
        "colloquy -m transcript=meeting.vtt processing.max_concurrent=1,4",
    )
    assert done.returncode == 0, done.stderr
    for kind, name in (("runs", "RUN"), ("batches", "BATCH"), ("sweeps", "SWEEP")):
        (made,) = (folder / "outputs" / kind).iterdir()
        made.rename(made.with_name(name))
    return folder


def write_transcripts(folder: Path) -> None:
    (folder / "meeting.vtt").write_text(
        "WEBVTT\n\n00:01.000 --> 00:05.000\n<v Ann>We should wait, because the pump failed.\n\n"
        "00:05.000 --> 00:09.000\n<v Bo>If we wait, then we lose the contract.\n"
    )
    (folder / "talks" / "later").mkdir(parents=True)
    for name in ("talks/one.txt", "talks/later/two.txt"):
        (folder / name).write_text(
            f"Ann: This is {name}.\n\nBo: We should wait, unless it rains.\n"
        )


@pytest.fixture
def workplace(tools: Path, finished: Path, tmp_path: Path) -> Path:
    """Return a clone as the documentation assumes it: its environment, transcripts and runs."""
    folder = tmp_path / "workplace"
    shutil.copytree(finished, folder)
    (folder / ".venv").mkdir()
    (folder / ".venv/bin").symlink_to(tools)
    (folder / "colloquy").symlink_to(ROOT / "colloquy")
    return folder


def write_files(folder: Path, text: str) -> None:
    """Write the blocks of a page, as they stand, to the file that each names in a comment."""
    modules = [block for block in blocks("python", text) if block.startswith("# mine/")]
    for block in (*blocks("markdown", text), *blocks("yaml", text), *modules):
        named = re.search(r"^(?:<!--|#) ([\w/]+\.\w+)", block, re.MULTILINE)
        assert named is not None
        path = folder / named[1]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block)


@contextmanager
def collector() -> Iterator[tuple[str, list[str]]]:
    """Run an OTLP collector on loopback; yield its address and the paths it was sent."""
    received: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            received.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", received
        server.shutdown()


def offline_reply(body: Mapping[str, Any]) -> str:
    """Answer a provider's request as the offline model would."""
    prompt = body["messages"][-1]["content"]
    return json.dumps(readings()[asked_of(body)](read_document(prompt)))


@cache
def readings() -> dict[str, Callable[..., Any]]:
    """Return what the offline model answers with, by analyzer."""
    jobs = (job("pipeline=transcript_analysis"), job("pipeline=meeting"), job("pipeline=interview"))
    return {n: find_reading(a.module) for made in jobs for n, a in made.analyzers.items()}


@pytest.mark.parametrize("page", [name for name in PAGES if blocks("sh", PAGES[name])])
def test_every_command_of_a_page_succeeds(page: str, shell: Shell, workplace: Path) -> None:
    """Only addresses and ports are replaced, and the simulated provider answers sooner."""
    text = PAGES[page]
    write_files(workplace, text)
    asked: list[str] = []

    def reply(body: Mapping[str, Any]) -> str:
        asked.append(asked_of(body))
        return offline_reply(body)

    with serving(reply) as url, collector() as (traces, received):
        replaced = {
            "http://127.0.0.1:8000/v1": url,
            "http://localhost:4318": traces,
            "port=8089": "port=0",
            "model=simulated": "model=simulated model.simulate.latency_s=0.02 "
            "model.simulate.per_token_s=0",
        }
        output = ""
        for block in blocks("sh", text):
            script = block
            for printed, real in replaced.items():
                script = script.replace(printed, real)
            done = shell(workplace, script, OPENAI_BASE_URL=url)
            output += done.stderr

            assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"

    commands = [line for block in blocks("sh", text) for line in block.split("\n")]
    live = [line for line in commands if "model=openai" in line or "model=vllm" in line]
    calls = [5 if "pipeline=" in line else 8 for line in live if "plan=true" not in line]
    assert sum(calls) == len(asked)
    assert bool(received) == ("traces" in text and "colloquy-traces" in text)
    for extra in re.findall(rf"'{PROJECT['name']}\[(\w+)\]'", output):
        assert f"-m pip install '{PROJECT['name']}[{extra}]'" in text or f"`{extra}`" in text
    runs = [path.parent for path in (workplace / "outputs").glob("**/metadata.json")]
    assert [run for run in runs if not (run / "COMPLETED").exists()] == []
    pages = (path.read_text() for path in (workplace / "outputs").glob("**/intermediate/**/*.md"))
    assert [page for page in pages if "could not be shown" in page] == []


def test_the_insight_shown_in_readme_is_one_of_the_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    _, _, after = readme.partition("say_means.md` looks like this:\n\n```text\n")
    shown = after.partition("```")[0]
    page = (colloquy.run().path / "intermediate/stage_a/say_means.md").read_text(encoding="utf-8")

    assert shown.count("\n") == 2
    assert shown in re.sub(r"\(\[(S\d+)\]\([^)]*\)\)", r"(\1)", page)


def test_make_run_runs_the_sample(tmp_path: Path) -> None:
    """In a copy, with this environment in place of the one that make would set up."""
    copy = tmp_path / "copy"
    shutil.copytree(
        ROOT, copy, ignore=shutil.ignore_patterns(".venv", ".git", "outputs", ".*_cache")
    )
    (copy / ".venv").symlink_to(Path(sys.prefix))
    (copy / ".venv" / ".run").touch()
    done = subprocess.run(["make", "run"], cwd=copy, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert "status=completed exit=0 ok=8 failed=0" in done.stdout
