"""What a reply becomes: an answer or an error, without a key that parsing put together."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from runner.answers.analyzer import Analyzer
from runner.answers.outcome import read_reply
from runner.answers.parse import parse_answer
from runner.answers.shape import Strict, answer_shape
from runner.base.errors import AnswerError
from runner.base.secrets import Secrets

KEY = "canary/4711+value"
INSIGHT = {"text": "It holds.", "confidence": 0.8, "category": "claim", "evidence": []}


class Fields(Strict):
    parts: dict[str, str]


def analyzer(**changed: Any) -> Analyzer:
    def read(text: str) -> Any:
        if "fault" in changed:
            raise changed["fault"]
        reading = parse_answer(text, answer_shape("toy", Fields))
        return replace(reading, answer=reading.answer.model_copy(update=changed))

    return cast("Analyzer", SimpleNamespace(read=read))


def test_a_key_that_an_answer_shape_puts_together_is_masked_with_everything_else_kept() -> None:
    made = Fields(parts={"a": f"x {KEY}", KEY: "y", "z": "as ever"})
    text = json.dumps({"insights": [INSIGHT], "structured_data": {"parts": {}}})
    outcome = read_reply(analyzer(structured_data=made), text, "stop", 5, Secrets((KEY,)))

    assert outcome.answer is not None
    assert {"parts": {"a": "x ***", "***": "y", "z": "as ever"}} == outcome.answer[
        "structured_data"
    ]
    assert [INSIGHT] == outcome.answer["insights"]


@pytest.mark.parametrize(
    "fault", [ValueError(f"not {KEY}"), AnswerError("invalid_output", f"not {KEY}", text="x")]
)
def test_a_key_in_the_message_of_a_shape_is_masked(fault: Exception) -> None:
    with pytest.raises(AnswerError, match=r"not \*\*\*$") as caught:
        read_reply(analyzer(fault=fault), "x", "stop", 5, Secrets((KEY,)))

    assert "invalid_output" == caught.value.kind
