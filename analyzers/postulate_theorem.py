"""What speakers take as given without proof, and what they conclude from it.

After Euclid's and Hilbert's axiomatic method, used on talk: postulates, theorems, open conjectures.
"""

from typing import Literal

from pydantic import Field

from runner.answers.shape import Evidence, Strict


class Postulate(Strict):
    """A statement the speakers build on without proving it."""

    id: str = Field(description="P1, P2, …")
    statement: str
    kind: Literal["fact", "assumption", "definition", "rule"]
    speaker: str | None
    evidence: list[Evidence]


class Theorem(Strict):
    """A conclusion drawn from postulates."""

    id: str = Field(description="T1, T2, …")
    statement: str
    follows_from: list[str] = Field(description="Ids of the postulates it rests on.")
    inference: Literal["deductive", "causal", "inductive", "analogical", "conditional"]
    gap: str = Field(description="What would still have to be shown, or 'none'.")
    evidence: list[Evidence]


class Conjecture(Strict):
    """A claim put forward as possible, not yet argued for."""

    statement: str
    test: str = Field(description="An observation that would decide it.")
    evidence: list[Evidence]


class Fields(Strict):
    """Structured data of `postulate_theorem`."""

    postulates: list[Postulate]
    theorems: list[Theorem]
    conjectures: list[Conjecture]
