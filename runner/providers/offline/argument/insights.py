"""Insights of a case: text with the citations of the claims that it rests on."""

from collections.abc import Iterable

from runner.providers.offline.argument.case import Case
from runner.providers.offline.argument.claims import Claim
from runner.providers.offline.language.wording import evidence, insight_of, listed

_MAX_CITATIONS = 3  # per insight


def who(claim: Claim, default: str = "a speaker") -> str:
    """Return the speaker's name, or *default*."""
    return claim.speaker or default


def cited(claims: Iterable[Claim], n: int = _MAX_CITATIONS) -> list[dict[str, str]]:
    """Return up to *n* citations as evidence, at most two of each claim, each once."""
    return evidence(citation for c in claims for citation in c.evidence[:2])[:n]


def insight(text: str, confidence: float, category: str, *claims: Claim) -> dict[str, object]:
    """Return one insight as plain data, citing *claims*."""
    return insight_of(text, confidence, category, cited(claims))


def nothing_found(case: Case, sought: str) -> dict[str, object]:
    """Return the insight of an analyzer that was given no usable finding."""
    absent = f" ({listed(case.missing)} gave nothing)" if case.missing else ""
    text = (
        f"The context holds no finding{absent} that could be read for {sought}; "
        "nothing is concluded from it."
    )
    return insight(text, 0.1, "no_findings")
