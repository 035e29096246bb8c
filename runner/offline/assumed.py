"""What is taken for granted and what stands by itself: kinds, tests and verdicts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from runner.offline import cues
from runner.offline.argue import Case
from runner.offline.claims import Claim
from runner.offline.phrasing import brief, who
from runner.offline.weigh import QUANTITY, credibility, matter, opposed, relatedness

_FUTURE = re.compile(r"\b(?:will|going to|gonna)\b|'ll\b", re.IGNORECASE)
_LIMIT = re.compile(
    r"\b(?:can't|cannot|can not|only|limit(?:s|ed)?|at most|no more than|deadline|budget|by law|"
    r"required|not allowed|maximum|minimum|capacity|until)\b",
    re.IGNORECASE,
)


def is_settled(claim: Claim) -> bool:
    """Return whether *claim* reports or defines, without wish, demand, guess or condition."""
    text = claim.text
    wished = cues.has("interest", text) or cues.strength("obligation", text) >= 0.6
    premises = claim.fields.get("premises", "")
    open_yet = cues.strength("conditional", claim.sentence) > 0.7 or "On condition" in premises
    open_yet = open_yet or cues.has("conjecture", text) or bool(_FUTURE.search(text))
    meant = cues.strength("commitment", text) >= 0.5 or cues.is_question(text)
    given = claim.kind in ("fact", "definition", "premise")
    trust = ("high", "medium") if given else ("high",)
    sure = claim.standing >= 0.45 and credibility(claim) in trust and bool(claim.evidence)
    recorded = claim.kind == "fact" and credibility(claim) == "high" and not open_yet
    return recorded or (sure and not (wished or open_yet or meant))


def why_irreducible(claim: Claim, case: Case) -> str:
    """Say why *claim* needs nothing else said before it."""
    about = matter(claim, case)
    using = sum(relatedness(claim, c, case) > 0.2 for c in case.claims if c is not claim)
    used = f", and {using} other findings speak of the same" if using > 1 else ""
    if claim.kind == "definition":
        return f"It fixes what is meant by {about}{used}."
    if quantity := QUANTITY.search(claim.text):
        figure = quantity[0].strip(" .,:")
        return f'"{figure}" is a figure on {about}, to be read off and not argued for{used}.'
    if cues.strength("evidence", claim.text) >= 0.85:
        return f"{who(claim, 'The speaker')} reports what happened with {about}{used}."
    return f"No finding gives a ground for it or disputes it: it is where talk of {about} starts."


def kind_of_assumption(claim: Claim) -> str:
    """Return constraint, convention or belief."""
    if _LIMIT.search(claim.text):
        return "constraint"
    if claim.kind == "rule" or cues.strength("obligation", claim.text) >= 0.6:
        return "convention"
    return "belief"


def challenge(claim: Claim, case: Case) -> str:
    """Ask what would test the assumption, by how it is made."""
    about = matter(claim, case)
    asserted = claim.fields.get("assertion", "")
    if claim.kind == "implied" and asserted:
        return f'Would "{brief(asserted, 110)}" still follow if this were not so?'
    if kind_of_assumption(claim) == "constraint":
        return f"Who sets this limit on {about}, and what would it take to move it?"
    if kind_of_assumption(claim) == "convention":
        return f"What would go wrong with {about} if this were not done?"
    if general := cues.strongest("general", claim.text):
        return f'Is there a case of {about} in which "{general.phrase}" does not hold?'
    if cues.has("hedge", claim.text):
        return f"What would turn this guess about {about} into something known?"
    return f"What has been observed of {about} that would show it, and by whom?"


def survives(claim: Claim, solid: Sequence[Claim], case: Case) -> str:
    """Judge by whether other findings contradict or carry it."""
    others = [c for c in case.claims if c is not claim and c.evidence[:1] != claim.evidence[:1]]
    clashing = [c for c in others if opposed(c, claim, case)]
    if clashing:
        return "no" if any(credibility(c) == "high" for c in clashing) else "partly"
    carrying = [c for c in solid if c is not claim and relatedness(c, claim, case) >= 0.3]
    if not carrying:
        return "untested"
    # No observation can bear out a demand; it can only speak for it.
    demand = claim.kind == "rule" or cues.strength("obligation", claim.text) >= 0.6
    seen = any(credibility(c) == "high" for c in carrying)
    return "yes" if seen and not demand else "partly"
