"""Verdicts of a judge, however its reply is written."""

import pytest

from runner.answers.judge import verdict
from runner.base.errors import AnswerError


@pytest.mark.parametrize(
    ("reply", "letter"),
    [
        ('{"reason": "x", "verdict": "A"}', "A"),
        ('{"verdict": "B", "reason": "verdict: A would be kind"}', "B"),
        ('{"verdict": "a: the answer meets it",}', "A"),
        ('<think>verdict: A</think>{"verdict": "B"}', "B"),
        ('{"result": {"verdict": "B"', "B"),
        ("**Verdict:** B", "B"),
        ('{"verdict": "A or B"}', None),
        ("verdict: a pass", None),
        ('{"verdict": null}', None),
    ],
)
def test_a_verdict_is_read_where_it_is_one(reply: str, letter: str | None) -> None:
    if letter is None:
        with pytest.raises(AnswerError, match="no verdict A or B"):
            verdict(reply, swapped=False)
    else:
        assert [letter == "A", letter == "B"] == [
            verdict(reply, swapped=swapped)[0] for swapped in (False, True)
        ]
