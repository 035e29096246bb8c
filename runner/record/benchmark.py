"""What a run took: per analyzer, per stage and in all, as benchmark.json stores it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from runner.base.usage import Usage
from runner.calls.call_log import CallLog
from runner.calls.schedule import Duration, critical_path, ideal_makespan
from runner.job.graph import Pipeline

_DIGITS = 6  # microseconds


@dataclass(frozen=True, slots=True)
class NodeTiming:
    """When a node was ready and done, in seconds since the run began, and what it called."""

    status: str
    ready_s: float
    done_s: float
    calls: CallLog
    reused: str | None = None  # where its answer was taken from; it took no time then

    @property
    def duration(self) -> Duration:
        """What its calls took."""
        return Duration(self.calls.latency_s, tuple(self.calls.parts_s))


def benchmark(
    pipeline: Pipeline,
    timings: Mapping[str, NodeTiming],
    *,
    wall_s: float,
    max_concurrent: int,
    mode: str,
    model: str,
    loop_lag: Mapping[str, Any] | None = None,
    alone: bool = True,
) -> dict[str, Any]:
    """Return benchmark.json's content.

    `ideal_s` is the makespan of this schedule at this concurrency if only the calls took time,
    by the latencies measured; `efficiency` is ideal over wall, `speed_up` the sum of latencies
    over wall; all three are None for a run that was not *alone* with its slots. *loop_lag* are
    the figures of `lag.Lag`, None where nobody measured them.
    """
    work = {name: timing.duration for name, timing in timings.items()}
    ideal_s = ideal_makespan(pipeline, work, max_concurrent, mode) if alone else None
    total_s = sum(node.sum_s for node in work.values())
    path = critical_path(pipeline, work)
    run = {
        "model": model,
        "mode": mode,
        "max_concurrent": max_concurrent,
        "wall_s": _round(wall_s),
        "sum_latency_s": _round(total_s),
        "critical_path": list(path),
        "critical_path_s": _round(sum(work[name].chain_s for name in path)),
        "ideal_s": None if ideal_s is None else _round(ideal_s),
        "efficiency": _round(ideal_s / wall_s) if wall_s and ideal_s is not None else None,
        "speed_up": _round(total_s / wall_s) if wall_s and alone else None,
        "succeeded": sum(t.status == "ok" for t in timings.values()),
        "total": len(timings),
        "reused": sum(t.reused is not None for t in timings.values()),
        "loop_lag": None if loop_lag is None else dict(loop_lag),
        **totals([timing.calls for timing in timings.values()]),
    }
    return {
        "run": run,
        "stages": {stage.name: _stage(stage.name, pipeline, timings) for stage in pipeline.stages},
        "analyzers": {name: _node(timing) for name, timing in timings.items()},
    }


def totals(logs: Sequence[CallLog]) -> dict[str, Any]:
    """Sum attempts, tokens and cost; the cost is None if any part has no known price."""
    used = sum((log.usage for log in logs), Usage())
    return {"attempts": sum(len(log.attempts) for log in logs), **_used(used)}


def _used(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "cached_tokens": usage.cached_tokens,
        "cost_usd": usage.cost_usd,
    }


def headline(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of a run that its last event shows."""
    keys = ("succeeded", "total", "prompt_tokens", "completion_tokens", "cached_tokens", "cost_usd")
    figures = {key: run[key] for key in keys}
    speed_up = run["speed_up"] and round(run["speed_up"], 2)  # None when no time passed
    return {**figures, "wall_s": round(run["wall_s"], 3), "speed_up": speed_up}


def _stage(name: str, pipeline: Pipeline, timings: Mapping[str, NodeTiming]) -> dict[str, Any]:
    mine = [timings[node.name] for node in pipeline.nodes if node.stage == name]
    start = min(timing.ready_s for timing in mine)
    end = max(timing.done_s for timing in mine)
    return {
        "start_s": _round(start),
        "end_s": _round(end),
        "wall_s": _round(end - start),
        "sum_latency_s": _round(sum(timing.duration.sum_s for timing in mine)),
        "succeeded": sum(timing.status == "ok" for timing in mine),
        "total": len(mine),
        **totals([timing.calls for timing in mine]),
    }


def _node(timing: NodeTiming) -> dict[str, Any]:
    calls = timing.calls
    return {
        "status": timing.status,
        "reused": timing.reused,
        "ready_s": _round(timing.ready_s),
        "done_s": _round(timing.done_s),
        "queue_wait_s": _round(calls.queue_wait_s),
        "parked_s": _round(calls.parked_s),
        "latency_s": _round(calls.latency_s),
        "parts_s": [_round(seconds) for seconds in calls.parts_s],
        "retry_wait_s": _round(sum(attempt.wait_s for attempt in calls.attempts)),
        "attempts": [asdict(attempt) for attempt in calls.attempts],
        **_used(calls.usage),
    }


def _round(value: float) -> float:
    return round(value, _DIGITS)
