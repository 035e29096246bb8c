"""The append-only history of a run: what was sent, what it cost, what was committed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import orjson

from runner.base.files import append, open_for_append
from runner.base.json import open_regular
from runner.base.text import now_iso
from runner.base.threads import offload
from runner.base.usage import sum_usd
from runner.record.journal_calls import SESSIONS, CallPairs, JournalCall


@dataclass(slots=True)
class Spent:
    """What a run has used over all its sessions.

    *charged_tokens* and *charged_usd* are for attempts that brought no answer but may be billed
    (cut off, or still out when a process died) and for replies without a price; *unsettled* is
    how many were out. *known_usd* sums the known prices, *cost_usd* is None once one was not.
    """

    attempts: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float | None = 0.0
    known_usd: float = 0.0
    charged_tokens: int = 0
    charged_usd: float = 0.0
    unsettled: int = 0
    begun_at: str = ""  # when the last session began
    _calls: CallPairs = field(default_factory=CallPairs, repr=False)

    def add(self, line: Mapping[str, Any]) -> None:
        """Count one line of a journal."""
        for call in self._calls.add(line):
            self._settle(call)
        if line["event"] == "call.started":
            self.attempts += 1
        elif line["event"] in SESSIONS:
            self.begun_at = str(line.get("at", ""))

    def _settle(self, call: JournalCall) -> None:
        line = call.end
        if not line:
            self.unsettled += 1
            self.charged_tokens += call.start["may_use_tokens"]
            self.charged_usd += call.start["may_cost_usd"]
        elif line["event"] == "call.failed":
            self.charged_tokens += line["charged_tokens"]
            self.charged_usd += line["charged_usd"]
        else:
            cost = line["cost_usd"]
            if cost is None:  # the most that it can have cost
                self.charged_usd += call.start.get("may_cost_usd", 0.0)
            self.known_usd += cost or 0.0
            self.cost_usd = sum_usd((self.cost_usd, cost))
            self.prompt_tokens += line["prompt_tokens"]
            self.completion_tokens += line["completion_tokens"]
            self.cached_tokens += line["cached_tokens"]

    def abandon(self, run: object = None) -> None:
        """Charge for the calls of *run*, or of all runs, whose process died before they ended."""
        for call in self._calls.lose(run):
            self._settle(call)

    def totals(self) -> dict[str, Any]:
        """Return the figures for metadata.json."""
        return {
            "attempts": self.attempts,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "cached_tokens": self.cached_tokens,
            "cost_usd": self.cost_usd,
            "charged_tokens": self.charged_tokens,
            "charged_usd": round(self.charged_usd, 12),
            "unsettled": self.unsettled,
        }


class Notes(Protocol):
    """What a run notes its calls in: a journal of its own, or its part of a batch's."""

    @property
    def spent(self) -> Spent:
        """What the run has used so far."""

    @property
    def fault(self) -> OSError | None:
        """Why nothing can be noted any more, or None."""

    def note(self, event: str, **facts: Any) -> None:
        """See `Journal.note`."""

    async def commit(self, event: str, **facts: Any) -> None:
        """See `Journal.commit`."""

    def recover(self) -> None:
        """See `Journal.recover`."""

    def close(self) -> None:
        """See `Journal.close`."""


class Journal:
    """Appends to *path* and keeps the sum; what stands there already is read first.

    A failed write is kept in *fault*, and what could not be written until `recover`, so that
    nothing paid for is lost on its account.
    """

    def __init__(self, path: Path) -> None:
        self.fault: OSError | None = None
        self.spent, self._spent_by = spent_in(path)  # before this session
        self.spent.abandon()  # whoever wrote that is gone: we hold the directory's lock
        self._descriptor = open_for_append(path)
        self._whole = os.fstat(self._descriptor).st_size  # bytes, up to the last whole line
        self._synced = 0  # bytes that are on the disk for sure
        self._lost = b""
        self._lock = asyncio.Lock()

    def of_run(self, run: str) -> RunNotes:
        """Return the part of a batch's *run* in this journal, with what it has used before."""
        spent = self._spent_by.pop(run, None) or Spent()
        spent.abandon()
        return RunNotes(self, run, spent)

    def note(self, event: str, **facts: Any) -> None:
        """Append a line with one write; it survives this process, not a power cut.

        After a fault nothing is appended, and a call that cannot be noted is not to be made.
        """
        self.add(event, facts)

    def add(self, event: str, facts: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Append a line as `note` does; return it, None where it counts nothing."""
        line = {"at": now_iso(), "event": event, **facts}
        data = orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
        if self.fault is None:
            try:
                append(self._descriptor, data)
                self._whole += len(data)
            except OSError as error:
                self.fault = error
        if self.fault is not None:
            if event == "call.started":
                return None
            self._lost += data
        self.spent.add(line)
        return line

    def recover(self) -> None:
        """Append, in place of what a fault tore, all that could not be written; raise OSError."""
        if self._lost:
            os.ftruncate(self._descriptor, self._whole)
            append(self._descriptor, self._lost)
            os.fsync(self._descriptor)
            self._whole += len(self._lost)  # every run of a batch may come here
            self._lost = b""

    async def commit(self, event: str, **facts: Any) -> None:
        """Append a line and put it, and all before it, on the disk; raise OSError."""
        self.note(event, **facts)
        await self.sync()

    async def sync(self) -> None:
        """Put every line on the disk; who waited for another's turn finds it done."""
        if self.fault is not None:
            raise self.fault
        wanted = self._whole
        async with self._lock:
            if self._synced < wanted:
                covered = self._whole
                await offload(os.fsync, self._descriptor)
                self._synced = covered

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


class RunNotes:
    """One run's part of a batch's journal: its lines name it, and are summed for it too."""

    def __init__(self, journal: Journal, run: str, spent: Spent) -> None:
        self.spent = spent
        self._journal, self._run = journal, run

    @property
    def fault(self) -> OSError | None:
        """Why nothing can be noted any more, or None."""
        return self._journal.fault

    def note(self, event: str, **facts: Any) -> None:
        """See `Journal.note`."""
        line = self._journal.add(event, {"run": self._run, **facts})
        if line is not None:
            self.spent.add(line)

    async def commit(self, event: str, **facts: Any) -> None:
        """See `Journal.commit`."""
        self.note(event, **facts)
        await self._journal.sync()

    def recover(self) -> None:
        """See `Journal.recover`."""
        self._journal.recover()

    def close(self) -> None:
        """Do nothing: the journal is the batch's."""


def read_journal(path: Path) -> list[dict[str, Any]]:
    """Return the intact lines of a journal."""
    return list(lines_of(path))


def spent_in(path: Path) -> tuple[Spent, dict[str, Spent]]:
    """Return the sum of a journal, and for a batch's journal also the sum of each run.

    Foreign lines are ignored.
    """
    every, by_run = Spent(), dict[str, Spent]()
    for line in lines_of(path):
        with suppress(KeyError, TypeError, ValueError):
            every.add(line)
            if (run := line.get("run")) is not None:
                by_run.setdefault(str(run), Spent()).add(line)
    return every, by_run


def lines_of(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of a journal, or of another file of JSON lines, one at a time."""
    try:
        with open_regular(path) as file:
            yield from parse_lines(file)
    except FileNotFoundError:
        return


def parse_lines(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the events among *lines*, in order; lines of any other form are left out."""
    for raw in lines:
        try:
            line = orjson.loads(raw)
        except ValueError:
            continue
        if isinstance(line, dict) and "event" in line:
            yield line
