"""Plan of deliveries: cost and end of a plan's calls live, at flex and in batches."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from runner.base.format import aligned, seconds, usd
from runner.base.usage import sum_usd
from runner.calls.delivery.timing import ASSUMED_S
from runner.calls.flex import SPARE
from runner.calls.schedule import steps_to_end
from runner.config.delivery import deadline_of
from runner.config.model_facts import OFFLINE
from runner.job.job import Setup
from runner.record.history import delivery_ways, read_batch_latencies
from runner.run.plan.node import NodePlan

_Way = tuple[float | None, float | None, str]  # expected and longest seconds, why not available


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
    left, steps = _left_s(job), max(steps_to_end(job.pipeline).values())
    shares = dict[str, float]()
    for name, model in job.models.items():
        latencies = read_batch_latencies(job.root, model.key) or ASSUMED_S
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
    left, slow = _left_s(job), delivery_ways(job, asked, live_s)
    ways: dict[str, _Way] = {"live": (live_s, None, ""), **slow}
    ends, longest, _ = slow["batch"]
    # Calls that flex has not answered by then go live in time.
    needs = {"live": live_s, "flex": SPARE * live_s, "batch": longest, "auto": live_s}
    if job.main.settings.delivery == "auto":  # live calls finish in time what batches do not
        most = longest if left is None else max(live_s, min(longest, left))
        ways["auto"] = (ends if ends and ends <= most else None, most, "")
    planned = {}
    for name, way in ways.items():
        cost = sum_usd(node.costs.get(name, node.cost_usd) for node in nodes.values())
        meets = None if left is None else not way[2] and needs[name] <= left
        planned[name] = PlannedDelivery(None if way[2] else cost, *way, meets=meets)
    return planned


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
