"""Consistency of evidence with rival statements: choice, ratings and milestones."""

from collections.abc import Mapping, Sequence

from runner.providers.offline.argument.case import Case
from runner.providers.offline.argument.causality import conditional
from runner.providers.offline.argument.claims import Claim
from runner.providers.offline.argument.insights import who
from runner.providers.offline.argument.noun_phrases import common_matter, matter
from runner.providers.offline.argument.relations import (
    credibility,
    denies,
    grounds,
    opposed,
    relatedness,
    shared_terms,
)
from runner.providers.offline.argument.wording import quoted
from runner.providers.offline.language import cues
from runner.providers.offline.language.ranking import diverse
from runner.providers.offline.language.sentences import content_words
from runner.providers.offline.language.wording import listed

_TRUST: Mapping[str, float] = {"high": 1.0, "medium": 0.7, "low": 0.4}
_TURNED: Mapping[str, str] = {"CC": "II", "C": "I", "I": "C", "II": "CC"}
_KINDS = ("fact", "premise", "rule", "definition", "conclusion", "assertion", "unsupported")
_MORE_KINDS = ("side", "said", "agreement", "doubt", "perception", "position", "conjecture")
_WEIGHED = 16  # claims looked at for one dispute
_SHOWN = 8
_IDLE = 2  # of those shown, at most so many may leave every hypothesis open

Rating = tuple[str, str]  # consistency, reason


def weighed_items(sides: Sequence[Claim], case: Case) -> list[Claim]:
    """Choose up to 16 claims that are not hypotheses, most related and credible first."""
    texts = {side.text for side in sides}
    split = {c for s in sides if s.kind in _COURSES for c in s.evidence}

    def apart(claim: Claim) -> bool:
        if claim.kind == "agreement":  # that it was agreed on is itself evidence
            return True
        return claim.text not in texts and not (split & set(claim.evidence[:1]))

    pool = [c for c in case.of(*_KINDS, *_MORE_KINDS) if apart(c) and not cues.is_question(c.text)]
    solid = [c for c in pool if c.completeness >= 0.5 and len(c.terms) > 2]
    pool = solid if len(solid) > 3 else pool
    pool = pool or [c for c in case.claims if apart(c)] or list(case.claims[:1])

    def score(claim: Claim) -> float:
        near = max(relatedness(claim, side, case) for side in sides)
        ground = any(grounds(claim, side) for side in sides)
        trust = _TRUST[credibility(claim)]
        return min(1.0, 0.45 * near + 0.3 * claim.importance + 0.25 * trust + 0.3 * ground)

    scores = {id(claim): score(claim) for claim in pool}
    return diverse(pool, _WEIGHED, score=lambda c: scores[id(c)], text=lambda c: c.text)


def most_diagnostic_first(
    items: Sequence[Claim], rated: Mapping[int, Sequence[Rating]]
) -> list[tuple[Claim, Sequence[Rating]]]:
    """Return up to 8 *items* with their row of the matrix, those that rate a side first.

    *rated* maps the place of an item to its row. Of what leaves every side open, two are kept
    to show that they were considered.
    """
    rows = [(item, rated[i]) for i, item in enumerate(items)]
    diagnostic = [row for row in rows if any(grade != "N" for grade, _ in row[1])]
    idle = [row for row in rows if row not in diagnostic]
    diagnostic.sort(key=lambda row: -len({grade for grade, _ in row[1]}))
    kept = diagnostic[:_SHOWN]
    return kept + idle[: max(_IDLE, 3 - len(kept))][: max(1, _SHOWN - len(kept))]


_COURSES = ("course", "open", "conditional")


def rate(item: Claim, side: Claim, sides: Sequence[Claim], case: Case, exclusive: bool) -> Rating:
    """Rate one cell; anything that no cue decides stays neutral."""
    if side.kind == "denial":
        grade, reason = rate(item, sides[0], sides, case, exclusive)
        how = {"C": "counts against", "I": "supports"}.get(_TURNED.get(grade, "N")[:1], "")
        return _TURNED.get(grade, "N"), f"it {how} H1, which this denies" if how else reason
    if side.kind == "conditional":
        return _on_condition(item, side, case)
    grade, reason = _own_rating(item, side, sides, case, exclusive)
    others = [s for s in sides if s is not side and s.kind == "course"]
    if grade != "N" or side.kind != "course" or len(others) != 1:
        return grade, reason
    turned = _TURNED.get(_own_rating(item, others[0], sides, case, exclusive)[0], "N")[:1]
    if turned == "N":
        return grade, reason
    how = "counts against" if turned == "C" else "supports"
    return turned, f"it {how} H{sides.index(others[0]) + 1}, and only one course can be taken"


def _own_rating(
    item: Claim, side: Claim, sides: Sequence[Claim], case: Case, exclusive: bool
) -> Rating:
    """Rate a cell by the item and this side alone."""
    if item.kind == "agreement" and item.text == side.text:
        holders = listed(item.fields.get("holders", who(item)).split("; "))
        return "CC", f"{holders} agree on it"
    if grounds(item, side):
        own = item.fields.get("support") == "strong" and item.speaker == side.speaker
        return "CC" if own else "C", f"{who(item)} gives it as a ground for this statement"
    if follows := _consequence(item, side, sides):
        return follows
    if contradiction := opposed(item, side, case):
        firm = exclusive and credibility(item) == "high"
        return "II" if firm else "I", contradiction
    return _by_rival(item, side, sides, case, exclusive) or _by_terms(item, side, case)


def scope(side: Claim) -> frozenset[str]:
    """Return the stems of *side*, with those of the course that it puts more exactly."""
    return side.terms | frozenset(content_words(side.fields.get("course", "")))


def _valence(text: str) -> int:
    """Return 1, -1 or 0 as *text* is about something welcome, unwelcome or neither."""
    return cues.polarity(text) or -cues.has("negation", text)


def _consequence(item: Claim, side: Claim, sides: Sequence[Claim]) -> Rating | None:
    """Rate a conditional by its consequence where its condition speaks of this course alone."""
    link = conditional(item.sentence)
    if side.kind not in ("course", "open") or link is None:
        return None
    condition, consequence = link
    named = set(content_words(condition)) & scope(side)
    rivals = [s for s in sides if s is not side and s.kind == "course"]
    if not named or any(named & scope(s) for s in rivals):
        return None
    light = _valence(consequence)
    if not light:
        return None
    sort = "welcome" if light > 0 else "unwelcome"
    said = f'if it comes about, {who(item)} expects something {sort}: "{consequence}"'
    return ("C" if light > 0 else "I"), said


def _on_condition(item: Claim, side: Claim, case: Case) -> Rating:
    """Rate a statement for a conditional course: trouble with its matter supports the course."""
    on = common_matter(item, side, case)
    trouble = cues.has("unsure", item.spoken) or _valence(item.text) < 0
    if on and trouble:
        return "C", f"it tells of trouble with {on}, which the condition is about"
    if on and cues.strength("obligation", item.text) >= 0.6:
        return "C", f"it makes a demand on {on}, as the condition does"
    return "N", f"it is about {matter(item, case)}, which the condition does not name"


def _by_rival(
    item: Claim, side: Claim, sides: Sequence[Claim], case: Case, exclusive: bool
) -> Rating | None:
    """Rate an item against *side* if the holder of a rival statement says it for that rival."""
    rival = next((s for s in sides if s is not side and s.speaker == item.speaker), None)
    if rival is None or not item.speaker or rival.speaker == side.speaker:
        return None
    place = sides.index(rival) + 1
    on = common_matter(item, side, case)
    if exclusive and grounds(item, rival):
        return "I", f"{item.speaker} gives it as a ground for H{place}, the rival statement"
    against = _valence(item.text) * (_sign(side)) < 0 or cues.has("disagreement", item.text)
    if rival.kind == "denial" and _agree(item, side, case) and against:
        return "I", f"{item.speaker}, who doubts it, says this on {on}"
    if exclusive and rival.kind != "denial" and _agree(item, rival, case):
        return "I", f"{item.speaker} says it in favour of H{place}, which excludes this"
    return None


def _sign(side: Claim) -> int:
    return cues.polarity(side.text) or (-1 if denies(side) else 1)


def _by_terms(item: Claim, side: Claim, case: Case) -> Rating:
    """Rate a cell by the shared matter, its evaluation and the speaker."""
    if not _agree(item, side, case):
        about, other = matter(item, case), matter(side, case)
        if about == other:
            return "N", f"it speaks of {about} but not of this"
        return "N", f"it is about {about}, not about {other}"
    on = common_matter(item, side, case)
    unsure = item.kind == "doubt" or cues.has("unsure", item.text)
    if unsure and relatedness(item, side, case) >= 0.3:
        return "I", f"{who(item)} leaves open what it says of {on}"
    light = 0 if unsure else cues.polarity(item.text)
    if light and light == _sign(side):
        shows = "favourable" if light > 0 else "unfavourable"
        return "C", f"what it says of {on} is {shows}, as the hypothesis would have it"
    if light:
        shows = "favourable" if light > 0 else "unfavourable"
        return "I", f"what it says of {on} is {shows}, where the hypothesis has the opposite"
    stressed = cues.strength("booster", item.text) >= 0.6
    if stressed or cues.strength("obligation", item.text) >= 0.6:
        return "C", f"it puts weight on {on}, as the hypothesis does"
    if item.speaker and item.speaker == side.speaker:
        return "C", f"{item.speaker}, who holds it, adds this on {on}"
    if denies(item):
        return "N", f"it denies something of {on}, but not this"
    return "N", f"it speaks of {on} too but takes no side"


def _agree(item: Claim, side: Claim, case: Case) -> bool:
    """Return whether both concern the same matter.

    They share a noun phrase and, from one mouth, a quarter of their weight; otherwise three terms,
    or two of few, since two may be one name such as "monetary policy".
    """
    if not common_matter(item, side, case):
        return False
    shared, near = shared_terms(item, side, case), relatedness(item, side, case)
    same = bool(item.speaker) and item.speaker == side.speaker
    many = len(shared) > 2 or (len(shared) > 1 and len(side.terms) < 6)
    return (many and near >= 0.15) or (same and len(shared) > 1 and near >= 0.25)


def milestones(case: Case, sides: Sequence[Claim]) -> list[tuple[str, Claim]]:
    """Return what would change the ranking: tests, open questions, conditions not yet met."""
    found: list[tuple[str, Claim]] = []

    def bears(claim: Claim) -> bool:
        return any(len(claim.terms & scope(side)) > 0 for side in sides)

    tested = [c for c in case.of("conjecture") if c.fields.get("test") and c.completeness >= 0.4]
    tests = [
        (f"The outcome of a test of {quoted(c, 90)}: {c.fields['test'].rstrip('.')}.", c)
        for c in tested
    ]
    found += [(text, claim) for text, claim in tests if bears(claim)][:2]
    for claim in filter(bears, case.of("condition")):
        found.append((f"Whether this comes about: {quoted(claim, 120)} ({who(claim)}).", claim))
    for claim in filter(bears, case.of("question")):
        found.append((f"An answer to what {who(claim)} leaves open: {quoted(claim, 120)}", claim))
    for claim in filter(bears, case.of("doubt")):
        found.append((f"What settles this doubt of {who(claim)}: {quoted(claim, 120)}.", claim))
    for claim in filter(bears, case.of("commitment")):
        if claim.fields.get("strength") == "conditional":
            text = f"The condition that {who(claim)} sets is met or fails: {quoted(claim)}."
            found.append((text, claim))
    found += tests[:1]
    for side in [s for s in sides if s.kind != "denial"][: 2 if not found else 0]:
        text = f"A record or a measurement that bears out or refutes {quoted(side, 110)}."
        found.append((text, side))
    firsts: dict[object, tuple[str, Claim]] = {}
    for text, claim in found:
        firsts.setdefault(claim.evidence[:1] or text, (text, claim))
    return list(firsts.values())[:6]
