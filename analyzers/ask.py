"""One question of the user's, and whether the transcript answers it."""

from typing import Literal

from pydantic import Field

from runner.answers.shape import Evidence, Strict


class Fields(Strict):
    """Structured data of `ask`."""

    answered: Literal["yes", "partly", "no"]
    answer: str | None = Field(description="One to four sentences; null where answered is no.")
    quotes: list[Evidence] = Field(description="The most important first; empty for no.")
