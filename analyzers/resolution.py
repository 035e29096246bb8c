"""What is done about a customer's problem, and whether it is solved."""

from typing import Literal

from pydantic import Field

from runner.answers.shape import Evidence, Strict


class Step(Strict):
    """Something tried or arranged during the call."""

    step: str = Field(description="Begins with a verb.")
    by: str | None
    result: str | None = Field(description="What came of it; null if not told.")
    evidence: list[Evidence]


class Fields(Strict):
    """Structured data of `resolution`."""

    steps: list[Step] = Field(description="In order.")
    status: Literal["solved", "workaround", "open", "unclear"]
    why: str = Field(description="On what the status rests.")
