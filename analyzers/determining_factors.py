"""What decides the outcome: forces for and against, how strong, and which can be moved.

After K. Lewin, "Field Theory in Social Science" (1951): driving and restraining forces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from pydantic import Field

from runner.answer import Evidence, Strict
from runner.offline import cues
from runner.offline.argue import Case, build_case
from runner.offline.claims import Claim
from runner.offline.dispute import Dispute, main_dispute, subject
from runner.offline.document import Document
from runner.offline.mechanism import control_of, direction_of, mechanism, role_of
from runner.offline.phrasing import capital, cited, insight, listed, nothing_found, quoted, who
from runner.offline.rank import diverse
from runner.offline.text import content_words, stem, words
from runner.offline.weigh import relatedness, shared_terms, terms_of


class Factor(Strict):
    """One force on the outcome."""

    id: str = Field(description="D1, D2, …")
    name: str = Field(description="Two to five words.")
    direction: Literal["drives", "restrains", "depends"]
    strength: int = Field(ge=1, le=5, description="1 slight to 5 decisive.")
    role: Literal["necessary", "sufficient", "contributing"]
    controllable: Literal["yes", "partly", "no"]
    mechanism: str = Field(description="How it acts on the outcome.")
    evidence: list[Evidence]


class Interaction(Strict):
    """Factors that act through or against one another."""

    factors: list[str] = Field(description="Two or more factor ids.")
    effect: str


class Fields(Strict):
    """Structured data of `determining_factors`."""

    outcome: str = Field(description="The outcome the factors bear on.")
    factors: list[Factor] = Field(min_length=1)
    interactions: list[Interaction]
    leverage: list[str] = Field(description="Where a small change moves most.")


def read(document: Document) -> dict[str, object]:
    """Name the forces that the findings say act on the outcome, and which can be moved."""
    case = build_case(document)
    if not case.claims:
        return _nothing(case)
    dispute = main_dispute(case, document.findings)
    factors = _factors(case)
    data = {
        "outcome": _outcome(case, dispute),
        "factors": [_row(i, factor, case) for i, factor in enumerate(factors, 1)],
        "interactions": _interactions(factors, case),
        "leverage": [text for text, _ in _leverage(factors, case)],
    }
    return {"insights": _insights(factors, case), "structured_data": data}


@dataclass(frozen=True, slots=True)
class _Force:
    name: str
    claim: Claim
    direction: str
    role: str
    control: str
    strength: int


def _nothing(case: Case) -> dict[str, object]:
    found = nothing_found(case, "forces for or against an outcome")
    row = {
        "id": "D1",
        "name": "missing findings",
        "direction": "depends",
        "strength": 1,
        "role": "contributing",
        "controllable": "yes",
        "mechanism": "Without findings of the first stage no force on the outcome can be named.",
        "evidence": [],
    }
    data = {"outcome": "No outcome is named.", "factors": [row], "interactions": []}
    return {"insights": [found], "structured_data": {**data, "leverage": []}}


def _outcome(case: Case, dispute: Dispute | None) -> str:
    """Name the decision or goal, from the firmest statement that has one, else the topic."""
    decided = [c for c in case.claims if cues.has("decision", c.text) and c.kind != "question"]
    agreed = sorted(decided, key=lambda c: -c.importance) + case.of("agreement")
    about = subject(dispute, case)
    if agreed:
        return f"Whether it comes about as {who(agreed[0])} puts it: {quoted(agreed[0], 170)}."
    if dispute and dispute.sides[0].kind == "course":
        return dispute.question
    goals = [c for c in case.claims if cues.has("proposal", c.text) and c.kind != "question"]
    if goals:
        goal = max(goals, key=lambda c: (bool(c.terms & set(content_words(about))), c.importance))
        return f"What becomes of {about}; nearest to a goal, {who(goal)}: {quoted(goal, 150)}."
    return f"How the matter of {about} is settled."


def _factors(case: Case) -> list[_Force]:
    """Choose up to eight claims that push, block or condition, with different names."""
    pool = [c for c in case.claims if c.kind not in ("question", "gap", "implied") and c.evidence]
    pool = pool or [c for c in case.claims if c.evidence] or list(case.claims)
    pulls = {id(claim): _pull(claim, case) for claim in pool}
    chosen = diverse(
        pool, 20, score=lambda c: pulls[id(c)], text=lambda c: c.text, group=lambda c: c.speaker
    )
    acting = [c for c in chosen if pulls[id(c)] >= 0.4]
    forces: list[_Force] = []
    for claim in acting if len(acting) > 2 else chosen:
        used = {stem(w) for f in forces for w in words(f.name)} - _LINKS
        name = _name(claim, case, used)
        told = any(f.claim.evidence[:1] == claim.evidence[:1] for f in forces)
        if name and not told:
            forces.append(_force(name, claim, case))
    forces = forces or [_force("matter discussed", chosen[0], case)]
    return sorted(forces[:8], key=lambda f: -f.strength)


_LINKS = frozenset(
    ("and", "of", "as", "the", "condition", "role", "trouble", "with", "case", "for")
)


_STEPS = (0.45, 0.6, 0.74, 0.88)  # where the strength rises from 1 to 5


def _pull(claim: Claim, case: Case) -> float:
    """Return how clearly *claim* acts on something, 0 to 1."""
    acting = max(
        cues.strength("conditional", claim.text),
        cues.strength("causal_back", claim.spoken),
        cues.strength("causal_forward", claim.spoken),
        cues.strength("obligation", claim.text),
        0.7 * abs(cues.polarity(claim.text)),
    )
    on_topic = 0.1 if claim.terms & set(content_words(case.topic)) else 0.0
    return min(1.0, 0.5 * claim.importance + 0.5 * acting * claim.standing + on_topic)


def _name(claim: Claim, case: Case, used: set[str]) -> str:
    """Name the claim by its weightiest terms that name no other factor, stems in *used*."""
    terms = terms_of([claim], case, 5)
    found = [t for t in terms if not used & {stem(w) for w in words(t)}][:2]
    if not found:
        return ""
    if len(words(found[0])) > 1:
        return found[0]
    if len(found) == 2 and len(words(found[1])) < 3:
        return f"{found[0]} and {found[1]}"
    return f"role of {found[0]}"


def _force(name: str, claim: Claim, case: Case) -> _Force:
    role = role_of(claim.text)
    others = sum(relatedness(claim, c, case) > 0.2 for c in case.claims if c is not claim)
    raw = 0.55 * _pull(claim, case) + 0.2 * min(1.0, others / 4) + 0.25 * claim.weight
    raw += {"necessary": 0.08, "sufficient": 0.04}.get(role, 0.0)
    strength = 1 + sum(raw >= step for step in _STEPS)
    return _Force(name, claim, direction_of(claim, role, case), role, control_of(claim), strength)


def _row(number: int, force: _Force, case: Case) -> dict[str, object]:
    return {
        "id": f"D{number}",
        "name": force.name,
        "direction": force.direction,
        "strength": force.strength,
        "role": force.role,
        "controllable": force.control,
        "mechanism": mechanism(force.claim, force.direction),
        "evidence": cited([force.claim]),
    }


def _interactions(forces: Sequence[_Force], case: Case) -> list[dict[str, object]]:
    """Pairs of factors that one statement links or that turn on the same thing."""
    made: list[dict[str, object]] = []
    used: set[str] = set()
    for (i, a), (j, b) in combinations(enumerate(forces, 1), 2):
        own = {stem(w) for w in words(f"{a.name} {b.name}")}
        common = _common(a.claim, b.claim, case)
        on = next((t for t in common if t not in used and stem(t) not in own), "")
        if not on:
            continue
        used.add(on)
        pulls = {a.direction, b.direction} == {"drives", "restrains"}
        how = "pull against each other over" if pulls else "both hang on"
        effect = f"{capital(a.name)} and {b.name} {how} the same thing: {on}."
        made.append({"factors": [f"D{i}", f"D{j}"], "effect": effect})
    return made[:4]


def _common(a: Claim, b: Claim, case: Case) -> list[str]:
    """Return the noun-like words that both claims use."""
    nouns = {w for c in (a, b) for term in terms_of([c], case, 6) for w in words(term)}
    return [t for t in shared_terms(a, b, case) if t in nouns and relatedness(a, b, case) > 0.1]


def _leverage(forces: Sequence[_Force], case: Case) -> list[tuple[str, Claim]]:
    """Say where a small change moves most: strong factors within reach, then tests."""
    rank = {"yes": 1.0, "partly": 0.6, "no": 0.0}
    ordered = sorted(forces, key=lambda f: -f.strength * rank[f.control])
    made = []
    for force in [f for f in ordered if f.control != "no"][:3]:
        hand = "in the speakers' own hands" if force.control == "yes" else "partly within reach"
        need = " and named as necessary" if force.role == "necessary" else ""
        made.append((f"{capital(force.name)}: {force.strength} of 5, {hand}{need}.", force.claim))
    for claim in case.of("conjecture")[:2]:
        if claim.fields.get("test"):
            text = f"Settling {quoted(claim, 90)}: {claim.fields['test'].rstrip('.')}."
            made.append((text, claim))
    return made


def _insights(forces: Sequence[_Force], case: Case) -> list[dict[str, object]]:
    made = []
    for place, force in enumerate(forces[:3]):
        lead = ("counts most", "comes next", "also counts")[place]
        how = mechanism(force.claim, force.direction)
        text = f"{capital(force.name)} {lead} ({force.strength} of 5). {how}"
        made.append(insight(text, 0.2 + 0.13 * force.strength, force.role, force.claim))
    drives = [f for f in forces if f.direction == "drives"]
    holds = [f for f in forces if f.direction == "restrains"]
    if drives and holds:
        text = (
            f"In favour stands what is said on {listed([f.name for f in drives[:3]])}, "
            f"against it what is said on {listed([f.name for f in holds[:3]])}."
        )
        made.append(insight(text, 0.5, "balance", drives[0].claim, holds[0].claim))
    fixed = [f for f in forces if f.control == "no"]
    if fixed:
        text = f"Nobody in the talk controls {listed([f.name for f in fixed[:3]])}."
        made.append(insight(text, 0.5, "outside_control", *(f.claim for f in fixed)))
    for text, claim in _leverage(forces, case)[:2]:
        made.append(insight(f"Leverage: {text}", 0.5, "leverage", claim))
    for row in _interactions(forces, case)[:2]:
        pair = [forces[int(i[1:]) - 1].claim for i in row["factors"]]  # type: ignore[attr-defined]
        made.append(insight(str(row["effect"]), 0.45, "interaction", *pair))
    return made[:8]
