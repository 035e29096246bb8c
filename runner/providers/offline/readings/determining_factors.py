"""Reading of determining_factors: causes, conditions and needs that speakers name."""

import re

from runner.providers.offline.dialogue.reasoning import NOT_A_CONDITION
from runner.providers.offline.dialogue.stance import necessity
from runner.providers.offline.document import Document
from runner.providers.offline.language.cues import has, strength
from runner.providers.offline.synthesis.cited import Cited, chosen, cited_in, framed, nothing, on

_NEEDED = re.compile(r"\b(?:only if|unless|depends? on|requires?|necessary)\b", re.IGNORECASE)
_UNKNOWN = "No cause, condition or need is recognised."
_NEEDS = ("must", "has", "have", "need", "needs")


def read(document: Document) -> dict[str, object]:
    """Choose the quotes with words of cause, condition or need; pure and deterministic."""
    quotes = cited_in(document)
    linked = chosen(quotes, 7, lambda c: c.is_stated and _label(c))
    found = [on(c, c.says(f"gives a {_label(c)}"), "factor") for c in linked]
    factors = [
        _factor(
            n, f"{_label(c)} {n}", c.said, c.evidence, needed=bool(_NEEDED.search(c.sentence.text))
        )
        for n, c in enumerate(linked, 1)
    ]
    return {
        "insights": found or nothing(document, quotes, "causes or conditions"),
        "structured_data": {
            "outcome": (framed(document) or ["Not recognised."])[0],
            "factors": factors or [_factor(1, "no factor recognised", _UNKNOWN, [])],
            "interactions": [],
            "leverage": [],
        },
    }


def _label(c: Cited) -> str | None:
    """Return what the words of a quote make it, or None."""
    text = c.sentence.text
    if strength("conditional", text) > 0.8 and not NOT_A_CONDITION.search(text):
        return "condition"
    if strength("causal_back", text) or strength("causal_forward", text) > 0.8:
        return "reason"
    return "need" if necessity(c.sentence) in _NEEDS and not has("evasion", text) else None


def _factor(
    number: int, name: str, mechanism: str, evidence: list[dict[str, str]], *, needed: bool = False
) -> dict[str, object]:
    return {
        "id": f"D{number}",
        "name": name,
        "direction": "unclear",
        "strength": None,
        "role": "necessary" if needed else "unclear",
        "controllable": "unknown",
        "mechanism": mechanism,
        "counterfactual": f"Said to be required: {mechanism}." if needed else "not recognised",
        "evidence": evidence,
    }
