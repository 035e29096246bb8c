"""Reading of patentability: technical means that a speaker calls new, and words of disclosure."""

import re
from collections.abc import Sequence

from runner.providers.offline.document import Document
from runner.providers.offline.language.cues import has
from runner.providers.offline.language.lexicon import pattern
from runner.providers.offline.language.scope import is_outright
from runner.providers.offline.language.sentences import key_terms
from runner.providers.offline.synthesis.cited import Cited, chosen, cited_in, nothing, on, related

_MEANS = pattern("patentability.means")
_NEW = pattern("patentability.new")
_SHOWN = pattern("patentability.shown")
_WHEN = pattern("patentability.when")
_WHERE = re.compile(
    r"\b(?:at|in|on|to) (?:the |a |our |an )?(?:\w+ ){0,2}(?:conference|journal|poster|paper|"
    r"fair|blog|website|customers?|public|press|exhibition|workshop)\b(?: in [A-Z]\w+)?",
)


def read(document: Document) -> dict[str, object]:
    """Quote what is called new and what was shown; pure and deterministic."""
    quotes = cited_in(document)
    ideas = chosen(quotes, 3, _is_idea)
    shown = chosen(quotes, 3, lambda c: c.is_stated and _says(_SHOWN, c) and _on(c, ideas))
    found = [on(c, f"A technical idea that is called new: {c.said}.", "candidate") for c in ideas]
    found += [
        on(c, f"It may have been shown before: {c.said}.", "public_disclosure") for c in shown
    ]
    summary = "No technical idea that is called new is recognised."
    if ideas:
        told = "One technical idea is" if len(ideas) == 1 else f"{len(ideas)} technical ideas are"
        summary = f"{told} called new: {' '.join(f'{c.said}.' for c in ideas)}"
    return {
        "insights": found or [nothing(document, quotes, "technical ideas that are called new")],
        "structured_data": {
            "summary": summary,
            "candidates": [_candidate(c, shown) for c in ideas],
            "risks": [_disclosed(c) for c in shown],
            "next_steps": [
                {"text": "Ask a patent attorney for a search.", "evidence": c.evidence}
                for c in ideas[:1]
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


def _disclosed(c: Cited) -> dict[str, object]:
    when, where = (pattern.search(c.sentence.text) for pattern in (_WHEN, _WHERE))
    return {
        "kind": "public_disclosure",
        "text": f"{c.said}. Whether that was public, and when, decides on novelty.",
        "date": when[0] if when else None,
        "place": where[0] if where else None,
        "evidence": c.evidence,
    }


def _candidate(c: Cited, shown: Sequence[Cited]) -> dict[str, object]:
    said = c.sentence.text
    rows = {
        "subject_matter": ("unknown", "It names a technical means.", said),
        "novelty": ("unknown", "It is called new; whether it is was not examined.", said),
        "inventive_step": _UNKNOWN,
        "industrial_application": _UNKNOWN,
        "disclosure": _UNKNOWN,
    }
    if shown:
        rows["novelty"] = ("doubtful", f"{shown[0].said}.", shown[0].sentence.text)
    keys = ("name", "verdict", "reason", "said")
    return {
        "title": " and ".join(key_terms([c.sentence], 2)) or "Idea",
        "description": c.said,
        "technical": True,
        "criteria": [dict(zip(keys, (name, *row), strict=True)) for name, row in rows.items()],
        "overall": "needs_work",
        "evidence": c.evidence,
    }


_UNKNOWN = ("unknown", "No words on it are recognised.", "")
