"""Assumptions and fundamentals: their kinds, tests and verdicts."""

import re
from collections.abc import Sequence

from runner.providers.offline.argument.case import Case
from runner.providers.offline.argument.claims import Claim
from runner.providers.offline.argument.insights import who
from runner.providers.offline.argument.noun_phrases import matter
from runner.providers.offline.argument.relations import QUANTITY, credibility, opposed, relatedness
from runner.providers.offline.argument.wording import quoted
from runner.providers.offline.language import cues
from runner.providers.offline.language.fragments import is_whole, roughness
from runner.providers.offline.language.sentences import similarity
from runner.providers.offline.language.wording import capital, excerpt

_FUTURE = re.compile(r"\b(?:will|going to|gonna)\b|'ll\b", re.IGNORECASE)
_LIMIT = re.compile(
    r"\b(?:can't|cannot|can not|only|limit(?:s|ed)?|at most|no more than|deadline|budget|by law|"
    r"required|not allowed|maximum|minimum|capacity|until)\b",
    re.IGNORECASE,
)
_WANT = re.compile(r"\b(?:needs?|wants?|would like|wish(?:es)?|hopes?)\b", re.IGNORECASE)
_PAST_DUTY = re.compile(r"\bhad to\b|^(?:i would|what's|we (?:did|\w+ed))\b", re.IGNORECASE)
_OWN_REPORT = re.compile(
    r"^(?:i'm|i am|i have|i had|i was|i've|we're|we are|we have|we had|we did|we were|we've)\b"
    r"(?! (?:to|no doubt))",
    re.IGNORECASE,
)


def is_settled(claim: Claim) -> bool:
    """Return whether *claim* reports a figure or an event, or defines; no wish, guess or demand."""
    text = claim.text
    wished = cues.has("interest", text) or bool(_WANT.search(text))
    wished = wished or cues.strength("obligation", text) >= 0.6
    premises = claim.fields.get("premises", "")
    open_yet = cues.strength("conditional", claim.sentence) > 0.7 or "On condition" in premises
    open_yet = open_yet or cues.has("conjecture", text) or bool(_FUTURE.search(text))
    meant = cues.strength("commitment", text) >= 0.5 or cues.is_question(text)
    shown = QUANTITY.search(text) or cues.strength("evidence", text) >= 0.85
    observed = bool(shown) and credibility(claim) in ("high", "medium")
    given = claim.kind == "definition" or observed
    sure = claim.completeness >= 0.45 and is_whole(text) and bool(claim.evidence)
    return given and sure and not (wished or open_yet or meant)


def is_taken_for_granted(claim: Claim) -> bool:
    """Return whether *claim* is built on without being shown, other than a report of one's own."""
    text = claim.text
    report = _OWN_REPORT.match(text) or _PAST_DUTY.search(text) or cues.is_question(text)
    if claim.kind in ("implied", "condition"):
        return not report
    if report or not is_whole(text) or claim.completeness < 0.35 or roughness(text) > 0.2:
        return False
    if claim.kind in ("assumption", "premise", "unsupported", "rule"):
        return not cues.has("unsure", text) and cues.strength("commitment", text) < 0.5
    return cues.strength("assumption", text) >= 0.55


def why_irreducible(claim: Claim, case: Case) -> str:
    """Return why *claim* presupposes no other statement, and what others say on the matter."""
    about = matter(claim, case)
    if claim.kind == "definition":
        return f"It fixes what is meant by {about}; what is said of it later presupposes that."
    others = [c for c in case.claims if c is not claim and relatedness(claim, c, case) > 0.2]
    used = f"; {len(others)} other findings speak of the same matter" if len(others) > 1 else ""
    if quantity := QUANTITY.search(claim.text):
        figure = quantity[0].strip(" .,:")
        return f'"{figure}" can be checked against a record of {about}, not argued{used}.'
    name = who(claim, "the speaker")
    return (
        f"{capital(name)} reports {about} as it happened; no finding gives a ground for it{used}."
    )


def kind_of_assumption(claim: Claim) -> str:
    """Return constraint, convention or belief."""
    if _LIMIT.search(claim.text):
        return "constraint"
    if claim.kind == "rule" or cues.strength("obligation", claim.text) >= 0.6:
        return "convention"
    return "belief"


def challenge(claim: Claim) -> str:
    """Return a question that would test the assumption, by the way it is made."""
    said, name = quoted(claim, 130), who(claim, "the speaker")
    asserted = claim.fields.get("assertion", "")
    if claim.kind == "implied" and asserted:
        return f'Would "{excerpt(asserted, 110)}" still follow if it were not so that {said}?'
    if claim.kind == "condition":
        return f"How likely is it that {said} comes about, and who can see to it?"
    if kind_of_assumption(claim) == "constraint":
        return f"Who sets the limit in {said}, and what would it take to move it?"
    if kind_of_assumption(claim) == "convention":
        return f"What would be lost if nobody held to {said}?"
    if cues.strength("hedge", claim.text) >= 0.35:
        return f"What would {name} have to see to be certain that {said}?"
    if general := cues.strongest("general", claim.text):
        return f'Is there an exception to "{general.phrase}" in {said}?'
    return f"How does {name} know that {said}, and where could it be looked up?"


def rests_on_it(claim: Claim, case: Case) -> Claim | None:
    """Return the conclusion that the findings build on *claim*, if they record one."""
    own, name = claim.fields.get("id"), claim.fields.get("assertion", "")
    for other in case.of("conclusion", "assertion", "agreement", "position", "conjecture"):
        if other is claim or other.text == claim.text:
            continue
        drawn = own and own in other.fields.get("follows_from", "").split("; ")
        if drawn or (name and similarity(name, other.text) > 0.8):
            return other
    return None


def survives(claim: Claim, solid: Sequence[Claim], case: Case) -> str:
    """Judge by whether other findings contradict or carry it; a condition is still to come."""
    if claim.kind == "condition":
        return "untested"
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
