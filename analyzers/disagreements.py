"""Disagreements: positions that cannot both hold, and who holds them."""

from typing import Literal

from pydantic import Field

from runner.answers.shape import Evidence, Strict

VERBATIM = frozenset({"said"})


class Side(Strict):
    """A position and who holds it."""

    who: str
    position: str
    said: str = Field("", description="Their words for it, verbatim; empty if others tell it.")


class Disagreement(Strict):
    """A matter on which people differ."""

    matter: str = Field(description="One neutral sentence.")
    sides: list[Side]
    state: Literal["open", "settled", "unclear"]
    evidence: list[Evidence]


class Fields(Strict):
    """Structured data of `disagreements`."""

    disagreements: list[Disagreement] = Field(description="The most consequential first.")
