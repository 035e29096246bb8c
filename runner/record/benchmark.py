"""Benchmark of a run: times, tokens and cost by analyzer, by stage and as a total."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from runner.base.json import number, read_json, section
from runner.base.usage import USAGE_FIGURES, Usage, sum_usd
from runner.calls.call_log import Attempt, CallLog
from runner.calls.schedule import Duration, critical_path, ideal_makespan
from runner.job.job import Job

_DIGITS = 6  # microseconds


@dataclass(frozen=True, slots=True)
class NodeTiming:
    """Times at which a node was ready and done, in seconds since the run began, and its calls."""

    status: str
    ready_s: float
    done_s: float
    calls: CallLog
    reused: str | None = None  # see `Outcome.reused`; such a node made no call

    @property
    def duration(self) -> Duration:
        """Latency of its calls."""
        return Duration(self.calls.latency_s, tuple(self.calls.parts_s))


def benchmark(
    job: Job,
    timings: Mapping[str, NodeTiming],
    wall_s: float,
    loop_lag: Mapping[str, Any] | None,
    *,
    alone: bool,
) -> dict[str, Any]:
    """Return the content of benchmark.json.

    `ideal_s` is the makespan of this schedule at this concurrency if only the calls took time, with
    the latencies measured; `efficiency` is ideal over wall, `speed_up` the sum of latencies over
    wall, None if nothing was asked or answered; all three are None for a run that was not *alone*
    with its slots, or waited for batches. *loop_lag* is None if it was not measured.
    """
    pipeline, processing = job.pipeline, job.settings.processing
    mode, slots = processing.mode, processing.max_concurrent
    work = {name: timing.duration for name, timing in timings.items()}
    totals = _totals(timings.values())
    total_s = sum(node.sum_s for node in work.values())
    answered = any(timing.status == "ok" for timing in timings.values())
    alone = alone and "batch" not in totals["deliveries"]
    ideal_s = ideal_makespan(pipeline, work, slots, mode) if alone else None
    path = critical_path(pipeline, work)
    run = {
        "model": job.main.settings.name,
        "mode": mode,
        "max_concurrent": slots,
        "wall_s": _round(wall_s),
        "sum_latency_s": _round(total_s),
        "critical_path": list(path),
        "critical_path_s": _round(sum(work[name].chain_s for name in path)),
        "ideal_s": None if ideal_s is None else _round(ideal_s),
        "efficiency": _round(ideal_s / wall_s) if wall_s and ideal_s is not None else None,
        "speed_up": _round(total_s / wall_s) if answered and total_s and wall_s and alone else None,
        "succeeded": sum(t.status == "ok" for t in timings.values()),
        "total": len(timings),
        "reused": sum(t.reused is not None for t in timings.values()),
        "loop_lag": loop_lag,
        **totals,
    }
    stages = {s.name: _stage([timings[node.name] for node in s.nodes]) for s in pipeline.stages}
    nodes = {name: _node(timing) for name, timing in timings.items()}
    return {"run": run, "stages": stages, "analyzers": nodes}


def _totals(timings: Collection[NodeTiming]) -> dict[str, Any]:
    usage = sum((timing.calls.usage for timing in timings), Usage())
    attempts = [attempt for timing in timings for attempt in timing.calls.attempts]
    return {"attempts": len(attempts), **usage.figures(), **delivered(attempts)}


def delivered(attempts: Iterable[Attempt]) -> dict[str, Any]:
    """Return the number of replies by delivery, and their cost live in US dollars."""
    good = [attempt for attempt in attempts if attempt.outcome == "ok"]
    counts = Counter(attempt.delivery for attempt in good)
    live = sum_usd(attempt.live_usd for attempt in good)
    return {"deliveries": dict(counts), "live_cost_usd": live}


def headline(run: Mapping[str, Any], judge: Usage) -> dict[str, Any]:
    """Return the figures of `run.finished`: those of benchmark.json's `run`, and the *judge*'s."""
    used = Usage(**{key: run[key] for key in USAGE_FIGURES}) + judge
    figures = {"succeeded": run["succeeded"], "total": run["total"], **used.figures()}
    speed_up = run["speed_up"] and round(run["speed_up"], 2)  # None when no time passed
    return {**figures, "wall_s": round(run["wall_s"], 3), "speed_up": speed_up}


def larger_budget(run: Path, caps: Mapping[str, Any]) -> str:
    """Return the *caps* of `budget` as overrides that let *run* end, after a space each.

    Each is enlarged by the most that the whole run may use, as benchmark.json has it, and doubled
    where that is unknown. Dollars are rounded up to cents.
    """
    most = section(read_json(run / "logs" / "benchmark.json"), "most")
    known = ((key, number(caps.get(key))) for key in ("max_tokens", "max_cost_usd"))
    larger = ((key, cap + (number(most.get(key)) or cap)) for key, cap in known if cap)
    return "".join(f" budget.{key}={math.ceil(cap * 100) / 100:.12g}" for key, cap in larger)


def _stage(timings: Sequence[NodeTiming]) -> dict[str, Any]:
    start, end = min(t.ready_s for t in timings), max(t.done_s for t in timings)
    return {
        "start_s": _round(start),
        "end_s": _round(end),
        "wall_s": _round(end - start),
        "sum_latency_s": _round(sum(t.duration.sum_s for t in timings)),
        "succeeded": sum(t.status == "ok" for t in timings),
        "total": len(timings),
        **_totals(timings),
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
        **calls.usage.figures(),
        **delivered(calls.attempts),
    }


def _round(value: float) -> float:
    return round(value, _DIGITS)
