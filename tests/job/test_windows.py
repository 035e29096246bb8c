"""What fits into a model's window beside a prompt."""

from __future__ import annotations

from dataclasses import replace

import pytest
from helpers import job

from runner.config.model_facts import ModelFacts
from runner.job.windows import counted, longest_reply
from runner.providers.request import Request

REQUEST = Request("say_means", ({"role": "user", "content": "Who said what? " * 9},), 100)


@pytest.mark.parametrize(
    ("window", "most", "longest"),
    [(None, None, None), (None, 70, 70), (1000, 70, 70), (1000, None, 1000), (1000, 990, 1000)],
)
def test_a_reply_is_no_longer_than_the_model_writes_nor_than_the_prompt_leaves(
    window: int | None, most: int | None, longest: int | None
) -> None:
    made = job().models["main"]
    model = replace(made, facts=ModelFacts(window, most))
    if longest == window and longest is not None:
        longest -= int(model.token_factor * counted(model, REQUEST))

    assert longest == longest_reply(model, REQUEST)
