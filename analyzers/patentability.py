"""Patentability of ideas in the talk, and obstacles to it.

Criteria: eligible subject matter, novelty, inventive step, industrial application and sufficient
disclosure (35 U.S.C. 101, 102, 103, 112; European Patent Convention articles 52 to 57 and 83).
An analyst's screening, not legal advice.
"""

from typing import Literal

from pydantic import Field

from runner.answers.shape import Evidence, Point, Strict

VERBATIM = frozenset({"said"})

Verdict = Literal["met", "doubtful", "not_met", "unknown"]


class Criterion(Strict):
    """One requirement and how the talk bears on it."""

    name: Literal[
        "subject_matter", "novelty", "inventive_step", "industrial_application", "disclosure"
    ]
    verdict: Verdict
    reason: str
    said: str = Field("", description="The words that decide it, verbatim; empty without any.")


class Candidate(Strict):
    """A technical idea, or the nearest thing to one that was said."""

    title: str
    description: str
    technical: bool = Field(description="Whether it solves a technical problem by technical means.")
    criteria: list[Criterion] = Field(min_length=5, max_length=5)
    overall: Literal["promising", "needs_work", "unlikely", "not_an_invention"]
    evidence: list[Evidence]


class Risk(Strict):
    """Something said that weakens or forfeits protection."""

    kind: Literal["public_disclosure", "prior_art", "ownership", "obviousness", "timing"]
    text: str
    date: str | None = Field(
        description="When it was disclosed, in the words used; null if not said."
    )
    place: str | None = Field(description="Where and to whom it was disclosed; null if not said.")
    evidence: list[Evidence]


class Fields(Strict):
    """Structured data of `patentability`."""

    summary: str
    candidates: list[Candidate] = Field(description="Empty where nothing technical was said.")
    risks: list[Risk]
    next_steps: list[Point]


def is_silent(fields: Fields) -> bool:
    """Return whether nothing technical was found, so that insights would be about nothing."""
    return not any(candidate.technical for candidate in fields.candidates)
