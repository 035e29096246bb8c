"""Writer of report.html and index.html, at the end of a run or by `colloquy-report`."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from errno import EEXIST
from functools import partial
from pathlib import Path

import structlog

from runner.base.command import Arguments, command
from runner.base.errors import reason
from runner.base.files import write_bytes, write_text
from runner.base.format import plural
from runner.base.json import MAX_BYTES
from runner.base.regular_files import as_given, kind_of, read_regular
from runner.base.text import print_stderr, to_terminal
from runner.record.batch_directory import REPORT, batch_of, is_batch, single_runs, transcripts_of
from runner.record.run_directory import root_above
from runner.reports.collection.write import write_collection
from runner.reports.export.codings import write_codings
from runner.reports.report.batch import MAX_FILES, batch_page, files_of
from runner.reports.report.index import index_page
from runner.reports.report.page import report_page
from runner.reports.stored_run import StoredRun, is_run, read_run, runs_in

USAGE = """\
usage: colloquy-report DIR…
Writes report.html into each run and batch in and below every DIR, and index.html above them.

Exit codes: 0 written, 2 a path without a run, 8 a page cannot be written."""
INDEX = "index.html"
_OURS = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; """  # of every version

log = structlog.get_logger("colloquy.report")


def write_report(path: Path, first: Callable[[StoredRun], None] | None = None) -> Path:
    """Write report.html, and the codings, into the directory *path* of a run or batch.

    Returns where the report is. The pages of a batch's collection come before it; *first* is called
    with each run of a batch. Raises ConfigError if there is no run and OSError if it cannot be
    written. Blocks, for one or two seconds with 800 analyzers or 300 files.
    """
    run = read_run(path)
    if is_batch(path):
        files = files_of(run, first)
        write_collection(run)
        _write(run, batch_page(run, files))
    else:
        _write(run, report_page(run))
    return path / REPORT


def missing_reports(path: Path) -> list[Path]:
    """Return those of the run or batch in *path* and the runs on its page that have no report."""
    runs = list(transcripts_of(path))[:MAX_FILES] if is_batch(path) else []
    return [run for run in (*runs, path) if kind_of(run / REPORT) != "file"]


def _write(run: StoredRun, page: str, *, durable: bool = True) -> None:
    write_bytes(run.path / REPORT, page.encode(), durable=durable)
    write_codings(run)


def _try_update(faults: list[str], run: StoredRun) -> None:
    """Write the page of *run* unless it is up to date; log a failure and add it to *faults*."""
    files = (run.path / REPORT, run.path / "metadata.json")
    page, made = (file.stat().st_mtime if kind_of(file) == "file" else 0.0 for file in files)
    if page <= made:
        with _noted(faults, run.path):
            _write(run, report_page(run), durable=False)  # two waits for the disk, for each run


@contextmanager
def _noted(faults: list[str], folder: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        log.warning("report.failed", error=why, exc_info=True)
        in_bug = f"the pages of {folder}: {why}"
        faults.append(reason(error) if isinstance(error, OSError) else in_bug)


def _cannot_write(faults: Sequence[str], folder: Path) -> str:
    """Return the first of *faults*, and the command that writes the pages in *folder*."""
    more = f", nor {plural(len(faults) - 1, 'further page')}" if len(faults) > 1 else ""
    command_line = shlex.join(("colloquy-report", str(as_given(folder, ""))))
    return f"cannot write {faults[0]}{more}; once that is fixed: {command_line}"


def write_index(root: Path) -> Path:
    """Write index.html for the runs and sweeps under *root* and return where it is.

    Raises OSError, also if there is a page of that name that is not ours.
    """
    file = root / INDEX
    if kind_of(file) == "file" and not read_regular(file, MAX_BYTES).startswith(_OURS):
        raise FileExistsError(EEXIST, "it is a page of another program", str(file))
    write_text(file, index_page(root))
    return file


def try_write_report(path: Path, root: Path | None = None, *, runs_too: bool = True) -> str | None:
    """Write the report in *path*, as `write_report`, and with a *root* the index.

    With *runs_too*, the reports of a batch's runs that are not up to date come first. Failures are
    logged; returns one line that says what is missing and which command writes it, None if nothing.
    """
    faults: list[str] = []
    with _noted(faults, path):
        write_report(path, partial(_try_update, faults) if runs_too else None)
    if root is not None:
        with _noted(faults, root):
            write_index(root)
    return _cannot_write(faults, path) if faults else None


def try_write_index(root: Path) -> None:
    """Write the index of *root*; print a failure in one line."""
    try:
        write_index(root)
    except OSError as error:
        print_stderr(to_terminal(f"colloquy: {_cannot_write([reason(error)], root)}"))


def _write_all(given: Arguments) -> None:
    runs = dict.fromkeys(
        run
        for name in given.words
        for each in runs_in(Path(name))
        for run in (*filter(is_run, single_runs([each])), each)  # a batch after its own
    )
    for run in runs:
        print(to_terminal(str(write_report(run))))
    homes = {(batch_of(run) or run).resolve() for run in runs}
    for root in sorted({root_above(home) or home.parent for home in homes}):
        print(to_terminal(str(write_index(root))))


main = command("colloquy-report", USAGE, _write_all)
