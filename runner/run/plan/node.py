"""Plan of one analyzer: tokens, cost and time of its calls."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from runner.base.usage import Usage, sum_usd
from runner.calls.admission.budget import margin_of
from runner.config.model_facts import OFFLINE
from runner.job.graph import Node, asks_again
from runner.job.job import Job
from runner.job.models import Model
from runner.job.windows import FRAME_TOKENS
from runner.providers.prices import Prices, cost_usd, upper_bound_usd
from runner.record.history import REPLY_SHARE, CallAverages, guessed_s

TAG_TOKENS = 30  # of the tags around the transcript or a context
OFFLINE_TOKENS_PER_S = 50_000  # of the prompt, where no earlier run tells
LOW = 0.5  # of the expected reply, for the low estimate
_SUMMED = (
    *("chunks", "calls", "planned_tokens", "prompt_tokens", "reply_tokens", "most_tokens"),
    *("cached_tokens", "cost_low_usd", "cost_usd", "cost_high_usd"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePlan:
    """Prediction of one analyzer: tokens and US dollars of all its calls, seconds of one.

    *chunks* counts the parts of the transcript (0: it reads none). *planned_tokens* are counted
    prompt tokens, *prompt_tokens* those to be billed; *most_tokens* and *cost_high_usd* are the
    amounts that a budget reserves. Costs are None without a price. *seen* says whether history of
    the model was used. *further* calls follow the first answers. *costs* are expected by each
    delivery, empty if only *cost_usd* is known.
    """

    stage: str
    model: str
    chunks: int = 0
    calls: int = 0
    context_tokens: int = 0
    planned_tokens: int = 0
    prompt_tokens: int = 0
    reply_tokens: int = 0
    most_tokens: int
    cached_tokens: int = 0
    cost_low_usd: float | None = 0.0
    cost_usd: float | None = 0.0
    cost_high_usd: float | None
    latency_s: float = 0.0
    seen: bool
    further: bool = False
    costs: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def tokens(self) -> int:
        """Prompt and reply tokens together."""
        return self.prompt_tokens + self.reply_tokens


def total(nodes: Iterable[NodePlan], field: str) -> Any:
    """Return the sum of a field over *nodes*, None if it is in dollars and one is unknown."""
    values = [getattr(node, field) for node in nodes]
    return sum_usd(values) if field.endswith("_usd") else sum(values)


def summed(one: NodePlan, other: NodePlan) -> NodePlan:
    """Return the sum of two plans of one node; *latency_s* becomes the mean over calls."""
    calls = one.calls + other.calls
    latency_s = (one.latency_s * one.calls + other.latency_s * other.calls) / max(1, calls)
    sums = {name: total((one, other), name) for name in _SUMMED}
    sums["costs"] = {each: sum_usd((one.costs[each], other.costs[each])) for each in one.costs}
    context = max(one.context_tokens, other.context_tokens)
    return replace(one, context_tokens=context, latency_s=round(latency_s, 6), **sums)


def plan_node(
    job: Job,
    node: Node,
    model: Model,
    seen: CallAverages | None,
    cache: tuple[int, int],
    in_batches: float = 1.0,
    guess: float | None = None,
) -> NodePlan:
    """Return the plan of *node*'s calls to *model*.

    *seen* are the averages of earlier runs; *cache* the tokens read from and written to the prompt
    cache; *in_batches* the share of calls that `auto` is expected to answer in batches;
    *guess* the tokens of a reply where no earlier run tells, else REPLY_SHARE of the most.
    """
    fit, prices = job.fit(node, model), model.prices
    parts = len(fit.chunks) if len(fit.chunks) > 1 else 0
    fixed = fit.fixed - FRAME_TOKENS + TAG_TOKENS * (bool(fit.chunks) + (node.context is not None))
    prompts = [fixed + chunk.tokens + fit.context for chunk in fit.chunks] or [fixed + fit.context]
    if parts and not getattr(job.analyzers[node.name], "adds_up", False):  # one call merges them
        merged = fit.joined(job.settings.transcript.reduce_token_budget)
        prompts.append(fixed + merged + fit.context)
    if asks_again(job.settings, node):  # at most the whole transcript
        prompts += [fixed + chunk.tokens for chunk in fit.chunks]
    calls, planned = len(prompts), sum(prompts)
    ratio = seen.prompt_ratio if seen else model.learned.factor or 1.0
    prompt = round(planned * ratio)
    usual = fit.reply * REPLY_SHARE if guess is None else min(guess, fit.reply)
    reply = round(calls * (seen.reply_tokens if seen else usual))
    margin = 1.0 if model.tokenizer.exact else margin_of(model.learned)
    most = [math.ceil(each * margin) for each in prompts]
    sizes = [round(each * ratio) for each in prompts]
    bounds = [upper_bound_usd(each, fit.reply, prices) for each in most] if prices else []
    low, cost, costs = _expected_usd(model, sizes, reply, cache, in_batches)
    offline = model.settings.name.startswith(OFFLINE)
    guessed = prompt / calls / OFFLINE_TOKENS_PER_S if offline else guessed_s(reply / calls)
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
        cached_tokens=min(cache[0], prompt),
        cost_low_usd=low,
        cost_usd=cost,
        cost_high_usd=round(sum(bounds), 9) if prices else None,
        latency_s=round(seen.latency_s if seen else guessed, 3),
        seen=seen is not None,
        costs=costs,
    )


def _expected_usd(
    model: Model, sizes: Sequence[int], reply: float, cache: tuple[int, int], in_batches: float
) -> tuple[float | None, float | None, dict[str, float | None]]:
    """Return the low and the expected US dollars of calls, and the expected by delivery."""
    by_delivery = model.prices_by_delivery.items()
    costs = {each: cost_of(known, sizes, reply, cache) for each, known in by_delivery}
    low = cost_of(model.prices, sizes, reply * LOW, cache)
    cost = cost_of(model.prices, sizes, reply, cache)
    live, batch = costs["live"], costs["batch"]
    if model.settings.delivery == "auto" and cost and low and live and batch:
        mixed = in_batches * batch + (1 - in_batches) * live
        low, cost = round(low * mixed / cost, 9), round(mixed, 9)
    return low, cost, costs


def cost_of(
    prices: Prices | None, prompts: Sequence[int], reply: float, cache: tuple[int, int]
) -> float | None:
    """Return US dollars of calls with *prompts*; *reply* and *cache* are totals in tokens."""
    if prices is None:
        return None
    calls = len(prompts)
    paid = 0.0
    for prompt in prompts:
        cached = min(cache[0] // calls, prompt)
        written = min(cache[1] // calls, prompt - cached)
        used = Usage(prompt, round(reply / calls), cached, written)
        used = replace(used, cache_write_1h_tokens=written * prices.writes_1h)
        paid += cost_usd(used, prices)
    return round(paid, 9)
