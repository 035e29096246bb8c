"""Questions that are put, and whether they are answered."""

from typing import Literal

from pydantic import Field

from runner.answers.shape import Evidence, Strict


class Exchange(Strict):
    """A question and what came of it."""

    question: str
    asked_by: str | None
    answer: str | None = Field(description="One sentence; null if there is none.")
    answered_by: str | None
    verdict: Literal["answered", "partly", "evaded", "deferred", "unanswered", "unclear"]
    evidence: list[Evidence]


class Fields(Strict):
    """Structured data of `answers_given`."""

    exchanges: list[Exchange] = Field(description="In the order of the talk.")
