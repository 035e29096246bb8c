from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from helpers import analyzer, stage

from runner.base.event_loops import run_virtually
from runner.calls.admission.limits import Admission, Ticket
from runner.calls.schedule import (
    Duration,
    critical_path,
    gather_all,
    ideal_makespan,
    make_slots,
    ranks,
    run_graph,
)
from runner.job.graph import Node, Pipeline, make_pipeline

STAGE_A = {"a1": 4.0, "a2": 3.0, "a3": 2.0, "a4": 5.0}
STAGE_B = {"b1": 3.0, "b2": 5.0, "b3": 4.0, "b4": 2.0}
DURATIONS = {**STAGE_A, **STAGE_B}


def durations(latency_s: Mapping[str, float]) -> dict[str, Duration]:
    return {name: Duration(seconds) for name, seconds in latency_s.items()}


def four_plus_four(**limits: int | None) -> Pipeline:
    return make_pipeline(
        {
            "stage_a": stage(max_concurrent=limits.get("a")),
            "stage_b": stage(["stage_a"], max_concurrent=limits.get("b")),
        },
        {
            **{name: analyzer("stage_a") for name in STAGE_A},
            **{name: analyzer("stage_b") for name in STAGE_B},
        },
    )


def makespan(
    pipeline: Pipeline, max_concurrent: int, mode: str = "concurrent", overhead: float = 0.0
) -> float:
    """Run the real scheduler on DURATIONS in virtual time."""

    async def main() -> float:
        slots, admission = make_slots(pipeline, max_concurrent, mode), Admission()
        rank = ranks(pipeline, DURATIONS, mode)

        async def work(node: Node, _: Mapping[str, None]) -> None:
            await asyncio.sleep(overhead)
            async with admission.admit((slots[node.stage],), Ticket(node.name, rank[node.name])):
                await asyncio.sleep(DURATIONS[node.name])

        await run_graph(pipeline, work)
        return asyncio.get_running_loop().time()

    return float(run_virtually(main))


# By hand, longest first: stage A 5,4,3,2 and stage B 5,4,3,2.
#   1 slot: 14 + 14.  2 slots: (5+2 | 4+3) = 7, twice; in the declared order stage A takes 9.
#   3 slots: (5 | 4 | 3+2) = 5, twice.
@pytest.mark.parametrize(
    ("slots", "expected"), [(1, 28.0), (2, 14.0), (3, 10.0), (4, 10.0), (8, 10.0)]
)
def test_four_plus_four_takes_exactly_the_computed_makespan(slots: int, expected: float) -> None:
    found = makespan(four_plus_four(), slots)

    assert expected == found


@pytest.mark.parametrize("slots", [1, 2, 3, 4, 8])
def test_the_ideal_makespan_is_that_of_the_real_scheduler(slots: int) -> None:
    pipeline = four_plus_four()

    assert makespan(pipeline, slots) == ideal_makespan(
        pipeline, durations(DURATIONS), slots, "concurrent"
    )


def test_sequential_mode_takes_the_sum_at_any_concurrency() -> None:
    assert makespan(four_plus_four(), 8, "sequential") == 28.0


def test_sequential_mode_keeps_the_declared_order() -> None:
    pipeline = four_plus_four()

    async def main() -> list[str]:
        slots, admission, order = make_slots(pipeline, 8, "sequential"), Admission(), []
        rank = ranks(pipeline, DURATIONS, "sequential")

        async def work(node: Node, _: Mapping[str, None]) -> None:
            async with admission.admit((slots[node.stage],), Ticket(node.name, rank[node.name])):
                order.append(node.name)
                await asyncio.sleep(1)

        await run_graph(pipeline, work)
        return order

    assert run_virtually(main) == [*STAGE_A, *STAGE_B]


def test_a_stage_override_replaces_the_run_wide_slots() -> None:
    assert makespan(four_plus_four(a=1, b=4), 2) == 14.0 + 5.0


def test_a_slot_is_never_held_while_waiting_for_inputs() -> None:
    """One 10 s root with four children and four independent 1 s nodes at 4 slots takes 11 s."""
    pipeline = make_pipeline(
        {"roots": stage(), "children": stage(["roots"])},
        {
            "root": analyzer("roots"),
            **{f"lone{i}": analyzer("roots") for i in range(4)},
            **{f"child{i}": analyzer("children", ["root"]) for i in range(4)},
        },
    )
    latency = {n.name: 10.0 if n.name == "root" else 1.0 for n in pipeline.nodes}

    found = ideal_makespan(pipeline, durations(latency), 4, "concurrent")

    assert found == 11.0


def test_a_narrowed_need_starts_as_soon_as_that_analyzer_is_done() -> None:
    pipeline = make_pipeline(
        {"first": stage(), "second": stage(["first"])},
        {
            "quick": analyzer("first"),
            "slow": analyzer("first"),
            "early": analyzer("second", ["quick"]),
            "late": analyzer("second"),
        },
    )
    latency = {"quick": 1.0, "slow": 10.0, "early": 9.0, "late": 1.0}

    found = ideal_makespan(pipeline, durations(latency), 4, "concurrent")

    assert found == 11.0


def test_of_replies_of_one_moment_the_longer_successor_calls_first() -> None:
    pipeline = make_pipeline(
        {"first": stage(), "second": stage(["first"])},
        {
            "x": analyzer("first"),
            "y": analyzer("first"),
            "waiting": analyzer("first"),
            "after_x": analyzer("second", ["x"]),
            "after_y": analyzer("second", ["y"]),
        },
    )
    latency = {"x": 1.0, "y": 1.0, "waiting": 1.0, "after_x": 5.0, "after_y": 1.0}

    assert ideal_makespan(pipeline, durations(latency), 2, "concurrent") == 6.0


def test_the_critical_path_is_the_longest_chain() -> None:
    assert critical_path(four_plus_four(), durations(DURATIONS)) == ("a4", "b2")


def test_results_of_needs_reach_the_node_that_needs_them() -> None:
    pipeline = four_plus_four()

    async def main() -> dict[str, list[str]]:
        async def work(node: Node, upstream: Mapping[str, list[str]]) -> list[str]:
            return [node.name, *sorted(upstream)]

        return await run_graph(pipeline, work)

    found = run_virtually(main)

    assert found["a1"] == ["a1"]
    assert found["b1"] == ["b1", "a1", "a2", "a3", "a4"]


def test_a_bug_in_work_surfaces_as_itself() -> None:
    async def main() -> None:
        async def work(node: Node, _: Mapping[str, None]) -> None:
            raise OSError(28, "No space left on device")

        await run_graph(four_plus_four(), work)

    with pytest.raises(OSError, match="No space left"):
        run_virtually(main)


@pytest.mark.parametrize(("parts_s", "chain_s"), [((), 2.0), ((1.0,) * 4, 3.0)])
def test_a_nodes_path_is_its_longest_part_and_what_follows(
    parts_s: tuple[float, ...], chain_s: float
) -> None:
    assert chain_s == Duration(2.0, parts_s).chain_s


def test_parts_run_side_by_side_within_the_slots_and_the_join_comes_last() -> None:
    """Two nodes of four 1 s parts and a 2 s join each: 8 parts on 4 slots, then both joins."""
    pipeline = make_pipeline({"s": stage()}, {"a": analyzer("s"), "b": analyzer("s")})
    work = {name: Duration(2.0, (1.0,) * 4) for name in ("a", "b")}

    assert ideal_makespan(pipeline, work, 4, "concurrent") == 4.0
    assert ideal_makespan(pipeline, work, 1, "sequential") == 12.0


def test_all_awaitables_end_before_the_first_failure_is_raised() -> None:
    ended: list[str] = []

    async def work(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        ended.append(name)
        if name == "early":
            raise ValueError(name)

    async def main() -> None:
        with pytest.raises(ValueError, match="early"):
            await gather_all([work("early", 1.0), work("late", 5.0)])

    run_virtually(main)

    assert ended == ["early", "late"]
