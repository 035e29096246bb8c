"""Themes: what findings of several transcripts say together."""

from typing import Any

from pydantic import Field

from runner.answers.shape import Strict

COLLECTION = "themes"  # how a stage of the collection asks it, and reads its replies


class Shared(Strict):
    """One theme."""

    title: str = Field(description="The theme in two to five words.")
    statement: str = Field(description="What its members say, in one sentence.")
    members: list[str] = Field(description="Ids of the material that say so.")
    against: list[str] = Field(description="Ids of the material that say the opposite.")
    reason: str = Field(description="Why these belong together, in one sentence.")


class Fields(Strict):
    """Structured data of `themes`."""

    themes: list[Shared] = Field(description="The themes with the most members first.")


def is_silent(fields: Any) -> bool:
    """Return whether there is no theme for an insight to be about."""
    return not fields.themes
