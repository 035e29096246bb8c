"""The command `colloquy-compare`: compare any runs."""

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
    only = paths[0]
    in_sweep = len(paths) == 1 and not is_run(only) and kind_of(only / "multirun.yaml") == "file"
    out = Path(given.options.get("--out", only if in_sweep else "comparison"))
    comparison = compare(paths)
    write_comparison(comparison, out)
    print(as_terminal(comparison))
    print(to_terminal(f"comparison={out / 'comparison.html'}"))


main = command("colloquy-compare", USAGE, _compare, options=("--out",))
