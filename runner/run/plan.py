"""Predicts tokens, cost and time of a run before anything is sent."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from runner.base.format import aligned, count, seconds, usd
from runner.base.usage import Usage, sum_usd
from runner.calls.admission.budget import MARGIN
from runner.calls.admission.gate import Gate
from runner.calls.client_factory import most_in_flight
from runner.calls.schedule import Duration, ideal_makespan
from runner.job.graph import Node
from runner.job.job import Job, Setup
from runner.job.models import Model
from runner.job.prefix_policy import primed_stages
from runner.job.windows import FRAME_TOKENS
from runner.providers.prices import Prices, cost_usd, most_usd
from runner.record.history import Seen, history_of, read_history

# Assumptions about a model without history; mentioned wherever they are used.
REPLY_SHARE = 0.5  # of max_tokens is written
FIRST_TOKEN_S = 1.0
TOKENS_PER_S = 60.0
TAG_TOKENS = 30  # around a block of material
LOW = 0.5  # of the expected reply, for the low estimate


@dataclass(frozen=True, slots=True)
class NodePlan:
    """One analyzer's calls: tokens and US dollars of all of them, seconds of one.

    *chunks* is the number of parts of the transcript (0: it reads none); *planned_tokens* is the
    prompt as counted, *prompt_tokens* as billed; *high* figures are what a budget reserves;
    costs are None without a price; *seen* says that the model's history was used.
    """

    stage: str
    model: str
    chunks: int
    calls: int
    context_tokens: int
    planned_tokens: int
    prompt_tokens: int
    reply_tokens: int
    most_tokens: int
    cached_tokens: int
    cost_low_usd: float | None
    cost_usd: float | None
    cost_high_usd: float | None
    latency_s: float
    seen: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """All nodes by name; *stopped_by* names the budget that would end the run, None if none."""

    nodes: Mapping[str, NodePlan]
    wall_s: float
    stopped_by: str | None

    def total(self, field: str) -> Any:
        """Return the sum of a field over all nodes: see `total`."""
        return total(self.nodes.values(), field)

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as JSON-able data."""
        return {
            "prompt_tokens": self.total("prompt_tokens"),
            "completion_tokens": self.total("reply_tokens"),
            "most_tokens": self.total("most_tokens"),
            "calls": self.total("calls"),
            "cost_low_usd": self.total("cost_low_usd"),
            "cost_usd": self.total("cost_usd"),
            "cost_high_usd": self.total("cost_high_usd"),
            "wall_s": round(self.wall_s, 3),
            "stopped_by": self.stopped_by,
            "recorded": all(node.seen for node in self.nodes.values()),
            "analyzers": {name: asdict(node) for name, node in self.nodes.items()},
        }


def total(nodes: Iterable[NodePlan], field: str) -> Any:
    """Return the sum of a field over *nodes*; of dollars None if one is unknown."""
    values = [getattr(node, field) for node in nodes]
    return sum_usd(values) if field.endswith("_usd") else sum(values)


def read_histories(job: Setup) -> dict[str, dict[str, Seen]]:
    """Return the history of each of the job's models, by litellm model name."""
    names = {model.settings.name for model in job.models.values()}
    return {name: read_history(history_of(job.root), name) for name in names}


def make_plan(job: Job, history: Mapping[str, Mapping[str, Seen]]) -> Plan:
    """Return the plan of *job*; *history* is by litellm model name, then analyzer."""
    nodes = plan_nodes(job, history)
    return Plan(nodes, _wall(job, nodes), _stopped_by(job, nodes))


def plan_nodes(job: Job, history: Mapping[str, Mapping[str, Seen]]) -> dict[str, NodePlan]:
    """Return the plans of *job*'s nodes, by name."""
    primed = primed_stages(job)
    nodes: dict[str, NodePlan] = {}
    for node in job.pipeline.nodes:
        model = job.chain(node)[0]
        seen = history.get(model.settings.name, {}).get(node.name)
        begun = any(other.stage == node.stage for other in nodes.values())
        warm = begun and (node.stage, model.name) in primed
        nodes[node.name] = _plan_node(job, node, model, seen, warm=warm)
    return nodes


def _plan_node(job: Job, node: Node, model: Model, seen: Seen | None, *, warm: bool) -> NodePlan:
    fit = job.fit(node, model)
    parts = len(fit.chunks) if len(fit.chunks) > 1 else 0
    tags = bool(fit.chunks) + (node.context is not None)
    fixed = fit.fixed - FRAME_TOKENS + tags * TAG_TOKENS
    prompts = [fixed + chunk.tokens + fit.context for chunk in fit.chunks] or [fixed + fit.context]
    if parts:  # one more call merges the parts' answers
        budget = job.settings.transcript.reduce_token_budget
        merged = 2 * budget if fit.room is None else min(2 * budget, fit.room - fit.context)
        prompts.append(fixed + merged + fit.context)
    calls, planned = len(prompts), sum(prompts)
    ratio = seen.prompt_ratio if seen else 1.0
    prompt = round(planned * ratio)
    reply = round(calls * (seen.reply_tokens if seen else fit.reply * REPLY_SHARE))
    margin = 1.0 if model.tokenizer.exact else MARGIN
    most = [math.ceil(each * margin) for each in prompts]
    shared = min(fit.context + max((c.tokens for c in fit.chunks), default=0), prompt)
    cached = shared if warm and not parts else 0
    sizes = [round(each * ratio) for each in prompts]
    prices = model.prices
    high = round(sum(most_usd(each, fit.reply, prices) for each in most), 9) if prices else None
    latency = seen.latency_s if seen else FIRST_TOKEN_S + reply / calls / TOKENS_PER_S
    return NodePlan(
        stage=node.stage,
        model=model.settings.name,
        chunks=len(fit.chunks),
        calls=calls,
        context_tokens=fit.context,
        planned_tokens=planned,
        prompt_tokens=prompt,
        reply_tokens=reply,
        most_tokens=sum(most) + calls * fit.reply,
        cached_tokens=cached,
        cost_low_usd=_cost(prices, sizes, reply * LOW, cached),
        cost_usd=_cost(prices, sizes, reply, cached),
        cost_high_usd=high,
        latency_s=round(latency, 3),
        seen=seen is not None,
    )


def _cost(prices: Prices | None, prompts: Sequence[int], reply: float, cached: int) -> float | None:
    """Return US dollars of calls with *prompts* that write and read so many tokens together."""
    if prices is None:
        return None
    calls = len(prompts)
    used = [Usage(each, round(reply / calls), cached // calls) for each in prompts]
    return round(sum(cost_usd(usage, prices) for usage in used), 9)


def _wall(job: Job, nodes: Mapping[str, NodePlan]) -> float:
    """Predict the wall-clock seconds by running the real scheduler in virtual time."""
    work = {}
    for name, node in nodes.items():
        parts = (node.latency_s,) * (node.calls - 1)
        work[name] = Duration(node.latency_s, parts)
    processing, model = job.settings.processing, job.main.settings
    gate = None
    if model.rpm is not None or model.tpm is not None:
        gate = Gate(most_in_flight(job), rpm=model.rpm, tpm=model.tpm, burst_s=model.burst_s)
    tokens = {n: (p.prompt_tokens + p.reply_tokens) // p.calls for n, p in nodes.items()}
    wall = ideal_makespan(
        job.pipeline, work, processing.max_concurrent, processing.mode, gate, tokens
    )
    for stage, _ in primed_stages(job):
        members = [node for node in nodes.values() if node.stage == stage]
        if all(node.calls == 1 for node in members):  # parts have enough prefixes for all slots
            wall += min(node.latency_s for node in members)
    return wall


def _stopped_by(job: Job, nodes: Mapping[str, NodePlan]) -> str | None:
    """Return the budget that would end the run, with the analyzer before which; None if none."""
    budget, spent, paid = job.settings.budget, 0, 0.0
    for name, node in nodes.items():
        last = 1 - 1 / node.calls  # of its calls have been made when the last one reserves
        reserved = (
            spent + last * (node.prompt_tokens + node.reply_tokens) + node.most_tokens / node.calls
        )
        if budget.max_tokens is not None and reserved > budget.max_tokens:
            return f"budget.max_tokens={budget.max_tokens:,}, before {name}"
        high = paid + last * (node.cost_usd or 0.0) + (node.cost_high_usd or 0.0) / node.calls
        if budget.max_cost_usd is not None and high > budget.max_cost_usd:
            return f"budget.max_cost_usd={budget.max_cost_usd:g}, before {name}"
        spent += node.prompt_tokens + node.reply_tokens
        paid += node.cost_usd or 0.0
    return None


def compare(plan: Plan, run: Mapping[str, Any]) -> dict[str, Any]:
    """Return prediction and actual of a run (benchmark.json's `run`), with relative errors."""
    predicted = plan.as_dict()
    figures = {}
    for name in ("prompt_tokens", "completion_tokens", "cost_usd", "wall_s"):
        planned, actual = predicted[name], run[name]
        known = planned is not None and actual
        error = round(planned / actual - 1, 4) if known else None
        figures[name] = {"predicted": planned, "actual": actual, "error": error}
    return {**figures, "recorded": predicted["recorded"]}


def as_text(plan: Plan) -> str:
    """Return the plan as a table for a terminal."""
    header = ("analyzer", "stage", "chunks", "calls", "prompt", "reply", "cost", "seconds")
    rows = [
        (
            name,
            node.stage,
            str(node.chunks or "-"),
            str(node.calls),
            count(node.prompt_tokens),
            count(node.reply_tokens),
            usd(node.cost_usd),
            f"{node.latency_s:.1f}",
        )
        for name, node in plan.nodes.items()
    ]
    return "\n".join([*aligned([header, *rows], left=(0, 1)), "", *_summary(plan)])


def _summary(plan: Plan) -> list[str]:
    totals = plan.as_dict()
    costs = [usd(totals[f"cost{which}_usd"]) for which in ("_low", "", "_high")]
    lines = [
        f"tokens   {totals['prompt_tokens']:,} prompt + {totals['completion_tokens']:,} reply; "
        f"at most {totals['most_tokens']:,} without repeats",
        f"cost     {costs[1]} expected, {costs[0]} to {costs[2]}",
        f"time     {seconds(totals['wall_s'])}",
        f"budget   {plan.stopped_by or 'not reached'}",
    ]
    if not totals["recorded"]:
        lines.append(
            f"basis    no run with this model is recorded for every analyzer: replies of "
            f"{REPLY_SHARE:.0%} of max_tokens at {TOKENS_PER_S:.0f} tokens/s are assumed"
        )
    return [*lines, "Nothing was sent."]
