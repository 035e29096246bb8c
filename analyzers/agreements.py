"""Agreements and contradictions between the transcripts of a collection."""

from typing import Any

from pydantic import Field

from runner.answers.shape import Strict

COLLECTION = "agreements"


class Opposed(Strict):
    """One side of a contradiction."""

    position: str = Field(description="What this side says, in one sentence.")
    members: list[str] = Field(description="Ids of the material that say so.")


class Contradicted(Strict):
    """A matter on which speakers contradict each other."""

    statement: str = Field(description="The matter, as a statement that can be true or false.")
    sides: list[Opposed] = Field(description="Two or more.")
    reason: str = Field(description="Why they cannot all be right, in one sentence.")


class Agreed(Strict):
    """A statement that all who speak of it share."""

    statement: str
    members: list[str] = Field(description="Ids of the material that say so.")


class Fields(Strict):
    """Structured data of `agreements`."""

    contradictions: list[Contradicted]
    agreements: list[Agreed]


def is_silent(fields: Any) -> bool:
    """Return whether there is nothing for an insight to be about."""
    return not (fields.contradictions or fields.agreements)
