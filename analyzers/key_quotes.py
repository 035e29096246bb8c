"""Key quotes: passages for a report, in the speakers' own words."""

from pydantic import Field

from runner.answers.shape import Evidence, Strict

VERBATIM = frozenset({"text"})


class Quote(Strict):
    """A passage that says what a paraphrase would lose."""

    text: str = Field(description="Copied word for word.")
    who: str | None
    why: str = Field(description="What it shows, in one sentence.")
    evidence: list[Evidence]


class Fields(Strict):
    """Structured data of `key_quotes`."""

    quotes: list[Quote] = Field(description="The most telling first.")
