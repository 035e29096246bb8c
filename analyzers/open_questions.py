"""Open questions: what nobody answered, what was put off, what is not known."""

from pydantic import Field

from analyzers.meeting_notes import OpenQuestion
from runner.answers.shape import Strict


class Fields(Strict):
    """Structured data of `open_questions`."""

    open_questions: list[OpenQuestion] = Field(description="Those that hold up most first.")
