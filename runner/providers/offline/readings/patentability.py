"""Reading of patentability: technical means that a speaker calls new."""

from runner.providers.offline.document import Document
from runner.providers.offline.language.cues import has
from runner.providers.offline.language.lexicon import pattern
from runner.providers.offline.language.scope import is_outright
from runner.providers.offline.language.sentences import key_terms
from runner.providers.offline.synthesis.cited import Cited, chosen, cited_in, nothing, on

_MEANS = pattern("patentability.means")
_NEW = pattern("patentability.new")
_UNKNOWN = ("unknown", "No words on it are recognised.", "")


def read(document: Document) -> dict[str, object]:
    """Quote what is called new; pure and deterministic."""
    quotes = cited_in(document)
    ideas = chosen(quotes, 3, _is_idea)
    found = [on(c, f"A technical idea that is called new: {c.said}.", "candidate") for c in ideas]
    told = " ".join(f"{c.said}." for c in ideas)
    return {
        "insights": found or nothing(document, quotes, "technical ideas that are called new"),
        "structured_data": {
            "summary": f"Called new: {told}"
            if ideas
            else "No technical idea that is called new is recognised.",
            "candidates": [_candidate(c) for c in ideas],
            "risks": [],
            "next_steps": [],
        },
    }


def _is_idea(c: Cited) -> bool:
    text = c.sentence.text
    new = _NEW.search(text)
    wish = any(has(kind, text) for kind in ("proposal", "conditional", "conjecture", "hedge"))
    called = new and _MEANS.search(text) and is_outright(text, new.start())
    return bool(called and c.is_stated and not wish)


def _candidate(c: Cited) -> dict[str, object]:
    said = c.sentence.text
    rows = {
        "subject_matter": ("unknown", "It names a technical means.", said),
        "novelty": ("unknown", "It is called new; whether it is was not examined.", said),
        "inventive_step": _UNKNOWN,
        "industrial_application": _UNKNOWN,
        "disclosure": _UNKNOWN,
    }
    keys = ("name", "verdict", "reason", "said")
    return {
        "title": " and ".join(key_terms([c.sentence], 2)) or "Idea",
        "description": c.said,
        "technical": True,
        "criteria": [dict(zip(keys, (name, *row), strict=True)) for name, row in rows.items()],
        "overall": "needs_work",
        "evidence": c.evidence,
    }
