"""Decisions: what was settled, by whom, and on what conditions."""

from pydantic import Field

from analyzers.meeting_notes import Decision
from runner.answers.shape import Strict


class Fields(Strict):
    """Structured data of `decisions`."""

    decisions: list[Decision] = Field(description="In the order of their reach.")
