"""How claims are put into words: trimmed, quoted, cited and made into insights."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from runner.offline import cues
from runner.offline.argue import Case
from runner.offline.claims import Claim
from runner.offline.wording import excerpt, tidy

MAX_CITATIONS = 3  # per insight
BRIEF_CHARS = 150
_ATTITUDE = re.compile(
    r"^(?:(?:thus|therefore|hence|indeed|certainly|again)|(?:i|we) (?:(?:just|really|also|do|"
    r"would|still|strongly|generally) )?(?:think|believe|"
    r"guess|suppose|feel(?: like)?|say|know|assume|imagine|suspect)(?: that)?|in my (?:opinion|"
    r"view)"
    r"|the (?:\w+ )?(?:position|point|fact|truth|thing) (?:here )?is(?: that)?)[\s,]+(?=\S+ \S)",
    re.IGNORECASE,
)
_REPAIR = re.compile(r"^.{10,}[–—-]\s+actually,?\s+(?=\S+ \S+ \S)")
_CALL = re.compile(r"^(?:[A-Z][\w ]{1,24}, )?this is [\w ]{1,20}, (?=\S+ \S)", re.IGNORECASE)
_TAG = re.compile(
    r",? (?:i guess|i think|i suppose|i believe|or something|and stuff)$", re.IGNORECASE
)
_FALSE_START = re.compile(
    r"^(it|this|that|they|we|you|he|she|i)\b(?! (?:is|are|was|were|has|have|had|will)\b)"
    r"[^,.;]{0,60}, (?=\1\b)",
    re.IGNORECASE,
)
_HEDGED_BE = re.compile(
    r"^(it|this|that)\s+(?:could|might|may)(?:\s+(?:also|simply|just|well|very well|"
    r"possibly))*\s+be\b",
    re.IGNORECASE,
)


def brief(text: str, limit: int = BRIEF_CHARS) -> str:
    """Return *text* in at most *limit* characters, cut at a clause if it must be, and marked."""
    return excerpt(text, limit)


def quoted(claim: Claim, limit: int = BRIEF_CHARS) -> str:
    """Return the statement in quotation marks, its own double marks made single."""
    inner = re.sub(r"[“”\"]|``|''", "'", claim.text)
    return f'"{brief(inner, limit)}"'


def capital(text: str) -> str:
    """Return *text* with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def stated(claim: Claim, limit: int = 200) -> str:
    """Return the claim as a plain statement, without "I think" and "could" before "be"."""
    return capital(_HEDGED_BE.sub(r"\1 is", brief(proposition(claim.text), limit)))


def proposition(text: str) -> str:
    """Return *text* without the doubt, the attitude or the false start that it opens with.

    "I believe that it works" becomes "it works", "it for us, it has to work" "it has to work".
    """
    before, but, after = text.partition(" but ")
    if but and cues.has("unsure", before) and len(after) > 20:
        text = after
    for _ in range(2):  # "I think the point is that …"
        text = _ATTITUDE.sub("", text, count=1)
    text = _CALL.sub("", text, count=1)
    text = _REPAIR.sub("", _FALSE_START.sub("", text, count=1))
    return _TAG.sub("", text)


def who(claim: Claim, default: str = "a speaker") -> str:
    """Return the speaker's name, or *default*."""
    return claim.speaker or default


def listed(items: Sequence[str], joint: str = "and") -> str:
    """Return "a", "a and b" or "a, b and c"."""
    return f" {joint} ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def cited(claims: Iterable[Claim], n: int = MAX_CITATIONS) -> list[dict[str, str]]:
    """Return the first citation of each claim as evidence, unchanged, without repeats."""
    rows = list(dict.fromkeys(citation for c in claims for citation in c.evidence[:2]))
    return [{"segment": segment, "quote": quote} for segment, quote in rows[:n]]


def insight(text: str, confidence: float, category: str, *claims: Claim) -> dict[str, object]:
    """Return one insight in the answer's form; *confidence* is clipped to 0.05 to 0.95."""
    bounded = round(min(0.95, max(0.05, confidence)), 2)
    return {
        "text": tidy(text),
        "confidence": bounded,
        "category": category,
        "evidence": cited(claims),
    }


def nothing_found(case: Case, looked_for: str) -> dict[str, object]:
    """Return the insight of an analyzer that was given no usable finding."""
    absent = f" ({listed(case.missing)} gave nothing)" if case.missing else ""
    return insight(
        f"The context holds no finding{absent} that could be read for {looked_for}; "
        "nothing is concluded from it.",
        0.1,
        "no_findings",
    )
