"""The command colloquy-report: write the pages of runs that are there already."""

from __future__ import annotations

import sys
from pathlib import Path

from runner.base.errors import EXIT_CONFIG, EXIT_OK, EXIT_OUTPUT, ConfigError
from runner.base.text import to_terminal
from runner.record.batch_directory import single_runs
from runner.reports.report.write import root_above, write_index, write_report
from runner.reports.stored_run import find_runs, read_run

USAGE = "usage: colloquy-report DIR…   (runs, batches, sweeps, or a directory with them)"


def main() -> None:
    """Write report.html into each run named and index.html above them; exit 2 on misuse."""
    sys.exit(report(sys.argv[1:]))


def report(arguments: list[str]) -> int:
    """Do what the command does with *arguments*; return its exit code."""
    if not arguments or any(argument.startswith("-") for argument in arguments):
        wanted = arguments in (["-h"], ["--help"])
        print(USAGE, file=sys.stdout if wanted else sys.stderr)
        return EXIT_OK if wanted else EXIT_CONFIG
    try:
        runs = list(dict.fromkeys(run for name in arguments for run in _runs(Path(name))))
        for run in runs:
            print(to_terminal(str(write_report(run))))
        for root in sorted({root_above(run) for run in runs}):
            print(to_terminal(str(write_index(root))))
    except ConfigError as error:
        print(to_terminal(f"colloquy-report: {error}"), file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(to_terminal(f"colloquy-report: cannot write: {error}"), file=sys.stderr)
        return EXIT_OUTPUT
    return EXIT_OK


def _runs(path: Path) -> list[Path]:
    """Return the runs at or under *path*, a batch's own too; raise ConfigError for none."""
    return single_runs(find_runs([path]) or [read_run(path).path])


if __name__ == "__main__":
    main()
