"""The problem a customer calls about, with its details."""

from typing import Literal

from pydantic import Field

from runner.answers.shape import Evidence, Strict


class Detail(Strict):
    """Something said about the problem."""

    text: str
    kind: Literal["symptom", "since", "impact", "tried"]
    who: str | None
    evidence: list[Evidence]


class Fields(Strict):
    """Structured data of `customer_problem`."""

    problem: str = Field(description="One or two sentences.")
    details: list[Detail] = Field(description="As said in the call.")
