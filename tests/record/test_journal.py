from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.record.journal import Journal, MemberJournal, Spent, read_journal

FACTS = {"prompt_tokens": 100, "completion_tokens": 20, "cached_tokens": 10, "cost_usd": 0.001}


def start(journal: Journal, name: str = "say_means", attempt: int = 1) -> None:
    facts = {"may_use_tokens": 900, "may_cost_usd": 0.5}
    journal.note("call.started", analyzer=name, attempt=attempt, **facts)


def finish(journal: Journal, name: str = "say_means", attempt: int = 1, **facts: Any) -> None:
    journal.note("call.finished", analyzer=name, attempt=attempt, **{**FACTS, **facts})


def session(path: Path, work: Callable[[Journal], None]) -> Spent:
    """Write a session into the journal at *path*; return what is spent then."""
    journal = Journal(path)
    try:
        journal.note("run.started")
        work(journal)
    finally:
        journal.close()
    return journal.spent


def one_call(journal: Journal) -> None:
    start(journal)
    finish(journal)


def sum_of(path: Path) -> Spent:
    spent = Spent()
    for line in read_journal(path):
        spent.add(line)
    return spent


def test_a_line_torn_at_any_byte_costs_that_line_only(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    session(path, one_call)
    data = path.read_bytes()
    last = data.rindex(b"\n", 0, -1) + 1
    for end in range(last, len(data) - 1):
        path.write_bytes(data[:end])
        events = [line["event"] for line in read_journal(path)]

        assert ["run.started", "call.started"] == events, end

        spent = session(path, one_call)

        assert 2 == spent.attempts, end
        assert 1 == spent.unsettled, end
        assert spent.totals() == sum_of(path).totals(), end
    path.write_bytes(data[:-1])  # the line is whole, its end is not

    assert (2, 0) == (session(path, one_call).attempts, sum_of(path).unsettled)


@pytest.mark.parametrize("reopened", [False, True])
def test_restored_figures_of_a_run_count_for_it_now_and_later(
    tmp_path: Path, reopened: bool
) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.restore(FACTS, "ana")
    if reopened:
        journal.close()
        journal = Journal(tmp_path / "journal.jsonl")
    spent = journal.spent_of("ana"), journal.spent_of("ben")
    journal.close()

    assert [120, 0] == [each.usage.tokens for each in spent]


def test_what_was_spent_is_summed_over_all_sessions(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    for _ in range(2):
        session(path, one_call)
    totals = session(path, one_call).totals()

    assert (3, 300, 60, 30) == (
        totals["attempts"],
        totals["prompt_tokens"],
        totals["completion_tokens"],
        totals["cached_tokens"],
    )
    assert 0.003 == totals["cost_usd"]
    assert totals == sum_of(path).totals()


def test_a_call_that_was_out_when_its_process_died_is_charged_to_the_next_session(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal.jsonl"
    session(path, start)

    assert (0, 0) == (sum_of(path).unsettled, sum_of(path).charged_tokens)

    journal = Journal(path)
    journal.close()

    assert (1, 900, 0.5) == (
        journal.spent.unsettled,
        journal.spent.charged_tokens,
        journal.spent.charged_usd,
    ), "a budget is made before the session says that it has started"

    session(path, lambda _: None)

    assert (1, 900) == (sum_of(path).unsettled, sum_of(path).charged_tokens)


def test_a_call_that_failed_and_may_be_billed_is_charged(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"

    def work(journal: Journal) -> None:
        start(journal)
        journal.note(
            "call.failed",
            analyzer="say_means",
            attempt=1,
            kind="timeout",
            status=None,
            charged_tokens=900,
            charged_usd=0.5,
        )

    spent = session(path, work)

    assert (1, 900, 0.5, 0) == (
        spent.attempts,
        spent.charged_tokens,
        spent.charged_usd,
        spent.unsettled,
    )


def test_a_reply_without_a_price_makes_the_cost_unknown_for_good(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"

    def work(journal: Journal) -> None:
        start(journal)
        finish(journal, cost_usd=None)
        start(journal, attempt=2)
        finish(journal, attempt=2)

    assert session(path, work).usage.cost_usd is None
    assert 200 == sum_of(path).usage.prompt_tokens


def failing_writes(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Let *after* writes by, then half of each one, and no more."""
    real, count = os.write, 0

    def write(descriptor: int, data: bytes) -> int:
        nonlocal count
        count += 1
        if count <= after:
            return real(descriptor, data)
        real(descriptor, data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", write)


def test_a_failed_write_is_kept_and_what_it_lost_is_written_once_that_is_possible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.note("run.started")
    start(journal)
    start(journal, "patentability")
    failing_writes(monkeypatch, 0)
    finish(journal)
    finish(journal, "patentability")
    with pytest.raises(OSError, match="No space"):
        asyncio.run(journal.commit("node.committed", analyzer="say_means"))
    monkeypatch.undo()
    journal.recover()
    journal.close()
    lines = [json.loads(line) for line in path.read_text().splitlines()]

    assert "No space left on device" == (journal.fault and journal.fault.strerror)
    assert ["run.started", *["call.started"] * 2, *["call.finished"] * 2, "node.committed"] == [
        line["event"] for line in lines
    ]
    assert 200 == journal.spent.usage.prompt_tokens
    assert journal.spent.totals() == sum_of(path).totals()


def test_a_call_that_could_not_be_noted_is_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    failing_writes(monkeypatch, 0)
    start(journal)
    monkeypatch.undo()
    journal.recover()
    journal.close()

    assert journal.fault is not None
    assert 0 == journal.spent.attempts == session(path, lambda _: None).attempts


def test_a_commit_reaches_the_disk_with_all_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    journal = Journal(tmp_path / "journal.jsonl")
    journal.note("call.started", analyzer="a", attempt=1, may_use_tokens=0, may_cost_usd=0.0)

    assert [] == synced

    asyncio.run(journal.commit("node.committed", analyzer="a"))
    journal.close()

    assert 1 == len(synced)


def test_a_journal_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert [] == read_journal(tmp_path / "journal.jsonl")


def test_what_was_rescued_stays_when_somebody_else_rescues_too(tmp_path: Path) -> None:
    """Each run of a batch does so when a disk is full."""
    journal = Journal(tmp_path / "journal.jsonl")
    runs = [MemberJournal(journal, name) for name in "ab"]
    for run in runs:
        run.note("call.started", analyzer="x", attempt=1, may_use_tokens=9, may_cost_usd=0.0)
    journal.fault = OSError(28, "No space left on device")
    for run in runs:
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "cached_tokens": 0, "cost_usd": 0.5}
        run.note("call.finished", analyzer="x", attempt=1, **usage)
        run.recover()
    journal.close()
    again = Journal(tmp_path / "journal.jsonl")

    assert 1.0 == again.spent.usage.cost_usd
    assert 0 == again.spent.unsettled
    again.close()


@pytest.mark.parametrize("forged", [-1e300, 1e300, -1, True, "7", None, [], {}])
def test_a_forged_figure_lowers_no_sum_and_breaks_none(tmp_path: Path, forged: Any) -> None:
    path = tmp_path / "journal.jsonl"
    names = ("may_use_tokens", "may_cost_usd", "charged_tokens", "charged_usd", *FACTS)
    names += ("live_usd", "attempts", "unsettled")
    figures = dict.fromkeys(names, forged)

    def forge(journal: Journal) -> None:
        one_call(journal)
        start(journal, "honest")
        journal.note("call.failed", analyzer="honest", attempt=1, charged_tokens=9, charged_usd=1.0)
        for name, fields in (("all", figures), ("none", {})):
            call = {"analyzer": name, "attempt": 1}
            journal.note("call.started", **call, request=name, **fields)
            for end in ("call.failed", "call.finished"):
                journal.note("call.started", **call, **fields)
                journal.note(end, **call, **fields)
            journal.note("account.restored", **fields)
            journal.note("call.started", **call, **fields)

    spent = session(path, forge)
    later = session(path, one_call)

    assert (9, 1.0, 120, 0.001) == (
        spent.charged_tokens,
        spent.charged_usd,
        spent.usage.tokens,
        round(spent.known_usd, 12),
    )
    assert (0, 0.0) == later.held
    assert (240, 0.002) == (later.usage.tokens, round(later.known_usd, 12))
    assert (9, 1.0) == (later.charged_tokens, later.charged_usd)
