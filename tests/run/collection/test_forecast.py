"""The plan of a collection, against what its calls then use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.batches import execute_batch
from helpers.planted import collection, prompt_of
from helpers.runs import simulated

from benchmarks.planted_corpus import planted, write
from benchmarks.planted_model import answer
from runner.base.usage import Usage
from runner.providers.prices import cost_usd
from runner.providers.request import Completion, Request
from runner.run.batch.plan import plan_batch

PRICE = ("model.input_usd_per_mtok=1", "model.output_usd_per_mtok=5")


def knowing(request: Request) -> str:
    """Answer as the model of benchmarks.planted does."""
    named = {"name": request.node.partition("/")[0], "schema": request.schema}
    messages = [{"role": "user", "content": prompt_of(request)}]
    form = {"type": "json_schema", "json_schema": named}
    return str(answer({"messages": messages, "response_format": form}))


@pytest.mark.parametrize(
    ("reply", "budget", "guide"),
    [
        (knowing, 16_000, ""),
        (knowing, 1_500, ""),
        (simulated, 16_000, "What is missing?\nWho should pay?\n"),
        (simulated, 1_500, ""),
    ],
)
def test_a_collection_costs_what_its_plan_without_history_says(
    reply: Callable[[Request], str],
    budget: int,
    guide: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    write(planted(16), tmp_path / "many")
    Path("guide.txt").write_text(guide)
    asks = ["guide=guide.txt"] if guide else []
    small = f"stages.across.context.token_budget={budget}"
    made = collection(small, *PRICE, *asks)
    count, prices = made.main.tokenizer.count, made.main.prices
    assert prices
    paid = Counter[str]()

    def priced(request: Request) -> Completion:
        said = reply(request)
        used = Usage(sum(count(str(m["content"])) for m in request.messages), count(said))
        paid[request.node.partition("/")[0]] += (cost := cost_usd(used, prices))
        return Completion(said, "stop", replace(used, cost_usd=cost))

    plan = plan_batch(made)
    execute_batch(made, priced)
    for nodes in (plan.joint, plan.nodes):
        told = sum(node.cost_usd or 0.0 for node in nodes.values())
        spent = sum(paid[name] for name in nodes)

        assert 1.5 >= max(told / spent, spent / told)
    assert all(paid[name] <= (node.cost_high_usd or 0.0) for name, node in plan.joint.items())
    assert not any(node.seen for node in plan.joint.values())
