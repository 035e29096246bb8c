"""What decides the outcome: forces for and against, how strong, and which can be moved.

After K. Lewin, "Field Theory in Social Science" (1951): driving and restraining forces.
"""

from typing import Literal

from pydantic import Field

from runner.answers.shape import Evidence, Point, Strict


class Factor(Strict):
    """One force on the outcome."""

    id: str = Field(description="D1, D2, …")
    name: str = Field(description="Two to five words.")
    direction: Literal["drives", "restrains", "depends", "unclear"]
    strength: int | None = Field(ge=1, le=5, description="1 slight to 5 decisive; null: not told.")
    role: Literal["necessary", "sufficient", "contributing", "unclear"]
    controllable: Literal["yes", "partly", "no", "unknown"]
    mechanism: str = Field(description="How it acts on the outcome.")
    counterfactual: str = Field(
        description="What would come about without it, where that makes it necessary; else 'none'."
    )
    evidence: list[Evidence]


class Interaction(Strict):
    """Factors that act through or against one another."""

    factors: list[str] = Field(description="Two or more factor ids.")
    effect: str
    evidence: list[Evidence]


class Fields(Strict):
    """Structured data of `determining_factors`."""

    outcome: str = Field(description="The outcome the factors bear on.")
    factors: list[Factor] = Field(min_length=1)
    interactions: list[Interaction]
    leverage: list[Point] = Field(description="Where a small change moves most.")
