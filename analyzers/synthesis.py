"""Synthesis: what a collection says as a whole."""

from pydantic import Field

from runner.answers.shape import Strict

COLLECTION = "synthesis"


class Fields(Strict):
    """Structured data of `synthesis`."""

    text: str = Field(description="The answer in two to six paragraphs.")
    themes: list[str] = Field(description="Ids of the material that the text rests on.")
