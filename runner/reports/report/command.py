"""The command colloquy-report: write the pages of stored runs."""

from pathlib import Path

from runner.base.command import Arguments, command
from runner.base.text import to_terminal
from runner.record.batch_directory import single_runs
from runner.reports.report.write import root_above, write_index, write_report
from runner.reports.stored_run import is_run, runs_in

USAGE = """\
usage: colloquy-report DIR…
Writes report.html into each run and batch in and below every DIR, and index.html above them.

Exit codes: 0 written, 2 a path without a run, 8 a page cannot be written."""


def _write(given: Arguments) -> None:
    runs = list(dict.fromkeys(run for name in given.words for run in _runs(Path(name))))
    for run in runs:
        print(to_terminal(str(write_report(run))))
    for root in sorted({root_above(run) for run in runs}):
        print(to_terminal(str(write_index(root))))


def _runs(path: Path) -> list[Path]:
    """Return the runs at or under *path*, a batch after its own; raise ConfigError for none."""
    return [
        run
        for each in runs_in(path)
        for run in dict.fromkeys([*filter(is_run, single_runs([each])), each])
    ]


main = command("colloquy-report", USAGE, _write)
