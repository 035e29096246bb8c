"""A plan shows live, flex and batch side by side, and its budget check is of the chosen one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers import job

from runner.record.history import (
    CallAverages,
    add_batch_latencies,
    flex_name,
    write_history,
)
from runner.run.plan.plan import Plan, as_text, make_plan, read_histories

MODEL = "openai/gpt-5-mini"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def plan(*overrides: str, model: str = MODEL) -> Plan:
    made = job("plan=true", f"model.name={model}", *overrides)
    return make_plan(made, read_histories(made))


def figures(made: Plan, name: str) -> dict[str, Any]:
    found: dict[str, Any] = made.as_dict()["deliveries"][name]
    return found


def test_each_delivery_has_its_price_its_end_and_whether_it_is_in_time() -> None:
    made = plan("delivery.by=2h", "model.delivery=flex")
    live, flex, batch = (figures(made, name) for name in ("live", "flex", "batch"))

    assert ["live", "flex", "batch"] == list(made.deliveries)
    assert live["cost_usd"] == pytest.approx(2 * flex["cost_usd"]) == 2 * batch["cost_usd"]
    assert (True, True, False) == (live["meets"], flex["meets"], batch["meets"])
    assert (made.wall_s, None, None) == (live["ends_s"], flex["ends_s"], batch["ends_s"])
    assert 2 * 86_400.0 == batch["most_s"]  # two stages in the provider's windows
    assert made.total("cost_usd") == pytest.approx(flex["cost_usd"])
    assert "flex (chosen)" in as_text(made)


def test_recorded_calls_and_batches_tell_when_each_ends() -> None:
    made = job("plan=true", f"model.name={MODEL}")
    seen = {name: CallAverages(10.0, 100.0, 1.0) for name in made.analyzers}
    slow = {name: CallAverages(30.0, 100.0, 1.0) for name in made.analyzers}
    write_history(made.root, MODEL, seen)
    write_history(made.root, flex_name(MODEL), slow)
    add_batch_latencies(made.root, MODEL, [600.0, 900.0, 1800.0])
    found = plan("delivery.by=2h")

    assert figures(found, "flex")["ends_s"] == pytest.approx(3 * found.wall_s)
    assert (1800.0, 3600.0) == (
        figures(found, "batch")["ends_s"],
        figures(found, "batch")["most_s"],
    )
    assert figures(found, "batch")["meets"] is True
    assert figures(plan("delivery.by=30m"), "batch")["meets"] is False


def test_what_a_provider_lacks_is_said_and_has_no_price() -> None:
    made = plan("delivery.by=2h", model="bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0")
    own = plan("model.api_base=http://127.0.0.1:1/v1", model="hosted_vllm/mine")

    assert "bucket of S3" in figures(made, "batch")["why_not"]
    assert (None, False) == (figures(made, "batch")["cost_usd"], figures(made, "batch")["meets"])
    assert "hosted_vllm has no flex tier" in as_text(own)
    assert {} == plan(model="offline/extractive").as_dict()["deliveries"]


def test_auto_costs_what_batches_answer_in_time_and_the_rest_live() -> None:
    add_batch_latencies(job("plan=true").root, MODEL, [60.0] * 3 + [1e5])
    free, bound = plan("model.delivery=auto"), plan("model.delivery=auto", "delivery.by=2h")
    live, batch = (figures(free, name)["cost_usd"] for name in ("live", "batch"))

    assert batch == pytest.approx(free.total("cost_usd"))
    assert 0.75 * batch + 0.25 * live == pytest.approx(bound.total("cost_usd"))
    assert "auto (chosen)" in as_text(bound)
    assert figures(bound, "auto")["meets"] is True


def test_the_budget_check_is_of_the_chosen_delivery() -> None:
    live = plan()
    cap = f"budget.max_cost_usd={0.8 * live.total('cost_usd'):.6f}"

    assert plan(cap).stopped_by is not None
    assert [None, None] == [
        plan(cap, f"model.delivery={each}").stopped_by for each in ("flex", "batch")
    ]
