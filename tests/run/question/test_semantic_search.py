"""Questions whose passages are chosen by embeddings as well as by words."""

from __future__ import annotations

import asyncio
import base64
from array import array
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers import ScriptedTransport
from helpers.runs import simulated

import colloquy
from runner.base.errors import CallError
from runner.base.event_loops import run_virtually
from runner.base.json import parse_json
from runner.base.tokens import tokenizer_for
from runner.base.usage import Usage
from runner.calls.admission.budget import Sizer
from runner.calls.admission.gate import MAX_CEILING, Gate
from runner.calls.client import Client
from runner.calls.client_factory import EMBEDDINGS
from runner.calls.retry import RetryPolicy
from runner.job.job import Setup
from runner.providers.messages import text_parts
from runner.providers.request import Completion, Request
from runner.providers.simulated.server import SimulatedProvider
from runner.record.journal import spent_in
from runner.record.stored_transcript import read_transcript_file
from runner.reports.verify import verify
from runner.run.execute import ProcessState, execute_job
from runner.run.plan.plan import as_text, make_plan
from runner.run.question import command
from runner.run.question.command import NOTHING, price_line
from runner.run.question.question import Reply, build_question

EMBEDS = "collection.embeddings=openai/text-embedding-3-small"
QUESTION = "What does Ana Silva say about money?"
FARE = "Ana Silva: The ticket got dear again, nobody can afford it."
FILLER = "Bo: Number {} of the long report is only about the weather at sea and its many waves."


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-" + "k3y" * 12)
    write("ferry", 70, 50)
    write("harbour", 40)


def write(name: str, lines: int, fare: int | None = None) -> None:
    said = [FILLER.format(f"{name} {n}") for n in range(lines)]
    if fare is not None:
        said.insert(fare, FARE)
    Path("talks").mkdir(exist_ok=True)
    (Path("talks") / f"{name}.txt").write_text("\n".join([*said, "Cleo: Ana Silva is here."]))


def vectors(request: Request) -> Completion:
    """Give texts about money one direction, all others another."""
    lines = [array("f", _direction(text)).tobytes() for text in texts_of(request)]
    text = "\n".join(base64.b64encode(line).decode() for line in lines)
    return Completion(text, "stop", Usage(10, 0, cost_usd=0.25))


def _direction(text: str) -> list[float]:
    return [1.0, 0.0] if "money" in text or "afford" in text else [0.0, 1.0]


def texts_of(*requests: Request) -> list[str]:
    return [text for each in requests for part in each.messages for text in text_parts(part)]


def put(
    *overrides: str, reply: Any = vectors, question: str = QUESTION
) -> tuple[int, Path, list[str]]:
    """Put a question in virtual time; return exit code, run and what was embedded."""
    asked, embed, made = (
        build_question("talks", question, [EMBEDS, *overrides], (), 60),
        [],
        list[Path](),
    )

    def clients(_: Setup, *rest: Any) -> dict[str, Client]:
        def embedded(request: Request) -> Completion:
            embed.append(request)
            return reply(request)

        sizer = Sizer(tokenizer_for("openai/text-embedding-3-small"))
        client = Client(
            ScriptedTransport(simulated), RetryPolicy(0), 60.0, budget=rest[-1], sizer=sizer
        )
        other = replace(client, transport=ScriptedTransport(embedded), gate=Gate(MAX_CEILING))
        return {"main": client, EMBEDDINGS: other}

    shared = ProcessState(clients=clients, prints_end=False, prepare=asked.prepare)
    code, _ = run_virtually(lambda: execute_job(asked.job, shared, started=made.append))
    return code, made[0], texts_of(*embed)


def passages(run: Path) -> str:
    return " ".join(segment.text for segment in read_transcript_file(run).segments)


def test_a_passage_in_other_words_is_found_and_each_text_is_paid_for_once() -> None:
    words = build_question("talks", QUESTION, [], (), 60).job.transcript.segments
    code, run, first = put("analyzers.ask.max_tokens=900")
    spent, _ = spent_in(run / "journal.jsonl")
    _, again, second = put()
    write("ferry", 30)
    _, _, third = put(question="What of the money?")
    record = parse_json((run / "intermediate" / "stage_a" / "ask.json").read_bytes())

    assert not any("afford" in segment.text for segment in words)
    assert (0, True) == (code, "afford" in passages(run))
    assert "by words and openai/text-embedding-3-small" in str(read_transcript_file(run).reading)
    assert len(first) == len({*first}) > 10
    assert 0.251 == pytest.approx(spent.known_usd)
    assert 0.251 == pytest.approx(record["cost_usd"])
    assert ([], passages(run)) == (second, passages(again))
    assert "What of the money?" == third[0]
    assert not {*third} & {*first}
    assert [] == verify(run)


def test_plan_and_offer_tell_who_receives_what_is_not_stored_yet() -> None:
    asked = build_question("talks", QUESTION, [EMBEDS], (), 60)
    ((texts, tokens),) = asked.job.to_embed or ()
    plan = make_plan(asked.job, {"offline": {}})
    row = plan.nodes["ask/embeddings"]
    whole, stored = build_question("talks", QUESTION, [EMBEDS]), put()
    after = build_question("talks", QUESTION, [EMBEDS], (), 60)

    assert asked.job.is_paid
    assert ("openai/text-embedding-3-small", 1, tokens) == (row.model, row.calls, row.prompt_tokens)
    assert tokens * 2e-8 == pytest.approx(plan.total("cost_usd"))
    assert "ask/embeddings" in as_text(plan)
    assert price_line(asked).startswith(f"{texts} texts to openai/text-embedding-3-small, then ")
    assert len(stored[2]) == texts
    assert ((), True) == (after.job.to_embed, after.job.is_paid)
    assert (None, None, False) == (whole.job.to_embed, whole.prepare, whole.job.is_paid)


NONSENSE = Completion("bm8gdmVjdG9y", "stop", Usage())


def test_a_refusal_says_how_much_was_read_not_what_was_expected(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = build_question("talks", QUESTION, [EMBEDS], (), 200)
    _, run, _ = put()
    monkeypatch.setattr(command, "read_reply", lambda _: Reply("no", None, (), "Why not."))
    capsys.readouterr()

    command._print_answer(expected, run, 0, as_json=False)

    assert 2 < len(expected.job.transcript.segments)
    read = "Only 2 of 113 segments from 1 of 2 transcripts were read."
    assert [NOTHING, "Why not.", read] == capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("fault", [CallError("auth", "the key is refused"), NONSENSE])
def test_words_alone_choose_where_embeddings_fail_and_the_log_says_so_once(fault: Any) -> None:
    def failing(_: Request) -> Completion:
        if isinstance(fault, CallError):
            raise fault
        return NONSENSE

    code, run, _ = put(reply=failing)
    logs = map(parse_json, (run / "logs" / "events.jsonl").read_bytes().splitlines())
    said = [each["reason"] for each in logs if each["event"] == "embeddings.failed"]

    assert (0, 1) == (code, len(said))
    assert said[0].endswith("words alone are compared")
    assert read_transcript_file(run) == build_question("talks", QUESTION, [], (), 60).job.transcript


def test_no_masked_name_is_embedded_and_without_a_store_a_run_keeps_its_vectors() -> None:
    _, run, plain = put("reuse=off")
    _, _, masked = put("transcript.redact=all")

    assert any("Ana Silva" in text for text in plain)
    assert len(plain) == len(masked)
    assert any((run / "embeddings").rglob("*.json"))
    assert [] == [text for text in masked if "Ana" in text or "Silva" in text]


def test_a_cap_that_embeddings_would_exceed_keeps_them_from_being_sent() -> None:
    capped = ("budget.max_tokens=2500", "analyzers.ask.max_tokens=300")
    asked = build_question("talks", QUESTION, [EMBEDS, *capped], (), 60)
    code, run, sent = put(*capped)

    assert str(make_plan(asked.job, {"offline": {}}).stopped_by).endswith("before ask/embeddings")
    assert ([], 6) == (sent, code)
    assert "by words and" not in str(read_transcript_file(run).reading)


def test_a_question_is_embedded_by_litellm_over_http() -> None:
    async def main() -> tuple[colloquy.Answer, int]:
        async with SimulatedProvider(lambda _: "") as server:
            own = ("model=simulated", f"model.api_base={server.url}", EMBEDS)
            answer = await colloquy.ask_async("talks", QUESTION, *own, tokens=60)
            return answer, server.stats.as_json()["requests"]

    answer, requests = asyncio.run(main())

    assert "text-embedding-3-small" in str(read_transcript_file(answer.run.path).reading)
    assert requests >= 2
