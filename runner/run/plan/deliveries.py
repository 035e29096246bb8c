"""Plan of deliveries: cost and end of a plan's calls live, at flex and in batches."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from runner.base.format import aligned, seconds, usd
from runner.base.usage import sum_usd
from runner.calls.delivery.timing import ASSUMED_S
from runner.calls.flex import SPARE, TIMEOUT_S
from runner.calls.schedule import steps_to_end
from runner.config.delivery import deadline_of
from runner.config.model_facts import OFFLINE
from runner.job.job import Setup
from runner.job.models import Model
from runner.providers.batches.endpoint import BatchLimits
from runner.providers.batches.factory import why_not
from runner.record.history import flex_factor, read_batch_latencies
from runner.run.plan.node import NodePlan

_Way = tuple[float | None, float | None, str]  # expected and longest seconds, why not available
_LATE = 0.95  # of recorded batches: later ones do not decide whether a deadline is met


@dataclass(frozen=True, slots=True)
class PlannedDelivery:
    """All calls by one delivery: US dollars, and seconds until the last answer.

    *why_not* is the reason if a model lacks it, else "". *ends_s* is the expected end, None without
    a record; *most_s* an upper bound, None if unknown. *meets* says whether `delivery.by` is met,
    None without one.
    """

    cost_usd: float | None
    ends_s: float | None
    most_s: float | None = None
    why_not: str = ""
    meets: bool | None = None


def batch_shares(job: Setup) -> dict[str, float]:
    """Return the share of calls that `auto` is expected to answer in batches, by name of model.

    Calls go live if their batch would take longer than the time until `delivery.by`, divided by the
    calls in sequence.
    """
    left, steps, shares = _left_s(job), _steps(job), dict[str, float]()
    for name, model in job.models.items():
        latencies = _latencies(job, model) or ASSUMED_S
        in_time = [took for took in latencies if left is None or took <= left / steps]
        shares[name] = len(in_time) / len(latencies)
    return shares


def planned_deliveries(
    job: Setup, nodes: Mapping[str, NodePlan], live_s: float
) -> dict[str, PlannedDelivery]:
    """Return each delivery of *nodes*, which take *live_s* seconds live; empty offline.

    `auto` is included if it is selected.
    """
    names = {node.model for node in nodes.values() if node.calls}
    asked = [model for model in job.models.values() if model.settings.name in names]
    if any(model.settings.name.startswith(OFFLINE) for model in asked):
        return {}
    left, flex, batch = _left_s(job), _flex(job, live_s, asked), _batch(job, asked)
    ways: dict[str, _Way] = {"live": (live_s, None, ""), "flex": flex, "batch": batch}
    # Calls that flex has not answered by then go live in time.
    needs = {"live": live_s, "flex": SPARE * live_s, "batch": batch[1], "auto": live_s}
    if job.main.settings.delivery == "auto":  # live calls finish in time what batches do not
        most = batch[1] if left is None else max(live_s, min(batch[1], left))
        ways["auto"] = (batch[0] if batch[0] and batch[0] <= most else None, most, "")
    planned = {}
    for name, way in ways.items():
        cost = sum_usd(node.costs.get(name, node.cost_usd) for node in nodes.values())
        meets = None if left is None else not way[2] and needs[name] <= left
        planned[name] = PlannedDelivery(None if way[2] else cost, *way, meets=meets)
    return planned


def _flex(job: Setup, live_s: float, asked: list[Model]) -> _Way:
    factor = flex_factor(job.root, {model.settings.name for model in asked})
    return factor and live_s * factor, live_s + _steps(job) * TIMEOUT_S, _why_not("flex", asked)


def _batch(job: Setup, asked: list[Model]) -> tuple[float | None, float, str]:
    steps, recorded = _steps(job), [sorted(_latencies(job, model)) for model in asked]
    took = [each or [BatchLimits().window_s] for each in recorded]
    ends = steps * max(map(median, took), default=0.0)
    most = steps * max((each[math.ceil(_LATE * len(each)) - 1] for each in took), default=0.0)
    return ends if all(recorded) else None, most, _why_not("batch", asked)


def _steps(job: Setup) -> int:
    return max(steps_to_end(job.pipeline).values())


def _why_not(delivery: str, asked: list[Model]) -> str:
    return next(filter(None, (why_not(delivery, model.settings) for model in asked)), "")


def _latencies(job: Setup, model: Model) -> list[float]:
    return read_batch_latencies(job.root, model.key)


def _left_s(job: Setup) -> float | None:
    """Return the seconds until `delivery.by` of a run that begins now, None without one."""
    by, now = job.settings.delivery.by, time.time()
    return None if by is None else max(0.0, deadline_of(by, now) - now)


def as_lines(planned: Mapping[str, PlannedDelivery], chosen: str, by: str | None) -> list[str]:
    """Return *planned* as a table for a terminal, with the *chosen* delivery marked."""
    if not planned:
        return []
    rows = [("delivery", "cost", "expected end", "at most", f"by {by}" if by else "")]
    for name, each in planned.items():
        mark = "" if name != chosen else " (chosen)"
        if each.why_not:
            rows.append((name + mark, "–", "–", "–", "not available"))
            continue
        ends = "not recorded" if each.ends_s is None else seconds(each.ends_s)
        most = "–" if each.most_s is None else seconds(each.most_s)
        met = {None: "", True: "in time", False: "too late"}[each.meets]
        rows.append((name + mark, usd(each.cost_usd), ends, most, met))
    lines = aligned(rows, left=(0, 4))
    return [*lines, *(f"{n}: {e.why_not}" for n, e in planned.items() if e.why_not), ""]
