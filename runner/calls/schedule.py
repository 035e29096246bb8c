"""Scheduler: runs each node once its predecessors have finished, and computes makespans."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import TypeVar, cast

from runner.base.event_loops import run_virtually
from runner.calls.activity import busy, idle
from runner.calls.admission.limits import Admission, Limit, Slots, Ticket
from runner.job.graph import Node, Pipeline

N = TypeVar("N", int, float)
T = TypeVar("T")

Worker = Callable[[Node, Mapping[str, T]], Awaitable[T]]


async def run_graph(pipeline: Pipeline, work: Worker[T]) -> dict[str, T]:
    """Call `work(node, results of its predecessors)` for every node; return results by node name.

    *work* returns a node's failure as its result, so that other nodes continue; an exception
    that it raises is a bug and cancels them.
    """
    running: dict[str, asyncio.Task[T]] = {}

    async def run_node(node: Node) -> T:
        with busy():
            needed = [running[name] for name in node.needs]
            if needed:
                with idle():
                    await asyncio.wait(needed)
            return await work(node, {name: running[name].result() for name in node.needs})

    try:
        with idle():
            async with asyncio.TaskGroup() as group:
                for node in pipeline.nodes:  # in topological order
                    running[node.name] = group.create_task(run_node(node), name=node.name)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None  # the first is the cause of the others
    return {name: task.result() for name, task in running.items()}


async def gather_all(awaitables: Iterable[Awaitable[T]]) -> list[T]:
    """Run *awaitables* concurrently; raise the first exception once all have ended.

    Unlike asyncio.gather it leaves no task running after a failure.
    """

    async def one(awaitable: Awaitable[T]) -> T:
        with busy():
            return await awaitable

    with idle():
        results = await asyncio.gather(*map(one, awaitables), return_exceptions=True)
    if failed := next((each for each in results if isinstance(each, BaseException)), None):
        raise failed
    return cast(list[T], results)


def make_slots(pipeline: Pipeline, max_concurrent: int, mode: str) -> dict[str, Slots]:
    """Return the slots of each stage, by stage name; stages of a pool share its slots."""
    pools = pipeline.slot_pools(max_concurrent, mode)
    slots = {pool: Slots(size) for pool, size in pools.sizes.items()}
    return {stage: slots[pool] for stage, pool in pools.of_stage.items()}


def min_makespan(slots: Mapping[str, Slots], work_s: Iterable[tuple[str, float]]) -> float:
    """Return a lower bound, in seconds, of the makespan of *work_s* (stage, seconds) in *slots*.

    For each pool it is the sum of its work over its size; dependencies and order can only add
    to it.
    """
    pools: dict[int, float] = {}
    for stage, seconds in work_s:
        pool = slots[stage]
        pools[id(pool)] = pools.get(id(pool), 0.0) + seconds / pool.size
    return max(pools.values(), default=0.0)


def ranks(pipeline: Pipeline, expected: Mapping[str, float], mode: str) -> dict[str, float]:
    """Return each node's rank for a slot, lowest first.

    Longest expected first (LPT, Graham 1969) when concurrent; declared order when sequential.
    """
    if mode == "sequential":
        return {node.name: float(place) for place, node in enumerate(pipeline.nodes)}
    return {node.name: -expected[node.name] for node in pipeline.nodes}


def steps_to_end(pipeline: Pipeline) -> dict[str, int]:
    """Return, by node name, the length of the longest chain that begins with the node."""
    return seconds_to_end(pipeline, {node.name: 1 for node in pipeline.nodes})


def seconds_to_end(pipeline: Pipeline, expected_s: Mapping[str, N]) -> dict[str, N]:
    """Return, by node name, the seconds of the longest chain that begins with the node."""
    ends = {node.name: expected_s[node.name] for node in pipeline.nodes}
    for node in reversed(pipeline.nodes):
        for need in node.needs:
            ends[need] = max(ends[need], expected_s[need] + ends[node.name])
    return ends


@dataclass(frozen=True, slots=True)
class Place:
    """A run's place in the queue: the *slots* that runs share, by stage, and its *rank*.

    Calls of the run with the lowest rank go before those of any other run; *behind* counts the
    runs after it.
    """

    slots: Mapping[str, Slots]
    rank: float = 0.0
    behind: int = 0


@dataclass(frozen=True, slots=True)
class Duration:
    """Seconds of one node's calls: *parts_s* run concurrently, then *latency_s* follows."""

    latency_s: float
    parts_s: tuple[float, ...] = ()

    @property
    def sum_s(self) -> float:
        """Seconds of all calls in sequence."""
        return self.latency_s + sum(self.parts_s)

    @property
    def chain_s(self) -> float:
        """Seconds of the node's critical path."""
        return self.latency_s + max(self.parts_s, default=0.0)


def ideal_makespan(
    pipeline: Pipeline,
    work_s: Mapping[str, Duration],
    max_concurrent: int,
    mode: str,
    gate: Limit | None = None,
    tokens: Mapping[str, tuple[int, int]] | None = None,
) -> float:
    """Return the wall-clock seconds of the schedule if only calls take time.

    Runs the scheduler in virtual time on *work_s* (by node name), each call at its rank. *gate*
    delays calls, each with its node's *tokens* (all, and of the reply), as in a run.
    """

    async def simulate() -> float:
        slots, admission = make_slots(pipeline, max_concurrent, mode), Admission()
        rank = ranks(pipeline, {name: work.sum_s for name, work in work_s.items()}, mode)

        async def call(node: Node, seconds: float) -> None:
            limits = (slots[node.stage],) if gate is None else (slots[node.stage], gate)
            size, reply = (tokens or {}).get(node.name, (0, 0))
            ticket = Ticket(node.name, rank[node.name], size, reply_tokens=reply)
            async with admission.admit(limits, ticket):
                await asyncio.sleep(seconds)

        async def work(node: Node, _: Mapping[str, None]) -> None:
            duration = work_s[node.name]
            await gather_all(call(node, seconds) for seconds in duration.parts_s)
            await call(node, duration.latency_s)

        await run_graph(pipeline, work)
        return asyncio.get_running_loop().time()

    return float(run_virtually(simulate))


def critical_path(pipeline: Pipeline, work_s: Mapping[str, Duration]) -> tuple[str, ...]:
    """Return the node names of the longest chain of dependencies by *work_s*."""
    chains: dict[str, tuple[float, tuple[str, ...]]] = {}  # the longest that ends with each node
    for node in pipeline.nodes:
        before = (chains[need] for need in node.needs)
        seconds, path = max(before, key=itemgetter(0), default=(0.0, ()))
        chains[node.name] = (seconds + work_s[node.name].chain_s, (*path, node.name))
    return max(chains.values(), key=itemgetter(0), default=(0.0, ()))[1]
