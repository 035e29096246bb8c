"""Opinions: judgements that people commit to."""

from typing import Literal

from pydantic import Field

from runner.answers.shape import Evidence, Strict


class Opinion(Strict):
    """A judgement on a matter."""

    opinion: str
    about: str = Field(description="The matter, in the same words for every opinion on it.")
    stance: Literal["for", "against", "mixed", "unclear"]
    reason: str | None = Field(description="The reason they give; null if none.")
    who: str | None
    evidence: list[Evidence]


class Fields(Strict):
    """Structured data of `opinions`."""

    opinions: list[Opinion] = Field(description="Grouped by matter.")
