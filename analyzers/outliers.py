"""Outliers: findings that stand alone in a collection."""

from typing import Any

from pydantic import Field

from runner.answers.shape import Strict

COLLECTION = "outliers"


class Alone(Strict):
    """A finding that nobody shares."""

    member: str = Field(description="An id of the material.")
    why: str = Field(description="Why it is worth a look, in one sentence.")


class Fields(Strict):
    """Structured data of `outliers`."""

    outliers: list[Alone] = Field(description="The most remarkable first.")


def is_silent(fields: Any) -> bool:
    """Return whether there is nothing for an insight to be about."""
    return not fields.outliers
