"""Reading of determining_factors: what speakers name as a cause, a condition or a need."""

import re
from collections.abc import Sequence
from itertools import combinations

from runner.providers.offline.document import Document
from runner.providers.offline.language.cues import has, polarity, strength
from runner.providers.offline.language.sentences import key_terms, trim
from runner.providers.offline.language.wording import point
from runner.providers.offline.synthesis.cited import Cited, chosen, cited_in, nothing, on, related

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
    named: dict[str, Cited] = {}
    for c in linked or chosen(quotes, 3):
        named.setdefault(_name(c), c)
    topics = [f.text for f in document.findings if f.key == "topic" and f.text]
    ids = {id(c): f"D{n}" for n, c in enumerate(named.values(), 1)}
    found = [on(c, f"{_label(c)}, {c.said}.", f"factor_{_direction(c)}") for c in linked]
    return {
        "insights": found or [nothing(document, quotes, "causes or conditions")],
        "structured_data": {
            "outcome": (topics or ["Not recognised."])[0],
            "factors": [_factor(ids[id(c)], name, c) for name, c in named.items()] or [_UNKNOWN],
            "interactions": _together(list(named.values()), ids),
            "leverage": [
                point(f"{c.said}.", c.evidence)
                for c in named.values()
                if strength("commitment", c.sentence.text)
            ],
        },
    }


_UNKNOWN = {
    "id": "D1",
    "name": "no factor recognised",
    "direction": "depends",
    "strength": 1,
    "role": "contributing",
    "controllable": "partly",
    "mechanism": "No finding with a quote reached this stage.",
    "counterfactual": "none",
    "evidence": [],
}


def _label(c: Cited) -> str:
    """Return by which of its words a quote is taken for a factor."""
    text = c.sentence.text
    if has("conditional", text):
        return "As a condition"
    return "As a reason" if has("causal_back", text) or has("causal_forward", text) else "As a need"


def _name(c: Cited) -> str:
    """Return two to five words of the quote."""
    terms = key_terms([c.sentence], 2)
    if len(terms) < 2:
        return " ".join((trim(c.sentence.text).split() * 2)[:4])
    return " and ".join(terms)


def _direction(c: Cited) -> str:
    """Return a direction only where the words are plainly good or bad news."""
    text = c.sentence.text
    unclear = any(has(k, text) for k in ("conditional", "negation", "hedge", "conjecture"))
    return "depends" if unclear else {1: "drives", -1: "restrains", 0: "depends"}[polarity(text)]


def _factor(key: str, name: str, c: Cited) -> dict[str, object]:
    needed = _NEEDED.search(c.sentence.text) is not None
    return {
        "id": key,
        "name": name,
        "direction": _direction(c),
        "strength": min(5, 1 + len(c.sources)),
        "role": "necessary" if needed else "contributing",
        "controllable": "partly",
        "mechanism": c.said,
        "counterfactual": f"Said to be required: {c.said}." if needed else "none",
        "evidence": c.evidence,
    }


def _together(factors: Sequence[Cited], ids: dict[int, str]) -> list[dict[str, object]]:
    """Return the pairs that share most words; how they act on each other is not recognised."""
    near = [(a, b) for a, b in combinations(factors, 2) if b in related(a, factors, 3)]
    effect = "Both speak of the same matter; which acts on which is not recognised."
    return [
        {
            "factors": [ids[id(a)], ids[id(b)]],
            "effect": effect,
            "evidence": a.evidence + b.evidence,
        }
        for a, b in near[:3]
    ]
