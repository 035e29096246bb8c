"""Where people mean something else than they say, and what they leave unsaid.

After H. P. Grice, "Logic and Conversation" (1975): a listener infers an implicature where an
utterance flouts quantity, quality, relation or manner.
"""

from typing import Literal

from pydantic import Field

from runner.answers.shape import Evidence, Strict

VERBATIM = frozenset({"said"})

Signal = Literal[
    "hedge",
    "indirect_request",
    "understatement",
    "euphemism",
    "deflection",
    "contrast",
    "irony",
    "rhetorical_question",
    "emphasis",
]


class Gap(Strict):
    """A distance between the words and the message."""

    speaker: str | None
    said: str = Field(description="The words used, verbatim.")
    meant: str = Field(description="What the speaker most plausibly conveys.")
    rival: str = Field(description="Another reading that is as serious, or 'none'.")
    signal: Signal
    confidence: float = Field(ge=0, le=1)
    evidence: list[Evidence]


class Commitment(Strict):
    """Something a speaker undertakes, and how firmly."""

    speaker: str | None
    text: str
    strength: Literal["firm", "conditional", "vague"]
    evidence: list[Evidence]


class Unsaid(Strict):
    """A question raised and left without an answer, or a topic avoided."""

    topic: str
    why_it_matters: str
    evidence: list[Evidence]


class Fields(Strict):
    """Structured data of `say_means`."""

    gaps: list[Gap]
    commitments: list[Commitment]
    unsaid: list[Unsaid]
