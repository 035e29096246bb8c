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
    runs = dict.fromkeys(
        run
        for name in given.words
        for each in runs_in(Path(name))
        for run in (*filter(is_run, single_runs([each])), each)  # a batch after its own
    )
    for run in runs:
        print(to_terminal(str(write_report(run))))
    for root in sorted({root_above(run) for run in runs}):
        print(to_terminal(str(write_index(root))))


main = command("colloquy-report", USAGE, _write)
