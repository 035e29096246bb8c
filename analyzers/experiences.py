"""Experiences: episodes and habits that people tell of themselves."""

from typing import Literal

from pydantic import Field

from runner.answers.shape import Evidence, Strict


class Experience(Strict):
    """An episode or a habit."""

    what: str
    kind: Literal["problem", "success", "workaround", "habit"]
    who: str | None
    context: str | None = Field(description="When or where; null if not told.")
    evidence: list[Evidence]


class Fields(Strict):
    """Structured data of `experiences`."""

    experiences: list[Experience] = Field(description="As told, without judgement.")
