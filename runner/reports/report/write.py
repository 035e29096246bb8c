"""Writes report.html and index.html; at the end of a run a failure is only a warning."""

from pathlib import Path

import structlog

from runner.base.files import write_text
from runner.base.regular_files import kind_of
from runner.base.text import print_stderr, to_terminal
from runner.record.batch_directory import REPORT, batch_of, is_batch, runs_of
from runner.reports.collection.write import write_collection
from runner.reports.export.codings import write_codings
from runner.reports.report.batch import MAX_FILES, batch_page
from runner.reports.report.index import index_page
from runner.reports.report.page import report_page
from runner.reports.stored_run import is_run, read_run

INDEX = "index.html"

log = structlog.get_logger("colloquy.report")


def write_report(path: Path) -> Path:
    """Write report.html, and the codings, into the directory *path* of a run or batch.

    Returns where the report is.

    Those of a batch's collection come before it. The page lists missing and damaged files. Raises
    ConfigError if there is no run and OSError if it cannot be written. Blocks, for one or two
    seconds with 800 analyzers or 300 files.
    """
    run = read_run(path)
    if is_batch(path):
        write_collection(run)
    write_text(path / REPORT, batch_page(run) if is_batch(path) else report_page(run))
    write_codings(run)
    return path / REPORT


def write_index(root: Path) -> Path:
    """Write index.html for the runs and sweeps under *root* and return where it is."""
    write_text(root / INDEX, index_page(root))
    return root / INDEX


def root_above(run: Path) -> Path:
    """Return the root directory of *run*, by default the directory that contains it."""
    above = (batch_of(run) or run).resolve().parent
    if above.name in ("runs", "batches"):
        return above.parent
    return above.parent.parent if above.parent.name == "sweeps" else above


def try_write_report(path: Path, root: Path | None = None, *, runs_too: bool = True) -> None:
    """Write the report in *path* and, with a *root*, the index; log a failure.

    With *runs_too*, the pages of a batch's first MAX_FILES runs are written first, unless they are
    up to date; 300 files take four seconds.
    """
    try:
        for run in runs_of(path)[:MAX_FILES] if runs_too and is_batch(path) else ():
            if is_run(run) and _time_of(run / REPORT) <= _time_of(run / "metadata.json"):
                try_write_report(run)
        write_report(path)
        if root is not None:
            write_index(root)
    except Exception as error:
        log.warning("report.failed", error=f"{type(error).__name__}: {error}", exc_info=True)


def _time_of(file: Path) -> float:
    return file.stat().st_mtime if kind_of(file) == "file" else 0.0


def try_write_index(root: Path) -> None:
    """Write the index of *root*; print a failure in one line."""
    try:
        write_index(root)
    except OSError as error:
        why = error.strerror or error
        print_stderr(to_terminal(f"colloquy: {root / INDEX} cannot be written: {why}"))
