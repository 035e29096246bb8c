"""Reading of first_principles: assumptions, fundamentals and what follows from them."""

from collections.abc import Mapping, Sequence

from runner.providers.offline.argument.assumptions import (
    challenge,
    is_settled,
    is_taken_for_granted,
    kind_of_assumption,
    rests_on_it,
    survives,
    why_irreducible,
)
from runner.providers.offline.argument.case import Case, build_case
from runner.providers.offline.argument.claims import Claim
from runner.providers.offline.argument.dispute import main_dispute, subject
from runner.providers.offline.argument.insights import cited, insight, nothing_found, who
from runner.providers.offline.argument.noun_phrases import matter
from runner.providers.offline.argument.relations import credibility, grounds, opposed, relatedness
from runner.providers.offline.argument.wording import quoted, stated
from runner.providers.offline.document import Document
from runner.providers.offline.language import cues
from runner.providers.offline.language.ranking import diverse
from runner.providers.offline.language.wording import capital


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
    asked = dispute.question if dispute else "What of it can be held for sure?"
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
    """Choose up to six facts, definitions and measured results, none hedged or doubted."""
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
    """Choose up to six statements that speakers rely on without having shown them."""
    pool = [c for c in case.claims if is_taken_for_granted(c) and c not in solid]
    rank = {"implied": 0.3, "assumption": 0.2, "condition": 0.15, "unsupported": 0.1}

    def score(claim: Claim) -> float:
        used = 0.2 if rests_on_it(claim, case) else 0.0
        return min(1.0, 0.7 * claim.importance + rank.get(claim.kind, 0.0) + used)

    return diverse(pool, 6, score=score, text=lambda c: c.text, group=lambda c: c.speaker)


def _assumption(claim: Claim, solid: Sequence[Claim], case: Case) -> dict[str, object]:
    return {
        "text": f"{stated(claim)} ({who(claim)}).",
        "kind": kind_of_assumption(claim),
        "challenge": challenge(claim),
        "survives": survives(claim, solid, case),
        "evidence": cited([claim]),
    }


def _rebuilt(
    case: Case, solid: Sequence[Claim], assumed: Sequence[Claim]
) -> list[tuple[Claim, dict[str, object]]]:
    """Compare up to four conclusions of the speakers with the fundamentals."""
    made: list[tuple[Claim, dict[str, object]]] = []
    loose: list[tuple[Claim, dict[str, object]]] = []
    pool = [c for c in case.of("conclusion", "assertion") if _concludes(c, solid)]
    for claim in diverse(pool, 8, score=lambda c: c.importance, text=lambda c: c.text):
        rests = [i for i, c in enumerate(solid, 1) if _carries(c, claim, case)]
        row = _reconstruction(claim, rests, assumed, case)
        (made if rests else loose).append((claim, row))
    return (made + loose[:2])[:4]


def _concludes(claim: Claim, solid: Sequence[Claim]) -> bool:
    wish = cues.has("interest", claim.text) or cues.strength("commitment", claim.text) >= 0.5
    return claim not in solid and claim.completeness >= 0.5 and not wish


def _carries(ground: Claim, claim: Claim, case: Case) -> bool:
    ids = claim.fields.get("follows_from", "").split("; ")
    if ground.fields.get("id") in ids and ground.kind in ("fact", "definition"):
        return True
    return grounds(ground, claim) or relatedness(ground, claim, case) >= 0.3


def _reconstruction(
    claim: Claim, rests: list[int], assumed: Sequence[Claim], case: Case
) -> dict[str, object]:
    gap = claim.fields.get("gap", "none").rstrip(".")
    needs = [a for a in assumed if a.evidence[:1] == claim.evidence[:1] and a is not claim]
    contested = next(
        (c for c in case.claims if c.speaker != claim.speaker and opposed(c, claim, case)), None
    )
    said = f"{capital(who(claim))} concludes {quoted(claim, 110)}"
    condition = next((c for c in needs if c.kind == "condition"), None)
    whole = f"{stated(claim)}."
    if contested:
        conclusion = f"Left open by the fundamentals: {quoted(claim, 140)}."
        differs = f"{said}, which {who(contested)} contests: {quoted(contested, 110)}."
    elif condition or "condition comes about" in gap:
        on = quoted(condition, 110) if condition else "its condition"
        conclusion = f"It follows only if {on} comes about: {whole}"
        differs = f"{said}; nothing in the fundamentals shows that the condition is met."
    elif needs:
        conclusion = f"It follows only if it is granted that {quoted(needs[0], 110)}: {whole}"
        differs = f"{said} as if that had been shown."
    elif gap != "none":
        conclusion = f"Not yet to be had: {quoted(claim, 140)}."
        differs = f"{said}; still to be shown: {gap[:1].lower()}{gap[1:]}."
    elif not rests:
        conclusion = f"Nothing follows on {matter(claim, case)}."
        differs = f"{said}; none of the fundamentals speaks of it."
    else:
        conclusion, differs = whole, "agrees"
    ids = [f"F{i}" for i in rests[:3]]
    row = {"conclusion": conclusion, "rests_on": ids, "differs_from_discussion": differs}
    return {**row, "evidence": cited([claim])}


def _insights(
    case: Case,
    assumed: Sequence[Claim],
    solid: Sequence[Claim],
    rebuilt: Sequence[tuple[Claim, dict[str, object]]],
) -> list[dict[str, object]]:
    made = []
    for ground in solid[:2]:
        lead = "The firmest ground is" if ground is solid[0] else "Firm as well is"
        text = f"{lead} {quoted(ground, 130)} ({who(ground)}). {why_irreducible(ground, case)}"
        trust = 0.2 * (credibility(ground) == "high")
        sure = 0.1 + 0.5 * ground.weight + trust + 0.2 * ground.central
        made.append(insight(text, sure, "fundamental", ground))
    for claim, row in rebuilt[:2]:
        if row["differs_from_discussion"] == "agrees":
            text = f"The conclusion {quoted(claim, 120)} follows from the fundamentals alone."
        else:
            text = _in_words(row)
        sure = 0.25 + 0.5 * claim.weight + 0.2 * claim.central
        made.append(insight(text, sure, "reconstruction", claim))
    verdicts = [(survives(a, solid, case), a) for a in assumed]
    for verdict, claim in verdicts[:3]:
        made.append(_tested(verdict, claim, case))
    if solid and not rebuilt:
        text = f"No conclusion from {_count(solid)} is recognised."
        made.append(insight(text, 0.3 + 0.1 * len(solid), "no_reconstruction", *solid[:2]))
    if not solid:
        top = max(case.claims, key=lambda c: c.importance)
        text = (
            f"No figure, event or definition to build on is recognised; nearest is {quoted(top)}."
        )
        made.append(insight(text, 0.3 + 0.01 * min(30, len(case.claims)), "no_fundamentals", top))
    for guess in case.of("conjecture")[: max(0, 3 - len(made))]:
        text = f"{capital(who(guess))} offers a guess, on which nothing can be built yet: "
        sure = 0.2 + 0.5 * guess.weight
        made.append(insight(f"{text}{quoted(guess, 130)}.", sure, "guess", guess))
    return made[:8]


def _count(solid: Sequence[Claim]) -> str:
    return "the one fundamental found" if len(solid) == 1 else f"the {len(solid)} fundamentals"


def _in_words(row: Mapping[str, object]) -> str:
    conclusion = str(row["conclusion"])
    if conclusion.startswith("It follows only if"):
        return f"{row['differs_from_discussion']} {conclusion.split(': ')[0]}."
    return str(row["differs_from_discussion"])


def _tested(verdict: str, claim: Claim, case: Case) -> dict[str, object]:
    said = quoted(claim, 120)
    built = rests_on_it(claim, case)
    rests = f"; on it rests {quoted(built, 100)}" if built else ""
    granted = f"{who(claim)} takes for granted {said}{rests}"
    if claim.kind == "condition":
        granted = f"{who(claim)} makes it a condition, not yet met, that {said}{rests}"
    elif claim.kind == "implied":
        granted = f"{who(claim)} leaves unsaid but needs {said}{rests}"
    elif claim.kind == "rule":
        granted = f"{who(claim)} lays it down that {said}{rests}"
    text = {
        "yes": f"{granted}. A reported observation bears it out.",
        "partly": f"{granted}. Other findings lend it some support; no proof is recognised.",
        "no": f"{granted}. A reported observation speaks against it.",
        "untested": f"{granted}. {_untested(claim)}",
    }[verdict]
    sure = 0.2 + 0.4 * claim.weight + 0.2 * claim.central + 0.1 * bool(built)
    return insight(text, sure, "assumption", claim)


def _untested(claim: Claim) -> str:
    if claim.kind == "condition":
        return "How likely that is, is not recognised."
    return _UNTESTED[kind_of_assumption(claim)]


_UNTESTED: Mapping[str, str] = {
    "belief": "How it is known is not recognised.",
    "constraint": "Who sets that limit is not recognised.",
    "convention": "What would be lost without it is not recognised.",
}
