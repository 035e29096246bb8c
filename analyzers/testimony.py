"""Testimony: statements of fact, with their basis."""

from typing import Literal

from pydantic import Field

from runner.answers.shape import Evidence, Strict


class Claim(Strict):
    """A statement of fact."""

    claim: str
    witness: str | None
    basis: Literal["own_experience", "data", "expertise", "hearsay", "not_given"]
    evidence: list[Evidence]


class Fields(Strict):
    """Structured data of `testimony`."""

    claims: list[Claim] = Field(description="Those a report would rest on.")
