"""What was spent is known without the journal: a resumed run does not spend its cap again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import job
from helpers.batches import execute_batch, many, write_all
from helpers.runs import execute, failing, load
from helpers.sessions import begin, resume

from runner.base.errors import CallError, OutputError
from runner.record.account import restore_account
from runner.record.journal import Journal
from runner.reports.verify import verify

RUN, BATCH = Path("run"), Path("batch")
JOURNAL = RUN / "journal.jsonl"

pytestmark = pytest.mark.usefixtures("private")


def totals(path: Path) -> dict[str, Any]:
    """Return what an account of the run in *path* comes to when it is taken up."""
    journal = Journal(path / "journal.jsonl")
    restore_account(path, journal)
    journal.close()
    found = journal.spent.totals()
    return {name: found[name] for name in found if name != "unsettled"}


def tokens(spent: dict[str, Any]) -> int:
    return sum(spent[f"{name}_tokens"] for name in ("prompt", "completion", "charged"))


def tear_the_middle_out(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], lines[2][:20], *lines[-1:]]))


HARM: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "emptied": lambda path: path.write_bytes(b""),
    "torn": tear_the_middle_out,
    "garbage": lambda path: path.write_bytes(b"\xff" * 5000),
}


def harmed(path: Path) -> Iterator[str]:
    """Put each harm to the journal of *path*, which is whole before each, and yield its name."""
    whole = shutil.copytree(path, "whole")
    for name, harm in HARM.items():
        shutil.rmtree(path)
        shutil.copytree(whole, path)
        harm(path / "journal.jsonl")
        yield name


@pytest.mark.parametrize("without_metadata", [False, True])
def test_a_journal_that_lost_lines_is_made_good(without_metadata: bool) -> None:
    begin("transcript.token_budget=700", answers=9)
    before = totals(RUN)
    if without_metadata:
        (RUN / "metadata.json").unlink()
    for name in harmed(RUN):
        after = totals(RUN)

        if name == "torn":  # a call without its end costs its upper bound
            assert tokens(before) <= tokens(after)
        else:
            assert before == after | {"cost_usd": pytest.approx(before["cost_usd"])}, name
        assert after == totals(RUN)  # once is enough


def test_a_journal_that_knows_more_than_the_records_is_left_as_it_is() -> None:
    begin(answers=4)
    (RUN / "intermediate/stage_a/say_means.json").unlink()
    (RUN / "metadata.json").unlink()
    before = JOURNAL.read_bytes()
    totals(RUN)

    assert before == JOURNAL.read_bytes()


def test_what_failed_and_may_be_billed_is_in_the_record() -> None:
    late = CallError("timeout", "late", billed=True)
    begin(reply=failing({"say_means": late}))
    before = totals(RUN)
    JOURNAL.unlink()
    (RUN / "metadata.json").unlink()

    assert before["charged_tokens"] > 0
    assert before["charged_tokens"] == totals(RUN)["charged_tokens"]


def test_an_answer_that_another_replaced_was_paid_for_too() -> None:
    begin("processing.max_concurrent=1")
    resume("model.max_tokens=999", "allow_changed=true")
    before = totals(RUN)
    JOURNAL.unlink()
    (RUN / "metadata.json").unlink()
    after = totals(RUN)

    assert 16 == before["attempts"] == after["attempts"]
    assert before["prompt_tokens"] == after["prompt_tokens"]


def test_a_cap_that_is_used_up_stays_used_up() -> None:
    code, asked = begin("budget.max_cost_usd=0.0035", answers=5)  # a call costs 0.001

    assert (6, 4) == (code, len(asked))
    for name in harmed(RUN):
        assert (6, []) == resume(), name
        assert 0.004 == pytest.approx(load("metadata.json")["totals"]["cost_usd"])
        assert [] == [fault for fault in verify(RUN) if "is not JSON" not in fault]


@pytest.mark.parametrize("put", [Path.mkdir, lambda path: path.symlink_to("/dev/null")])
def test_a_journal_that_is_no_file_sends_nothing(put: Callable[[Path], object]) -> None:
    begin(answers=2)
    JOURNAL.unlink()
    put(JOURNAL)

    with pytest.raises(OutputError, match=r"journal\.jsonl"):
        resume()


def test_a_batch_knows_what_each_of_its_runs_has_spent() -> None:
    write_all(4)
    execute_batch(many())
    before = totals(BATCH)
    for name in harmed(BATCH):
        assert before == totals(BATCH) | {"cost_usd": pytest.approx(before["cost_usd"])}, name
        assert [] == [fault for fault in verify(BATCH) if "is not JSON" not in fault]


def test_figures_that_a_stranger_wrote_cannot_credit_the_account() -> None:
    execute(job("processing.max_concurrent=1"))
    JOURNAL.unlink()
    (RUN / "metadata.json").unlink()
    (RUN / "COMPLETED").unlink()
    record = RUN / "intermediate/stage_a/say_means.json"
    data = json.loads(record.read_bytes())
    data["usage"] = {"prompt_tokens": -1e9, "completion_tokens": 1e30, "cached_tokens": "x"}
    data["cost_usd"], data["charged_usd"], data["attempts"] = -5, [], 3
    record.write_text(json.dumps(data))

    assert 7 * 120 == (found := totals(RUN))["prompt_tokens"] + found["completion_tokens"]
    assert found["cost_usd"] == pytest.approx(0.007)
