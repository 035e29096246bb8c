"""What has ended is freed at once: full collections of garbage, which hold all up, stay rare."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from helpers.batches import execute_batch, many, write_all
from helpers.runs import simulated

from runner.base.errors import CallError
from runner.base.json import read_json
from runner.providers.request import Request
from runner.reports.stored_run import counts_of


@contextmanager
def left_in_cycles() -> Iterator[list[object]]:
    """Fill a list with what the block leaves that only a collection can free."""
    found: list[object] = []
    gc.collect()
    gc.disable()
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found += gc.garbage
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


def kinds(left: list[object]) -> set[str]:
    """Return the names of the classes of ours, of exceptions and of tasks among *left*."""
    told = (BaseException, asyncio.Task)
    ours = [o for o in left if isinstance(o, told) or type(o).__module__.startswith("runner.")]
    return {type(one).__name__ for one in ours}


def failing_first() -> Callable[[Request], object]:
    asked: set[str] = set()

    def reply(request: Request) -> object:
        if request.node not in asked:
            asked.add(request.node)
            raise CallError("transient", "not now", status=500)
        return simulated(request)

    return reply


class PlantedError(CallError):
    """Left in a cycle by the test, so that the check is known to see one."""


def test_the_runs_of_a_batch_are_freed_without_a_collection() -> None:
    write_all(3)
    made = many()
    with left_in_cycles() as left:
        result, transport = execute_batch(made, failing_first(), {"competing_hypotheses": 1.0})
        metadata = read_json(Path("batch/metadata.json"))
        assert counts_of(metadata) == {"ok": 1, "failed": 2, "not_run": 0}
        del result, transport
        error = PlantedError("transient", "not now")
        error.args = (error,)
        del error

    assert {"PlantedError"} == kinds(left)
