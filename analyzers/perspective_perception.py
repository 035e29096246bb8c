"""Who sees the matter how: positions, the interests behind them, and views of one another.

After R. Fisher and W. Ury, "Getting to Yes" (1981): separate positions from interests.
"""

from typing import Literal

from pydantic import Field

from runner.answers.shape import Evidence, Strict


class Perspective(Strict):
    """One participant's view."""

    holder: str
    position: str = Field(description="What they hold, in one sentence.")
    stance: Literal["supports", "opposes", "mixed", "neutral", "unclear"] = Field(
        description="Toward the main topic."
    )
    evidence: list[Evidence]


class Interest(Strict):
    """A need or fear that explains somebody's position."""

    holder: str
    text: str
    evidence: list[Evidence]


class Perception(Strict):
    """How one participant sees another, or a group, or an institution."""

    holder: str
    of: str
    perception: str
    evidence: list[Evidence]


class Tension(Strict):
    """A point on which views pull apart."""

    between: list[str]
    about: str
    evidence: list[Evidence]


class SharedGround(Strict):
    """Something that several participants accept."""

    holders: list[str]
    text: str
    evidence: list[Evidence]


class Fields(Strict):
    """Structured data of `perspective_perception`."""

    topic: str = Field(description="The matter the stances are toward.")
    perspectives: list[Perspective]
    interests: list[Interest]
    perceptions: list[Perception]
    tensions: list[Tension]
    shared_ground: list[SharedGround]
