"""The pages of `colloquy --help` and shell completion, from processes of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import hydra
import pytest
from helpers.processes import warm_python

from runner.config.schema import known_keys
from runner.run.cli.compose import HYDRA_DOCS

ROOT = Path(__file__).resolve().parents[2]
GROUPS = ("transcript", "pipeline", "model", "analyzer", "checks", "experiment", "sweep")
NOT_TYPED = {"base", "file"}  # defaults of other files; transcript=FILE selects `file`
CODES = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "75", "130", "143")

pytestmark = pytest.mark.slow


CALLS = {
    "help": ["--help"],
    "help among others": ["plan=true", "x", "--help", "--nope"],
    "help made by Hydra": ["--hel"],
    "configuration": ["--cfg", "job"],
    "bash": ["-sc", "install=bash"],
    "zsh": ["-sc", "install=zsh"],
    "fish": ["-sc", "install=fish"],
    "bash model=": ["-sc", "query=bash"],
    "fish model=": ["-sc", "query=fish"],
    "bash processing.max_c": ["-sc", "query=bash"],
    "bash meeting.vtt processing.mo": ["-sc", "query=bash"],
}
# One process for all calls, because starting one costs more than any of them.
DRIVER = """
import os, sys
from hydra.core.global_hydra import GlobalHydra
from runner.run.command import main
for name, arguments in CALLS.items():
    print("\\x1d" + name)
    os.environ.update(COMP_LINE="colloquy " + name.partition(" ")[2], COMP_POINT="99")
    sys.argv = ["colloquy", *arguments]
    GlobalHydra.instance().clear()
    try:
        main()
    except SystemExit as end:
        assert end.code == 0, name
"""


@pytest.fixture(scope="module")
def printed() -> dict[str, str]:
    """Return what each of CALLS prints."""
    done = subprocess.run(
        [sys.executable, "-c", DRIVER.replace("CALLS", repr(CALLS))],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    parts = (part.partition("\n") for part in done.stdout.split("\x1d")[1:])
    return {name: text for name, _, text in parts}


@pytest.fixture(scope="module")
def page(printed: dict[str, str]) -> str:
    return printed["help"]


def section(page: str, title: str) -> str:
    return next(part for part in page.split("\n\n") if part.startswith(title))


def test_the_help_that_is_made_without_composing_equals_hydras(printed: dict[str, str]) -> None:
    assert printed["help made by Hydra"].rstrip() == printed["help"].rstrip()
    assert printed["help among others"] == printed["help"]


def test_the_help_fits_a_screen_of_60_lines_and_100_columns(page: str) -> None:
    lines = page.rstrip("\n").split("\n")

    assert [line for line in lines if len(line) > 100] == []
    assert len(lines) <= 60


def test_ten_keys_are_shown_and_every_one_exists(page: str) -> None:
    keys = re.findall(r"^  ([\w.]+)=", section(page, "The ten keys"), re.MULTILINE)
    unknown = []
    for key in keys:
        *above, last = key.split(".")
        if last not in known_keys(above) and last != "pipeline":
            unknown.append(key)

    assert len(keys) == 10
    assert unknown == []


def test_the_defaults_shown_are_the_ones_that_hold(page: str, printed: dict[str, str]) -> None:
    composed = printed["configuration"]
    for key in ("max_concurrent", "mode", "stage_b_context_token_budget", "console", "plan"):
        shown = re.search(rf"{key}=(\S+)", section(page, "The ten keys"))

        assert shown is not None
        assert re.search(rf"^ *{key}: {shown[1]}$", composed, re.MULTILINE), key


def test_every_choice_of_every_group_is_listed(page: str) -> None:
    listed: dict[str, set[str]] = {}
    for line in section(page, "Groups").split("\n")[1:]:
        group, names = re.match(r"  (\w*) +(.*)", line).groups()  # type: ignore[union-attr]
        group = group or [*listed][-1]
        words = re.findall(r"\w+", names.partition(";")[0])
        listed.setdefault(group, set()).update(words)
    there = {
        group: {path.stem for path in (ROOT / "conf" / group).glob("*.yaml")} - NOT_TYPED
        for group in GROUPS
    }

    assert there == listed


def test_four_examples_and_all_exit_codes_are_there(page: str) -> None:
    examples = re.findall(r"^  colloquy ", section(page, "Examples"), re.MULTILINE)
    codes = re.findall(r"\b\d+\b", section(page, "Exit codes"))

    assert len(examples) == 4
    assert sorted(CODES) == sorted(codes)


def test_hydras_documentation_is_that_of_the_installed_version(page: str) -> None:
    assert HYDRA_DOCS in page
    assert HYDRA_DOCS.removeprefix("https://hydra.cc/docs/").rstrip("/") in hydra.__version__


def test_every_other_command_is_listed(page: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    after = page.partition("More commands")[2]
    listed = re.findall(r"-([a-z]+)", after)

    assert {*project["scripts"]} - {"colloquy"} == {f"colloquy-{name}" for name in listed}


@pytest.mark.parametrize(
    ("shell", "hook"),
    [
        ("bash", "-F hydra_bash_completion colloquy"),
        ("zsh", "-F hydra_bash_completion colloquy"),  # by way of zsh's bashcompinit
        ("fish", "complete -c colloquy"),
    ],
)
def test_each_shell_gets_its_completion(printed: dict[str, str], shell: str, hook: str) -> None:
    assert hook in printed[shell]


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_the_tab_key_offers_the_models(printed: dict[str, str], shell: str) -> None:
    offered = set(printed[f"{shell} model="].split())

    assert {"model=openai", "model=simulated", "model=offline"} <= offered


def test_the_tab_key_completes_a_key(printed: dict[str, str]) -> None:
    assert "processing.max_concurrent=" in printed["bash processing.max_c"].split()


def test_the_tab_key_completes_a_key_after_a_transcript(printed: dict[str, str]) -> None:
    assert printed["bash meeting.vtt processing.mo"].split() == ["processing.mode="]


def test_bash_completes_a_model_by_the_text_it_was_given(tmp_path: Path) -> None:
    command = tmp_path / "colloquy"
    command.write_text(f'#!/bin/sh\nexec {warm_python()} -m runner "$@"\n')
    command.chmod(0o755)
    script = (
        'eval "$(colloquy -sc install=bash)"\n'
        'COMP_LINE="colloquy model=sim" COMP_POINT=18 COMP_CWORD=1\n'
        'hydra_bash_completion\nprintf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=600,
    )

    assert "simulated" in done.stdout, done.stderr
