"""Run every node as soon as the nodes it needs have finished."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from runner.graph import Node, Pipeline
from runner.limits import Ask, Lobby, Slots
from runner.virtual import run_virtually

T = TypeVar("T")

Work = Callable[[Node, Mapping[str, T]], Awaitable[T]]


async def run_graph(pipeline: Pipeline, work: Work[T]) -> dict[str, T]:
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
        raise errors.exceptions[0] from errors  # the first is the cause, the rest followed
    return {name: task.result() for name, task in running.items()}


def make_slots(pipeline: Pipeline, max_concurrent: int, mode: str) -> dict[str, Slots]:
    """Return the slots of each stage, by stage name.

    Stages without a limit of their own share *max_concurrent*; `sequential` is one slot for all.
    """
    shared = Slots(1 if mode == "sequential" else max_concurrent)
    return {
        stage.name: shared
        if stage.max_concurrent is None or mode == "sequential"
        else Slots(stage.max_concurrent)
        for stage in pipeline.stages
    }


def ranks(pipeline: Pipeline, expected: Mapping[str, float], mode: str) -> dict[str, float]:
    """Return each node's rank for a slot, lowest first.

    Longest expected first (LPT, Graham 1969) when concurrent; declared order when sequential.
    """
    if mode == "sequential":
        return {node.name: float(place) for place, node in enumerate(pipeline.nodes)}
    return {node.name: -expected[node.name] for node in pipeline.nodes}


def ideal_makespan(
    pipeline: Pipeline, latency_s: Mapping[str, float], max_concurrent: int, mode: str
) -> float:
    """Return the wall-clock seconds this schedule takes when only calls take time.

    Runs the real scheduler in virtual time on *latency_s* (by node name), each call at its
    rank, without queueing delays of our own.
    """

    async def simulate() -> float:
        slots, lobby = make_slots(pipeline, max_concurrent, mode), Lobby()
        rank = ranks(pipeline, latency_s, mode)

        async def work(node: Node, _: Mapping[str, None]) -> None:
            async with lobby.admitted((slots[node.stage],), Ask(node.name, rank[node.name])):
                await asyncio.sleep(latency_s[node.name])

        await run_graph(pipeline, work)
        return asyncio.get_running_loop().time()

    return float(run_virtually(simulate))


def critical_path(pipeline: Pipeline, latency_s: Mapping[str, float]) -> tuple[str, ...]:
    """Return the node names of the longest chain of needs by *latency_s*."""
    ends: dict[str, float] = {}
    before: dict[str, str | None] = {}
    for node in pipeline.nodes:
        last = max(node.needs, key=ends.__getitem__, default=None)
        ends[node.name] = latency_s[node.name] + (ends[last] if last else 0.0)
        before[node.name] = last
    path: list[str] = []
    at: str | None = max(ends, key=ends.__getitem__)
    while at is not None:
        path.insert(0, at)
        at = before[at]
    return tuple(path)
