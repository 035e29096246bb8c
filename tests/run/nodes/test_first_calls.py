"""Which runs may need no first call, because their answers are stored."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import job
from helpers.batches import many, write, write_all
from helpers.runs import ONLY_TWO, execute, simulated

from runner.base.errors import ConfigError
from runner.job.build import for_transcript
from runner.record.reuse import StoredAnswers
from runner.record.store import Store
from runner.run.nodes.first_calls import check_budget, may_answer


def test_a_store_answers_only_the_calls_that_it_has() -> None:
    store = Store(Path("store"))
    assert not may_answer(store, job(*ONLY_TWO))
    execute(job(*ONLY_TWO), simulated, stored=StoredAnswers(store=store))
    changed = (["repeat=1"], ["model.temperature=0.5"], ["output.language=German"])

    assert [False] * 3 == [may_answer(store, job(*ONLY_TWO, *more)) for more in changed]
    assert may_answer(store, job(*ONLY_TWO, "processing.max_concurrent=2"))


def test_a_batch_asks_the_store_about_each_of_its_files() -> None:
    store = Store(Path("store"))
    write_all(2)
    write("cut.vtt", "WEBVTT")
    *_, last = many().inputs
    execute(for_transcript(many(), last), simulated, stored=StoredAnswers(store=store))

    assert may_answer(store, many())
    write("t001.txt", "Ann: Something else.\n")
    assert not may_answer(store, many())
    with pytest.raises(ConfigError, match="max_tokens=1: the smallest call of this run may"):
        check_budget(many("budget.max_tokens=1"), store)
