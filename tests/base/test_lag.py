"""How late the event loop is: the probe in virtual time and in a real run; what is kept off it."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import threading
from collections.abc import Awaitable, Callable
from itertools import groupby
from pathlib import Path
from typing import Any, cast

import pytest
from helpers import ScriptedTransport, job
from hydra import compose, initialize_config_module
from test_answering import execute, simulated

from runner.answers.grounding.grounder import Grounder
from runner.answers.outcome import Outcome
from runner.base.loop_lag import Lag, LagProbe
from runner.base.threads import (
    BEHIND_S,
    INLINE_CHARS,
    KEPT,
    SWITCH_S,
    TURN_S,
    Behind,
    Once,
    compute,
    favour_event_loop,
    offload,
    offload_long,
)
from runner.base.tokens import Tokenizer
from runner.base.virtual_time import VirtualTimeLoop, run_virtually
from runner.calls.admission.budget import LONG_CHARS, Sizer
from runner.calls.client import Client
from runner.calls.retry import RetryPolicy
from runner.job.graph import Node
from runner.providers.request import Completion, Request
from runner.record.pages import Pages
from runner.record.recorder import Recorder
from runner.record.reuse import Known
from runner.record.run_directory import RunDirectory
from runner.record.store import Store
from runner.run.contexts import Contexts
from runner.run.execute import execute_job
from runner.run.run import Run
from runner.run.session import Session

PERIOD_S = 0.25  # a power of two, so that virtual times are exact


def loop() -> VirtualTimeLoop:
    return cast("VirtualTimeLoop", asyncio.get_running_loop())


def lags(*seconds: float) -> dict[str, Any]:
    lag = Lag()
    for value in seconds:
        lag.add(value)
    return lag.figures()


def test_a_loop_that_nothing_holds_up_is_never_late() -> None:
    async def main() -> dict[str, Any]:
        with LagProbe(loop(), PERIOD_S).watch() as lag:
            await asyncio.sleep(4 * PERIOD_S + PERIOD_S / 2)
            return lag.figures()

    assert run_virtually(main) == {"max_ms": 0.0, "p99_ms": 0.0, "over_20_ms": 0, "samples": 4}


def test_what_holds_the_loop_up_is_seen_by_how_late_the_next_timer_is() -> None:
    async def main() -> dict[str, Any]:
        with LagProbe(loop(), PERIOD_S).watch() as lag:
            await asyncio.sleep(PERIOD_S / 2)
            loop().advance(0.5)  # as a computation of half a second would; a timer was due in it
            await asyncio.sleep(1.75 * PERIOD_S)
            return lag.figures()

    found = run_virtually(main)

    assert found == {"max_ms": 375.0, "p99_ms": 375.0, "over_20_ms": 1, "samples": 2}


def test_the_99th_percentile_is_exact_to_a_tenth_of_a_millisecond() -> None:
    assert lags(*[0.00101] * 99, 0.05)["p99_ms"] == 1.1
    assert lags(*[0.00101] * 98, 0.05, 0.05)["p99_ms"] == 50.0
    assert lags(3.0, 4.0)["p99_ms"] == 4000.0


def test_only_what_is_over_20_ms_counts_as_such() -> None:
    assert lags(0.02, 0.0201, 7.0)["over_20_ms"] == 2


def test_a_run_that_ends_before_the_first_timer_has_seen_nothing() -> None:
    assert lags() == {"max_ms": None, "p99_ms": None, "over_20_ms": 0, "samples": 0}


def test_runs_side_by_side_share_a_timer_and_see_only_their_own_time() -> None:
    async def main() -> tuple[int, int, int]:
        probe = LagProbe(loop(), PERIOD_S)
        with probe.watch() as first:
            await asyncio.sleep(2.5 * PERIOD_S)
            with probe.watch() as second:
                await asyncio.sleep(2 * PERIOD_S)
                timers = len(loop()._scheduled)  # type: ignore[attr-defined]
        return first.samples, second.samples, timers

    assert run_virtually(main) == (4, 2, 1)


def test_a_probe_that_nobody_watches_leaves_no_timer() -> None:
    async def main() -> float:
        probe = LagProbe(loop(), PERIOD_S)
        with probe.watch():
            await asyncio.sleep(PERIOD_S)
        await asyncio.sleep(1000.0)
        return sum(not handle.cancelled() for handle in loop()._scheduled)  # type: ignore[attr-defined]

    assert run_virtually(main) == 0


def test_the_benchmark_of_a_run_tells_how_late_the_loop_was() -> None:
    with initialize_config_module("conf", version_base="1.3"):
        cfg = compose("config", overrides=["output.console=quiet"])
    codes: list[int] = []
    Session(codes).run(lambda shared: execute_job(cfg, run_path=Path("run"), shared=shared))
    run = json.loads(Path("run/logs/benchmark.json").read_bytes())["run"]

    assert codes == [0]
    assert list(run["loop_lag"]) == ["max_ms", "p99_ms", "over_20_ms", "samples"]
    assert run["loop_lag"]["samples"] > 0


def test_a_session_lets_threads_give_way_soon() -> None:
    favour_event_loop()

    assert sys.getswitchinterval() == pytest.approx(SWITCH_S)
    assert gc.get_freeze_count() > 0


def threads_of(main: Callable[[], Awaitable[Any]]) -> Any:
    """Run *main* in a real event loop."""
    return asyncio.run(cast("Any", main()))


def test_long_computations_are_made_beside_the_loop_and_short_ones_at_once() -> None:
    async def main() -> list[int]:
        here = threading.get_ident
        return [
            await compute(INLINE_CHARS, here),
            await compute(INLINE_CHARS + 1, here),
            await offload(here),
            await offload_long(here),
        ]

    short, *others, long = threads_of(main)

    assert short == threading.get_ident()
    assert others[0] == others[1] != short
    assert long not in (short, *others)


def test_what_many_ask_for_is_computed_once_and_survives_one_who_gives_up() -> None:
    asked: list[str] = []

    def answer(text: str) -> str:
        asked.append(text)
        return text.upper()

    async def main() -> list[str]:
        once = Once()
        hasty = asyncio.create_task(once.offload(answer, "a"))
        await asyncio.sleep(0)
        others = [asyncio.create_task(once.offload(answer, "a")) for _ in range(3)]
        await asyncio.sleep(0)
        hasty.cancel()
        return await asyncio.gather(*others)

    assert threads_of(main) == ["A", "A", "A"]
    assert asked == ["a"]


def test_only_the_last_results_are_remembered() -> None:
    asked: list[int] = []

    async def main() -> None:
        once = Once()
        for number in (*range(KEPT + 1), KEPT, 0):
            await once.offload(asked.append, number)

    threads_of(main)

    assert asked == [*range(KEPT + 1), 0]


def counting(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bool]]:
    """Keep the length of each text that is counted, and whether that was in this thread."""
    counted: list[tuple[int, bool]] = []
    real, here = Tokenizer.count, threading.get_ident()

    def count(self: Tokenizer, text: str) -> int:
        counted.append((len(text), threading.get_ident() == here))
        return real(self, text)

    monkeypatch.setattr(Tokenizer, "count", count)
    return counted


def test_a_long_prompt_is_counted_once_for_all_calls_and_beside_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizer = Sizer(job().tokenizer, 1.0, 1.0)
    counted = counting(monkeypatch)
    material = "a word or two " * LONG_CHARS

    def request(question: str) -> Request:
        parts = [{"type": "text", "text": text} for text in (material, question)]
        return Request("n", ({"role": "user", "content": parts},), 100)

    async def main() -> list[tuple[int, float]]:
        return await asyncio.gather(*(sizer.sized(request("?" * n)) for n in (1, 2, 3)))

    sizes = threads_of(main)

    assert counted == [(len(material), False), (1, True), (2, True), (3, True)]
    assert sizes == [sizer.size(request("?" * n)) for n in (1, 2, 3)]


@pytest.mark.parametrize(("words", "beside"), [(10, False), (INLINE_CHARS, True)])
def test_a_long_answer_is_cut_into_items_beside_the_loop(
    monkeypatch: pytest.MonkeyPatch, words: int, beside: bool
) -> None:
    made, counted = job(), counting(monkeypatch)
    quoted = {"segment": "S0001", "quote": "a"}
    text = "a " * words
    insight = {"text": text, "confidence": 0.5, "category": "a", "evidence": [quoted]}

    async def main() -> None:
        contexts = Contexts(made, lambda *_: None)
        contexts.prepare(made.pipeline.nodes[0], {"insights": [insight], "structured_data": {}})
        await asyncio.gather(*contexts._items.values())

    threads_of(main)

    assert counted
    assert all(here is not beside for _, here in counted)


def test_the_page_of_a_long_transcript_is_made_beside_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, threads = job(), []
    real = Pages.transcript

    def transcript(self: Pages) -> str:
        threads.append(threading.get_ident())
        return real(self)

    monkeypatch.setattr(Pages, "transcript", transcript)
    monkeypatch.setattr("runner.base.threads.INLINE_CHARS", 100)

    async def main() -> None:
        directory = RunDirectory.create(Path("run"))
        recorder = Recorder(made, directory)
        recorder.begin()
        await recorder.settle()
        directory.close()

    threads_of(main)

    assert len(threads) == 1
    assert threads[0] != threading.get_ident()


def test_what_nobody_waits_for_is_held_back_until_somebody_is_in_a_hurry() -> None:
    async def main() -> list[float]:
        behind, clock, times = Behind(), asyncio.get_running_loop().time, list[float]()
        await behind.wait()
        times.append(clock())
        waiting = asyncio.create_task(behind.wait())
        await asyncio.sleep(BEHIND_S / 2)
        behind.hurry()
        await waiting
        times.append(clock())
        await behind.wait()
        return [*times, clock()]

    assert run_virtually(main) == pytest.approx([BEHIND_S, 1.5 * BEHIND_S, 1.5 * BEHIND_S])


def test_calls_that_an_answer_lets_go_leave_before_it_is_rendered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, happened = job("processing.max_concurrent=4"), list[str]()
    page, complete = Pages.page, ScriptedTransport.complete

    def rendered(self: Pages, node: Node, outcome: Outcome) -> str:
        happened.append(f"{node.stage} rendered")
        return page(self, node, outcome)

    async def called(self: ScriptedTransport, request: Request, timeout_s: float) -> Completion:
        happened.append(f"{made.settings.analyzers[request.node].stage} called")
        return await complete(self, request, timeout_s)

    monkeypatch.setattr(Pages, "page", rendered)
    monkeypatch.setattr(ScriptedTransport, "complete", called)
    execute(made, latency_s=dict.fromkeys(made.settings.analyzers, 1.0))

    assert [what for what, _ in groupby(happened)] == [
        "stage_a called",
        "stage_b called",
        "stage_a rendered",
        "stage_b rendered",
    ]


def test_many_who_compute_at_once_let_timers_be_served_in_between() -> None:
    """Each takes half of what may be taken at a time; one gives up before it is its turn."""

    async def main() -> tuple[list[str], list[object]]:
        loop, happened = asyncio.get_running_loop(), list[str]()
        assert isinstance(loop, VirtualTimeLoop)

        def takes_long(number: int) -> None:
            happened.append(str(number))
            loop.call_later(0, happened.append, "timer")
            loop.advance(TURN_S / 2)

        tasks = [asyncio.create_task(compute(1, takes_long, number)) for number in range(20)]
        await asyncio.sleep(0)
        tasks[7].cancel()
        return happened, await asyncio.gather(*tasks, return_exceptions=True)

    happened, ended = run_virtually(main)

    computed = [int(what) for what in happened if what != "timer"]
    together = [len(list(group)) for what, group in groupby(happened, str.isdecimal) if what]

    assert computed == [number for number in range(20) if number != 7]
    assert max(together) <= 4
    assert [type(end) for end in ended].count(asyncio.CancelledError) == 1


def test_who_has_waited_for_a_turn_goes_before_who_comes_later() -> None:
    async def main() -> list[int]:
        loop, served = asyncio.get_running_loop(), list[int]()
        assert isinstance(loop, VirtualTimeLoop)

        def takes_long(number: int) -> None:
            served.append(number)
            loop.advance(TURN_S / 4)

        tasks = []
        for number in range(0, 60, 6):  # more arrive in each turn of the loop than can be served
            tasks += [asyncio.create_task(compute(1, takes_long, number + n)) for n in range(6)]
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        return served

    assert run_virtually(main) == list(range(60))


def test_who_is_cancelled_while_answers_are_written_cancels_no_write() -> None:
    written: list[str] = []

    async def write(what: str) -> None:
        await asyncio.sleep(0.05)
        written.append(what)

    async def main() -> None:
        directory = RunDirectory.create(Path("run"))
        recorder = Recorder(job(), directory)
        recorder.write(write("under way"))
        await asyncio.sleep(2 * BEHIND_S)
        recorder.write(write("held back"))
        settling = asyncio.create_task(recorder.settle())
        await asyncio.sleep(0)
        settling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await settling
        await recorder.break_off(asyncio.CancelledError())
        directory.close()

    run_virtually(main)

    assert written == ["under way", "held back"]


def test_the_index_of_quotes_is_made_behind_the_first_calls_also_where_a_store_is_looked_into(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, happened = job("processing.max_concurrent=4"), list[str]()
    complete = ScriptedTransport.complete

    def index(*arguments: Any) -> Grounder:
        happened.append("index")
        return Grounder(*arguments)

    async def called(self: ScriptedTransport, request: Request, timeout_s: float) -> Completion:
        happened.append("called")
        return await complete(self, request, timeout_s)

    monkeypatch.setattr("runner.run.ask.Grounder", index)
    monkeypatch.setattr(ScriptedTransport, "complete", called)
    transport = ScriptedTransport(simulated, dict.fromkeys(made.settings.analyzers, 1.0))

    async def main() -> None:
        directory = RunDirectory.create(Path("run"))
        client = Client(transport, RetryPolicy(0), 60.0)
        known = Known(store=Store(Path("store")))
        await Run(made, {"main": client}, directory, known).execute()
        directory.close()

    run_virtually(main)

    assert happened[:5] == ["called"] * 4 + ["index"]


def test_who_has_just_computed_goes_on_before_others() -> None:
    async def main() -> list[str]:
        loop, served = asyncio.get_running_loop(), list[str]()
        assert isinstance(loop, VirtualTimeLoop)

        def takes_long(step: str) -> None:
            served.append(step)
            loop.advance(TURN_S)

        async def one(number: int) -> None:
            for step in ("read", "checked"):
                await compute(1, takes_long, f"{number} {step}")

        await asyncio.gather(*(one(number) for number in range(4)))
        return served

    assert run_virtually(main) == [f"{n} {step}" for n in range(4) for step in ("read", "checked")]
