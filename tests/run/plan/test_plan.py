"""Predictions of tokens, cost and time of a run, compared with the run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from helpers import job
from helpers.processes import colloquy
from helpers.runs import ONLY_TWO, execute_models, simulated

from runner.base.usage import Usage
from runner.config.learned import LearnedFacts, remember
from runner.providers.request import Completion, Request
from runner.record.history import CallAverages
from runner.run.plan.plan import as_text, compare, make_plan
from runner.run.plan.printed import print_plan

PRICED = (
    "model=simulated",
    "model.input_usd_per_mtok=2",
    "model.output_usd_per_mtok=10",
    "model.max_tokens=1000",
    "processing.prime_prefix=off",
)


def counted(request: Request) -> Completion:
    """Answer, and count as a provider that adds 7 tokens to each prompt does."""
    count = job().main.tokenizer.count
    text = simulated(request)
    prompt = sum(
        count(m["content"] if isinstance(m["content"], str) else m["content"][0]["text"])
        for m in request.messages
    )
    prompt += count(request.messages[1]["content"][1]["text"]) + 7
    return Completion(text, "stop", Usage(prompt, count(text), cost_usd=0.001))


def test_what_reads_the_transcript_is_counted_not_guessed() -> None:
    made = job(*ONLY_TWO)
    plan = make_plan(made, {})
    _, transports = execute_models(made, counted)
    sent = {r.node: counted(r).usage.prompt_tokens for r in transports["main"].requests}
    for name in ("say_means", "perspective_perception"):
        assert plan.nodes[name].prompt_tokens == pytest.approx(sent[name], rel=0.02)


def test_after_one_run_the_next_is_predicted_to_five_percent() -> None:
    made = job(*ONLY_TWO)
    execute_models(made, counted)
    Path("run").rename("first")
    result, _ = execute_models(made, counted)
    errors = {
        name: result.benchmark["plan"][name]["error"]
        for name in ("prompt_tokens", "completion_tokens")
    }

    assert result.benchmark["plan"]["recorded"] is True
    assert all(abs(error) <= 0.05 for error in errors.values()), errors


def test_costs_are_low_expected_and_at_most() -> None:
    plan = make_plan(job(*PRICED), {})
    node = plan.nodes["say_means"]

    assert node.cost_usd == pytest.approx((node.prompt_tokens * 2 + 500 * 10) / 1e6)
    assert node.cost_low_usd is not None
    assert node.cost_high_usd is not None
    assert node.cost_low_usd < node.cost_usd < node.cost_high_usd
    assert node.cost_high_usd >= (node.prompt_tokens * 2 + 1000 * 10) / 1e6


def test_an_unknown_price_is_unknown_not_nothing() -> None:
    plan = make_plan(job("model=simulated"), {})

    assert plan.total("cost_usd") is None
    assert "cost     unknown\n" in as_text(plan)


def test_the_wall_clock_is_the_schedulers_on_recorded_latencies() -> None:
    seconds = (4.0, 3.0, 2.0, 5.0, 3.0, 5.0, 4.0, 2.0)
    made = job("processing.max_concurrent=3")
    names = [node.name for node in made.pipeline.nodes]
    seen = {name: CallAverages(s, 100.0, 1.0) for name, s in zip(names, seconds, strict=True)}
    plan = make_plan(made, {"offline/extractive": seen})

    assert plan.wall_s == 10.0


def test_a_rate_limit_stretches_the_prediction() -> None:
    free = make_plan(job("model=simulated"), {}).wall_s
    bound = make_plan(job("model=simulated", "model.rpm=1", "model.burst_s=1"), {}).wall_s

    assert bound > free
    assert bound >= 420.0  # the eighth of eight calls at one a minute


def test_the_cap_that_would_be_hit_is_named() -> None:
    tokens = make_plan(job("budget.max_tokens=30000"), {}).stopped_by
    money = make_plan(job(*PRICED, "budget.max_cost_usd=0.05"), {}).stopped_by
    neither = make_plan(job("budget.max_tokens=10000000"), {}).stopped_by

    assert tokens is not None
    assert tokens.startswith("budget.max_tokens=30,000, before ")
    assert money is not None
    assert money.startswith("budget.max_cost_usd=0.05, before ")
    assert neither is None


def test_a_long_transcript_has_the_price_of_its_length_and_no_budget_is_overshot(
    tmp_path: Path,
) -> None:
    said = "the river the table the market " * 10
    (tmp_path / "long.txt").write_text(f"Ana: {said}\n" * 4500)
    long = (
        "model=simulated",
        "model.name=openai/gpt-6-luna",
        "model.context_window=null",
        f"transcript.path={tmp_path / 'long.txt'}",
        "budget.max_cost_usd=0.05",
    )
    plan = make_plan(job(*long, *ONLY_TWO), {})
    node = plan.nodes["say_means"]

    assert node.prompt_tokens > 272_000
    assert node.cost_usd == pytest.approx(node.prompt_tokens * 2e-7 + node.reply_tokens * 7.5e-7)
    assert plan.stopped_by == "budget.max_cost_usd=0.05, before say_means"


def test_parts_are_counted_as_calls_of_their_own() -> None:
    plan = make_plan(job(*ONLY_TWO, "transcript.token_budget=700"), {})

    assert plan.nodes["say_means"].chunks == 4
    assert plan.nodes["say_means"].calls == 5
    assert plan.nodes["competing_hypotheses"].calls == 1


def test_an_error_is_relative_to_what_was() -> None:
    plan = make_plan(job(*PRICED), {})
    run = {"prompt_tokens": 40_000, "completion_tokens": 0, "cost_usd": None, "wall_s": 10.0}
    compared = compare(plan, run)

    assert compared["prompt_tokens"]["error"] == round(plan.total("prompt_tokens") / 40_000 - 1, 4)
    assert compared["completion_tokens"]["error"] is None
    assert compared["cost_usd"]["error"] is None


def test_the_plans_of_a_sweep_name_their_settings_and_the_offline_model_takes_milliseconds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_plan(replace(job(), overrides=("repeat=1",)), in_sweep=True)
    out = capsys.readouterr().out

    assert out.startswith("\nsetting  repeat=1\n")
    assert "basis" not in out
    assert 2.0 > make_plan(job(), {}).wall_s


@pytest.mark.slow
def test_the_command_prints_the_plan_and_leaves_no_trace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = colloquy("plan=true", cwd=tmp_path)
    print_plan(job("output.console=json"))

    assert done.returncode == 0, done.stderr
    assert "say_means" in done.stdout
    assert done.stdout.endswith("Nothing was sent.\n")
    assert json.loads(capsys.readouterr().out)["calls"] == 8
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_planned_sweep_that_is_refused_leaves_nothing(tmp_path: Path) -> None:
    done = colloquy("-m", "pipeline=meeting,metting", "plan=true", cwd=tmp_path)

    assert (2, []) == (done.returncode, list(tmp_path.iterdir())), done.stderr


def test_the_lifetime_of_a_cache_and_an_effort_that_is_not_accepted_are_in_the_plan() -> None:
    wanted = ("model=anthropic", "processing.prime_prefix=on", "model.effort=minimal", "plan=true")
    plans = {
        lifetime: make_plan(job(*wanted, f"model.cache={lifetime}"), {})
        for lifetime in ("auto", "5m", "1h", "off")
    }
    costs = {life: plan.total("cost_usd") for life, plan in plans.items()}

    assert costs["auto"] == costs["5m"] < costs["1h"] < costs["off"]
    assert 0 == plans["off"].total("cached_tokens") < plans["1h"].total("cached_tokens")
    assert tuple(plans["auto"].notes["efforts"]) == (
        "anthropic/claude-sonnet-5-5 does not support effort minimal: low is sent",
    )


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["model=llamacpp"], ["the window of hosted_vllm/llama.cpp is unknown"]),
        (["model=llamacpp", "model.context_window=2048"], ["guessed: 2,048 tokens, as model.con"]),
        (["model=vllm"], ["guessed: 131,072 tokens, as model.context_window=131072 says"]),
        (["model=openai", "model.api_key_env=null"], []),
        (["model=offline"], []),
    ],
)
def test_a_plan_says_where_a_window_comes_from(overrides: list[str], said: list[str]) -> None:
    made = job(*ONLY_TWO, *overrides, "model.max_tokens=300", "plan=true")
    plan = make_plan(made, {})

    assert len(said) == len(plan.notes["windows"])
    assert all(each in line for each, line in zip(said, plan.notes["windows"], strict=True))
    assert all(f"window   {line}" in as_text(plan) for line in plan.notes["windows"])


def test_a_plan_uses_what_an_earlier_run_has_learned() -> None:
    overrides = (*ONLY_TWO, "model=llamacpp", "model.max_tokens=300")
    before = job(*overrides)
    remember(before.root, {before.main.key: LearnedFacts(2048, "/props", factor=1.5)})
    after = job(*overrides)
    first, second = (make_plan(made, {}) for made in (before, after))

    calls = [plan.nodes["say_means"].calls for plan in (first, second)]

    assert calls[0] == 1 < calls[1]
    assert second.total("prompt_tokens") > 1.5 * first.total("prompt_tokens")
    assert second.notes["windows"] == [
        "the window of hosted_vllm/llama.cpp is 2,048 tokens, from /props"
    ]
