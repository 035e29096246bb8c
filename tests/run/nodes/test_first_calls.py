"""Which runs may need no first call, because their answers are stored."""

from __future__ import annotations

from pathlib import Path

from helpers import job
from helpers.runs import ONLY_TWO, execute, simulated

from runner.record.reuse import StoredAnswers
from runner.record.store import Store
from runner.run.nodes.first_calls import may_answer


def test_a_store_answers_only_the_calls_that_it_has() -> None:
    store = Store(Path("store"))
    assert not may_answer(store, job(*ONLY_TWO))
    execute(job(*ONLY_TWO), simulated, stored=StoredAnswers(store=store))
    changed = (["repeat=1"], ["model.temperature=0.5"], ["output.language=German"])

    assert [False] * 3 == [may_answer(store, job(*ONLY_TWO, *more)) for more in changed]
    assert may_answer(store, job(*ONLY_TWO, "processing.max_concurrent=2"))
