"""The command `colloquy-compare`: compare any runs."""

from collections.abc import Sequence
from pathlib import Path

from runner.base.command import Arguments, command
from runner.base.regular_files import kind_of
from runner.base.text import to_terminal
from runner.reports.compare.compare import compare
from runner.reports.compare.text import as_terminal
from runner.reports.compare.write import write_comparison
from runner.reports.stored_run import is_run

USAGE = """\
usage: colloquy-compare DIR... [--out DIR]

Compares the runs in and below every DIR: time, cost and quality per setting, the settings that
differ, and which differences are significant. Prints the table and writes comparison.json, .csv,
.md and .html into --out; by default beside the jobs if DIR is one sweep, else into ./comparison.

Exit codes: 0 compared, 2 a path without a run, 8 the output cannot be written."""


def _compare(given: Arguments) -> None:
    paths = [Path(word) for word in given.words]
    out = Path(given.options["--out"]) if "--out" in given.options else _home(paths)
    comparison = compare(paths)
    write_comparison(comparison, out)
    print(as_terminal(comparison))
    print(to_terminal(f"comparison={out / 'comparison.html'}"))


def _home(paths: Sequence[Path]) -> Path:
    """Return the sweep's directory if *paths* is one sweep, else `comparison`."""
    only = paths[0]
    sweep = len(paths) == 1 and not is_run(only) and kind_of(only / "multirun.yaml") == "file"
    return only if sweep else Path("comparison")


main = command("colloquy-compare", USAGE, _compare, options=("--out",))

if __name__ == "__main__":
    main()
