"""How evidence bears on rival statements: which to weigh, each cell's rating, what to watch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runner.offline import cues
from runner.offline.argue import Case
from runner.offline.claims import Claim
from runner.offline.mechanism import conditional
from runner.offline.phrasing import listed, quoted, who
from runner.offline.rank import diverse
from runner.offline.text import content_words
from runner.offline.weigh import (
    credibility,
    denies,
    grounds,
    matter,
    opposed,
    relatedness,
    shared_terms,
)

_TRUST: Mapping[str, float] = {"high": 1.0, "medium": 0.7, "low": 0.4}
_TURNED: Mapping[str, str] = {"CC": "II", "C": "I", "I": "C", "II": "CC"}


def weighed_items(sides: Sequence[Claim], case: Case) -> list[Claim]:
    """Choose up to eight claims that are not hypotheses, most related and credible first."""
    kinds = ("fact", "premise", "rule", "definition", "conclusion", "assertion", "unsupported")
    texts = {side.text for side in sides}
    split = [s.evidence[:1] for s in sides if s.kind in ("course", "open")]

    def apart(claim: Claim) -> bool:
        return claim.text not in texts and claim.evidence[:1] not in split

    pool = [c for c in case.of(*kinds, "side", "said", "agreement") if apart(c)]
    solid = [c for c in pool if c.standing >= 0.5 and len(c.terms) > 2]
    pool = solid if len(solid) > 3 else pool
    pool = pool or [c for c in case.claims if apart(c)] or list(case.claims[:1])

    def score(claim: Claim) -> float:
        near = max(relatedness(claim, side, case) for side in sides)
        ground = any(grounds(claim, side) for side in sides)
        trust = _TRUST[credibility(claim)]
        return min(1.0, 0.45 * near + 0.3 * claim.importance + 0.25 * trust + 0.3 * ground)

    scores = {id(claim): score(claim) for claim in pool}
    return diverse(
        pool, 8, score=lambda c: scores[id(c)], text=lambda c: c.text, group=lambda c: c.speaker
    )


def judge(
    item: Claim, side: Claim, sides: Sequence[Claim], case: Case, exclusive: bool
) -> tuple[str, str]:
    """Rate one cell; anything that no cue decides stays neutral."""
    name = f"H{sides.index(side) + 1}"
    if side.kind == "denial":
        if not grounds(item, sides[0]) and not opposed(item, sides[0], case):
            return "N", f"it does not touch on whether {matter(sides[0], case)} could be otherwise"
        grade, reason = judge(item, sides[0], sides, case, exclusive)
        return _TURNED.get(grade, "N"), f"{name} denies H1: {reason}" if grade != "N" else reason
    if grounds(item, side):
        sure = item.fields.get("support") == "strong"
        return "CC" if sure else "C", f"{who(item)} gives it as a ground for this statement"
    follows = _consequence(item, side, sides)
    if follows:
        return follows
    clash = opposed(item, side, case)
    if clash:
        return "I", clash
    return _by_terms(item, side, sides, case, exclusive)


def _consequence(item: Claim, side: Claim, sides: Sequence[Claim]) -> tuple[str, str] | None:
    """Rate a conditional by its consequence where its condition speaks of this course alone."""
    link = conditional(item.sentence)
    if side.kind not in ("course", "open") or link is None:
        return None
    condition, consequence = link
    named = set(content_words(condition)) & side.terms
    if not named or any(named & s.terms for s in sides if s is not side):
        return None
    light = cues.polarity(consequence) or -cues.has("negation", consequence)
    if not light:
        return None
    sort = "welcome" if light > 0 else "unwelcome"
    said = f'if it comes about, {who(item)} expects something {sort}: "{consequence}"'
    return ("C" if light > 0 else "I"), said


def _by_terms(
    item: Claim, side: Claim, sides: Sequence[Claim], case: Case, exclusive: bool
) -> tuple[str, str]:
    """Rate a cell by what both speak of and by who says it."""
    shared = shared_terms(item, side, case)
    rival = next((s for s in sides if s is not side and s.speaker == item.speaker), None)
    place = sides.index(rival) + 1 if rival else 0
    if rival and item.speaker and rival.speaker != side.speaker:
        if exclusive and grounds(item, rival):
            return "I", f"{item.speaker} gives it as a ground for H{place}, the rival statement"
        if exclusive and _agree(item, rival, case):
            on = listed(shared_terms(item, rival, case)[:2])
            return "I", f"{item.speaker} says it on {on} in favour of H{place}, which excludes this"
        if shared and (cues.has("disagreement", item.text) or (exclusive and denies(item))):
            return "I", f"{item.speaker}, who holds H{place}, denies something of {shared[0]} here"
    same = bool(item.speaker) and item.speaker == side.speaker
    if _agree(item, side, case):
        on = listed(shared[:2])
        if same:
            return "C", f"{item.speaker} says both, on {on}"
        return "C", f"both speak of {on}, and neither denies the other"
    about = matter(item, case)
    if same:
        return "N", f"{item.speaker} says both, but this is about {about}"
    if shared:
        return (
            "N",
            f'it has only "{shared[0]}" in common with the statement on {matter(side, case)}',
        )
    return "N", f"it is about {about}, not about {matter(side, case)}"


def _agree(item: Claim, side: Claim, case: Case) -> bool:
    """Return whether both are on the same matter.

    One term from one mouth is enough; otherwise three, or half of what the statement speaks of,
    since two may be one name such as "monetary policy".
    """
    shared, near = shared_terms(item, side, case), relatedness(item, side, case)
    same = bool(item.speaker) and item.speaker == side.speaker
    many = len(shared) > 2 or (len(shared) > 1 and len(side.terms) < 5)
    return (many and near >= 0.2) or (same and near >= 0.12)


def milestones(case: Case, sides: Sequence[Claim]) -> list[tuple[str, Claim]]:
    """Name what would change the ranking: tests, open questions, conditions not yet met."""
    found: list[tuple[str, Claim]] = []

    def bears(claim: Claim) -> bool:
        return any(claim.terms & side.terms for side in sides)

    for claim in [c for c in case.of("conjecture") if c.fields.get("test")][:3]:
        found.append((f"On {quoted(claim, 100)}: {claim.fields['test']}", claim))
    for claim in filter(bears, case.of("question")):
        found.append((f"An answer to what {who(claim)} leaves open: {quoted(claim, 120)}", claim))
    for claim in filter(bears, case.of("commitment")):
        if claim.fields.get("strength") == "conditional":
            text = f"The condition that {who(claim)} sets is met or fails: {quoted(claim)}."
            found.append((text, claim))
    for claim in [*filter(bears, case.of("condition")), *case.of("condition")[:1]][:2]:
        found.append((f"It turns out whether {quoted(claim, 120)} comes true.", claim))
    for side in sides[: 2 if not found else 0]:
        found.append((f"A measured result on {matter(side, case)}.", side))
    unique = {text: (text, claim) for text, claim in reversed(found)}
    return list(reversed(unique.values()))[:6]
