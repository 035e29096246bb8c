"""Plan: predicts tokens, cost and time of a run before anything is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from runner.base.format import aligned, count, seconds, usd
from runner.calls.admission.gate import Gate
from runner.calls.admission.rates import rates_of
from runner.calls.client_factory import max_in_flight
from runner.calls.schedule import Duration, ideal_makespan
from runner.config.model_facts import OFFLINE
from runner.config.schema import BudgetSettings
from runner.job.job import Job, Setup
from runner.job.models import Model
from runner.job.prefix_policy import format_notes, prefix_policy
from runner.job.windows import window_notes
from runner.providers.litellm.route import streamed
from runner.providers.options import effort_note
from runner.record.history import (
    FIRST_TOKEN_S,
    REPLY_SHARE,
    TOKENS_PER_S,
    Histories,
    read_history,
)
from runner.run.plan.deliveries import PlannedDelivery, as_lines, batch_shares, planned_deliveries
from runner.run.plan.further import embedding_plan, further_plans
from runner.run.plan.node import NodePlan, plan_node, total

_NOTES = {"windows": "window", "efforts": "effort", "formats": "format"}  # as a line begins
_TOTALS = ("most_tokens", "calls", "cost_low_usd", "cost_usd", "cost_high_usd")


@dataclass(frozen=True, slots=True)
class Plan:
    """Plans of nodes by name; *stopped_by* is the cap that would end the run, or None.

    *notes* are sentences: `windows` that are learned, guessed or unknown, `efforts` that are
    replaced because a model does not accept them, `formats` that analyzers share. *deliveries*
    compares them; *delivery* is that of the main model, *by* `delivery.by`.
    """

    nodes: Mapping[str, NodePlan]
    wall_s: float
    stopped_by: str | None
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    deliveries: Mapping[str, PlannedDelivery] = field(default_factory=dict)
    delivery: str = "live"
    by: str | None = None

    def total(self, field: str) -> Any:
        """Return the sum of a field over all nodes; see `total`."""
        return total(self.nodes.values(), field)

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as JSON-able data."""
        return {
            "prompt_tokens": self.total("prompt_tokens"),
            "completion_tokens": self.total("reply_tokens"),
            **{name: self.total(name) for name in _TOTALS},
            "wall_s": round(self.wall_s, 3),
            "stopped_by": self.stopped_by,
            "delivery": self.delivery,
            "by": self.by,
            "deliveries": {name: asdict(each) for name, each in self.deliveries.items()},
            **{name: list(self.notes.get(name, ())) for name in _NOTES},
            "recorded": all(node.seen for node in self.nodes.values()),
            "analyzers": {name: asdict(node) for name, node in self.nodes.items()},
        }


def read_histories(job: Setup) -> Histories:
    """Return the history of each of the job's models."""
    names = {model.settings.name for model in job.models.values()}
    return {name: read_history(job.root, name) for name in names}


def make_plan(job: Job, history: Histories) -> Plan:
    """Return the plan of *job*."""
    nodes = plan_nodes(job, history, batch_shares(job))
    every = {**_embeddings(job), **nodes, **further_plans(job, nodes)}
    efforts = [note for model in _asked(job) if (note := effort_note(model.settings))]
    notes = {**windows_of(job), "efforts": efforts, "formats": format_notes(job)}
    return with_deliveries(Plan(every, _wall(job, nodes), _stopped_by(job, every), notes), job)


def _embeddings(job: Job) -> dict[str, NodePlan]:
    if not job.to_embed:
        return {}
    node, (texts, sizes) = job.pipeline.nodes[0], zip(*job.to_embed, strict=True)
    plan = embedding_plan(job, node.stage, sizes, sum(texts), further=False)
    return {f"{node.name}/embeddings": plan}


def with_deliveries(plan: Plan, job: Setup) -> Plan:
    """Return *plan* with the comparison of deliveries."""
    planned = planned_deliveries(job, plan.nodes, plan.wall_s)
    by = job.settings.delivery.by
    return replace(plan, deliveries=planned, delivery=job.main.settings.delivery, by=by)


def windows_of(job: Setup) -> dict[str, Sequence[str]]:
    """Return notes about the windows of the models that *job* may ask."""
    return {"windows": [*window_notes(_asked(job))]}


def _asked(job: Setup) -> list[Model]:
    nodes = job.pipeline.nodes
    asked = (model for node in nodes for model in (*job.chain(node), *job.escalation(node)))
    return [*{model.name: model for model in asked}.values()]


def plan_nodes(
    job: Job, history: Histories, shares: Mapping[str, float], guesses: Mapping[str, float] = {}
) -> dict[str, NodePlan]:
    """Return the plans of *job*'s nodes, by name.

    *shares* are those of `batch_shares`, *guesses* those of `plan_node`.
    """
    policy, nodes = prefix_policy(job), dict[str, NodePlan]()
    for node in job.pipeline.nodes:
        model = job.chain(node)[0]
        seen = history.get(model.settings.name, {}).get(node.name)
        cache = policy.cached[node.name], policy.written[node.name]
        of = (job, node, model, seen, cache, shares[model.name])
        nodes[node.name] = plan_node(*of, guesses.get(node.name))
    return nodes


def _wall(job: Job, nodes: Mapping[str, NodePlan]) -> float:
    """Predict the wall-clock seconds by running the real scheduler in virtual time."""
    work = {n: Duration(p.latency_s, (p.latency_s,) * (p.calls - 1)) for n, p in nodes.items()}
    processing, model = job.settings.processing, job.main.settings
    limited = any((model.rpm, model.tpm, model.itpm, model.otpm))
    gate = Gate(max_in_flight(job), rates_of(model)) if limited else None
    tokens = {n: (p.tokens // p.calls, p.reply_tokens // p.calls) for n, p in nodes.items()}
    slots, mode = processing.max_concurrent, processing.mode
    wall = ideal_makespan(job.pipeline, work, slots, mode, gate, tokens)
    for stage, name in prefix_policy(job).primed:
        members = [node for node in nodes.values() if node.stage == stage]
        if all(node.calls == 1 for node in members):  # the prefixes of parts fill all slots
            first = min(node.latency_s for node in members)
            streams = streamed(job.models[name].settings.name)
            wall += min(first, FIRST_TOKEN_S) if streams else first
    return wall


def _stopped_by(job: Job, nodes: Mapping[str, NodePlan]) -> str | None:
    """Return the cap that would end the run and the analyzer it would stop, or None."""
    spent, paid = 0, 0.0
    for name, node in nodes.items():
        if not node.calls:
            continue  # it may not be called
        last, usd = 1 - 1 / node.calls, node.cost_usd or 0.0  # before the last call
        most_tokens = spent + last * node.tokens + node.most_tokens / node.calls
        most_usd = paid + last * usd + (node.cost_high_usd or 0.0) / node.calls
        if cap := exceeded_cap(job.settings.budget, most_tokens, most_usd):
            return f"{cap}, before {name}"
        spent, paid = spent + node.tokens, paid + usd
    return None


def exceeded_cap(budget: BudgetSettings, tokens: float, usd: float) -> str | None:
    """Return the cap that *tokens* or *usd* exceeds, as it was set, or None."""
    if budget.max_tokens is not None and tokens > budget.max_tokens:
        return f"budget.max_tokens={budget.max_tokens:,}"
    if budget.max_cost_usd is not None and usd > budget.max_cost_usd:
        return f"budget.max_cost_usd={budget.max_cost_usd:g}"
    return None


def compare(plan: Plan, run: Mapping[str, Any]) -> dict[str, Any]:
    """Return predicted and actual figures of *run* (benchmark.json's), with relative errors.

    Calls after the first answers are not compared.
    """
    first = {name: node for name, node in plan.nodes.items() if not node.further}
    predicted = replace(plan, nodes=first).as_dict()
    figures = {}
    for name in ("prompt_tokens", "completion_tokens", "cost_usd", "wall_s"):
        planned, actual = predicted[name], run[name]
        error = round(planned / actual - 1, 4) if planned is not None and actual else None
        figures[name] = {"predicted": planned, "actual": actual, "error": error}
    return {**figures, "recorded": predicted["recorded"]}


def as_text(plan: Plan) -> str:
    """Return the plan as a table for a terminal."""
    rows = [("analyzer", "stage", "chunks", "calls", "prompt", "reply", "cost", "seconds")]
    for name, node in ((name, node) for name, node in plan.nodes.items() if node.calls):
        chunks, calls = str(node.chunks or "-"), str(node.calls)
        prompt, reply = count(node.prompt_tokens), count(node.reply_tokens)
        cost, latency = usd(node.cost_usd), f"{node.latency_s:.1f}"
        rows.append((name, node.stage, chunks, calls, prompt, reply, cost, latency))
    compared = as_lines(plan.deliveries, plan.delivery, plan.by)
    return "\n".join([*aligned(rows, left=(0, 1)), "", *compared, *_summary(plan)])


def _escalation(plan: Plan) -> list[str]:
    """Return the worst case of escalation in words, nothing if it is off."""
    further = [node for node in plan.nodes.values() if node.further and not node.calls]
    if not further:
        return []
    tokens, most = total(further, "most_tokens"), usd(total(further, "cost_high_usd"))
    return [f"escalate at most {tokens:,} tokens and {most} of these, if every answer fails"]


def _time(plan: Plan) -> str:
    chosen = plan.deliveries.get(plan.delivery)
    if chosen is None or plan.delivery == "live":
        return seconds(plan.wall_s)
    if chosen.ends_s is None:
        return f"not recorded, at most {seconds(chosen.most_s)}; live {seconds(plan.wall_s)}"
    return f"{seconds(chosen.ends_s)}; live {seconds(plan.wall_s)}"


def _summary(plan: Plan) -> list[str]:
    totals = plan.as_dict()
    low, cost, high = (usd(totals[f"cost{which}_usd"]) for which in ("_low", "", "_high"))
    spread = "" if low == cost == high else f" expected, {low} to {high}"
    cached = filter(None, [plan.total("cached_tokens")])
    lines = [
        f"tokens   {totals['prompt_tokens']:,} prompt + {totals['completion_tokens']:,} reply; "
        f"at most {totals['most_tokens']:,} without retries",
        *(f"cache    {read:,} prompt tokens are expected to be read from it" for read in cached),
        f"cost     {cost}{spread}",
        f"time     {_time(plan)}",
        f"budget   {plan.stopped_by or 'not reached'}",
        *_escalation(plan),
        *(f"{_NOTES[kind]:8} {note}" for kind in _NOTES for note in plan.notes.get(kind, ())),
    ]
    if not all(node.seen or node.model.startswith(OFFLINE) for node in plan.nodes.values()):
        lines.append(
            f"basis    no run with this model is recorded for every analyzer: replies of "
            f"{REPLY_SHARE:.0%} of max_tokens at {TOKENS_PER_S:.0f} tokens/s are assumed"
        )
    return [*lines, "Nothing was sent."]
