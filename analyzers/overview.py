"""Overview: a one-page summary for readers who have not read the transcript."""

from pydantic import Field

from runner.answers.shape import Evidence, Point, Strict


class KeyPoint(Strict):
    """One thing that a reader must know."""

    text: str
    evidence: list[Evidence]


class Person(Strict):
    """Somebody who speaks."""

    name: str
    part: str = Field(description="The part they play in the talk, in a few words.")
    evidence: list[Evidence]


class Fields(Strict):
    """Structured data of `overview`."""

    headline: str = Field(description="One line that could stand alone.")
    summary: str = Field(description="Three to six sentences.")
    key_points: list[KeyPoint] = Field(description="The weightiest first.")
    people: list[Person]
    open_points: list[Point]
