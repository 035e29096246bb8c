"""Plan of further calls: escalation and judging."""

from collections.abc import Mapping
from dataclasses import replace

from runner.answers.judge import JUDGE_TOKENS, question
from runner.base.json import text
from runner.config.checks import JUDGED, Check
from runner.job.job import Job
from runner.providers.prices import upper_bound_usd
from runner.run.plan.node import NodePlan, cost_of, plan_node, summed


def further_plans(job: Job, nodes: Mapping[str, NodePlan]) -> dict[str, NodePlan]:
    """Return the plans of escalated and judged calls, by their names in the table.

    Escalation counts in upper bounds only, since failures cannot be predicted. *nodes* are the
    plans of the first answers.
    """
    plans: dict[str, NodePlan] = {}
    for node in job.pipeline.nodes:
        first = nodes[node.name]
        for model in job.escalation(node):
            one = plan_node(job, node, model, None, (0, 0))
            plans[f"{node.name} > {model.name}"] = escalated(one, seen=first.seen)
    names = [node.name for node in job.pipeline.nodes]
    proven: set[int] = set()
    for name, check in job.expected.judged(names):
        labels = [] if id(check) in proven else [label.answer for label in check.validation_labels]
        proven.add(id(check))
        key = f"{name} judged"
        one = _judged(job, nodes[name], check, labels)
        plans[key] = one if key not in plans else summed(plans[key], one)
    return plans


def escalated(every: NodePlan, *, seen: bool) -> NodePlan:
    """Return the plan of an unknown number of calls, *every* one at most."""
    return replace(
        every,
        calls=0,
        planned_tokens=0,
        prompt_tokens=0,
        reply_tokens=0,
        cached_tokens=0,
        cost_low_usd=0.0,
        cost_usd=0.0,
        latency_s=0.0,
        seen=seen,
        further=True,
        costs={},
    )


def _judged(job: Job, node: NodePlan, check: Check, labels: list[str]) -> NodePlan:
    """Return the plan of judging one answer, and *labels*, twice each."""
    assert check.kind == JUDGED
    model = job.models[job.expected.judge]
    frame = question(text(check.value), "", swapped=False)
    fixed = sum(model.tokenizer.count(str(message["content"])) for message in frame)
    known = [fixed + model.tokenizer.count(answer) for answer in labels]
    reply = node.reply_tokens // max(1, node.calls)
    longest = (node.most_tokens - node.prompt_tokens) // max(1, node.calls)
    sizes = 2 * [*known, fixed + reply]
    most = 2 * [*known, fixed + max(reply, longest)]
    replies, prices = JUDGE_TOKENS // 2 * len(sizes), model.prices
    bounds = [upper_bound_usd(size, JUDGE_TOKENS, prices) for size in most] if prices else []
    return NodePlan(
        stage=node.stage,
        model=model.settings.name,
        chunks=0,
        calls=len(sizes),
        context_tokens=0,
        planned_tokens=sum(sizes),
        prompt_tokens=sum(sizes),
        reply_tokens=replies,
        most_tokens=sum(most) + JUDGE_TOKENS * len(most),
        cached_tokens=0,
        cost_low_usd=cost_of(prices, sizes, replies / 2, (0, 0)),
        cost_usd=cost_of(prices, sizes, replies, (0, 0)),
        cost_high_usd=round(sum(bounds), 9) if prices else None,
        latency_s=0.0,
        seen=node.seen,
        further=True,
    )
