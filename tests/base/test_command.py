"""What all commands have in common: help, options, one line for an error, exit codes."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from runner.base import command
from runner.base.command import Arguments, install_hint, parse
from runner.base.errors import ConfigError, LockedError

ROOT = Path(__file__).resolve().parents[2]
COMMANDS: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
    "scripts"
]
OTHERS = sorted(name for name in COMMANDS if name != "colloquy")  # whose help is Hydra's


def run(name: str, *arguments: str, **options: str) -> subprocess.CompletedProcess[str]:
    module, _, function = COMMANDS[name].partition(":")
    code = f"from {module} import {function}; {function}()"
    command = [sys.executable, "-c", code, *arguments]
    env = {**os.environ, "PYTHONPATH": str(ROOT), **options}
    return subprocess.run(command, env=env, capture_output=True, text=True, encoding="utf-8")


def ended(name: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> int | str | None:
    module, _, function = COMMANDS[name].partition(":")
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    try:  # as the installed script does
        return int(getattr(importlib.import_module(module), function)() or 0)
    except SystemExit as end:
        return end.code


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("flag", ["--help", "-h", "--version"])
def test_every_command_prints_its_usage(
    name: str, flag: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = ended(name, [flag], monkeypatch)
    printed = capsys.readouterr()

    assert (0, "") == (code, printed.err)
    assert name in printed.out.split("\n")[0]


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize(
    ("given", "said"), [("--hepl", "--hepl: no such option; "), ("", "an argument is empty; ")]
)
def test_every_command_refuses_what_means_nothing_in_one_line(
    name: str,
    given: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = ended(name, [given], monkeypatch)
    printed = capsys.readouterr()

    assert (2, "") == (code, printed.out)
    assert printed.err.startswith(f"{name}: {said}")
    assert 1 == printed.err.count("\n")


def test_options_are_taken_from_between_the_words() -> None:
    parsed = parse("x", ["a", "--json", "--out", "b", "c", "--to=d"], ["--json"], ["--out", "--to"])

    assert Arguments(["a", "c"], {"--json": "", "--out": "b", "--to": "d"}) == parsed
    assert Arguments(["a", "-b", "--json"]) == parse("x", ["a", "--", "-b", "--json"], [], [])


@pytest.mark.parametrize("given", [["--out"], ["--out="]])
def test_an_option_without_its_value_is_refused(given: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"--out: expected a value; usage: x DIR$"):
        parse("usage: x DIR", given, [], ["--out"])


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (LockedError("in use\nby another"), 9, "x: in use by another\n"),
        (PermissionError(13, "Permission denied", "a"), 8, "x: a: Permission denied\n"),
        (KeyboardInterrupt(), 130, "x: interrupted\n"),
        (MemoryError(), 75, "x: this process may use no more memory (see ulimit -v)\n"),
        (
            RuntimeError("can't start new thread"),
            75,
            "x: this process may start no more threads (see ulimit -u)\n",
        ),
    ],
)
def test_an_error_is_one_line_with_its_exit_code(
    error: BaseException, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def work(_: Arguments) -> None:
        raise error

    with pytest.raises(SystemExit, match=rf"^{code}$"):
        command.command("x", "usage", work)(["a"])
    assert line == capsys.readouterr().err


@pytest.mark.parametrize(("returned", "code"), [(None, 0), (75, 75)])
def test_it_ends_with_the_works_own_code_and_with_zero_for_none(
    returned: int | None, code: int
) -> None:
    with pytest.raises(SystemExit, match=rf"^{code}$"):
        command.command("x", "usage", lambda _: returned)(["a"])


@pytest.mark.slow
def test_output_is_utf_8_whatever_the_locale() -> None:
    done = run("colloquy-report", "--help", LC_ALL="C", PYTHONUTF8="0", PYTHONIOENCODING="ascii")

    assert (0, "") == (done.returncode, done.stderr)
    assert "DIR…" in done.stdout


@pytest.mark.slow
def test_a_closed_pipe_is_no_error() -> None:
    code = (
        "from runner.base.command import command\n"
        "work = lambda _: print('x' * 1_000_000)\n"
        "command('x', str, work)(['a'])"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()

    assert (0, b"") == (process.returncode, said)


PRINTS = (
    "import sys; from runner.base.command import command\n"
    "from runner.base.errors import ConfigError\n"
    "def work(_): print('x'); raise ConfigError('wrong')\n"
    "command('x', str, work if sys.argv[1] == 'fails' else print)(['a'])"
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "streams", "code", "said"),
    [
        ("works", ">/dev/full", 8, "x: standard output: No space left on device\n"),
        ("works", ">&-", 8, "x: standard output: Bad file descriptor\n"),
        ("works", "2>&-", 0, ""),
        ("works", "2>/dev/full", 0, ""),
        ("works", "<&- >&- 2>&-", 8, ""),
        ("fails", "2>/dev/full", 2, ""),
        ("fails", "2>&-", 2, ""),
    ],
)
def test_a_stream_that_takes_nothing_is_one_line_and_a_code(
    what: str, streams: str, code: int, said: str
) -> None:
    shell = f'exec {sys.executable} -c "$CODE" {what} {streams}'
    env = {**os.environ, "PYTHONPATH": str(ROOT), "CODE": PRINTS, "PYTHONUNBUFFERED": ""}
    done = subprocess.run(["sh", "-c", shell], env=env, capture_output=True, text=True)

    assert (code, said) == (done.returncode, done.stderr)


def test_an_extra_is_named_with_the_command_that_adds_it_to_this_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = {}
    for name, spec in (("pip", object()), ("uv", None)):
        monkeypatch.setattr(command, "find_spec", lambda _, spec=spec: spec)
        found[name] = install_hint("otel")

    assert found == {
        "pip": f"the extra: {sys.executable} -m pip install 'colloquy-runner[otel]'",
        "uv": f"the extra: uv pip install --python {sys.executable} 'colloquy-runner[otel]'",
    }
