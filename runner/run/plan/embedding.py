"""Plan of embeddings: tokens and cost of the calls that compare meanings."""

import math
from collections.abc import Sequence

from runner.calls.admission.budget import MARGIN, MESSAGE_TOKENS
from runner.job.job import Job
from runner.providers.litellm.embedding import embedding_route
from runner.providers.prices import prices_of, upper_bound_usd
from runner.run.plan.node import NodePlan, cost_of

CALL_S = 1.0


def embedding_plan(
    job: Job, stage: str, sizes: Sequence[int], texts: int, *, further: bool = True
) -> NodePlan:
    """Return the plan of one call for each of *sizes*, in tokens, about *texts* in total.

    *further* calls follow the first answers.
    """
    name, tokens = job.settings.collection.embeddings or "", sum(sizes)
    prices = prices_of(embedding_route(name, job.main.settings))
    cost = cost_of(prices, sizes, 0, (0, 0))
    most = math.ceil(tokens * MARGIN) + texts * MESSAGE_TOKENS
    high = round(upper_bound_usd(most, 0, prices), 9) if prices else None
    return NodePlan(
        stage=stage,
        model=name,
        chunks=0,
        calls=len(sizes),
        context_tokens=0,
        planned_tokens=tokens,
        prompt_tokens=tokens,
        reply_tokens=0,
        most_tokens=most,
        cached_tokens=0,
        cost_low_usd=cost,
        cost_usd=cost,
        cost_high_usd=high,
        latency_s=CALL_S,
        seen=not further,
        further=further,
    )
