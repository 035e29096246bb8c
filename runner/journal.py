"""The append-only history of a run: what was sent, what it cost, what was committed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from runner.files import append, open_for_append
from runner.text import now_iso


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
    _out: dict[tuple[str, int], Mapping[str, Any]] = field(default_factory=dict, repr=False)

    def add(self, line: Mapping[str, Any]) -> None:
        """Count one line of a journal."""
        event = line.get("event")
        if event == "run.started":
            self.abandon()
        elif event == "call.started":
            self.attempts += 1
            self._out[line["analyzer"], line["attempt"]] = line
        elif event in ("call.finished", "call.failed"):
            out = self._out.pop((line["analyzer"], line["attempt"]), {})
            self._settle(line, out)

    def _settle(self, line: Mapping[str, Any], out: Mapping[str, Any]) -> None:
        if line["event"] == "call.failed":
            self.charged_tokens += line["charged_tokens"]
            self.charged_usd += line["charged_usd"]
            return
        if line["cost_usd"] is None:  # the most that it can have cost
            self.charged_usd += out.get("may_cost_usd", 0.0)
        else:
            self.known_usd += line["cost_usd"]
        self.prompt_tokens += line["prompt_tokens"]
        self.completion_tokens += line["completion_tokens"]
        self.cached_tokens += line["cached_tokens"]
        cost = line["cost_usd"]
        known = self.cost_usd is not None and cost is not None
        self.cost_usd = round((self.cost_usd or 0.0) + cost, 12) if known else None

    def abandon(self) -> None:
        """Charge for what was out when the process before this one died."""
        for line in self._out.values():
            self.unsettled += 1
            self.charged_tokens += line["may_use_tokens"]
            self.charged_usd += line["may_cost_usd"]
        self._out.clear()

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


class Journal:
    """Appends to *path* and keeps the sum; what stands there already is read first.

    A failed write is kept in *fault*, and what could not be written until `recover`, so that
    nothing paid for is lost on its account.
    """

    def __init__(self, path: Path) -> None:
        self.spent = Spent()
        self.fault: OSError | None = None
        for line in read_journal(path):
            with suppress(KeyError, TypeError):  # a line that none of ours wrote counts nothing
                self.spent.add(line)
        self.spent.abandon()  # whoever wrote that is gone: we hold the directory's lock
        self._descriptor = open_for_append(path)
        self._whole = os.fstat(self._descriptor).st_size  # bytes, up to the last whole line
        self._lost = b""
        self._lock = asyncio.Lock()

    def note(self, event: str, **facts: Any) -> None:
        """Append a line with one write; it survives this process, not a power cut.

        After a fault nothing is appended, and a call that cannot be noted is not to be made.
        """
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
                return
            self._lost += data
        self.spent.add(line)

    def recover(self) -> None:
        """Append, in place of what a fault tore, all that could not be written; raise OSError."""
        if self._lost:
            os.ftruncate(self._descriptor, self._whole)
            append(self._descriptor, self._lost)
            os.fsync(self._descriptor)
            self._lost = b""

    async def commit(self, event: str, **facts: Any) -> None:
        """Append a line and put it, and all before it, on the disk; raise OSError."""
        self.note(event, **facts)
        if self.fault is not None:
            raise self.fault
        async with self._lock:
            await asyncio.to_thread(os.fsync, self._descriptor)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def read_journal(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a journal; what a crash tore or a disk lost is left out."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    return list(_whole(data.split(b"\n")))


def _whole(lines: Iterable[bytes]) -> Iterable[dict[str, Any]]:
    for raw in lines:
        try:
            line = orjson.loads(raw)
        except ValueError:
            continue
        if isinstance(line, dict) and "event" in line:
            yield line
