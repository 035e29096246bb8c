"""What is asserted, and on which premises.

After S. Toulmin, "The Uses of Argument" (1958): claim, grounds, the
warrant between them, the qualifier of the claim, and the rebuttal under which it fails.
"""

from typing import Literal

from pydantic import Field

from runner.answers.shape import Evidence, Point, Strict

VERBATIM = frozenset({"said"})


class Premise(Strict):
    """A ground offered for an assertion, or needed by it."""

    text: str
    kind: Literal["stated", "implied"]
    said: str = Field("", description="Its words, verbatim, if it is stated; else empty.")


class Argument(Strict):
    """An assertion with its premises."""

    speaker: str | None
    assertion: str
    premises: list[Premise]
    warrant: str = Field(description="The rule that leads from them to it, or 'none'.")
    qualifier: str = Field(description="The word that limits it ('probably'), or 'none'.")
    rebuttal: str = Field(description="The case in which it would not hold, or 'none'.")
    support: Literal["strong", "partial", "none", "unclear"] = Field(
        description="How far the premises carry the assertion."
    )
    evidence: list[Evidence]


class Contradiction(Strict):
    """Two assertions that cannot both stand as they are put."""

    first: str
    second: str
    explanation: str
    evidence: list[Evidence]


class Fields(Strict):
    """Structured data of `premises_assertions`."""

    arguments: list[Argument]
    unsupported: list[Point] = Field(description="Assertions made with no ground at all.")
    contradictions: list[Contradiction]
