"""A matrix of hypotheses against evidence, recognised by the shape of its fields."""

from collections.abc import Mapping
from typing import Any

from runner.base.format import NOTHING
from runner.base.json import listing, mappings, number, text

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
    """Return the matrix in *data* as facts for its template, None without one.

    Hypotheses come least inconsistent first, evidence most diagnostic first. A rating is a key of
    RATINGS or free text. A linchpin is a piece of evidence that changes the order: its id, the
    order without it, and whether another hypothesis would be first.
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
    linchpins = [
        (text(one.get("evidence")), _listed(one.get("ranking")), one.get("changes_first") is True)
        for one in mappings(data.get("linchpins"))
    ]
    return {
        "hypotheses": [_ranked(name, hypotheses[name], places.get(name, {})) for name in order],
        "rows": [
            {"id": e, "item": evidence[e], "cells": [_cell(h, cells.get((e, h))) for h in order]}
            for e in items
        ],
        "linchpins": linchpins,
        "warnings": [text(line) for line in listing(data.get("warnings"))],
        "leave_one_out": "linchpins" in data,
    }


def _listed(value: Any) -> str:
    return ", ".join(map(text, listing(value)))


def _ranked(name: str, hypothesis: Mapping[str, Any], place: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": name,
        "statement": text(hypothesis.get("statement") or hypothesis.get("text")),
        "inconsistency": number(place.get("inconsistency")),
        "against": _listed(place.get("against")),
        "supporting": _listed(place.get("supporting")),
    }


def _cell(hypothesis: str, cell: Mapping[str, Any] | None) -> dict[str, str]:
    known = cell or {"consistency": NOTHING}
    rating, reason = text(known["consistency"]), text(known.get("reason"))
    return {"hypothesis": hypothesis, "rating": rating, "reason": reason}
