from __future__ import annotations

import asyncio
from typing import Any

import pytest
from helpers import completion

from runner.answers.analyzer import Message
from runner.base.errors import AnswerError, CallError
from runner.providers.request import Completion, Request
from runner.run.nodes.conversation import Conversation, cut_error

REQUEST = Request("say_means", ({"role": "user", "content": "?"},), 100)


class Mender:
    """Says in a message what is wrong."""

    def repair(self, messages: tuple[Message, ...], reply: str, fault: str) -> tuple[Message, ...]:
        return (*messages, {"role": "user", "content": f"{reply!r} is wrong: {fault}"})


async def read(reply: Completion) -> str:
    if reply.text.startswith("bad"):
        raise AnswerError("invalid_output", "fits nothing", text=reply.text)
    if reply.text.startswith("doubtful"):
        raise AnswerError("invalid_output", "of 10 or 100?", text=reply.text, kept=reply.text)
    if reply.finish_reason == "length":
        raise cut_error(reply, kept=reply.text if reply.text.startswith("some") else None)
    return reply.text


def talk(
    *replies: Completion | CallError, most_tokens: int | None = None
) -> tuple[str, list[Request], dict[str, Any]]:
    """Return the answer or the kind of failure, the requests made, and the notes."""
    left, asked = list(replies), []

    async def call(request: Request) -> Completion:
        asked.append(request)
        reply = left.pop(0)
        if isinstance(reply, CallError):
            raise reply
        return reply

    talk = Conversation(Mender().repair, REQUEST, lambda _: most_tokens)
    try:
        said = asyncio.run(talk.answer(call, read))
    except CallError as error:
        said = error.kind
    return said, asked, dict(talk.notes())


EMPTY = completion("")
LENGTH = completion("half", "length")
BAD = completion("bad")
FINE = completion("fine")
SOME = completion("some", "length")
DOUBTFUL = completion("doubtful")


@pytest.mark.parametrize(
    ("replies", "said", "requests"),
    [
        ([FINE], "fine", 1),
        ([EMPTY, FINE], "fine", 2),
        ([EMPTY] * 9, "empty", 2),
        ([completion("", "no choices")] * 9, "empty", 2),
        ([completion(" \n")] * 9, "empty", 2),
        ([BAD, FINE], "fine", 2),
        ([BAD] * 9, "invalid_output", 2),
        ([LENGTH, FINE], "fine", 2),
        ([LENGTH] * 9, "truncated", 2),
        ([completion("", "content_filter")] * 9, "refused", 1),
        ([completion("No.", "refusal")] * 9, "refused", 1),
        ([EMPTY, BAD, FINE], "invalid_output", 2),
        ([LENGTH, BAD, FINE], "invalid_output", 2),
        ([BAD, LENGTH, FINE], "truncated", 2),
        ([BAD, CallError("bad_request", "no")], "bad_request", 2),
        ([DOUBTFUL, FINE], "fine", 2),
        ([DOUBTFUL, BAD], "doubtful", 2),
        ([DOUBTFUL, SOME], "doubtful", 2),
        ([DOUBTFUL, CallError("budget", "no")], "doubtful", 2),
        ([DOUBTFUL, completion("doubtful too")], "doubtful too", 2),
        ([SOME, DOUBTFUL], "doubtful", 2),
        ([SOME, FINE], "fine", 2),
        ([SOME, BAD], "some", 2),
        ([SOME, EMPTY], "some", 2),
        ([SOME, completion("", "content_filter")], "some", 2),
        ([SOME, CallError("budget", "no")], "some", 2),
        ([SOME, completion("some more", "length")], "some more", 2),
        ([completion("some" + " more" * 900, "length")], "some" + " more" * 900, 1),
        ([completion("half" + " more" * 900, "length")], "truncated", 1),
    ],
)
def test_each_kind_of_reply_is_asked_for_again_so_often_and_no_more(
    replies: list[Completion | CallError], said: str, requests: int
) -> None:
    outcome, asked, _ = talk(*replies)

    assert outcome == said
    assert len(asked) == requests


def test_a_reply_that_fits_no_shape_is_put_back_with_what_is_wrong() -> None:
    _, asked, notes = talk(BAD, completion("bad too"), FINE)  # the third is not asked for

    assert asked[0] is REQUEST
    assert asked[1].messages[-1]["content"] == "'bad' is wrong: fits nothing"
    assert len(asked) == 2
    assert [reply["raw_output"] for reply in notes["rejected"]] == ["bad", "bad too"]
    assert [reply["kind"] for reply in notes["rejected"]] == ["invalid_output"] * 2


def test_an_empty_reply_is_answered_by_the_same_request() -> None:
    _, asked, _ = talk(EMPTY, FINE)

    assert asked == [REQUEST, REQUEST]


@pytest.mark.parametrize(
    ("most_tokens", "asked_for"),
    [(None, [100, 200]), (500, [100, 200]), (150, [100, 150]), (100, [100])],
)
def test_a_cut_reply_is_asked_for_once_at_twice_the_length_that_the_model_can_write(
    most_tokens: int | None, asked_for: list[int]
) -> None:
    outcome, asked, _ = talk(LENGTH, LENGTH, most_tokens=most_tokens)

    assert outcome == "truncated"
    assert [request.max_tokens for request in asked] == asked_for


def test_an_answer_at_the_first_try_leaves_no_notes() -> None:
    assert talk(FINE)[2] == {}


@pytest.mark.parametrize(
    ("text", "said", "again"),
    [
        ("half", "tokens: raise max_tokens", True),
        ("<think>hm", "of the reply: raise model.max_tokens, or lower model.effort", True),
        ("<think>" + "hm {x} " * 500, "it repeats itself to the end; lower model.effort", False),
        ("hm {x} " * 500, "tokens: it repeats itself to the end", False),
    ],
)
def test_what_used_up_a_truncated_reply_is_named(text: str, said: str, again: bool) -> None:
    error = cut_error(completion(text, "length"))

    assert said in str(error)
    assert again is error.again
    assert ("reasoning used up" in str(error)) is text.startswith("<think>")
