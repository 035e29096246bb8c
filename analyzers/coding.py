"""Codes of a codebook, applied to the segments of a transcript."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field, create_model

from runner.answers.shape import Evidence, Strict

ADDS_UP = True


class Coding(Strict):
    """A code, why it applies, and the words that it applies to."""

    code: str = Field(description="The name of the code as the codebook writes it.")
    reason: str = Field(min_length=1, description="Why it applies, in one sentence.")
    evidence: list[Evidence] = Field(min_length=1, description="The words it applies to.")


class Fields(Strict):
    """Structured data of `coding`."""

    codings: list[Coding] = Field(
        description="In the transcript's order; empty if no code applies."
    )


def fields_of(codes: Sequence[str]) -> type[Fields]:
    """Return Fields whose codings have no other than these *codes*."""
    listed: Any = Literal[tuple(codes)]
    coding = create_model("Coding", __base__=Coding, code=(listed, ...))
    described = Field(description=Fields.model_fields["codings"].description)
    return create_model("Fields", __base__=Fields, codings=(list[coding], described))


def is_silent(fields: Fields) -> bool:
    """Return whether no code applies."""
    return not fields.codings
