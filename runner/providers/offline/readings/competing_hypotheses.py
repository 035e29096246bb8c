"""Reading of competing_hypotheses: rival statements against the evidence."""

from runner.providers.offline.argument.case import Case, build_case
from runner.providers.offline.argument.claims import Claim
from runner.providers.offline.argument.consistency import (
    milestones,
    most_diagnostic_first,
    rate,
    weighed_items,
)
from runner.providers.offline.argument.dispute import main_dispute, rivals
from runner.providers.offline.argument.hypotheses import question_on
from runner.providers.offline.argument.hypothesis_matrix import insights_of
from runner.providers.offline.argument.insights import cited, nothing_found, who
from runner.providers.offline.argument.relations import credibility
from runner.providers.offline.argument.wording import stated
from runner.providers.offline.document import Document
from runner.providers.offline.language.wording import capital, listed, point

_KINDS = {"fact": "fact", "assumption": "assumption", "conclusion": "inference"}  # of claims


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
    rated = {
        i: [rate(item, side, sides, case, exclusive) for side in sides]
        for i, item in enumerate(items)
    }
    rows = most_diagnostic_first(items, rated)
    data = {
        "question": dispute.question if dispute else question_on(sides[0]),
        "hypotheses": [{"id": f"H{i}", "statement": t} for i, (t, _) in enumerate(hypotheses, 1)],
        "evidence": [_item(i, item) for i, (item, _) in enumerate(rows, 1)],
        "matrix": [
            _cell(i, j, verdict)
            for i, (_, row) in enumerate(rows, 1)
            for j, verdict in enumerate(row, 1)
        ],
        "milestones": [point(text, cited([claim])) for text, claim in milestones(case, sides)],
    }
    return {"insights": insights_of(rows, sides, case), "structured_data": data}


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
                "kind": "absence",
                "credibility": "low",
                "relevance": "low",
                "evidence": [],
            }
        ],
        "matrix": [
            {"evidence": "E1", "hypothesis": h, "consistency": c, "reason": r} for h, c, r in cells
        ],
        "milestones": [point("Findings of the first stage arrive.", [])],
    }
    found = nothing_found(case, "rival explanations or opposed positions")
    return {"insights": [found], "structured_data": data}


def _item(number: int, claim: Claim) -> dict[str, object]:
    return {
        "id": f"E{number}",
        "text": f"{stated(claim)} ({who(claim)}).",
        "source": claim.sources[0] if claim.sources else "context",
        "kind": _KINDS.get(claim.kind, "statement"),
        "credibility": credibility(claim),
        "relevance": "high",
        "evidence": cited([claim]),
    }


def _cell(item: int, side: int, verdict: tuple[str, str]) -> dict[str, str]:
    return {
        "evidence": f"E{item}",
        "hypothesis": f"H{side}",
        "consistency": verdict[0],
        "reason": capital(verdict[1]) + ".",
    }
