"""Analysis of competing hypotheses (ACH): rank explanations by what speaks against them.

After R. J. Heuer, "Psychology of Intelligence Analysis" (CIA, 1999), chapter 8. The model fills
the matrix; the ranking and the diagnosticity are computed from it, so that they always agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field, computed_field, model_validator

from runner.answer import Evidence, Strict
from runner.offline.argue import Case, build_case
from runner.offline.bearing import judge, milestones, weighed_items
from runner.offline.claims import Claim
from runner.offline.dispute import main_dispute, rivals
from runner.offline.document import Document
from runner.offline.phrasing import (
    capital,
    cited,
    insight,
    listed,
    nothing_found,
    quoted,
    stated,
    who,
)
from runner.offline.weigh import credibility, matter

Consistency = Literal["CC", "C", "N", "I", "II"]

# Heuer counts inconsistencies only: a hypothesis is not proven by agreeing with the evidence.
INCONSISTENCY: Mapping[str, float] = {"CC": 0.0, "C": 0.0, "N": 0.0, "I": 1.0, "II": 2.0}
SCALE: Mapping[str, int] = {"CC": 2, "C": 1, "N": 0, "I": -1, "II": -2}
WEIGHT: Mapping[str, float] = {"high": 1.0, "medium": 0.7, "low": 0.4}


class Hypothesis(Strict):
    """One explanation or course; the set should be mutually exclusive."""

    id: str = Field(description="H1, H2, …")
    statement: str


class EvidenceItem(Strict):
    """One piece of evidence, taken from the findings."""

    id: str = Field(description="E1, E2, …")
    text: str
    source: str = Field(description="The analyzer whose finding it is.")
    credibility: Literal["high", "medium", "low"]
    evidence: list[Evidence]


class Cell(Strict):
    """How one piece of evidence sits with one hypothesis."""

    evidence: str = Field(description="An evidence id.")
    hypothesis: str = Field(description="A hypothesis id.")
    consistency: Consistency = Field(
        description="CC very consistent, C consistent, N neutral, I inconsistent, "
        "II very inconsistent."
    )
    reason: str


class Ranked(Strict):
    """A hypothesis in the order of least disconfirmed first."""

    hypothesis: str
    inconsistency: float = Field(description="Weighted count of inconsistent evidence, ≥ 0.")
    against: list[str]
    supporting: list[str]


class Diagnosticity(Strict):
    """How far one piece of evidence tells the hypotheses apart."""

    evidence: str
    spread: int = Field(description="Largest minus smallest rating, 0 to 4; 0 decides nothing.")


class Fields(Strict):
    """Structured data of `competing_hypotheses`."""

    question: str = Field(description="The question the hypotheses answer.")
    hypotheses: list[Hypothesis] = Field(min_length=2)
    evidence: list[EvidenceItem] = Field(min_length=1)
    matrix: list[Cell] = Field(description="One cell for every evidence and hypothesis.")
    milestones: list[str] = Field(description="Observations that would change the ranking.")

    @model_validator(mode="after")
    def _matrix_is_complete(self) -> Fields:
        wanted = {(e.id, h.id) for e in self.evidence for h in self.hypotheses}
        found = [(cell.evidence, cell.hypothesis) for cell in self.matrix]
        missing = sorted(wanted - set(found))
        unknown = sorted(set(found) - wanted)
        if missing or unknown or len(found) != len(set(found)):
            raise ValueError(
                f"matrix needs exactly one cell per evidence and hypothesis; "
                f"missing {missing[:3]}, unknown {unknown[:3]}"
            )
        return self

    @computed_field  # type: ignore[prop-decorator]
    @property
    def ranking(self) -> list[Ranked]:
        """Hypotheses by weighted inconsistency, least disconfirmed first; ties by support."""
        weight = {item.id: WEIGHT[item.credibility] for item in self.evidence}
        ranked = []
        for hypothesis in self.hypotheses:
            cells = [cell for cell in self.matrix if cell.hypothesis == hypothesis.id]
            score = sum(INCONSISTENCY[c.consistency] * weight[c.evidence] for c in cells)
            ranked.append(
                Ranked(
                    hypothesis=hypothesis.id,
                    inconsistency=round(score, 2),
                    against=[c.evidence for c in cells if SCALE[c.consistency] < 0],
                    supporting=[c.evidence for c in cells if SCALE[c.consistency] > 0],
                )
            )
        return sorted(ranked, key=lambda r: (r.inconsistency, -len(r.supporting)))

    @computed_field  # type: ignore[prop-decorator]
    @property
    def diagnosticity(self) -> list[Diagnosticity]:
        """Evidence by how far it separates the hypotheses, most telling first."""
        spreads = []
        for item in self.evidence:
            ratings = [SCALE[c.consistency] for c in self.matrix if c.evidence == item.id]
            spreads.append(Diagnosticity(evidence=item.id, spread=max(ratings) - min(ratings)))
        return sorted(spreads, key=lambda d: -d.spread)


def read(document: Document) -> dict[str, object]:
    """Lay out the main dispute of the findings as hypotheses against the evidence."""
    case = build_case(document)
    if not case.claims:
        return _nothing(case)
    dispute = main_dispute(case, document.findings)
    hypotheses = rivals(dispute, case)
    sides = [claim for _, claim in hypotheses]
    items = weighed_items(sides, case)
    exclusive = dispute is None or dispute.recorded
    names = [{"id": f"H{i}", "statement": text} for i, (text, _) in enumerate(hypotheses, 1)]
    asked = f"Is it so that {quoted(sides[0])}?"
    data = {
        "question": dispute.question if dispute else asked,
        "hypotheses": names,
        "evidence": [_item(i, claim) for i, claim in enumerate(items, 1)],
        "matrix": [
            _cell((i, item), (j, side), judge(item, side, sides, case, exclusive))
            for i, item in enumerate(items, 1)
            for j, side in enumerate(sides, 1)
        ],
        "milestones": [text for text, _ in milestones(case, sides)],
    }
    fields = Fields.model_validate(data)
    return {"insights": _insights(fields, items, sides, case), "structured_data": data}


def _nothing(case: Case) -> dict[str, object]:
    absent = listed(case.missing) or "the earlier analyzers"
    cells = [("H1", "N", "With no statement there is nothing to weigh.")]
    cells.append(("H2", "N", "A missing finding does not show that nothing was said."))
    data = {
        "question": "Do the findings hold anything that hypotheses could be about?",
        "hypotheses": [
            {"id": "H1", "statement": "The talk held nothing in dispute."},
            {"id": "H2", "statement": f"It did, but {absent} did not pass it on."},
        ],
        "evidence": [
            {
                "id": "E1",
                "text": "No usable finding reached this stage.",
                "source": "context",
                "credibility": "low",
                "evidence": [],
            }
        ],
        "matrix": [
            {"evidence": "E1", "hypothesis": h, "consistency": c, "reason": r} for h, c, r in cells
        ],
        "milestones": ["Findings of the first stage arrive."],
    }
    found = nothing_found(case, "rival explanations or opposed positions")
    return {"insights": [found], "structured_data": data}


def _item(number: int, claim: Claim) -> dict[str, object]:
    return {
        "id": f"E{number}",
        "text": f"{stated(claim)} ({who(claim)}).",
        "source": claim.sources[0] if claim.sources else "context",
        "credibility": credibility(claim),
        "evidence": cited([claim]),
    }


def _cell(
    item: tuple[int, Claim], side: tuple[int, Claim], verdict: tuple[str, str]
) -> dict[str, str]:
    return {
        "evidence": f"E{item[0]}",
        "hypothesis": f"H{side[0]}",
        "consistency": verdict[0],
        "reason": capital(verdict[1]) + ".",
    }


_IN_WORDS: Mapping[str, str] = {
    "CC": "strongly fits",
    "C": "fits",
    "N": "leaves open",
    "I": "speaks against",
    "II": "strongly speaks against",
}


def _insights(
    fields: Fields, items: Sequence[Claim], sides: Sequence[Claim], case: Case
) -> list[dict[str, object]]:
    made = [_ranked(fields, sides), *_telling(fields, items, sides), *_idle(fields, items, case)]
    for place, side in enumerate(sides[:3], 1):
        support = next(r for r in fields.ranking if r.hypothesis == f"H{place}").supporting
        claims = [items[int(e[1:]) - 1] for e in support]
        if side.kind == "denial":
            continue
        if claims:
            on = listed(list(dict.fromkeys(matter(c, case, 1) for c in claims[:3])))
            text = f"H{place}, {quoted(side, 110)}, fits with what is said on {on}."
            made.append(insight(text, 0.4 + 0.08 * len(claims), "support", side, *claims))
        else:
            alone = (
                f": it rests on {who(side)} alone" if side.kind not in ("course", "open") else ""
            )
            text = f"No finding speaks for H{place}, {quoted(side, 110)}{alone}."
            made.append(insight(text, 0.4, "unsupported_hypothesis", side))
    watched, claim = milestones(case, sides)[0]
    text = f"What to watch first: {watched.rstrip('.')}."
    made.append(insight(text, 0.5, "milestone", claim))
    return made[:8]


def _ranked(fields: Fields, sides: Sequence[Claim]) -> dict[str, object]:
    first, second = fields.ranking[:2]
    top = sides[int(first.hypothesis[1:]) - 1]
    lead = second.inconsistency - first.inconsistency
    support = f"{len(first.supporting)} of {len(fields.evidence)} pieces of evidence fit it"
    if lead > 0:
        against = f"{first.inconsistency:g} against {second.inconsistency:g} for the next"
        text = (
            f"Least disconfirmed is {first.hypothesis}, {quoted(top, 120)}: its weighted "
            f"inconsistency is {against}, and {support}."
        )
        return insight(text, 0.45 + 0.15 * lead, "ranking", top)
    weight = first.inconsistency
    against = f"as much speaks against either ({weight:g})" if weight else "nothing speaks against"
    against += "" if weight else " either"
    if len(first.supporting) > len(second.supporting):
        text = (
            f"{first.hypothesis}, {quoted(top, 110)}, leads only by what fits it: {support}, and "
            f"{against}. By Heuer's rule that ranks nothing yet."
        )
    else:
        text = f"The findings do not rank {first.hypothesis} and {second.hypothesis}: {against}."
    other = sides[int(second.hypothesis[1:]) - 1]
    return insight(text, 0.3, "ranking", top, other)


def _telling(
    fields: Fields, items: Sequence[Claim], sides: Sequence[Claim]
) -> list[dict[str, object]]:
    """Name the evidence that separates the hypotheses most."""
    made: list[dict[str, object]] = []
    for found in [d for d in fields.diagnosticity if d.spread > 0][:2]:
        item = items[int(found.evidence[1:]) - 1]
        cells = [c for c in fields.matrix if c.evidence == found.evidence and c.consistency != "N"]
        how = listed([f"{_IN_WORDS[c.consistency]} {c.hypothesis}" for c in cells])
        place = "most" if not made else "next most"
        text = (
            f"{found.evidence}, {quoted(item, 120)}, tells the hypotheses apart {place}: it {how}."
        )
        made.append(insight(text, 0.35 + 0.12 * found.spread, "diagnostic_evidence", item))
    return made


def _idle(fields: Fields, items: Sequence[Claim], case: Case) -> list[dict[str, object]]:
    """Name the evidence that decides nothing."""
    idle = [items[int(d.evidence[1:]) - 1] for d in fields.diagnosticity if d.spread == 0]
    if not idle:
        return []
    on = listed([matter(c, case, 1) for c in idle[:3]])
    count = f"{len(idle)} of {len(items)} pieces of evidence"
    text = f"{count} decide nothing: what is said on {on} favours no side over another."
    return [insight(text, 0.5, "undiagnostic", *idle)]
