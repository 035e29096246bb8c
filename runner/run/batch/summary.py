"""Batch summary: the content of a batch's benchmark.json and metadata.json."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import reduce
from typing import Any

from runner.base.loop_lag import Lag
from runner.base.usage import sum_usd
from runner.calls.admission.limits import Slots
from runner.calls.schedule import min_makespan
from runner.job.graph import Pipeline
from runner.job.job import Setup
from runner.record.journal import Spent
from runner.record.metadata import describe_job
from runner.run.batch.tally import Tally

_DIGITS = 6


@dataclass(slots=True)
class _Sum:
    """Sums of one analyzer over all runs; times in seconds."""

    ok: int = 0
    total: int = 0
    latency_s: float = 0.0
    longest_s: float = 0.0
    queue_wait_s: float = 0.0
    attempts: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float | None = 0.0
    live_cost_usd: float | None = 0.0
    deliveries: dict[str, int] = field(default_factory=dict)

    def add(self, node: Mapping[str, Any]) -> None:
        """Add the analyzer of one run, in benchmark.json's form."""
        latency_s = node["latency_s"] + sum(node["parts_s"])
        self.ok += node["status"] == "ok"
        self.total += 1
        self.latency_s += latency_s
        self.longest_s = max(self.longest_s, latency_s)
        self.queue_wait_s += node["queue_wait_s"]
        self.attempts += len(node["attempts"])
        self.prompt_tokens += node["prompt_tokens"]
        self.completion_tokens += node["completion_tokens"]
        self.cached_tokens += node["cached_tokens"]
        self.cost_usd = sum_usd((self.cost_usd, node["cost_usd"]))
        self.live_cost_usd = sum_usd((self.live_cost_usd, node["live_cost_usd"]))
        self.deliveries = _added(self.deliveries, node["deliveries"])


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return dict(Counter(one) + Counter(other))


class Measures:
    """Sums of the measurements of runs; *slots* are those of the stages, by stage."""

    def __init__(self, pipeline: Pipeline, slots: Mapping[str, Slots]) -> None:
        self._stages = {node.name: node.stage for node in pipeline.nodes}
        self._sums = {node.name: _Sum() for node in pipeline.nodes}
        self._slots = slots

    def add(self, analyzers: Mapping[str, Mapping[str, Any]]) -> None:
        """Add the `analyzers` of one run's benchmark.json."""
        for name, node in analyzers.items():
            self._sums[name].add(node)

    def run_figures(self, wall_s: float) -> dict[str, Any]:
        """Return the measured figures of benchmark.json's `run`.

        `ideal_s` is the lower bound of `schedule.min_makespan`.
        """
        sums = self._sums.values()
        work = [(self._stages[name], one.latency_s) for name, one in self._sums.items()]
        total_s, ideal_s = sum(one.latency_s for one in sums), min_makespan(self._slots, work)
        names = ("attempts", "prompt_tokens", "completion_tokens", "cached_tokens")
        return {
            "wall_s": round(wall_s, _DIGITS),
            "sum_latency_s": round(total_s, _DIGITS),
            "ideal_s": round(ideal_s, _DIGITS),
            "efficiency": round(ideal_s / wall_s, _DIGITS) if wall_s else None,
            "speed_up": round(total_s / wall_s, _DIGITS) if wall_s else None,
            **{name: sum(getattr(one, name) for one in sums) for name in names},
            "cost_usd": sum_usd(one.cost_usd for one in sums),
            "live_cost_usd": sum_usd(one.live_cost_usd for one in sums),
            "deliveries": reduce(_added, (one.deliveries for one in sums), dict[str, int]()),
        }

    def analyzers(self) -> dict[str, Any]:
        """Return benchmark.json's `analyzers`: sums over runs, and the maximum `longest_s`."""
        sums = {name: asdict(one) for name, one in self._sums.items()}
        return {n: {"stage": self._stages[n], **_rounded(figures)} for n, figures in sums.items()}


def _rounded(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {k: round(v, _DIGITS) if isinstance(v, float) else v for k, v in figures.items()}


def batch_benchmark(
    job: Setup, tally: Tally, measures: Measures, wall_s: float, lag: Lag | None
) -> dict[str, Any]:
    """Return a batch's benchmark.json; `run` has the keys of a single run's, over all runs."""
    processing = job.settings.processing
    fresh = tally.done - tally.reused
    run = {
        "model": job.main.settings.name,
        "mode": processing.mode,
        "max_concurrent": processing.max_concurrent,
        **measures.run_figures(wall_s),
        "succeeded": tally.nodes_ok,
        "total": tally.nodes + (tally.total - tally.done) * len(job.pipeline.nodes),
        "files": tally.counts(),
        "files_per_s": round(fresh / wall_s, 4) if wall_s else None,
        "reused": tally.reused,
        "grounding_rate": tally.grounding()["rate"],
        "coverage": tally.coverage(),
        **tally.checking(),
        "loop_lag": None if lag is None else lag.figures(),
    }
    return {"run": run, "analyzers": measures.analyzers()}


def batch_metadata(
    job: Setup, tally: Tally, spent: Spent, statuses: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """Return a batch's metadata.json, without its status and end.

    *statuses* counts files by status over all sessions, None while that is unknown.
    """
    return {
        "transcript": {"name": job.settings.transcript.path},
        **describe_job(job, spent),
        "files": tally.counts(statuses),
        "grounding": tally.grounding(),
    }
