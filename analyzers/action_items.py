"""Action items: who is to do what, and by when."""

from pydantic import Field

from analyzers.meeting_notes import ActionItem
from runner.answers.shape import Strict


class Fields(Strict):
    """Structured data of `action_items`."""

    action_items: list[ActionItem] = Field(description="The most urgent first.")
