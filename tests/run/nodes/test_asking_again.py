"""Asking again about what no finding cites: planted facts, and a model that misses some at first.

The model answers from a plan: a fact of the prompt is in its answer or not, by the fact's number.
"""

from __future__ import annotations

import json
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from helpers import ScriptedTransport, job
from helpers.runs import STAGE_A, STAGE_B, execute, execute_models, load, prompt_of, simulated
from helpers.sessions import RUN, begin, resume

from runner.answers.second_answer import ASKED_AGAIN, ASKED_AGAIN_TOKENS, merge_answers
from runner.base.errors import CallError, NotRunError
from runner.base.event_loops import run_virtually
from runner.base.tokens import tokenizer_for
from runner.base.usage import Usage
from runner.calls.admission.budget import Budget, Sizer
from runner.calls.client import Client
from runner.calls.retry import RetryPolicy
from runner.job.job import Job
from runner.providers.request import Completion, Request
from runner.record.run_directory import RunDirectory
from runner.reports.verify import verify
from runner.run.plan.plan import make_plan
from runner.run.run import Run, RunResult

pytestmark = pytest.mark.usefixtures("private")

FACTS = 200
ONLY_ONE = [f"~analyzer@analyzers.{n}" for n in (*STAGE_A, *STAGE_B) if n != "postulate_theorem"]
ANSWER = "intermediate/stage_a/postulate_theorem.json"
AGAIN = "intermediate/stage_a/postulate_theorem/again_01.json"
_FACT = re.compile(r"\[(S\d+) \w+\] (Crate (\d+) holds (\d+) valves)")


@pytest.fixture
def talk() -> list[str]:
    lines = [f"Ana: Crate {n} holds {n * 7} valves.\nBen: Mm." for n in range(FACTS)]
    Path("talk.txt").write_text("\n".join(lines), encoding="utf-8")
    return [
        *ONLY_ONE,
        "~stages.stage_b",
        "transcript=file",
        "transcript.path=talk.txt",
        "coverage.ask_again=true",
    ]


def found_in(request: Request) -> list[tuple[str, str]]:
    """Return segment and words of the facts that the model finds: 3 of 5, then all but 3 of 100."""
    prompt = prompt_of(request)
    facts = [(s, said, int(n)) for s, said, n, _ in _FACT.findall(prompt)]
    again = ASKED_AGAIN.strip() in prompt
    return [(s, said) for s, said, n in facts if (n % 100 >= 3 if again else n % 5 < 3)]


def answered(found: list[tuple[str, str]]) -> str:
    quotes = [[{"segment": s, "quote": said}] for s, said in found]
    facts = [
        {"id": f"P{n}", "statement": said, "kind": "fact", "speaker": None, "evidence": quote}
        for n, ((_, said), quote) in enumerate(zip(found, quotes, strict=True), 1)
    ]
    theorem = {
        "id": "T1",
        "statement": "It adds up.",
        "follows_from": ["P1"],
        "inference": "deductive",
        "gap": "none",
        "evidence": quotes[0] if quotes else [],
    }
    insight = {"text": "P1 counts.", "confidence": 0.9, "category": "count"}
    return json.dumps(
        {
            "insights": [{**insight, "evidence": quotes[0] if quotes else []}],
            "structured_data": {"postulates": facts, "theorems": [theorem], "conjectures": []},
        }
    )


def planned(request: Request) -> str:
    return answered(found_in(request))


def missed(answer: Any) -> float:
    held = {each["statement"] for each in answer["structured_data"]["postulates"]}
    return 1 - len(held) / FACTS


@pytest.mark.parametrize("parts", [[], ["transcript.token_budget=2500"]])
def test_facts_that_were_missed_are_found_and_counted(talk: list[str], parts: list[str]) -> None:
    talk += [*parts, "transcript.reduce_token_budget=100000"]
    without, _, _ = execute(job(*talk, "coverage.ask_again=false"), planned, into="without")
    result, path, _ = execute(job(*talk), planned)
    first, answer = (each.outcomes["postulate_theorem"].answer for each in (without, result))
    assert first is not None
    assert answer is not None
    postulates = answer["structured_data"]["postulates"]
    note = load("coverage.json")["asked_again"]["postulate_theorem"]
    added = len(postulates) - len(first["structured_data"]["postulates"])

    assert missed(first) > 0.2
    assert missed(answer) <= 0.02
    assert len(postulates) == len({each["id"] for each in postulates})
    assert added == note["found"]["postulates"]
    assert load(ANSWER)["asked_again"] == note
    assert result.exit_code == 0
    assert [] == verify(path)


def test_what_is_found_again_keeps_its_references(talk: list[str]) -> None:
    result, _, _ = execute(job(*talk), planned)
    answer = result.outcomes["postulate_theorem"].answer
    assert answer is not None
    ids = {each["id"]: each["statement"] for each in answer["structured_data"]["postulates"]}
    later = answer["structured_data"]["theorems"][1]
    quote = later["evidence"][0]["quote"]

    assert ["T1", "T2"] == [each["id"] for each in answer["structured_data"]["theorems"]]
    assert [quote] == [ids[name] for name in later["follows_from"]]
    assert f"{later['follows_from'][0]} counts." == answer["insights"][1]["text"]


def test_only_silent_segments_are_sent_and_all_of_them(talk: list[str]) -> None:
    made = job(*talk)
    result, transports = execute_models(made, planned)
    first, again = map(prompt_of, transports["main"].requests)
    sent = set(re.findall(r"\[(S\d+) ", again))
    cited = {segment for segment, _ in found_in(transports["main"].requests[0])}

    assert ASKED_AGAIN not in first
    assert sent == {segment.id for segment in made.transcript.segments} - cited
    assert (
        result.benchmark["run"]["coverage"] == load("coverage.json")["total"]["cited"]["token_rate"]
    )


def test_nothing_new_leaves_the_first_answer(talk: list[str]) -> None:
    def reply(request: Request) -> str:
        return answered(found_in(request) if ASKED_AGAIN not in prompt_of(request) else [])

    result, _, _ = execute(job(*talk), reply)
    without, _, _ = execute(job(*talk, "coverage.ask_again=false"), reply, into="without")

    assert {} == load("coverage.json")["asked_again"]["postulate_theorem"]["found"]
    assert (
        without.outcomes["postulate_theorem"].answer == result.outcomes["postulate_theorem"].answer
    )


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (CallError("timeout", "late"), "timeout"),
        (NotRunError("budget", "not called: used up"), "budget"),
        ("no JSON", "invalid_output"),
    ],
)
def test_a_failure_leaves_the_first_answer_and_is_said(
    talk: list[str], fault: CallError | str, kind: str
) -> None:
    def reply(request: Request) -> str:
        if ASKED_AGAIN not in prompt_of(request):
            return planned(request)
        if isinstance(fault, str):
            return fault
        raise fault

    result, _, _ = execute(job(*talk), reply)

    assert ("ok", kind) == (
        result.outcomes["postulate_theorem"].status,
        load(ANSWER)["asked_again"]["failed"],
    )
    assert 0 == result.exit_code


def test_a_run_interrupted_between_both_pays_for_each_once(talk: list[str]) -> None:
    code, first = begin(*talk, answers=1, reply=planned)
    before = load("metadata.json")["totals"]["attempts"]
    resumed, rest = resume(reply=planned)
    record = load(ANSWER)
    nothing = resume(reply=planned)[1]

    assert (130, ["postulate_theorem"], 1) == (code, first, before)
    assert (0, ["postulate_theorem"]) == (resumed, rest)
    assert missed(record) <= 0.02
    assert [] == nothing
    assert [] == verify(RUN)


def test_a_lost_record_of_either_is_asked_for_alone(talk: list[str]) -> None:
    execute_models(job(*talk), planned)
    before = load(ANSWER)["structured_data"]
    for lost, asks in ((AGAIN, ASKED_AGAIN), (ANSWER, "Postulates and theorems")):
        Path("run", lost).unlink()
        _, transports = execute_models(job(*talk), planned, again=True)

        assert [True] == [asks in prompt_of(each) for each in transports["main"].requests]
        assert before == load(ANSWER)["structured_data"]


def test_names_and_facts_come_back_where_both_are_redacted(talk: list[str]) -> None:
    said: list[str] = []

    def reply(request: Request) -> str:
        said.append(prompt_of(request))
        masked = re.findall(r"\[(S\d+) [^\]]+\] (Crate (\d+) holds \d+ valves)", said[-1])
        return answered([(s, w) for s, w, n in masked if int(n) % 2 == (len(said) - 1) % 2])

    result, _, _ = execute(job(*talk, "transcript.redact=names"), reply)
    answer = result.outcomes["postulate_theorem"].answer
    assert answer is not None

    assert 0 == missed(answer)
    assert all("[S0001 Ana]" not in each for each in said)
    assert load("grounding.json")["total"]["rate"] == 1.0


def test_a_plan_counts_the_question_once_more(talk: list[str]) -> None:
    def calls(made: Job) -> int:
        return make_plan(made, {}).nodes["postulate_theorem"].calls

    assert 1 == calls(job(*talk, "coverage.ask_again=false"))
    assert 2 == calls(job(*talk))


def test_the_words_that_ask_again_fit_into_their_tokens() -> None:
    assert tokenizer_for("openai/gpt-4o").count(ASKED_AGAIN) <= ASKED_AGAIN_TOKENS


def test_an_item_counts_only_with_evidence_from_a_silent_segment() -> None:
    def insight(segment: str) -> dict[str, Any]:
        return {"text": segment, "evidence": [{"segment": segment, "quote": "x"}]}

    first = {"insights": [insight("S0001")], "structured_data": {"notes": ["a"], "headline": "H"}}
    more = {
        "insights": [insight("S0001"), insight("S0002"), {"text": "nothing", "evidence": []}],
        "structured_data": {"notes": ["a", "b"], "headline": "other", "unknown": ["c"]},
    }

    assert merge_answers(first, more, {"S0002"}) == {
        "insights": [insight("S0001"), insight("S0002")],
        "structured_data": {"notes": ["a", "b"], "headline": "H"},
    }


@pytest.mark.parametrize("max_tokens", [28_000, 40_000])
def test_asking_again_leaves_room_for_what_the_run_needs(max_tokens: int) -> None:
    made = job("pipeline=meeting", "coverage.ask_again=true")

    def reply(request: Request) -> Completion:
        return Completion(simulated(request), "stop", Usage(3000, 500))

    async def main() -> RunResult:
        with closing(RunDirectory.create(Path("run"))) as directory:
            directory.write_job(made)
            caps = Budget(max_tokens=max_tokens), Sizer(made.main.tokenizer)
            retry, transport = RetryPolicy(max_retries=0), ScriptedTransport(reply)
            client = Client(transport, retry, 60.0, budget=caps[0], sizer=caps[1])
            return await Run(made, {"main": client}, directory).execute()

    result = run_virtually(main)
    asked = load("coverage.json")["asked_again"].values()

    assert (0, {"ok"}) == (result.exit_code, {o.status for o in result.outcomes.values()})
    assert "budget" in [each["failed"] for each in asked]
