"""The matter taken apart to what cannot be reduced further, and built up again.

After Aristotle, "Posterior Analytics" I.2: a first principle is known better than what follows
from it and is not itself derived.
"""

from typing import Literal

from pydantic import Field

from runner.answers.shape import Evidence, Strict


class Assumption(Strict):
    """Something the speakers take for granted, and what is left of it when asked why."""

    text: str
    kind: Literal["convention", "constraint", "belief"]
    challenge: str = Field(description="The question that tests it.")
    survives: Literal["yes", "partly", "no", "untested"]
    evidence: list[Evidence]


class Fundamental(Strict):
    """A truth about the matter that needs nothing else said before it."""

    id: str = Field(description="F1, F2, …")
    text: str
    why_irreducible: str
    evidence: list[Evidence]


class Reconstruction(Strict):
    """A conclusion reached from the fundamentals alone."""

    conclusion: str
    rests_on: list[str] = Field(description="Ids of fundamentals.")
    differs_from_discussion: str = Field(
        description="Where the speakers concluded otherwise, or 'agrees'."
    )
    evidence: list[Evidence]


class Fields(Strict):
    """Structured data of `first_principles`."""

    problem: str
    assumptions: list[Assumption]
    fundamentals: list[Fundamental]
    reconstruction: list[Reconstruction]
