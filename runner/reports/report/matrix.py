"""A matrix of hypotheses against evidence, recognised by the shape of its fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runner.base.json import listing, mappings, number, text

RATINGS = {
    "CC": "very consistent",
    "C": "consistent",
    "N": "neutral",
    "I": "inconsistent",
    "II": "very inconsistent",
}


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A hypothesis; *inconsistency* is None if it was not ranked."""

    id: str
    statement: str
    inconsistency: float | None
    against: str
    supporting: str


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """How a piece of evidence fits *hypothesis*; *rating* is a key of RATINGS or free text."""

    hypothesis: str
    rating: str
    reason: str


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One piece of evidence; *item* is the answer's data on it, quotes included."""

    id: str
    item: Mapping[str, Any]
    cells: tuple[MatrixCell, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Hypotheses, least inconsistent first, and evidence, most diagnostic first.

    *linchpins* are what the order would be without a piece of evidence, as computed: its id, the
    order, and whether another hypothesis would be first. *keys* are the fields of the answer that
    it covers.
    """

    hypotheses: tuple[Hypothesis, ...]
    rows: tuple[EvidenceRow, ...]
    linchpins: tuple[tuple[str, str, bool], ...]
    warnings: tuple[str, ...]
    keys: tuple[str, ...]
    leave_one_out: bool  # whether linchpins were looked for


def read_matrix(data: Mapping[str, Any]) -> Matrix | None:
    """Return the matrix in *data*, None without one."""
    hypotheses = {text(h["id"]): h for h in mappings(data.get("hypotheses")) if h.get("id")}
    evidence = {text(e["id"]): e for e in mappings(data.get("evidence")) if e.get("id")}
    cells = {
        (text(cell["evidence"]), text(cell["hypothesis"])): cell
        for cell in mappings(data.get("matrix"))
        if {"evidence", "hypothesis", "consistency"} <= cell.keys()
    }
    if not (hypotheses and evidence and cells):
        return None
    places = {text(r.get("hypothesis")): r for r in mappings(data.get("ranking"))}
    order = _ordered(hypotheses, places)
    telling = [text(d.get("evidence")) for d in mappings(data.get("diagnosticity"))]
    rows = tuple(
        EvidenceRow(name, evidence[name], tuple(_cell(h, cells.get((name, h))) for h in order))
        for name in _ordered(evidence, telling)
    )
    keys = ("hypotheses", "evidence", "matrix", "ranking", "diagnosticity", "linchpins", "warnings")
    ranked = tuple(_ranked(name, hypotheses[name], places.get(name, {})) for name in order)
    linchpins = tuple(
        (text(one.get("evidence")), _listed(one.get("ranking")), one.get("changes_first") is True)
        for one in mappings(data.get("linchpins"))
    )
    warnings = tuple(map(text, listing(data.get("warnings"))))
    return Matrix(ranked, rows, linchpins, warnings, keys, "linchpins" in data)


def _listed(value: Any) -> str:
    return ", ".join(map(text, listing(value)))


def _ordered(known: Mapping[str, Any], first: Sequence[str] | Mapping[str, Any]) -> list[str]:
    """Return the names in *known*: first those in *first*, then the rest in order."""
    return list(dict.fromkeys([*(name for name in first if name in known), *known]))


def _ranked(name: str, hypothesis: Mapping[str, Any], place: Mapping[str, Any]) -> Hypothesis:
    statement = hypothesis.get("statement") or hypothesis.get("text")
    return Hypothesis(
        name,
        text(statement),
        number(place.get("inconsistency")),
        _listed(place.get("against")),
        _listed(place.get("supporting")),
    )


def _cell(hypothesis: str, cell: Mapping[str, Any] | None) -> MatrixCell:
    if cell is None:
        return MatrixCell(hypothesis, "–", "")
    return MatrixCell(hypothesis, text(cell["consistency"]), text(cell.get("reason")))
