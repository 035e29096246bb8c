"""Reading of first_principles: reports, assumptions and conclusions."""

import re

from runner.providers.offline.document import Document
from runner.providers.offline.language.cues import has, is_reported, strength
from runner.providers.offline.synthesis.cited import Cited, chosen, cited_in, framed, nothing, on

_WHY = "Its words report a figure or an observation, which can be checked."
_LIMIT = re.compile(r"\b(?:at most|no more than|deadline|budget|by law|maximum|minimum)\b", re.I)


def read(document: Document) -> dict[str, object]:
    """Sort the quotes by their cues; pure and deterministic."""
    quotes = cited_in(document)
    solid = chosen(quotes, 6, _is_reported)
    taken = chosen([c for c in quotes if c not in solid], 6, _is_assumed)
    found = [on(c, f"Reported, and open to a check: {c.said}.", "fundamental") for c in solid[:4]]
    found += [on(c, f"Assumed in so many words: {c.said}.", "assumption") for c in taken[:4]]
    return {
        "insights": found or [nothing(document, quotes, "reports or assumptions")],
        "structured_data": {
            "problem": (framed(document) or ["Not recognised."])[0],
            "assumptions": [_assumption(c) for c in taken],
            "fundamentals": [
                {"id": f"F{n}", "text": c.said, "why_irreducible": _WHY, "evidence": c.evidence}
                for n, c in enumerate(solid, 1)
            ],
            "reconstruction": [],
        },
    }


def _is_reported(c: Cited) -> bool:
    """Whether it has a figure or an observation, and no wish, plan, rule or guess."""
    text = c.sentence.text
    open_yet = any(
        has(kind, text) for kind in ("conditional", "conjecture", "interest", "proposal")
    )
    meant = strength("commitment", text) or strength("obligation", text) or has("hedge", text)
    return c.is_stated and is_reported(text) and not (open_yet or meant)


def _is_assumed(c: Cited) -> bool:
    """Whether its own words call it an assumption."""
    return c.is_stated and strength("assumption", c.sentence.text) > 0.8


def _assumption(c: Cited) -> dict[str, object]:
    text = c.sentence.text
    kind = "constraint" if _LIMIT.search(text) else "belief"
    return {
        "text": c.said,
        "kind": "convention" if strength("obligation", text) else kind,
        "challenge": "How is this known, and what would show that it does not hold?",
        "survives": "untested",
        "evidence": c.evidence,
    }
