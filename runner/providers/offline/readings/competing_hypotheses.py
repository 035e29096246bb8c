"""Reading of competing_hypotheses: two opposed statements, and the evidence on them."""

from collections.abc import Sequence

from runner.providers.offline.dialogue.insights import who
from runner.providers.offline.document import Document
from runner.providers.offline.language.cues import strength
from runner.providers.offline.synthesis.cited import (
    Cited,
    chosen,
    cited_in,
    nothing,
    on,
    pairs,
    related,
)

_MAX_EVIDENCE = 8
_NEUTRAL = "No word is recognised that links it to this hypothesis."


def read(document: Document) -> dict[str, object]:
    """Set two statements, or one and its denial, against the quotes; pure and deterministic."""
    quotes = cited_in(document)
    recorded = pairs(document, quotes)
    stated = [c for c in quotes if c.is_stated] or quotes
    if not stated:
        return {"insights": nothing(document, [], "rival statements"), "structured_data": _EMPTY}
    sides: tuple[Cited, ...] = recorded[0][:2] if recorded else (stated[0],)
    near = related(sides[0], quotes, 2) + (related(sides[1], quotes, 2) if recorded else [])
    items = [*sides, *dict.fromkeys(c for c in near if c not in sides)][:_MAX_EVIDENCE]
    rows = [_ratings(item, sides) for item in items]
    rated = [
        item for item, row in zip(items, rows, strict=True) if {mark for mark, _ in row} > {"N"}
    ]
    data = {
        "question": _question(sides),
        "hypotheses": [
            {"id": f"H{n}", "statement": text} for n, text in enumerate(_hypotheses(sides), 1)
        ],
        "evidence": [
            _item(n, item, "high" if item in sides else "medium" if item in rated else "low")
            for n, item in enumerate(items, 1)
        ],
        "matrix": [
            {"evidence": f"E{n}", "hypothesis": f"H{m}", "consistency": mark, "reason": reason}
            for n, row in enumerate(rows, 1)
            for m, (mark, reason) in enumerate(row, 1)
        ],
        "milestones": [],
    }
    return {"insights": _insights(document, quotes, sides, rated), "structured_data": data}


_EMPTY = {
    "question": "No statement is recognised that hypotheses could be about.",
    "hypotheses": [
        {"id": "H1", "statement": "The talk has rival statements."},
        {"id": "H2", "statement": "It has none."},
    ],
    "evidence": [
        {
            "id": "E1",
            "text": "No finding with a quote reached this stage.",
            "source": "context",
            "kind": "absence",
            "credibility": "low",
            "relevance": "low",
            "evidence": [],
        }
    ],
    "matrix": [
        {"evidence": "E1", "hypothesis": h, "consistency": "N", "reason": _NEUTRAL}
        for h in ("H1", "H2")
    ],
    "milestones": [],
}


def _hypotheses(sides: Sequence[Cited]) -> list[str]:
    told = [
        f"It is as stated{' by' if side.sentence.speaker else ':'} {side.said}." for side in sides
    ]
    return told if len(told) > 1 else [*told, "It is not, or not entirely, as stated."]


def _question(sides: Sequence[Cited]) -> str:
    if len(sides) > 1:
        first, second = (who(side.sentence.speaker) for side in sides)
        return f"Which holds, what {first} says or what {second} replies?"
    return f"Does this hold? {sides[0].said}"


def _item(number: int, item: Cited, relevance: str) -> dict[str, object]:
    text = item.sentence.text
    is_sure = not (strength("hedge", text) or strength("unsure", text))
    is_credible = is_sure and strength("evidence", text) > 0.5
    return {
        "id": f"E{number}",
        "text": item.said,
        "source": item.sources[0],
        "kind": "statement",
        "credibility": "medium" if is_credible else "low",
        "relevance": relevance,
        "evidence": item.evidence,
    }


def _ratings(item: Cited, sides: Sequence[Cited]) -> list[tuple[str, str]]:
    """Rate *item* for each side and, of one side, for its denial."""
    marks = [_rating(item, side, sides) for side in sides]
    return marks if len(marks) > 1 else [*marks, ("N", _NEUTRAL)]


def _rating(item: Cited, side: Cited, sides: Sequence[Cited]) -> tuple[str, str]:
    if item is side:
        return "C", "It states the hypothesis."
    if item in sides:
        return "I", "An earlier analyzer sets the two against each other."
    shared = [f for f in item.under("arguments") if f in side.findings]
    if shared:
        return "C", f"{shared[0].analyzer} gives the two as one argument."
    against = [f for f in item.under("contradictions", "tensions") if f in side.findings]
    if against:
        return "I", f"{against[0].analyzer} sets the two against each other."
    return "N", _NEUTRAL


def _insights(
    document: Document, quotes: Sequence[Cited], sides: Sequence[Cited], rated: Sequence[Cited]
) -> list[dict[str, object]]:
    found = [] if len(sides) > 1 else nothing(document, quotes, "rival statements")
    for first, second, finding in pairs(document, quotes)[:4]:
        made = on(first, f"{first.said}, against {second.said}.", finding.key.rstrip("s"))
        found.append({**made, "evidence": first.evidence + second.evidence})
    rest = [c for c in quotes if len(sides) == 1 or c not in sides]
    for c in chosen(rest, 4, lambda c: c.is_stated):
        found.append(on(c, c.says(), "bears_on_it" if c in rated else "cited"))
    return found
