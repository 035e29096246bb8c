"""Batch summary: the content of a batch's benchmark.json and metadata.json."""

from collections import Counter
from collections.abc import Mapping
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
_COUNTS = ("ok", "total", "latency_s", "longest_s", "queue_wait_s", "attempts")
_SPENT = ("prompt_tokens", "completion_tokens", "cached_tokens")
_DOLLARS = ("cost_usd", "live_cost_usd")
# Sums of one analyzer over no runs; times in seconds.
_NOTHING: Mapping[str, Any] = {
    **dict.fromkeys((*_COUNTS, *_SPENT, *_DOLLARS), 0),
    "deliveries": Counter[str](),
}


def _with(sums: Mapping[str, Any], node: Mapping[str, Any]) -> dict[str, Any]:
    """Return *sums* with the analyzer of one run, in benchmark.json's form."""
    latency_s = node["latency_s"] + sum(node["parts_s"])
    new = {name: node[name] for name in ("queue_wait_s", *_SPENT)}
    new |= {"ok": node["status"] == "ok", "total": 1, "latency_s": latency_s}
    new["attempts"] = len(node["attempts"])
    return {
        **sums,
        **{name: sums[name] + value for name, value in new.items()},
        **{name: sum_usd((sums[name], node[name])) for name in _DOLLARS},
        "longest_s": max(sums["longest_s"], latency_s),
        "deliveries": sums["deliveries"] + Counter(node["deliveries"]),
    }


class Measures:
    """Sums of the measurements of runs; *slots* are those of the stages, by stage."""

    def __init__(self, pipeline: Pipeline, slots: Mapping[str, Slots]) -> None:
        self._stages = {node.name: node.stage for node in pipeline.nodes}
        self._sums = {node.name: _NOTHING for node in pipeline.nodes}
        self._slots = slots

    def add(self, analyzers: Mapping[str, Mapping[str, Any]]) -> None:
        """Add the `analyzers` of one run's benchmark.json."""
        for name, node in analyzers.items():
            self._sums[name] = _with(self._sums[name], node)

    def run_figures(self, wall_s: float) -> dict[str, Any]:
        """Return the measured figures of benchmark.json's `run`.

        `ideal_s` is the lower bound of `schedule.min_makespan`. It, efficiency and speed-up are
        None if calls waited for batches, where they hold no slot, the last also without a call.
        """
        sums = self._sums.values()
        work = [(self._stages[name], one["latency_s"]) for name, one in self._sums.items()]
        total_s, ideal_s = sum(one["latency_s"] for one in sums), min_makespan(self._slots, work)
        deliveries = sum((one["deliveries"] for one in sums), Counter[str]())
        alone = "batch" not in deliveries
        return {
            "wall_s": round(wall_s, _DIGITS),
            "sum_latency_s": round(total_s, _DIGITS),
            "ideal_s": round(ideal_s, _DIGITS) if alone else None,
            "efficiency": round(ideal_s / wall_s, _DIGITS) if wall_s and alone else None,
            "speed_up": round(total_s / wall_s, _DIGITS) if total_s and wall_s and alone else None,
            **{name: sum(one[name] for one in sums) for name in ("attempts", *_SPENT)},
            **{name: sum_usd(one[name] for one in sums) for name in _DOLLARS},
            "deliveries": deliveries,
        }

    def analyzers(self) -> dict[str, Any]:
        """Return benchmark.json's `analyzers`: sums over runs, and the maximum `longest_s`."""
        return {n: {"stage": self._stages[n], **_rounded(one)} for n, one in self._sums.items()}


def _rounded(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {k: round(v, _DIGITS) if isinstance(v, float) else v for k, v in figures.items()}


def batch_benchmark(
    job: Setup, tally: Tally, measures: Measures, wall_s: float, lag: Lag | None
) -> dict[str, Any]:
    """Return a batch's benchmark.json; `run` has the keys of a single run's, over all runs."""
    processing = job.settings.processing
    reused = tally.sums["reused"]
    run = {
        "model": job.main.settings.name,
        "mode": processing.mode,
        "max_concurrent": processing.max_concurrent,
        **measures.run_figures(wall_s),
        "succeeded": tally.sums["ok"],
        "total": tally.sums["analyzers"] + (tally.total - tally.done) * len(job.pipeline.nodes),
        "files": tally.counts(),
        "files_per_s": round((tally.done - reused) / wall_s, 4) if wall_s else None,
        "reused": reused,
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
