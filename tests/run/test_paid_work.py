"""Nothing that was answered is paid for again, and nothing that was paid for is thrown away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import job
from helpers.batches import NODES, execute_batch, many, write_all
from helpers.runs import LATENCY, ONLY_TWO, execute_models, inventing, prompt_of, simulated
from helpers.sessions import begin, resume

from runner.answers.analyzer import Analyzer
from runner.base.errors import CallError, ConfigError, NotRunError
from runner.base.usage import Usage
from runner.calls.client_factory import max_in_flight
from runner.providers.request import Completion, Request
from runner.record.journal import Spent
from runner.reports.verify import verify

SHARED = Path(__file__).resolve().parents[3] / "shared/transcripts/long_house_hearing_56776.txt"
BACKUP = ("+model@models.backup=offline", "model.fallbacks=[backup]")


def down(request: Request) -> str:
    raise CallError("transient", "down", status=500)


@pytest.mark.skipif(not SHARED.is_file(), reason="the shared transcripts are not here")
def test_the_long_hearing_is_read_through_a_window_of_8000_tokens() -> None:
    made = job(
        "model=simulated",
        "model.context_window=8000",
        "transcript=file",
        f"transcript.path={SHARED}",
        "processing.max_concurrent=32",
        *ONLY_TWO,
    )
    result, transports = execute_models(made)
    chunks = made.fit(made.pipeline.nodes[0], made.main).chunks
    asked = "".join(map(prompt_of, transports["main"].requests))

    assert len(chunks) > 24  # more than one conversation may have requests
    assert result.exit_code == 0
    assert all(f"[{segment.id}" in asked for segment in made.transcript.segments)


def test_a_fallbacks_answer_is_not_asked_for_again_when_the_first_model_is_back() -> None:
    made = job(*ONLY_TWO, *BACKUP)

    def first(request: Request) -> str:
        return down(request) if request.node == "say_means" else simulated(request)

    def stopping(request: Request) -> str:
        if request.node == "competing_hypotheses":
            raise NotRunError("interrupted", "not called")
        return first(request)

    execute_models(made, {"main": stopping, "backup": simulated})
    result, transports = execute_models(made, again=True)

    assert result.exit_code == 0
    assert [r.node for r in transports["main"].requests] == ["competing_hypotheses"]
    assert transports["backup"].requests == []
    assert result.outcomes["say_means"].model == "offline/extractive"


def test_an_answer_with_invented_quotes_is_kept_when_the_run_ends_before_the_second_question() -> (
    None
):
    def ending(request: Request) -> str:
        if len(request.messages) > 2:
            raise NotRunError("budget", "used up")
        return inventing(request)

    result, _ = execute_models(job(*ONLY_TWO, "grounding.require=ask"), ending)

    assert result.outcomes["say_means"].status == "ok"


def test_a_longer_reply_is_asked_for_only_where_the_window_has_room() -> None:
    made = job(*ONLY_TWO, "model=simulated", "model.context_window=8000", "model.max_tokens=3000")
    asked: list[int] = []

    def cut(request: Request) -> Any:
        asked.append(request.max_tokens)
        return Completion("half", "length", Usage(1, 1))

    execute_models(made, cut)

    assert max(asked) < 6000
    assert all(tokens >= 3000 for tokens in asked)


def test_a_price_nobody_knows_counts_as_the_most_it_can_be() -> None:
    spent = Spent()
    started = {"event": "call.started", "analyzer": "a", "may_use_tokens": 10, "may_cost_usd": 0.5}
    paid = {"event": "call.finished", "analyzer": "a", "prompt_tokens": 1, "completion_tokens": 1}
    for attempt, cost in enumerate((0.9, None), start=1):
        spent.add({**started, "attempt": attempt})
        spent.add({**paid, "attempt": attempt, "cached_tokens": 0, "cost_usd": cost})

    assert spent.usage.cost_usd is None
    assert spent.known_usd + spent.charged_usd == pytest.approx(1.4)


class Panic(BaseException):
    """As a library in Rust raises it."""


@pytest.mark.parametrize(
    "error",
    [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError(), Panic("x"), StopIteration()],
)
def test_code_of_an_analyzer_that_ends_the_process_ends_its_node_only(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = job(*ONLY_TWO)

    def leave(*_: object) -> Any:
        raise error

    target: Analyzer = made.analyzers["say_means"]
    read = type(target).read
    monkeypatch.setattr(type(target), "read", lambda s, t: leave() if s is target else read(s, t))
    result, _ = execute_models(made)

    assert result.outcomes["say_means"].kind == "invalid_output"
    assert result.outcomes["perspective_perception"].status == "ok"


def test_reused_parts_do_not_teach_that_calls_take_no_time() -> None:
    made = job(*ONLY_TWO, "transcript.token_budget=700")
    latency = dict.fromkeys(made.analyzers, 4.0)
    execute_models(made, latency_s=latency)
    before = json.loads(Path("outputs/history.json").read_bytes())
    Path("run/intermediate/stage_a/say_means/part_01.json").unlink()
    Path("run/intermediate/stage_a/say_means.json").unlink()
    execute_models(made, latency_s=latency, again=True)

    assert json.loads(Path("outputs/history.json").read_bytes()) == before


def test_a_changed_part_is_found_by_the_checker() -> None:
    execute_models(job(*ONLY_TWO, "transcript.token_budget=700"))
    part = Path("run/intermediate/stage_a/say_means/part_01.json")
    part.write_text(part.read_text().replace('"status": "ok"', '"status": "OK"'))

    assert any("part_01.json" in fault for fault in verify(Path("run")))


def test_a_key_in_a_configuration_file_is_refused() -> None:
    key = "sk-" + "a1B2c3D4e5F6g7H8i9J0"
    with pytest.raises(ConfigError, match="what looks like a key"):
        job("+model.params.extra_headers={Authorization: 'Bearer " + key + "'}")


@pytest.mark.parametrize(
    ("overrides", "slots"),
    [
        (["processing.max_concurrent=3"], 3),
        (["processing.max_concurrent_stage_a=5", "processing.max_concurrent_stage_b=5"], 10),
        (["processing.max_concurrent=3", "processing.max_concurrent_stage_b=5"], 8),
        (["processing.mode=sequential"], 1),
    ],
)
def test_a_gate_lets_in_as_many_as_all_pools_together(overrides: list[str], slots: int) -> None:
    assert max_in_flight(job(*overrides)) == slots


def refusing_after(answers: int) -> tuple[Callable[[Request], str], list[str]]:
    """Return a reply function that refuses the key after *answers*, and who was answered."""
    answered: list[str] = []

    def reply(request: Request) -> str:
        if len(answered) >= answers:
            raise CallError("auth", "the key was revoked", status=401)
        answered.append(request.node)
        return simulated(request)

    return reply, answered


@pytest.mark.parametrize("answers", [1, 6])
def test_a_key_that_is_refused_in_the_middle_keeps_every_answer_and_sends_no_more(
    answers: int,
) -> None:
    reply, answered = refusing_after(answers)
    code, asked = begin(reply=reply)

    assert 5 == code
    assert answers + 1 == len(asked)
    assert [] == verify(Path("run"))
    assert (0, 8 - answers) == ((again := resume())[0], len(again[1]))
    assert not {*answered} & {*again[1]}


@pytest.mark.parametrize("answers", [2, 7])
def test_a_key_that_is_refused_in_a_batch_keeps_every_answer_and_sends_no_more(
    answers: int,
) -> None:
    write_all(6)
    reply, _ = refusing_after(answers)
    result, transport = execute_batch(
        many("processing.max_concurrent=2"), reply, dict.fromkeys(LATENCY, 1.0)
    )

    assert 5 == result.exit_code
    assert len(transport.requests) <= answers + 2
    assert [] == verify(Path("batch"))
    result, transport = execute_batch(many(), again=True)
    assert 0 == result.exit_code
    assert 6 * NODES - answers == len(transport.requests)
