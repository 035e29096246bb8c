"""Reading of determining_factors: causes, conditions and needs that speakers name."""

import re

from runner.providers.offline.dialogue.reasoning import NOT_A_CONDITION
from runner.providers.offline.dialogue.stance import necessity
from runner.providers.offline.document import Document
from runner.providers.offline.language.cues import has, strength
from runner.providers.offline.synthesis.cited import Cited, chosen, cited_in, framed, nothing, on

_NEEDED = re.compile(r"\b(?:only if|unless|depends? on|requires?|necessary)\b", re.IGNORECASE)
_NEEDS = ("must", "has", "have", "need", "needs")


def read(document: Document) -> dict[str, object]:
    """Choose the quotes with words of cause, condition or need; pure and deterministic."""
    quotes = cited_in(document)
    linked = chosen(
        quotes,
        7,
        lambda c: c.is_stated and _label(c) is not None,
    )
    found = [on(c, c.says(f"gives a {_label(c)}"), "factor") for c in linked]
    return {
        "insights": found or nothing(document, quotes, "causes or conditions"),
        "structured_data": {
            "outcome": (framed(document) or ["Not recognised."])[0],
            "factors": [_factor(n, c) for n, c in enumerate(linked, 1)] or [_UNKNOWN],
            "interactions": [],
            "leverage": [],
        },
    }


_UNKNOWN: dict[str, object] = {
    "id": "D1",
    "name": "no factor recognised",
    "direction": None,
    "strength": None,
    "role": None,
    "controllable": "unknown",
    "mechanism": "No cause, condition or need is recognised.",
    "counterfactual": "not recognised",
    "evidence": [],
}


def _label(c: Cited) -> str | None:
    """Return what the words of a quote make it, or None."""
    text = c.sentence.text
    if strength("conditional", text) > 0.8 and not NOT_A_CONDITION.search(text):
        return "condition"
    if strength("causal_back", text) or strength("causal_forward", text) > 0.8:
        return "reason"
    return "need" if necessity(c.sentence) in _NEEDS and not has("evasion", text) else None


def _factor(number: int, c: Cited) -> dict[str, object]:
    needed = _NEEDED.search(c.sentence.text) is not None
    return {
        "id": f"D{number}",
        "name": f"{_label(c)} {number}",
        "direction": None,
        "strength": None,
        "role": "necessary" if needed else None,
        "controllable": "unknown",
        "mechanism": c.said,
        "counterfactual": f"Said to be required: {c.said}." if needed else "not recognised",
        "evidence": c.evidence,
    }
