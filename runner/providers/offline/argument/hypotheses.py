"""Hypotheses: claims that can be disputed, the question each answers, and its denial."""

from dataclasses import replace

from runner.providers.offline.argument.case import Case
from runner.providers.offline.argument.claims import Claim
from runner.providers.offline.argument.insights import who
from runner.providers.offline.argument.wording import negated, quoted, stated
from runner.providers.offline.language import cues

_PLAIN_CHARS = 120


def question_on(claim: Claim) -> str:
    """Ask whether *claim* holds or, where it is a demand, whether it is called for."""
    demand = cues.strength("obligation", claim.text) >= 0.6
    asked = "Is it called for" if demand else "Does it hold"
    if claim.kind == "agreement":
        return f"Is it right, as {who(claim)} and others agree: {quoted(claim)}?"
    return f"{asked}, as {who(claim)} says: {quoted(claim)}?"


def disputable(text: str) -> bool:
    """Return whether one could reasonably disagree: a judgement, a demand or a guess."""
    if cues.strength("commitment", text) >= 0.7:
        return False
    guessed = cues.strength("hedge", text) >= 0.5 or cues.has("conjecture", text)
    return guessed or bool(cues.polarity(text)) or cues.strength("obligation", text) >= 0.6


def _is_plain(claim: Claim) -> bool:
    """Return whether *claim* is one disputable statement and not a string of reports."""
    return disputable(claim.text) and ";" not in claim.text and len(claim.text) <= _PLAIN_CHARS


def denial(claim: Claim) -> Claim:
    """Return the denial of *claim*, whether or not a speaker made it."""
    return replace(claim, text=negated(claim.text), kind="denial", speaker=None)


def leading_claim(case: Case) -> Claim:
    """Return the weightiest statement that one could disagree with; *case* must have claims."""
    pool = case.of("conclusion", "conjecture", "assertion", "position", "rule") or case.claims
    # A stated intention is carried out or not; it is not true or false.
    claimed = [c for c in pool if not cues.has("commitment", c.text)]
    if not any(disputable(c.text) for c in claimed):
        claimed = [c for c in case.claims if _is_plain(c)] or claimed
    return max(claimed or pool, key=lambda c: (disputable(c.text), c.importance))


def hypothesis(claim: Claim) -> str:
    """Return *claim* as a hypothesis in one sentence, with its holder."""
    if claim.kind == "conditional":
        return f"Only on a condition that {who(claim)} sets: {quoted(claim, 170)}."
    held = f" ({who(claim)})" if claim.kind not in ("open", "course", "denial") else ""
    if claim.kind == "denial" and claim.speaker:
        held = f" (so {claim.speaker})"
    return f"{stated(claim).rstrip('.?')}{held}."
