"""What is asserted, and on which premises.

After S. Toulmin, "The Uses of Argument" (1958): claim, grounds, and the warrant between them.
"""

from typing import Literal

from pydantic import Field

from runner.answers.shape import Evidence, Strict


class Premise(Strict):
    """A ground offered for an assertion, or needed by it."""

    text: str
    kind: Literal["stated", "implied"]


class Argument(Strict):
    """An assertion with its premises."""

    speaker: str | None
    assertion: str
    premises: list[Premise]
    support: Literal["strong", "partial", "none"] = Field(
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
    unsupported: list[str] = Field(description="Assertions made with no ground at all.")
    contradictions: list[Contradiction]
