"""Relations of claims: shared terms, opposition, grounds, and the credibility of each."""

import math
import re
from typing import Literal

from runner.providers.offline.argument.case import Case
from runner.providers.offline.argument.claims import Claim
from runner.providers.offline.language import cues
from runner.providers.offline.language.sentences import content_words, similarity, stem, words
from runner.providers.offline.language.wording import listed

QUANTITY = re.compile(
    r"[$€£]\s?\d[\d.,]*(?: (?:thousand|million|billion|trillion))?|"
    r"\b(?:\d[\d.,]*|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|"
    r"forty|fifty|hundred|thousand|half)(?:[- ](?:\w+[- ])?)?(?:%|per ?cent|times|seconds?|"
    r"minutes?|"
    r"hours?|days?|weeks?|months?|years?|miles?|feet|inch(?:es)?|met(?:re|er)s?|degrees?|amps?|"
    r"volts?|"
    r"euros?|dollars?|pounds?|million|billion|trillion|cpus?|gpus?|people|users|banks|units|"
    r"cases)\b",
    re.IGNORECASE,
)
Credibility = Literal["high", "medium", "low"]


def shared_terms(a: Claim, b: Claim, case: Case) -> list[str]:
    """Return the words that both claims use, as *a* writes them, weightiest first."""
    both = a.terms & set(content_words(b.spoken)) | b.terms & set(content_words(a.spoken))
    shown = {stem(w): w for c in (b, a) for w in words(c.spoken) if stem(w) in both}
    ordered = sorted(shown, key=lambda term: (-case.weights.get(term, 0.0), term))
    return [shown[term] for term in ordered]


def relatedness(a: Claim, b: Claim, case: Case) -> float:
    """Return the cosine of the weighted terms of two claims, 0 to 1."""
    left, right = a.terms, b.terms
    dot = sum(case.weights.get(term, 0.0) ** 2 for term in left & right)
    norm = math.prod(sum(case.weights.get(t, 0.0) ** 2 for t in side) for side in (left, right))
    return dot / math.sqrt(norm) if norm > 0 else 0.0


def denies(claim: Claim) -> bool:
    """Return whether the statement is put in the negative."""
    return negative(claim.text)


def negative(text: str) -> bool:
    """Return whether *text* is negated; two negations cancel."""
    return len(cues.hits("negation", text)) % 2 == 1


def opposed(a: Claim, b: Claim, case: Case) -> str:
    """Return in words how two claims on the same matter oppose each other, or "".

    Both must share half of the shorter one's terms; what is only conditional opposes nothing.
    """
    shared = a.terms & b.terms
    if len(shared) < 3 or len(shared) < 0.5 * min(len(a.terms), len(b.terms)):
        return ""
    if any(cues.strength("conditional", c.text) > 0.7 or cues.is_question(c.text) for c in (a, b)):
        return ""
    on = listed(shared_terms(a, b, case)[:2])
    if denies(a) != denies(b):
        verbs = ("denies", "affirms") if denies(a) else ("affirms", "denies")
        return f"it {verbs[0]} about {on} what the other {verbs[1]}"
    left, right = cues.polarity(a.text), cues.polarity(b.text)
    if left * right < 0:
        lights = ("good", "bad") if left > 0 else ("bad", "good")
        return f"it shows {on} in a {lights[0]} light, the other in a {lights[1]} one"
    return ""


def grounds(premise: Claim, conclusion: Claim) -> bool:
    """Return whether the findings record *premise* as a ground for *conclusion*."""
    asserted = premise.fields.get("assertion", "")
    if premise.kind not in ("premise", "condition", "fact", "rule") or not asserted:
        return False
    same_sign = negative(asserted) == negative(conclusion.text)
    alike = same_sign and similarity(asserted, conclusion.text) > 0.7
    return alike and premise.text != conclusion.text


def credibility(claim: Claim) -> Credibility:
    """Judge by the kind of source: observation high, reasoning medium, opinion or hedge low."""
    hedged = max(cues.strength("hedge", claim.text), cues.strength("own_knowledge", claim.text))
    if (
        hedged >= 0.55
        or cues.has("unsure", claim.text)
        or claim.kind in ("conjecture", "gap", "perception", "implied")
    ):
        return "low"
    strong = cues.strength("evidence", claim.text)
    observed = strong >= 0.85 or (strong >= 0.6 and bool(QUANTITY.search(claim.text)))
    if observed and claim.evidence and not hedged:
        return "high"
    return "medium" if claim.kind not in ("unsupported", "said") or observed else "low"
