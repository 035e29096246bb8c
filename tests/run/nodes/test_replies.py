"""Replies of every kind in a run: two requests at most, and marks wherever a reader looks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from helpers import completion, job
from helpers.runs import ONLY_TWO, execute, execute_models, load, simulated

from runner.base.errors import CallError
from runner.base.secrets import Secrets
from runner.providers.request import MAX_REPLY_MARKS, Completion, Request, checked_text
from runner.reports.report.write import write_report
from runner.reports.verify import verify

NAME, RECORD = "say_means", "intermediate/stage_a/say_means.json"
TENTHS = "insights.0.confidence: 8 was read as 0.8, probably on a scale of 10"
CUT = "the reply was cut: its complete items were kept"


@dataclass
class Model:
    """Answers as the simulated model does, and *NAME* in the shapes of *replies*, in order."""

    replies: list[Any]
    asked: list[Request] = field(default_factory=list)

    def __call__(self, request: Request) -> str | Completion:
        text = simulated(request)
        if request.node != NAME:
            return text
        self.asked.append(request)
        shape = self.replies[min(len(self.asked), len(self.replies)) - 1]
        reply: str | Completion = shape(text)
        return reply


def whole(text: str) -> str:
    return text


def bare(_: str) -> str:
    return "I cannot say."


def half(text: str) -> Completion:
    return completion(text[: text.index('"commitments"')], "length")


def confident(share: int | str) -> Callable[[str], str]:
    return lambda text: re.sub(r'(?<="confidence": )[\d.]+', str(share), text)


def looping(text: str) -> Completion:
    first = json.dumps(json.loads(text)["insights"][0])
    return completion('{"insights": [' + f"{first}, " * 40, "length")


def unclosed(text: str) -> str:
    return text.rstrip().removesuffix("}")


def dressed(text: str) -> str:
    return f"<think>{{}}</think>\n```json\n{json.dumps({'answer': json.loads(text)})}\n```"


@pytest.mark.parametrize(
    ("replies", "requests", "status", "note"),
    [
        ([whole], 1, "ok", None),
        ([dressed], 1, "ok", "read inside of the key 'answer'"),
        ([bare, dressed], 2, "ok", "read inside of the key 'answer'"),
        ([bare], 2, "error", None),
        ([confident(85)], 1, "ok", "insights.0.confidence: 85 was read as 0.85, on a scale of 100"),
        ([confident(8), whole], 2, "ok", None),
        ([confident(8), bare], 2, "ok", TENTHS),
        ([confident(8), half], 2, "ok", TENTHS),
        ([confident(8)], 2, "ok", TENTHS),
        ([confident("null"), whole], 2, "ok", None),
        ([confident("null"), bare], 2, "ok", "insights.0.confidence: None was read as 0.5"),
        ([half, whole], 2, "ok", None),
        ([half], 2, "ok", CUT),
        ([half, bare], 2, "ok", CUT),
        ([looping], 1, "ok", CUT),
        ([unclosed], 1, "ok", CUT),
    ],
)
def test_a_run_asks_at_most_twice_and_marks_how_a_reply_was_read(
    replies: list[Any], requests: int, status: str, note: str | None
) -> None:
    model = Model(replies)
    execute(job(*ONLY_TWO), model)
    record = load(RECORD)
    page = Path("run", RECORD).with_suffix(".md").read_text()
    events = [json.loads(line) for line in Path("run/logs/events.jsonl").read_text().splitlines()]
    marked = [event for event in events if event["event"] == "answer.marked"]

    assert requests == len(model.asked)
    assert status == record["status"]
    assert [note] == [*record.get("reply_notes", []), None][:1]
    assert (note is not None) == ("How its reply was read:" in page) == bool(marked)
    assert ([NAME] if note == CUT else []) == load("metadata.json")["cut"]


def test_a_cut_answer_is_kept_by_the_next_session_without_a_question() -> None:
    made = job(*ONLY_TWO)
    execute_models(made, Model([half]))
    first, again = load(RECORD), Model([whole])
    execute_models(made, again, again=True)
    second = load(RECORD)

    assert [] == again.asked
    assert (first["insights"], first["cut"]) == (second["insights"], second["cut"])


def test_the_report_says_how_replies_were_read() -> None:
    execute(job(*ONLY_TWO), Model([looping]))
    write_report(Path("run"))

    assert CUT in Path("run/report.html").read_text()


def test_replies_with_as_many_marks_as_are_taken_can_be_read_again() -> None:
    def most(_: str) -> str:
        return checked_text("," * MAX_REPLY_MARKS, Secrets())

    def hidden(text: str) -> str:
        answer = json.loads(text)
        answer["insights"][0]["text"] = "COMMAS"
        return checked_text(
            json.dumps(answer).replace("COMMAS", "a" + "\\u002c" * 300_000), Secrets()
        )

    _, path, _ = execute(job(*ONLY_TWO), Model([most, hidden]))
    record = load(RECORD)

    assert [] == verify(path)
    assert (1, 300_001) == (len(record["rejected"]), len(record["insights"][0]["text"]))
    with pytest.raises(CallError, match="150,001 commas, colons and brackets") as caught:
        checked_text("{" * (MAX_REPLY_MARKS + 1), Secrets())
    assert ("bad_response", True) == (caught.value.kind, caught.value.billed)
