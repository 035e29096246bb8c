"""How a customer feels in the course of a call."""

from typing import Literal

from pydantic import Field

from runner.answers.shape import Evidence, Strict


class Moment(Strict):
    """A passage in which a feeling shows."""

    mood: Literal["angry", "frustrated", "worried", "relieved", "pleased"]
    cause: str
    who: str | None
    evidence: list[Evidence]


class Fields(Strict):
    """Structured data of `customer_mood`."""

    moments: list[Moment] = Field(description="In the order of the call.")
