"""Deliveries of a recorded run: cost and time of its calls live, at flex or in batches."""

from collections.abc import Mapping
from typing import Any

from runner.base.errors import ConfigError
from runner.base.json import amount, mappings, section
from runner.base.usage import Usage, sum_usd
from runner.job.job import Job
from runner.job.models import DELIVERIES
from runner.providers.prices import cost_usd
from runner.record.history import delivery_ways


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
    ends_s, most_s, why_not = delivery_ways(job, [*asked.values()], live_s)[delivery]
    if why_not:
        raise ConfigError(f"delivery={delivery}: {why_not}")
    if delivery == "flex":
        source = "as fast as live: assumed" if ends_s is None else "as recorded"
        return ends_s or live_s, f"flex, {source}"
    if ends_s is None:
        return most_s, "batches: none recorded, at most"
    return ends_s, "batches, as recorded"
