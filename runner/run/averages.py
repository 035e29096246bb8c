"""Averages of a run's calls and learned facts about models, stored for later plans."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import mean
from typing import Any

import structlog

from runner.answers.outcome import Outcome
from runner.base.threads import offload
from runner.config.learned import remember
from runner.job.job import Job
from runner.record.benchmark import NodeTiming
from runner.record.history import CallAverages, flex_name, write_history
from runner.run.plan.node import NodePlan
from runner.run.plan.plan import Plan

log = structlog.get_logger("colloquy.run")


async def remember_calls(
    job: Job, timings: Mapping[str, NodeTiming], outcomes: Mapping[str, Outcome], plan: Plan
) -> None:
    """Add a run's calls to the history; a failed write is logged only.

    What was learned of a model may be wrong for a simulated one of the same name.
    """
    learned = {m.key: m.learned for m in job.models.values() if m.is_paid}
    await try_store(remember, job.root, learned)
    if job.to_embed:  # whose calls and tokens are among those of the answer
        return
    for name in dict.fromkeys(model.settings.name for model in job.models.values()):
        averages, at_flex = dict[str, CallAverages](), dict[str, CallAverages]()
        for node, outcome in outcomes.items():
            timing, planned = timings[node], plan.nodes[node]
            if outcome.model != name or not _is_measured(timing, outcome, planned):
                continue
            average = _averages(timing, planned)
            ways = {each.delivery for each in timing.calls.attempts if each.outcome == "ok"}
            if ways == {"flex"}:
                at_flex[node] = average
            if ways != {"live"}:  # only live calls measure the time of live calls
                average = replace(average, latency_s=planned.latency_s)
            averages[node] = average
        for key, calls in ((name, averages), (flex_name(name), at_flex)):
            if calls or key == name:
                await try_store(write_history, job.root, key, calls)


async def try_store(write: Callable[..., object], *args: Any) -> None:
    """Write into the files beside the runs, in a thread; a failed write is logged only."""
    try:
        await offload(write, *args)
    except OSError as error:
        log.warning("history.failed", error=str(error))


def mean_of(calls: Sequence[CallAverages]) -> CallAverages:
    """Return the mean of what *calls*, at least one, took."""
    rows = [(each.latency_s, each.reply_tokens, each.prompt_ratio) for each in calls]
    return CallAverages(*(round(mean(column), 4) for column in zip(*rows, strict=True)))


def _is_measured(timing: NodeTiming, outcome: Outcome, planned: NodePlan) -> bool:
    """Return whether all planned calls were made in this run, to the planned model."""
    fresh = not outcome.reused and "escalation" not in outcome.notes
    if outcome.status != "ok" or not fresh or outcome.model != planned.model:
        return False
    return sum(attempt.outcome == "ok" for attempt in timing.calls.attempts) >= planned.calls


def _averages(timing: NodeTiming, plan: NodePlan) -> CallAverages:
    calls, usage = plan.calls, timing.calls.usage
    good = [each.latency_s for each in timing.calls.attempts if each.outcome == "ok"]
    return CallAverages(
        latency_s=round(mean(good), 4),
        reply_tokens=round(usage.completion_tokens / calls, 1),
        prompt_ratio=round(usage.prompt_tokens / plan.planned_tokens, 4),
    )
