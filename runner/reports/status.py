"""Command `colloquy-status`: the pending batches of runs, since when, and their maximum cost."""

import shlex
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from runner.base.command import Arguments, command
from runner.base.errors import readable
from runner.base.format import aligned, count, plural, seconds, usd
from runner.base.text import to_terminal
from runner.calls.delivery.ledger import HeldCall
from runner.record.batch_directory import batch_of
from runner.record.deliveries import DeliveryBook
from runner.record.lock import is_held
from runner.record.run_directory import check_folders
from runner.reports.stored_run import runs_in

USAGE = """\
usage: colloquy-status DIR…
Lists the calls of the runs and batches in and below every DIR that are in batches at a provider:
since when, and what they may cost at most. It reads files only and asks no provider.

Exit codes: 0 listed, 2 a path without a run."""


def _list(given: Arguments) -> None:
    found = (run for word in given.words for run in runs_in(Path(word)))
    runs, idle = dict.fromkeys(batch_of(run) or run for run in found), 0
    for run in runs:
        check_folders(run)
        with readable(run):
            lines = [*status_of(run)]
        if len(lines) == 1 < len(runs):
            idle += 1
        else:
            print("\n".join(lines))
    if idle:
        print(f"no pending batches in {plural(idle, 'run')}")


def status_of(run: Path) -> Iterator[str]:
    """Yield lines about the pending batches of *run*; raise OSError."""
    book, now = DeliveryBook(run), time.time()
    open_ = {k: calls[-1] for k, calls in book.calls.items() if calls[-1].settled is None}
    rows = []
    for model, batches in book.batches.items():
        for batch in sorted(batches.values(), key=lambda each: each.at):
            calls = [open_.pop(key) for key in batch.keys & open_.keys()]
            if calls:
                named = batch.id or "not known to be sent"
                out_s = seconds(max(0.0, now - batch.at))
                rows.append((named, model, count(len(calls)), out_s, _max_cost(calls)))
    resume = f"colloquy resume={shlex.quote(str(run))}"
    held = "a process collects them" if is_held(run) else f"{resume} collects them"
    out = f"{plural(len(rows), 'pending batch')}; {held}" if rows else "no pending batches"
    yield to_terminal(f"{run}: {out}")
    if rows:
        yield from aligned([("batch", "model", "calls", "out for", "may cost"), *rows], (0, 1))
    if open_:
        waiting = f"{plural(len(open_), 'call')} not yet in a batch"
        yield f"{waiting}, which may cost {_max_cost([*open_.values()])}"


def _max_cost(calls: Sequence[HeldCall]) -> str:
    dollars, tokens = sum(c.most.usd for c in calls), sum(c.most.tokens for c in calls)
    return f"up to {usd(dollars)}" if dollars else f"{count(tokens)} tokens"


main = command("colloquy-status", USAGE, _list)
