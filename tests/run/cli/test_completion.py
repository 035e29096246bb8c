from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from runner.run.cli.completion import complete, is_query


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in (
        *("meeting.vtt", "talks/one.txt", "talks/my two.txt", "$(touch x).vtt", "a;b.txt"),
        *(".hidden.txt", "outputs/runs/done/COMPLETED", "outputs/runs/cut/journal.jsonl"),
        *("outputs/batches/night/journal.jsonl", "outputs/index.html", "mine/analyzer/risk.yaml"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def offered(typed: str, monkeypatch: pytest.MonkeyPatch, shell: str = "bash") -> list[str]:
    """Return what the tab key offers; Hydra, in its place, says what it was asked."""
    monkeypatch.setattr("sys.argv", ["colloquy", "-sc", f"query={shell}"])
    monkeypatch.setenv("COMP_LINE", f"colloquy {typed}")
    asked: list[str] = []
    printed: list[str] = []
    monkeypatch.setattr("builtins.print", lambda text: printed.append(text))
    complete(lambda: asked.append(os.environ["COMP_LINE"]))
    (text,) = printed
    return [*(["HYDRA"] if asked else []), *text.split("\n" if shell == "fish" else " ")]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("resume=", ["resume=outputs/batches/night", "resume=outputs/runs/cut"]),
        ("resume=out", ["resume=outputs/"]),
        ("resume=outputs/runs/", ["resume=outputs/runs/cut/", "resume=outputs/runs/done/"]),
        ("resume=mee", [""]),
        ("transcript=me", ["HYDRA", "transcript=meeting.vtt"]),
        ("transcript=talks/", ["transcript=talks/one.txt"]),
        (
            "transcript=./",
            [f"transcript=./{n}" for n in ("meeting.vtt", "mine/", "outputs/", "talks/")],
        ),
        ("transcript=./.h", ["transcript=./.hidden.txt"]),
        ("transcript.path=m", ["transcript.path=meeting.vtt", "transcript.path=mine/"]),
        ("model=openai transcript=/nowhere/", [""]),
        ("output.dir=", ["output.dir=mine/", "output.dir=outputs/", "output.dir=talks/"]),
        ("--config-dir m", ["mine/"]),
        ("mee", ["HYDRA", "meeting.vtt"]),
        ("model=op", ["HYDRA", ""]),
        ("--mod", ["--model", "--models"]),
        ("--config-n", ["--config-name"]),
        ("", ["HYDRA", ""]),
    ],
)
def test_a_path_is_completed_where_one_is_meant(
    here: Path, monkeypatch: pytest.MonkeyPatch, typed: str, expected: list[str]
) -> None:
    assert offered(typed, monkeypatch) == expected


def test_all_runs_are_offered_where_none_is_incomplete(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("runs/cut", "batches/night"):
        (here / "outputs" / name / "COMPLETED").touch()

    assert len(offered("resume=", monkeypatch)) == 3


def test_nothing_that_bash_would_expand_is_offered(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its `compgen -W` runs the commands in a word."""
    for typed in ("transcript=", "transcript.path=", "transcript=./", "$", "a"):
        assert not set("$();") & set("".join(offered(typed, monkeypatch)))


def test_a_refusal_of_hydra_and_the_base_of_presets_are_not_offered(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ask() -> None:
        print("model=base model=bedrock")
        sys.stderr.write("usage: colloquy [--help]")
        raise SystemExit(2)

    monkeypatch.setattr("sys.argv", ["colloquy", "-sc", "query=bash"])
    monkeypatch.setenv("COMP_LINE", "colloquy model=b")
    complete(ask)

    assert ("model=bedrock\n", "") == capsys.readouterr()


def test_hydra_is_asked_with_the_words_that_it_will_read(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered("--config-dir mine meeting.vtt model=op", monkeypatch)

    assert os.environ["COMP_LINE"] == (
        "colloquy --config-dir mine transcript=file transcript.path='meeting.vtt' model=op"
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-sc", "query=bash"], True),
        (["--shell-completion", "query=fish"], True),
        (["-sc", "install=bash"], False),
        (["-sc"], False),
        ([], False),
        (["plan=true"], False),
    ],
)
def test_only_a_question_of_a_shell_is_one(arguments: list[str], expected: bool) -> None:
    assert is_query(arguments) == expected
