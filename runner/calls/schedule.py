"""Run every node as soon as the nodes it needs have finished."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from runner.base.virtual_time import run_virtually
from runner.calls.admission.limits import Ask, Limit, Lobby, Slots
from runner.job.graph import Node, Pipeline

T = TypeVar("T")

Worker = Callable[[Node, Mapping[str, T]], Awaitable[T]]


async def run_graph(pipeline: Pipeline, work: Worker[T]) -> dict[str, T]:
    """Call `work(node, results of its needs)` for every node; return results by node name.

    *work* turns a node's own failure into its result, so that siblings go on; an exception
    out of it is a bug and cancels the rest.
    """
    running: dict[str, asyncio.Task[T]] = {}

    async def run_node(node: Node) -> T:
        needed = [running[name] for name in node.needs]
        if needed:
            await asyncio.wait(needed)
        return await work(node, {name: running[name].result() for name in node.needs})

    try:
        async with asyncio.TaskGroup() as group:
            for node in pipeline.nodes:  # needs come first, so running[need] exists
                running[node.name] = group.create_task(run_node(node), name=node.name)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None  # the first is the cause, the rest followed
    return {name: task.result() for name, task in running.items()}


async def gather_all(works: Iterable[Awaitable[T]]) -> list[T]:
    """Run *works* side by side to their ends; raise the first exception once all have ended.

    Unlike asyncio.gather it leaves no task running after a failure.
    """
    results = await asyncio.gather(*works, return_exceptions=True)
    done: list[T] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        done.append(result)
    return done


def make_slots(pipeline: Pipeline, max_concurrent: int, mode: str) -> dict[str, Slots]:
    """Return the slots of each stage, by stage name; stages of one pool share one object."""
    pools = pipeline.slot_pools(max_concurrent, mode)
    slots = {pool: Slots(size) for pool, size in pools.sizes.items()}
    return {stage: slots[pool] for stage, pool in pools.of_stage.items()}


def least_makespan(slots: Mapping[str, Slots], work_s: Iterable[tuple[str, float]]) -> float:
    """Return the seconds that *work_s*, by stage, takes in *slots* at the least.

    In each pool that is its sum over the pool's size; needs and order can only add to it.
    """
    least: dict[int, float] = {}
    for stage, seconds in work_s:
        pool = slots[stage]
        least[id(pool)] = least.get(id(pool), 0.0) + seconds / pool.size
    return max(least.values(), default=0.0)


def ranks(pipeline: Pipeline, expected: Mapping[str, float], mode: str) -> dict[str, float]:
    """Return each node's rank for a slot, lowest first.

    Longest expected first (LPT, Graham 1969) when concurrent; declared order when sequential.
    """
    if mode == "sequential":
        return {node.name: float(place) for place, node in enumerate(pipeline.nodes)}
    return {node.name: -expected[node.name] for node in pipeline.nodes}


@dataclass(frozen=True, slots=True)
class Place:
    """A run's place among others: the *slots* that they share, by stage, and its *rank*.

    All calls of the run with the lowest rank go before those of any other.
    """

    slots: Mapping[str, Slots]
    rank: float = 0.0


@dataclass(frozen=True, slots=True)
class Duration:
    """What one node's calls take, in seconds: *parts_s* side by side, then *latency_s*."""

    latency_s: float
    parts_s: tuple[float, ...] = ()

    @property
    def sum_s(self) -> float:
        """All calls one after the other."""
        return self.latency_s + sum(self.parts_s)

    @property
    def chain_s(self) -> float:
        """The node's own critical path."""
        return self.latency_s + max(self.parts_s, default=0.0)


def ideal_makespan(
    pipeline: Pipeline,
    work_s: Mapping[str, Duration],
    max_concurrent: int,
    mode: str,
    gate: Limit | None = None,
    tokens: Mapping[str, int] | None = None,
) -> float:
    """Return the wall-clock seconds this schedule takes when only calls take time.

    Runs the real scheduler in virtual time on *work_s* (by node name), each call at its rank,
    without queueing delays of our own. A *gate* holds calls of *tokens* each back as real ones.
    """

    async def simulate() -> float:
        slots, lobby = make_slots(pipeline, max_concurrent, mode), Lobby()
        rank = ranks(pipeline, {name: work.sum_s for name, work in work_s.items()}, mode)

        async def call(node: Node, seconds: float) -> None:
            limits = (slots[node.stage],) if gate is None else (slots[node.stage], gate)
            size = (tokens or {}).get(node.name, 0)
            async with lobby.admitted(limits, Ask(node.name, rank[node.name], size)):
                await asyncio.sleep(seconds)

        async def work(node: Node, _: Mapping[str, None]) -> None:
            duration = work_s[node.name]
            await gather_all(call(node, seconds) for seconds in duration.parts_s)
            await call(node, duration.latency_s)

        await run_graph(pipeline, work)
        return asyncio.get_running_loop().time()

    return float(run_virtually(simulate))


def critical_path(pipeline: Pipeline, work_s: Mapping[str, Duration]) -> tuple[str, ...]:
    """Return the node names of the longest chain of needs by *work_s*."""
    ends: dict[str | None, float] = {None: 0.0}
    paths: dict[str | None, tuple[str, ...]] = {None: ()}
    for node in pipeline.nodes:
        last = max(node.needs, key=ends.__getitem__, default=None)
        ends[node.name] = ends[last] + work_s[node.name].chain_s
        paths[node.name] = (*paths[last], node.name)
    return paths[max(ends, key=ends.__getitem__)]
