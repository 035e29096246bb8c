"""Needs: what people cannot do without, want or wish for."""

from typing import Literal

from pydantic import Field

from runner.answers.shape import Evidence, Strict


class Need(Strict):
    """What somebody wants to achieve."""

    need: str
    strength: Literal["must", "want", "wish", "implied"]
    reason: str | None = Field(description="The reason they give; null if none.")
    who: str | None
    evidence: list[Evidence]


class Fields(Strict):
    """Structured data of `needs`."""

    needs: list[Need] = Field(description="The strongest first.")
