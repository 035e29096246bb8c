"""Deliveries: a run's provider batches, from its journal, and their results until committed."""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from runner.base.files import make_directory, write_bytes
from runner.base.json import amount
from runner.base.regular_files import open_regular
from runner.base.secrets import Secrets
from runner.base.threads import offload
from runner.calls.admission.limits import NOTHING, Cost
from runner.calls.delivery.ledger import HeldCall, LedgerBatch
from runner.record.journal import Journal, lines_of
from runner.record.journal_calls import SESSIONS, time_of

FOLDER = "delivery"
INTENT, SUBMITTED, REFUSED = "batch.intent", "batch.submitted", "batch.refused"
COLLECTED = "batch.collected"
MAX_RESULTS = 1 << 30  # bytes of a batch's results
_MAX_RESULT = 1 << 24  # bytes of one
_KEYS_PER_LINE = 10_000  # a line of a journal is read up to a mebibyte
_MARK = re.compile("[0-9a-f]{32}")


class DeliveryBook:
    """The batches of every model in *folder*, read from its journal."""

    def __init__(self, folder: Path) -> None:
        self.batches: dict[str, dict[str, LedgerBatch]] = {}  # by model and mark
        self.calls: dict[str, list[HeldCall]] = {}  # by key, in the order of their attempts
        self.starts: dict[str, Mapping[str, Any]] = {}  # the first line of the last of them
        self.begun_at: float | None = None  # of the first session, in seconds since 1970
        self._keys: dict[tuple[Any, Any], list[str]] = {}  # by run and analyzer
        self._model_of: dict[str, str] = {}
        for line in lines_of(folder / "journal.jsonl"):
            with suppress(KeyError, TypeError, ValueError, AttributeError):
                self._add(line)

    def unclaimed(self) -> list[tuple[str, HeldCall]]:
        """Return the calls that are neither settled nor asked for, with their keys."""
        every = ((key, call) for key, calls in self.calls.items() for call in calls)
        return [(key, call) for key, call in every if call.settled is None and not call.asked]

    def settle(self, key: str, journal: Journal, *, charged: bool) -> Mapping[str, Any] | None:
        """Note the end of the last call with *key*, which nobody asks for; return the line."""
        start, call = self.starts[key], self.calls[key][-1]
        call.settled = False
        names = ("run", "analyzer", "attempt", "request")
        about = {name: start[name] for name in names if name in start}
        most = call.most if charged else NOTHING
        cost = {"charged_tokens": most.tokens, "charged_usd": most.usd}
        return journal.note("call.failed", **about, kind="unused", status=None, **cost)

    def release(self, batch: LedgerBatch) -> None:
        """Take its calls out of *batch*, which the provider refused."""
        for call in (call for key in batch.keys for call in self.calls.get(key, ())):
            call.mark = None if call.mark == batch.mark else call.mark

    def _add(self, line: Mapping[str, Any]) -> None:
        event = line["event"]
        if event in SESSIONS and self.begun_at is None:
            self.begun_at = time_of(line)
        elif event in (INTENT, SUBMITTED, REFUSED, COLLECTED):
            self._add_batch(event, line)
        elif event == "node.committed" and line["status"] in ("ok", "error"):
            keys = self._keys.pop(unit := (line.get("run"), line["analyzer"]), ())
            for key in keys:
                for call in self.calls[key]:
                    call.taken |= call.settled is not None
            # Others asked what this session did not: their replies may be asked for later.
            self._keys[unit] = [key for key in keys if not self.calls[key][-1].taken]
        elif event == "call.started" and "request" in line:
            key = str(line["request"])
            most = Cost(int(amount(line["may_use_tokens"])), amount(line["may_cost_usd"]))
            self.calls.setdefault(key, []).append(HeldCall(most))
            self._keys.setdefault((line.get("run"), line["analyzer"]), []).append(key)
            self.starts[key] = line
        elif event in ("call.finished", "call.failed") and "request" in line:
            self.calls[str(line["request"])][-1].settled = event == "call.finished"

    def _add_batch(self, event: str, line: Mapping[str, Any]) -> None:
        mark = str(line["mark"])
        if not _MARK.fullmatch(mark):  # it becomes part of a file's name
            return
        if event == INTENT:
            self._model_of[mark] = model = str(line["model"])
            made = LedgerBatch(mark, set(), time_of(line), provider=str(line.get("provider", "")))
            batch = self.batches.setdefault(model, {}).setdefault(mark, made)
            assert isinstance(batch.keys, set)
            for key in map(str, line["requests"]):
                batch.keys.add(key)
                self.calls[key][-1].mark = mark
            return
        batches = self.batches[self._model_of[mark]]
        if event == SUBMITTED:
            batches[mark].id, batches[mark].at = str(line["batch"]), time_of(line)
        elif event == COLLECTED:
            batches[mark].collected = True
        else:
            self.release(batches.pop(mark))


def settle_unsent(folder: Path, journal: Journal) -> None:
    """Note that calls of earlier sessions that are in no batch were not made; raise OSError."""
    if not journal.spent.out:
        return
    book = DeliveryBook(folder)
    for key, call in book.unclaimed():
        if call.mark is None:
            line = book.settle(key, journal, charged=False)
            if line is not None and "run" in line:
                journal.earlier(str(line["run"])).add(line)


@dataclass
class Deliveries:
    """The ledger (see `Ledger`) of the model called *model* in *folder*."""

    folder: Path
    journal: Journal
    model: str
    provider: str  # other providers' batches, of an earlier choice, are left out
    book: DeliveryBook  # the state that earlier sessions left
    secrets: Secrets  # masked in results
    now: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        batches = self.book.batches.get(self.model, {})
        self.batches = {m: b for m, b in batches.items() if b.provider == self.provider}

    def claim(self, key: str) -> HeldCall | None:
        """See `Ledger`; failures that are settled lead to another attempt."""
        for call in self.book.calls.get(key, ()):
            if not call.taken and not call.asked and call.settled is not False:
                call.asked = True
                return call
        return None

    def wanted(self, batch: LedgerBatch) -> set[str]:
        """See `Ledger`."""
        return {
            key
            for key in batch.keys
            for call in self.book.calls.get(key, ())
            if call.mark == batch.mark and not call.taken and call.settled is not False
        }

    async def intend(self, mark: str, keys: Sequence[str]) -> LedgerBatch:
        """See `Ledger`."""
        for start in range(0, len(keys), _KEYS_PER_LINE):
            some = keys[start : start + _KEYS_PER_LINE]
            about = {"model": self.model, "provider": self.provider}
            self.journal.note(INTENT, mark=mark, **about, requests=some)
        await self.journal.sync()
        batch = self.batches[mark] = LedgerBatch(mark, frozenset(keys), self.now())
        return batch

    async def submitted(self, batch: LedgerBatch, id: str) -> None:
        """See `Ledger`."""
        batch.id, batch.at = id, self.now()
        await self.journal.commit(SUBMITTED, mark=batch.mark, batch=id)

    async def refused(self, batch: LedgerBatch) -> None:
        """See `Ledger`."""
        self.batches.pop(batch.mark, None)
        self.book.release(batch)
        await self.journal.commit(REFUSED, mark=batch.mark)

    async def keep(self, mark: str, lines: Sequence[bytes]) -> None:
        """See `Ledger`."""
        make_directory(self.folder / FOLDER, self.folder)
        await offload(write_bytes, self._file(mark), map(self._masked, lines))

    async def collected(self, batch: LedgerBatch) -> None:
        """See `Ledger`."""
        batch.collected = True
        await self.journal.commit(COLLECTED, mark=batch.mark)

    def results(self, mark: str) -> Iterator[bytes]:
        """See `Ledger`."""
        with suppress(OSError), open_regular(self._file(mark), MAX_RESULTS) as opened:
            yield from iter(partial(opened.readline, _MAX_RESULT), b"")

    def forget(self, mark: str) -> None:
        """See `Ledger`."""
        with suppress(OSError):
            self._file(mark).unlink()

    def _file(self, mark: str) -> Path:
        return self.folder / FOLDER / f"{mark}.jsonl"

    def _masked(self, line: bytes) -> bytes:
        return self.secrets.redact_values(line.decode("utf-8", "replace")).encode() + b"\n"
