"""Analysis of competing hypotheses (ACH): rank explanations by what speaks against them.

After R. J. Heuer, "Psychology of Intelligence Analysis" (CIA, 1999), chapter 8. The model fills
the matrix; ranking, diagnosticity, linchpins (his step 6, sensitivity) and warnings are computed
from it, so that they always agree. An inconsistency weighs as much as the evidence is credible and
relevant, as in PARC's ACH program.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations, groupby, product
from textwrap import shorten
from typing import Any, Literal

from pydantic import Field, computed_field, model_validator

from runner.answers.markdown import cite, md, table
from runner.answers.shape import Evidence, Point, Strict

Consistency = Literal["CC", "C", "N", "I", "II"]
# Heuer counts inconsistencies only: a hypothesis is not proven by agreeing with the evidence.
INCONSISTENCY: Mapping[str, float] = {"CC": 0.0, "C": 0.0, "N": 0.0, "I": 1.0, "II": 2.0}
SCALE: Mapping[str, int] = {"CC": 2, "C": 1, "N": 0, "I": -1, "II": -2}
Level = Literal["high", "medium", "low"]
WEIGHT: Mapping[str, float] = {"high": 1.0, "medium": 0.7, "low": 0.4}
_EQUAL = " = "


class Hypothesis(Strict):
    """One explanation or course; the set should be mutually exclusive."""

    id: str = Field(description="H1, H2, …")
    statement: str


class EvidenceItem(Strict):
    """One piece of evidence, taken from the findings."""

    id: str = Field(description="E1, E2, …")
    text: str
    source: str = Field(description="The analyzer whose finding it is.")
    kind: Literal["fact", "statement", "assumption", "inference", "absence"] = Field(
        description="absence: what should have been seen and was not."
    )
    credibility: Level
    relevance: Level = Field(description="How much it bears on the question.")
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


class Linchpin(Strict):
    """A piece of evidence without which the order of the hypotheses is another."""

    evidence: str
    ranking: list[str] = Field(description="The order without it; equal ones as H1 = H2.")
    changes_first: bool = Field(description="Whether another hypothesis comes first.")


class Fields(Strict):
    """Structured data of `competing_hypotheses`."""

    question: str = Field(description="The question the hypotheses answer.")
    hypotheses: list[Hypothesis] = Field(min_length=2)
    evidence: list[EvidenceItem] = Field(min_length=1)
    matrix: list[Cell] = Field(description="One cell for every evidence and hypothesis.")
    milestones: list[Point] = Field(description="Observations that would change the ranking.")

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
        return self._ranked("")

    def _ranked(self, without: str) -> list[Ranked]:
        """Return the ranking *without* the evidence of that id."""
        weight = {e.id: WEIGHT[e.credibility] * WEIGHT[e.relevance] for e in self.evidence}
        ranked = []
        for hypothesis in self.hypotheses:
            cells = [
                cell
                for cell in self.matrix
                if cell.hypothesis == hypothesis.id and cell.evidence != without
            ]
            score = sum(INCONSISTENCY[c.consistency] * weight[c.evidence] for c in cells)
            ranked.append(
                Ranked(
                    hypothesis=hypothesis.id,
                    inconsistency=round(score, 2),
                    against=[c.evidence for c in cells if SCALE[c.consistency] < 0],
                    supporting=[c.evidence for c in cells if SCALE[c.consistency] > 0],
                )
            )
        return sorted(ranked, key=_place)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def diagnosticity(self) -> list[Diagnosticity]:
        """Evidence by how far it separates the hypotheses, most telling first."""
        spreads = []
        for item in self.evidence:
            ratings = [SCALE[c.consistency] for c in self.matrix if c.evidence == item.id]
            spreads.append(Diagnosticity(evidence=item.id, spread=max(ratings) - min(ratings)))
        return sorted(spreads, key=lambda d: -d.spread)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def linchpins(self) -> list[Linchpin]:
        """The evidence that the ranking depends on: each item is left out in turn."""
        order = _order(self.ranking)
        found = []
        for item in self.evidence:
            other = _order(self._ranked(item.id))
            if other != order:
                first = set(other[0].split(_EQUAL)).isdisjoint(order[0].split(_EQUAL))
                found.append(Linchpin(evidence=item.id, ranking=other, changes_first=first))
        return sorted(found, key=lambda one: not one.changes_first)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def warnings(self) -> list[str]:
        """Warnings about the analysis: evidence counted twice, because it shares a quote."""
        return [
            f"{first.id} and {second.id} rest on the same quote ({segment}): they count as one "
            f"piece of evidence"
            for first, second in combinations(self.evidence, 2)
            if (segment := _shared(first, second)) is not None
        ]


def _place(row: Ranked) -> tuple[float, int]:
    return row.inconsistency, -len(row.supporting)


def _order(ranked: list[Ranked]) -> list[str]:
    """Return the ids of *ranked* in order, those of one place as one text."""
    return [_EQUAL.join(row.hypothesis for row in rows) for _, rows in groupby(ranked, key=_place)]


def _shared(first: EvidenceItem, second: EvidenceItem) -> str | None:
    """Return the segment of a quote that is one of both, or within one of the other."""
    for one, other in product(first.evidence, second.evidence):
        said = [" ".join(each.quote.casefold().split()) for each in (one, other)]
        shorter, longer = sorted(said, key=len)
        if shorter and one.segment == other.segment and shorter in longer:
            return one.segment
    return None


def markdown(fields: Mapping[str, Any]) -> str:
    """Render stored fields as an analyst lays out ACH: ranking, matrix, evidence, reasons."""
    milestones = "\n".join(f"- {md(m['text'])}{cite(m['evidence'])}" for m in fields["milestones"])
    parts = {
        "Question": md(fields["question"]),
        "Hypotheses, least disconfirmed first (computed)": _ranking_list(fields),
        "Linchpins (computed)": _linchpin_list(fields),
        "Matrix": _matrix_table(fields),
        "Evidence": _evidence_list(fields),
        "Reasons": _reason_list(fields),
        "Milestones": milestones or "None named.",
    }
    return "\n\n".join(f"## {title}\n\n{body}" for title, body in parts.items())


def _ranking_list(fields: Mapping[str, Any]) -> str:
    statements = {h["id"]: h["statement"] for h in fields["hypotheses"]}
    lines = []
    for place, row in enumerate(fields["ranking"], 1):
        name = row["hypothesis"]
        lines.append(
            f"{place}. **{md(name)}** {md(statements[name])}\n"
            f"   - Inconsistency: {row['inconsistency']:g}\n"
            f"   - Against: {md(row['against']) or 'none'}\n"
            f"   - For: {md(row['supporting']) or 'none'}"
        )
    return "\n".join(lines)


def _linchpin_list(fields: Mapping[str, Any]) -> str:
    lines = [
        f"- Without **{md(one['evidence'])}** the order is {md(one['ranking'])}"
        f"{'; another hypothesis comes first' if one['changes_first'] else ''}."
        for one in fields["linchpins"]
    ]
    lines = lines or ["No single piece of evidence changes the ranking."]
    return "\n".join([*lines, *(f"- Warning: {md(warning)}." for warning in fields["warnings"])])


def _by_diagnosticity(fields: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    items = {item["id"]: item for item in fields["evidence"]}
    return [items[row["evidence"]] for row in fields["diagnosticity"]]


def _matrix_table(fields: Mapping[str, Any]) -> str:
    """Return the matrix with the most telling evidence on top."""
    names = [h["id"] for h in fields["hypotheses"]]
    cells = {(c["evidence"], c["hypothesis"]): c["consistency"] for c in fields["matrix"]}
    rows = [
        [
            e["id"],
            shorten(e["text"], 90, placeholder=" …"),
            e["kind"],
            e["credibility"],
            e["relevance"],
            *(cells[e["id"], n] for n in names),
        ]
        for e in _by_diagnosticity(fields)
    ]
    key = (
        "CC very consistent, C consistent, N neutral, I inconsistent, II very inconsistent; "
        "rows from most to least telling."
    )
    return f"{table(['', 'Evidence', 'Kind', 'Credibility', 'Relevance', *names], rows)}\n\n{key}"


def _short(text: str) -> str:
    return shorten(text, 90, placeholder=" …")


def _evidence_list(fields: Mapping[str, Any]) -> str:
    return "\n".join(
        f"- **{md(e['id'])}** {md(e['text'])} *{md(e['source'])}, {md(e['kind'])}, "
        f"credibility {md(e['credibility'])}, relevance {md(e['relevance'])}*"
        f"{cite(e['evidence'])}"
        for e in _by_diagnosticity(fields)
    )


def _reason_list(fields: Mapping[str, Any]) -> str:
    """Give the reason of every cell that is not neutral."""
    order = [item["id"] for item in _by_diagnosticity(fields)]
    told = [cell for cell in fields["matrix"] if cell["consistency"] != "N"]
    told.sort(key=lambda cell: order.index(cell["evidence"]))
    lines = [
        f"- **{md(c['evidence'])} – {md(c['hypothesis'])}: {md(c['consistency'])}.** "
        f"{md(c['reason'])}"
        for c in told
    ]
    return "\n".join(lines) or "Every cell is neutral."
