"""The matter taken apart to what cannot be reduced further, and built up again.

After Aristotle, "Posterior Analytics" I.2: a first principle is known better than what follows
from it and is not itself derived.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from runner.answer import Evidence, Strict
from runner.offline import cues
from runner.offline.argue import Case, build_case
from runner.offline.assumed import (
    challenge,
    is_settled,
    kind_of_assumption,
    survives,
    why_irreducible,
)
from runner.offline.claims import Claim
from runner.offline.dispute import main_dispute, subject
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
from runner.offline.rank import diverse
from runner.offline.weigh import credibility, grounds, matter, opposed, relatedness


class Assumption(Strict):
    """Something the speakers take for granted, and what is left of it when asked why."""

    text: str
    kind: Literal["convention", "constraint", "belief"]
    challenge: str = Field(description="The question that tests it.")
    survives: Literal["yes", "partly", "no", "untested"]
    evidence: list[Evidence]


class Fundamental(Strict):
    """A truth about the matter that needs nothing else said before it."""

    id: str = Field(description="F1, F2, …")
    text: str
    why_irreducible: str
    evidence: list[Evidence]


class Reconstruction(Strict):
    """A conclusion reached from the fundamentals alone."""

    conclusion: str
    rests_on: list[str] = Field(description="Ids of fundamentals.")
    differs_from_discussion: str = Field(
        description="Where the speakers concluded otherwise, or 'agrees'."
    )


class Fields(Strict):
    """Structured data of `first_principles`."""

    problem: str
    assumptions: list[Assumption]
    fundamentals: list[Fundamental]
    reconstruction: list[Reconstruction]


def read(document: Document) -> dict[str, object]:
    """Separate what the findings assume from what they establish, and conclude from the latter."""
    case = build_case(document)
    if not case.claims:
        found = nothing_found(case, "assumptions and established facts")
        data: dict[str, object] = {"assumptions": [], "fundamentals": [], "reconstruction": []}
        text = "No finding reached this stage, so there is no matter to take apart."
        return {"insights": [found], "structured_data": {"problem": text, **data}}
    dispute = main_dispute(case, document.findings)
    solid = _fundamentals(case)
    assumed = _assumptions(case, solid)
    rebuilt = _rebuilt(case, solid, assumed)
    subject_now = capital(subject(dispute, case))
    asked = dispute.question if dispute else f"What can be held for sure about {subject_now}?"
    answer = {
        "problem": asked if subject_now.lower() in asked.lower() else f"{subject_now}. {asked}",
        "assumptions": [_assumption(claim, solid, case) for claim in assumed],
        "fundamentals": [_fundamental(i, claim, case) for i, claim in enumerate(solid, 1)],
        "reconstruction": [made for _, made in rebuilt],
    }
    return {
        "insights": _insights(case, assumed, solid, rebuilt),
        "structured_data": answer,
    }


def _fundamentals(case: Case) -> list[Claim]:
    """Choose up to six facts, definitions and measured results that nobody hedges or doubts."""
    pool = case.of("fact", "definition", "premise") + case.of("said", "side", "assertion")
    solid = [claim for claim in pool if is_settled(claim)]
    kinds = {"fact": 0.2, "definition": 0.25, "premise": 0.1}

    def score(claim: Claim) -> float:
        seen = 0.25 if credibility(claim) == "high" else 0.0
        return min(1.0, 0.55 * claim.importance + kinds.get(claim.kind, 0.0) + seen)

    return diverse(solid, 6, score=score, text=lambda c: c.text, group=lambda c: c.speaker)


def _fundamental(number: int, claim: Claim, case: Case) -> dict[str, object]:
    return {
        "id": f"F{number}",
        "text": f"{stated(claim)} ({who(claim)}).",
        "why_irreducible": why_irreducible(claim, case),
        "evidence": cited([claim]),
    }


def _assumptions(case: Case, solid: Sequence[Claim]) -> list[Claim]:
    """Choose up to six statements that the talk builds on without having shown them."""
    kinds = ("implied", "assumption", "rule", "unsupported")
    pool = case.of(*kinds)
    pool += [c for c in case.of("position", "assertion", "said", "gap") if _takes_for_granted(c)]
    pool = [c for c in pool if c not in solid and not cues.is_question(c.text)]
    rank = {"implied": 0.3, "assumption": 0.3, "unsupported": 0.2, "rule": 0.15}

    def score(claim: Claim) -> float:
        return min(1.0, 0.7 * claim.importance + rank.get(claim.kind, 0.0))

    return diverse(pool, 6, score=score, text=lambda c: c.text, group=lambda c: c.speaker)


def _takes_for_granted(claim: Claim) -> bool:
    return cues.strength("assumption", claim.text) >= 0.55 or cues.has("general", claim.text)


def _assumption(claim: Claim, solid: Sequence[Claim], case: Case) -> dict[str, object]:
    return {
        "text": f"{stated(claim)} ({who(claim)}).",
        "kind": kind_of_assumption(claim),
        "challenge": challenge(claim, case),
        "survives": survives(claim, solid, case),
        "evidence": cited([claim]),
    }


def _rebuilt(
    case: Case, solid: Sequence[Claim], assumed: Sequence[Claim]
) -> list[tuple[Claim, dict[str, object]]]:
    """Compare up to four conclusions of the talk with what the fundamentals carry."""
    made: list[tuple[Claim, dict[str, object]]] = []
    loose: list[tuple[Claim, dict[str, object]]] = []
    pool = [c for c in case.of("conclusion", "agreement", "assertion") if _concludes(c, solid)]
    for claim in diverse(pool, 8, score=lambda c: c.importance, text=lambda c: c.text):
        rests = [i for i, c in enumerate(solid, 1) if _carries(c, claim, case)]
        row = _reconstruction(claim, rests, solid, assumed, case)
        (made if rests else loose).append((claim, row))
    made = (made + loose[:2])[:4]
    if not made and solid:
        text = f"Nothing goes beyond this: {stated(solid[0])}."
        differs = "The findings record no conclusion that is tied to these fundamentals."
        row = {"conclusion": text, "rests_on": ["F1"], "differs_from_discussion": differs}
        made.append((solid[0], row))
    return made


def _concludes(claim: Claim, solid: Sequence[Claim]) -> bool:
    wish = cues.has("interest", claim.text) or cues.strength("commitment", claim.text) >= 0.5
    return claim not in solid and claim.standing >= 0.5 and not wish


def _carries(ground: Claim, claim: Claim, case: Case) -> bool:
    ids = claim.fields.get("follows_from", "").split("; ")
    if ground.fields.get("id") in ids and ground.kind in ("fact", "definition"):
        return True
    return grounds(ground, claim) or relatedness(ground, claim, case) >= 0.3


def _reconstruction(
    claim: Claim, rests: list[int], solid: Sequence[Claim], assumed: Sequence[Claim], case: Case
) -> dict[str, object]:
    gap = claim.fields.get("gap", "none").rstrip(".")
    needs = [a for a in assumed if a.evidence[:1] == claim.evidence[:1] and a is not claim]
    contested = next((c for c in case.claims if opposed(c, claim, case)), None)
    about = matter(claim, case)
    conclusion = f"On {about} the fundamentals carry no conclusion."
    if rests:
        conclusion = f"On {about} no more follows than this: {stated(solid[rests[0] - 1])}."
    said = f"{capital(who(claim))} concludes {quoted(claim, 110)}"
    if contested:
        differs = f"{said}, which {who(contested)} contests: {quoted(contested, 110)}."
    elif needs:
        differs = f"{said}, which needs what is only taken for granted: {quoted(needs[0], 110)}."
    elif gap != "none":
        differs = f"{said}; still to be shown: {gap[:1].lower()}{gap[1:]}."
    elif not rests:
        differs = f"{said}; none of the fundamentals speaks of it."
    else:
        conclusion, differs = f"{stated(claim)}.", "agrees"
    ids = [f"F{i}" for i in rests[:3]]
    return {"conclusion": conclusion, "rests_on": ids, "differs_from_discussion": differs}


def _insights(
    case: Case,
    assumed: Sequence[Claim],
    solid: Sequence[Claim],
    rebuilt: Sequence[tuple[Claim, dict[str, object]]],
) -> list[dict[str, object]]:
    made = []
    if solid:
        ground = solid[0]
        text = f"The firmest ground is {quoted(ground, 130)}. {why_irreducible(ground, case)}"
        made.append(insight(text, ground.weight, "fundamental", ground))
    verdicts = [(survives(a, solid, case), a) for a in assumed]
    for claim, row in rebuilt[:2]:
        if row["differs_from_discussion"] == "agrees":
            text = f"The conclusion {quoted(claim, 120)} follows from the fundamentals alone."
        else:
            text = str(row["differs_from_discussion"])
        made.append(insight(text, claim.weight, "reconstruction", claim))
    for verdict, claim in verdicts[:3]:
        made.append(_tested(verdict, claim, case))
    open_ones = [a for v, a in verdicts if v == "untested"]
    if len(open_ones) > 1:
        about = listed([matter(a, case, 1) for a in open_ones[:3]])
        text = f"{len(open_ones)} of {len(assumed)} assumptions stand untested, on {about}."
        made.append(insight(text, 0.55, "untested_assumptions", *open_ones))
    if not made:
        top = max(case.claims, key=lambda c: c.importance)
        text = f"The findings hold no statement firm enough to build on; nearest is {quoted(top)}."
        made.append(insight(text, 0.3, "no_fundamentals", top))
    return made[:8]


def _tested(verdict: str, claim: Claim, case: Case) -> dict[str, object]:
    said = quoted(claim, 120)
    ask = challenge(claim, case)
    text = {
        "yes": f"The assumption {said} agrees with a reported fact.",
        "partly": f"The assumption {said} finds some support, yet is not shown. To ask: {ask}",
        "no": f"The assumption {said} does not survive: a reported fact speaks against it.",
        "untested": f"{who(claim)} takes for granted {said}. To ask: {ask}",
    }[verdict]
    return insight(text, 0.35 + 0.4 * claim.weight, "assumption", claim)
