"""Batch console: one line of progress, and failures."""

import sys
from collections import deque
from contextlib import AbstractContextManager, nullcontext

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from runner.base.format import plural, usd
from runner.base.secrets import Secrets
from runner.base.text import print_stderr, to_terminal
from runner.record.events import is_live
from runner.record.journal import Spent
from runner.record.result_row import ResultRow
from runner.reports.live.live_table import progress
from runner.run.batch.tally import Tally

PLAIN_S = 10.0  # between lines of progress on a plain console
LOG_HOLD_S = 0.25  # log lines are collected this long for one write
NOTES = 3  # latest failures shown below the line of progress
MAX_FAULTS = 50  # on a plain console; all are in results.csv


class BatchConsole:
    """Shows the progress of a batch on standard error, in the style of `output.console`."""

    def __init__(self, console: str, secrets: Secrets) -> None:
        self._live: Live | None = None
        if console == "live" or (console == "auto" and is_live(sys.stderr)):
            forced = True if console == "live" else None
            shown = Console(
                stderr=True, force_terminal=forced, markup=False, emoji=False, highlight=False
            )
            self._live = Live(console=shown, auto_refresh=False, vertical_overflow="crop")
        self._plain = console in ("auto", "plain") and self._live is None
        self._secrets = secrets
        self._notes: deque[str] = deque(maxlen=NOTES)
        self._faults = 0
        self._last_s, self._last_line = 0.0, ""

    def shown(self) -> AbstractContextManager[object]:
        """Show the live line while the block runs."""
        return self._live or nullcontext()

    def update(
        self, tally: Tally, spent: Spent, elapsed_s: float, out: int = 0, *, last: bool = False
    ) -> None:
        """Show the progress after *elapsed_s* seconds; *out* calls are in pending batches."""
        done = tally.done - tally.statuses["interrupted"]
        fresh = done - tally.sums["reused"] - tally.statuses["unreadable"]
        per_s = fresh / elapsed_s if elapsed_s and not out else 0.0  # batches have no pace
        line = progress(done, tally.unanswered, tally.total, per_s)
        if out:
            line += f"; {plural(out, 'call')} in pending batches"
        elif spent.attempts:
            used = plural(spent.usage.tokens, "token"), usd(spent.known_usd)
            line += f"; {plural(spent.attempts, 'attempt')}, {', '.join(used)}"
        if self._live is not None:
            notes = [Text(n, "yellow", no_wrap=True, overflow="ellipsis") for n in self._notes]
            self._live.update(Group(Text(line, style="bold"), *notes), refresh=True)
            return
        is_due = elapsed_s - self._last_s >= PLAIN_S and line != self._last_line
        if self._plain and (last or is_due):
            self._last_s, self._last_line = elapsed_s, line
            print_stderr(line)

    def note(self, line: str, more: str = "") -> None:
        """Show a note about the batch, with *more* on a plain console; nothing if it is empty."""
        if line and self._live is not None:
            self._notes.append(self._safe(line))
        elif line and self._plain:
            print_stderr(self._safe(line) + more)

    def print_line(self, line: str) -> None:
        """Print a line below the progress, once that has ended; nothing if *line* is empty."""
        if line and (self._plain or self._live is not None):
            print_stderr(self._safe(line))

    def fault(self, row: ResultRow) -> None:
        """Show the failure of a file."""
        self._faults += 1
        more = " (further ones are in results.csv)" if self._faults == MAX_FAULTS else ""
        if self._live is not None or self._faults <= MAX_FAULTS:
            self.note(f"{row.status}: {row.transcript}: {row.error}", more)

    def _safe(self, line: str) -> str:
        return to_terminal(self._secrets.redact(line), 300)
