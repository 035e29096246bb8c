"""Runs that apply a codebook: nothing unknown is kept, no part is lost, no old answer is reused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from helpers import job
from helpers.runs import execute, execute_models, load, prompt_of, simulated

from runner.base.errors import ConfigError
from runner.job.analyzers import load_analyzers
from runner.job.job import Job
from runner.providers.request import Request
from runner.run.plan.plan import make_plan

CODES = "code,definition\nCrate,A crate is named\nValve,A valve is counted\n"
ANSWER = "intermediate/stage_a/coding.json"
_LINE = re.compile(r"\[(S\d+) \w+\] (Crate (\d+) .*)")


@pytest.fixture
def talk() -> list[str]:
    Path("codes.csv").write_text(CODES)
    lines = [f"Ana: Crate {n} holds valve number {n}." for n in range(60)]
    Path("talk.txt").write_text("\n".join(lines))
    return ["pipeline=codebook", "codebook=codes.csv", "transcript=file",
            "transcript.path=talk.txt"]  # fmt: skip


def coding(code: str, segment: str, quote: str) -> dict[str, Any]:
    return {"code": code, "reason": "r", "evidence": [{"segment": segment, "quote": quote}]}


def answered(codings: list[dict[str, Any]], text: str = "All told.") -> str:
    insight = {"text": text, "confidence": 0.5, "category": "c", "evidence": []}
    return json.dumps({"insights": [insight], "structured_data": {"codings": codings}})


def every_third(request: Request) -> str:
    """Code every third crate of what the prompt shows, whatever part it is."""
    found = _LINE.findall(prompt_of(request))
    return answered([coding("Crate", s, said) for s, said, n in found if int(n) % 3 == 0])


def coded(answer: Any) -> list[tuple[str, str]]:
    return [(c["evidence"][0]["segment"], c["code"]) for c in answer["structured_data"]["codings"]]


@pytest.mark.parametrize("first", [50, 99])
def test_parts_without_a_code_do_not_make_the_answer_fail(talk: list[str], first: int) -> None:
    def late(request: Request) -> str:
        found = _LINE.findall(prompt_of(request))
        return answered([coding("Crate", s, said) for s, said, n in found if int(n) >= first])

    result, _, _ = execute(job(*talk, "transcript.token_budget=300"), late)
    answer = load(ANSWER)

    assert "completed" == result.status
    assert [f"S{n + 1:04}" for n in range(first, 60)] == [s for s, _ in coded(answer)]
    assert (["All told."] if first < 60 else []) == [i["text"] for i in answer["insights"]][:1]


def test_the_codings_of_all_parts_are_kept_each_once_and_no_call_joins_them(
    talk: list[str],
) -> None:
    made = job(*talk, "transcript.token_budget=300", "transcript.overlap_tokens=100")
    assert isinstance(made, Job)
    result, _, transport = execute(made, every_third)
    parts = load(ANSWER)["parts"]

    assert "completed" == result.status
    assert [(f"S{n + 1:04d}", "Crate") for n in range(0, 60, 3)] == coded(load(ANSWER))
    assert parts == len(transport.requests) == make_plan(made, {}).nodes["coding"].calls > 3


def test_what_only_the_later_part_finds_in_an_overlap_is_kept(talk: list[str]) -> None:
    made = job(*talk, "transcript.token_budget=300", "transcript.overlap_tokens=100")

    def first_of_each(request: Request) -> str:
        name, said, _ = _LINE.findall(prompt_of(request))[0]
        return answered([coding("Crate", name, said)])

    _, _, transport = execute(made, first_of_each)

    assert len(transport.requests) == len(coded(load(ANSWER)))


def test_a_lost_part_is_named_and_its_overlap_is_coded_by_its_neighbours(talk: list[str]) -> None:
    made = job(*talk, "transcript.token_budget=300", "transcript.overlap_tokens=100")

    def losing(request: Request) -> str:
        return "no" if "[S0030 " in prompt_of(request) else every_third(request)

    result, _, _ = execute(made, losing)
    record = load(ANSWER)

    assert "partial" == result.status
    assert record["missing"]
    assert set(record["missing"].values()) == {"invalid_output"}
    assert {"S0001", "S0058"} < {segment for segment, _ in coded(record)}
    assert "S0031" not in {segment for segment, _ in coded(record)}


def test_a_resumed_run_joins_stored_parts_and_asks_nothing(talk: list[str]) -> None:
    made = job(*talk, "transcript.token_budget=300")
    execute(made, every_third)
    before = load(ANSWER)
    Path("run", ANSWER).unlink()
    result, transports = execute_models(made, every_third, again=True)

    assert [] == transports["main"].requests
    assert "completed" == result.status
    assert before["structured_data"] == load(ANSWER)["structured_data"]
    assert before["key"] == load(ANSWER)["key"]


def test_another_codebook_is_another_question(talk: list[str]) -> None:
    first = job(*talk)
    execute(first, every_third)
    Path("codes.csv").write_text(CODES.replace("is counted", "is mentioned"))
    second = job(*talk)
    _, transports = execute_models(second, every_third, again=True)

    assert 1 == len(transports["main"].requests)
    assert first.config_digest != second.config_digest
    assert "is mentioned" in prompt_of(transports["main"].requests[0])
    assert "is mentioned" not in second.config


@pytest.mark.parametrize(
    ("first", "fault"),
    [
        (coding("Krate", "S0001", "Crate 0"), "code: Input should be 'Crate' or 'Valve'"),
        (
            coding("Crate", "S0777", "nobody said this here"),
            "quotes that are not in the transcript",
        ),
        ({**coding("Crate", "S0001", "Crate 0"), "evidence": []}, "evidence: List should have at"),
        ({**coding("Crate", "S0001", "Crate 0"), "mood": "x"}, "mood: Extra inputs are not"),
    ],
)
def test_an_invalid_coding_goes_back_to_the_model(
    talk: list[str], first: dict[str, Any], fault: str
) -> None:
    replies = [answered([first]), answered([coding("Crate", "S0001", "Crate 0 holds")])]

    _, _, transport = execute(job(*talk), lambda _: replies.pop(0))

    assert [("S0001", "Crate")] == coded(load(ANSWER))
    assert fault in str(transport.requests[1].messages[-1]["content"])


def test_a_code_in_other_letters_is_read_and_noted_and_an_unknown_one_never_kept(
    talk: list[str],
) -> None:
    execute(job(*talk), lambda _: answered([coding(" CRATE", "S0001", "Crate 0 holds")]))
    read = load(ANSWER)
    unknown, known = coding("Box", "S0001", "x"), coding("Valve", "S0002", "valve number 1")
    result, _, _ = execute(job(*talk), lambda _: answered([unknown]), into="b")
    mixed, _, transport = execute(job(*talk), lambda _: answered([known, unknown]), into="c")

    assert ("completed", 2) == (mixed.status, len(transport.requests))
    assert [("S0002", "Valve")] == coded(load(Path("c", ANSWER).absolute()))
    assert [("S0001", "Crate")] == coded(read)
    assert "was read as 'Crate'" in str(read["reply_notes"])
    assert "failed" == result.status


def test_no_code_is_an_answer_and_the_simulated_provider_gives_valid_ones(talk: list[str]) -> None:
    none, _, _ = execute(job(*talk), lambda _: answered([]))
    empty = load(ANSWER)
    some, _, _ = execute(job(*talk), simulated, into="b")

    assert ("completed", [], []) == (none.status, coded(empty), empty["insights"])
    assert "completed" == some.status
    assert {"Crate", "Valve"} == {
        code for _, code in coded(json.loads(Path("b", ANSWER).read_text()))
    }


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"codebook": None}, "analyzers.coding needs codebook=FILE"),
        ({"analyzers": {}}, "no analyzer applies it: add pipeline=codebook"),
        ({"codebook": "code.csv"}, "did you mean 'codes.csv'"),
    ],
)
def test_what_cannot_be_coded_is_said_before_anything_is_sent(
    talk: list[str], changed: dict[str, Any], said: str
) -> None:
    settings = job(*talk).settings.model_copy(update=changed)
    with pytest.raises(ConfigError, match=said):
        load_analyzers(settings, ())


def test_codes_and_definitions_that_look_like_configuration_stay_texts(talk: list[str]) -> None:
    Path("codes.csv").write_text('code,definition\n"${oc.env:HOME}","${model.name} {{ 1 }} <b>"\n')
    made = job(*talk)
    execute(made, every_third_of_home)

    assert [("S0001", "${oc.env:HOME}")] == coded(load(ANSWER))


def every_third_of_home(request: Request) -> str:
    assert "${model.name} {{ 1 }} ‹b›" in prompt_of(request)
    return answered([coding("${oc.env:HOME}", "S0001", "Crate 0 holds")])
