"""A batch shown while it goes on: one line of progress, and what went wrong."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from runner.base.secrets import Secrets
from runner.base.text import print_stderr, to_terminal
from runner.record.events import is_live
from runner.record.result_rows import ResultRow
from runner.reports.live.live_table import progress
from runner.run.batch.tally import Tally

PLAIN_S = 10.0  # between lines where they cannot be drawn anew
LOG_HOLD_S = 0.25  # that lines of the log may wait, so that not each waits for the system
NOTES = 3  # the latest faults, under a line that is
SHOWN = 50  # faults on a plain console; all are in results.csv


def batch_log(console: str) -> str:
    """Return what a batch's log itself shows: events of thousands of runs only if asked for."""
    return "json" if console == "json" else "quiet"


class BatchConsole:
    """Tells on standard error how a batch gets on, in the way that `output.console` names."""

    def __init__(self, console: str, secrets: Secrets) -> None:
        live = console == "live" or (console == "auto" and is_live(sys.stderr))
        self._live: Live | None = None
        if live:
            shown = Console(
                stderr=True,
                force_terminal=True if console == "live" else None,
                markup=False,
                emoji=False,
                highlight=False,
            )
            self._live = Live(console=shown, auto_refresh=False, vertical_overflow="crop")
        self._plain = console in ("auto", "plain") and not live
        self._secrets = secrets
        self._notes: deque[str] = deque(maxlen=NOTES)
        self._faults = 0
        self._told_s = 0.0

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the line while the block runs."""
        if self._live is None:
            yield
            return
        with self._live:
            yield

    def tell(self, tally: Tally, elapsed_s: float, *, last: bool = False) -> None:
        """Tell how far it is after *elapsed_s* seconds."""
        fresh = tally.done - tally.reused - tally.statuses["unreadable"]
        line = progress(
            tally.done, tally.nothing, tally.total, fresh / elapsed_s if elapsed_s else 0.0
        )
        if self._live is not None:
            notes = [
                Text(n, style="yellow", no_wrap=True, overflow="ellipsis") for n in self._notes
            ]
            self._live.update(Group(Text(line, style="bold"), *notes), refresh=True)
        elif self._plain and (last or elapsed_s - self._told_s >= PLAIN_S):
            self._told_s = elapsed_s
            print_stderr(line)

    def note(self, line: str) -> None:
        """Tell something of the whole batch; nothing where *line* is empty."""
        if line and self._live is not None:
            self._notes.append(to_terminal(line, 300))
        elif line and self._plain:
            print_stderr(to_terminal(line, 300))

    def fault(self, row: ResultRow) -> None:
        """Tell what went wrong with a file."""
        line = f"{row.status}: {row.transcript}: {row.error}"
        line = to_terminal(self._secrets.redact(line), 300)
        self._notes.append(line)
        self._faults += 1
        if self._plain and self._faults <= SHOWN:
            more = " (further ones are in results.csv)" if self._faults == SHOWN else ""
            print_stderr(line + more)

    def hopeless(self, tally: Tally, most: float) -> None:
        """Tell why no further file is begun."""
        self.note(
            f"ended early: {tally.nothing} of {tally.done} files answered nothing, more than "
            f"batch.max_failure_ratio={most:g}"
        )
