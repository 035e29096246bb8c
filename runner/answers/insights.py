"""All analyzers' insights in one list, with those that say the same put together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rapidfuzz import fuzz

from runner.answers.markdown import cite, md
from runner.base.tables import as_rows

SAME_TEXT = 90.0  # of 100: two texts this alike say the same
SAME_WITH_QUOTE = 75.0  # enough where they also rest on the same quote
COLUMNS = ("text", "confidence", "category", "analyzers", "segments", "quotes", "match")


@dataclass(slots=True)
class Found:
    """One insight; *analyzers* all those that had it, the most confident first."""

    text: str
    confidence: float
    category: str
    analyzers: list[str]
    evidence: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the insight as insights.json holds it."""
        return {
            "text": self.text,
            "confidence": self.confidence,
            "category": self.category,
            "analyzers": self.analyzers,
            "evidence": self.evidence,
        }


def aggregate(answers: Mapping[str, Mapping[str, Any]]) -> list[Found]:
    """Return the insights of *answers* (by analyzer), the most confident first.

    Insights are the same if their texts are alike (rapidfuzz's token_set_ratio of at least
    SAME_TEXT, or SAME_WITH_QUOTE where they share a quote); the most confident keeps its words
    and gets the others' evidence.
    """
    every = [
        Found(
            insight["text"],
            insight["confidence"],
            insight["category"],
            [name],
            [dict(evidence) for evidence in insight["evidence"]],
        )
        for name, answer in answers.items()
        for insight in answer["insights"]
    ]
    kept: list[Found] = []
    for found in sorted(every, key=lambda f: -f.confidence):
        twin = next((other for other in kept if _same(found, other)), None)
        if twin is None:
            kept.append(found)
        else:
            _merge(found, twin)
    return kept


def _same(one: Found, other: Found) -> bool:
    alike = fuzz.token_set_ratio(one.text.casefold(), other.text.casefold())
    shared = _quotes(one) & _quotes(other)
    return alike >= (SAME_WITH_QUOTE if shared else SAME_TEXT)


def _quotes(found: Found) -> set[tuple[str, str]]:
    return {(evidence["segment"], evidence["quote"]) for evidence in found.evidence}


def _merge(found: Found, into: Found) -> None:
    into.analyzers += [name for name in found.analyzers if name not in into.analyzers]
    known = _quotes(into)
    into.evidence += [e for e in found.evidence if (e["segment"], e["quote"]) not in known]


def as_csv(insights: Iterable[Found]) -> str:
    """Return a line per insight, for spreadsheets."""
    rows: list[Sequence[object]] = [COLUMNS]
    for found in insights:
        evidence = found.evidence
        rows.append(
            (
                found.text,
                f"{found.confidence:.2f}",
                found.category,
                " ".join(found.analyzers),
                " ".join(dict.fromkeys(e["segment"] for e in evidence)),
                " | ".join(e["quote"] for e in evidence),
                " ".join(str(e.get("match", "")) for e in evidence).strip(),
            )
        )
    return as_rows(rows)


def as_markdown(insights: Sequence[Found], analyzers: int) -> str:
    """Return a page with all insights; *analyzers* is how many were asked."""
    lines = ["# Insights", "", f"From {analyzers} analyzers, the most confident first.", ""]
    for place, found in enumerate(insights, 1):
        names = ", ".join(md(name) for name in found.analyzers)
        label = f"*{md(found.category)}, confidence {found.confidence:.2f}; {names}*"
        lines.append(f"{place}. {md(found.text)} {label}{cite(found.evidence)}")
    return "\n".join(lines) + "\n"
