"""Reading of first_principles: reports of figures and observations."""

from runner.providers.offline.document import Document
from runner.providers.offline.language.cues import has, is_reported, strength
from runner.providers.offline.synthesis.cited import Cited, chosen, cited_in, framed, nothing, on

_WHY = "Its words report a figure or an observation, which can be checked."


def read(document: Document) -> dict[str, object]:
    """Choose the quotes that report; pure and deterministic."""
    quotes = cited_in(document)
    solid = chosen(quotes, 6, _is_reported)
    found = [on(c, c.says("reports what can be checked"), "fundamental") for c in solid[:4]]
    return {
        "insights": found or nothing(document, quotes, "reports of figures or observations"),
        "structured_data": {
            "problem": (framed(document) or ["Not recognised."])[0],
            "assumptions": [],
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
    open_yet = any(has(kind, text) for kind in ("conditional", "conjecture", "proposal"))
    meant = strength("commitment", text) or strength("obligation", text) or has("hedge", text)
    return c.is_stated and is_reported(text) and not (open_yet or meant)
