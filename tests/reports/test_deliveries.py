"""How replies came, and what live would have cost, in figures, pages and predictions."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from helpers import job

from runner.base.errors import ConfigError
from runner.calls.call_log import Attempt
from runner.job.graph import Pipeline
from runner.record.benchmark import delivered
from runner.record.history import add_batch_latencies
from runner.reports import status
from runner.reports.report.nodes import NodeFacts
from runner.reports.report.summary import figures_of
from runner.reports.stored_run import StoredRun
from runner.reports.whatif.deliveries import priced, takes_s
from runner.reports.whatif.replay import read_calls

LIVE = Attempt("ok", 2.0, live_usd=0.3)
FLEX = Attempt("ok", 40.0, delivery="flex", live_usd=0.2)
BATCH = Attempt("ok", 750.0, delivery="batch", batch="batch_7<b>", live_usd=0.1)
LOST = Attempt("no_capacity", 0.1, 429, 9.0, delivery="flex")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def entry(*attempts: Attempt) -> dict[str, Any]:
    usage = {"prompt_tokens": 1000, "completion_tokens": 200, "cached_tokens": 0}
    listed = [asdict(attempt) for attempt in attempts]
    return {**usage, "attempts": listed, "parts_s": [], "latency_s": 750.0, "cost_usd": 0.1}


def test_replies_are_counted_by_delivery_with_their_live_price() -> None:
    found = delivered([LIVE, FLEX, LOST, BATCH, BATCH])
    unknown = delivered([LIVE, replace(FLEX, live_usd=None)])

    assert {"live": 1, "flex": 1, "batch": 2} == found["deliveries"]
    assert 0.7 == found["live_cost_usd"]
    assert unknown["live_cost_usd"] is None


def test_the_report_tells_how_replies_came_and_what_live_costs(tmp_path: Path) -> None:
    record = {"attempts": [asdict(each) for each in (LOST, FLEX, BATCH)]}
    node = NodeFacts("say_means", "a", "ok", "n", False, record, {})
    run = StoredRun(tmp_path)
    totals = {"cost_usd": 0.15, "live_cost_usd": 0.3}
    told = replace(run, metadata={"totals": totals})
    figures = {name: (value, why) for name, value, why in figures_of(told, [node])}

    assert "flex after 40.0 s; batch batch_7<b> after 12m 30s" == node.delivered
    assert 0.3 == pytest.approx(node.live_usd)
    assert ("$0.3000", "of the same replies") == figures["Cost live"]
    assert "" == NodeFacts("x", "a", "ok", "n", False, {"attempts": [asdict(LIVE)]}, {}).delivered


def test_the_report_shows_no_time_of_slots_where_all_replies_came_by_batch(tmp_path: Path) -> None:
    timed = {"Wall clock", "Ideal", "Efficiency", "Loop lag", "Speed-up"}
    took = {"wall_s": 0.16, "ideal_s": 0.0, "efficiency": 0.0, "speed_up": 0.0}
    for deliveries, shown in (({"batch": 3}, set()), ({"batch": 2, "live": 1}, timed), ({}, timed)):
        run = StoredRun(tmp_path, benchmark={"run": {**took, "deliveries": deliveries}})

        assert shown == timed & {name for name, *_ in figures_of(run, [])}


def test_other_deliveries_of_a_recorded_run_have_their_price_and_their_end() -> None:
    made = job("model.name=openai/gpt-5-mini", "plan=true")
    entries = {name: entry(BATCH) for name in made.analyzers}
    live, flex = (priced(made, entries, each) for each in ("live", "flex"))
    unknown = takes_s(made, "batch", 60.0)
    add_batch_latencies(made.root, "openai/gpt-5-mini", [600.0, 900.0, 4000.0])

    first = replace(made, pipeline=Pipeline(made.pipeline.stages[:1]))  # as of a batch's runs

    assert live
    assert 0 < (priced(first, entries, "live") or 0) < live
    assert live / 2 == pytest.approx(flex)
    assert (2 * 86_400.0, "batches: none recorded, at most") == unknown
    assert (1800.0, "batches, as recorded") == takes_s(made, "batch", 60.0)
    assert 60.0 == takes_s(made, "flex", 60.0)[0]
    with pytest.raises(ConfigError, match="delivery=fast: expected live, flex, batch"):
        takes_s(made, "fast", 60.0)
    with pytest.raises(ConfigError, match="hosted_vllm has no flex tier"):
        takes_s(job("model.name=hosted_vllm/x", "model.api_base=http://127.0.0.1:1/v1"), "flex", 1)


def test_runs_without_pending_batches_are_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "two"):
        Path("runs", name).mkdir(parents=True)
        Path("runs", name, "metadata.json").write_text('{"status": "running"}')
    for asked, line in (
        ("runs", "no pending batches in 2 runs"),
        ("runs/one", f"{Path('runs/one')}: no pending batches"),
    ):
        monkeypatch.setattr(sys, "argv", ["colloquy-status", asked])
        with pytest.raises(SystemExit) as ended:
            status.main()

        assert (0, f"{line}\n") == (ended.value.code, capsys.readouterr().out)


def test_the_time_in_a_batch_is_no_latency_of_a_live_call() -> None:
    calls = read_calls("say_means", entry(BATCH), 4000)

    assert 1.0 + 200 / 60 == pytest.approx(calls.sum_s)
