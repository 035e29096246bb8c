"""The command `colloquy-compare`: put any runs beside one another."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from runner.base.errors import EXIT_OK, ColloquyError, ConfigError
from runner.base.text import print_stderr, to_terminal
from runner.reports.compare.compare import compare
from runner.reports.compare.text import as_terminal
from runner.reports.compare.write import write_comparison
from runner.reports.stored_run import is_run

_HELP = """\
colloquy-compare DIR... [--out DIR]

Compares run directories, and all runs below any other directory, a sweep's for one: time, cost
and quality per setting, what differs, what repeats can tell apart. Prints the table and writes
comparison.json, .csv, .md and .html into --out; without it, beside the jobs where DIR is one
sweep, else into ./comparison.

Exit codes: 0 compared, 2 a path without a run, 8 the output cannot be written."""


def main() -> None:
    """Run the command line."""
    os.umask(0o077)
    arguments = sys.argv[1:]
    if {"-h", "--help"} & set(arguments):
        print(_HELP)
        sys.exit(EXIT_OK)
    try:
        paths, out = _parse(arguments)
        comparison = compare(paths)
        write_comparison(comparison, out)
    except ColloquyError as error:
        print_stderr(to_terminal(f"colloquy-compare: {error}"))
        sys.exit(error.exit_code)
    try:
        print(as_terminal(comparison))
        print(to_terminal(f"comparison={out / 'comparison.html'}"), flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(EXIT_OK)


def _parse(arguments: Sequence[str]) -> tuple[list[Path], Path]:
    paths, out, left = [], None, list(arguments)
    while left:
        argument = left.pop(0)
        name, joined, value = argument.partition("=")
        if name == "--out":
            value = value if joined else (left.pop(0) if left else "")
            if not value:
                raise ConfigError("--out: expected a directory")
            out = Path(value)
        elif argument.startswith("-"):
            raise ConfigError(f"{argument}: no such option; see colloquy-compare --help")
        else:
            paths.append(Path(argument))
    if not paths:
        raise ConfigError("expected run or sweep directories: colloquy-compare DIR... [--out DIR]")
    return paths, out or _home(paths)


def _home(paths: Sequence[Path]) -> Path:
    """Return the sweep's own directory where there is only one, else `comparison`."""
    only = paths[0]
    sweep = len(paths) == 1 and not is_run(only) and (only / "multirun.yaml").is_file()
    return only if sweep else Path("comparison")


if __name__ == "__main__":
    main()
