"""Append-only journal of a run or batch: every call, its cost, every stored answer."""

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from runner.base.files import Lines
from runner.base.json import amount, number
from runner.base.regular_files import MAX_LINES, MAX_LOG, read_lines
from runner.base.text import now_iso
from runner.base.threads import offload
from runner.base.usage import Usage
from runner.record.journal_calls import SESSIONS, CallPairs, JournalCall

RESTORED = "account.restored"  # figures of calls whose lines are lost
MAX_LISTED = 200_000  # lines or runs of a journal that are kept in memory
MAX_LISTED_BYTES = 64 * 1024 * 1024


@dataclass(slots=True)
class Spent:
    """Usage of a run over all its sessions."""

    attempts: int = 0
    usage: Usage = field(default_factory=Usage)  # of the replies
    known_usd: float = 0.0  # of replies with a price
    charged_tokens: int = 0  # at most, by attempts without a reply that may be billed
    charged_usd: float = 0.0  # the same, and by replies without a price
    unsettled: int = 0  # attempts in flight when their process died
    live_usd: float = 0.0  # what the replies would have cost live
    begun_at: str = ""  # start of the last session
    _calls: CallPairs = field(default_factory=CallPairs, repr=False)

    def add(self, line: Mapping[str, Any]) -> None:
        """Count one journal line; raise KeyError, TypeError or ValueError for a malformed one."""
        for call in self._calls.add(line):
            self._settle(call)
        if line["event"] == "call.started":
            self.attempts += 1
        elif line["event"] in SESSIONS:
            self.begun_at = str(line.get("at", ""))
        elif line["event"] == RESTORED:
            self.attempts += _whole(line, "attempts")
            self.unsettled += _whole(line, "unsettled")
            self._restore(line)

    def _settle(self, call: JournalCall) -> None:
        line = call.end
        if not line:
            self.unsettled += 1
            self.charged_tokens += _whole(call.start, "may_use_tokens")
            self.charged_usd += amount(call.start.get("may_cost_usd"))
        elif line["event"] == "call.failed":
            self.charged_tokens += _whole(line, "charged_tokens")
            self.charged_usd += amount(line.get("charged_usd"))
        elif self._count(line) is None:
            self.charged_usd += amount(call.start.get("may_cost_usd"))

    def _restore(self, line: Mapping[str, Any]) -> None:
        """Add lost figures; charges may fall by amounts now known."""
        tokens, usd = self.usage.tokens, self.known_usd
        self._count(line)
        known_tokens, known_usd = self.usage.tokens - tokens, self.known_usd - usd
        self.charged_tokens += max(int(number(line.get("charged_tokens")) or 0), -known_tokens)
        self.charged_usd += max(number(line.get("charged_usd")) or 0.0, -known_usd)

    def _count(self, line: Mapping[str, Any]) -> float | None:
        """Count the reply of *line*; return its price, None without a possible one."""
        prompt, completion = _whole(line, "prompt_tokens"), _whole(line, "completion_tokens")
        cost = number(line.get("cost_usd"))
        cost = None if cost is None or cost < 0 else cost
        self.usage += Usage(prompt, completion, _whole(line, "cached_tokens"), cost_usd=cost)
        self.known_usd += cost or 0.0
        self.live_usd += amount(line.get("live_usd")) or cost or 0.0
        return cost

    def abandon(self) -> None:
        """Charge the calls in flight when their process died."""
        for call in self._calls.lose():
            self._settle(call)

    @property
    def out(self) -> list[Mapping[str, Any]]:
        """The first lines of the calls in batches that are not settled."""
        return [line for line in self._calls.open.values() if "request" in line]

    @property
    def held(self) -> tuple[int, float]:
        """Upper bounds of the tokens and US dollars of the calls that are *out*."""
        tokens = sum(_whole(line, "may_use_tokens") for line in self.out)
        return tokens, sum(amount(line.get("may_cost_usd")) for line in self.out)

    def totals(self) -> dict[str, Any]:
        """Return the figures for metadata.json."""
        return {
            "attempts": self.attempts,
            **self.usage.figures(),
            "live_cost_usd": None if self.usage.cost_usd is None else round(self.live_usd, 12),
            "charged_tokens": self.charged_tokens,
            "charged_usd": round(self.charged_usd, 12),
            "unsettled": self.unsettled,
        }


def _whole(line: Mapping[str, Any], name: str) -> int:
    """Return a count of *line*, 0 for an invalid one: journals are untrusted."""
    return int(amount(line.get(name)))


class Journal:
    """Appends to *path* and keeps the sum, which includes the lines already in it.

    After a failed write, kept in *fault*, lines wait in memory for `recover`: no call is lost.
    """

    run = ""  # names a member of a batch

    def __init__(self, path: Path) -> None:
        self.fault: OSError | None = None
        self.spent, self._spent_by_run = spent_in(path)
        self.spent.abandon()  # we hold the lock, so earlier processes have ended
        self._file = Lines(path)
        self._synced = 0  # bytes known to be on the disk
        self._lost = b""
        self._lock = asyncio.Lock()

    def spent_of(self, run: str) -> Spent:
        """Return the usage of a batch's *run* in previous sessions; call it once per run."""
        spent = self.earlier(run)
        del self._spent_by_run[run]
        return spent

    def earlier(self, run: str) -> Spent:
        """Return the usage of a batch's *run* in previous sessions, before `spent_of`."""
        spent = self._spent_by_run.setdefault(run, Spent())
        spent.abandon()
        return spent

    def restore(self, figures: Mapping[str, float | None], run: str | None = None) -> None:
        """Add *figures* of lost lines, by their names in metadata.json; raise OSError."""
        if not figures:
            return
        named = {} if run is None else {"run": run}
        line = self.note(RESTORED, **named, **figures)
        if self.fault is not None:
            raise self.fault
        if run is not None and line is not None:
            self.earlier(run).add(line)

    def note(self, event: str, **facts: Any) -> Mapping[str, Any] | None:
        """Append a line with one write; return it. It survives a killed process, not a power cut.

        After a fault, lines wait for `recover`; `call.started` is dropped and None is returned:
        a call that is not in the journal must not be made.
        """
        line = {"at": now_iso(), "event": event, **facts}
        data = orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
        if self.fault is None:
            try:
                self._file.append(data)
            except OSError as error:
                self.fault = error
        if self.fault is not None:
            if event == "call.started":
                return None
            self._lost += data
        self.spent.add(line)
        return line

    def recover(self) -> None:
        """Append the lines that could not be written; raise OSError."""
        if self._lost:
            self._file.append(self._lost)
            self._lost = b""  # every run of a batch may call this
            os.fsync(self._file.descriptor)

    async def commit(self, event: str, **facts: Any) -> None:
        """Append a line and make it, and all before it, durable; raise OSError."""
        self.note(event, **facts)
        await self.sync()

    async def sync(self) -> None:
        """Make every line durable; concurrent callers share one fsync. Raises OSError."""
        if self.fault is not None:
            raise self.fault
        target = self._file.size
        async with self._lock:
            if self._synced < target:
                covered = self._file.size
                await offload(os.fsync, self._file.descriptor)
                self._synced = covered

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class MemberJournal:
    """The part of *run* in a batch's *journal*: its lines name the run and count for both sums."""

    def __init__(self, journal: Journal, run: str) -> None:
        self.spent, self.recover, self.sync = journal.spent_of(run), journal.recover, journal.sync
        self._journal, self.run = journal, run

    @property
    def fault(self) -> OSError | None:
        """The failed write of the batch's journal, or None."""
        return self._journal.fault

    def note(self, event: str, **facts: Any) -> Mapping[str, Any] | None:
        """See `Journal.note`."""
        line = self._journal.note(event, run=self.run, **facts)
        if line is not None:
            self.spent.add(line)
        return line

    async def commit(self, event: str, **facts: Any) -> None:
        """See `Journal.commit`."""
        self.note(event, **facts)
        await self.sync()

    def close(self) -> None:
        """Do nothing: the journal belongs to the batch."""


def read_journal(path: Path) -> list[dict[str, Any]]:
    """Return the intact lines of a run's own journal; raise OSError."""
    return list(lines_of(path, MAX_LISTED_BYTES, MAX_LISTED))


def spent_in(path: Path) -> tuple[Spent, dict[str, Spent]]:
    """Return the sum of a journal's intact lines and, for a batch's, of each run; raise OSError."""
    total, by_run = Spent(), dict[str, Spent]()
    for line in lines_of(path):
        if len(by_run) > MAX_LISTED:
            raise OSError(f"{path} names more than {MAX_LISTED:,} runs")
        with suppress(KeyError, TypeError, ValueError):
            total.add(line)
            if (run := line.get("run")) is not None:
                by_run.setdefault(str(run), Spent()).add(line)
    return total, by_run


def lines_of(path: Path, limit: int = MAX_LOG, most: int = MAX_LINES) -> Iterator[dict[str, Any]]:
    """Yield the events, *most* at most, of a file of JSON lines, if it exists; raise OSError."""
    try:
        for number, line in enumerate(parse_lines(read_lines(path, limit))):
            if number == most:
                raise OSError(f"{path} has more than {most:,} lines")
            yield line
    except FileNotFoundError:
        return


def parse_lines(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the events among *lines*, in order; other lines are ignored."""
    for raw in lines:
        try:
            line = orjson.loads(raw)
        except ValueError:
            continue
        if isinstance(line, dict) and "event" in line:
            yield line
