"""Reading of determining_factors: forces on the outcome, their direction and strength."""

from collections.abc import Sequence
from dataclasses import dataclass

from runner.providers.offline.argument.case import Case, build_case
from runner.providers.offline.argument.causality import (
    cause_of,
    conditional,
    control_of,
    direction_of,
    effect_of,
    is_ours,
    mechanism,
    outside_cue,
    role_of,
    telling_clause,
)
from runner.providers.offline.argument.claims import Claim
from runner.providers.offline.argument.dispute import Dispute, main_dispute
from runner.providers.offline.argument.hypotheses import leading_claim, question_on
from runner.providers.offline.argument.insights import cited, insight, nothing_found, who
from runner.providers.offline.argument.noun_phrases import name_of
from runner.providers.offline.argument.relations import relatedness
from runner.providers.offline.argument.wording import quoted
from runner.providers.offline.document import Document
from runner.providers.offline.language import cues
from runner.providers.offline.language.fragments import is_whole, roughness
from runner.providers.offline.language.ranking import diverse
from runner.providers.offline.language.sentences import content_words, stem, words
from runner.providers.offline.language.wording import capital, excerpt, listed, point


def read(document: Document) -> dict[str, object]:
    """Answer with the forces on the outcome that findings name, and which of them can be moved."""
    case = build_case(document)
    if not case.claims:
        return _nothing(case)
    dispute = main_dispute(case, document.findings)
    factors = _factors(case)
    data = {
        "outcome": _outcome(case, dispute),
        "factors": [_row(i, factor) for i, factor in enumerate(factors, 1)],
        "interactions": _interactions(factors),
        "leverage": [point(text, cited([claim])) for text, claim, _ in _leverage(factors, case)],
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
    pull: float  # what the strength was read from, 0 to about 1

    @property
    def stems(self) -> frozenset[str]:
        return frozenset(content_words(self.name))


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
        "counterfactual": "none",
        "evidence": [],
    }
    data = {"outcome": "No outcome is named.", "factors": [row], "interactions": []}
    return {"insights": [found], "structured_data": {**data, "leverage": []}}


def _outcome(case: Case, dispute: Dispute | None) -> str:
    """Return the outcome: what was agreed, else the question in dispute."""
    agreed = [c for c in case.of("agreement") if _is_plan(c) and c.completeness >= 0.6]
    if agreed:
        holders = listed(agreed[0].fields.get("holders", who(agreed[0])).split("; "))
        return f"Whether this comes about, as {holders} agreed: {quoted(agreed[0], 170)}."
    return dispute.question if dispute else question_on(leading_claim(case))


def _is_plan(claim: Claim) -> bool:
    return not cues.is_question(claim.text) and not cues.has("hedge", claim.text)


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
    used = frozenset[str]()
    for claim in acting if len(acting) > 2 else chosen:
        cause = cause_of(claim)
        brief_cause = f"the {cause}" if len(words(cause)) == 1 else cause
        told_in = (brief_cause, telling_clause(claim.text), claim.text, claim.spoken)
        name = name_of(told_in, case, used)
        told = any(f.claim.evidence[:1] == claim.evidence[:1] for f in forces)
        if name and not told and name not in (f.name for f in forces):
            forces.append(_force(name, claim, case))
            used |= {stem(w) for w in words(name)}
    forces = forces or [_force("matter discussed", chosen[0], case)]
    return sorted(forces[:8], key=lambda f: (-f.strength, -f.pull))


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
    whole = 1.0 if is_whole(claim.text) and len(words(claim.text)) <= 40 else 0.6
    on_topic = 0.1 if claim.terms & set(content_words(case.topic)) else 0.0
    value = 0.5 * claim.importance + 0.5 * acting * claim.completeness + on_topic
    return min(1.0, value * whole * (1 - roughness(claim.sentence)))


def _force(name: str, claim: Claim, case: Case) -> _Force:
    role = role_of(claim.text)
    others = sum(relatedness(claim, c, case) > 0.2 for c in case.claims if c is not claim)
    raw = 0.55 * _pull(claim, case) + 0.2 * min(1.0, others / 4) + 0.25 * claim.weight
    raw += {"necessary": 0.08, "sufficient": 0.04}.get(role, 0.0)
    strength = 1 + sum(raw >= step for step in _STEPS)
    direction = direction_of(claim, role, case)
    return _Force(name, claim, direction, role, control_of(claim), strength, round(raw, 3))


def _row(number: int, force: _Force) -> dict[str, object]:
    needed = f"Said to be required: {quoted(force.claim, 120)}."
    return {
        "id": f"D{number}",
        "name": force.name,
        "direction": force.direction,
        "strength": force.strength,
        "role": force.role,
        "controllable": force.control,
        "mechanism": mechanism(force.claim, force.direction),
        "counterfactual": needed if force.role == "necessary" else "none",
        "evidence": cited([force.claim]),
    }


def _interactions(forces: Sequence[_Force]) -> list[dict[str, object]]:
    """Return pairs of factors that one statement links, the one in its cause, the other in its
    effect."""
    made: list[dict[str, object]] = []
    for link in forces:
        cause, effect = (set(content_words(f(link.claim))) for f in (cause_of, effect_of))
        if not cause or not effect:
            continue
        acting = [i for i, f in enumerate(forces, 1) if f.stems <= cause]
        moved = [i for i, f in enumerate(forces, 1) if f.stems <= effect and i not in acting]
        if acting and moved:
            pair = [acting[0], moved[0]]
            names = listed([forces[i - 1].name for i in pair])
            told = mechanism(link.claim, link.direction)
            text = f"{capital(names)} hang together in one statement: {told}"
            ids, quotes = [f"D{i}" for i in pair], cited([link.claim])
            made.append({"factors": ids, "effect": text, "evidence": quotes})
    return made[:4]


def _leverage(forces: Sequence[_Force], case: Case) -> list[tuple[str, Claim, float]]:
    """Return where a small change moves most: what a speaker can do, ask for or test."""
    made: list[tuple[str, Claim, float]] = []
    for force in sorted(forces, key=lambda f: -f.pull):
        needed = cause_of(force.claim)
        if is_ours(needed) and conditional(force.claim.sentence):
            text = (
                f"{capital(force.name)}: {who(force.claim)} names what it takes: {_said(needed)}."
            )
            made.append((text, force.claim, force.pull))
        elif force.control == "yes" and not needed and _acts(force.claim):
            text = f"{capital(force.name)}: {mechanism(force.claim, force.direction)}"
            made.append((text, force.claim, force.pull))
    for claim in case.of("conjecture")[:1]:
        if claim.fields.get("test") and claim.completeness >= 0.4:
            test = claim.fields["test"].rstrip(".?")
            made.append((f"To settle {quoted(claim, 90)}: {test}.", claim, claim.weight))
    return made[:5]


def _said(clause: str) -> str:
    inner = clause.replace('"', "'")
    return f'"{excerpt(inner, 120)}"'


def _acts(claim: Claim) -> bool:
    """Return whether a speaker says that they will or must do it."""
    must = cues.strength("obligation", claim.text) >= 0.6
    return must or cues.strength("commitment", claim.text) >= 0.7


def _bearing(force: _Force) -> str:
    if force.direction != "depends":
        return "in favour" if force.direction == "drives" else "against"
    if force.role != "contributing" and cues.strength("obligation", force.claim.text) >= 0.6:
        return "called for"
    return "a condition" if conditional(force.claim.sentence) else "open either way"


def _insights(forces: Sequence[_Force], case: Case) -> list[dict[str, object]]:
    made = []
    for force in forces[:4]:
        how = mechanism(force.claim, force.direction)
        text = f"{capital(force.name)} ({_bearing(force)}, {force.strength} of 5): {how}"
        made.append(insight(text, force.pull, force.role, force.claim))
    drives = [f for f in forces if f.direction == "drives"]
    holds = [f for f in forces if f.direction == "restrains"]
    if drives and holds and len(forces) > 2:
        for_it, against = (listed([f.name for f in side[:3]]) for side in (drives, holds))
        text = f"In favour speaks what is said on {for_it}; against it, what is said on {against}."
        sure = 0.3 + 0.05 * len(drives + holds)
        made.append(insight(text, sure, "balance", drives[0].claim, holds[0].claim))
    for force in [f for f in forces if f.control == "no"][:1]:
        said = _said(cause_of(force.claim)) if cause_of(force.claim) else quoted(force.claim, 120)
        cue = outside_cue(force.claim)
        text = f'Not in the speakers\' hands ("{cue}"): {who(force.claim)} says {said}.'
        made.append(insight(text, 0.3 + 0.5 * force.claim.weight, "outside_control", force.claim))
    shown = [f.claim for f in forces[:4] if not is_ours(cause_of(f.claim))]
    fresh = [row for row in _leverage(forces, case) if row[1] not in shown]
    for text, claim, sure in fresh[:2]:
        lead = "" if text.startswith("To settle") else "Within reach: "
        made.append(insight(f"{lead}{text}", 0.2 + 0.5 * sure, "leverage", claim))
    for row in _interactions(forces)[:1]:
        pair = [forces[int(i[1:]) - 1] for i in row["factors"]]  # type: ignore[attr-defined]
        sure = 0.2 + 0.3 * sum(f.pull for f in pair)
        made.append(insight(str(row["effect"]), sure, "interaction", *(f.claim for f in pair)))
    told = {f.claim.evidence[:1] for f in forces}
    for claim in case.of("rule", "unsupported", "assertion", "said")[: 0 if len(made) > 2 else 3]:
        if cues.strength("obligation", claim.text) >= 0.6 and claim.evidence[:1] not in told:
            text = f"{capital(who(claim))} requires of the result: {quoted(claim, 150)}."
            made.append(insight(text, 0.2 + 0.5 * claim.weight, "requirement", claim))
    return made[:8]
