"""Delivery in batches: nothing lost, nothing paid twice, whatever ends the process."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.batch_endpoint import PRICE_USD, FakeBatch, FakeEndpoint, FakeProvider
from helpers.batches import many, write, write_all
from helpers.delivered import BY_BATCH, Kill, Killed, later, one, session
from helpers.runs import simulated
from structlog.contextvars import get_contextvars

from runner.base.errors import CallError, NotRunError
from runner.base.json import read_json
from runner.calls.delivery import collector
from runner.job.job import BatchJob
from runner.providers.batches.endpoint import BatchLimits, SubmittedBatch
from runner.providers.request import Completion, Request
from runner.record.journal import Spent, spent_in
from runner.reports.status import status_of
from runner.reports.stored_run import counts_of
from runner.reports.verify import verify
from runner.run.batch import active_runs
from runner.run.delivery import budget_of
from runner.run.stop import Stop

ROUGH: dict[str, Any] = {
    **{"partial": True, "torn": 0.2, "lost_acks": 0.2, "failed": 0.1, "expired": 0.1},
    "latency_s": lambda rng, _: rng.uniform(20, 200),
}
BATCH = Path("batch")


def some(count: int, *overrides: str) -> BatchJob:
    write_all(count)
    made = many(*BY_BATCH, *overrides)
    assert isinstance(made, BatchJob)
    return made


def spent(path: Path = BATCH) -> Spent:
    return spent_in(path / "journal.jsonl")[0]


def test_a_stage_of_all_files_goes_out_as_one_batch_by_transcript() -> None:
    provider = FakeProvider(simulated)
    result, live = session(some(5), provider, BATCH)
    asked = [json.loads(line)["node"] for line in provider.batches[0].lines.values()]

    assert "completed" == result.status
    assert {None} == {result.benchmark["run"][n] for n in ("ideal_s", "efficiency", "speed_up")}
    assert [10, 5] == [len(batch.lines) for batch in provider.batches]
    assert 2 * asked[:2] == asked[:4]  # both questions on a transcript, then the next one's
    assert [] == live.requests
    assert spent().known_usd == pytest.approx(15 * PRICE_USD)
    assert [] == list(Path("batch/delivery").iterdir())  # all answers are committed


def test_a_single_run_is_delivered_in_batches_too() -> None:
    provider = FakeProvider(simulated)
    result, _ = session(one(), provider, Path("run"))

    assert "completed" == result.status
    assert [2, 1] == [len(batch.lines) for batch in provider.batches]
    assert ["batch"] == [each["delivery"] for each in attempts("say_means")]


def attempts(node: str) -> list[dict[str, Any]]:
    return list(json.loads(Path(f"run/intermediate/stage_a/{node}.json").read_bytes())["attempts"])


def test_the_files_that_are_open_at_once_are_bounded_by_the_size_of_the_largest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The largest are opened first, whatever their names."""
    write_all(60)
    write("z.txt", "Ann: We should wait. " * 400)
    write("zz.txt", "Ann: We should wait. " * 400)
    monkeypatch.setattr(active_runs, "MAX_WAITING_BYTES", 9000)
    provider = FakeProvider(simulated)
    made = many(*BY_BATCH, "processing.max_concurrent=1")
    assert isinstance(made, BatchJob)
    result, _ = session(made, provider, BATCH)

    assert "completed" == result.status
    assert 2 * (active_runs.AHEAD + 2) >= len(provider.batches[0].lines)


def test_batches_hold_no_more_than_their_provider_allows() -> None:
    provider = FakeProvider(simulated, limits=BatchLimits(requests=4))
    result, _ = session(some(5), provider, BATCH)

    assert "completed" == result.status
    assert all(len(batch.lines) <= 4 for batch in provider.batches)


@pytest.mark.parametrize("most", [1, 4, 12])
def test_a_provider_that_allows_fewer_queued_tokens_gets_smaller_batches(most: int) -> None:
    provider = FakeProvider(simulated, most_queued=most)
    result, live = session(some(5), provider, BATCH)

    assert "completed" == result.status
    assert [] == live.requests
    assert {1} == set(provider.paid.values())
    assert spent().known_usd == pytest.approx(15 * PRICE_USD)
    assert [] == list(Path("batch/delivery").iterdir())


def test_a_request_of_more_tokens_than_may_ever_be_queued_ends_as_a_throttled_one() -> None:
    provider = FakeProvider(simulated, most_queued=0)
    result, _ = session(one(), provider, Path("run"))

    assert "failed" == result.status
    assert {"throttle", "upstream"} == {outcome.kind for outcome in result.outcomes.values()}


def test_a_request_without_a_refused_parameter_is_no_repair(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It goes into the next batch, at half the price, whatever the delivery of repairs."""
    read, refused = FakeEndpoint.read, CallError("bad_request", "no such parameter", status=400)
    refused.again = True

    def read_once(self: FakeEndpoint, line: bytes, request: Request) -> Completion | CallError:
        return read(self, line, request) if len(self.provider.batches) > 1 else refused.copy()

    monkeypatch.setattr(FakeEndpoint, "read", read_once)
    provider = FakeProvider(simulated)
    result, live = session(one("delivery.repair=live"), provider, BATCH)

    assert ("completed", []) == (result.status, live.requests)


@pytest.mark.parametrize("most", [2, 0])
def test_a_batch_that_is_too_large_for_a_server_goes_out_in_smaller_ones(most: int) -> None:
    provider = FakeProvider(simulated, most_sent=most)
    result, _ = session(some(5), provider, BATCH)

    sizes = [len(batch.lines) for batch in provider.batches]

    assert (("completed", 15) if most else ("failed", 0)) == (result.status, sum(sizes))
    assert most == max(sizes, default=0)
    assert {1} >= set(provider.paid.values())


def test_a_repair_goes_into_the_next_batch_or_live() -> None:
    def reply(request: Request) -> str:
        return simulated(request) if len(request.messages) > 2 else "no answer"

    for repair, batches, live in (("batch", 4, 0), ("live", 2, 3)):
        provider = FakeProvider(reply)
        path = Path(repair)
        result, transport = session(one(f"delivery.repair={repair}"), provider, path)

        assert "completed" == result.status
        assert (batches, live) == (len(provider.batches), len(transport.requests))


def test_failures_expiry_and_torn_downloads_lose_nothing() -> None:
    for seed in range(3):
        provider = FakeProvider(simulated, seed=seed, **ROUGH)
        path = Path(f"batch{seed}")
        result, live = session(some(4), provider, path, retries=6)

        assert "completed" == result.status
        assert [] == live.requests
        assert {1} == set(provider.paid.values())
        assert spent(path).known_usd == pytest.approx(12 * PRICE_USD)


@pytest.mark.parametrize(
    ("stops", "made_at"), [(True, None), (False, None), (True, 1.8e12), (False, 1.8e12)]
)
def test_a_batch_that_outlives_its_window_is_cancelled_or_given_up(
    stops: bool, made_at: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As lost: its calls count as paid and go into another one; whatever time its provider says."""
    provider = FakeProvider(simulated)
    told = FakeEndpoint._told

    def hangs(self: FakeEndpoint, batch: FakeBatch) -> SubmittedBatch:
        answered = batch.id != "b0" or (stops and batch.stopped_at is not None)
        said = replace(told(self, batch), created_at=made_at or batch.made_at)
        return said if answered else replace(said, state="running")

    provider.latency_s = lambda rng, nodes: 60.0 if provider.batches else 1e6
    monkeypatch.setattr(FakeEndpoint, "_told", hangs)
    result, _ = session(one(), provider, Path("run"))
    charged = spent(Path("run")).charged_usd

    assert "completed" == result.status
    assert [2, 2, 1] == [len(batch.lines) for batch in provider.batches]
    assert stops == (charged == 0)


def test_deaths_lose_nothing_and_pay_nothing_twice() -> None:
    made = one()
    whole = Kill()
    session(made, rough(0, whole), Path("whole"), kill=whole)
    places = random.Random(0).sample(range(1, whole.count), 25)
    died = 0
    for at in places:
        path, kill = Path("run"), Kill(at)
        provider = rough(0, kill)
        provider.most_sent = 1 + at % 2  # a batch of two may be too large
        with suppress(Killed):  # one that ends sooner has nothing left to do
            session(made, provider, path, kill=kill)
        died += kill.died.is_set()
        provider.hook = lambda _: None
        later(provider, 1000 + random.Random(at).choice([0, 30, 1000]))
        result, live = session(made, provider, path, kill=Kill())

        assert "completed" == result.status, kill.trail[-3:]
        assert {1} == set(provider.paid.values())
        assert ([], []) == (live.requests, spent(path).out)
        assert spent(path).known_usd == pytest.approx(sum(provider.paid.values()) * PRICE_USD)
        assert 0.0 == spent(path).charged_usd
        shutil.rmtree(path)

    assert died > 20


def rough(seed: int, kill: Kill) -> FakeProvider:
    return FakeProvider(simulated, seed=seed, hook=lambda name: kill.come(name), **ROUGH)


@pytest.mark.usefixtures("private")
@pytest.mark.parametrize("choice", ["leave", "cancel"])
def test_an_interrupted_run_leaves_its_batches_or_cancels_them(choice: str) -> None:
    how = (f"delivery.on_interrupt={choice}", "delivery.repair=live")
    made = some(3, *how, "budget.max_cost_usd=1")
    provider = FakeProvider(simulated, latency_s=lambda *_: 300.0)
    stop = Stop()

    def interrupt(admission: Any, _: Stop) -> None:
        def close() -> None:
            stop.signum = 2
            admission.close(NotRunError("interrupted", "not called: the run was interrupted"))

        asyncio.get_running_loop().call_later(100.0, close)

    result, _ = session(made, provider, BATCH, stop=stop, act=interrupt)
    said, faults = list(status_of(BATCH)), verify(BATCH)
    held = spent().held

    assert "interrupted" == result.status
    assert {"ok": 0, "failed": 0, "not_run": 3} == counts_of(read_json(BATCH / "metadata.json"))
    assert (BATCH / "results.jsonl").read_text().count("in a pending batch: resume") == 3
    assert (6, 0.0) == (len(spent().out), spent().charged_usd)
    assert 0 < held[1] < 1
    assert said[0] == "batch: 1 pending batch; colloquy resume=batch collects them"
    assert [] == faults
    later(provider, 200)
    result, live = session(made, provider, BATCH)

    assert ("completed", []) == (result.status, live.requests)
    assert ["batch: no pending batches"] == list(status_of(BATCH))
    assert {1} == set(provider.paid.values())
    assert (2 if choice == "leave" else 3) == len(provider.batches)
    assert [] == verify(BATCH)


def interrupted(made: Any, provider: FakeProvider, path: Path) -> None:
    """Stop a run while its first batch is out."""
    kill = Kill()

    def hook(name: str) -> None:
        if name == "ask" and provider.batches:
            kill.at = 0
        kill.come(name)

    provider.hook = hook
    with pytest.raises(Killed):
        session(made, provider, path, kill=kill)
    provider.hook = lambda _: None
    later(provider, 1000)


def test_calls_of_a_batch_are_collected_by_a_run_that_goes_on_live() -> None:
    provider = FakeProvider(simulated)
    interrupted(one(), provider, Path("run"))
    result, live = session(one("model.delivery=live"), provider, Path("run"))

    assert "completed" == result.status
    assert 1 == len(provider.batches)
    assert ["competing_hypotheses"] == [request.node for request in live.requests]


def test_what_nobody_asks_for_any_more_is_settled_at_its_price() -> None:
    provider = FakeProvider(simulated)
    interrupted(one(), provider, Path("run"))
    result, _ = session(one("repeat=1"), provider, Path("run"))  # other requests
    total = spent(Path("run"))

    assert "completed" == result.status
    assert [] == total.out
    assert total.charged_usd > 2 * PRICE_USD  # bounds of the two replies that were not read
    assert total.known_usd == pytest.approx(3 * PRICE_USD)
    assert [] == verify(Path("run"))


def test_a_request_that_one_session_does_without_is_paid_for_once() -> None:
    provider = FakeProvider(simulated)
    interrupted(one(), provider, Path("run"))
    kill = Kill()

    def dies(request: Request) -> str:
        if request.node == "competing_hypotheses":
            kill.at = 0
        return simulated(request)

    provider.reply = dies
    with pytest.raises(Killed):
        session(one("analyzers.say_means.max_tokens=77"), provider, Path("run"), kill=kill)
    provider.reply = simulated
    result, _ = session(one(), provider, Path("run"))

    assert "completed" == result.status
    assert {1} == set(provider.paid.values())
    assert [] == verify(Path("run"))


def test_a_cap_holds_while_batches_are_out_and_across_processes() -> None:
    made = some(4, "budget.max_cost_usd=0.06")
    provider = FakeProvider(simulated, **ROUGH)
    kill = Kill(400)
    provider.hook = kill.come
    with pytest.raises(Killed):
        session(made, provider, BATCH, kill=kill)
    provider.hook = lambda _: None
    later(provider, 1000)
    session(made, provider, BATCH, retries=6)
    total = spent()

    assert sum(provider.paid.values()) * PRICE_USD <= total.known_usd + total.held[1] + 1e-9
    assert total.known_usd + total.charged_usd + total.held[1] <= 0.06 + 1e-9


def test_a_call_waits_for_room_that_an_earlier_sessions_batch_will_leave() -> None:
    made = some(4, "budget.max_cost_usd=0.08")  # holds half of the first calls
    provider = FakeProvider(simulated, latency_s=lambda *_: 500.0)
    interrupted(made, provider, BATCH)
    before = spent()
    result, _ = session(made, provider, BATCH)

    assert 0 < len(before.out) < 8
    assert 0 < before.held[0] <= budget_of(made.settings, before).spent_tokens
    assert "completed" == result.status
    assert {1} == set(provider.paid.values())


def test_a_provider_that_does_not_tell_is_asked_less_and_less() -> None:
    provider = FakeProvider(simulated, latency_s=lambda *_: 5.0)
    asked: list[float] = []

    def refuses(name: str) -> None:
        if name == "ask":
            asked.append(provider.now())
            if len(asked) <= 4:
                after = 50.0 if len(asked) == 4 else None
                raise CallError("throttle", "rate limit reached", retry_after_s=after)

    provider.hook = refuses
    result, _ = session(one(), provider, Path("run"))
    gaps = [b - a for a, b in itertools.pairwise(asked[:5])]

    assert "completed" == result.status
    assert all(least <= gap <= 2 * least for least, gap in zip((1, 2, 4, 50), gaps, strict=True))


def test_a_provider_that_answers_nothing_usable_ends_the_run_and_a_later_one_collects() -> None:
    provider = FakeProvider(simulated, latency_s=lambda *_: 5.0)

    def garbage(name: str) -> None:
        if name == "ask":
            raise CallError("bad_response", "this is no batch")

    provider.hook = garbage
    result, _ = session(one(), provider, Path("run"))
    held = spent(Path("run")).out
    provider.hook = lambda _: None
    later(provider, 4000)
    again, _ = session(one(), provider, Path("run"))

    assert (75, 2) == (result.exit_code, len(held))
    assert "completed" == again.status
    assert {1} == set(provider.paid.values())


def test_what_is_logged_of_batches_is_of_no_single_run(monkeypatch: pytest.MonkeyPatch) -> None:
    bound: list[set[str]] = []

    class Log:
        def info(self, *_: object, **__: object) -> None:
            bound.append(set(get_contextvars()))

    monkeypatch.setattr(collector, "log", Log())
    session(one(), FakeProvider(simulated), Path("run"))

    assert [set(), set()] == bound


def test_results_that_are_damaged_on_the_disk_are_fetched_again() -> None:
    made, provider, path = one(), FakeProvider(simulated), Path("run")
    kill = Kill()

    def dies(request: Request) -> str | Completion:
        kill.at = 0
        return simulated(request)

    provider.reply = dies
    with pytest.raises(Killed):
        session(made, provider, path, kill=kill)
    provider.reply = simulated
    (stored,) = Path("run/delivery").iterdir()
    stored.write_bytes(stored.read_bytes()[:-40])
    later(provider, 1000)
    result, _ = session(made, provider, path)

    assert "completed" == result.status
    assert {1} == set(provider.paid.values())


@pytest.mark.parametrize(("files", "labels"), [(1, "good good bad"), (2, "good bad")])
def test_equal_questions_to_a_judge_are_asked_once_and_end(files: int, labels: str) -> None:
    rows = "".join(f"\n      - {{answer: {each}, label: right}}" for each in labels.split())
    judged = "    - type: llm-rubric\n      value: It says good."
    body = f"judge: judge\nanalyzers:\n  say_means:\n{judged}\n      labels:{rows}\n"
    Path("c.yaml").write_text(f"{body}{judged.replace('llm', 'not-llm')}\n", encoding="utf-8")
    answer = '{"reason": "so", "verdict": "A"}'
    provider = FakeProvider(lambda asked: answer if asked.node == "judge" else simulated(asked))
    checks = ("checks=file", "checks.file=c.yaml", "+model@models.judge=simulated")
    with_judge = (*checks, "models.judge.delivery=batch")
    result, _ = session(some(files, *with_judge), provider, BATCH)

    assert "completed" == result.status
    assert {1} == set(provider.paid.values())
    assert 3 * files + 2 * files + 2 * 2 == sum(provider.paid.values())
