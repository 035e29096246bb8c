"""Reading of determining_factors: causes, conditions and needs that speakers name."""

import re

from runner.providers.offline.document import Document
from runner.providers.offline.language.cues import has, strength
from runner.providers.offline.synthesis.cited import Cited, chosen, cited_in, nothing, on

_NEEDED = re.compile(r"\b(?:only if|unless|depends? on|requires?|necessary)\b", re.IGNORECASE)
_KINDS = ("causal_back", "causal_forward", "conditional", "obligation")


def read(document: Document) -> dict[str, object]:
    """Choose the quotes with words of cause, condition or need; pure and deterministic."""
    quotes = cited_in(document)
    linked = chosen(
        quotes,
        7,
        lambda c: c.is_stated and any(strength(k, c.sentence.text) > 0.65 for k in _KINDS),
    )
    topics = [
        f.text
        for f in document.findings
        if f.key == "topic" and f.text and not f.text.startswith("Frequent terms")
    ]
    found = [on(c, f"As a {_label(c)}, {c.said}.", "factor") for c in linked]
    return {
        "insights": found or [nothing(document, quotes, "causes or conditions")],
        "structured_data": {
            "outcome": (topics or ["Not recognised."])[0],
            "factors": [_factor(n, c) for n, c in enumerate(linked, 1)] or [_UNKNOWN],
            "interactions": [],
            "leverage": [],
        },
    }


_UNKNOWN: dict[str, object] = {
    "id": "D1",
    "name": "no factor recognised",
    "direction": "depends",
    "strength": None,
    "role": "contributing",
    "controllable": "unknown",
    "mechanism": "No finding with a quote reached this stage.",
    "counterfactual": "none",
    "evidence": [],
}


def _label(c: Cited) -> str:
    """Return the words that make a quote a factor."""
    text = c.sentence.text
    if has("conditional", text):
        return "condition"
    return "reason" if has("causal_back", text) or has("causal_forward", text) else "need"


def _factor(number: int, c: Cited) -> dict[str, object]:
    needed = _NEEDED.search(c.sentence.text) is not None
    return {
        "id": f"D{number}",
        "name": f"{_label(c)} {number}",
        "direction": "depends",
        "strength": None,
        "role": "necessary" if needed else "contributing",
        "controllable": "unknown",
        "mechanism": c.said,
        "counterfactual": f"Said to be required: {c.said}." if needed else "none",
        "evidence": c.evidence,
    }
