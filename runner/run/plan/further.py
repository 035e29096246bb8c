"""Plan of further calls: escalation, judging, and embeddings."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from runner.answers.judge import JUDGE_TOKENS, SCHEMA, question
from runner.base.json import text
from runner.calls.admission.budget import MARGIN, MESSAGE_TOKENS, margin_of
from runner.config.checks import JUDGED, Check
from runner.job.graph import Node
from runner.job.job import Job
from runner.providers.litellm.embedding import embedding_route
from runner.providers.prices import Prices, prices_of, upper_bound_usd
from runner.run.plan.node import NodePlan, cost_of, plan_node, summed

_CALL_S = 1.0  # of an embedding, assumed


def further_plans(
    job: Job, nodes: Mapping[str, NodePlan], *, validated: bool = False
) -> dict[str, NodePlan]:
    """Return the plans of escalated and judged calls, by their names in the table.

    Escalation counts in upper bounds only, since failures cannot be predicted. *nodes* are the
    plans of the first answers. *validated*: another run asks the judge about the labels.
    """
    plans: dict[str, NodePlan] = {}
    for node in job.pipeline.nodes:
        first = nodes[node.name]
        for model in job.escalation(node):
            one = plan_node(job, node, model, None, (0, 0))
            plans[f"{node.name} > {model.name}"] = escalated(one, seen=first.seen)
    by_name = {node.name: node for node in job.pipeline.nodes}
    proven: set[int] = set()
    for name, check in job.expected.judged([*by_name]):
        known = validated or id(check) in proven
        labels = [] if known else [*dict.fromkeys(each.answer for each in check.validation_labels)]
        proven.add(id(check))
        key = f"{name} judged"
        one = _judged(job, by_name[name], nodes[name], check, labels)
        plans[key] = one if key not in plans else summed(plans[key], one)
    return plans


def escalated(every: NodePlan, *, seen: bool) -> NodePlan:
    """Return the plan of an unknown number of calls, *every* one at most."""
    return NodePlan(
        stage=every.stage,
        model=every.model,
        chunks=every.chunks,
        context_tokens=every.context_tokens,
        most_tokens=every.most_tokens,
        cost_high_usd=every.cost_high_usd,
        seen=seen,
        further=True,
    )


def _judged(job: Job, node: Node, answered: NodePlan, check: Check, labels: list[str]) -> NodePlan:
    """Return the plan of judging the answer of *node*, and *labels*, twice each."""
    assert check.kind == JUDGED
    model = job.models[job.expected.judge]
    frame = question(text(check.value), "", swapped=False)
    sent = [str(message["content"]) for message in frame] + [json.dumps(SCHEMA)]
    fixed = sum(map(model.tokenizer.count, sent)) + MESSAGE_TOKENS * (len(frame) + 1)
    known = [fixed + model.tokenizer.count(answer) for answer in labels]
    reply = answered.reply_tokens // max(1, answered.calls)
    longest = max(reply, *(job.fit(node, each).reply for each in job.chain(node)))
    margin = 1.0 if model.tokenizer.exact else margin_of(model.learned)
    sizes = 2 * [*known, fixed + reply]
    most = [math.ceil(margin * each) for each in 2 * [*known, fixed + longest]]
    of = node.stage, model.settings.name, model.prices
    return _priced(*of, sizes, most, JUDGE_TOKENS, seen=answered.seen, further=True)


def _priced(
    stage: str,
    model: str,
    prices: Prices | None,
    sizes: Sequence[int],
    most: Sequence[int],
    limit: int,
    **others: Any,
) -> NodePlan:
    """Return the plan of calls with prompts of *sizes* tokens, at *most* those; *limit* a reply."""
    replies = limit // 2 * len(sizes)
    bounds = [upper_bound_usd(size, limit, prices) for size in most] if prices else []
    return NodePlan(
        stage=stage,
        model=model,
        calls=len(sizes),
        planned_tokens=sum(sizes),
        prompt_tokens=sum(sizes),
        reply_tokens=replies,
        most_tokens=sum(most) + limit * len(most),
        cost_low_usd=cost_of(prices, sizes, replies / 2, (0, 0)),
        cost_usd=cost_of(prices, sizes, replies, (0, 0)),
        cost_high_usd=round(sum(bounds), 9) if prices else None,
        **others,
    )


def embedding_plan(
    job: Job, stage: str, sizes: Sequence[int], texts: int, *, further: bool = True
) -> NodePlan:
    """Return the plan of one call for each of *sizes*, in tokens, about *texts* in total.

    *further* calls follow the first answers.
    """
    name = job.settings.collection.embeddings or ""
    prices = prices_of(embedding_route(name, job.main.settings))
    most = math.ceil(sum(sizes) * MARGIN) + texts * MESSAGE_TOKENS
    once = {"latency_s": _CALL_S, "seen": not further, "further": further}
    return _priced(stage, name, prices, sizes, [most], 0, **once)
