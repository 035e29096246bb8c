"""Hypothesis matrix: the ranking, the diagnostic evidence and what to watch."""

from collections.abc import Sequence
from dataclasses import dataclass

from runner.providers.offline.argument.case import Case
from runner.providers.offline.argument.claims import Claim
from runner.providers.offline.argument.consistency import Rating, milestones
from runner.providers.offline.argument.insights import cited, insight, who
from runner.providers.offline.argument.relations import credibility
from runner.providers.offline.argument.wording import quoted
from runner.providers.offline.language.wording import listed

RatedEvidence = tuple[Claim, Sequence[Rating]]  # a piece of evidence, rated for each hypothesis

_SCALE = {"CC": 2, "C": 1, "N": 0, "I": -1, "II": -2}
_INCONSISTENCY = {"CC": 0.0, "C": 0.0, "N": 0.0, "I": 1.0, "II": 2.0}
_WEIGHT = {"high": 1.0, "medium": 0.7, "low": 0.4}  # by the credibility of the evidence


@dataclass(frozen=True, slots=True)
class RankedHypothesis:
    """One hypothesis in the order of the ranking.

    *place* is its index, *score* its weighted inconsistency ≥ 0, *against* and *supporting*
    are the indexes of the evidence.
    """

    place: int
    score: float
    against: tuple[int, ...]
    supporting: tuple[int, ...]

    @property
    def name(self) -> str:
        """The id of the hypothesis."""
        return f"H{self.place + 1}"


def rank(credibilities: Sequence[str], rows: Sequence[Sequence[str]]) -> list[RankedHypothesis]:
    """Rank the hypotheses as the answer does: least disconfirmed first, ties by support.

    *rows* hold for each piece of evidence its consistency with every hypothesis.
    """
    ranked = []
    for place, column in enumerate(zip(*rows, strict=True)):
        weighed = zip(credibilities, column, strict=True)
        score = sum(_WEIGHT[trust] * _INCONSISTENCY[grade] for trust, grade in weighed)
        against = tuple(i for i, grade in enumerate(column) if _SCALE[grade] < 0)
        supporting = tuple(i for i, grade in enumerate(column) if _SCALE[grade] > 0)
        ranked.append(RankedHypothesis(place, round(score, 2), against, supporting))
    return sorted(ranked, key=lambda hypothesis: (hypothesis.score, -len(hypothesis.supporting)))


def insights_of(
    rows: Sequence[RatedEvidence], sides: Sequence[Claim], case: Case
) -> list[dict[str, object]]:
    """Return the insights of an analysis, the ranking first."""
    ranked = rank(
        [credibility(item) for item, _ in rows],
        [[grade for grade, _ in row] for _, row in rows],
    )
    made = [_lead(ranked, rows, sides), *_telling(rows), *_held(ranked, rows, sides)]
    made += _idle(rows)
    watched = milestones(case, sides)
    for text, claim in watched[:1]:
        found = f"What would change the picture first: {text[:1].lower()}{text[1:].rstrip('.')}."
        sure = 0.2 + 0.1 * min(3, len(watched)) + 0.3 * claim.weight
        made.append(insight(found, sure, "milestone", claim))
    fallback = cited([rows[0][0]])  # a side that is only a topic cites nothing itself
    return [{**found, "evidence": found["evidence"] or fallback} for found in made[:8]]


def _evidence(places: Sequence[int]) -> str:
    return listed(f"E{place + 1}" for place in places[:4])


def _lead(
    ranked: Sequence[RankedHypothesis], rows: Sequence[RatedEvidence], sides: Sequence[Claim]
) -> dict[str, object]:
    """State the ranking, or once that there is none and why."""
    first, second, last = ranked[0], ranked[1], ranked[-1]
    top = sides[first.place]
    lead = round(second.score - first.score, 2)
    if lead <= 0:
        return _level(ranked, rows, sides)
    spoken = (
        f"only {_evidence(first.against)} against it" if first.against else "nothing against it"
    )
    fits = f"{_evidence(first.supporting)} for it" if first.supporting else "nothing for it either"
    other = sides[last.place]
    text = (
        f"{first.name} stands best, {quoted(top, 130)}: the findings hold {spoken}, and {fits}. "
        f"{last.name} is the most disconfirmed, by {_evidence(last.against)}."
    )
    sure = 0.35 + 0.15 * min(lead, 2.0) + 0.04 * min(5, len(first.supporting))
    proof = [rows[i][0] for i in last.against[:2]]
    return insight(text, sure, "ranking", *([top, *proof] if proof else [top, other]))


def _level(
    ranked: Sequence[RankedHypothesis], rows: Sequence[RatedEvidence], sides: Sequence[Claim]
) -> dict[str, object]:
    first, second = ranked[:2]
    if first.score:
        why = f"what speaks against them weighs the same ({first.score:g})"
    elif any(grade != "N" for _, row in rows for grade, _ in row):
        why = "some evidence fits one or another, but none speaks against any"
    else:
        why = f"none of the {len(rows)} pieces of evidence bears on any of them"
    names = listed([hypothesis.name for hypothesis in ranked if hypothesis.score == first.score])
    text = f"The findings do not rank {names}: {why}. The question stays open."
    proof = [sides[first.place], sides[second.place]]
    behind = next((r for r in ranked if r.score > first.score), None)
    if behind:
        text = (
            f"Only {behind.name} is spoken against, {quoted(sides[behind.place], 110)}, by "
            f"{_evidence(behind.against)}; between {names} the findings do not decide."
        )
        proof = [sides[behind.place], *(rows[i][0] for i in behind.against[:2])]
    return insight(text, 0.25 + 0.03 * len(rows), "ranking", *proof)


_BEARING = {
    "CC": "strongly for",
    "C": "for",
    "I": "against",
    "II": "strongly against",
}


def _telling(rows: Sequence[RatedEvidence]) -> list[dict[str, object]]:
    """Name the evidence that separates the hypotheses, each with the reason it was rated so."""
    spread = {i: _spread(row) for i, (_, row) in enumerate(rows)}
    best = sorted((i for i in spread if spread[i]), key=lambda i: -spread[i])[:2]
    made = []
    for i in best:
        item, row = rows[i]
        sided = [(j, grade, why) for j, (grade, why) in enumerate(row, 1) if grade != "N"]
        how = listed([f"{_BEARING[grade]} H{j}" for j, grade, _ in sided])
        reason = sided[0][2].split(': "')[0]  # a consequence is in the quote already
        text = f"E{i + 1}, {quoted(item, 120)} ({who(item)}), counts {how}: {reason}."
        trust = {"high": 0.2, "medium": 0.1, "low": 0.0}[credibility(item)]
        sure = 0.3 + 0.08 * spread[i] + trust + 0.1 * item.weight
        made.append(insight(text, sure, "diagnostic_evidence", item))
    return made


def _spread(row: Sequence[Rating]) -> int:
    grades = [_SCALE[grade] for grade, _ in row]
    return max(grades) - min(grades)


def _held(
    ranked: Sequence[RankedHypothesis], rows: Sequence[RatedEvidence], sides: Sequence[Claim]
) -> list[dict[str, object]]:
    """Say whose word the leading hypothesis rests on, and which one nothing supports."""
    made = []
    first = ranked[0]
    for hypothesis in ranked:
        side = sides[hypothesis.place]
        backers = list(dict.fromkeys(who(rows[i][0]) for i in hypothesis.supporting))
        if hypothesis is first and len(backers) > 1:
            text = f"{hypothesis.name} is supported by more than one voice: {listed(backers[:4])}."
            proof = [rows[i][0] for i in hypothesis.supporting[:3]]
            made.append(insight(text, 0.4 + 0.08 * len(backers), "support", *proof))
        elif hypothesis is first and backers and len(hypothesis.supporting) > 1:
            text = (
                f"All that is recognised as supporting {hypothesis.name} comes from {backers[0]}."
            )
            proof = [rows[i][0] for i in hypothesis.supporting[:3]]
            made.append(insight(text, 0.5, "single_source", *proof))
        elif not backers and side.kind not in ("denial", "open"):
            held = f" but {who(side)}'s own word" if side.speaker and side.kind != "course" else ""
            text = f"No support for {hypothesis.name} is recognised, {quoted(side, 110)},{held}"
            sure = 0.3 + 0.04 * len(rows)
            made.append(insight(f"{text.rstrip(',')}.", sure, "unsupported_hypothesis", side))
    return made[:2]


def _idle(rows: Sequence[RatedEvidence]) -> list[dict[str, object]]:
    """Name well-attested evidence that decides nothing, since readers tend to overrate it."""
    rank = {"high": 2, "medium": 1, "low": 0}
    idle = [i for i, (_, row) in enumerate(rows) if _spread(row) == 0]
    if not idle:
        return []
    best = max(idle, key=lambda i: (rank[credibility(rows[i][0])], rows[i][0].importance))
    item = rows[best][0]
    more = f", like {len(idle) - 1} more," if len(idle) > 1 else ""
    text = f"E{best + 1}, {quoted(item, 120)} ({who(item)}), decides nothing{more} " + (
        "since it would be so under any of the hypotheses."
    )
    text = text.replace(", decides nothing since", ", decides nothing, since")
    return [insight(text, 0.3 + 0.15 * rank[credibility(item)], "undiagnostic", item)]
