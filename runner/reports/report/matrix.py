"""A matrix of hypotheses against evidence, recognised by the shape of its fields."""

from collections.abc import Mapping
from typing import Any

from runner.base.json import listing, mappings, text

# The fields of an answer that the matrix shows.
KEYS = ("hypotheses", "evidence", "matrix", "ranking", "diagnosticity", "linchpins", "warnings")
RATINGS = {
    "CC": "very consistent",
    "C": "consistent",
    "N": "neutral",
    "I": "inconsistent",
    "II": "very inconsistent",
}


def read_matrix(data: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the matrix in *data* as untrusted facts for its template, None without one.

    Hypotheses with their ranking come least inconsistent first, evidence with its cells by
    hypothesis most diagnostic first. A rating is a key of RATINGS or free text. A linchpin is a
    piece of evidence that changes the order.
    """
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
    telling = [text(d.get("evidence")) for d in mappings(data.get("diagnosticity"))]
    order, items = (  # the ranked ones first, then the rest
        list(dict.fromkeys([*(name for name in first if name in known), *known]))
        for known, first in ((hypotheses, places), (evidence, telling))
    )
    return {
        "hypotheses": [(hypotheses[name], places.get(name, {})) for name in order],
        "rows": [(evidence[e], [(h, cells.get((e, h), {})) for h in order]) for e in items],
        "linchpins": mappings(data.get("linchpins")),
        "warnings": listing(data.get("warnings")),
        "leave_one_out": "linchpins" in data,
    }
