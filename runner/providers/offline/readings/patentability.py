"""Reading of patentability: technical means that a speaker calls new, and words of disclosure."""

import re
from collections.abc import Sequence

from runner.providers.offline.document import Document
from runner.providers.offline.language.cues import has
from runner.providers.offline.language.scope import is_outright
from runner.providers.offline.language.sentences import key_terms
from runner.providers.offline.language.wording import point
from runner.providers.offline.synthesis.cited import Cited, chosen, cited_in, nothing, on, related

_MEANS = re.compile(
    r"\b(?:algorithm|apparatus|circuit|compound|device|engine|filter|hardware|machine|material|"
    r"mechanism|membranes?|method|process|prototype|pump|sensor|software|technique|valve)s?\b",
    re.IGNORECASE,
)
_NEW = re.compile(
    r"\b(?:patent\w*|invent(?:ed|ion)|novel(?:ty)?|(?:nobody|no one|none) else (?:does|has|uses|"
    r"makes|did)|never been done|first (?:of its kind|in the world|ever))\b",
    re.IGNORECASE,
)
_SHOWN = re.compile(
    r"\b(?:i|we|they) (?:have |had |already )*(?:showed|shown|published|presented|posted|"
    r"disclosed|demonstrated)\b[^.?!]*\b(?:poster|paper|conference|journal|public|fair|online|"
    r"blog|website|talk)\b",
    re.IGNORECASE,
)
_CRITERIA = ("subject_matter", "novelty", "inventive_step", "industrial_application", "disclosure")


def read(document: Document) -> dict[str, object]:
    """Quote what is called new and what was shown; pure and deterministic."""
    quotes = cited_in(document)
    ideas = chosen(quotes, 3, _is_idea)
    shown = chosen(quotes, 3, lambda c: c.is_stated and _says(_SHOWN, c) and _on(c, ideas))
    found = [on(c, f"A technical idea that is called new: {c.said}.", "candidate") for c in ideas]
    found += [
        on(c, f"It may have been shown before: {c.said}.", "public_disclosure") for c in shown
    ]
    text = "Whether that was public, and when, decides on novelty."
    return {
        "insights": found or [nothing(document, quotes, "technical ideas that are called new")],
        "structured_data": {
            "summary": f"{len(ideas)} technical ideas are called new."
            if len(ideas) > 1
            else f"One technical idea is called new, by {ideas[0].said}."
            if ideas
            else "No technical idea that is called new is recognised.",
            "candidates": [_candidate(c, shown) for c in ideas],
            "risks": [
                {
                    "kind": "public_disclosure",
                    "text": f"{c.said}. {text}",
                    "date": None,
                    "place": None,
                    "evidence": c.evidence,
                }
                for c in shown
            ],
            "next_steps": [
                point("Ask a patent attorney for a search.", c.evidence) for c in ideas[:1]
            ],
        },
    }


def _says(pattern: re.Pattern[str], c: Cited) -> bool:
    match = pattern.search(c.sentence.text)
    return bool(match and is_outright(c.sentence.text, match.start()))


def _is_idea(c: Cited) -> bool:
    text = c.sentence.text
    wish = any(has(k, text) for k in ("proposal", "conditional", "conjecture", "interest", "hedge"))
    return c.is_stated and not wish and bool(_MEANS.search(text)) and _says(_NEW, c)


def _on(c: Cited, ideas: Sequence[Cited]) -> bool:
    return any(c in related(idea, [c], 1) for idea in ideas)


def _candidate(c: Cited, shown: Sequence[Cited]) -> dict[str, object]:
    unknown = "No words on it are recognised."
    criteria = [{"name": name, "verdict": "unknown", "reason": unknown} for name in _CRITERIA]
    if shown:
        criteria[1] |= {"verdict": "doubtful", "reason": f"{shown[0].said}."}
    return {
        "title": " and ".join(key_terms([c.sentence], 2)) or "Idea",
        "description": c.said,
        "technical": True,
        "criteria": criteria,
        "overall": "needs_work",
        "evidence": c.evidence,
    }
