"""Deliveries of a recorded run: cost and time of its calls live, at flex or in batches."""

from collections.abc import Mapping
from statistics import median
from typing import Any

from runner.base.errors import ConfigError
from runner.base.json import amount, mappings, section
from runner.base.usage import Usage, sum_usd
from runner.calls.schedule import steps_to_end
from runner.job.job import Job
from runner.job.models import DELIVERIES
from runner.providers.batches.endpoint import BatchLimits
from runner.providers.batches.factory import why_not
from runner.providers.prices import cost_usd
from runner.record.history import flex_factor, read_batch_latencies


def priced(job: Job, entries: Mapping[str, Any], delivery: str) -> float | None:
    """Return the US dollars of the calls in benchmark.json's *entries* by *delivery*."""
    costs: list[float | None] = []
    for node in job.pipeline.nodes:
        entry = section(entries, node.name)
        calls: int = sum(each.get("outcome") == "ok" for each in mappings(entry.get("attempts")))
        kinds = ("prompt_tokens", "completion_tokens", "cached_tokens")
        prompt, reply, cached = (int(amount(entry.get(kind))) // max(1, calls) for kind in kinds)
        prices = job.chain(node)[0].prices_by_delivery[delivery]
        used = Usage(prompt, reply, min(cached, prompt))
        costs.append(None if prices is None else calls * cost_usd(used, prices))
    return sum_usd(costs)


def takes_s(job: Job | None, delivery: str, live_s: float) -> tuple[float, str]:
    """Return the seconds of a run by *delivery* that takes *live_s* live, and their source.

    Raises ConfigError if a model of the run has no such delivery.
    """
    if delivery not in DELIVERIES:
        raise ConfigError(f"delivery={delivery}: expected {', '.join(DELIVERIES)}")
    if job is None:
        lost = "the run's analyzers or transcript are not available"
        raise ConfigError(f"delivery={delivery}: {lost}")
    asked = {model.name: model for node in job.pipeline.nodes for model in job.chain(node)[:1]}
    for model in asked.values():
        if why := why_not(delivery, model.settings):
            raise ConfigError(f"delivery={delivery}: {why}")
    if delivery == "flex":
        factor = flex_factor(job.root, {model.settings.name for model in asked.values()})
        source = "as fast as live: assumed" if factor is None else "as recorded"
        return live_s * (factor or 1.0), f"flex, {source}"
    steps = max(steps_to_end(job.pipeline).values())
    known_s = [read_batch_latencies(job.root, model.key) for model in asked.values()]
    if all(known_s):
        return steps * max(map(median, known_s)), "batches, as recorded"
    return steps * BatchLimits().window_s, "batches: none recorded, at most"
