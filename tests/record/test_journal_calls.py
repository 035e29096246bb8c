"""Calls paired from the lines of a journal, whatever these are."""

from __future__ import annotations

from typing import Any

import pytest

from runner.record.journal_calls import CallPairs, calls_in


def line(event: str, second: int, **facts: Any) -> dict[str, Any]:
    return {"event": event, "at": f"2026-01-01T00:00:{second:02d}+00:00", **facts}


def call(event: str, second: int, attempt: int = 1, **facts: Any) -> dict[str, Any]:
    return line(event, second, analyzer="a", attempt=attempt, **facts)


def test_each_start_is_paired_with_its_end() -> None:
    lines = [
        line("run.started", 0),
        call("call.started", 1),
        call("call.failed", 3, kind="throttle"),
        call("call.started", 4, attempt=2),
        call("call.finished", 6, attempt=2),
    ]
    calls = [(c.attempt, c.outcome, c.end_s - c.start_s) for c in calls_in(lines)]

    assert [(1, "throttle", 2.0), (2, "ok", 2.0)] == calls


def test_a_call_without_an_end_lasts_until_its_process_was_last_heard_of() -> None:
    lines = [
        line("run.started", 0),
        call("call.started", 1),
        line("node.started", 5, analyzer="b"),
        line("run.started", 30),
        call("call.started", 31),
    ]
    calls = [(c.outcome, c.end_s - c.start_s) for c in calls_in(lines)]

    assert [("open", 4.0), ("open", 0.0)] == calls


def test_a_session_of_one_run_of_a_batch_ends_no_call_of_another() -> None:
    pairs = CallPairs()
    pairs.add(call("call.started", 1, run="one"))
    pairs.add(call("call.started", 1, run="two"))
    lost = pairs.add(line("run.started", 2, run="two"))

    assert ["open"] == [c.outcome for c in lost]
    assert [("one", "a", 1)] == [*pairs.open]


@pytest.mark.parametrize(
    "odd",
    [
        {"event": "call.started"},
        {"event": "call.started", "analyzer": ["a"], "attempt": 1},
        {"event": "call.finished", "analyzer": "a", "attempt": {}},
        {"event": "call.finished", "analyzer": "never started", "attempt": 1},
        {"event": "call.started", "analyzer": "a", "attempt": 1, "at": "yesterday"},
        {"event": None},
    ],
)
def test_a_foreign_line_is_no_call(odd: dict[str, Any]) -> None:
    assert [] == [*calls_in([odd])]
