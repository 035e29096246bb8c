from __future__ import annotations

from pathlib import Path

import pytest

from runner.record.history import (
    HISTORY,
    CallAverages,
    expected_durations,
    read_history,
    write_history,
)

ROOT = Path("deep/runs")


def seen(**latency_s: float) -> dict[str, CallAverages]:
    return {name: CallAverages(seconds, 100 * seconds, 1.0) for name, seconds in latency_s.items()}


def test_the_last_run_counts_half() -> None:
    write_history(ROOT, "m", seen(a=4.0, b=1.0))
    write_history(ROOT, "m", seen(a=2.0))

    assert read_history(ROOT, "m") == seen(a=3.0, b=1.0)


def test_models_are_kept_apart() -> None:
    write_history(ROOT, "m", seen(a=4.0))
    write_history(ROOT, "n", seen(a=1.0))

    assert read_history(ROOT, "m") == seen(a=4.0)


@pytest.mark.parametrize("content", ["", "not json", "[]", '{"m": 3}', '{"m": {"a": "x"}}'])
def test_a_broken_history_is_as_good_as_none(content: str) -> None:
    ROOT.mkdir(parents=True)
    (ROOT / HISTORY).write_text(content)

    assert read_history(ROOT, "m") == {}
    write_history(ROOT, "m", seen(a=1.0))
    assert read_history(ROOT, "m") == seen(a=1.0)


def test_seconds_and_tokens_are_never_mixed() -> None:
    tokens = {"a": 4000, "b": 100}

    assert expected_durations({**seen(a=0.5), "b": None}, tokens) == {"a": 4000.0, "b": 100.0}
    assert expected_durations(seen(a=0.5, b=2.0), tokens) == {"a": 0.5, "b": 2.0}
