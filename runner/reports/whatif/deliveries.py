"""Deliveries of a recorded run: cost and time of its calls live, at flex or in batches."""

from collections.abc import Mapping
from statistics import median
from typing import Any

from runner.base.errors import ConfigError
from runner.base.json import amount, mapping, mappings
from runner.base.usage import Usage, sum_usd
from runner.calls.schedule import steps_to_end
from runner.job.graph import Node
from runner.job.job import Job
from runner.job.models import DELIVERIES
from runner.providers.batches.endpoint import BatchLimits
from runner.providers.batches.factory import why_not
from runner.providers.prices import cost_usd
from runner.record.history import flex_factor, history_of, read_batch_latencies


def priced(job: Job, entries: Mapping[str, Any], delivery: str) -> float | None:
    """Return the US dollars of the calls in benchmark.json's *entries* by *delivery*."""
    return sum_usd(
        _priced(job, node, mapping(entries.get(node.name)), delivery) for node in job.pipeline.nodes
    )


def _priced(job: Job, node: Node, entry: Mapping[str, Any], delivery: str) -> float | None:
    prices = job.chain(node)[0].prices_by_delivery[delivery]
    calls: int = sum(each.get("outcome") == "ok" for each in mappings(entry.get("attempts")))
    if prices is None or not calls:
        return None if prices is None else 0.0
    kinds = ("prompt_tokens", "completion_tokens", "cached_tokens")
    prompt, reply, cached = (int(amount(entry.get(kind))) // calls for kind in kinds)
    return calls * cost_usd(Usage(prompt, reply, min(cached, prompt)), prices)


def takes_s(job: Job | None, delivery: str, live_s: float) -> tuple[float, str]:
    """Return the seconds of a run by *delivery* that takes *live_s* live, and their source.

    Raises ConfigError if a model of the run has no such delivery.
    """
    if delivery not in DELIVERIES:
        raise ConfigError(f"delivery={delivery}: expected {', '.join(DELIVERIES)}")
    if job is None:
        raise ConfigError(
            f"delivery={delivery}: the run's analyzers or transcript are not available"
        )
    asked = {job.chain(node)[0].name: job.chain(node)[0] for node in job.pipeline.nodes}.values()
    history = history_of(job.root)
    for model in asked:
        if why := why_not(delivery, model.settings):
            raise ConfigError(f"delivery={delivery}: {why}")
    if delivery == "flex":
        factor = flex_factor(history, {model.settings.name for model in asked})
        source = "as fast as live: assumed" if factor is None else "as recorded"
        return live_s * (factor or 1.0), f"flex, {source}"
    steps = max(steps_to_end(job.pipeline).values())
    known_s = [read_batch_latencies(history, model.key) for model in asked]
    if all(known_s):
        return steps * max(map(median, known_s)), "batches, as recorded"
    return steps * BatchLimits().window_s, "batches: none recorded, at most"
