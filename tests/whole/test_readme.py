"""Every command in the README and in CONTRIBUTING does what it says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from helpers import job, serving

from runner.providers.offline.document import read_document
from runner.providers.offline.readings import find_reading
from runner.providers.simulated import schema_name

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")

pytestmark = pytest.mark.slow


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


COMMANDS = [line for block in blocks("sh") for line in block.strip().split("\n")]
MAKE = [line for line in COMMANDS if line.startswith("make ")]


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A directory with the files that the README's commands name, written as it says."""
    (tmp_path / "meeting.vtt").write_text(
        "WEBVTT\n\n00:01.000 --> 00:05.000\n<v Ann>We should wait, because the pump failed.\n\n"
        "00:05.000 --> 00:09.000\n<v Bo>If we wait, then we lose the contract.\n"
    )
    (tmp_path / "talks" / "later").mkdir(parents=True)
    for name in ("talks/one.txt", "talks/later/two.txt"):
        (tmp_path / name).write_text(
            f"Ann: This is {name}.\n\nBo: We should wait, unless it rains.\n"
        )
    for block in (*blocks("markdown"), *blocks("yaml")):
        path = re.match(r"(?:<!--|#) (mine/\S+)", block)
        assert path is not None
        (tmp_path / path[1]).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path[1]).write_text(block.split("\n", 1)[1])
    return tmp_path


def quick(command: str) -> str:
    """Let the simulated provider answer sooner than it does for people."""
    return command.replace(
        "model=simulated",
        "model=simulated model.simulate.latency_s=0.02 model.simulate.per_token_s=0",
    )


def offline_reply(body: Mapping[str, Any]) -> str:
    """Answer a provider's request as the offline model would."""
    prompt = body["messages"][-1]["content"]
    reading = find_reading(job().analyzers[schema_name(body)].module)
    return json.dumps(reading(read_document(prompt)))


@pytest.mark.parametrize("command", [c for c in COMMANDS if c not in MAKE])
def test_the_readmes_command_succeeds(command: str, workplace: Path) -> None:
    tools = Path(sys.executable).parent
    with serving(offline_reply) as url:
        done = subprocess.run(
            ["bash", "-c", quick(command).replace("http://127.0.0.1:8000/v1", url)],
            cwd=workplace,
            env={
                **os.environ,
                "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
                "OPENAI_BASE_URL": url,  # where `model=openai` finds its provider here
            },
            capture_output=True,
            text=True,
            timeout=180,
        )
    finished = list(workplace.glob("outputs/**/COMPLETED"))
    values = re.search(r" -m .*(?:max_concurrent|repeat)=([\d,]+)", command)
    jobs = len(values[1].split(",")) if values else 4 if "sweep=" in command else 1
    jobs += 2 if "transcript=talks" in command else 0  # the batch, and a run for each file

    assert done.returncode == 0, done.stderr
    if "model=openai" in command:
        log = next(workplace.glob("outputs/runs/*/logs/events.jsonl")).read_text()
        assert log.count('"logger":"httpx"') == 8
    assert len(finished) == (0 if "--help" in command or "plan=true" in command else jobs)


def test_make_run_runs_the_sample(tmp_path: Path) -> None:
    """In a copy, with this environment standing in for the one that make would set up."""
    copy = tmp_path / "copy"
    shutil.copytree(
        ROOT, copy, ignore=shutil.ignore_patterns(".venv", ".git", "outputs", ".*_cache")
    )
    (copy / ".venv").symlink_to(Path(sys.prefix))
    (copy / ".venv" / ".ready").touch()
    done = subprocess.run(["make", "run"], cwd=copy, capture_output=True, text=True, timeout=180)

    assert done.returncode == 0, done.stderr
    assert "status=completed exit=0 ok=8 failed=0" in done.stderr


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_every_make_target_named_exists(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = set(re.findall(r"make ([a-z]+)", " ".join(blocks("sh", text))))

    assert named
    assert named <= set(targets)


def test_every_link_to_a_file_leads_somewhere() -> None:
    for name in ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "docs/benchmarks.md"):
        page = ROOT / name
        for target in re.findall(r"\]\((?!https?://)([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), (name, target)


def test_the_architecture_names_only_modules_that_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    for module in re.findall(r"`(?:runner/)?([a-z_]+\.py)`", text):
        assert list(ROOT.glob(f"runner/**/{module}")), module


def test_every_default_in_the_table_is_the_configurations() -> None:
    settings = job().settings
    rows = re.findall(r"^\| `([a-z_]+\.[a-z_.]+)`[^|]*\| ([^|]+) \|", README, re.MULTILINE)
    checked = 0
    for key, shown in rows:
        value: Any = settings
        for part in key.split("."):
            value = getattr(value, part, None)
        if value is not None and shown.strip() != "null":
            plain = f"{value:g}" if isinstance(value, float) else str(value)
            plain = plain.lower() if isinstance(value, bool) else plain
            assert shown.split(",")[0].strip() == plain, key
            checked += 1

    assert checked >= 6


def test_the_readme_has_its_commands_and_no_gap() -> None:
    assert len(COMMANDS) >= 8
    for page in (ROOT / "README.md", ROOT / "docs/benchmarks.md"):
        assert not re.search(r"@[A-Z]+@", page.read_text(encoding="utf-8"))
