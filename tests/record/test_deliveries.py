"""What a journal tells of batches, also one that somebody else has written."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from runner.base.secrets import Secrets
from runner.calls.delivery.ledger import LedgerBatch
from runner.record.deliveries import Deliveries, DeliveryBook
from runner.record.journal import Journal
from runner.reports.status import status_of

MARK = "0123456789abcdef" * 2
AT = {"at": "2026-11-29T02:00:00.000+00:00"}


def started(key: str, attempt: int = 1) -> dict[str, Any]:
    call = {"analyzer": "minutes", "attempt": attempt, "request": key}
    return {**AT, "event": "call.started", **call, "may_use_tokens": 100, "may_cost_usd": 0.25}


def ended(event: str, key: str) -> dict[str, Any]:
    cost = {"charged_tokens": 0, "charged_usd": 0.0, "kind": "transient", "status": None}
    used = {"prompt_tokens": 1, "completion_tokens": 1, "cached_tokens": 0, "cost_usd": 0.1}
    return {
        **AT,
        "event": event,
        "analyzer": "minutes",
        "attempt": 1,
        "request": key,
        **used,
        **cost,
    }


def batch(event: str, mark: str = MARK, **more: Any) -> dict[str, Any]:
    return {**AT, "event": f"batch.{event}", "mark": mark, **more}


def sent(*keys: str, mark: str = MARK) -> dict[str, Any]:
    return batch("intent", mark, model="main", requests=list(keys))


def book(*lines: Any) -> DeliveryBook:
    Path("journal.jsonl").write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    return DeliveryBook(Path())


def ledger(*lines: Any) -> Deliveries:
    read = book(*lines)
    return Deliveries(Path(), Journal(Path("journal.jsonl")), "main", "openai", read, Secrets())


def test_a_call_is_claimed_once_and_from_the_batch_that_may_still_answer_it() -> None:
    second = "f" * 32
    lines = [started("k"), sent("k"), ended("call.failed", "k"), started("k", 2)]
    found = ledger(*lines, sent("k", mark=second), batch("submitted", second, batch="b2"))
    claimed = found.claim("k")

    assert claimed is not None
    assert (second, None) == (claimed.mark, claimed.settled)
    assert found.claim("k") is None
    assert found.claim("other") is None


def test_what_is_committed_is_not_asked_for_again() -> None:
    committed = {**AT, "event": "node.committed", "analyzer": "minutes", "status": "ok"}
    lines = [started("k"), sent("k"), batch("collected"), ended("call.finished", "k")]

    assert {"k"} == ledger(*lines).wanted(book(*lines).batches["main"][MARK])
    assert ledger(*lines, committed).claim("k") is None


def test_a_batch_that_was_never_sent_leaves_its_calls_in_none() -> None:
    found = ledger(started("k"), sent("k"), batch("refused"))
    claimed = found.claim("k")

    assert {} == found.batches
    assert claimed is not None
    assert claimed.mark is None


@pytest.mark.parametrize(
    "line",
    [
        sent("k", mark="../../../etc/cron.d/x"),
        {**sent(), "requests": 7},
        {**sent("unknown")},
        batch("submitted", "e" * 32, batch="b"),
        {"event": "batch.intent"},
        {**started("k"), "may_cost_usd": "free"},
        {"event": "call.failed", "request": "k"},
        {**AT, "event": "node.committed", "analyzer": ["minutes"], "status": "ok"},
        [],
    ],
)
def test_a_strange_line_neither_fails_nor_names_a_file(line: Any) -> None:
    read = book(started("k"), sent("k"), line)

    assert all(len(mark) == 32 for batches in read.batches.values() for mark in batches)
    assert isinstance(list(status_of(Path())), list)


async def keep(found: Deliveries, *lines: bytes) -> None:
    await found.keep(MARK, list(lines))


def test_results_are_stored_without_the_values_of_keys() -> None:
    read = book()
    journal = Journal(Path("journal.jsonl"))
    found = Deliveries(Path(), journal, "main", "openai", read, Secrets(("sk-secret-0123456789",)))
    asyncio.run(keep(found, b'{"key":"k","text":"sk-secret-0123456789"}', b"\xff{"))
    stored = list(found.results(MARK))

    assert 2 == len(stored)
    assert b"sk-secret" not in b"".join(stored)
    found.forget(MARK)
    assert [] == list(found.results(MARK))


def test_the_status_says_what_is_out_and_what_it_may_cost() -> None:
    book(started("k"), started("l"), sent("k"), batch("submitted", batch="batch_7"))
    first, head, row, rest = status_of(Path())

    assert ": 1 pending batch; colloquy resume=. collects them" in first
    assert ["batch", "model", "calls"] == head.split()[:3]
    assert ["batch_7", "main", "1"] == row.split()[:3]
    assert row.endswith("up to $0.2500")
    assert "1 call not yet in a batch, which may cost up to $0.2500" == rest


def test_a_batch_of_the_ledger_is_one_that_was_sent() -> None:
    read = book(started("k"), sent("k"), batch("submitted", batch="b1"), batch("collected"))

    assert {"main": {MARK: LedgerBatch(MARK, {"k"}, 1795917600.0, "b1", True)}} == read.batches
